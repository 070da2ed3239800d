"""Lines of text → rows of cells: delimiters and quotation marks."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from stepscape.errors import InputError
from stepscape.problems.user.cells import is_number
from stepscape.problems.user.missing import is_missing
from stepscape.problems.user.text import MOST_CHARACTERS, Text, too_long

Row = tuple[int, list[str]]  # the line of the file that a row ends on, and its cells
Quoting = Callable[[str, str], str]


class Misread(InputError):
    """The quotation marks of a text do not pair; read in another way, they may."""


DELIMITERS = (",", ";", "\t", "|", " ")
NO_DELIMITER = "\x1f"  # a character no text table holds: every line is one cell
_SAMPLE_CHARACTERS = 65_536
_SAMPLE_ROWS = 200
_LEAST_LINES = 3  # of a sample, however long they are
_HEADLESS = 0.5  # weight of a delimiter under which no line is a header
_TOKEN = re.compile(r'"((?:[^"]|"")*)"(?!\S)|(\S+)')
_BACKSLASH = re.compile(r'(?<!\\)((?:\\\\)*)\\"')


def find_delimiter(lines: Iterable[str]) -> str:
    """Find the delimiter under which most rows have as many cells and most cells are numbers.

    A first line of one cell above rows of two numbers is the name of a column with decimal commas.
    """
    every = _sample(lines)
    rows = [line for line in every if not line.startswith("#")]
    sample = rows if len(rows) > 1 else every
    scores = {delimiter: _score(sample, delimiter) for delimiter in DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > 0.0 else NO_DELIMITER


def read_rows(text: Text, delimiter: str, quoting: Quoting | None, start: int = 0) -> Iterator[Row]:
    """Yield the rows of a text below line `start`; a blank line has no cells.

    Raises
    ------
    Misread
        A quote is never closed or is closed inside a cell, or a cell is longer than 128 KiB.
    InputError
        A row is longer than a line may be.
    """
    if delimiter == " ":
        lines = islice(text.lines(), start, None)
        return ((number, _tokens(line)) for number, line in enumerate(lines, start + 1))
    if delimiter == NO_DELIMITER:
        return _quoted_rows(text, delimiter, partial(_blank, quoting), start)
    return _quoted_rows(text, delimiter, quoting, start)


def is_blank(row: Sequence[str]) -> bool:
    """Whether a row of one cell, or of none, is a blank line."""
    return len(row) < 2 and not any(cell.strip() for cell in row)


def mode(widths: Iterable[int]) -> int:
    """Return the most frequent number of cells of rows that have several, the largest such; else 1."""
    counts = Counter(width for width in widths if width > 1)
    return max(counts, key=lambda width: (counts[width], width), default=1)


def _blank(quoting: Quoting | None, line: str, delimiter: str) -> str:
    """Take the spaces out of a blank line: of one column, it may be an empty cell in quotation marks."""
    if not line.strip(" \n"):
        return "\n"
    return quoting(line, delimiter) if quoting else line


def _close_gaps(line: str, delimiter: str) -> str:
    """Take out spaces between a closing quote and the delimiter; that moves no cell boundary."""
    return re.sub(rf'" +(?=[{re.escape(delimiter)}\n]|\Z)', '"', line)


def _double(line: str, delimiter: str) -> str:
    r"""Write \" as ""."""
    return _close_gaps(_BACKSLASH.sub(r'\1""', line), delimiter)


QUOTINGS: tuple[Quoting | None, ...] = (None, _close_gaps, _double)


def _quoted_rows(text: Text, delimiter: str, quoting: Quoting | None, start: int) -> Iterator[Row]:
    room = MOST_CHARACTERS

    def feed() -> Iterator[str]:
        nonlocal room
        above = start
        for block in text.blocks():
            if room < 0:
                raise too_long(text.source, last)
            lines = block[above:] if above else block
            above = max(0, above - len(block))
            room -= sum(map(len, lines))
            yield from lines if quoting is None else [quoting(line, delimiter) for line in lines]

    # Strictly: otherwise "1"5 reads as 15, and a quote never closed swallows the rest of the file.
    reader = csv.reader(feed(), delimiter=delimiter, skipinitialspace=True, strict=True)
    last = start + 1
    try:
        for row in reader:
            line = start + reader.line_num
            yield line, row
            room, last = MOST_CHARACTERS, line + 1
    except csv.Error as error:
        what = f"is not a readable table from line {last} on: {_explain(error)}"
        raise Misread(f"{text.source!r} {what}") from error


def _explain(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "a quote opened there is never closed"
    if "field limit" in text:
        most = csv.field_size_limit()
        return f"a cell is longer than {most} characters, which a quote that is never closed explains as well"
    return text


def _sample(lines: Iterable[str]) -> list[str]:
    sample, characters = list[str](), 0
    for line in lines:
        characters += len(line)
        if characters > _SAMPLE_CHARACTERS and len(sample) >= _LEAST_LINES:
            break
        sample.append(line)
        if len(sample) > _SAMPLE_ROWS:
            break
    return sample


def _score(sample: Sequence[str], delimiter: str) -> float:
    """Share of rows of the usual width × (1 + share of numbers in them); 0 for no delimiter at all."""
    rows = [row for row in _split(sample, delimiter) if row]
    width = mode(map(len, rows))
    if width < 2:
        return 0.0
    if len(rows) == 1:
        return 0.1
    alike = [row[:width] for row in rows if len(row) >= width and not any(row[width:])]
    if len(rows[0]) == 1 and (2 * len(alike) < len(rows) or _is_one_number(alike[0], delimiter)):
        return 0.0  # one column, of which some cells hold the delimiter
    header_is_alike = len(rows[0]) >= width and not any(rows[0][width:])
    cells = [cell for row in alike[header_is_alike:] for cell in row]
    numeric = sum(is_number(cell) or is_missing(cell) for cell in cells) / max(len(cells), 1)
    # Lines above that do not split, and no names below them: the header has another delimiter.
    headless = len(rows[0]) == 1 and any(map(is_number, alike[0]))
    return len(alike) / len(rows) * (1.0 + numeric) * (_HEADLESS if headless else 1.0)


def _is_one_number(row: Sequence[str], delimiter: str) -> bool:
    """Whether the cells of a row are the parts of one number, as 1,5 or 1 000."""
    return delimiter in ", " and len(row) == 2 and is_number(delimiter.join(row)) and all(map(is_number, row))


def _split(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """Split lines leniently, so that any text gives rows; a cell too long for the reader is one cell."""
    if delimiter == " ":
        return map(_tokens, lines)
    if max(map(len, lines), default=0) > csv.field_size_limit():
        return (line.split(delimiter) for line in lines)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def _tokens(line: str) -> list[str]:
    return [bare or quoted.replace('""', '"') for quoted, bare in _TOKEN.findall(line)]
