"""How far the rows of a Krylov basis are from orthogonal, without taking their inner products."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Orthogonality:
    """Estimate of V Vᵀ - 1 for the rows of V, by the recurrence of Simon.

    With A V = V T + beside·v eᵀ and A symmetric, beside times the inner products of the next row v with the
    others is the last column of T W - W T, where W is V Vᵀ, apart from rounding. Where one passes the bound,
    the next row and the one after it are to be orthogonalized against all: both enter the recurrence.

    Parameters
    ----------
    most : int
        Rows of the basis before the last.
    bound : float
        Largest inner product that is allowed; 0 asks for orthogonalization each time.
    rounding : float
        Unit of rounding of the rows.

    References
    ----------
    Simon (1984), Mathematics of Computation 42.
    """

    def __init__(self, most: int, bound: float, rounding: float) -> None:
        self._bound, self._rounding, self._again = bound, rounding, False
        self._overlaps = np.eye(most + 1)

    def lost(self, projection: Array, beside: float, scale: float) -> bool:
        """Whether the row after the last is to be orthogonalized.

        Parameters
        ----------
        projection : array (m, m)
            T in the rows so far.
        beside, scale : float
            Norms of the row before its normalization, and of the product that it comes from.
        """
        m = len(projection)
        least = self._rounding * max(1.0, scale / beside) if beside > 0.0 else 1.0
        known = self._overlaps[:m, :m]
        column = np.abs(projection @ known[:, -1] - known @ projection[:, -1]) / max(beside, 1e-300) + least
        column[-1] = least  # what the row before has of it was subtracted
        passed = bool((column > self._bound).any())
        due, self._again = passed or self._again, passed and not self._again
        self._overlaps[:m, m] = self._overlaps[m, :m] = self._rounding if due else column
        return due

    def restart(self, kept: int) -> None:
        """Begin anew with combinations of the rows: of their inner products only the bound is known."""
        self._overlaps[: kept + 1, : kept + 1] = self._bound
        np.fill_diagonal(self._overlaps, 1.0)
