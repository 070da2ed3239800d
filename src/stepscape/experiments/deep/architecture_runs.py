"""One run of gradient descent on a deep network with or without residual connections, normalization, biases.

Smoothness and risk are measured at the midpoints of the records: at the end, at the moment at which all step
sizes have the same training time, and at the best held-out moment.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature import largest_eigenpair
from stepscape.errors import bad, unknown
from stepscape.experiments.deep.models import loss_of_model
from stepscape.experiments.deep.networks import chebyshev
from stepscape.experiments.deep.normalization import predict, with_lengths_of
from stepscape.experiments.deep.slopes import total_variation
from stepscape.experiments.frame.follow import evenly, steps_until, with_moments
from stepscape.experiments.frame.limits import EDGE, TRANSIENT
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import GradientDescent
from stepscape.objectives import TorchLoss
from stepscape.problems import Problem
from stepscape.tables.records import Record
from stepscape.training import PathPoint
from stepscape.training import run as train

Array = NDArray[np.float64]
GRID = 401  # points of [−1, 1] on which functions are compared
PRECISION = 1e-3  # relative residual of λ_max
QUICK: dict[str, Any] = {
    "n": 12,
    "degree": 2,
    "noise": 0.5,
    "width": 10,
    "layers": 2,
    "activation": "tanh",
    "architectures": ("mlp", "residual", "batch-norm"),
    "step_sizes": (0.2, 0.4),
    "steps": 250,
    "warmup_steps": 25,
    "records": 5,
    "seeds": 3,
    "first_seed": 10,
}
FULL: dict[str, Any] = {
    **QUICK,
    "n": 20,
    "degree": 4,
    "width": 20,
    "layers": 3,
    "architectures": (
        "mlp",
        "residual",
        "batch-norm",
        "mlp-no-bias",
        "residual-no-bias",
        "batch-norm-no-bias",
    ),
    "step_sizes": (0.1, 0.3),
    "steps": 4000,
    "warmup_steps": 200,
    "records": 32,
    "seeds": 20,
    "first_seed": 100,
}


class Architecture(NamedTuple):
    """A kind of model with or without biases beyond the first layer, and how it is called."""

    words: str
    kind: str
    bias: bool
    plain: str  # the architecture that it differs from in one thing; "" for the plain network


ARCHITECTURES = {
    "mlp": Architecture("plain", "mlp", True, ""),
    "residual": Architecture("residual", "residual", True, "mlp"),
    "batch-norm": Architecture("batch norm", "batch-norm", True, "mlp"),
    "mlp-no-bias": Architecture("plain, no bias", "mlp", False, "mlp"),
    "residual-no-bias": Architecture("residual, no bias", "residual", False, "mlp-no-bias"),
    "batch-norm-no-bias": Architecture("batch norm, no bias", "batch-norm", False, "mlp-no-bias"),
}
NORMALIZED = tuple(name for name, each in ARCHITECTURES.items() if each.kind == "batch-norm")


class ArchitectureRun(Spec, frozen=True, tag="architecture/1"):
    """Gradient descent on one architecture at one step size."""

    n: int
    degree: int
    noise: float
    width: int
    layers: int
    activation: str
    architecture: str
    normalized: bool
    step_size: float
    steps: int
    warmup_steps: int
    records: int
    time: float
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[ArchitectureRun]:
    """Every architecture, seed and step size."""
    at_least(settings, seeds=1, n=3, degree=1, width=1, layers=2, steps=10, warmup_steps=0, records=4)
    etas, first = settings["step_sizes"], settings["first_seed"]
    if len(set(etas)) < 2 or min(etas) <= 0.0:
        raise bad("step_sizes", "be two or more different positive numbers", etas)
    if settings["warmup_steps"] >= settings["steps"]:
        raise bad("warmup_steps", f"be below the {settings['steps']} steps", settings["warmup_steps"])
    if settings["noise"] < 0.0:
        raise bad("noise", "be 0 or larger", settings["noise"])
    for name in settings["architectures"]:
        if name not in ARCHITECTURES:
            raise unknown("architecture", name, ARCHITECTURES)
    return sweep(
        ArchitectureRun, settings, architecture=settings["architectures"], seed=seeds(settings),
        step_size=etas, time=min(etas) * (settings["steps"] - settings["warmup_steps"]),
        normalized=lambda run: run.architecture in NORMALIZED,
        drawn=lambda run: run.seed == first,
    )  # fmt: skip


def begin(run: ArchitectureRun) -> tuple[Problem, TorchLoss, GradientDescent]:
    """Return the problem, the loss with its start, and the method."""
    problem = chebyshev(run.n, run.degree, run.noise, run.seed)
    made = ARCHITECTURES[run.architecture]
    loss = loss_of_model(made.kind, problem, run.width, run.layers, run.activation, run.seed, made.bias)
    return problem, loss, GradientDescent(run.step_size, run.steps, warmup_steps=run.warmup_steps)


def work(run: ArchitectureRun, tick: Tick) -> Record:
    """Train, and measure every midpoint of the records."""
    problem, loss, method = begin(run)
    start = largest_eigenpair(loss.hessian(loss.parameters), tolerance=1e-4).value
    known = {"start_ratio": 0.5 * run.step_size * start}
    etas = method.step_size_at(np.arange(run.steps), min(run.step_size, 1.0 / start))
    moment = steps_until(run.time, etas)
    seen: list[PathPoint] = []
    path = train(
        loss, loss.parameters, method, record_every=run.steps, measure_sharpness=False, observe=seen.append,
        progress=lambda done: tick(0.7 * done / run.steps),
        record_at=sorted({*evenly(run.steps, run.records), moment}),
    )  # fmt: skip
    if path.outcome == "diverged":
        return Record("diverged", known, reason=path.message)
    found = _Measured(run, problem, loss, seen, tick)
    numbers = {**known, **found.at_moments(moment)}
    return Record("finished", numbers, found.arrays(path.time, moment) if run.drawn else {})


class _Measured:
    """Edge ratios and functions (records, …) of a run."""

    def __init__(
        self, run: ArchitectureRun, problem: Problem, loss: TorchLoss, seen: list[PathPoint], tick: Tick
    ) -> None:
        self.run, self.problem, self.loss = run, problem, loss
        self.steps = np.array([point.step for point in seen])
        self.middles = [point.midpoint for point in seen]
        self.edge = _edge_ratios(loss, self.middles, run.step_size, tick)
        self.x = np.linspace(-1.0, 1.0, GRID)
        self.truth = _truth(self.x, run.degree)
        held, labels = _held_out(run)
        places = np.concatenate([self.x, held])[:, None]
        values = np.array([predict(loss, each, problem.points, places) for each in self.middles])
        self.functions, errors = values[:, :GRID], values[:, GRID:] - labels
        self.best = 1 + int(np.argmin(np.mean(errors[1:] ** 2, axis=1)))

    def at_moments(self, moment: int) -> dict[str, Any]:
        """Return columns of the end, of equal time, and of the best held-out moment."""
        end, equal = len(self.steps) - 1, int(np.searchsorted(self.steps, moment))
        half = self.steps >= 0.5 * self.run.steps
        moments = {"equal_time": equal, "held_out": self.best}
        return {
            **with_moments(self._at(end), moments, self._at),
            "edge_ratio": float(np.median(self.edge[half])),
            "growth_equal_time": self._growth(equal),
        }

    def _at(self, record: int) -> dict[str, Any]:
        theta, f = self.middles[record], self.functions[record]
        loss = self.loss.loss(theta)
        window = (self.steps >= TRANSIENT * self.steps[record]) & (self.steps <= self.steps[record])
        return {
            "tv": total_variation(self.x, f),
            "risk": float(np.sqrt(np.mean((f - self.truth) ** 2))),
            "loss": loss,
            "explained": float(1.0 - 2.0 * loss / np.var(self.problem.labels)),
            "edge_reached": bool(np.any(self.edge[window] >= EDGE[0])),
        }

    def _growth(self, record: int) -> float:
        """log10 of λ_max with the rows as long as at the start, over λ_max; nan without a normalization."""
        if not self.run.normalized:
            return float("nan")
        scaled = with_lengths_of(self.loss, self.middles[record], self.middles[0])
        there = largest_eigenpair(self.loss.hessian(scaled), tolerance=PRECISION).value
        return float(np.log10(0.5 * self.run.step_size * there / self.edge[record]))

    def arrays(self, time: Array, moment: int) -> dict[str, Array]:
        """Return what is drawn: the path of the edge ratio, and the function at equal time."""
        return {
            "time": time, "edge": self.edge, "x": self.x, "truth": self.truth,
            "fit": self.functions[int(np.searchsorted(self.steps, moment))],
            "points": self.problem.points[:, 0], "labels": self.problem.labels,
        }  # fmt: skip


def _edge_ratios(loss: TorchLoss, middles: list[Array], eta: float, tick: Tick) -> Array:
    """λ_max·η/2 at every midpoint, searched from the eigenvector of the one before."""
    ratios, vector = [], None
    for at, theta in enumerate(middles):
        pair = largest_eigenpair(loss.hessian(theta), vector, PRECISION)
        vector = pair.vector
        ratios.append(0.5 * eta * pair.value)
        tick(0.7 + 0.3 * at / len(middles))
    return np.array(ratios)


def _truth(x: Array, degree: int) -> Array:
    return np.asarray(np.cos(degree * np.arccos(x)))


def _held_out(run: ArchitectureRun) -> tuple[Array, Array]:
    """Return n fresh inputs, uniform on [−1, 1], with noisy labels."""
    rng = np.random.default_rng((run.seed, run.n, 1))
    x = rng.uniform(-1.0, 1.0, run.n)
    return x, _truth(x, run.degree) + run.noise * rng.standard_normal(run.n)
