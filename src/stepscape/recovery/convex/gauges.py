"""The norms that a recovery minimizes, each with its dual and the shrinkage that lowers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LARGE = 150  # smaller matrices are decomposed in full
SHARE = 8  # a leading part of the singular vectors is followed if it is less than this share of them
SPARE = 8  # vectors that are followed beside those that are needed
LEAST_SHARE = 1 / 256  # of ‖V‖_F: above such a threshold the squares of singular values are accurate enough
ROUNDS = 2  # products with the matrix and its transpose for each leading part


@dataclass(frozen=True, eq=False)
class Spectrum:
    """X = Σ_j values_j left_j right_jᵀ, values > 0, largest first; right_j = ±left_j if X is symmetric."""

    left: Array
    values: Array
    right: Array

    @property
    def rank(self) -> int:
        """Number of values."""
        return self.values.size

    @property
    def matrix(self) -> Array:
        """X (d1, d2)."""
        return np.asarray((self.left * self.values) @ self.right.T)

    def above(self, share: float) -> Spectrum:
        """Keep the values above a share of the largest one."""
        keep = self.values > share * self.values.max(initial=0.0)
        return Spectrum(self.left[:, keep], self.values[keep], self.right[:, keep])


def decompose(matrix: Array) -> Spectrum:
    """Singular values and vectors of a matrix (d1, d2), those that are 0 left out."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    keep = values > 0.0
    return Spectrum(left[:, keep], values[keep], right[keep].T)


def decompose_symmetric(matrix: Array) -> Spectrum:
    """Decompose a symmetric matrix: values are |λ_j|, right_j = sign(λ_j) left_j."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    order = np.argsort(-np.abs(values), kind="stable")
    order = order[values[order] != 0.0]
    values, vectors = values[order], vectors[:, order]
    return Spectrum(vectors, np.abs(values), vectors * np.sign(values))


def decompose_positive(matrix: Array) -> Spectrum:
    """Decompose the positive part of a symmetric matrix: the nearest positive semidefinite one."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    order = np.flatnonzero(values > 0.0)[::-1]
    return Spectrum(vectors[:, order], values[order], vectors[:, order])


Decompose = Callable[[Array], Spectrum]


@dataclass(frozen=True, eq=False)
class Gauge:
    """A norm N, on all matrices or on the positive semidefinite ones.

    Attributes
    ----------
    value : N(X).
    dual : N°(Y), the largest ⟨Y, X⟩ with N(X) ≤ 1.
    shrink : the spectrum of argmin_Z γN(Z) + ½‖Z − V‖_F² of a matrix V, the threshold γ, and the spectrum
        that the last call returned, whose vectors are close.
    decompose : the decomposition of a matrix that belongs to N.
    low_rank : whether N is the nuclear norm, whose minimizers have low rank.
    cone : whether X must be positive semidefinite; N is then infinite elsewhere, and value speaks of the
        positive part alone.
    """

    value: Callable[[Array], float]
    dual: Callable[[Array], float]
    shrink: Callable[[Array, float, Spectrum | None], Spectrum]
    decompose: Decompose
    low_rank: bool
    cone: bool


def _soft(spectrum: Spectrum, threshold: float) -> Spectrum:
    keep = spectrum.values > threshold
    return Spectrum(spectrum.left[:, keep], spectrum.values[keep] - threshold, spectrum.right[:, keep])


def _shrink_by(decompose: Decompose) -> Callable[[Array, float, Spectrum | None], Spectrum]:
    return lambda matrix, threshold, _: _soft(decompose(matrix), threshold)


def _shrink_norm_by(decompose: Decompose) -> Callable[[Array, float, Spectrum | None], Spectrum]:
    """‖·‖_F shrinks the matrix as a whole."""

    def shrink(matrix: Array, threshold: float, _: Spectrum | None) -> Spectrum:
        whole = decompose(matrix)
        size = float(np.linalg.norm(whole.values))
        rest = max(0.0, 1.0 - threshold / size) if size > 0.0 else 0.0
        keep = whole.values * rest > 0.0
        return Spectrum(whole.left[:, keep], whole.values[keep] * rest, whole.right[:, keep])

    return shrink


