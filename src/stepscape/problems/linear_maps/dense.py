"""Measurements by full matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.memory import require_memory
from stepscape.problems.linear_maps.linear_map import described, finite_array, scaled

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dense:
    """⟨A_i, X⟩ for matrices (m, d1, d2) that are kept in full: m·d1·d2 numbers."""

    matrices: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrices", finite_array("matrices", self.matrices, "(m, d1, d2)"))

    @property
    def size(self) -> int:
        """Number m of measurements."""
        return len(self.matrices)

    @property
    def shape(self) -> tuple[int, int]:
        """(d1, d2)."""
        return self.matrices.shape[1], self.matrices.shape[2]

    @cached_property
    def symmetric(self) -> bool:
        """Whether every A_i is symmetric."""
        d1, d2 = self.shape
        return d1 == d2 and bool(np.array_equal(self.matrices, self.matrices.transpose(0, 2, 1)))

    @cached_property
    def _rows(self) -> Array:
        """One A_i per row (m, d1·d2)."""
        return self.matrices.reshape(self.size, -1)

    def apply(self, matrix: Array) -> Array:
        """A(X) (m,)."""
        return np.asarray(self._rows @ np.ravel(matrix))

    def apply_product(self, left: Array, right: Array) -> Array:
        """A(L Rᵀ) (m,)."""
        return self.apply(left @ right.T)

    def adjoint(self, values: Array) -> Array:
        """Σ_i v_i A_i (d1, d2)."""
        return np.asarray((values @ self._rows).reshape(self.shape))

    def gram(self) -> Array:
        """⟨A_i, A_j⟩ (m, m)."""
        require_memory("m", self.size, 8 * self.size**2, "take fewer measurements")
        return np.asarray(self._rows @ self._rows.T)

    def row_moment(self) -> Array:
        """Σ_i A_i A_iᵀ (d1, d1)."""
        wide = self.matrices.transpose(1, 0, 2).reshape(self.shape[0], -1)
        return np.asarray(wide @ wide.T)

    def column_moment(self) -> Array:
        """Σ_i A_iᵀ A_i (d2, d2)."""
        tall = self.matrices.reshape(-1, self.shape[1])
        return np.asarray(tall.T @ tall)

    def between(self, left: Array, right: Array) -> Dense:
        """Return the measurements S A_i T; S A_i S of a symmetric A_i is symmetric to the last bit."""
        matrices = scaled(self.matrices, left, right)
        if self.symmetric and left is right:
            matrices = (matrices + matrices.transpose(0, 2, 1)) / 2.0
        return Dense(matrices)

    def __repr__(self) -> str:
        return described(self)
