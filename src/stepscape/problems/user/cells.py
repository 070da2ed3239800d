"""Cells of text → numbers: decimal marks, thousands separators, missing values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError

GOOD, MISSING, INFINITE, TEXT = range(4)

_MISSING = frozenset(
    (
        "",
        ".",
        "..",
        "-",
        "--",
        "---",
        "–",
        "—",
        "?",
        "na",
        "n/a",
        "#n/a",
        "<na>",
        "nan",
        "nil",
        "null",
        "none",
    )
)
_INFINITE = re.compile(r"[+-]?(?:inf|infinity|∞|1\.#inf)", re.IGNORECASE)
_SPACES = " \u00a0\u202f\u2009'’"  # what people put between groups of three digits, besides the two marks


def _grammar(mark: str, group: str) -> re.Pattern[str]:
    plain = rf"\d+(?:{mark}\d*)?|{mark}\d+"
    grouped = rf"[1-9]\d{{0,2}}(?P<groups>(?:{group}\d{{3}})+|(?:[{_SPACES}]\d{{3}})+)(?:{mark}\d*)?"
    return re.compile(rf"[+-]?(?:{grouped}|{plain})(?:[eE][+-]?\d+)?", re.ASCII)


_POINT = _grammar(r"\.", ",")
_COMMA = _grammar(",", r"\.")
_TO_POINT = str.maketrans("", "", "," + _SPACES)
_TO_COMMA = str.maketrans(",", ".", "." + _SPACES)


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers: ``values`` (n,), not a number where ``faults`` (n,) is not ``GOOD``."""

    values: NDArray[np.float64]
    faults: NDArray[np.int8]


@dataclass(frozen=True)
class Marks:
    """First cells that show how a column writes numbers: the index of each, or -1.

    ``point`` and ``comma``: cells with one meaning only, "1.5" and "1,5". ``maybe_point`` and
    ``maybe_comma``: "1.234" and "1,234", a fraction or a thousand. ``grouped``: the thousands separator of a
    cell such as "1,234.5" or "1.234.567", which has one meaning only; else "".
    """

    point: int = -1
    comma: int = -1
    maybe_point: int = -1
    maybe_comma: int = -1
    grouped: str = ""


def tidy(cell: str) -> str:
    """Trim a cell and write its minus sign as a hyphen."""
    return cell.strip().replace("\u2212", "-")


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value: empty, NA, NaN, null, a lone point, dash or question mark."""
    return cell.strip().lower() in _MISSING


def is_number(cell: str) -> bool:
    """Whether a cell is a number under one of the two decimal marks."""
    text = tidy(cell)
    return bool(_POINT.fullmatch(text) or _COMMA.fullmatch(text))


def find_marks(cells: Sequence[str]) -> Marks:
    """Find the first cell of each kind that tells how numbers are written."""
    first = {"point": -1, "comma": -1, "maybe_point": -1, "maybe_comma": -1}
    grouped = ""
    for i, cell in enumerate(cells):
        if "." not in cell and "," not in cell:
            continue
        text = tidy(cell)
        point, comma = _POINT.fullmatch(text), _COMMA.fullmatch(text)
        if point and comma:
            kind = "maybe_point" if "." in text else "maybe_comma"
        elif point or comma:
            kind = "point" if point else "comma"
            match = point or comma
            groups = match["groups"] if match else None
            grouped = grouped or (groups[0] if groups and groups[0] in ".," else "")
        else:
            continue
        if first[kind] < 0:
            first[kind] = i
    return Marks(**first, grouped=grouped)


def decimal_mark(marks: Marks, file_mark: str = "", delimiter: str = ",") -> str:
    """Decide the decimal mark of a column, "." or ",", or "" where its cells contradict each other.

    A cell with one meaning decides. It is contradicted by one of the other kind, and by a doubtful one that
    would have to be a thousand ("1,234" beside "1.5") unless another cell shows that separator ("1,234.5"):
    a wrong guess would be wrong by a factor of 1000. Doubtful cells alone follow ``file_mark``, the mark of
    the rest of the file; failing that "1.234" is a fraction, and "1,234" is one if ``delimiter`` is ";",
    a thousand if it is "," and undecidable otherwise.
    """
    point, comma = marks.point >= 0, marks.comma >= 0
    if point or comma:
        doubtful = marks.maybe_comma >= 0 if point else marks.maybe_point >= 0
        if (point and comma) or (doubtful and not marks.grouped):
            return ""
        return "." if point else ","
    if marks.maybe_point >= 0 and marks.maybe_comma >= 0:
        return ""
    if file_mark or marks.maybe_comma < 0:
        return file_mark or "."
    return {";": ",", ",": "."}.get(delimiter, "")


def parse(cells: Sequence[str], mark: str) -> Numbers:
    """Read cells as numbers with the decimal mark ``mark``.

    Every number without separators is read to the nearest float64 (a shortest decimal form comes back bit for
    bit). Beyond the range of float64 it counts as infinite.
    """
    grammar, table = (_COMMA, _TO_COMMA) if mark == "," else (_POINT, _TO_POINT)
    values = np.full(len(cells), np.nan)
    faults = np.zeros(len(cells), dtype=np.int8)
    for i, cell in enumerate(cells):
        text = tidy(cell)
        if grammar.fullmatch(text):
            values[i] = float(text.translate(table))
        elif text.lower() in _MISSING:
            faults[i] = MISSING
        else:
            faults[i] = INFINITE if _INFINITE.fullmatch(text) else TEXT
    return _mark_infinite(values, faults)


def from_array(values: NDArray[np.float64]) -> Numbers:
    """Take a numeric column; not a number counts as missing."""
    faults = np.where(np.isnan(values), MISSING, GOOD).astype(np.int8)
    return _mark_infinite(np.array(values, dtype=np.float64), faults)


def contradiction(marks: Marks, cells: Sequence[str], column: str, lines: Sequence[int]) -> InputError:
    """Word the refusal of a column whose decimal mark cannot be decided."""
    found = [marks.point, marks.maybe_point, marks.comma, marks.maybe_comma]
    shown = [f"{cells[i].strip()!r} (line {lines[i]})" for i in found if i >= 0]
    if len(shown) == 1:
        return InputError(
            f"column {column!r} is ambiguous: {shown[0]} may be a fraction or a thousand; "
            "write it without thousands separators"
        )
    by_mark = [shown[0], shown[-1]]
    return InputError(f"column {column!r} mixes decimal marks: {' and '.join(by_mark)}; write one throughout")


def _mark_infinite(values: NDArray[np.float64], faults: NDArray[np.int8]) -> Numbers:
    infinite = np.isinf(values)
    values[infinite] = np.nan
    faults[infinite] = INFINITE
    return Numbers(values, faults)
