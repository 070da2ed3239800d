"""What the parser does in our way: unknown commands, and the help of a command about one experiment."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from stepscape.errors import unknown

_WORDS = "stepscape.words"  # where a context keeps the words of its command
_WITH_VALUE = ("--set", "--out", "--executor", "--workers", "--scheduler")


class Commands(TyperGroup):
    """The commands; an unknown one is refused with the nearest known one."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command by its name."""
        found = TyperGroup.get_command(self, ctx, cmd_name)
        if found is None:
            raise unknown("command", cmd_name, self.list_commands(ctx))
        return found


class WithSettings(TyperCommand):
    """A command whose help ends with the settings of the experiment that is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Parse the words, and keep them for the help."""
        ctx.meta[_WORDS] = [*args]
        return TyperCommand.parse_args(self, ctx, args)

    def get_help(self, ctx: Any) -> str:
        """Word the help, with the settings of the experiment that is named."""
        said = TyperCommand.get_help(self, ctx)
        name = first_argument(ctx)
        if not name:
            return said
        from stepscape import experiments
        from stepscape.cli.setting_words import setting_lines

        return "\n".join([said, "", *setting_lines(experiments.get(name))])


def first_argument(ctx: Any) -> str:
    """Return the first word of a command that is neither an option nor its value; "" if there is none."""
    words = ctx.meta.get(_WORDS, [])
    values = {i + 1 for i, word in enumerate(words) if word in _WITH_VALUE}
    return next((w for i, w in enumerate(words) if i not in values and not w.startswith("-")), "")
