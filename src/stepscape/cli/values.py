"""Words of a command line → values, or one sentence about what they must be."""

from __future__ import annotations

import math
from collections.abc import Iterable

from stepscape.errors import InputError, bad, unknown


def positive(name: str, text: str) -> float:
    """Read a finite positive number."""
    value = _float(name, text, "be finite and positive")
    if not (math.isfinite(value) and value > 0):
        raise bad(name, "be finite and positive", text)
    return value


def whole(name: str, text: str) -> int:
    """Read a whole number that is not negative."""
    try:
        value = int(text)
    except ValueError:
        raise bad(name, "be a whole number, at least 0", repr(text)) from None
    if value < 0:
        raise bad(name, "be a whole number, at least 0", text)
    return value


def choice(name: str, text: str, known: Iterable[str]) -> str:
    """Read one of the known words."""
    if text not in known:
        raise unknown(name, text, known)
    return text


def assignments(pairs: Iterable[str], option: str = "--set") -> dict[str, str]:
    """Read ``key=value`` pairs; the last of a key counts."""
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise InputError(f"{option} must be of the form key=value, got {pair!r}")
        settings[key.strip()] = value
    return settings


def _float(name: str, text: str, must: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise bad(name, must, repr(text)) from None
