"""What all parts of a user's run have in common, and the bounds of their counts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stepscape.errors import bad

MOST = 10_000_000  # inputs, neurons, records or points: beyond it a number is a slip of the keyboard


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of a run that come in one kind."""


def between(name: str, value: int, least: int) -> None:
    """Refuse a count that is out of range."""
    if not least <= value <= MOST:
        raise bad(name, f"lie between {least} and {MOST}", value)


def either(words: Sequence[str]) -> str:
    """Join words as in "a, b or c"."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
