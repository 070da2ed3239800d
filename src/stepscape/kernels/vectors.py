"""Passes over long vectors that NumPy would make one operation at a time."""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import DISJOINT


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
