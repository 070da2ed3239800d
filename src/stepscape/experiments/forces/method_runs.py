"""One run of a method that flattens, at one of its strengths, at the same training time as all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import unknown
from stepscape.experiments.common.arms import stable_scale
from stepscape.experiments.frame.follow import evenly
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.measures import measure
from stepscape.methods import (
    GradientDescent,
    LabelNoise,
    LineMethod,
    SharpnessAware,
    StochasticGradientDescent,
    TracePenalty,
)
from stepscape.network import TwoLayerReLU
from stepscape.objectives import batch_sharpness, hessian_trace
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import Snapshot, Trajectory, train

Array = NDArray[np.float64]
CURVE_POINTS = 201
DRAWS = 64  # batches per record for the batch sharpness
NAMES = {
    "descent": "descent",
    "other_start": "descent from another start",
    "sgd": "SGD without replacement",
    "sgd_replacement": "SGD with replacement",
    "label_noise": "label noise",
    "sam": "SAM",
    "trace_penalty": "the trace penalty",
}
# The setting that holds the strengths of a method; the later in the list, the flatter.
STRENGTHS = {
    "descent": "step_sizes",
    "other_start": "step_sizes",
    "sgd": "batch_sizes",
    "sgd_replacement": "batch_sizes",
    "label_noise": "label_noises",
    "sam": "sam_radii",
    "trace_penalty": "penalties",
}


class MethodRun(Spec, frozen=True, tag="method/1"):
    """One run; `steps` are those at `step_size`, and `rank` counts the strengths of the method from 0."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    step_size: float
    largest_step_size: float
    method: str
    strength: float
    rank: int
    seed: int


def grid(settings: Settings) -> list[MethodRun]:
    """Every range, method, strength and seed."""
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    given = {name: settings[name] for name in MethodRun.__struct_fields__ if name in settings}
    largest = max(*settings["step_sizes"], settings["step_size"])
    return [
        MethodRun(
            **given, half_width=half_width, method=method, strength=float(strength), rank=rank, seed=seed,
            largest_step_size=largest,
        )
        for half_width in settings["half_widths"]
        for method in settings["optimizers"]
        for rank, strength in enumerate(_strengths(settings, method))
        for seed in seeds(settings)
    ]  # fmt: skip


def _strengths(settings: Settings, method: str) -> list[float]:
    """Return the strengths of a method, the weakest first: the largest batch is the weakest."""
    if method not in STRENGTHS:
        raise unknown("method", method, STRENGTHS)
    return sorted(settings[STRENGTHS[method]], reverse=STRENGTHS[method] == "batch_sizes")


def begin(run: MethodRun) -> tuple[Problem, TwoLayerReLU, GradientDescent | LineMethod]:
    """Return problem, start and method of a run."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    seed = stream(run.seed, "another network" if run.method == "other_start" else "network")
    scale = stable_scale(problem, run.width, seed, run.largest_step_size)
    return problem, TwoLayerReLU.random(run.width, scale, "torch", seed), method_of(run)


def method_of(run: MethodRun) -> GradientDescent | LineMethod:
    """Return the method at its strength; descent makes fewer steps the larger they are."""
    eta, steps, how, seed = run.step_size, run.steps, run.strength, stream(run.seed, "batches")
    if run.method in ("descent", "other_start"):
        return GradientDescent(how, max(1, round(steps * eta / how)))
    makers: dict[str, Callable[[], LineMethod]] = {
        "sgd": lambda: StochasticGradientDescent(eta, steps, int(how), False, seed),
        "sgd_replacement": lambda: StochasticGradientDescent(eta, steps, int(how), True, seed),
        "label_noise": lambda: LabelNoise(eta, steps, how, seed),
        "sam": lambda: SharpnessAware(eta, steps, how),
        "trace_penalty": lambda: TracePenalty(eta, steps, how),
    }
    return makers[run.method]()


def work(run: MethodRun, tick: Tick) -> Record:
    """Train one network; curvatures are medians over the records of the last half."""
    problem, network, method = begin(run)
    snapshots: list[Snapshot] = []
    at = evenly(method.steps, run.records)
    made = train(
        problem, network, method, record_every=method.steps, observe=snapshots.append, record_at=at,
        progress=lambda done: tick(done / method.steps),
    )  # fmt: skip
    known = {"start_ratio": float(made.edge_ratio[0]), "own_step_size": method.step_size}
    if made.outcome == "diverged":
        return Record("diverged", known, reason=made.message)
    batch = int(run.strength) if run.method.startswith("sgd") else run.n
    numbers = {**known, **_curvatures(problem, made, snapshots, batch, run), **_end(problem, made)}
    x = np.linspace(-run.half_width, run.half_width, CURVE_POINTS)
    truth = np.full(x.size, np.nan) if problem.truth is None else np.asarray(problem.truth(x))
    arrays = {"grid": x, "solution": made.midpoint.predict(x), "truth": truth}
    return Record("finished", numbers, arrays)


def _curvatures(
    problem: Problem, made: Trajectory, snapshots: list[Snapshot], batch: int, run: MethodRun
) -> dict[str, Any]:
    """Sharpness, trace and batch sharpness over 2/η; the first two of midpoints, the last of iterates."""
    late = [i for i, step in enumerate(made.at_steps) if step >= made.at_steps[-1] / 2]
    eta = made.method.step_size
    traces = [hessian_trace(problem, snapshots[i].midpoint) for i in late]
    ratios = [
        batch_sharpness(
            problem, snapshots[i].network, batch, DRAWS, run.method == "sgd_replacement", run.seed
        )
        for i in late
    ]
    return {
        "edge_ratio": float(np.median(made.edge_ratio[late])),
        "sharpness": float(np.median(made.sharpness[late])),
        "trace": float(np.median(traces)),
        "batch_ratio": 0.5 * eta * float(np.median(ratios)),
    }


def _end(problem: Problem, made: Trajectory) -> dict[str, Any]:
    found = measure(problem, made.network, made.network_before)
    names = ("pieces", "weighted_tv", "risk", "bent_neurons")
    return {"loss": float(made.loss[-1]), **{name: found[name] for name in names}}
