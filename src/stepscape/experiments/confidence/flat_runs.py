"""The runs of `flat-but-wrong`: networks that pass through every label, and descents from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.errors import bad
from stepscape.experiments.confidence.arrival import movement
from stepscape.experiments.confidence.confident_networks import flatness, law_risks
from stepscape.experiments.confidence.one_example import PEAK
from stepscape.experiments.frame.follow import Followed, by_log, evenly, follow
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
    "descents": (0.1, 0.4, 1.2),
    "width": 400,
    "steps": 20_000,
    "kept_steps": 500,
    "moves": (1e-4, 0.01),
    "records": 6,
    "seeds": 8,
    "first_seed": 0,
}
FULL = {
    **QUICK,
    "sizes": (30, 100),
    "flip_rates": (0.0, 0.1, 0.2),
    "margins": 25,
    "steps": 300_000,
    "kept_steps": 10_000,
    "moves": (1e-5, 1e-4, 3e-4, 0.001, 0.01, 0.1),
    "records": 10,
    "seeds": 20,
    "first_seed": 100,
}


class FlatRun(Spec, frozen=True, tag="flat-but-wrong/2"):
    """One network of one data set; `margin` is 0 if the arm finds it, `steps` is 0 if nothing is trained.

    `move` is the length of a random move of the start, as a share of ‖θ‖.
    """

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
    move: float
    steps: int
    drawn: bool


def grid(settings: Settings) -> list[FlatRun]:
    """Every data set: the interpolator at every margin, and for every step size the descents."""
    at_least(settings, seeds=1, width=1, steps=1, kept_steps=1, records=2, margins=2)
    low, high = settings["smallest_margin"], settings["largest_margin"]
    if not 0.0 < low < high:
        raise bad("smallest_margin", "lie between 0 and largest_margin", low)
    for move in settings["moves"]:
        if not move > 0.0:
            raise bad("moves", "be positive, as the start that is not moved is always among them", move)
    if high > LARGEST:
        raise bad("largest_margin", f"be at most {LARGEST:g}, as e^(−γ) leaves the range of numbers", high)
    margins = np.geomspace(low, high, settings["margins"]).tolist()
    none = {"margin": 0.0, "move": 0.0}
    built = {**none, "arm": "interpolator", "step_size": 0.0, "steps": 0}
    arms: list[dict[str, Any]] = [{**built, "margin": margin} for margin in margins]
    for eta in settings["descents"]:
        made = {**none, "step_size": eta, "steps": settings["kept_steps"]}
        arms += [{**made, "arm": "flat_start", "move": move} for move in (0.0, *sorted(settings["moves"]))]
        arms += [{**made, "arm": "sharp_start"}, {**made, "arm": "descent", "steps": settings["steps"]}]
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
    that is already flatter, moved by `move`·‖θ‖ in a direction that is uniform on the sphere of all weights.
    ``sharp_start``   descent from it at the margin where γ D(γ) is largest.
    ``descent``       descent from PyTorch's default initialization.
    """
    problem, what = begin(run)
    if isinstance(what, TwoLayerReLU):
        return _standing(run, problem, what)
    margin, origin = _start(run, problem)
    return _descended(run, problem, origin, margin, what, tick)


def moved(network: TwoLayerReLU, move: float, seed: int) -> TwoLayerReLU:
    """Move a network by `move`·‖θ‖ in the random direction of a seed, the same for every length."""
    if not move:
        return network
    theta = network.parameters
    direction = np.random.default_rng(stream(seed, "direction")).standard_normal(theta.size)
    length = move * float(np.linalg.norm(theta)) / float(np.linalg.norm(direction))
    return network.with_parameters(theta + length * direction)


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
    origin: TwoLayerReLU,
    margin: float,
    method: GradientDescent,
    tick: Tick,
) -> Record:
    """Train from `origin` after its move; columns of where it started end in ``_start``."""
    start = moved(origin, run.move, run.seed)
    at = {*evenly(run.steps, run.records), *by_log(run.steps, run.records)}
    seen = follow(problem, start, method, at, tick)
    path = seen.trajectory
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
        drawn["curve"] = path.midpoint.predict(_grid(run))
    return Record("finished", {**began, **_found(run, seen, origin, start)}, drawn)


def _found(run: FlatRun, seen: Followed, origin: TwoLayerReLU, start: TwoLayerReLU) -> dict[str, Any]:
    """Measure the midpoint at the end; ``test_error_start`` is that of the network before it was moved."""
    problem, path = seen.problem, seen.trajectory
    before = law_risks(problem, run.half_width, lambda x: values_at(origin, x))
    away = np.linalg.norm(path.midpoint.parameters - start.parameters) / np.linalg.norm(start.parameters)
    losses = [problem.training_loss(each.midpoint.predict(problem.inputs)) for each in seen.snapshots]
    peaks = path.sharpness + path.sharpness_residual
    records = [
        {"upper_sharpness": peak, "midpoint_loss": loss} for peak, loss in zip(peaks, losses, strict=True)
    ]
    return {
        "test_error_start": before["test_error"],
        "moved": float(away),
        "edge_ratio": float(path.edge_ratio[-1]),
        "edge_ratio_last": float(path.edge_ratio_last[-1]),
        "edge_ratio_largest": float(path.edge_ratio.max()),
        "bent_neurons": int(path.bent_neurons[-1]),
        **movement(path.at_steps, records),
        **flatness(problem, path.midpoint),
        **law_risks(problem, run.half_width, lambda x: values_at(path.midpoint, x)),
    }


def _grid(run: FlatRun) -> Array:
    return np.linspace(-run.half_width, run.half_width, CURVE_POINTS)


def _data(run: FlatRun, problem: Problem) -> dict[str, Array]:
    grid = _grid(run)
    truth = np.asarray(problem.truth(grid)) if problem.truth is not None else np.full(grid.size, np.nan)
    return {"inputs": problem.inputs, "labels": problem.labels, "grid": grid, "truth": truth}
