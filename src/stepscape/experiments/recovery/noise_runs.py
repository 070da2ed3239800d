"""One problem with noisy labels, recovered by five objectives."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape import recovery
from stepscape.errors import bad
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.low_rank import PROBLEMS, check
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.problems.measurements import Measurements
from stepscape.recovery import Recovered
from stepscape.tables.records import Record
from stepscape.theory import low_rank

NOISY = ("gaussian", "bilinear", "completion", "network")  # a semidefinite matrix need not fit noisy labels


class NoiseRun(Spec, frozen=True, tag="recovery-noise/1"):
    """One problem whose labels have noise of `level` times their root mean square without noise."""

    problem: str
    d: int
    rank: int
    ratio: float
    m: int
    level: float
    iterations: int
    seed: int


def grid(settings: Settings) -> list[NoiseRun]:
    """Every problem, level of the noise and seed, with m = ratio times the degrees of freedom."""
    check({**settings, "ratios": (settings["ratio"],)})
    at_least(settings, iterations=1)
    if wrong := [name for name in settings["problems"] if name not in NOISY]:
        raise bad("problems", f"be among {', '.join(NOISY)}", repr(wrong[0]))
    if not min(settings["levels"]) > 0.0:
        raise bad("levels", "be positive", min(settings["levels"]))
    for name in settings["problems"]:
        kind = PROBLEMS[name]
        if kind.measurements(settings["d"], settings["rank"], settings["ratio"]) >= kind.dimension(
            settings["d"]
        ):
            raise bad("ratio", "leave fewer measurements than entries", settings["ratio"], "take a larger d")
    return sweep(
        NoiseRun,
        settings,
        problem=settings["problems"],
        level=settings["levels"],
        seed=seeds(settings),
        m=lambda run: PROBLEMS[run.problem].measurements(run.d, run.rank, run.ratio),
    )


def begin(run: NoiseRun) -> Measurements:
    """Return the problem with its noise."""
    build = PROBLEMS[run.problem].build
    clean = build(run.d, run.rank, run.m, 0.0, run.seed)
    assert isinstance(clean, Measurements)
    size = float(np.sqrt(np.mean(clean.labels**2)))
    problem = build(run.d, run.rank, run.m, run.level * size, run.seed)
    assert isinstance(problem, Measurements)
    return problem


def oracle_penalty(problem: Measurements, weighted: bool) -> float:
    """(2/m) ‖D1⁻¹ A*(w) D2⁻¹‖_op of the noise w of the labels, with D1 = D2 = I unless `weighted`.

    It is the dual norm of the gradient of the loss at the truth; only an oracle knows w.
    """
    assert problem.truth is not None  # `build` gives it
    image = problem.adjoint(problem.labels - problem.apply(problem.truth))
    if weighted:
        image = low_rank.matrix_weights(problem).undo(image)
    return 2.0 / problem.size * float(np.linalg.norm(image, 2))


def work(run: NoiseRun, tick: Tick) -> Record:
    """Recover by every objective; columns ``error_…``, relative to the truth, ``status_…`` and ``rank_…``."""
    problem, found = begin(run), dict[str, Any]()
    penalties = {name: oracle_penalty(problem, name == "flat") for name in ("flat", "nuclear")}
    ways = {
        "flat": (recovery.flattest, 0.0),
        "nuclear": (recovery.minimum_nuclear_norm, 0.0),
        "frobenius": (recovery.minimum_frobenius_norm, 0.0),
        "flat_penalized": (recovery.flattest, penalties["flat"]),
        "nuclear_penalized": (recovery.minimum_nuclear_norm, penalties["nuclear"]),
    }
    for i, (name, (minimize, penalty)) in enumerate(ways.items()):
        tick(i / len(ways))
        solved: Recovered = minimize(problem, penalty, iterations=run.iterations)
        found |= {
            f"error_{name}": problem.error(solved.matrix) if solved.status == "optimal" else None,
            f"status_{name}": solved.status,
            f"rank_{name}": solved.rank,
        }
    return Record("finished", found)
