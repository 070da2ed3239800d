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
from stepscape.measures.paired import Interval, mean_interval
from stepscape.measures.records import Table
from stepscape.measures.verdict import Verdict

Array = NDArray[np.float64]
Answers = Mapping[str, Interval]
NEAR = 1.1
LEAST_AT_EDGE = 3


def cells(table: Table) -> dict[tuple[float, float], Table]:
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


def drop(table: Table, column: str, small: float | None = None) -> Interval:
    """Paired interval of `column` at `small`, or the smallest working step size, minus at the largest."""
    etas = working_step_sizes(table)
    low = float(etas[0]) if small is None else small
    return mean_interval(around(table, column, low) - around(table, column, float(etas[-1])))


def rise(table: Table, column: str) -> Interval:
    """Paired interval of `column` at the largest working step size minus at the smallest."""
    etas = working_step_sizes(table)
    return mean_interval(around(table, column, float(etas[-1])) - around(table, column, float(etas[0])))


def at_edge(table: Table) -> list[float]:
    """Working step sizes at which most runs that finished reached the edge."""
    works = usable(table)
    found = []
    for eta in working_step_sizes(table):
        here = works & (table["step_size"] == eta)
        if np.mean(table["edge_reached"][here] == 1) > 0.5:
            found.append(float(eta))
    return found


def asked(table: Table, ask: Callable[[Table], Answers | None], silent: str = "") -> Verdict:
    """Ask the same questions in every cell that can be judged; an interval above 0 says yes, below 0 no.

    `ask` returns None where its questions do not arise, which `silent` words for the case that they arise
    nowhere. Yes everywhere: ``reproduced``; somewhere: ``partly``; nowhere: ``not_reproduced`` when some
    interval says no or there are ten seeds, otherwise ``undecided``, because few seeds give wide intervals.
    """
    held = {cell: unmet(rows) for cell, rows in cells(table).items()}
    answers = {cell: ask(rows) for cell, rows in cells(table).items() if held[cell] is None}
    found = {cell: answer for cell, answer in answers.items() if answer is not None}
    if not found:
        return _unasked([verdict for verdict in held.values() if verdict is not None], silent)
    signs = [interval.sign for answer in found.values() for interval in answer.values()]
    seeds = np.unique(table["seed"]).size
    against = min(signs) < 0 or seeds >= LEAST_SEEDS_AGAINST
    word = "not_reproduced" if against else "undecided"
    if max(signs) > 0:
        word = "reproduced" if min(signs) > 0 else "partly"
    questions = list(dict.fromkeys(name for answer in found.values() for name in answer))
    numbers: Numbers = {"seeds": float(seeds), "cells judged": f"{len(found)} of {len(held)}"}
    numbers |= {
        f"{spoken(cell)}: {name}": str(interval)
        for cell, answer in found.items()
        for name, interval in answer.items()
    }
    return Verdict(word, "; ".join(told(name, found) for name in questions), numbers)


def _unasked(held: Sequence[Verdict], silent: str) -> Verdict:
    """Say why no cell was asked: the reason of the first that cannot be judged, or that it does not arise."""
    return Verdict(held[0].word, held[0].sentence) if held else Verdict("premise_not_met", silent)


def told(question: str, found: Mapping[tuple[float, float], Answers]) -> str:
    """Say in which cells the answer is yes, in which the opposite is true, and leave the rest open."""
    signs = {cell: answer[question].sign for cell, answer in found.items() if question in answer}
    if len(signs) == 1:
        return f"{question}: {('open', 'yes', 'no, the opposite')[next(iter(signs.values()))]}"
    yes = _listed([cell for cell, sign in signs.items() if sign > 0], len(signs))
    no = _listed([cell for cell, sign in signs.items() if sign < 0], len(signs))
    return f"{question}: yes in {yes}" + (f", the opposite in {no}" if no != "none" else "")


def _listed(some: Sequence[tuple[float, float]], total: int) -> str:
    if not some or len(some) == total:
        return f"all {total} cells" if some else "none"
    return f"{len(some)} of {total} ({'; '.join(map(spoken, some))})"


def spoken(cell: tuple[float, float]) -> str:
    """Name a cell in a sentence.

    >>> spoken((2.0, 0.1))
    'amplitude 2, flips 0.1'
    """
    return f"amplitude {cell[0]:g}, flips {cell[1]:g}"
