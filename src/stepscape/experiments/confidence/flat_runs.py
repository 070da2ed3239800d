"""The runs of `flat-but-wrong`: networks that pass through every label, and descents from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.errors import bad
from stepscape.experiments.confidence.confident_networks import flatness, law_risks
from stepscape.experiments.confidence.one_example import PEAK
from stepscape.experiments.frame.follow import by_log, evenly, follow
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.logistic.runs import problem_of
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.measures import values_at
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.objectives import sharpness
from stepscape.problems import Problem
from stepscape.tables.records import Record
from stepscape.theory.certificate import EPS
from stepscape.training import Trajectory

Array = NDArray[np.float64]
ARMS = {
    "interpolator": "the interpolators",
    "flat_start": "descents from the flat side",
    "sharp_start": "descents from the sharp side",
    "descent": "descents from a random start",
}
CURVE_POINTS = 601
FLAT_START = 0.9  # λ_max·η/2 where descent starts on the flat side
MOST_CONFIDENT = 1e3
LARGEST = 700.0


QUICK: dict[str, Any] = {
    "truth": "wave",
    "amplitude": 2.0,
    "sizes": (30,),
    "flip_rates": (0.1,),
    "half_width": 1.0,
    "smallest_margin": 0.1,
    "largest_margin": 100.0,
    "margins": 9,
    "descents": (0.01, 0.1, 1.2),
    "width": 400,
    "steps": 1000,
    "kept_steps": 500,
    "records": 20,
    "seeds": 6,
    "first_seed": 200,
}
FULL = {
    **QUICK,
    "sizes": (30, 100),
    "flip_rates": (0.0, 0.1, 0.2),
    "margins": 25,
    "steps": 20_000,
    "kept_steps": 10_000,
    "records": 30,
    "seeds": 10,
}


class FlatRun(Spec, frozen=True, tag="flat-but-wrong/1"):
    """One network of one data set; `margin` is 0 if the arm finds it, `steps` is 0 if nothing is trained."""

    truth: str
    n: int
    amplitude: float
    flip_rate: float
    half_width: float
    width: int
    records: int
    seed: int
    arm: str
    margin: float
    step_size: float
    steps: int
    drawn: bool


def grid(settings: Settings) -> list[FlatRun]:
    """Every data set: the interpolator at every margin, and for every step size the three descents."""
    at_least(settings, seeds=1, width=1, steps=1, kept_steps=1, records=2, margins=2)
    low, high = settings["smallest_margin"], settings["largest_margin"]
    if not 0.0 < low < high:
        raise bad("smallest_margin", "lie between 0 and largest_margin", low)
    if high > LARGEST:
        raise bad("largest_margin", f"be at most {LARGEST:g}, as e^(−γ) leaves the range of numbers", high)
    margins = np.geomspace(low, high, settings["margins"]).tolist()
    arms: list[dict[str, Any]] = [
        {"arm": "interpolator", "margin": margin, "step_size": 0.0, "steps": 0} for margin in margins
    ]
    for eta in settings["descents"]:
        made = {"margin": 0.0, "step_size": eta, "steps": settings["kept_steps"]}
        arms += [{"arm": "flat_start", **made}, {"arm": "sharp_start", **made}]
        arms += [{**made, "arm": "descent", "steps": settings["steps"]}]
    drawn = (settings["first_seed"], settings["sizes"][0], settings["flip_rates"][-1])
    return sweep(
        FlatRun,
        settings,
        n=settings["sizes"],
        flip_rate=settings["flip_rates"],
        seed=seeds(settings),
        arm=arms,
        drawn=lambda run: (run.seed, run.n, run.flip_rate) == drawn,
    )


def begin(run: FlatRun) -> tuple[Problem, TwoLayerReLU | GradientDescent]:
    """Return the data set with the interpolator, or with the method of a descent."""
    problem = problem_of(run)
    if run.arm == "interpolator":
        return problem, theory.flat_interpolator(problem.inputs, problem.labels, run.margin)
    return problem, GradientDescent(run.step_size, run.steps)


def work(run: FlatRun, tick: Tick) -> Record:
    """Build or train one network and measure it.

    ``interpolator``  the network of `theory.flat_interpolator` at the margin.
    ``flat_start``    descent from it at the margin past the peak where λ_max·η/2 = 0.9, or at the peak if
    that is already flatter.
    ``sharp_start``   descent from it at the margin where γ D(γ) is largest.
    ``descent``       descent from PyTorch's default initialization.
    """
    problem, what = begin(run)
    if isinstance(what, TwoLayerReLU):
        return _standing(run, problem, what)
    margin, start = _start(run, problem)
    return _descended(run, problem, start, margin, what, tick)


def _start(run: FlatRun, problem: Problem) -> tuple[float, TwoLayerReLU]:
    if run.arm == "descent":
        return 0.0, TwoLayerReLU.random(run.width, seed=stream(run.seed, "network"))
    margin = PEAK if run.arm == "sharp_start" else flat_margin(problem, run.step_size)
    return margin, theory.flat_interpolator(problem.inputs, problem.labels, margin)


def flat_margin(problem: Problem, step_size: float) -> float:
    """Find the smallest margin from the peak on where λ_max·η/2 ≤ 0.9 at the interpolator, to 1e-6."""

    def excess(margin: float) -> float:
        network = theory.flat_interpolator(problem.inputs, problem.labels, margin)
        return sharpness(problem, network, tolerance=1e-6).value * step_size / 2.0 - FLAT_START

    low, high = PEAK, MOST_CONFIDENT
    if excess(low) <= 0.0:
        return low
    while high > low * (1.0 + 1e-6):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if excess(middle) > 0.0 else (low, middle)
    return high


def _standing(run: FlatRun, problem: Problem, network: TwoLayerReLU) -> Record:
    bound = theory.flat_interpolator_bound(problem.inputs, problem.labels, run.margin)
    missed = float(np.abs(network.predict(problem.inputs) - run.margin * problem.labels).max())
    numbers = {
        "distinct": bool((np.diff(problem.line.arrays[0]) > 0.0).all()),
        "miss": missed / (EPS * run.margin * max(1.0, bound.size) * (1.0 + problem.x_max)),
        "bound": bound.sharpness,
        "size": bound.size,
        "least_tv": run.margin * theory.margin_cost(problem.inputs, problem.labels).exact,
        **flatness(problem, network),
        **law_risks(problem, run.half_width, lambda x: values_at(network, x)),
    }
    if not run.drawn:
        return Record("finished", numbers)
    return Record("finished", numbers, {**_data(run, problem), "curve": network.predict(_grid(run))})


def _descended(
    run: FlatRun,
    problem: Problem,
    start: TwoLayerReLU,
    margin: float,
    method: GradientDescent,
    tick: Tick,
) -> Record:
    """Train from `start`; the columns of where it started end in ``_start``."""
    at = {*evenly(run.steps, run.records), *by_log(run.steps, run.records)}
    path = follow(problem, start, method, at, tick).trajectory
    began = {
        "margin_start": margin,
        "edge_ratio_start": float(path.edge_ratio[0]),
        "loss_start": float(path.loss[0]),
    }
    drawn: dict[str, Array] = {}
    if run.drawn:
        drawn = {**_data(run, problem), "steps": path.at_steps.astype(float), "edge": path.edge_ratio}
    if path.outcome == "diverged":
        return Record("diverged", began, drawn, reason=path.message)
    if run.drawn:
        drawn["curve"] = path.predict(_grid(run))
    return Record("finished", {**began, **_found(run, problem, start, path)}, drawn)


def _found(run: FlatRun, problem: Problem, start: TwoLayerReLU, path: Trajectory) -> dict[str, Any]:
    before = law_risks(problem, run.half_width, lambda x: values_at(start, x))
    moved = np.linalg.norm(path.network.parameters - start.parameters) / np.linalg.norm(start.parameters)
    return {
        "test_error_start": before["test_error"],
        "moved": float(moved),
        "edge_ratio": float(path.edge_ratio[-1]),
        "edge_ratio_largest": float(path.edge_ratio.max()),
        "bent_neurons": int(path.bent_neurons[-1]),
        **flatness(problem, path.network),
        **law_risks(problem, run.half_width, path.predict),
    }


def _grid(run: FlatRun) -> Array:
    return np.linspace(-run.half_width, run.half_width, CURVE_POINTS)


def _data(run: FlatRun, problem: Problem) -> dict[str, Array]:
    grid = _grid(run)
    truth = np.asarray(problem.truth(grid)) if problem.truth is not None else np.full(grid.size, np.nan)
    return {"inputs": problem.inputs, "labels": problem.labels, "grid": grid, "truth": truth}
