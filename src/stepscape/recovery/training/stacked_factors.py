"""Factors of a stack of matrices, one row θ_s per start, and the derivatives of their products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.factorization import Structure

Array = NDArray[np.float64]
Pair = tuple[Array, Array]


class StackedFactors(Protocol):
    """X_s = X(θ_s) for parameters (S, size): `objectives.Factors.form` for many starts."""

    def matrices(self, theta: Array) -> Array:
        """X_s (S, d1, d2)."""
        ...

    def tangents(self, theta: Array, along: Array) -> Array:
        """Return the derivatives of X_s along v_s (S, d1, d2), or what symmetric measurements see of them."""
        ...

    def pull(self, matrices: Array, theta: Array) -> Array:
        """Return the gradients of ⟨G_s, X(θ_s)⟩ in θ_s (S, size), for symmetric G where X is symmetric."""
        ...

    def trace_gradient(self, theta: Array, moments: Pair) -> Array:
        """Return the gradients (S, size) of Σ_i ‖∇⟨A_i, X(θ)⟩‖² from Σ A_i A_iᵀ and Σ A_iᵀ A_i."""
        ...


def stacked_factors(shape: tuple[int, int], widths: tuple[int, int], structure: Structure) -> StackedFactors:
    """Return the factors of a structure."""
    return _Product(shape, widths) if structure == "any" else _SignedSquares(shape, widths)


@dataclass(frozen=True)
class _Product:
    """X = L Rᵀ."""

    shape: tuple[int, int]
    widths: tuple[int, int]

    def matrices(self, theta: Array) -> Array:
        left, right = split(theta, self.shape, self.widths)
        return np.asarray(left @ right.swapaxes(1, 2))

    def tangents(self, theta: Array, along: Array) -> Array:
        left, right = split(theta, self.shape, self.widths)
        along_left, along_right = split(along, self.shape, self.widths)
        return np.asarray(along_left @ right.swapaxes(1, 2) + left @ along_right.swapaxes(1, 2))

    def pull(self, matrices: Array, theta: Array) -> Array:
        """(G R, Gᵀ L)."""
        left, right = split(theta, self.shape, self.widths)
        return _joined(matrices @ right, matrices.swapaxes(1, 2) @ left)

    def trace_gradient(self, theta: Array, moments: Pair) -> Array:
        """2 (Σ A_i A_iᵀ L, Σ A_iᵀ A_i R)."""
        left, right = split(theta, self.shape, self.widths)
        return 2.0 * _joined(_times(moments[0], left), _times(moments[1], right))


@dataclass(frozen=True)
class _SignedSquares:
    """X = U1 U1ᵀ − U2 U2ᵀ; U2 has no columns where X is positive semidefinite."""

    shape: tuple[int, int]
    widths: tuple[int, int]

    def matrices(self, theta: Array) -> Array:
        first, second = split(theta, self.shape, self.widths)
        return np.asarray(first @ first.swapaxes(1, 2) - second @ second.swapaxes(1, 2))

    def tangents(self, theta: Array, along: Array) -> Array:
        """2 (V1 U1ᵀ − V2 U2ᵀ)."""
        first, second = split(theta, self.shape, self.widths)
        along_first, along_second = split(along, self.shape, self.widths)
        return np.asarray(2.0 * (along_first @ first.swapaxes(1, 2) - along_second @ second.swapaxes(1, 2)))

    def pull(self, matrices: Array, theta: Array) -> Array:
        """2 (G U1, −G U2)."""
        first, second = split(theta, self.shape, self.widths)
        return 2.0 * _joined(matrices @ first, -(matrices @ second))

    def trace_gradient(self, theta: Array, moments: Pair) -> Array:
        """8 (Σ A_i² U1, Σ A_i² U2)."""
        first, second = split(theta, self.shape, self.widths)
        return 8.0 * _joined(_times(moments[0], first), _times(moments[0], second))


def split(theta: Array, shape: tuple[int, int], widths: tuple[int, int]) -> Pair:
    """Return both factors (S, d1, k1) and (S, d2, k2) of flat parameters (S, size)."""
    cut = shape[0] * widths[0]
    left = theta[:, :cut].reshape(len(theta), shape[0], widths[0])
    return left, theta[:, cut:].reshape(len(theta), shape[1], widths[1])


def _joined(left: Array, right: Array) -> Array:
    flat = [each.reshape(len(each), each.shape[1] * each.shape[2]) for each in (left, right)]
    return np.concatenate(flat, axis=1)


def _times(moment: Array, factors: Array) -> Array:
    """Return the product of a moment, or of the diagonal of a diagonal one, with the factors."""
    return np.asarray(moment[:, None] * factors if moment.ndim == 1 else moment @ factors)
