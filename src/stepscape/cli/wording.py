"""Whatever went wrong → one sentence and an exit status."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from typing import Any

from typer import BadParameter

from stepscape.errors import InputError, StepscapeError, Unavailable, nearest

COULD_NOT, WRONG_INPUT = 1, 2
_LONGEST = 600  # characters: three lines of a wide terminal
_LONGEST_NAME = 120  # characters of a file or a column in a sentence
# A quoted name, whose quotes are no apostrophes, or a word.
_WORD = re.compile(r"(?<!\w)'[^']*'(?!\w)|[^\s']+")

# The parser's own base of every complaint about a command line; typer exports only this child of it.
UsageError: type[Exception] = BadParameter.__bases__[0]


def status(error: Exception) -> int:
    """Exit status: 2 where the user can mend the command line or the file, else 1."""
    too_long = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
    return WRONG_INPUT if too_long or isinstance(error, InputError | Unavailable | UsageError) else COULD_NOT


def sentence(error: Exception) -> str:
    """Return what went wrong in one sentence on one line."""
    if isinstance(error, UsageError):
        return _one_line(_usage(error))
    if isinstance(error, StepscapeError):
        return _one_line(str(error))
    if isinstance(error, MemoryError):
        return "not enough memory to complete this"
    if isinstance(error, OSError):
        of = f" {os.fspath(error.filename)!r}" if error.filename else ""
        return _one_line(f"could not read or write{of}: {error.strerror or error}")
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _one_line(f"unexpected {what}; this is a defect: please report what --debug prints")


def _usage(error: Any) -> str:
    complaint = _COMPLAINTS.get(type(error).__name__, _other)
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "stepscape"
    return f"{complaint(error)}; see '{path} --help'"


def _no_such_option(error: Any) -> str:
    parameters = error.ctx.command.params if error.ctx is not None else []
    known = [name for parameter in parameters for name in parameter.opts if name.startswith("--")]
    # Two dashes that all have in common make no two names alike.
    near = nearest(error.option_name.lstrip("-"), [name.lstrip("-") for name in known], cutoff=0.6)
    hint = f"did you mean '--{near}'? " if near else ""
    return f"unknown option {error.option_name!r}; {hint}known: {', '.join(known)}"


def _missing(error: Any) -> str:
    parameter = error.param
    name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
    return f"the command needs {name!s}"


def _bad_value(error: Any) -> str:
    name = error.param.opts[0] if error.param is not None else "value"
    return f"{name}: {_plain(error.message)}"


def _other(error: Any) -> str:
    return _plain(error.message)


_COMPLAINTS: dict[str, Callable[[Any], str]] = {
    "NoSuchOption": _no_such_option,
    "MissingParameter": _missing,
    "BadParameter": _bad_value,
}


def _plain(message: str) -> str:
    extra = re.fullmatch(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", message, flags=re.DOTALL)
    if extra:
        return f"the command takes no further arguments, got {extra[1]!r}"
    text = message.strip().rstrip(".")
    return text[:1].lower() + text[1:]


def _one_line(text: str) -> str:
    line = _WORD.sub(_short, " ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _short(found: re.Match[str]) -> str:
    """Keep both ends of a name that would hide what the sentence says of it."""
    name, half = found[0], _LONGEST_NAME // 2
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:half]}…{name[-half:]} ({len(name.strip(chr(39)))} characters)"
