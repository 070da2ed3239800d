"""Passes over long vectors that NumPy would make one operation at a time."""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import DISJOINT, EXACT, INLINE

STRETCH = 512  # numbers of a row that stay in the first-level cache while all rows pass by


@njit(**DISJOINT)
def mix(start, noise, amount, out):
    """Set out to the unit vector along start/‖start‖ + amount·noise; returns ‖start‖."""
    size = 0.0
    for i in range(start.size):
        size += start[i] * start[i]
    size = np.sqrt(size)
    total = 0.0
    for i in range(start.size):
        out[i] = start[i] / size + amount * noise[i]
        total += out[i] * out[i]
    total = np.sqrt(total)
    for i in range(out.size):
        out[i] /= total
    return size


@njit(**DISJOINT)
def combine(weights, basis, out):
    """Set out to the unit vector along Σ_i weights_i·basis[i]."""
    out[:] = 0.0
    for i in range(weights.size):
        row = basis[i]
        for j in range(out.size):
            out[j] += weights[i] * row[j]
    total = 0.0
    for j in range(out.size):
        total += out[j] * out[j]
    total = np.sqrt(total)
    for j in range(out.size):
        out[j] /= total


@njit(**DISJOINT)
def rayleigh(vector, image):
    """Return ⟨vector, image⟩ and ‖image - ⟨vector, image⟩·vector‖ for a unit vector."""
    value = 0.0
    for i in range(vector.size):
        value += vector[i] * image[i]
    square = 0.0
    for i in range(vector.size):
        rest = image[i] - value * vector[i]
        square += rest * rest
    return value, np.sqrt(square)


@njit(**DISJOINT, **INLINE)
def _orthogonalize(out, basis, rows, inner):
    """Set inner (rows,) to the components of `out` along the first rows of a basis, and subtract them."""
    inner[:rows] = 0.0
    for start in range(0, out.size, STRETCH):
        piece = out[start : start + STRETCH]
        for i in range(rows):
            row, total = basis[i, start : start + STRETCH], 0.0
            for j in range(piece.size):
                total += row[j] * piece[j]
            inner[i] += total
    for start in range(0, out.size, STRETCH):
        piece = out[start : start + STRETCH]
        for i in range(rows):
            row, factor = basis[i, start : start + STRETCH], inner[i]
            for j in range(piece.size):
                piece[j] -= factor * row[j]


@njit(**DISJOINT, **INLINE)
def _norm(vector):
    square = 0.0
    for j in range(vector.size):
        square += vector[j] * vector[j]
    return np.sqrt(square)


@njit(**EXACT)
def next_row(basis, m, inner):
    """Make row m + 1 of an orthonormal Krylov basis from the product A·basis[m] that stands there.

    inner (m + 1 or more,) is work space. Returns ⟨basis[m], A·basis[m]⟩ and the norm of what is left of the
    product, the next two numbers of the tridiagonal matrix; that norm is 0 when the space is invariant.
    """
    out = basis[m + 1]
    size = _norm(out)
    _orthogonalize(out, basis, m + 1, inner)
    height, rest = inner[m], _norm(out)
    if not rest >= 0.1 * size:  # much canceled: rounding errors along the rows are no longer small
        _orthogonalize(out, basis, m + 1, inner)
        height += inner[m]
        rest = _norm(out)
    if rest <= 1e-14 * size:
        return height, 0.0
    out /= rest
    return height, rest
