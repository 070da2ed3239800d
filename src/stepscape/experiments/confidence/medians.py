"""The table of further numbers of a claim: medians over the runs of each setting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stepscape.experiments.frame.levels import median
from stepscape.tables.records import Table


def medians(table: Table, by: Sequence[str], columns: Sequence[str]) -> Table:
    """One row per setting of the columns `by`: how many runs it has, and the medians of the `columns`."""
    return Table.from_records(_rows(table, by, columns))


def _rows(table: Table, by: Sequence[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    if not len(table):
        return
    known = [column for column in columns if column in table]
    for values in dict.fromkeys(zip(*(table[name].tolist() for name in by), strict=True)):
        setting = dict(zip(by, values, strict=True))
        rows = table.where(**setting)
        yield {**setting, "runs": len(rows), **{column: median(rows[column]) for column in known}}
