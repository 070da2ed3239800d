"""Runs of a sweep that recover a matrix: measurements, a solver, and what came out."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import msgspec

from stepscape.arguments import nonnegative, word
from stepscape.errors import bad, expect, unknown
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.memory import require_memory
from stepscape.problems import low_rank
from stepscape.problems.measurements import Measurements
from stepscape.recovery import (
    Recovered,
    flattest,
    minimum_frobenius_norm,
    minimum_nuclear_norm,
    trial,
)
from stepscape.sweeps.part import Part, between
from stepscape.tables.records import Record

OBJECTIVES: dict[str, Callable[..., Recovered]] = {
    "flattest": flattest,
    "nuclear norm": minimum_nuclear_norm,
    "frobenius norm": minimum_frobenius_norm,
}
SQUARE = ("covariance_sensing", "phase_retrieval", "quadratic_network")
PROBLEMS = ("matrix_sensing", "bilinear_sensing", "matrix_completion", *SQUARE)


class Matrix(Part, frozen=True):
    """Measurements of a random matrix of low rank; `problem` is a function of `stepscape.problems`.

    Without d2 the matrix is square. Of a quadratic network, half of the neurons count as negative.
    """

    problem: str
    d1: int = 20
    d2: int = 0
    rank: int = 2
    m: int = 300
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.d2 == 0:
            msgspec.structs.force_setattr(self, "d2", self.d1)

    def check(self) -> None:
        """Refuse what cannot be drawn or would not fit in memory, before anything is drawn."""
        if self.problem not in PROBLEMS:
            raise unknown("problem", self.problem, PROBLEMS)
        for name in ("d1", "d2", "rank", "m"):
            between(name, getattr(self, name), 1)
        nonnegative("noise", self.noise)
        if self.problem in SQUARE and self.d1 != self.d2:
            raise bad("d2", f"equal d1 for {self.problem}", f"{self.d2} beside d1 = {self.d1}")
        most = 1 if self.problem == "phase_retrieval" else min(self.d1, self.d2)
        if self.rank > most:
            raise bad("rank", f"be at most {most} for this problem", self.rank)
        if self.problem == "matrix_completion" and self.m > self.d1 * self.d2:
            raise bad("m", f"be at most the {self.d1 * self.d2} entries of the matrix", self.m)
        full = self.d1 * self.d2 if self.problem == "matrix_sensing" else self.d1 + self.d2
        require_memory("m", self.m, 40.0 * self.m * self.m + 60.0 * self.m * full, "take fewer measurements")
        require_memory("d1", self.d1, 250.0 * self.d1 * self.d2, "take a smaller matrix")

    def draw(self, seed: int) -> Measurements:
        """Draw the matrix and its measurements."""
        self.check()
        make: Callable[..., Measurements] = getattr(low_rank, self.problem)
        shape: dict[str, Any] = {"d1": self.d1, "d2": self.d2, "rank": self.rank}
        if self.problem in SQUARE:
            negative = self.rank // 2
            shape = {
                "covariance_sensing": {"rank": self.rank},
                "phase_retrieval": {},
                "quadratic_network": {"positive": self.rank - negative, "negative": negative},
            }[self.problem] | {"d": self.d1}
        return make(**shape, m=self.m, noise=self.noise, seed=seed)


class Solver(Part, frozen=True):
    """What is minimized: the loss plus `penalty` times the norm, or the norm alone of what fits exactly."""

    objective: str = "flattest"
    penalty: float = 0.0
    iterations: int = 6000

    def check(self) -> None:
        """Refuse an unknown objective and numbers out of range."""
        word("objective", self.objective, tuple(OBJECTIVES))
        nonnegative("penalty", self.penalty)
        between("iterations", self.iterations, 1)


class Recovery(Spec, frozen=True, tag="recovery/1"):
    """One recovery of a user's sweep.

    >>> run = Recovery(matrix=Matrix(problem="bilinear_sensing", d1=6, d2=5, rank=1, m=40), solver=Solver())
    >>> recover(run, lambda share: None).numbers["verdict"]
    'recovered'
    """

    matrix: Matrix
    solver: Solver
    seed: int = 0


def recover(run: Recovery, tick: Tick, data: str | os.PathLike[str] = "") -> Record:  # noqa: ARG001
    """Carry out a run; there is no folder of data.

    Numbers: ``error`` to the truth and ``iterations_made``; without noise and penalty the ``verdict`` of
    `stepscape.recovery.trial`, ``recovered`` (1 or 0, empty if undecided) and ``ratio`` (objective over that
    of the truth); otherwise ``status``, ``gap``, ``residual`` and ``rank_found``.
    """
    expect("run", run, Recovery)
    run.solver.check()
    problem = run.matrix.draw(run.seed)
    tick(0.0)
    exact = run.matrix.noise == 0.0 and run.solver.penalty == 0.0
    return Record("finished", _tried(run, problem) if exact else _solved(run, problem, tick))


def _tried(run: Recovery, problem: Measurements) -> dict[str, Any]:
    found = trial(problem, run.solver.objective, run.solver.iterations)
    decided = found.verdict != "undecided"
    return {
        "verdict": found.verdict,
        "recovered": int(found.verdict == "recovered") if decided else None,
        "error": found.error,
        "ratio": found.ratio,
        "iterations_made": found.iterations,
    }


def _solved(run: Recovery, problem: Measurements, tick: Tick) -> dict[str, Any]:
    solver = run.solver
    found = OBJECTIVES[solver.objective](
        problem,
        penalty=solver.penalty,
        iterations=solver.iterations,
        progress=lambda made, _gap: tick(made / solver.iterations),
    )
    return {
        "status": found.status,
        "error": problem.error(found.matrix),
        "gap": found.gap,
        "residual": found.residual,
        "rank_found": found.rank,
        "iterations_made": found.iterations,
    }
