"""One run of an arm at a step size and a seed, which the claims on the square loss share.

Equal specs have equal identities, so that these claims train once in a common store. `columns` lists what a
run leaves behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepscape.experiments.common.arms import ARMS, Start, equal_time, start
from stepscape.experiments.frame.follow import by_log, evenly, follow
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.square.columns import curves, measured
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record

QUICK = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_widths": (3.0, 1.0),
    "width": 100,
    "step_sizes": (0.02, 0.1, 0.8),
    "steps": 2000,
    "arms": tuple(ARMS),
    "seeds": 4,
    "first_seed": 0,
    "records": 4,
}
FULL = {
    **QUICK,
    "width": 1000,
    "step_sizes": (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8),
    "steps": 50_000,
    "seeds": 20,
    "first_seed": 100,
    "records": 24,
}


class StepSizeRun(Spec, frozen=True, tag="step-size/2"):
    """One run; the grid's extreme step sizes set the initialization and the common time."""

    truth: str
    n: int
    noise: float
    half_width: float
    width: int
    steps: int
    records: int
    arm: str
    labels: str
    seed: int
    step_size: float
    smallest_step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings, labels: str = "noisy", count: str = "seeds") -> list[StepSizeRun]:
    """Every range, arm, seed and step size with one kind of labels.

    count : the setting that counts the seeds.
    """
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    etas, first = sorted(settings["step_sizes"]), settings["first_seed"]
    return sweep(
        StepSizeRun,
        settings,
        half_width=settings["half_widths"],
        arm=settings["arms"],
        labels=labels,
        seed=seeds(settings, count),
        step_size=etas,
        smallest_step_size=etas[0],
        largest_step_size=etas[-1],
        drawn=lambda run: run.seed == first,
    )


def begin(run: StepSizeRun) -> tuple[Problem, Start]:
    """Return the problem and the start of the run; an impossible step size is refused."""
    problem = problem_of(run)
    origin = start(run.arm, problem, run.width, run.seed, run.largest_step_size)
    origin.method(run.step_size, run.steps)
    return problem, origin


def problem_of(run: StepSizeRun, seed: int | None = None) -> Problem:
    """Labels of the run, or of another seed."""
    return curve(
        run.truth,
        n=run.n,
        noise=run.noise if run.labels == "noisy" else 0.0,
        seed=run.seed if seed is None else seed,
        half_width=run.half_width,
    )


def work(run: StepSizeRun, tick: Tick) -> Record:
    """Train one network and measure it three times, and its certificates at every record.

    The three moments: its end (equal steps); the step at which Σ η reaches what the smallest step size of the
    grid has in the end (equal time); and the record where its error on a held-out sample of the same size was
    smallest. Records are evenly spaced in the steps and in their logarithm.
    """
    problem, origin = begin(run)
    same_time = equal_time(problem, origin, run.step_size, run.smallest_step_size, run.steps)
    at = {*evenly(run.steps, run.records), same_time, *by_log(run.steps, run.records)}
    seen = follow(problem, origin.network, origin.method(run.step_size, run.steps), at, tick)

    def measure() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        held_out = seen.best(problem_of(run, stream(run.seed, "held out")), tick)
        moments = {"equal_time": seen.at(same_time), "held_out": held_out}
        numbers, checks = measured(seen, moments, tick)
        return numbers, curves(seen, checks) if run.drawn else {}

    return seen.record(measure, {"initial_scale": origin.scale, **seen.beginning})
