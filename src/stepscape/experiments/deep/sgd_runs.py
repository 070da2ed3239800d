"""One run of stochastic descent on a deep network, and the measures of curvature that it may stabilize."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.experiments.deep.networks import network
from stepscape.experiments.frame.follow import evenly
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import StochasticGradientDescent
from stepscape.objectives.batch_curvature import AVERAGES, along_batches, averaged
from stepscape.objectives.layered_network import LayeredNetwork
from stepscape.tables.records import Record
from stepscape.training import Path, PathPoint
from stepscape.training import run as train

Array = NDArray[np.float64]
SHUFFLED, REPLACED = "without replacement", "with replacement"
APART = 10**6  # added to the seed of the batches that measure: they are not those of the training
QUICK: dict[str, Any] = {
    "n": 32,
    "degree": 4,
    "width": 10,
    "layers": 2,
    "activation": "tanh",
    "scale": 1.0,
    "noises": (0.0, 0.3),
    "batch_sizes": (4,),
    "step_size": 0.2,
    "steps": 600,
    "records": 6,
    "measured_batches": 8,
    "trace_records": 1,
    "seeds": 4,
    "first_seed": 10,
}
FULL: dict[str, Any] = {
    **QUICK,
    "n": 64,
    "width": 20,
    "noises": (0.0, 0.1, 0.3),
    "batch_sizes": (16, 4, 1),
    "steps": 12000,
    "records": 32,
    "measured_batches": 128,
    "trace_records": 4,
    "seeds": 20,
    "first_seed": 100,
}


class BatchRun(Spec, frozen=True, tag="batch-sharpness/1"):
    """Stochastic descent with one batch size from one start."""

    n: int
    degree: int
    width: int
    layers: int
    activation: str
    scale: float
    noise: float
    labels: str
    step_size: float
    steps: int
    records: int
    measured_batches: int
    trace_records: int
    batch_size: int
    drawing: str
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[BatchRun]:
    """Every noise, batch size and way of drawing, and every seed; all n examples are one batch size more."""
    at_least(
        settings, seeds=1, n=2, degree=1, width=1, layers=1, steps=10, records=4, measured_batches=1,
        trace_records=1,
    )  # fmt: skip
    n, first = settings["n"], settings["first_seed"]
    cells = [{"batch_size": n, "drawing": SHUFFLED}]
    for size in settings["batch_sizes"]:
        if not 1 <= size < n:
            raise bad("batch_sizes", f"lie from 1 to {n - 1}, below the {n} examples", size)
        cells += [{"batch_size": size, "drawing": drawing} for drawing in (SHUFFLED, REPLACED)]
    for noise in settings["noises"]:
        if noise < 0.0:
            raise bad("noises", "be 0 or larger", noise)
    return sweep(
        BatchRun, settings, noise=settings["noises"], labels=lambda run: labels(run.noise), cell=cells,
        seed=seeds(settings), drawn=lambda run: run.seed == first,
    )  # fmt: skip


def labels(noise: float) -> str:
    """Name labels by their noise."""
    return f"labels with noise {noise:g}" if noise else "exact labels"


def begin(run: BatchRun) -> tuple[LayeredNetwork, Array, StochasticGradientDescent]:
    """Return the loss, the start and the method."""
    hidden = (run.width,) * run.layers
    objective = network(run.n, run.degree, hidden, run.activation, run.noise, run.seed)
    return objective, objective.start(run.scale, run.seed), _method(run, run.seed)


def _method(run: BatchRun, seed: int) -> StochasticGradientDescent:
    replaced = run.drawing == REPLACED
    return StochasticGradientDescent(run.step_size, run.steps, run.batch_size, replaced, seed)


def work(run: BatchRun, tick: Tick) -> Record:
    """Train; measure curvature at the records, and take medians over those of the last half of the steps."""
    objective, theta, method = begin(run)
    points: list[PathPoint] = []
    path = train(
        objective, theta, method, record_every=run.steps, observe=points.append,
        progress=lambda done: tick(0.7 * done / run.steps), record_at=evenly(run.steps, run.records),
    )  # fmt: skip
    known = {"start_ratio": float(path.edge_ratio[0]), "start_inside": bool(path.edge_ratio[0] < 1.0)}
    if path.outcome == "diverged":
        return Record("diverged", known, reason=path.message)
    kept = [at for at, step in enumerate(path.at_steps) if run.drawn or step >= 0.5 * run.steps]
    ratios = np.array([_batch_ratios(run, objective, points[at].theta, at) for at in kept])
    numbers = {**known, **_settled(run, path, path.at_steps[kept], ratios.T)}
    numbers["trace_ratio"] = _trace(run, objective, points)
    arrays = {
        "at_steps": path.at_steps.astype(float), "edge": path.edge_ratio, "batch": ratios[:, 0],
    } if run.drawn else {}  # fmt: skip
    return Record("finished", numbers, arrays)


def _batch_ratios(run: BatchRun, objective: LayeredNetwork, theta: Array, record: int) -> tuple[float, ...]:
    """Return batch sharpness·η/2 by both averages, over whole epochs without replacement."""
    epoch = max(1, run.n // run.batch_size)
    count = 1 if run.batch_size == run.n else -(-run.measured_batches // epoch) * epoch
    batches = _method(run, APART + run.seed).batches(record * count, count, run.n)
    along = along_batches(objective, theta, batches)
    return tuple(0.5 * run.step_size * averaged(*along, average) for average in AVERAGES)


def _settled(run: BatchRun, path: Path, at: NDArray[np.int64], ratios: Array) -> dict[str, float]:
    """Medians over the last half, and of the last quarter minus those of the quarter before it."""
    half, quarter = at >= 0.5 * run.steps, at >= 0.75 * run.steps
    batch, typical = ratios[0], ratios[1]
    edge = path.edge_ratio[np.isin(path.at_steps, at)]

    def change(values: Array) -> float:
        return float(np.median(values[quarter]) - np.median(values[half & ~quarter]))

    return {
        "edge_ratio": float(np.median(edge[half])),
        "edge_change": change(edge),
        "batch_ratio": float(np.median(batch[half])),
        "typical_ratio": float(np.median(typical[half])),
        "batch_change": change(batch),
        "batch_span": float(np.ptp(batch[half])),
        "loss": float(path.loss[-1]),
    }


def _trace(run: BatchRun, objective: LayeredNetwork, points: list[PathPoint]) -> float:
    """Median of the trace·η/2 at the midpoints of the last records, one product per parameter."""
    unit, found = np.eye(objective.size), []
    for point in points[-run.trace_records :]:
        hessian = objective.hessian(point.midpoint)
        found.append(sum(hessian.product(row)[at] for at, row in enumerate(unit)))
    return 0.5 * run.step_size * float(np.median(found))
