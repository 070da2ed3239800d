"""Docstrings of stepscape are plain text with Unicode formulas; make reStructuredText leave them alone.

``|f''|g``, ``w2_j*`` and ``step_size_`` would be markup, and an indented formula a quotation.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any

_RULE = re.compile(r"-{3,}\s*$")
_NAMED = re.compile(r"^(?P<name>[\w*][\w*, ]*) : (?P<text>.+)$")
_TYPE = re.compile(
    r"(array_like|ndarray|float|int|str|bool|callable|tuple|dict|list|object|optional"
    r"|mapping|None|\"|\{|\(|[A-Z]\w+( or \w+)*$)"
)
_ENTRIES = {"Parameters", "Attributes", "Returns", "Raises", "Other Parameters"}


def plain(lines: list[str]) -> list[str]:
    """Return the docstring as reStructuredText that shows what was written."""
    out: list[str] = []
    section = ""
    for i, line in enumerate(lines):
        following = lines[i + 1] if i + 1 < len(lines) else ""
        if line.strip() and _RULE.match(following):
            section = line.strip()
        if line.startswith("Source:") and section in _ENTRIES:
            section = "Notes"
            out += ["Notes", "-----"]
        if section in _ENTRIES:
            out += _entry(line)
        elif line.startswith(" ") and not _is_item(line):
            out += _formula(line, out)
        else:
            out.append(
                line if _RULE.match(line) or line.startswith(">>>") else escape(line)
            )
    return out


def _entry(line: str) -> list[str]:
    """An entry whose text stands on its own line is a name with a description, not a name with a type."""
    named = _NAMED.match(line)
    if not named:
        return [line if _RULE.match(line) else escape(line)]
    # `:ivar left, right:` would be a name and a type, so no space between the names.
    name, text = escape(named["name"]).replace(", ", ","), escape(named["text"])
    return [f"{name} : {text}"] if _TYPE.match(named["text"]) else [name, f"    {text}"]


def _formula(line: str, before: list[str]) -> list[str]:
    """An indented block is shown as it is; `::` opens it unless the line above belongs to it."""
    above = before[-1] if before else ""
    inside = above.startswith("   ")
    return (
        [f"    {line}"]
        if inside
        else [*([] if not above else [""]), "::", "", f"    {line}"]
    )


def _is_item(line: str) -> bool:
    return line.lstrip().startswith(("- ", ">>>"))


def escape(line: str) -> str:
    """Escape what reStructuredText would read as markup, outside literals."""
    parts = re.split(r"(``.*?``|`[^`]*`)", line)
    for i in range(0, len(parts), 2):
        text = re.sub(r"([|*])", r"\\\1", parts[i])
        parts[i] = re.sub(r"(?<=\w)_(?!\w)", r"\\_", text)
    return "".join(parts)


def _process(
    _app: Any, what: str, name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    if name.startswith("stepscape"):
        blanks = sum(1 for _ in takewhile(lambda line: not line.strip(), lines))
        # Napoleon reads "type: description" off the first line of a property; an empty comment stops it.
        first = ["..", ""] if what in ("attribute", "property") else []
        lines[:] = first + plain(lines[blanks:])


def setup(app: Any) -> dict[str, bool]:
    """Run before napoleon, which has priority 500."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    return {"parallel_read_safe": True}
