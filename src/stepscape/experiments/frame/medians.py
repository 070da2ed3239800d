"""The table of further numbers of a claim: medians over the runs of each setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.levels import fraction, median
from stepscape.tables.records import Table

Counts = Callable[[Table], NDArray[np.bool_]]


def every_run(table: Table) -> NDArray[np.bool_]:
    """Count every run."""
    return np.ones(len(table), bool)


def medians(
    table: Table,
    by: Sequence[str],
    columns: Sequence[str],
    shares: Sequence[str] = (),
    counts: Counts = every_run,
) -> Table:
    """One row per setting of the columns `by`: its runs, shares of flags, medians of `columns`.

    counts : rows of a setting → mask of the runs that enter, such as `Levels.counts`.

    Columns and flags that no run measured are left out.
    """
    return Table.from_records(_rows(table, by, columns, shares, counts))


def nothing_finished(table: Table) -> str:
    """Say that no run finished; "" if one did."""
    return "" if np.any(table["outcome"] == "finished") else "no run finished"


def _rows(
    table: Table, by: Sequence[str], columns: Sequence[str], shares: Sequence[str], counts: Counts
) -> Iterator[dict[str, Any]]:
    if not len(table):
        return
    known, flags = ([name for name in names if name in table] for names in (columns, shares))
    for values in dict.fromkeys(zip(*(table[name].tolist() for name in by), strict=True)):
        setting = dict(zip(by, values, strict=True))
        rows = table.where(**setting)
        enter = counts(rows)
        yield {
            **setting,
            "runs": int(enter.sum()),
            **{flag: fraction(rows[flag][enter] == 1) for flag in flags},
            **{column: median(rows[column][enter]) for column in known},
        }
