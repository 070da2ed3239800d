"""Descent from beside the flattest solution, with step sizes on both sides of what it is stable for."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape import recovery
from stepscape.errors import bad
from stepscape.experiments.frame.settings import Settings, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.training_runs import (
    TRUE,
    Flattest,
    build,
    check_problems,
    count,
    ends,
    record,
)
from stepscape.factorization import Factorization
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.problems.measurements import Measurements
from stepscape.recovery import Training
from stepscape.tables.records import Record


class DepartureRun(Spec, frozen=True, tag="recovery-departure/1"):
    """Descent with η = `multiple`·2/λ_max of the flattest solution, from `offset`·‖θ‖ beside it."""

    problem: str
    d: int
    rank: int
    ratio: float
    m: int
    multiple: float
    offset: float
    steps: int
    records: int
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[DepartureRun]:
    """Every multiple at the first offset, and the far multiples at the other offsets."""
    check_problems(settings)
    for name in ("multiples", "far_multiples", "offsets"):
        if not min(settings[name], default=1.0) > 0.0:
            raise bad(name, "be positive", min(settings[name]))
    first, *others = settings["offsets"]
    pairs = [(multiple, first) for multiple in settings["multiples"]]
    pairs += [(multiple, offset) for offset in others for multiple in settings["far_multiples"]]
    return sweep(
        DepartureRun,
        settings,
        problem=settings["problems"],
        m=count,
        seed=seeds(settings),
        start=[{"multiple": multiple, "offset": offset} for multiple, offset in pairs],
        drawn=lambda run: (
            (run.seed, run.problem, run.offset) == (settings["first_seed"], settings["problems"][0], first)
        ),
    )


def begin(run: DepartureRun) -> Measurements:
    """Return the problem."""
    return build(run)


def work(run: DepartureRun, tick: Tick) -> Record:
    """Descend, and compare the end with the flattest solution."""
    problem = begin(run)
    flat = Flattest.of(problem)
    path = recovery.train_factors(
        problem,
        [_beside(flat.factors, run)],
        Training(run.multiple * flat.step_size, run.steps),
        record_every=-(-run.steps // run.records),
        progress=lambda made: tick(made / run.steps),
        flattest=flat.trace,
    )
    numbers: dict[str, Any] = {
        "recovers": flat.error <= TRUE,
        "flattest_error": flat.error,
        **ends(path, flat),
    }
    names = ("trace_ratio", "sharpness", "error", "loss")
    arrays = {"at_steps": path.at_steps, **{name: getattr(path, name)[0] for name in names}}
    return record(
        path,
        numbers,
        {**arrays, "sharpness": arrays["sharpness"] * flat.step_size / 2.0} if run.drawn else {},
    )


def _beside(factors: Factorization, run: DepartureRun) -> Factorization:
    """Move by a random vector, which is the same for all step sizes and offsets of a seed."""
    theta = factors.parameters
    step = np.random.default_rng([stream(run.seed, "offset")]).standard_normal(theta.size)
    size = run.offset * np.linalg.norm(theta) / np.linalg.norm(step)
    return factors.with_parameters(theta + size * step)
