"""Solutions of least norm of J δ = r and Jᵀ λ = g, for the Jacobian J of measurements at two factors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.problems.linear_maps import Entries
from stepscape.recovery.convex.tangent import Tangent

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
MOST_COLUMNS = 600  # of a J of entries whose normal equations are factored; else LSMR
LEAST_PIVOT = 1e-10  # share of the largest one below which the normal equations are called singular
INNER_STEPS = 400  # of LSMR


class LeastNorm:
    """Solves with J (m, n) at factors (L, R).

    J is blind to the directions (L A, −R Aᵀ), which do not change L Rᵀ. With the projection N Nᵀ on them
    JᵀJ + s N Nᵀ is positive definite where the measurements see all other directions, and its solutions are
    those of least norm. For entries and few columns its Cholesky factor is taken, any other J goes to LSMR.
    """

    def __init__(self, tangent: Tangent) -> None:
        self._tangent = tangent
        small = isinstance(tangent.linear_map, Entries) and tangent.columns <= MOST_COLUMNS
        self._factor = _factor(tangent) if small else None

    def step(self, values: Array) -> Array:
        """δ (n,) of least norm with J δ closest to values (m,)."""
        if self._factor is None:
            return _lsmr(self._tangent.matrix, values)
        return self._solve(self._tangent.adjoint(values))

    def multipliers(self, values: Array) -> Array:
        """λ (m,) of least norm with Jᵀ λ closest to values (n,)."""
        if self._factor is None:
            return _lsmr(self._tangent.matrix.T, values)
        found = self._tangent.apply(self._solve(values))
        return found + self._tangent.apply(self._solve(values - self._tangent.adjoint(found)))

    def _solve(self, values: Array) -> Array:
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve(self._factor, values, check_finite=False))


def _blind(left: Array, right: Array) -> Array:
    """Orthonormal basis (n, r²) of the directions (L A, −R Aᵀ)."""
    r = left.shape[1]
    columns = []
    for a in range(r):
        for b in range(r):
            first, second = np.zeros_like(left), np.zeros_like(right)
            first[:, b], second[:, a] = left[:, a], -right[:, b]
            columns.append(np.concatenate([first.ravel(), second.ravel()]))
    return np.linalg.qr(np.stack(columns, axis=1))[0]


def _factor(tangent: Tangent) -> tuple[Array, bool] | None:
    """Cholesky factor of JᵀJ + s N Nᵀ; None if it is singular to working precision."""
    from scipy.linalg import cho_factor

    gram, blind = tangent.gram, _blind(tangent.left, tangent.right)
    size = float(np.trace(gram)) / gram.shape[0]
    if not 0.0 < size < np.inf:
        return None
    try:
        factor = cho_factor(gram + size * (blind @ blind.T), lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return None
    pivots = np.diag(factor[0]) ** 2
    return factor if pivots.min() > LEAST_PIVOT * pivots.max() else None


def _lsmr(matrix: Any, values: Array) -> Array:
    from scipy.sparse.linalg import lsmr

    tolerance = 4 * EPS
    found = lsmr(matrix, values, atol=tolerance, btol=tolerance, conlim=0.0, maxiter=INNER_STEPS)
    return np.asarray(found[0])
