"""Logistic descent from three kinds of start: whether the step size decides, or where a run begins."""

from __future__ import annotations

from stepscape.experiments.arms import ARMS, Start, start
from stepscape.experiments.experiment import Settings, at_least, shared
from stepscape.experiments.logistic_runs import FULL as RUNS
from stepscape.experiments.logistic_runs import follow, problem_of
from stepscape.experiments.step_size_runs import equal_time
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.measures.records import Record
from stepscape.problems import Problem

QUICK = {
    "truth": "wave",
    "n": 100,
    "half_widths": (1.0,),
    "amplitudes": (2.0,),
    "flip_rates": (0.1,),
    "width": 400,
    "step_sizes": (0.01, 0.1, 0.4, 1.2),
    "steps": 3000,
    "arms": tuple(ARMS),
    "seeds": 3,
    "first_seed": 0,
    "records": RUNS["records"],
}
FULL = {
    **QUICK,
    "half_widths": (1.0, 3.0),
    "amplitudes": (1.0, 2.0, 4.0),
    "step_sizes": (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.2),
    "steps": 30_000,
    "seeds": 10,
    "first_seed": 20,
}


class LogisticArm(Spec, frozen=True, tag="logistic-arm/1"):
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
    are drawn.
    """
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    first, etas = settings["first_seed"], sorted(settings["step_sizes"])
    runs = [
        LogisticArm(**{
            **shared(LogisticArm, settings),
            "n": round(settings["n"] * half_width),
            "half_width": half_width,
            "amplitude": amplitude,
            "flip_rate": flip_rate,
            "arm": arm,
            "seed": seed,
            "step_size": eta,
            "smallest_step_size": etas[0],
            "largest_step_size": etas[-1],
            "drawn": seed == first,
        })
        for arm in settings["arms"]
        for half_width in settings["half_widths"]
        for amplitude in settings["amplitudes"]
        for flip_rate in settings["flip_rates"]
        for seed in range(first, first + settings["seeds"])
        for eta in etas
    ]  # fmt: skip
    for run in runs:
        if run.drawn:  # a wrong setting is refused before the first run
            begin_at(run, problem_of(run)).method(run.step_size, run.steps)
    return runs


def begin_at(run: LogisticArm, problem: Problem) -> Start:
    """Where the run starts."""
    return start(run.arm, problem, run.width, run.seed, run.largest_step_size)


def work(run: LogisticArm, tick: Tick) -> Record:
    """Train one network and measure it at its moments; see `logistic_runs.follow`."""
    problem = problem_of(run)
    begin = begin_at(run, problem)
    key = f"{run.arm}|{run.half_width:g}|{run.amplitude:g}|{run.flip_rate:g}|{run.step_size:g}"
    method = begin.method(run.step_size, run.steps)
    return follow(run, begin.network, method, equal_time(run, problem, begin), key, tick)
