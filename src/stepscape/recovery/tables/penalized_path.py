"""Observed entries and a penalty → the matrix of least loss plus penalized norm; a path of penalties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.tables.shrinkage import Shrunk, dual_norm, shrink

Array = NDArray[np.float64]
NORMS = ("flat", "nuclear")
LOOK = 10  # iterations between two looks at the gap
MOST = 4000  # iterations for one penalty


@dataclass(frozen=True, eq=False)
class PenalizedProblem:
    """½ Σ_seen (X_ij − Y_ij)² + λ ‖diag(r) X diag(c)‖_*, for all penalties λ.

    Attributes
    ----------
    values : (n, p)
        Y, with 0 where nothing was observed.
    seen : (n, p) of bool
        What was observed; every row and every column has an entry.
    rows, columns : (n,), (p,)
        The weights r and c.
    """

    values: Array
    seen: NDArray[np.bool_]
    rows: Array
    columns: Array

    @classmethod
    def of(cls, values: Array, seen: NDArray[np.bool_], norm: str) -> PenalizedProblem:
        """Weight rows and columns for a norm.

        "nuclear": all weights are 1. "flat": r_i² is the number of observed entries of the row over its
        mean, c_j² likewise for columns. The loss ½ Σ_seen (⟨L_i, R_j⟩ − Y_ij)² of factors X = L Rᵀ has the
        Hessian trace Σ_i n_i ‖L_i‖² + Σ_j m_j ‖R_j‖² with the counts n of rows and m of columns, whose least
        value over the factors of X is 2 ‖diag(√n) X diag(√m)‖_*. The means only change the unit of λ; equal
        counts give the nuclear norm.

        Source: Ding et al. (2024), section 3; Srebro and Salakhutdinov (2010), equation 5.
        """
        by_row, by_column = (_weights(seen.sum(axis=axis), norm) for axis in (1, 0))
        return cls(np.where(seen, values, 0.0), seen, by_row, by_column)

    @cached_property
    def entries(self) -> Array:
        """W (n, p): an observed entry of X is W_ij Z_ij, with Z = diag(r) X diag(c); 0 elsewhere."""
        return np.asarray(self.seen / np.outer(self.rows, self.columns))

    @cached_property
    def curvature(self) -> float:
        """Largest curvature max W_ij² of the loss in Z."""
        return float(self.entries.max() ** 2)

    @cached_property
    def largest(self) -> float:
        """The least penalty of which X = 0 is the solution: ‖W ∘ Y‖, the largest singular value."""
        return dual_norm(self.entries * self.values)

    def penalties(self, count: int, ratio: float) -> Array:
        """Penalties from the largest down to `ratio` of it, logarithmic."""
        return self.largest * np.geomspace(1.0, ratio, count)

    def matrix(self, shrunk: Shrunk) -> Array:
        """X (n, p) of a Z."""
        return np.asarray(shrunk.matrix / np.outer(self.rows, self.columns))


@dataclass(frozen=True, eq=False)
class Penalized:
    """The solution for one penalty.

    Attributes
    ----------
    penalty : float
    matrix : (n, p)
        X.
    shrunk : Shrunk
        Z, its singular values and their number.
    value : float
        Loss plus penalized norm.
    gap : float
        How far `value` may lie above the least one, as a share of `value`; 0 where that is 0.
    iterations : int
    """

    penalty: float
    matrix: Array
    shrunk: Shrunk
    value: float
    gap: float
    iterations: int

    @property
    def rank(self) -> int:
        """Number of singular values that the penalty left."""
        return self.shrunk.rank


def follow(
    problem: PenalizedProblem, penalties: Sequence[float] | Array, tolerance: float, most: int = MOST
) -> Iterator[Penalized]:
    """Solve for decreasing penalties, each from the solution of the one before."""
    start = Shrunk.zero(problem.values.shape)
    for penalty in penalties:
        solution = minimize(problem, float(penalty), start, tolerance, most)
        start = solution.shrunk
        yield solution


def minimize(
    problem: PenalizedProblem, penalty: float, start: Shrunk, tolerance: float, most: int = MOST
) -> Penalized:
    """Accelerated proximal gradient in Z, with restarts, until the relative gap is at most `tolerance`.

    A step is Z⁺ = shrink(V − W ∘ (W ∘ V − Y)/L, λ/L) with L = max W², and momentum is dropped whenever it
    points uphill. If so many iterations do not suffice, the gap of the result says how near it is.

    Source: Beck and Teboulle (2009); O'Donoghue and Candès (2015) for the restarts.
    """
    entries, steep = problem.entries, problem.curvature
    now = ahead = start
    leap, found = 1.0, _look(problem, penalty, start, 0)
    point = start.matrix
    for iteration in range(1, most + 1):
        if found.gap <= tolerance:
            break
        slope = entries * (entries * point - problem.values)
        ahead = shrink(point - slope / steep, penalty / steep, now)
        change = ahead.matrix - now.matrix
        uphill = float(np.vdot(point - ahead.matrix, change)) > 0.0
        longer = 1.0 if uphill else 0.5 + np.sqrt(0.25 + leap**2)
        point = ahead.matrix if uphill else ahead.matrix + (leap - 1.0) / longer * change
        now, leap = ahead, longer
        if iteration % LOOK == 0 or iteration == most:
            found = _look(problem, penalty, now, iteration)
    return found


def _look(problem: PenalizedProblem, penalty: float, z: Shrunk, iteration: int) -> Penalized:
    """Value a point, and bound the least value from below.

    The dual problem is max ⟨u, Y⟩ − ½‖u‖² over ‖W ∘ u‖ ≤ λ. The residual u = Y − X solves it at the optimum;
    elsewhere a multiple s·u is admissible for s ≤ λ/‖W ∘ u‖, and the best one is taken.
    """
    residual = np.where(problem.seen, problem.values - problem.entries * z.matrix, 0.0)
    square, along = float(np.vdot(residual, residual)), float(np.vdot(residual, problem.values))
    value = 0.5 * square + penalty * float(z.values.sum())
    steep = dual_norm(problem.entries * residual)
    scale = min(penalty / steep, max(0.0, along / square)) if steep > 0.0 else 0.0
    bound = scale * along - 0.5 * scale**2 * square
    gap = max(0.0, (value - bound) / value) if value > 0.0 else 0.0
    return Penalized(penalty, problem.matrix(z), z, value, gap, iteration)


def _weights(counts: NDArray[np.int64], norm: str) -> Array:
    if norm == "nuclear":
        return np.ones(counts.size)
    return np.asarray(np.sqrt(counts / counts.mean()))
