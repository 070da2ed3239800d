"""Rows of a table that cannot be used: which, how many, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stepscape.problems.user import cells as numbers
from stepscape.problems.user.table import RawTable, clip


def usable_rows(
    table: RawTable, chosen: Mapping[str, numbers.Numbers]
) -> tuple[NDArray[np.intp], dict[str, int]]:
    """Return the rows in which every chosen column has a value, and reason → number of the others."""
    fault = np.zeros(len(table.lines), dtype=np.int8)
    blamed = np.zeros(len(table.lines), dtype=np.int8)
    for i, column in enumerate(chosen.values()):
        new = (fault == numbers.GOOD) & (column.faults != numbers.GOOD)
        fault[new], blamed[new] = column.faults[new], i
    names = list(chosen)
    dropped = Counter[str]()
    for row in np.flatnonzero(fault == numbers.MISSING).tolist():
        dropped[_missing(table, row, names[blamed[row]])] += 1
    for kind, what in ((numbers.INFINITE, "infinite"), (numbers.TEXT, "not a number")):
        rows = np.flatnonzero(fault == kind)
        if len(rows):
            dropped[f"{what} {_show(table, int(rows[0]), names[blamed[rows[0]]])}"] = len(rows)
    if table.ragged:
        line, cells = next(iter(table.ragged.items()))
        reason = f"number of cells not {len(table.names)} (first: {cells} on line {line})"
        dropped[reason] = len(table.ragged)
    return np.flatnonzero(fault == numbers.GOOD), dict(dropped)


def text_of(table: RawTable, row: int, column: str) -> str:
    """Return a cell as it is written; a Parquet cell without a number has no text."""
    cell = table.cells(column)[row]
    if isinstance(cell, str):
        return cell.strip()
    return "" if np.isnan(cell) else str(float(cell))


def _show(table: RawTable, row: int, column: str) -> str:
    text = clip(text_of(table, row, column), 38)
    return f"(first: {text!r} in column {clip(column)!r}, line {table.lines[row]})"


def _missing(table: RawTable, row: int, column: str) -> str:
    text = text_of(table, row, column)
    return f"missing value {text!r}" if text else "missing value"


def count(kept: int, rows: int, dropped: Mapping[str, int]) -> str:
    """Say how many rows were kept, of how many, and why not the others."""
    return f"{kept} of {rows}" + reasons(dropped)


def reasons(dropped: Mapping[str, int]) -> str:
    """Say why rows were dropped, after a semicolon; "" where none was."""
    return f"; dropped: {listed(dropped)}" if dropped else ""


def listed(dropped: Mapping[str, int]) -> str:
    """List rows and reasons.

    >>> listed({"missing value": 3, "missing value 'NA'": 2})
    "3 × missing value, 2 × missing value 'NA'"
    """
    return ", ".join(f"{rows} × {reason}" for reason, rows in dropped.items())
