"""One run of logistic descent from the start of an arm, at a step size, truth, interval and seed."""

from __future__ import annotations

from stepscape.errors import bad
from stepscape.experiments.common.arms import ARMS, Start, equal_time, start
from stepscape.experiments.frame import Settings, at_least, seeds, sweep
from stepscape.experiments.logistic.runs import FULL as RUNS
from stepscape.experiments.logistic.runs import descend, problem_of
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import GradientDescent
from stepscape.problems import Problem
from stepscape.tables.records import Record

QUICK = {
    "truth": "wave",
    "n": 100,
    "half_widths": (1.0,),
    "amplitudes": (2.0,),
    "flip_rates": (0.1,),
    "width": 400,
    "step_sizes": (0.01, 0.1, 1.2),
    "steps": 1500,
    "arms": tuple(ARMS),
    "seeds": 4,
    "first_seed": 0,
    "records": RUNS["records"],
}
FULL = {
    **QUICK,
    "half_widths": (1.0, 3.0),
    "amplitudes": (1.0, 2.0, 4.0),
    "step_sizes": (0.01, 0.1, 0.4, 1.2),
    "steps": 30_000,
    "seeds": 20,
    "first_seed": 100,
}


class LogisticArm(Spec, frozen=True, tag="logistic-arm/2"):
    """One run of an arm; the grid's extreme step sizes set the initialization and the common time."""

    truth: str
    n: int
    half_width: float
    amplitude: float
    flip_rate: float
    width: int
    steps: int
    records: int
    arm: str
    seed: int
    step_size: float
    smallest_step_size: float
    largest_step_size: float
    drawn: bool


def grid(settings: Settings) -> list[LogisticArm]:
    """Every arm, width of the interval, amplitude, flip rate, seed and step size.

    n is the number of inputs on [−1, 1]; a wider interval has proportionally more. Runs with the first seed
    keep curves for figures.
    """
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    for half_width in settings["half_widths"]:
        if half_width <= 0.0:
            raise bad("half_width", "be finite and positive", half_width)
    etas = sorted(settings["step_sizes"])
    return sweep(
        LogisticArm,
        settings,
        arm=settings["arms"],
        half_width=settings["half_widths"],
        amplitude=settings["amplitudes"],
        flip_rate=settings["flip_rates"],
        seed=seeds(settings),
        step_size=etas,
        n=lambda run: round(settings["n"] * run.half_width),
        smallest_step_size=etas[0],
        largest_step_size=etas[-1],
        drawn=lambda run: run.seed == settings["first_seed"],
    )


def begin(run: LogisticArm) -> tuple[Problem, Start]:
    """Return the problem and the start of the run."""
    problem = problem_of(run)
    return problem, start(run.arm, problem, run.width, run.seed, run.largest_step_size)


def tried(run: LogisticArm) -> None:
    """Try a run; try its start, which is expensive and common to all step sizes, only at the smallest one."""
    GradientDescent(run.step_size, run.steps)
    if run.step_size == run.smallest_step_size:
        begin(run)


def work(run: LogisticArm, tick: Tick) -> Record:
    """Train one network and measure it at its moments; see `runs.descend`."""
    problem, origin = begin(run)
    same_time = equal_time(problem, origin, run.step_size, run.smallest_step_size, run.steps)
    return descend(run, problem, origin.network, origin.method(run.step_size, run.steps), same_time, tick)
