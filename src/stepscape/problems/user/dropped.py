"""Rows of a table that cannot be used: which, how many, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stepscape.problems.user import cells as numbers
from stepscape.problems.user.table import RawTable, clip

# A reason whose first cell is a date or a time: 2020-01-31, 31.1.20, 1/31/2020, 12:30.
_TIME = re.compile(r"^not a number \(first: '(\d+-\d\d?-\d\d?|\d\d?([./])\d\d?\2\d\d|\d\d?:\d\d)")


def usable_rows(
    table: RawTable, chosen: Mapping[str, numbers.Numbers]
) -> tuple[NDArray[np.intp], dict[str, int]]:
    """Return the rows in which every chosen column has a value, and reason → number of the others."""
    fault = np.zeros(len(table.lines), dtype=np.int8)
    blamed = np.zeros(len(table.lines), dtype=np.int8)
    for i, column in enumerate(chosen.values()):
        new = (fault == numbers.GOOD) & (column.faults != numbers.GOOD)
        fault[new], blamed[new] = column.faults[new], i
    names, cells = list(chosen), table.cells(*chosen)
    dropped = Counter[str]()
    for row in np.flatnonzero(fault == numbers.MISSING).tolist():
        text = text_of(cells[blamed[row]][row])
        dropped[f"missing value {text!r}" if text else "missing value"] += 1
    for kind, what in ((numbers.INFINITE, "infinite"), (numbers.TEXT, "not a number")):
        rows = np.flatnonzero(fault == kind)
        if len(rows):
            first, place = int(rows[0]), int(blamed[rows[0]])
            text, name = clip(text_of(cells[place][first]), 38), clip(names[place])
            reason = f"{what} (first: {text!r} in column {name!r}, line {table.lines[first]})"
            dropped[reason] = len(rows)
    if table.ragged:
        line, many = next(iter(table.ragged.items()))
        dropped[f"number of cells not {len(table.names)} (first: {many} on line {line})"] = len(table.ragged)
    return np.flatnonzero(fault == numbers.GOOD), dict(dropped)


def text_of(cell: str | float) -> str:
    """Return a cell as it is written; a Parquet cell without a number has no text."""
    if isinstance(cell, str):
        return cell.strip()
    return "" if np.isnan(cell) else str(float(cell))


def count(kept: int, rows: int, dropped: Mapping[str, int]) -> str:
    """Say how many rows were kept, of how many, and why not the others."""
    timed = any(_TIME.search(reason) for reason in dropped)
    hint = "; write dates and times as numbers, such as days since the first one" if timed else ""
    return f"{kept} of {rows}" + reasons(dropped) + hint


def reasons(dropped: Mapping[str, int]) -> str:
    """Say why rows were dropped, after a semicolon; "" where none was."""
    return f"; dropped: {listed(dropped)}" if dropped else ""


def listed(dropped: Mapping[str, int]) -> str:
    """List rows and reasons.

    >>> listed({"missing value": 3, "missing value 'NA'": 2})
    "3 × missing value, 2 × missing value 'NA'"
    """
    return ", ".join(f"{rows} × {reason}" for reason, rows in dropped.items())
