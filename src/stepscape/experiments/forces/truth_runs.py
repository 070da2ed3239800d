"""One run of plain descent on a zigzag: a truth whose variation grows with the number of its teeth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.experiments.common.arms import Start, start
from stepscape.experiments.frame.follow import Followed, by_log, evenly, follow
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.measures.checks import check
from stepscape.measures.measures import measure
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record

Array = NDArray[np.float64]
CURVE_POINTS = 201


@dataclass(frozen=True)
class Zigzag:
    """A triangle wave on [−h, h] between −1 and 1 with so many teeth, one of them with its tip at 0."""

    teeth: int
    half_width: float

    def __call__(self, x: Array) -> Array:
        """Evaluate at x."""
        phase = self.teeth * np.asarray(x, float) / (2.0 * self.half_width)  # a tooth is 1 wide
        return np.asarray(1.0 - 4.0 * np.abs(phase - np.round(phase)))

    @property
    def kinks(self) -> tuple[Array, Array]:
        """Where it bends inside (−h, h), and the slope changes there, ±4·teeth/h."""
        half = np.arange(1 - self.teeth, self.teeth)  # in half teeth
        places = half * self.half_width / self.teeth
        change = 4.0 * self.teeth / self.half_width
        return places, np.where(half % 2 == 0, -change, change)


class TruthRun(Spec, frozen=True, tag="truth/1"):
    """One run from the small start; the grid's largest step size sets its scale."""

    teeth: int
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    step_size: float
    largest_step_size: float
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[TruthRun]:
    """Every range, number of teeth, step size and seed."""
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    etas, first = sorted(settings["step_sizes"]), settings["first_seed"]
    for teeth in settings["teeth"]:
        at_least({"teeth": teeth}, teeth=1)
    return sweep(
        TruthRun,
        settings,
        half_width=settings["half_widths"],
        teeth=sorted(settings["teeth"]),
        step_size=etas,
        largest_step_size=etas[-1],
        seed=seeds(settings),
        drawn=lambda run: run.seed == first,
    )


def begin(run: TruthRun) -> tuple[Problem, Start]:
    """Return problem and start of a run."""
    problem = problem_of(run, run.seed)
    origin = start("small_init", problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def problem_of(run: TruthRun, seed: int) -> Problem:
    """Labels of a seed around the zigzag."""
    truth = Zigzag(run.teeth, run.half_width)
    return curve(truth, n=run.n, noise=run.noise, seed=seed, half_width=run.half_width)


def variation(run: TruthRun, problem: Problem) -> tuple[float, float]:
    """∫|f0''| and ∫|f0''|g of the truth, with the weight of the inputs."""
    places, changes = Zigzag(run.teeth, run.half_width).kinks
    ones = np.ones(places.size)
    weighted = theory.weighted_tv(ones, -places, changes, problem.inputs)
    return float(np.abs(changes).sum()), float(weighted)


def work(run: TruthRun, tick: Tick) -> Record:
    """Train one network; measure it at its end and at its best held-out moment."""
    problem, origin = begin(run)
    at = {*evenly(run.steps, run.records), *by_log(run.steps, run.records)}
    seen = follow(problem, origin.network, origin.method(run.step_size, run.steps), at, tick)
    plain, weighted = variation(run, problem)
    known = {
        **seen.beginning,
        "truth_variation": plain,
        "truth_weighted_variation": weighted,
        "largest_stable": 2.0 / (1.0 + 2.0 * weighted),
        "over_stable": run.step_size * (1.0 + 2.0 * weighted) / 2.0,
    }

    def measured() -> tuple[dict[str, Any], dict[str, Array]]:
        best = seen.best(problem_of(run, stream(run.seed, "held out")), tick)
        return _numbers(seen, best, tick), _curves(seen) if run.drawn else {}

    return seen.record(measured, known)


def _numbers(seen: Followed, best: int, tick: Tick) -> dict[str, Any]:
    """Measure the end and the best held-out moment, and check the bound on ∫|f''|g at both."""
    run, last = seen.trajectory, seen.snapshots[-1]
    found = measure(seen.problem, last.network, last.network_before)
    stopped = seen.snapshots[best]
    at_best = measure(seen.problem, stopped.network, stopped.network_before)
    checks = check(seen.problem, [last.midpoint, stopped.midpoint], tick)["sharpness"]
    names = ("pieces", "weighted_tv", "risk", "risk_interior", "bent_neurons")
    return {
        **{name: found[name] for name in names},
        **{f"{name}_held_out": at_best[name] for name in names},
        "loss": float(run.loss[-1]),
        "edge_ratio": float(run.edge_ratio[-1]),
        "edge_reached": bool(run.edge_ratio.max() >= EDGE[0]),
        **{f"bound_{key}": value for key, value in checks.counted().items()},
    }


def _curves(seen: Followed) -> dict[str, Array]:
    """Return data, truth and the curve at the end."""
    problem = seen.problem
    x = np.linspace(problem.inputs.min(), problem.inputs.max(), CURVE_POINTS)
    truth = np.full(x.size, np.nan) if problem.truth is None else np.asarray(problem.truth(x))
    solution = seen.snapshots[-1].midpoint.predict(x)
    return {
        "inputs": problem.inputs,
        "labels": problem.labels,
        "grid": x,
        "truth": truth,
        "solution": solution,
    }
