"""What can go wrong, and the one helper that words a bad argument."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["InputError", "NotConverged", "OutputError", "StepscapeError", "Unavailable"]

# Controls (C0, DEL, C1), separators of lines, bidirectional controls, surrogates (which no encoding writes).
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


LISTED = 480  # letters of a list of names in a sentence


class StepscapeError(Exception):
    """Anything stepscape refuses or could not do; its text is one sentence for the user."""


class InputError(StepscapeError, ValueError):
    """What the user gave cannot be used (command line: exit status 2)."""


class BeyondRange(InputError):
    """A number that was asked for is too large for float64."""


class OutputError(StepscapeError, OSError):
    """A file could not be read or written although the request made sense (exit status 1)."""


class NotConverged(StepscapeError):
    """An iteration spent its budget before reaching its tolerance."""


class Unavailable(StepscapeError, ImportError):
    """An optional dependency is not installed; the sentence says which extra brings it."""


def bad(name: str, must: str, got: object, then: str = "") -> InputError:
    """Word a bad argument: what must hold, what came, what to do.

    >>> print(bad("step_size", "be finite and positive", -1.0))
    step_size must be finite and positive, got -1.0
    """
    return InputError(f"{name} must {must}, got {got}" + (f"; {then}" if then else ""))


def beyond_range(what: str) -> BeyondRange:
    """Word a result that float64 cannot hold.

    >>> print(beyond_range("the loss"))
    the loss must be finite, got a number beyond 1.8e308; rescale the labels, the inputs or the network
    """
    got, then = "a number beyond 1.8e308", "rescale the labels, the inputs or the network"
    return BeyondRange(str(bad(what, "be finite", got, then)))


def expect(name: str, value: object, kind: type) -> None:
    """Refuse an argument of another type, such as one in the place of its neighbor.

    >>> expect("method", 0.1, dict)
    Traceback (most recent call last):
        ...
    stepscape.errors.InputError: method must be a dict, got a float
    """
    if not isinstance(value, kind):
        raise bad(name, f"be {_a(kind.__name__)}", _kind(value))


def shown(value: object, most: int = 60) -> str:
    """Show what came: a number or a short text as it is, anything else by its kind.

    >>> shown(1.5), shown("tend"), shown([1, 2]), shown(10**5000), shown(float)
    ('1.5', "'tend'", 'a list', 'a whole number of 16610 bits', 'the class float')
    """
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()  # type: ignore[attr-defined]
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a whole number of {value.bit_length()} bits"
    empty = isinstance(value, list | tuple | dict) and not value
    if empty or value is None or isinstance(value, bool | int | float | complex | str | bytes):
        text = repr(value)
        return text if len(text) <= most else f"{text[: most - 1]}…"
    return _kind(value)


def _kind(value: object) -> str:
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    shape = getattr(value, "shape", None)
    size = f" of shape {tuple(shape)}" if isinstance(shape, tuple) and shape else ""
    return f"{_a(type(value).__name__.replace('ndarray', 'array').removesuffix('Type'))}{size}"


def _a(noun: str) -> str:
    return f"{'an' if noun[:1] in 'AEIOUaeio' else 'a'} {noun}"


def unknown(kind: str, name: object, known: Iterable[str]) -> InputError:
    """Word an unknown name: suggest the nearest known one, then list them, all if they are few."""
    names = list(known)
    if not isinstance(name, str):
        return bad(kind, f"be one of {listed(names)}", shown(name))
    near = nearest(name, names)
    hint = f"did you mean {near!r}? " if near else ""
    return InputError(f"unknown {kind} {name!r}; {hint}known: {listed(names)}")


def listed(names: list[str]) -> str:
    """List names; of many only the first, and how many there are."""
    whole = ", ".join(names) or "none"
    if len(whole) <= LISTED:
        return whole
    return f"{whole[:LISTED].rpartition(', ')[0]} and others, {len(names)} in all"


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Return the known name most like another, whatever its case; "" where none is like it.

    >>> nearest("X", ["y", "x"]), nearest("age", ["x", "y"])
    ('x', '')
    """
    folded = {known_name.casefold(): known_name for known_name in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return folded[near[0]] if near else ""


def printable(text: str) -> str:
    r"""Show a text of a file as it may be printed: what would act on a terminal stands as Python escapes it.

    >>> print(printable(chr(27) + "]0;title" + chr(7) + " and naïve"))
    \x1b]0;title\x07 and naïve
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def __dir__() -> list[str]:
    return sorted(__all__)
