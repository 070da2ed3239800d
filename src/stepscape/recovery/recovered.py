"""A matrix recovered from measurements, and what is proved of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.factorization import Factorization
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.recovery.convex.crossover import Uniqueness
from stepscape.theory.low_rank.flatness import flat_factors
from stepscape.theory.low_rank.weights import MatrixWeights

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NullSpace:
    """What no measurement sees.

    Attributes
    ----------
    rows, columns : dimensions of the null spaces of D1 and D2.
    unseen_rows, unseen_columns : indices of the rows and columns of X that no A_i touches at all.
    """

    rows: int
    columns: int
    unseen_rows: tuple[int, ...]
    unseen_columns: tuple[int, ...]

    def __bool__(self) -> bool:
        return self.rows + self.columns > 0

    def __repr__(self) -> str:
        if not self:
            return "NullSpace(every row and column is seen)"
        unseen = [
            f"{name} {', '.join(map(str, which[:10]))}{', …' * (len(which) > 10)}"
            for name, which in (("rows", self.unseen_rows), ("columns", self.unseen_columns))
            if which
        ]
        never = f"; never seen: {' and '.join(unseen)}" if unseen else ""
        return f"NullSpace({self.rows} dimensions of rows and {self.columns} of columns{never})"


@dataclass(frozen=True, eq=False, repr=False)
class Recovered:
    """The matrix that minimizes a norm N among those that the measurements allow.

    Attributes
    ----------
    problem : the problem that was solved.
    matrix : X (d1, d2).
    objective : N(X), for instance ‖D1 X D2‖_*.
    value : what is minimized: N(X), or loss(X) + penalty·N(X).
    bound : a lower bound on the value of every matrix that the measurements allow.
    dual : λ (m,) of the bound ⟨b, λ⟩ with N°(A*(λ)) ≤ 1 for the dual norm N°: ‖D1⁻¹ A*(λ) D2⁻¹‖_op ≤ 1. With
        a penalty the bound is penalty·(⟨b, λ⟩ − (m·penalty/4)‖λ‖²). For a `CorruptedMatrix` it is a matrix Q
        (d1, d2) with ‖Q‖_op ≤ 1 and the bound ⟨Q, Y⟩ − budget·max|Q|.
    residual : ‖A(X) − b‖/‖b‖; for a `CorruptedMatrix` how far ‖Y − X‖_{1,1} exceeds the budget, divided by
        ‖Y‖_{1,1}.
    status : "optimal": residual and gap are within the tolerance. "not identifiable": they are, but some rows
        or columns are never seen, and X is 0 there. "infeasible": no matrix satisfies the equations; X is the
        one of least squares and least norm. "undecided": the iterations were spent.
    iterations : of the splitting.
    rank : of X, or of the low-rank iterate beside it if X was not polished.
    null_space : what no measurement sees.
    unique : True if a certificate excludes that another matrix is as good, False if another one is; None if
        neither is known. Computed in float64, with margins but without a bound on their rounding.
    uniqueness : the margins of the dual certificate, where one was tried.
    constant : whether every positive semidefinite solution has the same N, so that minimizing selects none.
    penalty : 0 for equations.
    name : what N is.
    """

    problem: Measurements | CorruptedMatrix
    matrix: Array
    objective: float
    value: float
    bound: float
    dual: Array
    residual: float
    status: str
    iterations: int
    rank: int
    null_space: NullSpace
    unique: bool | None
    uniqueness: Uniqueness | None
    constant: bool
    penalty: float
    name: str

    @property
    def gap(self) -> float:
        """(value − bound)/value: by how much the least value can be smaller, as a share; 0 at the value 0."""
        return (self.value - self.bound) / self.value if self.value > 0.0 else 0.0

    @cached_property
    def factors(self) -> Factorization:
        """The flat factors of X: those whose loss has the smallest Hessian trace."""
        if isinstance(self.problem, Measurements):
            return flat_factors(self.problem, self.matrix)
        left, values, right = np.linalg.svd(self.matrix, full_matrices=False)
        return Factorization(left * np.sqrt(values), right.T * np.sqrt(values))

    def __repr__(self) -> str:
        if self.status == "infeasible":
            return (
                f"Recovered(infeasible: no matrix satisfies the equations; residual {self.residual:.2g}, "
                "give a penalty)"
            )
        d1, d2 = self.matrix.shape
        said = [
            f"{d1}×{d2} of rank {self.rank}",
            f"{self.name} = {self.objective:.6g}",
            f"gap {self.gap:.1e}",
        ]
        if self.constant:
            said.append("every positive semidefinite solution is equally flat")
        if self.unique is not None:
            said.append("the only minimizer" if self.unique else "not the only minimizer")
        if self.null_space:
            said.append(repr(self.null_space))
        return f"Recovered({self.status}: {', '.join(said)}; {self.iterations} iterations)"


def null_space_of(weights: MatrixWeights) -> NullSpace:
    """Read off D1 and D2 what no measurement sees."""
    unseen = [
        tuple(np.flatnonzero(_diagonal(side.square) == 0.0).tolist())
        for side in (weights.left, weights.right)
    ]
    return NullSpace(*weights.nullity, *unseen)


def _diagonal(square: Array) -> Array:
    return square if square.ndim == 1 else np.diag(square)
