"""A network, its own tangent kernel and a cubic spline on one sample, all tuned by the same cross-validation.

Targets: "bump", the hardest sequence: a tent of height and width n^(−1/4) at a random place, so that the
total bending is the same for all n; and "tent", which is the same for all n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive
from stepscape.errors import unknown
from stepscape.experiments.certificates.linear_smoothers import ridge_path, spline_path
from stepscape.experiments.common.tangent import tangent_features
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.regions import regions
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import Snapshot, train

Array = NDArray[np.float64]
Paths = Callable[[Array, Array, Array], Array]  # x, y, points → values (tunings, points)
BASE, SLOPE, REACH = 0.5, 8.5, 0.35  # half base at n = 1, slope, reach of the center: in half widths
STEP_SIZES, MOMENTS = 3, 9  # of the network: step sizes times stopping moments are its tunings
PENALTIES = 20  # of each smoother
GRID = 801
METHODS = ("network", "ntk", "spline")
QUICK: dict[str, Any] = {
    "targets": ("bump", "tent"),
    "sizes": (40, 80, 160),
    "noise": 0.5,
    "half_width": 3.0,
    "width": 60,
    "scale": 0.5,
    "smallest_step_size": 0.05,
    "largest_step_size": 0.4,
    "steps": 1500,
    "folds": 3,
    "seeds": 4,
    "first_seed": 0,
}


@dataclass(frozen=True)
class Bump:
    """A tent of some height on [center − half_base, center + half_base], 0 elsewhere."""

    center: float
    half_base: float
    height: float

    def __call__(self, x: Array) -> Array:
        """Evaluate at x."""
        return self.height * np.maximum(1.0 - np.abs(np.asarray(x) - self.center) / self.half_base, 0.0)


class RateRun(Spec, frozen=True, tag="rates/1"):
    """All three methods on one sample."""

    target: str
    n: int
    noise: float
    half_width: float
    width: int
    scale: float
    smallest_step_size: float
    largest_step_size: float
    steps: int
    folds: int
    seed: int


def grid(settings: Settings) -> list[RateRun]:
    """Every target, size and seed."""
    at_least(settings, seeds=1, width=1, folds=2, steps=10)
    at_least({"sizes": min(settings["sizes"])}, sizes=20)
    for name in ("smallest_step_size", "largest_step_size", "noise", "half_width"):
        positive(name, settings[name])
    for target in settings["targets"]:
        if target not in TARGETS:
            raise unknown("target", target, TARGETS)
    return sweep(
        RateRun, settings, target=settings["targets"], n=sorted(settings["sizes"]), seed=seeds(settings)
    )


def begin(run: RateRun) -> tuple[Problem, TwoLayerReLU, list[GradientDescent]]:
    """Return the sample, the start, and descent with every step size."""
    rng = np.random.default_rng(stream(run.seed, f"target {run.n}"))
    problem = curve(
        TARGETS[run.target](run, rng), n=run.n, noise=run.noise, seed=run.seed, half_width=run.half_width
    )
    start = TwoLayerReLU.random(run.width, run.scale, seed=stream(run.seed, "network"))
    etas = np.geomspace(run.smallest_step_size, run.largest_step_size, STEP_SIZES).tolist()
    return problem, start, [GradientDescent(eta, run.steps) for eta in etas]


def _bump(run: RateRun, rng: np.random.Generator) -> Bump:
    half_base = BASE * run.n**-0.25
    center = REACH * rng.uniform(-1.0, 1.0)
    return Bump(center * run.half_width, half_base * run.half_width, SLOPE * half_base)


TARGETS: dict[str, Callable[[RateRun, np.random.Generator], Any]] = {
    "bump": _bump,
    "tent": lambda *_: "tent",
}


def work(run: RateRun, tick: Tick) -> Record:
    """Tune each method by the same folds, fit it to all labels, and measure it in the interior.

    ``risk_*``: mean squared distance to the truth on a grid in the interior; ``best_*``: the same with the
    tuning that is best in hindsight; ``ratio_*``, ``best_ratio_*``: log10 of a kernel's over the network's;
    ``training_error`` and ``training_error_truth``: on the labels in the interior; ``tuned_to_end``: whether
    the network was stopped at its last moment.
    """
    problem, start, methods = begin(run)
    x, y, truth = problem.inputs, problem.labels, problem.truth
    assert truth is not None  # a curve has one
    fold = np.random.default_rng(stream(run.seed, "folds")).permutation(run.n) % run.folds
    at = np.linspace(-run.half_width, run.half_width, GRID)
    at = at[regions(problem, at)["interior"]]
    numbers: dict[str, Any] = {"zero": float(np.mean(truth(at) ** 2))}
    inside = regions(problem, x)["interior"]
    for name, paths in _methods(run, start, methods, tick).items():
        chosen = _chosen(paths, x, y, fold, run.folds)
        fits = paths(x, y, np.concatenate([at, x]))
        risks = np.mean((fits[:, : at.size] - truth(at)) ** 2, axis=1)
        numbers |= {f"risk_{name}": float(risks[chosen]), f"best_{name}": float(np.nanmin(risks))}
        if name == "network":
            numbers |= {
                "training_error": float(np.mean((fits[chosen, at.size :] - y)[inside] ** 2)),
                "training_error_truth": float(np.mean((truth(x) - y)[inside] ** 2)),
                "step_size": methods[chosen // MOMENTS].step_size,
                "tuned_to_end": chosen % MOMENTS == MOMENTS - 1,
            }
    if not np.isfinite(numbers["risk_network"]):
        return Record("diverged", {}, reason="descent diverged at every step size")
    numbers["fits"] = numbers["training_error"] <= numbers["training_error_truth"]
    for name in METHODS[1:]:
        for kind, column in (("risk", "ratio"), ("best", "best_ratio")):
            both = numbers[f"{kind}_{name}"] / numbers[f"{kind}_network"]
            numbers[f"{column}_{name}"] = float(np.log10(both))
    return Record("finished", numbers)


def _methods(
    run: RateRun, start: TwoLayerReLU, methods: list[GradientDescent], tick: Tick
) -> dict[str, Paths]:
    """Return the functions that fit a sample with every tuning of a method."""
    penalties = np.geomspace(1e-7, 1e2, PENALTIES) * (run.half_width / 3.0) ** 3
    ridges = np.geomspace(1e-6, 1e3, PENALTIES)

    def ntk(x: Array, y: Array, at: Array) -> Array:
        here, there = tangent_features(start, x), tangent_features(start, at)
        return ridge_path(here, y, there, ridges * x.size)

    return {
        "network": lambda x, y, at: descent_path(x, y, at, start, methods, tick),
        "ntk": ntk,
        "spline": lambda x, y, at: spline_path(x, y, at, penalties),
    }


def descent_path(
    x: Array, y: Array, at: Array, start: TwoLayerReLU, methods: list[GradientDescent], tick: Tick
) -> Array:
    """Values (step sizes × moments, points) of midpoint networks; nan after divergence."""
    found: list[Array] = []
    for method in methods:
        seen: list[Array] = []

        def keep(snapshot: Snapshot, seen: list[Array] = seen) -> None:
            seen.append(snapshot.midpoint.predict(at))

        moments = np.unique(np.geomspace(method.steps / 100, method.steps, MOMENTS).astype(int)).tolist()
        tick(0.5)
        train(
            Problem(x, y), start, method, record_every=method.steps, measure_sharpness=False, observe=keep,
            record_at=moments,
        )  # fmt: skip
        kept = np.full((MOMENTS, at.size), np.nan)
        rows = seen[1 : MOMENTS + 1]
        kept[: len(rows)] = np.array(rows) if rows else kept[:0]
        found.append(np.where(np.isfinite(kept), kept, np.nan))
    return np.concatenate(found)


def _chosen(paths: Paths, x: Array, y: Array, fold: NDArray[np.intp], folds: int) -> int:
    """Return the tuning with the smallest error on held-out labels, over all folds."""
    total = 0.0
    for k in range(folds):
        held = fold == k
        total = total + np.sum((paths(x[~held], y[~held], x[held]) - y[held]) ** 2, axis=1)
    return int(np.argmin(np.where(np.isfinite(total), total, np.inf)))
