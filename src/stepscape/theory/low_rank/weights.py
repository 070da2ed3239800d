"""The matrices D1 and D2 with which a problem weighs the rows and the columns of X.

    plain    D1² = (1/m) Σ_i A_i A_iᵀ  (d1, d1),         D2² = (1/m) Σ_i A_iᵀ A_i  (d2, d2)
    scaled   D1² = (1/(m d2)) Σ_i A_i A_iᵀ,              D2² = (1/(m d1)) Σ_i A_iᵀ A_i

The plain ones belong to the Hessian trace tr, the scaled ones to tr_L/d1 + tr_R/d2. The trace over the block
of L is 2 ‖D2 R‖_F² with the plain ones: it depends on R. For a_i b_iᵀ, D1² = (1/m) Σ_i ‖b_i‖² a_i a_iᵀ; for
entries D1² holds the shares of the measurements in each row, and for Gaussian A_i the scaled matrices tend
to I. For symmetric A_i both are one matrix D, D² = (1/m) Σ_i A_i².

Source: Ding, Drusvyatskiy, Fazel and Harchaoui (2024), Lemma 3.1, for the scaled ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import flag
from stepscape.errors import bad, expect
from stepscape.problems.linear_maps.linear_map import scaled as scaled_matrix
from stepscape.problems.measurements import Measurements
from stepscape.theory.low_rank.checks import finite_result

Array = NDArray[np.float64]
CUT = 1e-12  # eigenvalues of D² below this share of the largest one count as 0


@dataclass(frozen=True, eq=False)
class Weight:
    """A symmetric positive semidefinite matrix D, given by its square.

    Attributes
    ----------
    square : D² (d, d), or its diagonal (d,) if it is diagonal by construction.
    """

    square: Array

    @cached_property
    def _spectrum(self) -> tuple[Array, Array | None]:
        """Eigenvalues of D², exactly 0 below the cut, and eigenvectors unless D is diagonal."""
        if self.square.ndim == 1:
            values, vectors = self.square, None
        else:
            values, vectors = np.linalg.eigh(self.square)
        return np.where(values > CUT * values.max(), values, 0.0), vectors

    @cached_property
    def root(self) -> Array:
        """D, as `square` is stored."""
        return self._function(np.sqrt(self._spectrum[0]))

    @cached_property
    def pseudo_inverse(self) -> Array:
        """D⁺, as `square` is stored: 0 on the null space of D."""
        values = self._spectrum[0]
        return self._function(np.where(values > 0.0, 1.0 / np.sqrt(np.where(values > 0.0, values, 1.0)), 0.0))

    def _function(self, values: Array) -> Array:
        vectors = self._spectrum[1]
        return values if vectors is None else np.asarray((vectors * values) @ vectors.T)

    @property
    def nullity(self) -> int:
        """Dimension of the null space: rows or columns, up to a rotation, that no measurement sees."""
        return int(np.sum(self._spectrum[0] == 0.0))

    @property
    def smallest(self) -> float:
        """Smallest eigenvalue of D, 0 if it is singular."""
        return math.sqrt(float(self._spectrum[0].min()))

    @property
    def largest(self) -> float:
        """Largest eigenvalue of D."""
        return math.sqrt(float(self._spectrum[0].max()))

    def squared_norm(self, factor: Array) -> float:
        """‖D F‖_F² of a factor F (d, k)."""
        return float(np.sum(self.congruence(factor, factor, diagonal=True)))

    def congruence(self, first: Array, second: Array, diagonal: bool = False) -> Array:
        """Return Fᵀ D² G, or its diagonal alone."""
        seen = self.square[:, None] * second if self.square.ndim == 1 else self.square @ second
        return np.asarray(np.einsum("ij,ij->j", first, seen) if diagonal else first.T @ seen)

    def part_outside(self, matrix: Array) -> float:
        """Frobenius norm of the part of a matrix (d, ·) on the null space of D."""
        values, vectors = self._spectrum
        hidden = values == 0.0
        part = matrix[hidden] if vectors is None else vectors[:, hidden].T @ matrix
        return float(np.linalg.norm(part))


@dataclass(frozen=True, eq=False)
class MatrixWeights:
    """D1 and D2 of a problem; one and the same object for symmetric A_i.

    Attributes
    ----------
    left, right : Weight
        D1 and D2.
    scaled : bool
        Whether D1² is divided by d2, and D2² by d1.
    """

    left: Weight
    right: Weight
    scaled: bool

    @property
    def nullity(self) -> tuple[int, int]:
        """Dimensions of the null spaces of D1 and D2; (0, 0) if every row and column is seen."""
        return self.left.nullity, self.right.nullity

    @property
    def smallest(self) -> float:
        """α1 of α1 I ⪯ D1, D2 ⪯ α2 I."""
        return min(self.left.smallest, self.right.smallest)

    @property
    def largest(self) -> float:
        """α2 of α1 I ⪯ D1, D2 ⪯ α2 I."""
        return max(self.left.largest, self.right.largest)

    @property
    def condition(self) -> float:
        """κ = α2/α1, infinite if D1 or D2 is singular."""
        return self.largest / self.smallest if self.smallest > 0.0 else math.inf

    def around(self, matrix: Array) -> Array:
        """D1 X D2 (d1, d2), which float64 must hold."""
        with np.errstate(over="ignore", invalid="ignore"):
            seen = scaled_matrix(matrix, self.left.root, self.right.root)
        finite_result("D1 X D2", float(np.abs(seen).max()))
        return seen

    def undo(self, matrix: Array) -> Array:
        """D1⁺ Z D2⁺ (d1, d2)."""
        return scaled_matrix(matrix, self.left.pseudo_inverse, self.right.pseudo_inverse)

    def __repr__(self) -> str:
        singular = f", nullity {self.nullity}" if any(self.nullity) else ""
        return f"MatrixWeights({'scaled' if self.scaled else 'plain'}: κ={self.condition:.4g}{singular})"


def matrix_weights(measurements: Measurements, scaled: bool = False) -> MatrixWeights:
    """Return D1 and D2 of a problem, by default those of the Hessian trace itself.

    Raises
    ------
    InputError
        For squares of the measurements that float64 cannot hold.
    """
    expect("measurements", measurements, Measurements)
    d1, d2 = measurements.shape if flag("scaled", scaled) else (1, 1)
    linear_map = measurements.linear_map
    left = _weight(linear_map.row_moment, measurements.size * d2)
    if linear_map.symmetric:
        return MatrixWeights(left, left, bool(scaled))
    return MatrixWeights(left, _weight(linear_map.column_moment, measurements.size * d1), bool(scaled))


def _weight(sum_of_squares: Callable[[], Array], count: int) -> Weight:
    with np.errstate(over="ignore", invalid="ignore"):
        moment = sum_of_squares()
    if not np.isfinite(moment).all():
        raise bad("Σ A_i A_iᵀ", "be finite", "a number beyond 1.8e308", "rescale the measurements")
    return Weight(moment / count)
