"""Columns of cells → columns of numbers: every column by its own cells, then by the others that are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stepscape.problems.user import cells as numbers
from stepscape.problems.user.marks import (
    Marks,
    Reading,
    certain_mark,
    find_marks,
    guess_note,
    read_marks,
    undecidable,
)
from stepscape.problems.user.table import Cells, RawTable


@dataclass(frozen=True)
class Column:
    """A column as cells and as numbers, the decimal mark that it shows, or "", and what was guessed."""

    name: str
    cells: Cells = field(repr=False)
    numbers: numbers.Numbers = field(repr=False)
    mark: str = ""
    notes: tuple[str, ...] = ()


def read_columns(table: RawTable, names: Sequence[str], decimal: str = "") -> tuple[Column, ...]:
    """Read the columns that are used; no other has a say.

    Parameters
    ----------
    table, names
        Where from.
    decimal
        The decimal mark of earlier data, for cells that show none.

    Raises
    ------
    InputError
        There is no such column, or its decimal mark cannot be decided.
    """
    cells = table.cells(*names)
    marks = [Marks() if isinstance(column, np.ndarray) else find_marks(column) for column in cells]
    shown = [certain_mark(found, table.delimiter) for found in marks]
    others = [next((mark for j, mark in enumerate(shown) if j != i and mark), "") for i in range(len(names))]
    return tuple(
        _read(table, name, column, found, table.decimal or other or decimal)
        for name, column, found, other in zip(names, cells, marks, others, strict=True)
    )


def decimal_of(columns: Sequence[Column]) -> str:
    """Return the decimal mark that columns show, the first that shows one; else ""."""
    return next((column.mark for column in columns if column.mark), "")


def _read(table: RawTable, name: str, cells: Cells, marks: Marks, other: str) -> Column:
    if isinstance(cells, np.ndarray):
        return Column(name, cells, numbers.from_array(cells))
    reading = read_marks(marks, other, table.delimiter)
    if not reading.mark:
        raise undecidable(marks, cells, name, table.lines)
    parsed = numbers.parse(cells, reading.mark)
    return Column(
        name, cells, parsed, reading.mark if marks.tell else "", _note(name, cells, parsed, reading)
    )


def _note(name: str, cells: Sequence[str], parsed: numbers.Numbers, reading: Reading) -> tuple[str, ...]:
    if reading.guessed < 0:
        return ()
    value = float(parsed.values[reading.guessed])
    return (guess_note(name, cells[reading.guessed], value, reading.mark),)
