"""Text with delimiters → a table of text cells that are read when they are asked for."""

from __future__ import annotations

import re
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError
from stepscape.problems.user.header import Head, clean_names, find_head
from stepscape.problems.user.missing import is_missing
from stepscape.problems.user.rows import (
    NO_DELIMITER,
    QUOTINGS,
    Misread,
    Quoting,
    Row,
    find_delimiter,
    is_blank,
    read_rows,
)
from stepscape.problems.user.table import Cells, LazyColumns, RawTable
from stepscape.problems.user.text import Text

MOST_ROWS = 5_000_000
_HEAD_ROWS = 200
_HEAD_CELLS = 50_000
_TOP = 20  # first lines of which one may be the header
_PREFIX = re.compile(r'"?sep=([,;|\t])"?\s*', re.IGNORECASE)  # the first line of a CSV made for Excel


@dataclass(frozen=True)
class _Layout:
    """How a text is read: from line `start` on, with this delimiter and these quotation marks."""

    text: Text
    delimiter: str
    quoting: Quoting | None
    start: int

    def rows(self) -> Iterator[Row]:
        return read_rows(self.text, self.delimiter, self.quoting, self.start)


def parse_delimited(text: Text) -> RawTable:
    """Read delimited text; docs/reference/reading-tables.md states the rules.

    Raises
    ------
    InputError
        Nothing but blank lines, a header alone, a quote never closed, a cell beyond 128 KiB, a line or a row
        beyond ``text.MOST_CHARACTERS``, more than ``MOST_ROWS`` rows.
    """
    start, comments, forced = _preamble(text)
    delimiter = forced or find_delimiter(islice(text.lines(), start, None))
    failures = []
    for quoting in QUOTINGS:
        try:
            return _read(_Layout(text, delimiter, quoting, start), comments)
        except Misread as error:
            failures.append(error)
    raise failures[0]


def _preamble(text: Text) -> tuple[int, list[tuple[int, str]], str]:
    """Count the lines above the table; return the last that begin with "#", and the delimiter for Excel."""
    start, comments, forced = 0, deque[tuple[int, str]](maxlen=_TOP), ""
    for line in text.lines():
        stripped = line.strip()
        if match := _PREFIX.fullmatch(line):
            forced = match[1]
        elif stripped.startswith("#"):
            comments.append((start + 1, stripped))
        elif stripped.strip(forced or None):
            break
        start += 1
    return start, list(comments), forced


def _read(layout: _Layout, comments: Sequence[tuple[int, str]]) -> RawTable:
    text = layout.text
    top = _first_rows(layout)
    if not top:
        raise InputError(f"{text.source!r} must hold a table, got nothing but blank lines or comments")
    named = [(line, _cells_of_comment(comment, layout)) for line, comment in comments]
    head = find_head(top, named[-1][1] if named else [], text.source, fixed=layout.delimiter == " ")
    lines, ragged = _survey(layout, head)
    return RawTable(
        source=text.source,
        names=head.names,
        columns=LazyColumns(len(head.names), partial(_column, layout, head), partial(_columns, layout, head)),
        lines=lines,
        ragged=ragged,
        encoding=text.encoding,
        delimiter="" if layout.delimiter == NO_DELIMITER else layout.delimiter,
        header=head.named,
        notes=head.notes,
        top=[(line, clean_names(row)) for line, row in (*named, *top[:_TOP])],
    )


def _first_rows(layout: _Layout) -> list[Row]:
    """Return the first rows that are not blank, few if they are wide."""
    rows, cells = list[Row](), 0
    for line, row in layout.rows():
        if is_blank(row):
            continue
        rows.append((line, row))
        cells += len(row)
        if len(rows) == _HEAD_ROWS or (cells > _HEAD_CELLS and len(rows) > 2):
            break
    return rows


def _cells_of_comment(comment: str, layout: _Layout) -> list[str]:
    """Split the line that begins with "#"; the sign itself is a name where it is a cell."""
    bare = comment.lstrip("#").strip(" ")
    own = comment if layout.delimiter.strip() and bare.startswith(layout.delimiter) else bare
    line = Text.of(own, layout.text.source)
    return next((row for _, row in read_rows(line, layout.delimiter, layout.quoting)), [])


def _body(layout: _Layout, head: Head) -> Iterator[Row]:
    """Yield the rows below the header, whatever their cells; comments and blank lines are none.

    In a table of one column a blank line is a row with an empty cell, if a row that is not follows.
    """
    width, blank = len(head.names), array("q")
    for line, row in layout.rows():
        if line <= head.last:
            continue
        if len(row) == width > 1:
            yield line, row
        elif row and not _is_comment(row, width) and not (width > 1 and is_blank(row)):
            yield from ((earlier, []) for earlier in blank)
            del blank[:]
            yield line, row
        elif not row and width == 1:
            blank.append(line)
            if len(blank) > MOST_ROWS:
                raise _too_many(layout.text.source)


def _is_comment(row: Sequence[str], width: int) -> bool:
    """Whether a row begins with "#", in a table of one column or with another number of cells."""
    begins = bool(row) and row[0].startswith("#") and not is_missing(row[0])
    return begins and (width == 1 or len(row) != width)


def _fits(row: Sequence[str], head: Head) -> bool:
    """Whether each cell has a column: cells missing at the end are empty, and empty ones too many nothing."""
    width = len(head.names)
    if len(row) < width:
        return not head.fixed
    return len(row) == width or not any(cell.strip() for cell in row[width:])


def _survey(layout: _Layout, head: Head) -> tuple[NDArray[np.int64], dict[int, int]]:
    """Count the rows before any of their cells is kept: the line of each, and the rows that do not fit."""
    lines, ragged = array("q"), dict[int, int]()
    for line, row in _body(layout, head):
        if _fits(row, head):
            lines.append(line)
        else:
            ragged[line] = len(row)
        if len(lines) + len(ragged) > MOST_ROWS:
            raise _too_many(layout.text.source)
    return np.array(lines, dtype=np.int64), ragged


def _column(layout: _Layout, head: Head, place: int) -> Cells:
    return _columns(layout, head, [place])[0]


def _columns(layout: _Layout, head: Head, places: Sequence[int]) -> list[Cells]:
    """Read some columns, and no other cell, in one go."""
    width, columns = len(head.names), [list[str]() for _ in places]
    for _, row in _body(layout, head):
        if len(row) == width:
            for place, column in zip(places, columns, strict=True):
                column.append(row[place])
        elif _fits(row, head):
            for place, column in zip(places, columns, strict=True):
                column.append(row[place] if place < len(row) else "")
    return list(columns)


def _too_many(source: str) -> InputError:
    return InputError(f"{source!r} must have at most {MOST_ROWS} rows, got more; keep a sample of them")
