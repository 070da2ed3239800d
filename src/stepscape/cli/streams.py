"""The streams of a process, whatever they are: closed, full, a pipe that nobody reads, of any encoding."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import TextIO

from stepscape.errors import OutputError, printable

_READABLE = "stepscape.readable"  # as Python names what to do with characters that an encoding does not have
_LAYOUT = re.compile(r"[^\n\t]+")  # what stands between line ends and tabs, which are ours
_SPELLINGS = {
    "λ": "lambda", "−": "-", "–": "-", "—": "-", "…": "...", "’": "'", "≤": "<=", "≥": ">=", "≠": "!=",
    "≈": "~", "±": "+/-", "×": "x", "·": "*", "√": "sqrt", "∞": "inf", "½": "1/2", "¼": "1/4", "‖": "||",
    "→": "->", "←": "<-", "●": "*", "○": "o", "◐": "~", "✕": "x", "△": "^", "∅": "0", "∫": "integral ",
}  # fmt: skip


class NobodyReads(BrokenPipeError):
    """Whoever read our output has seen enough."""


def prepare() -> None:
    """Let stdout and stderr take every text; what is closed is replaced by the null device.

    A closed descriptor would go to the next file that is opened, which would then hold our messages.
    """
    _keep_descriptors()
    codecs.register_error(_READABLE, _readable)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_READABLE)


def write(text: str) -> None:
    """Write lines of a result to stdout.

    Raises
    ------
    NobodyReads
        The pipe is closed at its other end.
    OutputError
        stdout cannot be written, for instance because its disk is full.
    """
    with _stdout():
        print(_LAYOUT.sub(lambda found: printable(found[0]), text))


def flush() -> None:
    """Send what was written; raises as `write`."""
    with _stdout():
        sys.stdout.flush()


def say(text: str) -> None:
    """Write one line to stderr; if that is impossible, nobody is there to be told."""
    try:
        print(printable(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _give_up(sys.stderr)


@contextlib.contextmanager
def _stdout() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        _give_up(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise NobodyReads from error
        reason = str(getattr(error, "strerror", None) or error)
        raise OutputError(f"cannot write to standard output: {reason[:1].lower()}{reason[1:]}") from error


def _give_up(stream: TextIO) -> None:
    """Turn a stream that failed to the null device: else Python tries again when it ends, and says so."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()


def _keep_descriptors() -> None:
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)


def _readable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spelled, error.object[error.start : error.end])), error.end


def _spelled(character: str) -> str:
    """Spell a character in ASCII: λ as lambda, ² as ^2, é as e, and what has no spelling as an escape."""
    if character in _SPELLINGS:
        return _SPELLINGS[character]
    name, parts = unicodedata.name(character, "").split(), unicodedata.decomposition(character).split()
    if name[:1] == ["GREEK"] and len(name) == 4:
        return name[3].capitalize() if name[1] == "CAPITAL" else name[3].lower()
    if parts[:1] in (["<super>"], ["<sub>"]):
        sign = {"<super>": "^", "<sub>": "_"}[parts[0]]
        return sign + "".join(_spelled(chr(int(part, 16))) for part in parts[1:])
    if unicodedata.combining(character):
        return ""
    letters = unicodedata.normalize("NFD", character).encode("ascii", "ignore").decode()
    return letters or character.encode("ascii", "backslashreplace").decode()
