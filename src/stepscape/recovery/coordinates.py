"""Coordinates in which all norms of a recovery are alike: Z = D1 X D2, of the size of 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, beyond_range
from stepscape.memory import require_memory
from stepscape.problems.linear_maps import Dense, Entries, Sparse
from stepscape.problems.linear_maps.linear_map import scaled
from stepscape.problems.measurements import Measurements
from stepscape.recovery.convex.constraints import Equations
from stepscape.theory.low_rank.weights import MatrixWeights

Array = NDArray[np.float64]

SMALLEST, LARGEST = 1e-70, 1e70  # their fourth powers are far from the ends of float64


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Z = F1 X F2/scale, where F1 and F2 are D1 and D2 divided by the root mean square of their eigenvalues.

    Attributes
    ----------
    forth, back : (F1, F2) and (F1⁺, F2⁺), matrices or diagonals; None for the identity.
    scale : the largest |b_i|, by which the labels are divided; 1 if all are 0.
    size : N(X) = size·N(Z).
    """

    forth: tuple[Array, Array] | None
    back: tuple[Array, Array] | None
    scale: float
    size: float

    def to(self, matrix: Array) -> Array:
        """Z of X."""
        return np.asarray((matrix if self.forth is None else scaled(matrix, *self.forth)) / self.scale)

    def of(self, matrix: Array) -> Array:
        """X of Z."""
        return np.asarray(self.scale * (matrix if self.back is None else scaled(matrix, *self.back)))

    def equations(self, problem: Measurements, penalty: float) -> Equations:
        """Return B(Z) = b/scale; with p > 0 the loss that makes N + h = (loss + p N(X))/(p·size)."""
        linear_map = problem.linear_map if self.back is None else problem.linear_map.between(*self.back)
        if not np.isfinite(self.size):
            raise beyond_range("the objective")
        softness = 0.5 * problem.size * (self.size / self.scale) * (penalty / self.scale)
        if not np.isfinite(softness):
            raise bad("penalty", "be comparable with the labels", penalty, "give a smaller penalty")
        return Equations(linear_map, problem.labels / self.scale, softness)


def coordinates(problem: Measurements, weights: MatrixWeights, weighted: bool) -> Coordinates:
    """Return the coordinates of D1 and D2, or those of the identity if X is not `weighted`."""
    scale = float(np.abs(problem.labels).max()) or 1.0
    sizes = [_root_mean_square(side.square) for side in (weights.left, weights.right)]
    _require_range(problem, sizes)
    if not weighted:
        return Coordinates(None, None, scale, scale)
    sizes = [size or 1.0 for size in sizes]
    # One and the same array twice if D1 = D2: measurements that are symmetric stay so.
    left, left_back = weights.left.root / sizes[0], weights.left.pseudo_inverse * sizes[0]
    if weights.left is weights.right:
        right, right_back = left, left_back
    else:
        right, right_back = weights.right.root / sizes[1], weights.right.pseudo_inverse * sizes[1]
    return Coordinates((left, right), (left_back, right_back), scale, sizes[0] * sizes[1] * scale)


def _root_mean_square(square: Array) -> float:
    diagonal = square if square.ndim == 1 else np.diag(square)
    return float(np.sqrt(diagonal.mean()))


def _require_range(problem: Measurements, sizes: list[float]) -> None:
    """Refuse measurements whose squares, or the squares of those, are not numbers of full precision."""
    vanished = max(sizes) == 0.0 and problem.adjoint(np.ones(problem.size)).any()
    if vanished or any(size != 0.0 and not SMALLEST < size < LARGEST for size in sizes):
        came = f"a root mean square of {max(sizes):.2g}"
        raise bad("the A_i", f"have entries between {SMALLEST:g} and {LARGEST:g}", came, "rescale them")


def require_room(problem: Measurements) -> None:
    """Refuse a problem whose Gram matrix, its factors and weighted measurements would not fit in memory."""
    m, (d1, d2) = problem.size, problem.shape
    linear_map = problem.linear_map
    gram = 0 if isinstance(linear_map, Entries) and not linear_map.repeats else 40 * m * m
    # Weighted sparse matrices are full ones.
    full = isinstance(linear_map, Dense | Sparse)
    weighted = 32 * m * d1 * d2 if full else 16 * m * (d1 + d2)
    require_memory("m", m, gram + weighted + 160 * d1 * d2, "take fewer measurements, or a smaller matrix")
