"""One run of logistic descent at a step size, truth, noise and seed, which the claims on it share.

Equal specs have equal identities, so that these claims train once in a common store. `columns` lists what a
run leaves behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepscape.experiments.common.moments import STEP_COUNTS
from stepscape.experiments.frame import Settings, at_least, seeds, sweep
from stepscape.experiments.frame.follow import by_log, evenly, follow
from stepscape.experiments.logistic.columns import curves, measured
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, bernoulli
from stepscape.tables.records import Record

SHOWN = (0.01, 0.1, 0.4, 1.2)
QUICK = {
    "truth": "wave",
    "n": 100,
    "amplitudes": (2.0,),
    "flip_rates": (0.1,),
    "half_width": 1.0,
    "width": 400,
    "init": "torch",
    "scale": 1.0,
    "weight_decay": 0.0,
    "step_sizes": (0.01, 0.1, 0.2, 0.4, 1.2),
    "shown": SHOWN,
    "steps": 3000,
    "seeds": 4,
    "first_seed": 0,
    "records": 7,
}
FULL = {**QUICK, "steps": 30_000, "seeds": 20, "first_seed": 100}


class LogisticRun(Spec, frozen=True, tag="logistic/2"):
    """One run; the smallest step size of the grid sets the common time, `drawn` keeps curves for figures."""

    truth: str = "wave"
    n: int = 100
    amplitude: float = 2.0
    flip_rate: float = 0.0
    half_width: float = 1.0
    width: int = 400
    init: str = "torch"
    scale: float = 1.0
    weight_decay: float = 0.0
    steps: int = 100_000
    records: int = 7
    seed: int = 0
    step_size: float = 0.1
    smallest_step_size: float = 0.01
    drawn: bool = False


def grid(settings: Settings, **more: Any) -> list[LogisticRun]:
    """Every amplitude, flip rate, seed and step size; the fields in `more` vary slowest, or are fixed.

    Runs with the first seed and one of the step sizes `shown` keep curves.
    """
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    etas = sorted(settings["step_sizes"])
    return sweep(
        LogisticRun,
        settings,
        **more,
        amplitude=settings["amplitudes"],
        flip_rate=settings["flip_rates"],
        seed=seeds(settings),
        step_size=etas,
        smallest_step_size=etas[0],
        drawn=lambda run: run.seed == settings["first_seed"] and run.step_size in settings["shown"],
    )


def begin(run: LogisticRun) -> tuple[Problem, TwoLayerReLU, GradientDescent]:
    """Return the problem, the network that the run starts from, and the method."""
    return problem_of(run), start_of(run), method_of(run)


def problem_of(run: Any, seed: int | None = None) -> Problem:
    """Draw the labels of the run, or of another seed; any run whose spec has the fields of a law will do."""
    return bernoulli(
        run.truth,
        n=run.n,
        amplitude=run.amplitude,
        flip_rate=run.flip_rate,
        seed=run.seed if seed is None else seed,
        half_width=run.half_width,
    )


def start_of(run: LogisticRun) -> TwoLayerReLU:
    """Draw the network that the run starts from: the same for every step size, amplitude and flip rate."""
    return TwoLayerReLU.random(run.width, run.scale, run.init, stream(run.seed, "network"))  # type: ignore[arg-type]


def method_of(run: LogisticRun) -> GradientDescent:
    """Return gradient descent with a constant step size."""
    return GradientDescent(run.step_size, run.steps, weight_decay=run.weight_decay)


def work(run: LogisticRun, tick: Tick) -> Record:
    """Train one network and measure it at its moments."""
    problem, network, method = begin(run)
    return descend(run, problem, network, method, equal_time(run), tick)


def descend(
    run: Any, problem: Problem, network: TwoLayerReLU, method: GradientDescent, same_time: int, tick: Tick
) -> Record:
    """Train from a network and measure at the moments of the run.

    The moments: its end; each of `STEP_COUNTS` below the number of steps; the step at which Σ η reaches what
    the smallest step size of the grid has in the end (equal time); and the record whose loss on a held-out
    sample of the same law and size was smallest. Records are evenly spaced in the logarithm of the steps;
    beside them stand these moments and every quarter of the run.
    """
    counts = [count for count in STEP_COUNTS if count < run.steps]
    at = {*evenly(run.steps, 4), *counts, same_time, *by_log(run.steps, run.records)}
    seen = follow(problem, network, method, at, tick)

    def measure() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        steps = {**{str(count): count for count in counts}, "equal_time": same_time}
        moments = {name: seen.at(step) for name, step in steps.items()}
        moments["held_out"] = seen.best(problem_of(run, stream(run.seed, "held out")), tick)
        numbers = measured(seen, moments, run.half_width, tick)
        return numbers, curves(seen, tick) if run.drawn else {}

    return seen.record(measure)


def equal_time(run: LogisticRun) -> int:
    """Count the steps until Σ η is nearest to the total of the smallest step size of the grid."""
    steps = run.steps * run.smallest_step_size / run.step_size
    return min(run.steps, max(1, round(steps)))
