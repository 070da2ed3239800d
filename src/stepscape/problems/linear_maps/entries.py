"""Measurements of single entries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import matrix_shape
from stepscape.errors import bad
from stepscape.memory import require_memory
from stepscape.problems.linear_maps.linear_map import described, finite_array
from stepscape.problems.linear_maps.rank_one import RankOne

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Entries:
    """s_i X[rows_i, columns_i], with the scales s (m,) all 1 by default: A_i = s_i e_row e_columnᵀ."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    shape: tuple[int, int]
    scales: Array | None = None

    def __post_init__(self) -> None:
        d1, d2 = matrix_shape(self.shape)
        require_memory("shape", (d1, d2), 16 * d1 * d2, "take a smaller matrix")
        object.__setattr__(self, "shape", (d1, d2))
        object.__setattr__(self, "rows", _places("rows", self.rows, d1))
        object.__setattr__(self, "columns", _places("columns", self.columns, d2))
        scales = np.ones(len(self.columns)) if self.scales is None else self.scales
        object.__setattr__(self, "scales", finite_array("scales", scales, "(m,)"))
        if not len(self.rows) == len(self.columns) == len(self._scales):
            came = f"{len(self.rows)}, {len(self.columns)} and {len(self._scales)}"
            raise bad("rows, columns and scales", "have one number per measurement", came)

    @property
    def _scales(self) -> Array:
        assert self.scales is not None
        return self.scales

    @property
    def size(self) -> int:
        """Number m of measurements."""
        return len(self.rows)

    @cached_property
    def symmetric(self) -> bool:
        """Whether every A_i is symmetric: only entries of the diagonal are."""
        return self.shape[0] == self.shape[1] and bool(np.array_equal(self.rows, self.columns))

    @cached_property
    def repeats(self) -> bool:
        """Whether an entry is measured more than once."""
        return len(np.unique(self._flat)) < self.size

    @cached_property
    def _flat(self) -> NDArray[np.int64]:
        return np.asarray(self.rows * self.shape[1] + self.columns)

    def apply(self, matrix: Array) -> Array:
        """Return the scaled entries (m,)."""
        return np.asarray(self._scales * np.asarray(matrix)[self.rows, self.columns])

    def apply_product(self, left: Array, right: Array) -> Array:
        """s_i ⟨L[row_i], R[column_i]⟩ (m,)."""
        return np.asarray(self._scales * np.einsum("ij,ij->i", left[self.rows], right[self.columns]))

    def adjoint(self, values: Array) -> Array:
        """Return the matrix with s_i v_i at the measured places and 0 elsewhere."""
        out = np.bincount(self._flat, self._scales * values, self.shape[0] * self.shape[1])
        return np.asarray(out.reshape(self.shape))

    def gram(self) -> Array:
        """s_i² (m,); the full matrix (m, m) if an entry is measured more than once."""
        if not self.repeats:
            return self._scales**2
        require_memory("m", self.size, 24 * self.size**2, "average repeated entries")
        same = self._flat[:, None] == self._flat
        return np.asarray(np.where(same, np.outer(self._scales, self._scales), 0.0))

    def row_moment(self) -> Array:
        """Σ of s_i² in each row (d1,): how often it is seen."""
        return np.bincount(self.rows, self._scales**2, self.shape[0]).astype(np.float64)

    def column_moment(self) -> Array:
        """Σ of s_i² in each column (d2,)."""
        return np.bincount(self.columns, self._scales**2, self.shape[1]).astype(np.float64)

    def between(self, left: Array, right: Array) -> Entries | RankOne:
        """Return the measurements S A_i T: entries again if S and T are diagonal, of rank one otherwise."""
        if left.ndim == 1 and right.ndim == 1:
            scales = self._scales * left[self.rows] * right[self.columns]
            return Entries(self.rows, self.columns, self.shape, scales)
        s, t = (np.diag(by) if by.ndim == 1 else by for by in (left, right))
        return RankOne(self._scales[:, None] * s[self.rows], t[self.columns])

    def __repr__(self) -> str:
        return described(self)


def _places(name: str, values: object, size: int) -> NDArray[np.int64]:
    """Read indices from 0 to size − 1 (m,)."""
    array = finite_array(name, values, "(m,)")
    if not (array == np.round(array)).all() or array.min() < 0 or array.max() >= size:
        came = f"numbers from {array.min():g} to {array.max():g}"
        raise bad(name, f"hold whole numbers from 0 to {size - 1}", came, "count from 0")
    places = array.astype(np.int64)
    places.flags.writeable = False
    return places
