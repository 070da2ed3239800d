"""A user's array or data frame → one matrix of numbers, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import reals
from stepscape.errors import bad, shown
from stepscape.memory import require_memory

Array = NDArray[np.float64]
LARGEST = 1e300  # of a number: completed ones may lie outside the range of those observed
COPIES = 14  # matrices of the size of the table that are held at the same time
_KINDS = "iuf"  # NumPy's kinds of real numbers


@dataclass(frozen=True, eq=False)
class TableNumbers:
    """A table as a matrix.

    Attributes
    ----------
    values : (n, p)
        nan where a number is missing.
    names : tuple of str
        Of the columns.
    lines : tuple of int
        The line of a file that each row stands on; () for rows that are counted from 0.
    """

    values: Array
    names: tuple[str, ...]
    lines: tuple[int, ...] = ()

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which entries (n, p) were observed."""
        return ~np.isnan(self.values)


def read_numbers(table: object) -> TableNumbers:
    """Read an array (n, p) of real numbers with nan, or a data frame whose columns all hold numbers.

    Raises
    ------
    InputError
        Another shape, a column that holds something else (by its name), an infinite number or one beyond
        1e300, no number at all, or more than fits in memory.
    """
    if _is_frame(table):
        values, names = _frame(table)
    else:
        values = reals("table", table, _KINDS)
        if values.ndim != 2 or 0 in values.shape:
            raise bad(
                "table", "have rows and columns, as an array (n, p)", f"an array of shape {values.shape}"
            )
        names = tuple(str(place) for place in range(values.shape[1]))
    numbers = TableNumbers(values, names)
    check_numbers(numbers)
    return numbers


def _is_frame(table: object) -> bool:
    """Whether it is a data frame of pandas, which this module does not import."""
    return all(hasattr(table, name) for name in ("columns", "index", "iloc", "isetitem"))


def _frame(frame: Any) -> tuple[Array, tuple[str, ...]]:
    names = tuple(str(name) for name in frame.columns)
    if 0 in frame.shape:
        raise bad("table", "have rows and columns", f"a data frame of shape {tuple(frame.shape)}")
    columns = [_column(name, frame.iloc[:, place]) for place, name in enumerate(names)]
    return np.column_stack(columns), names


def _column(name: str, column: Any) -> Array:
    then = "leave this column out"
    kind = getattr(column.dtype, "kind", "O")
    if kind == "O":  # Python's own numbers with None among them are numbers; texts of digits are not
        other = next((cell for cell in column[column.notna()] if not _is_number(cell)), None)
        if other is not None:
            raise bad(f"column {name!r} of table", "hold numbers", shown(other), then)
    elif kind not in _KINDS:
        raise bad(f"column {name!r} of table", "hold numbers", f"type {column.dtype}", then)
    return np.array(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _is_number(cell: object) -> bool:
    number = isinstance(cell, int | float | np.integer | np.floating)
    return number and not isinstance(cell, bool)


def check_numbers(numbers: TableNumbers) -> None:
    """Refuse a table of infinite numbers, of none, or of more than memory holds."""
    values = numbers.values
    require_memory("table", values.shape, 8.0 * COPIES * values.size, "complete fewer columns or rows")
    large = np.argwhere(np.abs(values) > LARGEST)
    if large.size:
        row, column = large[0].tolist()
        place = f"line {numbers.lines[row]}" if numbers.lines else f"row {row}"
        where = f"{values[row, column]:g} in {place} of column {numbers.names[column]!r}"
        raise bad("table", f"hold numbers up to {LARGEST:g}, or nan where one is missing", where)
    if np.isnan(values).all():
        raise bad("table", "hold at least one number", "none")


def write_back(table: object, numbers: TableNumbers, completed: Array) -> Any:
    """Return the completed numbers as a table like the one given: columns without a gap keep their type."""
    if not _is_frame(table):
        return completed
    frame: Any = table
    made = frame.copy()
    for place in np.flatnonzero(np.isnan(numbers.values).any(axis=0)).tolist():
        made.isetitem(place, completed[:, place])
    return made
