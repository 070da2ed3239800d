"""Measurements by matrices most of whose entries are 0."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import matrix_shape
from stepscape.errors import bad, shown
from stepscape.memory import require_memory
from stepscape.problems.linear_maps.dense import Dense
from stepscape.problems.linear_maps.linear_map import described, finite_array

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sparse:
    """⟨A_i, X⟩ for matrices (d1, d2) that are the rows of one sparse matrix of SciPy, (m, d1·d2)."""

    rows: Any  # scipy.sparse.csr_array
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        from scipy import sparse

        d1, d2 = matrix_shape(self.shape)
        require_memory("shape", (d1, d2), 16 * d1 * d2, "take a smaller matrix")
        object.__setattr__(self, "shape", (d1, d2))
        if not sparse.issparse(self.rows) or self.rows.shape[1] != d1 * d2 or self.rows.shape[0] == 0:
            raise bad("rows", f"be a sparse matrix of shape (m, {d1 * d2})", shown(self.rows))
        rows = sparse.csr_array(self.rows, dtype=np.float64, copy=True)
        rows.sum_duplicates()
        if rows.nnz:
            finite_array("rows", rows.data, "(m,)")
        object.__setattr__(self, "rows", rows)

    @property
    def size(self) -> int:
        """Number m of measurements."""
        return int(self.rows.shape[0])

    @cached_property
    def symmetric(self) -> bool:
        """Whether every A_i is symmetric."""
        d1, d2 = self.shape
        if d1 != d2:
            return False
        swapped = self.rows[:, np.arange(d1 * d2).reshape(d1, d2).T.ravel()]
        return bool((self.rows != swapped).nnz == 0)

    def apply(self, matrix: Array) -> Array:
        """A(X) (m,)."""
        return np.asarray(self.rows @ np.ravel(matrix))

    def apply_product(self, left: Array, right: Array) -> Array:
        """A(L Rᵀ) (m,)."""
        return self.apply(left @ right.T)

    def adjoint(self, values: Array) -> Array:
        """Σ_i v_i A_i (d1, d2)."""
        return np.asarray((self.rows.T @ values).reshape(self.shape))

    def gram(self) -> Array:
        """⟨A_i, A_j⟩ (m, m)."""
        require_memory("m", self.size, 16 * self.size**2, "take fewer measurements")
        return np.asarray((self.rows @ self.rows.T).toarray())

    def row_moment(self) -> Array:
        """Σ_i A_i A_iᵀ (d1, d1)."""
        return self._moment(*self._places()[:2], self.shape[0])

    def column_moment(self) -> Array:
        """Σ_i A_iᵀ A_i (d2, d2)."""
        row, column = self._places()
        return self._moment(column, row, self.shape[1])

    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column, in its A_i, of each stored number."""
        row, column = np.divmod(self.rows.indices.astype(np.int64), self.shape[1])
        return row, column

    def _moment(self, kept: NDArray[np.int64], summed: NDArray[np.int64], size: int) -> Array:
        """Σ over measurements and `summed` of the products of numbers, by their two `kept` indices."""
        from scipy import sparse

        measurement = np.repeat(np.arange(self.size), np.diff(self.rows.indptr))
        group = measurement * int(summed.max(initial=0) + 1) + summed
        _, group = np.unique(group, return_inverse=True)
        wide = sparse.csr_array((self.rows.data, (kept, group)), shape=(size, int(group.max(initial=0)) + 1))
        return np.asarray((wide @ wide.T).toarray())

    def between(self, left: Array, right: Array) -> Sparse | Dense:
        """Return the measurements S A_i T; they stay sparse if S and T are diagonal."""
        if left.ndim == 1 and right.ndim == 1:
            return Sparse(self.rows * np.outer(left, right).ravel(), self.shape)
        require_memory(
            "m", self.size, 16 * self.size * self.shape[0] * self.shape[1], "take fewer measurements"
        )
        return Dense(self.rows.toarray().reshape(self.size, *self.shape)).between(left, right)

    def __repr__(self) -> str:
        return described(self)
