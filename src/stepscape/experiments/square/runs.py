"""One run of an arm at a step size and seed: what the experiments on step sizes share.

Equal specs have equal identities, so that these experiments train once in a common store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARMS, Start, start
from stepscape.experiments.common.experiment import Settings, at_least, shared
from stepscape.experiments.common.moments import log_steps
from stepscape.experiments.square.columns import Followed, curves, measured
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.objectives import sharpness
from stepscape.problems import Problem, curve
from stepscape.tables.records import Record
from stepscape.training import Snapshot, train

LABELS = ("noisy", "clean")
QUICK = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_width": 3.0,
    "width": 1000,
    "step_sizes": (0.01, 0.05, 0.2, 0.4, 0.8),
    "steps": 12_000,
    "arms": tuple(ARMS),
    "seeds": 3,
    "first_seed": 0,
    "records": 10,
}
# The step sizes of curve-fitting are among them, with the same ends: its runs are these runs.
FULL = {
    **QUICK,
    "step_sizes": (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8),
    "steps": 50_000,
    "seeds": 20,
    "records": 40,
}


class StepSizeRun(Spec, frozen=True, tag="step-size/1"):
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


def specs(settings: Settings) -> list[StepSizeRun]:
    """Every arm, seed and step size, with noisy labels."""
    at_least(settings, seeds=1)
    return grid(settings, "noisy", settings["seeds"])


def grid(settings: Settings, labels: str, seeds: int) -> list[StepSizeRun]:
    """Every arm, seed and step size with one kind of labels."""
    at_least(settings, records=1, width=1, steps=1, n=2)
    first, etas = settings["first_seed"], sorted(settings["step_sizes"])
    runs = [
        StepSizeRun(
            **shared(StepSizeRun, settings),
            arm=arm,
            labels=labels,
            seed=seed,
            step_size=eta,
            smallest_step_size=etas[0],
            largest_step_size=etas[-1],
            drawn=seed == first,
        )
        for arm in settings["arms"]
        for seed in range(first, first + seeds)
        for eta in etas
    ]
    for run in runs:
        if run.drawn:  # a wrong setting is refused before the first run
            begin_at(run, problem_of(run)).method(run.step_size, run.steps)
    return runs


def problem_of(run: StepSizeRun, seed: int | None = None) -> Problem:
    """Labels of the run, or of another seed."""
    return curve(
        run.truth,
        n=run.n,
        noise=run.noise if run.labels == "noisy" else 0.0,
        seed=run.seed if seed is None else seed,
        half_width=run.half_width,
    )


def begin_at(run: StepSizeRun, problem: Problem) -> Start:
    """Where the run starts."""
    return start(run.arm, problem, run.width, run.seed, run.largest_step_size)


def work(run: StepSizeRun, tick: Tick) -> Record:
    """Train one network and measure it three times, and its certificates at every record.

    The three moments: its end (equal steps); the step at which Σ η reaches what the smallest step size of the
    grid has in the end (equal time); and the record where its error on a held-out sample of the same size was
    smallest. Records are evenly spaced in the steps and in their logarithm.
    """
    problem = problem_of(run)
    begin = begin_at(run, problem)
    same_time = equal_time(run, problem, begin)
    snapshots: list[Snapshot] = []
    trajectory = train(
        problem,
        begin.network,
        begin.method(run.step_size, run.steps),
        record_every=max(1, run.steps // run.records),
        record_at=[same_time, *log_steps(run.steps, run.records)],
        observe=snapshots.append,
        progress=lambda made: tick(made / run.steps),
    )
    beginning = {
        "initial_scale": begin.scale,
        "initial_sharpness": float(trajectory.sharpness[0]),
        "steps_made": int(trajectory.at_steps[-1]),
    }
    if trajectory.outcome == "diverged":
        return Record("diverged", beginning, reason=trajectory.message)
    followed = Followed(problem, trajectory, snapshots)
    moments = {
        "equal_time": int(np.searchsorted(trajectory.at_steps, same_time)),
        "held_out": _best(snapshots, problem_of(run, stream(run.seed, "held out")), tick),
    }
    numbers, checks = measured(followed, moments, tick)
    drawn = curves(followed, checks, run.labels, f"{run.arm}|{run.labels}|{run.step_size:g}")
    return Record("finished", {**beginning, **numbers}, drawn if run.drawn else {})


def equal_time(run: Any, problem: Problem, begin: Start) -> int:
    """Count the steps until Σ η reaches the total of the smallest step size of the grid."""
    # A warm-up starts at 1/(initial sharpness), or at the step size itself if that is smaller.
    first = 1.0 / max(sharpness(problem, begin.network, tolerance=1e-4).value, 1e-300)
    own, smallest = (
        np.cumsum(begin.method(eta, run.steps).step_size_at(np.arange(run.steps), min(eta, first)))
        for eta in (run.step_size, run.smallest_step_size)
    )
    # Rounding of the sums must not cost a step.
    return min(int(run.steps), int(np.searchsorted(own, smallest[-1] * (1.0 - 1e-9))) + 1)


def _best(snapshots: Sequence[Snapshot], held_out: Problem, tick: Tick) -> int:
    """Record with the smallest held-out error, never the untrained network."""
    errors = []
    for snapshot in snapshots[1:]:
        tick(1.0)
        errors.append(held_out.training_loss(snapshot.predict(held_out.inputs)))
    return 1 + int(np.argmin(errors))
