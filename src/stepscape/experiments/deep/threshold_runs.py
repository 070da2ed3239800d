"""One run of a method on a deep network, and where its sharpness settles against the method's threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature import largest_eigenpair
from stepscape.errors import bad
from stepscape.experiments.deep.networks import network
from stepscape.experiments.deep.optimizers import optimizer
from stepscape.experiments.frame.follow import evenly
from stepscape.experiments.frame.limits import EDGE, TRANSIENT
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import Adam, AdamW, Method, RMSProp
from stepscape.objectives.layered_network import LayeredNetwork
from stepscape.tables.records import Record
from stepscape.training import Path, PathPoint
from stepscape.training import run as train

Array = NDArray[np.float64]
PLAIN = 4  # records, the last ones, at which the sharpness without preconditioner is measured
QUICK: dict[str, Any] = {
    "n": 20,
    "degree": 4,
    "width": 20,
    "layers": 2,
    "activation": "tanh",
    "scale": 1.0,
    "algorithms": ("descent", "heavy-ball", "nesterov", "rmsprop", "adam", "adam", "heavy-ball-0.9"),
    "algorithm_step_sizes": (0.2, 0.15, 0.1, 0.003, 0.02, 0.05, 0.24),
    "steps": 1400,
    "records": 14,
    "seeds": 4,
    "first_seed": 0,
}  # fmt: skip
FULL: dict[str, Any] = {
    **QUICK,
    "algorithms": (
        *("descent",) * 3, *("heavy-ball",) * 2, *("nesterov",) * 2, *("rmsprop",) * 2,
        *("scalar-rmsprop",) * 2, *("adam",) * 3, *("adamw",) * 2, *("heavy-ball-0.9",) * 3,
    ),
    "algorithm_step_sizes": (
        0.1, 0.2, 0.3, 0.1, 0.15, 0.07, 0.1, 0.001, 0.003, 0.01, 0.02, 0.01, 0.02, 0.05, 0.01, 0.02,
        0.05, 0.15, 0.24,
    ),
    "steps": 6000,
    "records": 60,
    "seeds": 20,
    "first_seed": 100,
}  # fmt: skip


class ThresholdRun(Spec, frozen=True, tag="threshold/2"):
    """One method from one start."""

    n: int
    degree: int
    width: int
    layers: int
    activation: str
    scale: float
    steps: int
    records: int
    method: str
    step_size: float
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[ThresholdRun]:
    """Every method with its step size, and every seed."""
    at_least(settings, seeds=1, n=2, degree=1, width=1, layers=1, steps=10, records=4)
    names, etas = settings["algorithms"], settings["algorithm_step_sizes"]
    if len(names) != len(etas):
        raise bad("algorithm_step_sizes", f"hold one number for each of the {len(names)} methods", len(etas))
    cells = [{"method": name, "step_size": eta} for name, eta in zip(names, etas, strict=True)]
    first = settings["first_seed"]
    return sweep(
        ThresholdRun, settings, cell=cells, seed=seeds(settings), drawn=lambda run: run.seed == first
    )


def begin(run: ThresholdRun) -> tuple[LayeredNetwork, Array, Method]:
    """Return the loss, the start and the method."""
    objective = network(run.n, run.degree, (run.width,) * run.layers, run.activation)
    method = optimizer(run.method).make(run.step_size, run.steps)
    return objective, objective.start(run.scale, run.seed), method


def work(run: ThresholdRun, tick: Tick) -> Record:
    """Train, and take the median of the edge ratio over the records of the last half."""
    objective, theta, method = begin(run)
    seen: list[PathPoint] = []
    path = train(
        objective, theta, method, record_every=run.steps, observe=seen.append,
        progress=lambda done: tick(done / run.steps), record_at=evenly(run.steps, run.records),
    )  # fmt: skip
    adaptive = isinstance(method, RMSProp | Adam | AdamW)
    known = {"start_ratio": float(path.edge_ratio[0]), "adaptive": adaptive}
    if path.outcome == "diverged":
        return Record("diverged", known, reason=path.message)
    numbers = {**known, **_settled(path), "plain_ratio": _plain(objective, seen, run.step_size)}
    arrays = {"at_steps": path.at_steps.astype(float), "path": path.edge_ratio} if run.drawn else {}
    return Record("finished", numbers, arrays)


def _settled(path: Path) -> dict[str, Any]:
    """Quartiles of the edge ratio of the midpoints over the last half, and the largest one on the way.

    And whether it settles: how much it grows in the last quarter of the steps, and how the loss moves.
    """
    ratio, steps, loss = path.edge_ratio, path.at_steps, path.loss
    half, quarter = steps >= 0.5 * steps[-1], steps >= 0.75 * steps[-1]
    low, middle, high = np.quantile(ratio[half], (0.25, 0.5, 0.75))
    most = float(ratio[steps >= TRANSIENT * steps[-1]].max())
    return {
        "edge_ratio": float(middle), "low_ratio": float(low), "high_ratio": float(high),
        "largest_ratio": most, "edge_reached": most >= EDGE[0], "loss": float(loss[-1]),
        "ratio_growth": float(np.median(ratio[quarter]) / np.median(ratio[half & ~quarter])),
        "loss_rises": bool(np.any(np.diff(loss[half]) > 0.0)),
        "loss_fall": float((loss[half][0] - loss[-1]) / loss[0]),
    }  # fmt: skip


def _plain(objective: LayeredNetwork, seen: list[PathPoint], eta: float) -> float:
    """Median of λ_max·η/2 without preconditioner over the last records."""
    found = [largest_eigenpair(objective.hessian(point.midpoint), tolerance=1e-4) for point in seen[-PLAIN:]]
    return 0.5 * eta * float(np.median([pair.value for pair in found]))
