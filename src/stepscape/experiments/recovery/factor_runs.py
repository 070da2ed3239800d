"""The flat factors of one recovered matrix: how far they are from norm-minimal and from balanced ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import recovery
from stepscape.errors import bad
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.low_rank import PROBLEMS, check
from stepscape.factorization import Factorization
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.problems.measurements import Measurements
from stepscape.tables.records import Record
from stepscape.theory import low_rank
from stepscape.theory.certificate import Certificate

Array = NDArray[np.float64]
ASYMMETRIC_ONLY = "printed"  # the certificate that the source states for L Rᵀ alone


class FactorRun(Spec, frozen=True, tag="recovery-factors/1"):
    """One problem without noise, of which the flat factors are measured."""

    problem: str
    d: int
    rank: int
    ratio: float
    m: int
    iterations: int
    seed: int


def grid(settings: Settings) -> list[FactorRun]:
    """Every problem, ratio m/(degrees of freedom) and seed; completion only up to the number of entries."""
    check(settings)
    at_least(settings, iterations=1)
    runs = sweep(
        FactorRun,
        settings,
        problem=settings["problems"],
        ratio=settings["ratios"],
        seed=seeds(settings),
        m=lambda run: PROBLEMS[run.problem].measurements(run.d, run.rank, run.ratio),
    )
    return [run for run in runs if run.m >= 1 and (run.problem != "completion" or run.m <= run.d**2)]


def begin(run: FactorRun) -> Measurements:
    """Return the problem."""
    problem = PROBLEMS[run.problem].build(run.d, run.rank, run.m, 0.0, run.seed)
    if not isinstance(problem, Measurements):
        raise bad("problems", "have factors with two weights D1 and D2", repr(run.problem), "leave it out")
    return problem


def work(run: FactorRun, tick: Tick) -> Record:
    """Find the flattest matrix; measure its flat factors against norm-minimal ones, and against the theorem.

    Columns: ``kappa``, the condition κ of the weights; ``deviation``, (κ² − 1)/(κ² + 1), the least ‖I − cD²‖
    over numbers c; ``excess`` and ``imbalance``, see
    `stepscape.theory.low_rank.balance`; ``trace_excess``, the scaled trace at norm-minimal factors over that
    at flat ones, less 1; and of every certificate ``…_left`` and ``…_right``, divided by ‖M‖_*, with
    ``…_verdict``. Where m determines every matrix the flattest one is the truth.
    """
    problem = begin(run)
    truth = problem.truth
    assert truth is not None  # `build` gives it
    matrix, status = truth, "determined"
    if run.m < PROBLEMS[run.problem].dimension(run.d):
        found = recovery.flattest(
            problem, iterations=run.iterations, progress=lambda made, _: tick(made / run.iterations)
        )
        matrix, status = found.matrix, found.status
    numbers: dict[str, Any] = {"status": status, "error": problem.error(matrix)}
    kappa = low_rank.matrix_weights(problem, scaled=True).condition
    if not math.isfinite(kappa):
        return Record("finished", {**numbers, "status": "not identifiable"})
    factors = low_rank.flat_factors(problem, matrix, scaled=True)
    flat = low_rank.scaled_trace(problem, factors)
    numbers |= {
        "kappa": kappa,
        "deviation": (kappa**2 - 1.0) / (kappa**2 + 1.0),
        "excess": low_rank.norm_excess(factors),
        "imbalance": low_rank.imbalance(factors),
        "trace_excess": low_rank.scaled_trace(problem, norm_minimal_factors(problem, matrix)) / flat - 1.0,
    }
    size = float(np.linalg.norm(truth, "nuc"))
    for name, certificate in _certificates(problem, factors, kappa).items():
        numbers |= _sides(name, certificate, size)
    return Record("finished", numbers)


def norm_minimal_factors(problem: Measurements, matrix: Array) -> Factorization:
    """Return factors of smallest ‖L‖_F² + ‖R‖_F²: those of a singular value decomposition, both times √σ."""
    if problem.structure == "any":
        P, s, Qt = np.linalg.svd(matrix, full_matrices=False)
        return Factorization(P * np.sqrt(s), Qt.T * np.sqrt(s))
    values, V = np.linalg.eigh(matrix)
    return Factorization(
        V * np.sqrt(np.maximum(values, 0.0)), V * np.sqrt(np.maximum(-values, 0.0)), "symmetric"
    )


def _certificates(problem: Measurements, factors: Factorization, kappa: float) -> dict[str, Certificate]:
    found = {
        "norm_minimal": low_rank.norm_minimal(problem, factors),
        "balanced": low_rank.balanced(problem, factors),
    }
    if problem.structure == "any":
        found[ASYMMETRIC_ONLY] = low_rank.norm_minimal_as_printed(problem, factors, kappa**2 - 1.0)
    return found


def _sides(name: str, certificate: Certificate, size: float) -> dict[str, Any]:
    return {
        f"{name}_left": certificate.left / size,
        f"{name}_right": certificate.right / size,
        f"{name}_verdict": certificate.verdict,
    }
