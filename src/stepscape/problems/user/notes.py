"""What was guessed about a table and matters to the columns that are used: one sentence for each guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stepscape.problems.user.dropped import listed
from stepscape.problems.user.table import GUESSED, Array, RawTable, clip

# Numbers that programs write for a missing value, besides those of nines.
_FILL = frozenset(
    (32767.0, 32768.0, 2147483647.0, 2147483648.0, 8888.0, 999.25, 1e20, 1e30, 1e34, 1e35, 1e36, 1e37)
)
# Signs that names of measurements hold, and that most encodings of the West have in the same place.
_USUAL = frozenset("°²³±×·µ€£%‰’‘“”„–—…\u00a0")
_FAR = 99.0  # what a negative number of nines must reach beside numbers that are all positive


def of_table(table: RawTable, names: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Say what was guessed about the file, if a name or a class that is used depends on it."""
    return [*table.notes, *_letters(table, [*names, *classes]), *_positions(table, names)]


def sentinel(column: str, values: Array) -> list[str]:
    """Say that a column holds a number such as -9999, far from all others, that may mean no value."""
    for value in (float(values.min()), float(values.max())):
        others = values[values != value]
        if others.size and _stands_for_nothing(value) and _is_far(value, others):
            rows = values.size - others.size
            return [
                f"column {clip(column)!r} holds {value:.6g} in {rows} row{'s' if rows > 1 else ''}, far from "
                f"its other values ({others.min():.6g} to {others.max():.6g}): if it stands for a missing "
                "value, leave these cells empty"
            ]
    return []


def loss_of_rows(rows: int, dropped: Mapping[str, int]) -> list[str]:
    """Say that more than half of the rows were dropped."""
    lost = sum(dropped.values())
    return [f"{lost} of {rows} rows were dropped: {listed(dropped)}"] if 2 * lost > rows else []


def _letters(table: RawTable, texts: Sequence[str]) -> list[str]:
    """Say that letters come from an encoding that nothing in the file tells, and what else they could be."""
    doubtful = [text for text in texts if _is_doubtful(text)]
    if table.encoding not in GUESSED or not doubtful:
        return []
    else_read = [_as_cyrillic(text, table.encoding) for text in doubtful]
    hint = f" (in cp1251: {_quoted(else_read)})" if all(else_read) else ""
    return [
        f"{table.source!r} was read as {table.encoding}, which is a guess, and {_quoted(doubtful)} "
        f"depend{'s' if len(doubtful) == 1 else ''} on it{hint}; if a letter is wrong, save the file as UTF-8"
    ]


def _is_doubtful(text: str) -> bool:
    """Whether another encoding may read a character otherwise: all but a usual sign that is in no word."""
    inside = (
        c in _USUAL and text[i - 1].isalpha() and text[i + 1].isalpha() for i, c in enumerate(text[:-1]) if i
    )
    return any(not c.isascii() and c not in _USUAL for c in text) or any(inside)


def _as_cyrillic(text: str, encoding: str) -> str:
    """Read a text again as cp1251; "" if that mixes two alphabets."""
    try:
        other = text.encode(encoding).decode("cp1251")
    except UnicodeError:
        return ""
    letters = [c for c in other if c.isalpha()]
    return other if all("\u0400" <= c <= "\u04ff" for c in letters) else ""


def _quoted(texts: Sequence[str]) -> str:
    return " and ".join(repr(clip(text, 40)) for text in texts)


def _positions(table: RawTable, names: Sequence[str]) -> list[str]:
    """Say that a number was taken for a position although the first row of data holds it too."""
    first = next((cells for line, cells in table.top if len(table.lines) and line == table.lines[0]), ())
    doubtful = [name for name in names if name in first]
    if table.header or not doubtful:
        return []
    return [
        f"the first line of {table.source!r} was read as data, and {_quoted(doubtful)} as the position of a "
        "column; if that line names the columns, write names that are not numbers"
    ]


def _stands_for_nothing(value: float) -> bool:
    digits = f"{abs(value):.10g}".replace(".", "")
    return (len(digits) > 1 and set(digits) == {"9"}) or abs(value) in _FILL or abs(value) > 9e36


def _is_far(value: float, others: Array) -> bool:
    low, high = float(others.min()), float(others.max())
    half = 0.5 * others  # so that no difference overflows
    gap = float(np.abs(half - 0.5 * value).min())
    return low < high and (gap > 0.5 * high - 0.5 * low or value <= -_FAR < 0.0 <= low)
