"""Text with delimiters → a table of text cells: delimiter, header, decimal mark, ragged rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from stepscape.errors import InputError
from stepscape.problems.user import cells as numbers
from stepscape.problems.user.columns import RawTable

_DELIMITERS = (",", ";", "\t", "|", " ")
_NONE = "\x1f"  # a character no text table holds: every line is one cell
_SAMPLE_CHARACTERS = 65_536  # below csv's limit on one cell, so that sniffing cannot fail
_SAMPLE_ROWS = 2_000  # enough to see which decimal mark a file uses
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_PREFIX = re.compile(r"sep=([,;|\t])\s*", re.IGNORECASE)  # the first line of a CSV made for Excel


def parse_delimited(text: str, source: str, encoding: str = "utf-8") -> RawTable:
    r"""Read delimited text.

    The delimiter is comma, semicolon, tab, bar or white space: the one under which most rows have as many
    cells as the header and most cells are numbers. Cells may be quoted by ``"``. Leading blank lines and
    lines that begin with ``#`` are skipped; the last of the latter names the columns if a line of numbers of
    that many cells follows (``numpy.savetxt``). Where every row has one cell more than the header, the first
    column has no name (R) or the last is empty (a trailing delimiter). A first line of numbers is data: the
    columns are then named "1", "2", …. A row with another number of cells is left out, listed in ``ragged``.

    Parameters
    ----------
    text
        The whole file, decoded.
    source, encoding
        For messages, and for the record.

    Raises
    ------
    InputError
        Nothing but blank lines, a header alone, a quote never closed, a cell beyond 128 KiB.
    """
    lines = text.rstrip("\x1a").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start, comment, forced = _preamble(lines)
    body = "\n".join(lines[start:])
    delimiter = forced or _sniff(body)
    records = _records(body, delimiter, source, start)
    if not records:
        raise InputError(f"{source!r} must hold a table, got nothing but blank lines or comments")
    first, rows = records[0][1], records
    header = not _is_data(first)
    names = _names(first) if header else [str(i + 1) for i in range(len(first))]
    if header:
        rows = records[1:]
    elif comment and len(named := next(_split([comment], delimiter), [])) == len(first):
        header, names = True, _names(named)
    if not rows:
        raise InputError(f"{source!r} must hold rows of data, got only a header: {', '.join(names)[:200]}")
    names, rows = _reconcile(names, rows)
    return _assemble(source, encoding, delimiter, header, names, rows)


def _preamble(lines: Sequence[str]) -> tuple[int, str, str]:
    comment = forced = ""
    for start, line in enumerate(lines):
        stripped = line.strip()
        if match := _PREFIX.fullmatch(line):
            forced = match[1]
        elif stripped.startswith("#"):
            comment = stripped.lstrip("#").strip()
        elif stripped:
            return start, comment, forced
    return len(lines), comment, forced


def _sniff(body: str) -> str:
    sample = body[:_SAMPLE_CHARACTERS]
    if len(sample) < len(body):
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, best_score = _NONE, 0.0
    for delimiter in _DELIMITERS:
        score = _score(sample, delimiter)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _score(sample: str, delimiter: str) -> float:
    """Share of rows as wide as the header × (1 + share of numbers in them); 0 for no delimiter at all."""
    rows = [row for row in islice(_split(sample.split("\n"), delimiter), 200) if row]
    width, data = len(rows[0]) if rows else 0, rows[1:]
    if width < 2:
        return 0.0
    if not data:
        return 0.1
    if all(len(row) == width + 1 for row in data):
        width += 1
    alike = [row for row in data if len(row) == width]
    if not alike:
        split = sum(len(row) > 1 for row in data)
        return 0.1 * split / len(data)
    cells = [cell for row in alike for cell in row]
    numeric = sum(numbers.is_number(cell) or numbers.is_missing(cell) for cell in cells)
    return len(alike) / len(data) * (1 + numeric / len(cells))


def _split(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    if delimiter == " ":
        return (_tokens(line) for line in lines)
    return csv.reader((line + "\n" for line in lines), delimiter=delimiter, skipinitialspace=True)


def _tokens(line: str) -> list[str]:
    return [bare or quoted.replace('""', '"') for quoted, bare in _TOKEN.findall(line)]


def _records(body: str, delimiter: str, source: str, start: int) -> list[tuple[int, list[str]]]:
    """Pair the cells of every row that is not blank with the line of the file it ends on."""
    if delimiter == " ":
        split = ((start + i, _tokens(line)) for i, line in enumerate(body.split("\n"), 1))
        return [(line, row) for line, row in split if row]
    try:
        return _quoted_records(body, delimiter, source, start)
    except InputError:
        # Spaces between a closing quote and the delimiter; taking them out moves no cell boundary.
        closed = re.sub(rf'" +(?=[{re.escape(delimiter)}\n]|\Z)', '"', body)
        return _quoted_records(closed, delimiter, source, start)


def _quoted_records(body: str, delimiter: str, source: str, start: int) -> list[tuple[int, list[str]]]:
    # Strictly: otherwise "1"5 reads as 15, and a quote never closed swallows the rest of the file.
    reader = csv.reader(io.StringIO(body), delimiter=delimiter, skipinitialspace=True, strict=True)
    records = []
    try:
        for row in reader:
            if len(row) > 1 or any(cell.strip() for cell in row):
                records.append((start + reader.line_num, row))  # noqa: PERF401 - line_num moves with the loop
    except csv.Error as error:
        last = records[-1][0] + 1 if records else start + 1
        why = _explain(error)
        raise InputError(f"{source!r} is not a readable table from line {last} on: {why}") from error
    return records


def _explain(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return "a quote opened there is never closed"
    if "field limit" in text:
        return f"a cell is longer than {csv.field_size_limit()} characters"
    return text


def _is_data(row: Sequence[str]) -> bool:
    return any(map(numbers.is_number, row)) and all(
        numbers.is_number(c) or numbers.is_missing(c) for c in row
    )


def _names(row: Sequence[str]) -> list[str]:
    """Names fit for one line of a terminal: white space collapsed, control characters replaced."""
    collapsed = (" ".join(cell.split()) for cell in row)
    return ["".join(c if c.isprintable() else "\ufffd" for c in name) for name in collapsed]


def _reconcile(
    names: list[str], rows: list[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    wide = len(names) + 1
    if not all(len(row) == wide for _, row in rows):
        return names, rows
    if not any(row[-1] for _, row in rows):
        return names, [(line, row[:-1]) for line, row in rows]
    return ["", *names], rows


def _assemble(
    source: str,
    encoding: str,
    delimiter: str,
    header: bool,
    names: list[str],
    rows: list[tuple[int, list[str]]],
) -> RawTable:
    width = len(names)
    lines = [line for line, row in rows if len(row) == width]
    ragged = {line: len(row) for line, row in rows if len(row) != width}
    columns = tuple(zip(*(row for _, row in rows if len(row) == width), strict=True)) or ((),) * width
    return RawTable(
        source=source,
        names=tuple(names),
        columns=columns,
        lines=lines,
        ragged=ragged,
        encoding=encoding,
        delimiter="" if delimiter == _NONE else delimiter,
        decimal=_decimal(columns),
        header=header,
    )


def _decimal(columns: Sequence[Sequence[str]]) -> str:
    marks = [numbers.find_marks(column[:_SAMPLE_ROWS]) for column in columns]
    point, comma = (any(getattr(m, kind) >= 0 for m in marks) for kind in ("point", "comma"))
    return "" if point == comma else "." if point else ","
