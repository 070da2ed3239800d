"""Singular values made smaller by a constant: the proximal step of the nuclear norm, small and large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LARGE = 300  # smaller side from which a matrix is decomposed only as far as the threshold needs
SPARE = 5  # singular values beyond the rank before, which tell that no further one is above the threshold
FEW = 0.15  # share of the smaller side up to which finding some singular values is cheaper than all
# Below this share of the norm a singular value has lost half of its digits in the square of the matrix.
SQUARED = 1e-5


@dataclass(frozen=True, eq=False)
class Shrunk:
    """A matrix (n, p) and its singular values above 0, falling."""

    matrix: Array
    values: Array

    @classmethod
    def zero(cls, shape: tuple[int, ...]) -> Shrunk:
        """Make the matrix 0."""
        return cls(np.zeros(shape), np.zeros(0))

    @property
    def rank(self) -> int:
        """Number of singular values above 0."""
        return int(self.values.size)


def shrink(matrix: Array, by: float, before: Shrunk) -> Shrunk:
    """Minimize ½‖Z − M‖_F² + by·‖Z‖_*: the singular values of M less `by`, none below 0.

    before : Shrunk
        The matrix of the iteration before, whose rank tells how many singular values to look for.
    """
    if min(matrix.shape) > LARGE and before.rank + SPARE <= FEW * min(matrix.shape):
        some = _leading(matrix, by, before.rank + SPARE)
        if some is not None:
            return some
    if by >= SQUARED * float(np.linalg.norm(matrix)):
        return _by_square(matrix, by)
    return _whole(matrix, by)


def dual_norm(matrix: Array) -> float:
    """Return the largest singular value."""
    if min(matrix.shape) > LARGE:
        return float(_some(matrix, 1)[1][0])
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    return float(np.sqrt(max(0.0, np.linalg.eigvalsh(tall.T @ tall)[-1])))


def _by_square(matrix: Array, by: float) -> Shrunk:
    """Decompose the smaller of MᵀM and MMᵀ: with M = P Σ Qᵀ, Z = M Q diag((1 − by/σ)₊) Qᵀ."""
    if matrix.shape[0] < matrix.shape[1]:
        turned = _by_square(matrix.T, by)
        return Shrunk(turned.matrix.T, turned.values)
    squares, q = np.linalg.eigh(matrix.T @ matrix)
    sigma = np.sqrt(np.maximum(squares, 0.0))
    kept = sigma > by
    q, sigma = q[:, kept], sigma[kept]
    return Shrunk((matrix @ (q * (1.0 - by / sigma))) @ q.T, (sigma - by)[::-1])


def _whole(matrix: Array, by: float) -> Shrunk:
    p, sigma, q = np.linalg.svd(matrix, full_matrices=False)
    return _kept(p, sigma, q, by)


def _leading(matrix: Array, by: float, count: int) -> Shrunk | None:
    """Shrink by the leading singular values; None if so many do not reach down to the threshold."""
    while count <= FEW * min(matrix.shape):
        p, sigma, q = _some(matrix, count)
        if sigma[-1] <= by:
            return _kept(p, sigma, q, by)
        count *= 2
    return None


def _some(matrix: Array, count: int) -> tuple[Array, Array, Array]:
    """Leading singular triples, falling; the start of the iteration is fixed, so that bits repeat."""
    from scipy.sparse.linalg import svds

    start = np.full(min(matrix.shape), 1.0) + np.linspace(0.0, 0.5, min(matrix.shape))
    p, sigma, q = svds(matrix, k=count, v0=start, tol=1e-10)
    order = np.argsort(sigma)[::-1]
    return p[:, order], sigma[order], q[order]


def _kept(p: Array, sigma: Array, q: Array, by: float) -> Shrunk:
    kept = sigma > by
    return Shrunk((p[:, kept] * (sigma[kept] - by)) @ q[kept], sigma[kept] - by)
