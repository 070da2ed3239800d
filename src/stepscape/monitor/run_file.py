"""A file of rows, one line of JSON each: read while a run still writes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from stepscape import files
from stepscape.arguments import path as path_of
from stepscape.errors import InputError
from stepscape.monitor.row import OPENING, Row


@dataclass(frozen=True)
class RunFile:
    """What a file of rows held when it was read.

    Attributes
    ----------
    rows : tuple of Row
        With increasing steps: a run that resumed from an earlier step replaces what it had written since.
    unfinished : int
        Bytes of a last line that is not written to its end yet.
    """

    rows: tuple[Row, ...]
    unfinished: int = 0


def read_run(path: str | os.PathLike[str]) -> RunFile:
    """Read a file of rows; the last line may still be half-written.

    Raises
    ------
    InputError
        For a file that cannot be read, and for a line that is not a row: the sentence gives its number.
    OutputError
        The system failed while reading.
    """
    name = path_of("path", path)
    *lines, last = files.read_bytes(name).split(b"\n")
    rows = [_row(name, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    unfinished = 0
    if last and _is_beginning(last):
        try:
            rows.append(Row.from_line(last))
        except InputError:
            unfinished = len(last)
    elif last.strip():
        rows.append(_row(name, len(lines) + 1, last))
    return RunFile(tuple(latest(rows)), unfinished)


def latest(rows: Iterable[Row]) -> list[Row]:
    """Drop the rows of steps that were made again after a run had resumed."""
    kept: list[Row] = []
    for row in rows:
        while kept and kept[-1].step >= row.step:
            kept.pop()
        kept.append(row)
    return kept


def _is_beginning(line: bytes) -> bool:
    """Whether these bytes can be the beginning of a row."""
    opening = OPENING.encode()
    return line.startswith(opening) or opening.startswith(line)


def _row(name: str, number: int, line: bytes) -> Row:
    try:
        return Row.from_line(line)
    except InputError as error:
        raise InputError(f"cannot read line {number} of {name!r}: {error}") from None
