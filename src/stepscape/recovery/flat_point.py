"""A recovered matrix as a point of training: its flat factors, the Hessian there, and certificates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair, largest_eigenpair
from stepscape.errors import NotConverged
from stepscape.factorization import Factorization
from stepscape.objectives.matrix_factors import Factors
from stepscape.problems.measurements import Measurements
from stepscape.recovery.measured_setting import VISIBLE
from stepscape.theory.certificate import Certificate
from stepscape.theory.low_rank import balanced, hessian_trace, imbalance, norm_excess, norm_minimal
from stepscape.theory.low_rank.flatness import flat_factors

Array = NDArray[np.float64]
NEGLIGIBLE = 1e-5  # share of the largest column that the columns beyond the rank may add together


@dataclass(frozen=True, eq=False)
class FlatPoint:
    """The flat factors of a matrix, without columns of 0, and the Hessian of the loss there.

    Attributes
    ----------
    factors : those of the smallest trace that factors of the matrix can have.
    trace : of the Hessian.
    sharpness : λ_max with its residual; None for the matrix 0, and where Lanczos does not converge.
    norm_excess, imbalance : see `stepscape.theory.low_rank.balance`; nan for the matrix 0.
    certificates : `norm_minimal` against a reference that fits the labels, and `balanced`, for the plain
        trace; none for the matrix 0.
    """

    factors: Factorization
    trace: float
    sharpness: Eigenpair | None
    norm_excess: float
    imbalance: float
    certificates: Mapping[str, Certificate]

    @property
    def step_size(self) -> float:
        """2/λ_max: with a larger one gradient descent leaves a zero-loss point; infinite without a λ_max."""
        top = self.sharpness
        return 2.0 / top.value if top is not None and top.value > 0.0 else math.inf


def flat_point(problem: Measurements, matrix: Array, rank: int, reference: Array) -> FlatPoint:
    """Measure the flat factors of a matrix of that rank, up to the accuracy of a solver.

    The bounds on their norm are in terms of a reference.
    """
    factors = leading_columns(flat_factors(problem, matrix), rank)
    trace = hessian_trace(problem, factors)
    if not factors.matrix.any():
        return FlatPoint(factors, trace, None, math.nan, math.nan, {})
    found = (
        norm_minimal(problem, factors, reference, scaled=False),
        balanced(problem, factors, scaled=False),
    )
    return FlatPoint(
        factors,
        trace,
        _sharpness(problem, factors),
        norm_excess(factors),
        imbalance(factors),
        {each.name: each for each in found},
    )


def leading_columns(factors: Factorization, rank: int) -> Factorization:
    """Keep the columns that add most to the matrix, so many as its rank if the others add next to nothing.

    The first factor keeps one column at least.
    """
    left, right = factors.left, np.asarray(factors.right)
    if factors.structure == "any":
        keep = _leading(np.linalg.norm(left, axis=0) * np.linalg.norm(right, axis=0), rank)
        return Factorization(left[:, keep], right[:, keep])
    used, count = _leading(np.sum(np.hstack([left, right]) ** 2, axis=0), rank), left.shape[1]
    first, second = used[:count], used[count:]
    first[0] |= not first.any()
    return Factorization(left[:, first], right[:, second], factors.structure)


def _leading(sizes: Array, rank: int) -> NDArray[np.bool_]:
    """Mark the largest sizes; all that are not rounding if the rank leaves more than a trace of them out."""
    ordered = np.sort(sizes)[::-1]
    rest = float(ordered[rank:].sum())
    least = ordered[rank - 1] if rank > 0 and rest <= NEGLIGIBLE * ordered[0] else VISIBLE * ordered[0]
    keep = (sizes >= least) & (sizes > 0.0)
    keep[0] |= not keep.any()
    return np.asarray(keep)


def _sharpness(problem: Measurements, factors: Factorization) -> Eigenpair | None:
    objective = Factors(problem, factors.widths)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # such products end in NotConverged
            return largest_eigenpair(objective.hessian(factors.parameters))
    except NotConverged:
        return None
