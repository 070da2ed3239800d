"""One run whose sharpness is followed, at every arm and step size: what claims about the edge share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.frame.follow import evenly, follow
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.measures import measure_trajectory
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import Trajectory

Array = NDArray[np.float64]


class SharpnessRun(Spec, frozen=True, tag="sharpness-vs-step-size/2"):
    """One run on noisy labels; the grid's largest step size sets the initialization."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    arm: str
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings) -> list[SharpnessRun]:
    """Every arm, seed and step size."""
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    etas, first = sorted(settings["step_sizes"]), settings["first_seed"]
    return sweep(
        SharpnessRun,
        settings,
        arm=settings["arms"],
        seed=seeds(settings),
        step_size=etas,
        largest_step_size=etas[-1],
        drawn=lambda run: run.seed == first,
    )


def begin(run: SharpnessRun) -> tuple[Problem, Start]:
    """Return the problem and the start of the run; an impossible step size is refused."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def work(run: SharpnessRun, tick: Tick) -> Record:
    """Train one network and follow its sharpness; a run that diverges is measured, too."""
    problem, origin = begin(run)
    method = origin.method(run.step_size, run.steps)
    seen = follow(problem, origin.network, method, evenly(run.steps, run.records), tick)
    trajectory = seen.trajectory
    numbers: dict[str, Any] = {
        "threshold": method.threshold(),
        "initial_scale": origin.scale,
        **seen.beginning,
        **measure_trajectory(problem, trajectory),
    }
    if trajectory.outcome == "finished":
        numbers |= edge(trajectory)
    arrays = curves(trajectory) if run.drawn else {}
    reason = trajectory.message if trajectory.outcome == "diverged" else ""
    return Record(trajectory.outcome, numbers, arrays, reason)


def edge(run: Trajectory) -> dict[str, Any]:
    """Edge ratio and directional smoothness·η/2 over the last half; when the run reached the edge.

    The edge ratio is that of the midpoint network, at the final step size. A record counts once the warm-up
    is over. ``started_inside``: the ratio at step 0 lies below the edge. ``share_outside``: records with a
    ratio above the edge's upper end. ``swing``: how far the ratio of the iterate lies from that of the
    midpoint.
    """
    threshold = run.method.threshold()
    ratio = run.sharpness / threshold
    swing = np.abs(run.sharpness_last - run.sharpness) / threshold
    late = run.at_steps >= run.at_steps[-1] / 2
    low, middle, high = np.quantile(ratio[late], [0.25, 0.5, 0.75])
    counted = run.at_steps >= run.method.warmup_steps
    reached = np.flatnonzero(counted & (ratio >= EDGE[0]))
    first = int(reached[0]) if reached.size else -1
    smoothness = run.smoothness[late & np.isfinite(run.smoothness)]
    return {
        "median_edge_ratio": float(middle),
        "low_edge_ratio": float(low),
        "high_edge_ratio": float(high),
        "swing": float(np.median(swing[late])),
        "median_sharpness": float(middle) * threshold,
        "mean_smoothness_ratio": float(np.mean(smoothness)) / threshold if smoothness.size else None,
        "median_smoothness": float(np.median(smoothness)) if smoothness.size else None,
        "reached_at_step": int(run.at_steps[first]) if reached.size else None,
        "reached_at_time": float(run.time[first]) if reached.size else None,
        "started_inside": bool(ratio[0] < EDGE[0]),
        "share_outside": float(np.mean(ratio[counted] > EDGE[1])),
    }


def curves(run: Trajectory) -> dict[str, Array]:
    """Arrays for the figures: what each record shows."""
    return {
        "steps": run.at_steps.astype(float),
        "time": run.time,
        "sharpness": run.sharpness,
        "smoothness": run.smoothness,
        "loss": run.loss,
        "bent": run.bent_neurons.astype(float),
    }
