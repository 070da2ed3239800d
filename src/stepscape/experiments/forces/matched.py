"""Runs of other methods beside those of descent with nearly the same weighted variation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.forces.over_cells import mean_over_cells
from stepscape.experiments.frame import Result, Run
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NEAR = 1.25  # largest factor between two weighted variations that count as equal


@dataclass(frozen=True)
class Matches:
    """Distances (seeds, cells) of the runs of a method from descent, nan where nothing is near.

    Attributes
    ----------
    cells : names of the ranges and strengths.
    yardstick : distances (seeds, cells) of another start of descent from the same runs of descent, nan where
        it has no run near them.
    runs, pairs : how many runs finished alive, and how many of them have one of descent near.
    """

    values: Array
    yardstick: Array
    cells: tuple[str, ...]
    runs: int
    pairs: int

    @property
    def seeds(self) -> float:
        """Share of the seeds with a pair."""
        return float(np.isfinite(self.values).any(axis=1).mean())


def matches(result: Result, what: str, factor: float = NEAR) -> dict[str, Matches]:
    """Every other method beside descent.

    what : "curve", the root mean square distance of the two curves over the standard deviation of the noise;
        "risk", the difference of the risks over the variance of the noise; or "trace", log10 of the trace of
        the Hessian over that of descent.
    """
    alive = _alive(result.runs)
    every = sorted({int(run["seed"]) for run in result.runs})
    known = [run for run in alive if run["method"] == "descent"]
    others = [run for run in alive if run["method"] == "other_start"]
    methods = dict.fromkeys(str(run["method"]) for run in result.runs)
    return {
        method: _match([run for run in alive if run["method"] == method], known, others, every, what, factor)
        for method in methods
        if method != "descent"
    }


def _match(
    mine: Sequence[Run],
    known: Sequence[Run],
    others: Sequence[Run],
    every: list[int],
    what: str,
    factor: float,
) -> Matches:
    cells = sorted({(float(run["half_width"]), int(run["rank"])) for run in mine})
    values, yardstick = (np.full((len(every), len(cells)), np.nan) for _ in range(2))
    pairs = 0
    for run in mine:
        other = pair(run, known, factor)
        if other is None:
            continue
        pairs += 1
        at = every.index(int(run["seed"])), cells.index((float(run["half_width"]), int(run["rank"])))
        values[at] = _distance(run, other, what)
        again = pair(other, others, factor)
        if again is not None:
            yardstick[at] = _distance(again, other, what)
    ranges = {half for half, _ in cells}
    names = [f"strength {rank + 1}" + (f" on [−{half:g}, {half:g}]" if len(ranges) > 1 else "")
             for half, rank in cells]  # fmt: skip
    return Matches(values, yardstick, tuple(names), len(mine), pairs)


def apart(result: Result, what: str, factor: float = NEAR) -> dict[str, Array]:
    """Mean distance (seeds,) of the runs of every other method from descent; see `matches`."""
    found = {name: mean_over_cells(each.values) for name, each in matches(result, what, factor).items()}
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def pair(run: Run, descents: Sequence[Run], factor: float = NEAR) -> Run | None:
    """Return the run of descent on the same labels whose ∫|f''|g is nearest; None if none is near enough."""
    same = [each for each in descents if each.is_(seed=run["seed"], half_width=run["half_width"])]
    if not same or not run["weighted_tv"] > 0.0:
        return None
    away = [abs(np.log(max(each["weighted_tv"], 1e-300) / run["weighted_tv"])) for each in same]
    nearest = int(np.argmin(away))
    return same[nearest] if away[nearest] <= np.log(factor) else None


def descents(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of descent that finished alive and kept their curve."""
    return [run for run in _alive(runs) if run["method"] == "descent"]


def _alive(runs: Sequence[Run]) -> list[Run]:
    if not runs:
        return []
    counts = STEP_SIZES.counts(Table.from_records(run.row for run in runs))
    return [run for run, alive in zip(runs, counts, strict=True) if alive and "solution" in run.arrays]


def _distance(run: Run, other: Run, what: str) -> float:
    sigma = float(run["noise"]) or 1.0
    if what == "risk":
        return float(run["risk"] - other["risk"]) / sigma**2
    if what == "trace":
        return float(np.log10(run["trace"] / other["trace"]))
    gap = run.arrays["solution"] - other.arrays["solution"]
    return float(np.sqrt(np.mean(gap**2))) / sigma
