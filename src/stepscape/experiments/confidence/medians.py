"""The table of further numbers of a claim: medians over the runs of each setting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stepscape.experiments.frame.levels import fraction, median
from stepscape.tables.records import Table


def medians(table: Table, by: Sequence[str], columns: Sequence[str], shares: Sequence[str] = ()) -> Table:
    """One row per setting of the columns `by`: its runs, medians of `columns`, shares of flags."""
    return Table.from_records(_rows(table, by, columns, shares))


def _rows(
    table: Table, by: Sequence[str], columns: Sequence[str], shares: Sequence[str]
) -> Iterator[dict[str, Any]]:
    if not len(table):
        return
    known = [column for column in columns if column in table]
    for values in dict.fromkeys(zip(*(table[name].tolist() for name in by), strict=True)):
        setting = dict(zip(by, values, strict=True))
        rows = table.where(**setting)
        found = {column: median(rows[column]) for column in known}
        yield {**setting, "runs": len(rows), **{flag: fraction(rows[flag]) for flag in shares}, **found}
