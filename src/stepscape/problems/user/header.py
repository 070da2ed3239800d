"""Which of the first rows of a text names the columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stepscape.errors import InputError
from stepscape.problems.user.cells import is_number
from stepscape.problems.user.missing import is_missing
from stepscape.problems.user.rows import Row, is_blank, mode
from stepscape.problems.user.table import clip

_COUNT = re.compile(r"\d{1,4}", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_YEAR = re.compile(r"[12]\d{3}", re.ASCII)
_NOTHING = dict.fromkeys(map(ord, "\ufeff\u200b\u2060"))  # characters without a width


@dataclass(frozen=True)
class Head:
    """The names of a table and where its rows begin.

    Attributes
    ----------
    names : one for each column; "1", "2", … where no line names them.
    named : whether a line does.
    last : the line above the first row of data.
    fixed : whether every row must have exactly so many cells.
    notes : a sentence for each guess.
    """

    names: tuple[str, ...]
    named: bool
    last: int
    fixed: bool
    notes: tuple[str, ...]


def find_head(rows: Sequence[Row], comment: Sequence[str], source: str, fixed: bool) -> Head:
    """Find the header among the first rows of a text, none of them blank.

    Parameters
    ----------
    rows
        Lines and cells.
    comment
        The cells of the last line above them that begins with "#".
    source
        For messages.
    fixed
        Whether every row must have as many cells as the header, because nothing tells which are missing.

    Raises
    ------
    InputError
        There is a header and nothing else.
    """
    cells = [row for _, row in rows]
    above = _titles(cells)
    first, below = cells[above], cells[above + 1 :]
    if comment[:1] in (["#"], [""]) and len(comment) == len(first) + 1:
        comment = comment[1:]  # the sign stands in a column of its own, as in "#<tab>x<tab>y"
    notes = _title_note([row for row in rows[:above] if any(map(str.strip, row[1]))], rows[above][0])
    last = rows[above][0]
    if not _is_data(first):
        named = _named_by_comment(first, below, comment)
        names, last = (list(comment), last - 1) if named else (first, last)
    elif _is_count(first, below):
        names = first
        notes.append(f"the first line, {clip(', '.join(first))}, was read as column names, not as data")
    elif len(comment) == len(first):
        names, last = list(comment), last - 1
    else:
        width = max(len(first), mode(map(_width, below)))
        positions = tuple(str(i + 1) for i in range(width))
        return Head(positions, False, last - 1, fixed, tuple(notes))
    rows_below = below if last == rows[above][0] else cells[above:]
    if not any(not is_blank(row) for row in rows_below):
        known = clip(", ".join(clean_names(names)), 200)
        raise InputError(f"{source!r} must hold rows of data, got only a header: {known}")
    if _has_row_names(names, rows_below):
        return Head(("", *clean_names(names)), True, last, True, tuple(notes))
    return Head(tuple(clean_names(names)), True, last, fixed, tuple(notes))


def clean_names(row: Sequence[str]) -> list[str]:
    """Names fit for one line of a terminal: white space collapsed, control characters replaced."""
    collapsed = (" ".join(cell.translate(_NOTHING).split()) for cell in row)
    return ["".join(c if c.isprintable() else "\ufffd" for c in name) for name in collapsed]


def _titles(rows: Sequence[Sequence[str]]) -> int:
    """Count the rows above the header: titles, and rows of empty cells."""
    usual = mode(map(_width, rows))
    full = next((i for i, row in enumerate(rows) if len(row) >= usual and _filled(row) > 1), 0)
    few = next((i for i, row in enumerate(rows) if _filled(row) > 1), 0)
    if few < full and any(is_number(cell) for row in rows[few : full + 1] for cell in row):
        return few  # a header of too few names
    while full + 1 < len(rows) and _is_wide_title(rows, full, usual):
        full += 1
    if full and any(map(is_number, rows[full])) and _names_one(rows[full - 1], usual):
        return full - 1
    return full


def _names_one(row: Sequence[str], usual: int) -> bool:
    """Whether a row with one name is a header: of two columns, or with the cells of all."""
    return _filled(row) == 1 and (len(row) >= usual or usual == 2)


def _width(row: Sequence[str]) -> int:
    """Count the cells of a row up to the last that is not empty."""
    return max((i for i, cell in enumerate(row, 1) if cell.strip()), default=0)


def _is_wide_title(rows: Sequence[Sequence[str]], at: int, usual: int) -> bool:
    """Whether a row has more cells than every other, above a row of names."""
    row, below = rows[at], rows[at + 1]
    wide = _width(row) > max(map(len, rows[at + 1 :]))
    return wide and len(below) == usual and not any(map(is_number, [*row, *below])) and at + 2 < len(rows)


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _title_note(titles: Sequence[Row], header: int) -> list[str]:
    if not titles:
        return []
    text = repr(clip(" ".join(filter(str.strip, titles[0][1])), 40))
    one = f"the line above it, {text}, was taken for a title"
    many = f"the {len(titles)} lines above it, from {text} on, were taken for titles"
    return [f"the table begins on line {header}: {one if len(titles) == 1 else many}"]


def _is_data(row: Sequence[str]) -> bool:
    return any(map(is_number, row)) and all(is_number(cell) or is_missing(cell) for cell in row)


def _is_count(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row of numbers counts the columns, as the names that pandas gives: 0, 1, 2, or years."""
    index = first[0].strip() == ""
    if not _counts(first[index:]) or not below or _counts(below[0]):
        return False
    start, many = int(first[index]), len(first) - index
    if start == 0 and (index or many > 2):
        return True
    columns = [[row[i] for row in below if i < len(row)] for i in range(index, len(first))]
    return many > 1 and not any(_WHOLE.fullmatch(cell.strip()) for column in columns for cell in column)


def _counts(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row]
    if not cells or not all(map(_COUNT.fullmatch, cells)):
        return False
    return cells == [str(int(cells[0]) + i) for i in range(len(cells))]


def _named_by_comment(first: Sequence[str], below: Sequence[Sequence[str]], comment: Sequence[str]) -> bool:
    """Whether the line with "#" above a row of texts and numbers names them, and the row is data."""
    if len(comment) != len(first) or any(map(is_number, comment)):
        return False
    measured = [i for i, cell in enumerate(first) if is_number(cell)]
    alike = [row for row in below if len(row) == len(first)]
    if not any(is_number(row[i]) for row in alike for i in measured):
        return False
    repeated = any(first[i] == row[i] for row in alike for i in range(len(first)) if i not in measured)
    return repeated or not all(_YEAR.fullmatch(first[i].strip()) for i in measured)


def _has_row_names(names: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether every row has one cell more than the header, and the first is a name of its own (R)."""
    first = [row[0] for row in below if row]
    every = all(len(row) == len(names) + 1 for row in below if not is_blank(row))
    return every and any(row[-1].strip() for row in below if row) and len(set(first)) == len(first)
