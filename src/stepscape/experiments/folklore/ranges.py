"""The same question of the solutions in each range of the inputs, of the data sets that have enough."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.folklore.solutions import counts, solutions
from stepscape.experiments.frame import Finding, lacking
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.finding import in_part, together
from stepscape.experiments.frame.limits import MOST
from stepscape.tables.records import Table

RANGE = {"half_width": "on [−{0:g}, {0:g}]"}
Question = Callable[[Table, int], Finding]
ENOUGH = (
    f"A data set counts if at least {MOST:.0%} of its runs are solutions; a range where fewer than "
    f"{MOST:.0%} of the data sets count is left out, and a yes holds in part then. "
)


def data_sets(table: Table) -> NDArray[np.int64]:
    """Seeds of which at least half of the runs are solutions, in the rows of one range."""
    found = counts(table)
    seeds = [seed for seed in np.unique(table["seed"]) if found[table["seed"] == seed].mean() >= MOST]
    return np.array(seeds, np.int64)


def ranges(table: Table) -> tuple[dict[str, Table], str]:
    """Rows of the data sets that count, for each range that has enough, and which ranges have not."""
    kept, lost = {}, []
    for name, rows in cells(table, RANGE).items():
        seeds = data_sets(rows)
        if seeds.size >= MOST * np.unique(rows["seed"]).size:
            kept[name] = rows.rows(np.isin(rows["seed"], seeds))
        else:
            lost.append(name)
    return kept, left_out(lost)


def left_out(names: list[str]) -> str:
    """Say in which ranges too few data sets count; "" if in none."""
    return f"too few data sets have enough solutions {' and '.join(names)}" if names else ""


def in_every_range(table: Table, question: Question) -> Finding:
    """Ask of the solutions of each range, with simultaneous intervals.

    question : solutions of a range, number of ranges → a finding.
    """
    kept, lost = ranges(table)
    if not kept:
        return lacking(lost)
    found = {name: question(solutions(rows), len(kept)) for name, rows in kept.items()}
    whole = together(found) if len(found) > 1 else next(iter(found.values()))
    return in_part(whole, lost)
