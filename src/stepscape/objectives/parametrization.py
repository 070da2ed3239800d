"""How factors make a matrix: X is quadratic in θ, and all derivatives of a loss of X follow from that.

For a matrix G (d1, d2) the number ⟨G, X(θ)⟩ is a quadratic form ½ θᵀ T(G) θ. A loss with the gradient G in X
has the gradient T(G) θ in θ, and the Hessian has T(G) as the part that comes from the curvature of X.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.factorization import Factorization, Structure

Array = NDArray[np.float64]
Pair = tuple[Array, Array]


class Parametrization(Protocol):
    """X(θ) of one flat vector of two factors, both row by row."""

    @property
    def size(self) -> int:
        """Length of θ."""
        ...

    def factors(self, theta: Array) -> Factorization:
        """Return the factors of θ."""
        ...

    def image(self, theta: Array) -> Pair:
        """Return P and Q with X(θ) = P Qᵀ."""
        ...

    def tangent(self, theta: Array, vector: Array) -> Pair:
        """Return P and Q with P Qᵀ = dX, the derivative of X at θ along a vector."""
        ...

    def pull(self, matrix: Array, vector: Array) -> Array:
        """T(G) v (size,); G is symmetric where X is."""
        ...

    def pull_traces(self, matrix: Array) -> tuple[float, float]:
        """Return the trace of T(G) on the coordinates of either factor."""
        ...

    def squares(self, theta: Array, rows: Array, columns: Array) -> tuple[float, float]:
        """Σ_i ‖∇⟨A_i, X(θ)⟩‖² over the coordinates of either factor, from Σ A_i A_iᵀ and Σ A_iᵀ A_i."""
        ...

    def squares_gradient(self, theta: Array, rows: Array, columns: Array) -> Array:
        """Return the gradient (size,) of the sum of both."""
        ...


@dataclass(frozen=True)
class Product:
    """X = L Rᵀ for L (d1, k) and R (d2, k)."""

    shape: tuple[int, int]
    width: int

    @property
    def size(self) -> int:
        """(d1 + d2) k."""
        return sum(self.shape) * self.width

    def factors(self, theta: Array) -> Factorization:
        """L and R."""
        return Factorization(*self._split(theta))

    def _split(self, theta: Array) -> Pair:
        return _split(theta, self.shape, (self.width, self.width))

    def image(self, theta: Array) -> Pair:
        """L and R."""
        return self._split(theta)

    def tangent(self, theta: Array, vector: Array) -> Pair:
        """V_L Rᵀ + L V_Rᵀ."""
        (left, right), (along_left, along_right) = self._split(theta), self._split(vector)
        return np.hstack([along_left, left]), np.hstack([right, along_right])

    def pull(self, matrix: Array, vector: Array) -> Array:
        """(G V_R, Gᵀ V_L)."""
        left, right = self._split(vector)
        return _flat(matrix @ right, matrix.T @ left)

    def pull_traces(self, matrix: Array) -> tuple[float, float]:  # noqa: ARG002
        """0: no entry of X is curved along a single coordinate."""
        return 0.0, 0.0

    def squares(self, theta: Array, rows: Array, columns: Array) -> tuple[float, float]:
        """Σ ‖A_i R‖² and Σ ‖A_iᵀ L‖²."""
        left, right = self._split(theta)
        return float(np.sum(right * _times(columns, right))), float(np.sum(left * _times(rows, left)))

    def squares_gradient(self, theta: Array, rows: Array, columns: Array) -> Array:
        """2 (Σ A_i A_iᵀ L, Σ A_iᵀ A_i R)."""
        left, right = self._split(theta)
        return 2.0 * _flat(_times(rows, left), _times(columns, right))


@dataclass(frozen=True)
class SignedSquares:
    """X = U1 U1ᵀ − U2 U2ᵀ for U1 (d, k1) and U2 (d, k2), for symmetric measurements; "psd" if k2 is 0."""

    dimension: int
    widths: tuple[int, int]
    structure: Structure

    @property
    def size(self) -> int:
        """Return d (k1 + k2)."""
        return self.dimension * sum(self.widths)

    def factors(self, theta: Array) -> Factorization:
        """U1 and U2."""
        return Factorization(*self._split(theta), structure=self.structure)

    def _split(self, theta: Array) -> Pair:
        return _split(theta, (self.dimension, self.dimension), self.widths)

    def image(self, theta: Array) -> Pair:
        """(U1, −U2) and (U1, U2)."""
        first, second = self._split(theta)
        return np.hstack([first, -second]), np.hstack([first, second])

    def tangent(self, theta: Array, vector: Array) -> Pair:
        """2 (V1 U1ᵀ − V2 U2ᵀ), which symmetric measurements see as its symmetric part."""
        (along_first, along_second), both = self._split(vector), np.hstack(self._split(theta))
        return np.hstack([2.0 * along_first, -2.0 * along_second]), both

    def pull(self, matrix: Array, vector: Array) -> Array:
        """2 (G V1, −G V2)."""
        first, second = self._split(vector)
        return 2.0 * _flat(matrix @ first, -matrix @ second)

    def pull_traces(self, matrix: Array) -> tuple[float, float]:
        """2 k1 tr G and −2 k2 tr G: a square is curved along each of its k columns."""
        trace = 2.0 * float(np.trace(matrix))
        return self.widths[0] * trace, -self.widths[1] * trace

    def squares(self, theta: Array, rows: Array, columns: Array) -> tuple[float, float]:  # noqa: ARG002
        """4 Σ ‖A_i U1‖² and 4 Σ ‖A_i U2‖²."""
        first, second = self._split(theta)
        return 4.0 * float(np.sum(first * _times(rows, first))), 4.0 * float(
            np.sum(second * _times(rows, second))
        )

    def squares_gradient(self, theta: Array, rows: Array, columns: Array) -> Array:  # noqa: ARG002
        """8 (Σ A_i² U1, Σ A_i² U2)."""
        first, second = self._split(theta)
        return 8.0 * _flat(_times(rows, first), _times(rows, second))


def _split(theta: Array, rows: tuple[int, int], widths: tuple[int, int]) -> Pair:
    cut = rows[0] * widths[0]
    return theta[:cut].reshape(rows[0], widths[0]), theta[cut:].reshape(rows[1], widths[1])


def _flat(left: Array, right: Array) -> Array:
    return np.concatenate([left.ravel(), right.ravel()])


def _times(moment: Array, factor: Array) -> Array:
    """Return the product of a moment, or of the diagonal of a diagonal one, with a factor."""
    return np.asarray(moment[:, None] * factor if moment.ndim == 1 else moment @ factor)