def _shrink_leading(matrix: Array, threshold: float, before: Spectrum | None) -> Spectrum:
    """Soft-threshold singular values; of a large matrix only those above the threshold are computed.

    The vectors of the last call, and a few more, are a start for subspace iteration. Its values are accurate
    enough for one step of a method whose result is certified by a full decomposition in the end. If all
    followed values lie above the threshold, there may be more: the matrix is then decomposed without a start.
    """
    least = min(matrix.shape)
    if least < LARGE or before is None or SHARE * (before.rank + SPARE) > least:
        return _shrink_values(matrix, threshold)
    columns = matrix @ np.random.default_rng(before.rank).standard_normal((matrix.shape[1], SPARE))
    basis, _ = np.linalg.qr(np.hstack([before.left, columns]))
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(matrix @ (matrix.T @ basis))
    inner, values, right = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    if values[-1] > threshold:
        return _shrink_values(matrix, threshold)
    return _soft(Spectrum(basis @ inner, values, right.T), threshold)


def _shrink_values(matrix: Array, threshold: float) -> Spectrum:
    """Soft-threshold by the eigenvalues σ² > γ² of VᵀV, which are few; by a full decomposition if γ is small.

    The error of σ is about eps ‖V‖²/σ, at most 256 eps ‖V‖.
    """
    from scipy.linalg import eigh

    if threshold < LEAST_SHARE * float(np.linalg.norm(matrix)):
        return _soft(decompose(matrix), threshold)
    if matrix.shape[0] < matrix.shape[1]:
        turned = _shrink_values(matrix.T, threshold)
        return Spectrum(turned.right, turned.values, turned.left)
    above = (threshold**2, np.inf)
    squares, right = eigh(matrix.T @ matrix, subset_by_value=above, driver="evr", check_finite=False)
    values, right = np.sqrt(squares[::-1]), right[:, ::-1]
    return _soft(Spectrum(matrix @ right / values, values, right), threshold)


def _largest(matrix: Array) -> float:
    return float(np.linalg.eigvalsh((matrix + matrix.T) / 2.0)[-1])


def _positive_sum(matrix: Array) -> float:
    return float(decompose_positive(matrix).values.sum())


def _positive_norm(matrix: Array) -> float:
    return float(np.linalg.norm(decompose_positive(matrix).values))


def _absolute_sum(matrix: Array) -> float:
    return float(np.abs(np.linalg.eigvalsh((matrix + matrix.T) / 2.0)).sum())


def _absolute_largest(matrix: Array) -> float:
    return float(np.abs(np.linalg.eigvalsh((matrix + matrix.T) / 2.0)).max())


def _nuclear(matrix: Array) -> float:
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


def _operator(matrix: Array) -> float:
    return float(np.linalg.svd(matrix, compute_uv=False)[0])


def _frobenius(matrix: Array) -> float:
    return float(np.linalg.norm(matrix))


# By the structure of the matrix.
NUCLEAR = {
    "any": Gauge(_nuclear, _operator, _shrink_leading, decompose, True, False),
    "symmetric": Gauge(
        _absolute_sum,
        _absolute_largest,
        _shrink_by(decompose_symmetric),
        decompose_symmetric,
        True,
        False,
    ),
    "psd": Gauge(_positive_sum, _largest, _shrink_by(decompose_positive), decompose_positive, True, True),
}
FROBENIUS = {
    "any": Gauge(_frobenius, _frobenius, _shrink_norm_by(decompose), decompose, False, False),
    "symmetric": Gauge(
        _frobenius,
        _frobenius,
        _shrink_norm_by(decompose_symmetric),
        decompose_symmetric,
        False,
        False,
    ),
    "psd": Gauge(
        _positive_norm,
        _positive_norm,
        _shrink_norm_by(decompose_positive),
        decompose_positive,
        False,
        True,
    ),
}
