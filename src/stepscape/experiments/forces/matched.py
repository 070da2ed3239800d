"""Runs of other methods beside those of descent with nearly the same weighted variation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Result, Run
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NEAR = 1.25  # largest factor between two weighted variations that count as equal


def apart(result: Result, what: str, factor: float = NEAR) -> dict[str, Array]:
    """Mean distance (seeds,) of the runs of every other method from descent, nan where nothing is near.

    what : "curve", the root mean square distance of the two curves over the standard deviation of the noise;
        "risk", the difference of the risks over the variance of the noise; or "trace", log10 of the trace of
        the Hessian over that of descent.
    """
    alive = _alive(result.runs)
    every = sorted({int(run["seed"]) for run in alive})
    out = {}
    for method in dict.fromkeys(str(run["method"]) for run in alive):
        if method != "descent":
            values = np.array([_of_seed(alive, method, seed, what, factor) for seed in every])
            if np.isfinite(values).any():
                out[method] = values
    return out


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


def _of_seed(runs: Sequence[Run], method: str, seed: int, what: str, factor: float) -> float:
    here = [run for run in runs if run["seed"] == seed]
    known = [run for run in here if run["method"] == "descent"]
    pairs = [(run, pair(run, known, factor)) for run in here if run["method"] == method]
    found = [_distance(run, other, what) for run, other in pairs if other is not None]
    return float(np.mean(found)) if found else float("nan")


def _distance(run: Run, other: Run, what: str) -> float:
    sigma = float(run["noise"]) or 1.0
    if what == "risk":
        return float(run["risk"] - other["risk"]) / sigma**2
    if what == "trace":
        return float(np.log10(run["trace"] / other["trace"]))
    gap = run.arrays["solution"] - other.arrays["solution"]
    return float(np.sqrt(np.mean(gap**2))) / sigma
