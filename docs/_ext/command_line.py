"""The command-line reference: what the commands say of themselves, so that it cannot go stale."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from stepscape.cli.app import app


def markdown() -> str:
    """Return a section for each command: usage, help, arguments and options."""
    group = typer.main.get_command(app)
    return "\n".join(
        line
        for name, command in group.commands.items()
        for line in _section(name, command)
    )


def _section(name: str, command: Any) -> Iterator[str]:
    shown = [
        parameter
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
    ]
    arguments = [
        parameter for parameter in shown if parameter.param_type_name == "argument"
    ]
    options = [
        parameter for parameter in shown if parameter.param_type_name == "option"
    ]
    yield from (f"### {name}", "", "```text")
    words = [parameter.metavar or parameter.name.upper() for parameter in arguments]
    words += [
        f"{parameter.opts[0]} {parameter.metavar}"
        for parameter in options
        if parameter.required
    ]
    yield " ".join(["stepscape", name, *words, "[OPTIONS]"])
    yield from ("```", "", inspect.cleandoc(command.help or ""), "")
    for parameter in [*arguments, *options]:
        yield from _parameter(parameter)


def _parameter(parameter: Any) -> Iterator[str]:
    words = parameter.metavar or parameter.name.upper()
    flag = parameter.param_type_name == "option" and not parameter.is_flag
    if parameter.param_type_name == "option":
        words = (
            f"{parameter.opts[0]} {parameter.metavar or ''}".strip()
            if flag
            else parameter.opts[0]
        )
    text, _, told = (parameter.help or "").removesuffix("]").partition("[default: ")
    default = told or (parameter.default if isinstance(parameter.default, str) else "")
    yield from (
        f"`{words}`",
        f": {text.strip()}" + (f" Default: `{default}`." if default else ""),
        "",
    )


class CommandLine(SphinxDirective):
    """The directive `{command-line}`."""

    def run(self) -> list[nodes.Node]:
        """Render the Markdown of all commands in the page."""
        self.env.note_reread()  # the code may have changed
        return self.parse_text_to_nodes(markdown(), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}
