"""One run of logistic descent at a step size, truth, noise and seed: what the experiments on it share.

Equal specs have equal identities, so that these experiments train once in a common store. `logistic_measures`
names the columns that a run leaves behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stepscape.experiments.common.experiment import Settings, at_least, shared
from stepscape.experiments.common.moments import STEP_COUNTS, log_steps
from stepscape.experiments.logistic.columns import curves, measured
from stepscape.experiments.square.columns import Followed
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem, bernoulli
from stepscape.tables.records import Record
from stepscape.training import Snapshot, train

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
    "step_sizes": (0.01, 0.03, 0.1, 0.4, 1.2),
    "shown": SHOWN,
    "steps": 3000,
    "seeds": 3,
    "first_seed": 0,
    "records": 7,
}
FULL = {**QUICK, "steps": 30_000, "seeds": 5}


class LogisticRun(Spec, frozen=True, tag="logistic/1"):
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


def grid(settings: Settings, **fixed: Any) -> list[LogisticRun]:
    """Every amplitude, flip rate, seed and step size of the settings; `fixed` fields have one value for all.

    Runs with the first seed and one of the step sizes `shown` are drawn.
    """
    at_least(settings, seeds=1, records=1, width=1, steps=1, n=2)
    first, etas = settings["first_seed"], sorted(settings["step_sizes"])
    runs = [
        LogisticRun(**{
            **shared(LogisticRun, settings),
            "amplitude": amplitude,
            "flip_rate": flip_rate,
            "seed": seed,
            "step_size": eta,
            "smallest_step_size": etas[0],
            "drawn": seed == first and eta in settings["shown"],
            **fixed,
        })
        for amplitude in settings["amplitudes"]
        for flip_rate in settings["flip_rates"]
        for seed in range(first, first + settings["seeds"])
        for eta in etas
    ]  # fmt: skip
    for run in runs:
        if run.seed == first:  # a wrong setting is refused before the first run
            method_of(run)
    for run in runs:
        if run.seed == first and run.step_size == etas[0]:
            problem_of(run), start_of(run)
    return runs


def problem_of(run: Any, seed: int | None = None) -> Problem:
    """Labels of the run, or of another seed; any run whose spec has the fields of a law will do."""
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
    """Gradient descent with a constant step size."""
    return GradientDescent(run.step_size, run.steps, weight_decay=run.weight_decay)


def work(run: LogisticRun, tick: Tick) -> Record:
    """Train one network and measure it at its moments."""
    key = f"{run.amplitude:g}|{run.flip_rate:g}|{run.step_size:g}"
    return follow(run, start_of(run), method_of(run), equal_time(run), key, tick)


def follow(
    run: Any, network: TwoLayerReLU, method: GradientDescent, same_time: int, key: str, tick: Tick
) -> Record:
    """Train from a network and measure at the moments of the run; `key` names its curves.

    The moments: its end; each of `STEP_COUNTS` below the number of steps; the step at which Σ η reaches what
    the smallest step size of the grid has in the end (equal time); and the record whose loss on a held-out
    sample of the same law and size was smallest. Records are evenly spaced in the logarithm of the steps;
    beside them stand these moments and every quarter of the run.
    """
    problem = problem_of(run)
    snapshots: list[Snapshot] = []
    counts = [count for count in STEP_COUNTS if count < run.steps]
    trajectory = train(
        problem,
        network,
        method,
        record_every=max(1, run.steps // 4),
        record_at=[*counts, same_time, *log_steps(run.steps, run.records)],
        observe=snapshots.append,
        progress=lambda made: tick(made / run.steps),
    )
    beginning = {
        "initial_sharpness": float(trajectory.sharpness[0]),
        "steps_made": int(trajectory.at_steps[-1]),
    }
    if trajectory.outcome == "diverged":
        return Record("diverged", beginning, reason=trajectory.message)
    followed = Followed(problem, trajectory, snapshots)
    steps = {**{str(count): count for count in counts}, "equal_time": same_time}
    moments = {name: int(np.searchsorted(trajectory.at_steps, step)) for name, step in steps.items()}
    moments["held_out"] = _best(snapshots, problem_of(run, stream(run.seed, "held out")))
    numbers = measured(followed, moments, tick)
    return Record("finished", {**beginning, **numbers}, curves(followed, key, tick) if run.drawn else {})


def equal_time(run: LogisticRun) -> int:
    """Count the steps until Σ η reaches the total of the smallest step size of the grid."""
    steps = run.steps * run.smallest_step_size / run.step_size
    return min(run.steps, max(1, round(steps)))


def _best(snapshots: Sequence[Snapshot], held_out: Problem) -> int:
    """Record with the smallest held-out loss, never the untrained network."""
    losses = [held_out.training_loss(snapshot.predict(held_out.inputs)) for snapshot in snapshots[1:]]
    return 1 + int(np.argmin(losses))
