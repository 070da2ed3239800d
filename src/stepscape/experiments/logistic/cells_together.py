"""Questions asked in every cell of a law, decided by their mean over all cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import (
    LEAST_SEEDS_AGAINST,
    Numbers,
    listed,
    unmet,
    working_step_sizes,
)
from stepscape.experiments.logistic.grid import (
    Answers,
    Intervals,
    aligned,
    cells,
    intervals,
    over_all,
    seeds_of,
    spoken,
    told,
    written,
)
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

Array = NDArray[np.float64]
Cells = Mapping[str, Table]
Values = dict[str, dict[str, Array]]  # question → cell → values (seeds,)
RATIO = "log10 of a ratio"


def cells_of(table: Table) -> dict[str, Table]:
    """Rows of each cell by its name."""
    return {
        f"half width {width:g}, {spoken(cell)}": rows
        for width in np.unique(table["half_width"])
        for cell, rows in cells(table.where(half_width=width)).items()
    }


def judged_in(table: Table) -> tuple[Cells, list[Verdict]]:
    """Cells that can be judged, and why the others cannot."""
    judged, reasons = {}, []
    for name, rows in cells_of(table).items():
        reason = unmet(rows)
        if reason is None:
            judged[name] = rows
        else:
            reasons.append(reason)
    return judged, reasons


def decide(
    table: Table,
    ask: Callable[[Cells], Values],
    unit: str = RATIO,
    also: Callable[[Cells], Numbers] = lambda _: {},
) -> Verdict:
    """Ask in the cells that can be judged; `also` gives further numbers."""
    judged, reasons = judged_in(table)
    if not judged:
        return Verdict(reasons[0].word, reasons[0].sentence)
    found = {question: intervals(values) for question, values in ask(judged).items()}
    numbers: Numbers = {
        "seeds": float(np.unique(table["seed"]).size),
        "seeds that have every cell": float(min(over_all(by_cell).count for by_cell in found.values())),
        "cells judged": f"{len(judged)} of {len(judged) + len(reasons)}",
        "runs without a result": without_result(table),
        "largest step sizes": listed(sorted({working_step_sizes(rows)[-1] for rows in judged.values()})),
        "intervals are of": unit,
    }
    sentence = "; ".join(told(question, by_cell) for question, by_cell in found.items())
    return Verdict(word_of(found), sentence, numbers | written(found) | also(judged))


def without_result(table: Table) -> float:
    """Count the runs of the grid that diverged, failed, or are not there."""
    names = ("half_width", "amplitude", "flip_rate", "seed", "step_size")
    whole = math.prod(np.unique(table[name]).size for name in names)
    return float(whole - np.sum(table["outcome"] == "finished"))


def word_of(found: Intervals) -> str:
    """Let the interval over all cells together decide, and one cell of the opposite spoil it."""
    yes = [over_all(by_cell).sign > 0 for by_cell in found.values()]
    against = any(interval.sign < 0 for by_cell in found.values() for interval in by_cell.values())
    if any(yes):
        return "reproduced" if all(yes) and not against else "partly"
    counts = [over_all(by_cell).count for by_cell in found.values()]
    return "not_reproduced" if min(counts) >= LEAST_SEEDS_AGAINST else "undecided"


def on_seeds(judged: Cells, ask: Callable[[Table], Answers]) -> Values:
    """Ask in each cell; values (seeds,) over the seeds of all cells, nan where a cell lacks one."""
    return aligned({name: ask(rows) for name, rows in judged.items()}, seeds_of(judged))
