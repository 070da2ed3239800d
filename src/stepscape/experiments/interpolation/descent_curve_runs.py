"""Risk against the number of parameters: least squares of least norm in three families, and networks.

Excess risks, with labels of noise σ around the truth. For Gaussian features and |β| = 1 the mean over all
samples is known (n examples, p features):

    p < n − 1    (σ² + t) p/(n − p − 1) + t,
    p > n + 1    (1 − t) (1 − n/p) + (σ² + t) n/(p − n − 1) + t,

where t is the part of |β|² that the first p features do not have: 0 for isotropic least squares, which has
all of β in its p features; in the misspecified family β_k ∝ 1/k over `TOTAL` features.

Source: Belkin, Hsu and Xu (2020); Hastie, Montanari, Rosset and Tibshirani (2022).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive
from stepscape.errors import bad, unknown
from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import train

Array = NDArray[np.float64]
TOTAL = 20_000  # features of the misspecified truth
DIMENSION, FRESH = 5, 1000  # input variables of the random features, and fresh inputs
CUT = 1e-10  # singular values below this share of the largest count as 0
GRID = 601  # points at which the risk of a network is measured
QUICK: dict[str, Any] = {
    "families": ("isotropic", "misspecified", "relu_features"),
    "n": 40,
    "ratios": (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 4.0, 20.0),
    "noises": (0.1, 1.0),
    "draws": 20,
    "truth": "tent",
    "network_n": 20,
    "network_noise": 0.3,
    "half_width": 3.0,
    "arms": ("small_init", "warm_up"),
    "widths": (2, 4, 6, 8, 12, 40),
    "step_sizes": (0.05, 0.6),
    "steps": 4000,
    "seeds": 5,
    "first_seed": 0,
}


class LeastSquaresRun(Spec, frozen=True, tag="double-descent/1"):
    """Least squares of least norm with p features, over some samples; `case` names family and noise."""

    family: str
    case: str
    ratio: float
    p: int
    n: int
    noise: float
    draws: int
    seed: int


class WidthRun(Spec, frozen=True, tag="double-descent-width/1"):
    """Descent of a network of some width."""

    truth: str
    n: int
    noise: float
    half_width: float
    arm: str
    width: int
    step_size: float
    largest_step_size: float
    steps: int
    seed: int


def grid(settings: Settings) -> list[LeastSquaresRun | WidthRun]:
    """Every family, noise and number of features; every arm, step size and width."""
    at_least(settings, seeds=1, n=8, draws=2, steps=1, network_n=4)
    at_least({"widths": min(settings["widths"])}, widths=1)
    for family in settings["families"]:
        if family not in FAMILIES:
            raise unknown("family", family, FAMILIES)
    for name in ("ratios", "noises"):
        positive(name, min(settings[name]))
    if len(set(_features(settings))) < len(settings["ratios"]):
        raise bad("ratios", "give different numbers of features", _features(settings))
    squares = sweep(
        LeastSquaresRun,
        settings,
        family=settings["families"],
        noise=settings["noises"],
        ratio=sorted(settings["ratios"]),
        seed=seeds(settings),
        p=lambda run: max(1, round(run.ratio * run.n)),
        case=lambda run: f"{run.family}, noise {run.noise:g}",
    )
    etas = sorted(settings["step_sizes"])
    networks = sweep(
        WidthRun,
        settings,
        n=settings["network_n"],
        noise=settings["network_noise"],
        arm=settings["arms"],
        step_size=etas,
        largest_step_size=etas[-1],
        width=sorted(settings["widths"]),
        seed=seeds(settings),
    )
    return [*squares, *networks]


def _features(settings: Settings) -> list[int]:
    return [max(1, round(ratio * settings["n"])) for ratio in settings["ratios"]]


def begin(run: LeastSquaresRun | WidthRun) -> tuple[Problem, Start] | None:
    """Return the sample and the start of a network; least squares need none."""
    if isinstance(run, LeastSquaresRun):
        return None
    problem = curve(run.truth, n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width)
    origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def work(run: LeastSquaresRun | WidthRun, tick: Tick) -> Record:
    """Measure the excess risk; ``formula``: its known mean, None where there is none or it is infinite."""
    if isinstance(run, WidthRun):
        return _network(run, tick)
    rng, found = np.random.default_rng(stream(run.seed, f"{run.case} {run.p}")), []
    for draw in range(run.draws):
        found.append(FAMILIES[run.family](run, rng))
        tick((draw + 1) / run.draws)
    risk = float(np.mean(found))
    return Record("finished", {"risk": risk, "log_risk": float(np.log10(risk)), "formula": known_mean(run)})


def _network(run: WidthRun, tick: Tick) -> Record:
    begun = begin(run)
    assert begun is not None  # networks begin
    problem, origin = begun
    path = train(
        problem, origin.network, origin.method(run.step_size, run.steps), record_every=run.steps,
        progress=lambda made: tick(made / run.steps),
    )  # fmt: skip
    if path.outcome == "diverged":
        return Record("diverged", {}, reason=path.message)
    assert problem.truth is not None  # a curve has one
    at = np.linspace(-run.half_width, run.half_width, GRID)
    risk = float(np.mean((path.midpoint.predict(at) - problem.truth(at)) ** 2))
    numbers = {
        "risk": risk,
        "log_risk": float(np.log10(risk)),
        "training_error": float(2.0 * problem.training_loss(path.midpoint.predict(problem.inputs))),
        "edge_ratio": float(path.edge_ratio[-1]),
        "bent_neurons": int(path.bent_neurons[-1]),
    }
    return Record("finished", numbers)


def coefficients(family: str, p: int) -> tuple[Array, float]:
    """β of the p features, and the part t of |β|² = 1 outside of them."""
    if family == "isotropic":
        return np.full(p, p**-0.5), 0.0
    beta = 1.0 / np.arange(1.0, TOTAL + 1.0)
    beta /= np.linalg.norm(beta)
    return beta[:p], float(np.sum(beta[p:] ** 2))


def known_mean(run: LeastSquaresRun) -> float | None:
    """Mean excess risk over all samples; None for random features, and near p = n, where it is infinite."""
    n, p = run.n, run.p
    if run.family == "relu_features" or abs(p - n) <= 1:
        return None
    tail = coefficients(run.family, p)[1]
    noise = run.noise**2 + tail
    if p < n - 1:
        return noise * p / (n - p - 1) + tail
    return (1.0 - tail) * (1.0 - n / p) + noise * n / (p - n - 1) + tail


def _gaussian(run: LeastSquaresRun, rng: np.random.Generator) -> float:
    """|b − β|² + t; what the missing features add to the labels is noise of variance t."""
    beta, tail = coefficients(run.family, run.p)
    x = rng.standard_normal((run.n, run.p))
    y = x @ beta + np.hypot(run.noise, np.sqrt(tail)) * rng.standard_normal(run.n)
    return float(np.sum((least_norm(x, y) - beta) ** 2)) + tail


def _relu(run: LeastSquaresRun, rng: np.random.Generator) -> float:
    """Mean squared distance to tanh(2 w·x) at fresh inputs; features (v·x + c)₊ with Gaussian v and c."""
    direction = rng.standard_normal(DIMENSION)
    direction /= np.linalg.norm(direction)
    v, c = rng.standard_normal((DIMENSION, run.p)) / np.sqrt(DIMENSION), rng.standard_normal(run.p)
    x, fresh = rng.standard_normal((run.n, DIMENSION)), rng.standard_normal((FRESH, DIMENSION))
    here, there = (np.maximum(each @ v + c, 0.0) / np.sqrt(run.p) for each in (x, fresh))
    y = np.tanh(2.0 * x @ direction) + run.noise * rng.standard_normal(run.n)
    return float(np.mean((there @ least_norm(here, y) - np.tanh(2.0 * fresh @ direction)) ** 2))


def least_norm(x: Array, y: Array) -> Array:
    """Least squares, of all solutions the one of least norm."""
    return np.asarray(np.linalg.lstsq(x, y, rcond=CUT)[0])


FAMILIES: dict[str, Callable[[LeastSquaresRun, np.random.Generator], float]] = {
    "isotropic": _gaussian,
    "misspecified": _gaussian,
    "relu_features": _relu,
}
