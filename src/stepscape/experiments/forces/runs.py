"""One run under a force, at the step size that gives its method the threshold 2/η, and at equal time.

Plain descent with step size η leaves a place where λ_max exceeds 2/η. A method with another stability limit
c = η'·λ runs with η' = η·c/2, so that the same sharpness is its threshold; and it makes as many steps as
bring its time Σ η'/(1 − β) to that of plain descent. All forces of a seed start from one network, up to the
blocks that a force takes away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import unknown
from stepscape.experiments.common.arms import stable_scale
from stepscape.experiments.frame.follow import Followed, by_log, evenly, follow, with_moments
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.measures import measure
from stepscape.methods import GradientDescent
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record

Array = NDArray[np.float64]
CURVE_POINTS = 201


@dataclass(frozen=True)
class Force:
    """What acts besides the gradient.

    Attributes
    ----------
    words : its name in a sentence.
    method : fields of `GradientDescent`.
    trainable : blocks that are trained.
    absent : blocks that are 0 throughout.
    """

    words: str
    method: Mapping[str, Any] = field(default_factory=dict)
    trainable: tuple[str, ...] = BLOCKS
    absent: tuple[str, ...] = ()


FORCES = {
    "none": Force("plain descent"),
    "weak_decay": Force("weight decay 0.001", {"weight_decay": 0.001}),
    "decay": Force("weight decay 0.01", {"weight_decay": 0.01}),
    "heavy_ball": Force("heavy ball, β = 0.9", {"momentum": 0.9}),
    "nesterov": Force("Nesterov, β = 0.9", {"momentum": 0.9, "nesterov": True}),
    "no_output_bias": Force("no output bias", trainable=("w1", "b1", "w2"), absent=("b2",)),
    "no_input_biases": Force("no input biases", trainable=("w1", "w2", "b2"), absent=("b1",)),
    "frozen_output": Force("output weights frozen", trainable=("w1", "b1", "b2")),
    "frozen_input": Force("input layer frozen", trainable=("w2", "b2")),
}
NAMES = {name: force.words for name, force in FORCES.items()}


class ForceRun(Spec, frozen=True, tag="force/1"):
    """One run; the largest step size of the grid sets the scale of the start, `steps` the common time."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    force: str
    step_size: float
    smallest_step_size: float
    largest_step_size: float
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[ForceRun]:
    """Every range, force, step size and seed."""
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    etas, first = sorted(settings["step_sizes"]), settings["first_seed"]
    return sweep(
        ForceRun,
        settings,
        half_width=settings["half_widths"],
        force=settings["forces"],
        step_size=etas,
        smallest_step_size=etas[0],
        largest_step_size=etas[-1],
        seed=seeds(settings),
        drawn=lambda run: run.seed == first,
    )


def begin(run: ForceRun) -> tuple[Problem, TwoLayerReLU, GradientDescent]:
    """Return problem, start and method of a run."""
    if run.force not in FORCES:
        raise unknown("force", run.force, FORCES)
    problem = problem_of(run, run.seed)
    return problem, start(run, problem), method_of(run)


def problem_of(run: ForceRun, seed: int) -> Problem:
    """Labels of a seed."""
    return curve(run.truth, n=run.n, noise=run.noise, seed=seed, half_width=run.half_width)


def start(run: ForceRun, problem: Problem) -> TwoLayerReLU:
    """Scale the start below every threshold of the grid, as the arm ``small_init`` does."""
    force, seed = FORCES[run.force], stream(run.seed, "network")
    scale = stable_scale(problem, run.width, seed, run.largest_step_size)
    drawn = TwoLayerReLU.random(run.width, scale, "torch", seed)
    kept = {name: getattr(drawn, name) * float(name not in force.absent) for name in BLOCKS}
    return TwoLayerReLU(**kept, trainable=force.trainable)


def method_of(run: ForceRun) -> GradientDescent:
    """Return the method with threshold 2/η and the time of `steps` steps at the grid's smallest step size."""
    changes = FORCES[run.force].method
    stable = GradientDescent(1.0, 1, **changes).threshold()  # step size times curvature
    eta = run.step_size * stable / 2.0
    time = run.steps * run.smallest_step_size
    steps = round(time * (1.0 - changes.get("momentum", 0.0)) / eta)
    return GradientDescent(eta, max(1, steps), **changes)


def work(run: ForceRun, tick: Tick) -> Record:
    """Train one network; measure it at equal time and at its best held-out moment."""
    problem, network, method = begin(run)
    at = {*evenly(method.steps, run.records), *by_log(method.steps, run.records)}
    seen = follow(problem, network, method, at, tick)

    def measured() -> tuple[dict[str, Any], dict[str, Array]]:
        best = seen.best(problem_of(run, stream(run.seed, "held out")), tick)
        numbers = with_moments(_ended(seen), {"held_out": best}, lambda record: _compared(seen, record))
        return numbers, _curves(seen) if run.drawn else {}

    return seen.record(measured, {**seen.beginning, "start_ratio": float(seen.trajectory.edge_ratio[0])})


def _ended(seen: Followed) -> dict[str, Any]:
    run = seen.trajectory
    late = run.at_steps >= run.at_steps[-1] / 2
    return {
        **_compared(seen, len(seen.snapshots) - 1),
        "time": float(run.time[-1]),
        "loss": float(run.loss[-1]),
        "sharpness": float(run.sharpness[-1]),
        "edge_ratio": float(np.median(run.edge_ratio[late])),
        "edge_reached": bool(run.edge_ratio.max() >= EDGE[0]),
    }


def _compared(seen: Followed, record: int) -> dict[str, Any]:
    """Measure what is compared between forces at one record."""
    snapshot = seen.snapshots[record]
    found = measure(seen.problem, snapshot.network, snapshot.network_before)
    names = ("pieces", "knots", "weighted_tv", "risk", "risk_interior", "bent_neurons")
    return {name: found[name] for name in names if name in found}


def _curves(seen: Followed) -> dict[str, Array]:
    """Return data, truth and fit."""
    problem = seen.problem
    x = np.linspace(problem.inputs.min(), problem.inputs.max(), CURVE_POINTS)
    return {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": x,
        "truth": np.asarray(problem.truth(x)) if problem.truth is not None else np.full(x.size, np.nan),
        "solution": seen.snapshots[-1].midpoint.predict(x),
    }
