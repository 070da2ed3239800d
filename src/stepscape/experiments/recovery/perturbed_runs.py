"""The loss of factors with noise, by Monte Carlo, at zero-loss points that differ in their flatness."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape import recovery
from stepscape.errors import bad, unknown
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.low_rank import PROBLEMS, check
from stepscape.factorization import Factorization
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.objectives import factors as loss_of
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.tables.records import Record
from stepscape.theory.low_rank import flat_factors, hessian_trace, perturbed_loss

Array = NDArray[np.float64]
STRETCH = 2.0  # of the factor that "stretched" makes longer; the other becomes shorter
POINTS = {
    "flattest": "the flattest solution",
    "stretched": "its factors stretched",
    "other": "another matrix",
}
TICKS = 20  # pairs of draws between two ticks


class PerturbedRun(Spec, frozen=True, tag="perturbed-loss/2"):
    """One zero-loss point of one problem under noise of one size, relative to the entries of the factors."""

    problem: str
    d: int
    rank: int
    ratio: float
    m: int
    point: str
    size: float
    draws: int
    seed: int


class Mean(NamedTuple):
    """A mean over draws with its standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, values: Array) -> Mean:
        """Average independent values."""
        return cls(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))


def grid(settings: Settings) -> list[PerturbedRun]:
    """Every problem, seed, point and size of the noise."""
    check({**settings, "ratios": (settings["ratio"],)})
    at_least(settings, draws=10)
    for name in settings["points"]:
        if name not in POINTS:
            raise unknown("point", name, POINTS)
    for name in settings["problems"]:
        if PROBLEMS[name].words.startswith("robust"):
            raise bad("problems", "be measured linearly", repr(name))
    if not min(settings["sizes"]) > 0.0:
        raise bad("sizes", "be positive", min(settings["sizes"]))
    return sweep(
        PerturbedRun,
        settings,
        problem=settings["problems"],
        m=lambda run: PROBLEMS[run.problem].measurements(run.d, run.rank, run.ratio),
        seed=seeds(settings),
        point=settings["points"],
        size=settings["sizes"],
    )


def begin(run: PerturbedRun) -> Measurements:
    """Return the problem."""
    problem = PROBLEMS[run.problem].build(run.d, run.rank, run.m, 0.0, run.seed)
    assert not isinstance(problem, CorruptedMatrix)
    return problem


def work(run: PerturbedRun, tick: Tick) -> Record:
    """Average the loss at θ ± sZ over draws of Z, at the point and, with the same Z, at the flattest one.

    Both signs of each Z cancel odd moments. s is `size` times the root mean square of the entries of the
    flattest factors. Columns, in units of the mean square of the labels: ``mean`` with ``mean_error``,
    ``exact`` and ``printed`` (½ s² tr alone); ``difference`` from the flattest with ``difference_error`` and
    ``exact_difference``. ``flattest_status`` says whether a duality gap proves the flattest solution.
    """
    problem = begin(run)
    found = recovery.flattest(problem)
    flattest, point = found.factors, _point(problem, found.factors, run.point)
    s = run.size * float(np.sqrt(np.mean(flattest.parameters**2)))
    losses, beside = _losses(problem, point, flattest, s, run, tick)
    exact, least = perturbed_loss(problem, point), perturbed_loss(problem, flattest)
    trace, unit = hessian_trace(problem, point), float(np.mean(problem.labels**2))
    mean, difference = Mean.of(losses / unit), Mean.of((losses - beside) / unit)
    return Record("finished", {
        "flattest_status": found.status,
        "noise_size": s,
        "zero_loss": exact.loss / unit,
        "trace": trace,
        "trace_ratio": trace / hessian_trace(problem, flattest),
        "mean": mean.value,
        "mean_error": mean.error,
        "exact": float(exact.at(s)) / unit,
        "printed": 0.5 * s**2 * trace / unit,
        "difference": difference.value,
        "difference_error": difference.error,
        "exact_difference": float(exact.at(s) - least.at(s)) / unit,
        "equal_size": float(np.sqrt(exact.trace / (2.0 * exact.quartic))) / s * run.size,
    })  # fmt: skip


def _point(problem: Measurements, flattest: Factorization, name: str) -> Factorization:
    """Return a zero-loss point with as many columns as the flattest solution."""
    if name == "other":
        return flat_factors(problem, recovery.minimum_frobenius_norm(problem).matrix)
    return flattest if name == "flattest" else _stretched(flattest)


def _stretched(factors: Factorization) -> Factorization:
    """Return other factors of the same matrix: (2L, R/2), or equal columns added to U1 and U2.

    A positive semidefinite matrix has no others than rotated ones, whose trace is the same.
    """
    left, right = factors.left, factors.right
    assert right is not None
    if factors.structure == "any":
        return Factorization(STRETCH * left, right / STRETCH)
    if factors.structure == "psd":
        return factors
    column = np.zeros_like(left)
    column[:, -1] = np.sqrt(np.mean(left**2))
    empty = [int(np.argmin(np.sum(side**2, axis=0))) for side in (left, right)]
    added = [np.roll(column, i + 1, axis=1) for i in empty]
    # The columns with the least entries are 0 unless X has the full rank; they are replaced by equal ones.
    sides = [np.where(np.any(new, axis=0), new, side) for new, side in zip(added, (left, right), strict=True)]
    return Factorization(sides[0], sides[1], "symmetric")


def _losses(
    problem: Measurements, point: Factorization, other: Factorization, s: float, run: PerturbedRun, tick: Tick
) -> tuple[Array, Array]:
    """Return the mean loss of both signs of each draw, at two points with the same draws."""
    objective = loss_of(problem, factors=point)
    # Equal draws for all points and sizes of a seed.
    rng = np.random.default_rng([stream(run.seed, "perturbation")])
    out = np.empty((2, run.draws))
    for i in range(run.draws):
        noise = s * rng.standard_normal(objective.size)
        for row, at in zip(out, (point, other), strict=True):
            row[i] = 0.5 * sum(objective.loss(at.parameters + sign * noise) for sign in (1.0, -1.0))
        if i % TICKS == 0:
            tick(i / run.draws)
    return out[0], out[1]
