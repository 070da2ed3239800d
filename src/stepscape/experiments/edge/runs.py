"""Runs whose sharpness is followed, at every start and step size, for both losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.edge.crossing import crossing
from stepscape.experiments.frame.follow import by_log, evenly, follow
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.measures import measure_trajectory
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, bernoulli, curve
from stepscape.tables.records import Record
from stepscape.training import Trajectory

Array = NDArray[np.float64]
LOGISTIC = "logistic"  # in place of an arm: the logistic loss from the default start


class SharpnessRun(Spec, frozen=True, tag="sharpness-vs-step-size/3"):
    """One run on noisy labels; the grid's largest step size sets the initialization."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    crossing_steps: int
    arm: str
    seed: int
    step_size: float
    largest_step_size: float
    drawn: bool


class LogisticSharpnessRun(Spec, frozen=True, tag="sharpness-vs-step-size-logistic/1"):
    """One run on labels of two classes, from PyTorch's default start."""

    truth: str
    n: int
    amplitude: float
    flip_rate: float
    half_width: float
    width: int
    steps: int
    records: int
    crossing_steps: int
    arm: str
    seed: int
    step_size: float
    drawn: bool


AnyRun = SharpnessRun | LogisticSharpnessRun


def grid(settings: Settings) -> list[AnyRun]:
    """Every arm, seed and step size of the square loss; every law, seed and step size of the logistic one."""
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2, crossing_steps=1)
    at_least(settings, logistic_n=2, logistic_width=1, logistic_steps=1)
    etas, first = sorted(settings["step_sizes"]), settings["first_seed"]
    square = sweep(
        SharpnessRun,
        settings,
        arm=settings["arms"],
        seed=seeds(settings),
        step_size=etas,
        largest_step_size=etas[-1],
        drawn=lambda run: run.seed == first,
    )
    law = settings["amplitudes"][len(settings["amplitudes"]) // 2], settings["flip_rates"][0]
    logistic = sweep(
        LogisticSharpnessRun,
        settings,
        arm=LOGISTIC,
        **{name: settings[f"logistic_{name}"] for name in ("truth", "n", "half_width", "width", "steps")},
        amplitude=settings["amplitudes"],
        flip_rate=settings["flip_rates"],
        seed=seeds(settings),
        step_size=sorted(settings["logistic_step_sizes"]),
        drawn=lambda run: run.seed == first and (run.amplitude, run.flip_rate) == law,
    )
    return [*square, *logistic]


def begin(run: AnyRun) -> tuple[Problem, Start]:
    """Return the problem and the start of the run; an impossible step size is refused."""
    if isinstance(run, LogisticSharpnessRun):
        problem = bernoulli(
            run.truth, n=run.n, amplitude=run.amplitude, flip_rate=run.flip_rate, seed=run.seed,
            half_width=run.half_width,
        )  # fmt: skip
        origin = Start(TwoLayerReLU.random(run.width, 1.0, "torch", stream(run.seed, "network")), 1.0, 0.0)
    else:
        problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
        origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def work(run: AnyRun, tick: Tick) -> Record:
    """Train one network and follow its sharpness; a run that diverges is measured, too."""
    problem, origin = begin(run)
    method = origin.method(run.step_size, run.steps)
    at = {*evenly(run.steps, run.records), *by_log(run.steps, run.records)}
    seen = follow(problem, origin.network, method, at, tick)
    numbers: dict[str, Any] = {
        "threshold": method.threshold(),
        "initial_scale": origin.scale,
        **seen.beginning,
        **measure_trajectory(problem, seen.trajectory),
    }
    through: dict[str, Array] = {}
    if seen.trajectory.outcome == "finished":
        found, through = crossing(seen, run.crossing_steps, tick)
        numbers |= edge(seen.trajectory) | found
    arrays = curves(seen.trajectory) | through if run.drawn else {}
    reason = seen.trajectory.message if seen.trajectory.outcome == "diverged" else ""
    return Record(seen.trajectory.outcome, numbers, arrays, reason)


def edge(run: Trajectory) -> dict[str, Any]:
    """λ_max·η/2 and directional smoothness·η/2 over the last half; whether both stand still.

    At the final step size. ``median_edge_ratio`` (with quartiles), ``median_sharpness``: of the midpoint
    network; ``last_edge_ratio``: of the iterate, median. ``smoothness_ratio``: mean; in a swing of period two
    it is 1, whatever λ_max. ``drift``: the median edge ratio of the last quarter over that of the quarter
    before, minus 1. ``started_inside``: the ratio at step 0 lies below the edge.
    """
    threshold, steps = run.method.threshold(), run.at_steps
    ratio, end = run.sharpness / threshold, steps[-1]
    late = steps >= end / 2
    low, middle, high = np.quantile(ratio[late], [0.25, 0.5, 0.75])
    third, fourth = ratio[late & (steps < 0.75 * end)], ratio[steps >= 0.75 * end]
    smoothness = run.smoothness[late & np.isfinite(run.smoothness)]
    drift = float(np.median(fourth) / np.median(third)) - 1.0 if third.size and third.any() else None
    return {
        "median_edge_ratio": float(middle),
        "low_edge_ratio": float(low),
        "high_edge_ratio": float(high),
        "median_sharpness": float(middle) * threshold,
        "last_edge_ratio": float(np.median(run.sharpness_last[late])) / threshold,
        "smoothness_ratio": float(np.mean(smoothness)) / threshold if smoothness.size else None,
        "drift": drift,
        "started_inside": bool(ratio[0] < EDGE[0]),
    }


def curves(run: Trajectory) -> dict[str, Array]:
    """Arrays for the figures: what each record shows."""
    return {
        "steps": run.at_steps.astype(float),
        "time": run.time,
        "sharpness": run.sharpness,
        "bent": run.bent_neurons.astype(float),
    }
