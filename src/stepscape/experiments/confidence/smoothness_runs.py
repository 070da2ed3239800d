"""The runs of `smoothness-or-confidence`: logistic runs with roughness and confidence at every record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.smoothness_measures import (
    Path,
    at_levels,
    followed,
    growth,
    of_truth,
    turned_around,
)
from stepscape.experiments.frame.follow import Followed, by_log, follow
from stepscape.experiments.frame.settings import Settings, at_least
from stepscape.experiments.logistic.runs import LogisticRun, equal_time, method_of, problem_of, start_of
from stepscape.experiments.logistic.runs import grid as logistic
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.transient import after_transient
from stepscape.tables.records import Record
from stepscape.training import Trajectory

QUICK: dict[str, Any] = {
    "truth": "wave",
    "n": 60,
    "amplitudes": (1.0, 2.0),
    "flip_rates": (0.0,),
    "half_width": 1.0,
    "width": 200,
    "init": "torch",
    "scale": 1.0,
    "weight_decay": 0.0,
    "step_sizes": (0.01, 0.1, 0.4, 1.2),
    "steps": 3000,
    "seeds": 6,
    "first_seed": 0,
    "records": 15,
}
FULL = {
    **QUICK,
    "n": 100,
    "width": 400,
    "amplitudes": (1.0, 2.0, 4.0),
    "step_sizes": (0.01, 0.04, 0.1, 0.4, 1.2, 4.0),
    "steps": 100_000,
    "seeds": 40,
    "first_seed": 100,
    "records": 40,
}


class FollowedRun(Spec, frozen=True, tag="smoothness-or-confidence/2"):
    """A logistic run that keeps roughness and confidence at every record, for every seed."""

    run: LogisticRun


def grid(settings: Settings) -> list[FollowedRun]:
    """Every amplitude, flip rate, seed and step size; refuse fewer than five inputs, which have no middle."""
    at_least(settings, n=5, first_seed=0)
    return [FollowedRun(run=run) for run in logistic({**settings, "shown": ()})]


def begin(spec: FollowedRun) -> object:
    """Build problem, start and method, so that what is wrong with them is refused."""
    return problem_of(spec.run), start_of(spec.run), method_of(spec.run)


def work(spec: FollowedRun, tick: Tick) -> Record:
    """Train one network and follow its midpoint.

    Records are evenly spaced in the logarithm of the steps; one more is the step of equal time, at which
    Σ η reaches what the smallest step size of the grid has in the end.
    """
    run = spec.run
    same_time = equal_time(run)
    at = {same_time, *by_log(run.steps, run.records)}
    seen = follow(problem_of(run), start_of(run), method_of(run), at, tick)
    return seen.record(lambda: _measured(seen, same_time))


def _measured(seen: Followed, same_time: int) -> tuple[Mapping[str, Any], Mapping[str, NDArray[Any]]]:
    """Columns at the end, at equal time, where the run comes to a level, and on how it still moves."""
    problem, trajectory = seen.problem, seen.trajectory
    path, truth = followed(problem, seen.snapshots), of_truth(problem)
    late, then = after_transient(path), seen.at(same_time)
    numbers = {
        **{name: float(values[-1]) for name, values in path.items()},
        **{f"{name}_equal_time": float(values[then]) for name, values in path.items()},
        **{f"{name}_truth": value for name, value in truth.items()},
        **at_levels(late, truth),
        **_movement(trajectory, path),
        "weighted_tv_lost": turned_around(late["weighted_tv"]),
    }
    drawn = {"steps": trajectory.at_steps.astype(float), "edge": trajectory.edge_ratio, **path}
    return numbers, drawn


def _movement(run: Trajectory, path: Path) -> dict[str, Any]:
    """Say how the run ends, and how fast it still moves.

    ``…_growth``: slope per tenfold steps over the last decade of steps, ``…_growth_before`` over the one
    before; of confidence and largest |f|, and of log10 ∫|f''|g. ``edge_ratio``: median over the records of
    the last decade, of the midpoint; ``edge_ratio_last``, of the iterates. ``budget_used``:
    D̄ (1 + 2 ∫|f''|g_D) over 2/η.
    """
    steps = run.at_steps
    moving = {
        "confidence": path["confidence"],
        "largest": path["largest"],
        "weighted_tv": np.log10(np.maximum(path["weighted_tv"], 1e-300)),
    }
    budget = path["curvature"] * (1.0 + 2.0 * path["curved_tv"])
    slopes = {f"{name}_growth": growth(steps, values) for name, values in moving.items()}
    earlier = {f"{name}_growth_before": growth(steps, values, 1) for name, values in moving.items()}
    return {
        "time": float(run.time[-1]),
        "loss": float(run.loss[-1]),
        "edge_ratio": float(np.median(run.edge_ratio[steps >= steps[-1] / 10])),
        "edge_ratio_last": float(np.median(run.edge_ratio_last[steps >= steps[-1] / 10])),
        "bent_neurons": int(run.bent_neurons[-1]),
        **slopes,
        **earlier,
        "budget_used": float(budget[-1]) / run.method.threshold(),
    }
