"""Questions asked in every cell of amplitude and flip rate, answered by paired intervals, told together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.step_size_grid import (
    LEAST_SEEDS_AGAINST,
    Numbers,
    by_seed,
    unmet,
    usable,
    working_step_sizes,
)
from stepscape.measures.paired import Interval, left_out_best, mean_interval
from stepscape.measures.records import Table
from stepscape.measures.verdict import Verdict

Array = NDArray[np.float64]
Answers = Mapping[str, Array]
Cell = tuple[float, float]
NEAR = 1.1
LEAST_AT_EDGE = 3
MOST_NAMED = 3
TOGETHER = "all cells together"


def cells(table: Table) -> dict[Cell, Table]:
    """Rows of each amplitude and flip rate."""
    pairs = sorted(set(zip(table["amplitude"].tolist(), table["flip_rate"].tolist(), strict=True)))
    return {pair: table.where(amplitude=pair[0], flip_rate=pair[1]) for pair in pairs}


def around(table: Table, column: str, step_size: float) -> Array:
    """Values (seeds,) at a step size: the mean over the working ones within 10 % of it.

    At the edge descent is chaotic, and neighboring step sizes are nearly repetitions of each other.
    """
    etas = working_step_sizes(table)
    near = etas[np.maximum(etas / step_size, step_size / etas) <= NEAR * (1.0 + 1e-9)]
    values = by_seed(table, column, near)
    counted = np.isfinite(values)
    sums = np.where(counted, values, 0.0).sum(axis=1)
    return np.where(counted.any(axis=1), sums / np.maximum(counted.sum(axis=1), 1), np.nan)


def drop(table: Table, column: str, small: float | None = None) -> Array:
    """`column` (seeds,) at `small`, or the smallest working step size, minus at the largest."""
    etas = working_step_sizes(table)
    low = float(etas[0]) if small is None else small
    return around(table, column, low) - around(table, column, float(etas[-1]))


def decades(table: Table, column: str, small: float | None = None) -> Array:
    """As `drop`, of log10 of a positive column: excess risks differ by factors, and so do their errors."""
    return drop(_logarithmic(table, column), column, small)


def over_best(table: Table, column: str) -> tuple[Array, Array]:
    """log10 of `column` (seeds,) at the smallest and at the largest working step size over that at the best.

    The best is chosen for each seed on the other seeds.
    """
    values = by_seed(_logarithmic(table, column), column, working_step_sizes(table))
    best = left_out_best(values)
    return values[:, 0] - best, values[:, -1] - best


def _logarithmic(table: Table, column: str) -> Table:
    with np.errstate(divide="ignore", invalid="ignore"):
        return Table({**table.columns, column: np.log10(table[column])})


def at_edge(table: Table) -> list[float]:
    """Working step sizes at which most runs that finished reached the edge."""
    works = usable(table)
    found = []
    for eta in working_step_sizes(table):
        here = works & (table["step_size"] == eta)
        if np.mean(table["edge_reached"][here] == 1) > 0.5:
            found.append(float(eta))
    return found


def asked(
    table: Table, ask: Callable[[Table], Answers | None], silent: str = "", unit: str = "differences"
) -> Verdict:
    """Ask in every cell that can be judged whether differences (seeds,) lie above 0.

    A 95 % interval over the seeds above 0 says yes, below 0 no. Beside the cells stands the mean over them,
    seed by seed, because cells of a seed are not independent. `ask` returns None where its questions do not
    arise, which `silent` words for the case that they arise nowhere; `unit` says what the differences are.

    Yes in every cell: ``reproduced``; in some, or over all together: ``partly``; otherwise ``not_reproduced``
    when some interval says no or there are ten seeds, else ``undecided``: few seeds give wide intervals.
    """
    reasons = {cell: unmet(rows) for cell, rows in cells(table).items()}
    judged = {cell: rows for cell, rows in cells(table).items() if reasons[cell] is None}
    answers = {cell: ask(rows) for cell, rows in judged.items()}
    found = {cell: answer for cell, answer in answers.items() if answer is not None}
    if not found:
        return _unasked([verdict for verdict in reasons.values() if verdict is not None], silent)
    intervals = together(found, seeds_of(judged))
    signs = [interval.sign for by_cell in intervals.values() for interval in by_cell.values()]
    seeds = np.unique(table["seed"]).size
    word = "not_reproduced" if min(signs) < 0 or seeds >= LEAST_SEEDS_AGAINST else "undecided"
    if max(signs) > 0:
        word = "reproduced" if min(signs) > 0 else "partly"
    numbers: Numbers = {
        "seeds": float(seeds),
        "cells judged": f"{len(found)} of {len(reasons)}",
        "intervals are of": unit,
    }
    for question, by_cell in intervals.items():
        numbers |= {f"{cell}: {question}": str(interval) for cell, interval in by_cell.items()}
    return Verdict(word, "; ".join(told(question, intervals[question]) for question in intervals), numbers)


def seeds_of(judged: Mapping[Cell, Table]) -> dict[Cell, NDArray[np.int_]]:
    """Seeds of each cell, increasing: those that its answers stand for."""
    return {cell: np.unique(rows["seed"]) for cell, rows in judged.items()}


def together(
    found: Mapping[Cell, Answers], seeds: Mapping[Cell, NDArray[np.int_]]
) -> dict[str, dict[str, Interval]]:
    """Question → cell where it arises, in words, → interval; with several the last entry is their mean.

    `seeds` are those of each cell: where runs failed, cells do not have the same.
    """
    every = np.unique(np.concatenate(list(seeds.values())))
    out: dict[str, dict[str, Interval]] = {}
    for question in dict.fromkeys(name for answer in found.values() for name in answer):
        values = {
            spoken(cell): _among(every, seeds[cell], answer[question])
            for cell, answer in found.items()
            if question in answer
        }
        if len(values) > 1:
            values[TOGETHER] = np.mean(list(values.values()), axis=0)  # a seed counts when it has all cells
        out[question] = {cell: mean_interval(each) for cell, each in values.items()}
    return out


def _among(every: NDArray[np.int_], seeds: NDArray[np.int_], values: Array) -> Array:
    """Values of some of the seeds, nan for the others."""
    out = np.full(every.size, np.nan)
    out[np.searchsorted(every, seeds)] = values
    return out


def _unasked(reasons: Sequence[Verdict], silent: str) -> Verdict:
    """Say why no cell was asked: the reason of the first that cannot be judged, or that it does not arise."""
    return Verdict(reasons[0].word, reasons[0].sentence) if reasons else Verdict("premise_not_met", silent)


def told(question: str, found: Mapping[str, Interval]) -> str:
    """Say in which cells the answer is yes, in which the opposite holds, and what all together say."""
    words = ("open", "yes", "no, the opposite")
    if len(found) == 1:
        return f"{question}: {words[next(iter(found.values())).sign]}"
    signs = {cell: interval.sign for cell, interval in found.items() if cell != TOGETHER}
    yes, no = (_listed([cell for cell in signs if signs[cell] == way], len(signs)) for way in (1, -1))
    against = f", the opposite in {no}" if no != "none" else ""
    return f"{question}: yes in {yes}{against}, over all together {words[found[TOGETHER].sign]}"


def _listed(some: Sequence[str], total: int) -> str:
    if not some or len(some) == total:
        return f"all {total} cells" if some else "none"
    return f"{len(some)} of {total}" + (f" ({'; '.join(some)})" if len(some) <= MOST_NAMED else "")


def spoken(cell: Cell) -> str:
    """Name a cell in a sentence.

    >>> spoken((2.0, 0.1))
    'amplitude 2, flips 0.1'
    """
    return f"amplitude {cell[0]:g}, flips {cell[1]:g}"
