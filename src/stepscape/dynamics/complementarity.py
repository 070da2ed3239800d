"""Complementarity over positive semidefinite matrices: the program of a constrained flow at every step.

For a symmetric A (r, r) and a positive semidefinite B on symmetric matrices, find X with

    X ⪰ 0,    S = A + B X ⪰ 0,    ⟨X, S⟩ = 0:

X is the least force that keeps S from becoming indefinite, and acts only where S vanishes. It is the minimum
over X ⪰ 0 of ⟨A, X⟩ + ½⟨X, B X⟩. For r = 1, X = max(0, −A/B).

Symmetric matrices are written as vectors of r(r + 1)/2 numbers, the entries beside the diagonal times √2, so
that inner products are the same. Solved by a primal-dual interior point method with Nesterov and Todd's
scaling: some fifteen systems of r(r + 1)/2 equations.

Source: Nesterov and Todd (1997); Kojima, Shindoh and Hara (1997).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.errors import NotConverged, bad

Array = NDArray[np.float64]
TOLERANCE = 1e-10
MOST_STEPS = 60
LARGEST_GAP = 1e20  # of matrices of size 1: beyond it no X is feasible


@dataclass(frozen=True, eq=False)
class Complementary:
    """X and S = A + BX (r, r), with what is left of the conditions.

    `residual` is the largest of the negative parts of the eigenvalues of X and S, and of |⟨X, S⟩|, once A and
    B are scaled to the size 1, X and ⟨X, S⟩ over 1 + |X|.
    """

    x: Array
    slack: Array
    residual: float


def complementary(a: ArrayLike, b: ArrayLike) -> Complementary:
    """Solve the program for A (r, r) symmetric and B (m, m) positive semidefinite, m = r(r + 1)/2.

    Raises
    ------
    InputError
        For shapes that do not fit, and for matrices that are not symmetric.
    NotConverged
        If no X ⪰ 0 makes A + BX positive semidefinite, or the iteration fails.
    """
    first, second = _symmetric("a", a), _symmetric("b", b)
    size = len(first) * (len(first) + 1) // 2
    if second.shape != (size, size):
        raise bad("b", f"have shape {(size, size)}", second.shape)
    scale_a, scale_b = float(np.abs(first).max()), float(np.abs(second).max())
    if float(np.linalg.eigvalsh(first)[0]) >= 0.0:
        return Complementary(np.zeros_like(first), first, 0.0)
    if not scale_b > 0.0:
        raise _infeasible()
    q, m = to_vector(first / scale_a), second / scale_b
    x = (_one if len(first) == 1 else _interior)(q, m)
    found, slack = to_matrix(x), to_matrix(q + m @ x)
    residual = _residual(found, slack)
    if not residual <= 1e3 * TOLERANCE:
        raise _infeasible()
    return Complementary(found * (scale_a / scale_b), slack * scale_a, residual)


def to_vector(matrix: Array) -> Array:
    """Entries of a symmetric matrix on and above the diagonal, those above it times √2."""
    rows, columns, weights = _places(len(matrix))
    return np.asarray(matrix[rows, columns] * weights)


def to_matrix(vector: Array) -> Array:
    """Return the symmetric matrix of such a vector."""
    size = int((np.sqrt(8.0 * vector.size + 1.0) - 1.0) / 2.0 + 0.5)
    rows, columns, weights = _places(size)
    out = np.zeros((size, size))
    out[rows, columns] = out[columns, rows] = vector / weights
    return out


def _one(q: Array, m: Array) -> Array:
    """Return the solution for r = 1, where A < 0 and B > 0."""
    return np.asarray(-q / m[0])


def _interior(q: Array, m: Array) -> Array:
    size = len(to_matrix(q))
    x: Array = np.eye(size)
    s: Array = np.eye(size)
    for _ in range(MOST_STEPS):
        gap = float(np.sum(x * s)) / size
        miss = np.asarray(q + m @ to_vector(x) - to_vector(s))
        if gap < 1e-2 * TOLERANCE and float(np.abs(miss).max()) < 1e-2 * TOLERANCE:
            break
        scaling = _scaling(x, s)
        if scaling is None or gap > LARGEST_GAP:
            break
        inverse = to_vector(np.asarray(np.linalg.inv(s)))
        centering = 0.1 if float(np.abs(miss).max()) < gap else 0.3
        # ΔX + W ΔS W = σμ S⁻¹ − X and ΔS = B ΔX + (A + BX − S), W the scaling with W S W = X.
        w = _congruence(scaling)
        right = centering * gap * inverse - to_vector(x) - w @ miss
        dx = to_matrix(np.asarray(np.linalg.solve(np.eye(q.size) + w @ m, right)))
        ds = to_matrix(m @ to_vector(dx) + miss)
        reach = min(1.0, 0.95 * _reach(x, dx), 0.95 * _reach(s, ds))
        x, s = x + reach * dx, s + reach * ds
    return to_vector(x)


def _scaling(x: Array, s: Array) -> Array | None:
    """W = X^½ (X^½ S X^½)^(−½) X^½; None once rounding has made a matrix indefinite."""
    values, vectors = np.linalg.eigh(x)
    if values[0] <= 0.0:
        return None
    root = (vectors * np.sqrt(values)) @ vectors.T
    values, vectors = np.linalg.eigh(root @ s @ root)
    if values[0] <= 0.0:
        return None
    half = root @ vectors / values**0.25
    return np.asarray(half @ half.T)


def _congruence(w: Array) -> Array:
    """Return the matrix (m, m) of S ↦ W S W."""
    size = len(w) * (len(w) + 1) // 2
    return np.column_stack([to_vector(w @ to_matrix(each) @ w) for each in np.eye(size)])


def _reach(x: Array, step: Array) -> float:
    """Largest t ≤ 1e3 with X + t·step ⪰ 0."""
    inverse = np.linalg.inv(np.linalg.cholesky(x))
    least = float(np.linalg.eigvalsh(inverse @ step @ inverse.T)[0])
    return 1e3 if least >= -1e-3 else -1.0 / least


def _residual(x: Array, slack: Array) -> float:
    size = 1.0 + float(np.abs(x).max())
    below_x, below_s = (float(np.linalg.eigvalsh(each)[0]) for each in (x, slack))
    return max(-below_x / size, -below_s, abs(float(np.sum(x * slack))) / size, 0.0)


@lru_cache(maxsize=16)
def _places(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    rows, columns = np.triu_indices(size)
    return rows, columns, np.where(rows == columns, 1.0, np.sqrt(2.0))


def _symmetric(name: str, values: ArrayLike) -> Array:
    matrix = reals(name, values)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise bad(name, "have shape (size, size)", matrix.shape)
    if not np.isfinite(matrix).all() or np.abs(matrix - matrix.T).max() > 1e-9 * np.abs(matrix).max():
        raise bad(name, "be finite and symmetric", "another one")
    return np.asarray(0.5 * (matrix + matrix.T))


def _infeasible() -> NotConverged:
    return NotConverged("no positive semidefinite X makes A + BX positive semidefinite")
