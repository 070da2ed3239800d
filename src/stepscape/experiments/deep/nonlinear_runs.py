"""One descent on a deep nonlinear network of one input: the function that it ends in, and who carries it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature import largest_eigenpair
from stepscape.errors import bad
from stepscape.experiments.deep.participation import participation
from stepscape.experiments.deep.slopes import total_variation
from stepscape.experiments.frame.follow import by_log, evenly
from stepscape.experiments.frame.limits import EDGE, TRANSIENT
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.pieces import linear_pieces
from stepscape.measures.regions import grid as points_of
from stepscape.methods import GradientDescent
from stepscape.objectives.layered_network import LayeredNetwork
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import Path, PathPoint
from stepscape.training import run as train

Array = NDArray[np.float64]
HELD_OUT = 200  # examples that choose the best moment
FLAT = 0.01  # standard deviation of f over that of the labels, below which a network is dead
TOLERANCE = 0.05  # of the standard deviation of the labels: what a linear piece may miss
QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 20,
    "noise": 0.5,
    "width": 20,
    "scale": 1.0,
    "activations": ("relu", "tanh"),
    "network_depths": (2, 4),
    "edge_shares": (0.3, 0.9),
    "decays": (0.003,),
    "decay_share": 0.3,
    "fewest_steps": 500,
    "records": 4,
    "seeds": 3,
    "first_seed": 11,
}
FULL: dict[str, Any] = {
    **QUICK,
    "activations": ("relu", "tanh", "gelu"),
    "network_depths": (2, 3, 4),
    "edge_shares": (0.1, 0.3, 0.9),
    "decays": (0.003, 0.01),
    "fewest_steps": 4000,
    "records": 8,
    "seeds": 20,
    "first_seed": 100,
}


class NonlinearRun(Spec, frozen=True, tag="deep-nonlinear/1"):
    """One descent; its step size is `edge_share` of that at which the start would be at the edge."""

    truth: str
    n: int
    noise: float
    width: int
    scale: float
    records: int
    activation: str
    depth: int
    seed: int
    edge_share: float
    decay: float
    steps: int
    drawn: bool


def grid(settings: Settings) -> list[NonlinearRun]:
    """Every activation, depth and seed; every share without decay, and one share with every decay.

    All have the same time: a smaller step size makes more steps.
    """
    at_least(settings, seeds=1, n=2, width=1, records=4, fewest_steps=4)
    shares, decays = sorted(settings["edge_shares"]), settings["decays"]
    if not all(0.0 < share < 1.0 for share in shares):
        raise bad("edge_shares", "lie strictly between 0 and 1", shares)
    if settings["decay_share"] not in shares:
        raise bad("decay_share", f"be one of the edge_shares {shares}", settings["decay_share"])
    if not all(decay > 0.0 for decay in decays):
        raise bad("decays", "be positive", decays)
    if min(settings["network_depths"]) < 2:
        raise bad("network_depths", "be at least 2", min(settings["network_depths"]))
    cells = [{"edge_share": share, "decay": 0.0} for share in shares]
    cells += [{"edge_share": settings["decay_share"], "decay": decay} for decay in decays]
    fewest, first = settings["fewest_steps"], settings["first_seed"]
    return sweep(
        NonlinearRun, settings, activation=settings["activations"], depth=settings["network_depths"],
        seed=seeds(settings), cell=cells, steps=lambda run: round(fewest * shares[-1] / run.edge_share),
        drawn=lambda run: run.seed == first,
    )  # fmt: skip


def begin(run: NonlinearRun) -> tuple[LayeredNetwork, Array, GradientDescent]:
    """Return the loss, the start and the method."""
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed)
    objective = LayeredNetwork(problem, (run.width,) * (run.depth - 1), run.activation)
    theta = objective.start(run.scale, stream(run.seed, "network"))
    edge = 2.0 / largest_eigenpair(objective.hessian(theta)).value
    method = GradientDescent(run.edge_share * edge, run.steps, weight_decay=run.decay)
    return objective, theta, method


def work(run: NonlinearRun, tick: Tick) -> Record:
    """Train one network and measure the function of its midpoint, and its risk at the best moment."""
    objective, theta, method = begin(run)
    seen: list[PathPoint] = []
    path = train(
        objective, theta, method, record_every=run.steps, observe=seen.append,
        progress=lambda done: tick(done / run.steps), decayed=np.arange(objective.size) < objective.size - 1,
        record_at=sorted({*evenly(run.steps, run.records), *by_log(run.steps, run.records)}),
    )  # fmt: skip
    known = {
        "step_size": method.step_size, "start_ratio": float(path.edge_ratio[0]),
        "loss_rise": float(path.loss.max() / path.loss[0]),
    }  # fmt: skip
    if path.outcome == "diverged":
        return Record("diverged", known, reason=path.message)
    numbers = {
        **known, **_arrival(objective, path, seen), **_function(objective, path.midpoint),
        "risk_held_out": _risk(objective, seen[_best(objective, seen, run)].midpoint),
    }  # fmt: skip
    return Record("finished", numbers, _arrays(objective, path.midpoint) if run.drawn else {})


def _best(objective: LayeredNetwork, seen: list[PathPoint], run: NonlinearRun) -> int:
    """Record whose midpoint fits further examples best, never the start."""
    held = curve(run.truth, n=HELD_OUT, noise=run.noise, seed=stream(run.seed, "held out"))
    losses = [held.training_loss(objective.predict(each.midpoint, held.inputs)) for each in seen[1:]]
    return 1 + int(np.argmin(losses))


def _arrival(objective: LayeredNetwork, path: Path, seen: list[PathPoint]) -> dict[str, Any]:
    """Whether a run reached the edge, fits as well as the truth, moves no more, and is alive."""
    problem, end = objective.problem, path.at_steps[-1]
    points = points_of(problem)
    f, before = (
        objective.predict(each, points)
        for each in (path.midpoint, seen[int(np.searchsorted(path.at_steps, 0.75 * end))].midpoint)
    )
    size = float(np.sqrt(np.mean(f**2)))
    return {
        "edge_ratio": float(path.edge_ratio[-1]),
        "edge_reached": bool(np.any(path.edge_ratio[path.at_steps >= TRANSIENT * end] >= EDGE[0])),
        "training_error": _mean_square(problem.labels - objective.predict(path.midpoint)),
        "training_error_truth": _mean_square(problem.labels - _truth(problem, problem.inputs)),
        "function_moved": float(np.sqrt(_mean_square(f - before))) / size if size > 0.0 else 0.0,
        "alive": bool(f.std() >= FLAT * problem.labels.std()),
    }


def _function(objective: LayeredNetwork, theta: Array) -> dict[str, float]:
    """Measure f on the grid: ∫|f''|, linear pieces, risk, and how many neurons carry it."""
    problem = objective.problem
    points = points_of(problem)
    f = objective.predict(theta, points)
    return {
        "variation": total_variation(points, f),
        "pieces": float(linear_pieces(points, f, TOLERANCE * float(problem.labels.std()))),
        "risk": _risk(objective, theta),
        "participation": participation(objective, theta, points),
    }


def _risk(objective: LayeredNetwork, theta: Array) -> float:
    """Mean squared error to the truth on the grid."""
    points = points_of(objective.problem)
    return _mean_square(objective.predict(theta, points) - _truth(objective.problem, points))


def _arrays(objective: LayeredNetwork, theta: Array) -> dict[str, Array]:
    problem = objective.problem
    points = points_of(problem)
    return {
        "inputs": problem.inputs, "labels": problem.labels, "grid": points,
        "truth": _truth(problem, points), "solution": objective.predict(theta, points),
    }  # fmt: skip


def _truth(problem: Problem, points: Array) -> Array:
    assert problem.truth is not None  # a curve has one
    return np.asarray(problem.truth(points), np.float64)


def _mean_square(values: Array) -> float:
    return float(np.mean(values**2))
