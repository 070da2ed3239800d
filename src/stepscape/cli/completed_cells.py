"""A completed matrix → the cells of a table: what stood there as it was, and numbers with few digits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from stepscape.problems.user.number_columns import NumberColumns
    from stepscape.problems.user.table import Cells, RawTable

Array = NDArray[np.float64]
DIGITS = 2  # of a standard error, which a filled number has the decimals of
UNSURE = 6  # significant digits of a number without a standard error
MOST = 15  # decimals, or digits before the point, beyond which a number is written with an exponent


@dataclass(frozen=True)
class FilledCells:
    """The cells that were filled, column by column: shape (k,) each.

    Attributes
    ----------
    row, column
        Where they stand among rows and columns of numbers, from 0.
    value, standard_error
        Numbers with all their digits.
    """

    row: NDArray[np.intp] = field(repr=False)
    column: NDArray[np.intp] = field(repr=False)
    value: Array = field(repr=False)
    standard_error: Array = field(repr=False)

    @classmethod
    def of(cls, before: Array, after: Array, standard_error: Array) -> FilledCells:
        """Compare a matrix (n, p) with gaps and the completed one."""
        column, row = np.nonzero((np.isnan(before) & ~np.isnan(after)).T)
        return cls(row, column, after[row, column], standard_error[row, column])


def completed_rows(table: RawTable, numbers: NumberColumns, filled: FilledCells) -> list[list[str]]:
    """Return the rows of the whole table, in the order of its columns."""
    columns = [_written(cells) for cells in table.columns]
    for j, name in enumerate(numbers.names):
        cells, mine = columns[table.place(name)], filled.column == j
        constant = _only(cells, numbers.values[:, j])
        for row, value, error in zip(
            filled.row[mine].tolist(), filled.value[mine], filled.standard_error[mine], strict=True
        ):
            cells[row] = constant or number_text(float(value), float(error), numbers.marks[j])
    return [list(row) for row in zip(*columns, strict=True)]


def filled_rows(numbers: NumberColumns, filled: FilledCells) -> Iterator[tuple[Any, ...]]:
    """Yield line, column, value and standard error of each filled cell; an error not known is empty."""
    for row, column, value, error in zip(
        filled.row.tolist(), filled.column.tolist(), filled.value, filled.standard_error, strict=True
    ):
        known = None if math.isnan(error) else float(error)
        yield int(numbers.lines[row]), numbers.names[column], float(value), known


def number_text(value: float, error: float, mark: str = ".") -> str:
    """Write a filled number with the decimals that two digits of its standard error have.

    Never three decimals, and no separator of thousands: 1.234 may be read as a thousand. Without a standard
    error it has six significant digits.

    >>> number_text(12.34567, 0.5), number_text(1234.5678, 250.0), number_text(0.5, 0.01234, ",")
    ('12.35', '1235', '0,5000')
    >>> number_text(-2.5e150, 1e148), number_text(3.0, float("nan")), number_text(-0.001, 1.0)
    ('-2.500e+150', '3.00000', '0.0')
    """
    size = math.floor(math.log10(abs(value))) if value else 0
    decimals = DIGITS - 1 - math.floor(math.log10(error)) if error > 0.0 else UNSURE - 1 - size
    if size >= MOST or decimals > MOST:
        text = f"{value:.{min(MOST, max(0, size + decimals))}e}"
    else:
        text = f"{value:.{max(0, 4 if decimals == 3 else decimals)}f}"
    text = text if text.strip("-0.") else text.lstrip("-")
    return text.replace(".", mark)


def _written(cells: Cells) -> list[str]:
    """Return cells as their file writes them; numbers of Parquet with all their digits."""
    if not isinstance(cells, np.ndarray):
        return list(cells)
    known = cells[~np.isnan(cells)]
    if (known == np.round(known)).all() and (np.abs(known) < 2.0**53).all():
        return ["" if math.isnan(cell) else str(int(cell)) for cell in cells.tolist()]
    return ["" if math.isnan(cell) else repr(cell) for cell in cells.tolist()]


def _only(cells: Sequence[str], values: Array) -> str:
    """Return the cell that a constant column repeats, as it is written first; "" if it holds two numbers."""
    known = np.flatnonzero(~np.isnan(values))
    if not known.size or values[known].min() < values[known].max():
        return ""
    return cells[int(known[0])].strip()
