"""How a column writes numbers: which of point and comma is its decimal mark."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from stepscape.errors import InputError
from stepscape.problems.user.cells import COMMA, POINT, tidy
from stepscape.problems.user.table import Lines, clip

_OTHER = {".": ",", ",": "."}
_NAMES = {".": "point", ",": "comma"}


@dataclass(frozen=True)
class Marks:
    """First cells that show how a column writes numbers: the index of each, or -1.

    ``point`` and ``comma``: cells with one meaning only, "1.5" and "1,5". ``maybe_point`` and
    ``maybe_comma``: "1.234" and "1,234", a fraction or a thousand; ``round``: one that ends with 0, "1.050".
    ``whole``: a whole number of at most three digits; ``long``: one of more, plain or with spaces.
    ``grouped``: the thousands separator of a cell such as "1,234.5" or "1.234.567", which has one meaning
    only; else "".
    """

    point: int = -1
    comma: int = -1
    maybe_point: int = -1
    maybe_comma: int = -1
    round: int = -1
    whole: int = -1
    long: int = -1
    grouped: str = ""

    @property
    def tell(self) -> bool:
        """Whether any cell has a mark."""
        return max(self.point, self.comma, self.maybe_point, self.maybe_comma) >= 0


@dataclass(frozen=True)
class Reading:
    """The decimal mark of a column, "" if nothing decides; and the cell that it was guessed for, or -1."""

    mark: str
    guessed: int = -1


def find_marks(cells: Sequence[str]) -> Marks:
    """Find the first cell of each kind that tells how numbers are written."""
    first: dict[str, int] = {}
    grouped = ""
    for i, cell in enumerate(cells):
        points, comma = cell.count("."), "," in cell
        if not points and not comma:
            if kind := _kind_of_whole(cell, first):
                first[kind] = i
            continue
        if ("point" in first and points == 1 and not comma) or ("comma" in first and comma and not points):
            continue  # it tells nothing new
        text = tidy(cell)
        as_point, as_comma = POINT.fullmatch(text), COMMA.fullmatch(text)
        if as_point and as_comma:
            first.setdefault("maybe_comma" if comma else "maybe_point", i)
            if text.endswith("0"):
                first.setdefault("round", i)
        elif match := as_point or as_comma:
            first.setdefault("point" if as_point else "comma", i)
            groups = match["groups"]
            grouped = grouped or (groups[0] if groups and groups[0] in ".," else "")
    return Marks(**first, grouped=grouped)


def _kind_of_whole(cell: str, known: Container[str]) -> str:
    """Name the kind of whole number that a cell is, if its kind is not known yet; else return ""."""
    if "whole" in known and "long" in known:
        return ""
    digits = tidy(cell).lstrip("+-")
    if not POINT.fullmatch(digits) or "e" in digits.lower():
        return ""
    kind = "whole" if len(digits) <= 3 else "long"
    return "" if kind in known else kind


def certain_mark(marks: Marks, delimiter: str = ",") -> str:
    """Return the decimal mark that the cells of a column show by themselves; "" if they show none.

    A cell with one meaning shows it. It is contradicted by one of the other kind, and by a doubtful one that
    would have to be a thousand ("1,234" beside "1.5") unless another cell shows that separator ("1,234.5"): a
    wrong guess would be wrong by a factor of 1000. So do doubtful cells with points, between semicolons,
    beside whole numbers below 1000 (800, 950, 1.000, 1.050).
    """
    if marks.point >= 0 or marks.comma >= 0:
        mark = "." if marks.point >= 0 else ","
        thousand = marks.maybe_comma if mark == "." else marks.maybe_point
        contradicted = (marks.point >= 0 and marks.comma >= 0) or (thousand >= 0 and not marks.grouped)
        return "" if contradicted else mark
    german = delimiter == ";" and marks.maybe_point >= 0 and marks.maybe_comma < 0
    return "," if german and marks.whole >= 0 and marks.round >= 0 and marks.long < 0 else ""


def read_marks(marks: Marks, other: str = "", delimiter: str = ",") -> Reading:
    """Decide the decimal mark of a column by its cells, then by another column that is used.

    Doubtful cells alone ("1.234" or "1,234") have the mark `other` of the other column. Failing that "1.234"
    is a fraction, and "1,234" is one if `delimiter` is ";", a thousand if it is ",", else undecidable.

    Beside whole numbers they may well be thousands: a column with fractions writes either no closing zeros or
    as many digits in every cell. They are a fraction there only if the other column says so and none ends
    with 0; thousands if the other column says so, or for "1,234" between commas; else undecidable.

    Parameters
    ----------
    marks
        What its cells show.
    other
        The decimal mark that the other column shows, or "".
    delimiter
        Of the file.
    """
    doubtful = max(marks.maybe_point, marks.maybe_comma)
    if marks.point >= 0 or marks.comma >= 0:
        return Reading(certain_mark(marks))
    if marks.maybe_point >= 0 and marks.maybe_comma >= 0:
        return Reading("")
    if doubtful < 0:
        return Reading(other or ".")
    mark = "." if marks.maybe_point >= 0 else ","
    if marks.long >= 0:
        return Reading("" if marks.round >= 0 or other == _OTHER[mark] else mark)
    if marks.whole >= 0:
        return _beside_whole_numbers(
            marks, mark, other or certain_mark(marks, delimiter), delimiter, doubtful
        )
    if other:
        surprising = (mark, delimiter, other) == (",", ";", ".")
        return Reading(other, doubtful if surprising else -1)
    if mark == ".":
        return Reading(mark, doubtful if delimiter == ";" else -1)
    return {";": Reading(","), ",": Reading(".", doubtful)}.get(delimiter, Reading(""))


def _beside_whole_numbers(marks: Marks, mark: str, other: str, delimiter: str, doubtful: int) -> Reading:
    if other == mark:
        return Reading("" if marks.round >= 0 else mark)
    if other:
        return Reading(other, doubtful)
    return Reading(".", doubtful) if mark == delimiter == "," else Reading("")


def undecidable(marks: Marks, cells: Sequence[str], column: str, lines: Lines) -> InputError:
    """Word the refusal of a column whose decimal mark cannot be decided."""

    def show(i: int) -> str:
        return f"{cells[i].strip()!r} (line {lines[i]})"

    found = [i for i in (marks.point, marks.maybe_point, marks.maybe_comma, marks.comma) if i >= 0]
    name = clip(column)
    if len(found) > 1:
        both = f"{show(found[0])} and {show(found[-1])}"
        return InputError(f"column {name!r} mixes decimal marks: {both}; write one throughout")
    whole = max(marks.whole, marks.long)
    beside = f" beside {show(whole)}" if whole >= 0 else ""
    return InputError(
        f"column {name!r} is ambiguous: {show(found[0])} may be a fraction or a thousand{beside}; write "
        "thousands without a separator, or every number with its decimals"
    )


def guess_note(column: str, cell: str, value: float, mark: str) -> str:
    """Say how a cell was read that could be a fraction or a thousand."""
    sign = "." if "." in cell else ","
    meaning = "the decimal mark" if sign == mark else "a thousands separator"
    return (
        f"column {clip(column)!r}: {cell.strip()!r} was read as {value:g}, with the {_NAMES[sign]} for "
        f"{meaning}, which is a guess"
    )
