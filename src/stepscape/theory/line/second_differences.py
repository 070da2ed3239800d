"""Linear systems with second differences, solved in O(m).

Row k of R takes a second difference of u_k, u_{k+1}, u_{k+2}. For diagonal Θ ≥ 0 and Σ ≥ 0,

    [ Θ   Rᵀ ] [u]   [a]
    [ R   −Σ ] [p] = [b]

is banded when u and p alternate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.theory.line.distribution import FloatArray

_BAND = 3


def differences(rows: FloatArray, u: FloatArray) -> FloatArray:
    """R u (m − 2,) for the diagonals (3, m − 2) of R: row k is (first, middle, last)."""
    return np.asarray(rows[0] * u[:-2] + rows[1] * u[1:-1] + rows[2] * u[2:])


def transposed(rows: FloatArray, p: FloatArray) -> FloatArray:
    """Rᵀ p (m,)."""
    out = np.zeros(p.size + 2)
    out[:-2] += rows[0] * p
    out[1:-1] += rows[1] * p
    out[2:] += rows[2] * p
    return out


def scaled_rows(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """R (3, m − 2) with R u = unit·Δ(u), and the unit (m − 2,): its coefficients are at most 1.

    Δ_i is the slope change at x_i of the line that connects the dots (x_i, u_i), and the unit is
    1/(1/h_{i−1} + 1/h_i) with the gaps h: R u is how far u_i lies below the line through its neighbors.
    """
    before, after = np.diff(x)[:-1], np.diff(x)[1:]
    unit = 1.0 / (1.0 / before + 1.0 / after)
    return np.stack([unit / before, -np.ones(unit.size), unit / after]), unit


class Saddle:
    """The matrix, factored once."""

    def __init__(self, rows: FloatArray, stiff: FloatArray, soft: FloatArray) -> None:
        from scipy.linalg import lapack  # loaded when a system is solved: theory itself needs only NumPy

        self._lapack: Any = lapack
        self._places = _places(stiff.size)
        band = _band(rows, stiff, soft, *self._places)
        self._factor, self._pivots, _ = lapack.dgbtrf(band, _BAND, _BAND)

    def solve(self, by_u: FloatArray, by_p: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (u, p) of the right sides a (m,) and b (m − 2,)."""
        at_u, at_p = self._places
        right = np.empty(by_u.size + by_p.size)
        right[at_u], right[at_p] = by_u, by_p
        found, _ = self._lapack.dgbtrs(self._factor, _BAND, _BAND, right, self._pivots)
        return found[at_u], found[at_p]


def _places(m: int) -> tuple[Any, Any]:
    """Positions of u and p in the system, which are those of u_0, u_1, p_0, u_2, p_1, u_3 and so on."""
    u = np.concatenate([[0, 1], 3 + 2 * np.arange(m - 2)])
    return u, 2 + 2 * np.arange(m - 2)


def _band(rows: FloatArray, stiff: FloatArray, soft: FloatArray, at_u: Any, at_p: Any) -> FloatArray:
    band = np.zeros((3 * _BAND + 1, stiff.size + soft.size))
    diagonal = 2 * _BAND
    band[diagonal, at_u] = stiff
    band[diagonal, at_p] = -soft
    for shift, values in enumerate(rows):
        u = at_u[shift : shift + soft.size]
        band[diagonal + u - at_p, at_p] = values
        band[diagonal + at_p - u, u] = values
    return band
