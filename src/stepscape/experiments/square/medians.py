"""The table of further numbers of a claim on step sizes, and what its runs must have to be judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Result
from stepscape.experiments.frame.levels import fraction, median
from stepscape.tables.records import Table


def medians(result: Result, *columns: str, shares: tuple[str, ...] = ()) -> Table:
    """One row per number of points, arm, kind of labels and step size: medians, and shares of flags.

    They are taken over the runs that count; see `Levels.counts`.
    """
    return Table.from_records(_rows(result.table, columns, shares))


def nothing_finished(table: Table) -> str:
    """Say that no run finished; "" if one did."""
    return "" if np.any(table["outcome"] == "finished") else "no run finished"


def _rows(table: Table, columns: tuple[str, ...], shares: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    keys = ("n", "arm", "labels", "step_size")
    for values in dict.fromkeys(zip(*(table[key].tolist() for key in keys), strict=True)):
        cell = dict(zip(keys, values, strict=True))
        rows = table.where(**cell)
        counts = STEP_SIZES.counts(rows)
        found: dict[str, Any] = {**cell, "runs": int(counts.sum())}
        for column in columns:
            found[column] = median(rows[column][counts]) if column in rows else None
        for flag in shares:
            found[flag] = fraction(rows[flag][counts] == 1) if flag in rows else None
        yield found
