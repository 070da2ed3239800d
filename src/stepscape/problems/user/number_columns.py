"""A user's table (already read) → its columns of numbers as one matrix, with nan for a missing cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError
from stepscape.problems.user import cells as numbers
from stepscape.problems.user import notes
from stepscape.problems.user.dropped import text_of
from stepscape.problems.user.reading import Column, decimal_of, read_columns
from stepscape.problems.user.table import Array, RawTable, clip

_REMEDY = "leave out this column, or leave such cells empty"


@dataclass(frozen=True)
class NumberColumns:
    """The columns of numbers of a table, nan where a cell is missing.

    Attributes
    ----------
    names
        Of these columns, in the order of the table, or as they were asked for.
    values
        Numbers, shape (n, p).
    lines
        Line of the file that each row ends on, shape (n,).
    marks
        The decimal mark of each column: "." or ",".
    text
        Names of the other columns: those without any number, if no names were asked for.
    notes
        A sentence for each guess that matters to these columns.
    """

    names: tuple[str, ...]
    values: Array = field(repr=False)
    lines: NDArray[np.int64] = field(repr=False)
    marks: tuple[str, ...]
    text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def select_numbers(table: RawTable, names: Sequence[str] = ()) -> NumberColumns:
    """Take columns of a table as a matrix of numbers in which a missing cell is nan.

    Parameters
    ----------
    table
        Where from.
    names
        Of columns; none: all that hold a number, or nothing but missing cells. A column of text is left out.

    Raises
    ------
    InputError
        No such column, a name that stands twice, a column whose decimal mark cannot be decided, a column of
        numbers that holds a text or an infinite number, a row with too many cells, or no column of numbers.
    """
    if table.ragged:
        line, many = next(iter(table.ragged.items()))
        must = f"have {len(table.names)} cells in every row"
        raise InputError(f"{table.source!r} must {must}, got {many} on line {line}; correct this row")
    places = [table.place(name) for name in names]
    if len(set(places)) < len(places):
        raise InputError(f"columns must be different, got {', '.join(clip(name) for name in names)}")
    read = read_columns(table, names or table.names)
    chosen = [column for column in read if names or not _is_text(column)]
    for column in chosen:
        _refuse(table, column)
    if not any((column.numbers.faults == numbers.GOOD).any() for column in chosen):
        raise InputError(f"{table.source!r} must have a column of numbers, got none in {_listed(read)}")
    used = tuple(column.name for column in chosen)
    said = [*notes.of_table(table, used, ()), *(note for column in chosen for note in column.notes)]
    known = [(column, column.numbers.values[~np.isnan(column.numbers.values)]) for column in chosen]
    said += [note for column, found in known if found.size for note in notes.sentinel(column.name, found)]
    return NumberColumns(
        used,
        np.column_stack([column.numbers.values for column in chosen]),
        np.asarray(table.lines, dtype=np.int64),
        tuple(column.mark or decimal_of(chosen) or "." for column in chosen),
        tuple(column.name for column in read if not names and _is_text(column)),
        tuple(said),
    )


def _is_text(column: Column) -> bool:
    """Whether a column holds text and no number at all."""
    faults = column.numbers.faults
    return bool((faults == numbers.TEXT).any() and not (faults == numbers.GOOD).any())


def _refuse(table: RawTable, column: Column) -> None:
    """Refuse a text and an infinite number among the numbers of a column."""
    for kind, must in ((numbers.TEXT, "numbers or missing cells"), (numbers.INFINITE, "finite numbers")):
        rows = np.flatnonzero(column.numbers.faults == kind)
        if rows.size:
            first = int(rows[0])
            got = f"{clip(text_of(column.cells[first]), 38)!r} on line {table.lines[first]}"
            often = f" ({rows.size} such cells)" if rows.size > 1 else ""
            raise InputError(f"column {clip(column.name)!r} must hold {must}, got {got}{often}; {_REMEDY}")


def _listed(columns: Sequence[Column]) -> str:
    return ", ".join(clip(column.name) for column in columns[:5]) + (", …" if len(columns) > 5 else "")
