"""Linear measurements of a stack of matrices (S, d1, d2), one for each start of a training.

Each matrix of a stack gives the same bits as it does alone: the products run matrix by matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.problems.linear_maps import Dense, Entries, LinearMap, RankOne

Array = NDArray[np.float64]
Places = NDArray[np.int64]


class StackedMap(Protocol):
    """⟨A_i, X_s⟩ for all i, or for the measurements that each start s has drawn."""

    def apply(self, matrices: Array) -> Array:
        """⟨A_i, X_s⟩ (S, m)."""
        ...

    def adjoint(self, values: Array) -> Array:
        """Σ_i v_si A_i (S, d1, d2)."""
        ...

    def take(self, places: Places) -> StackedMap:
        """Return the measurements with these numbers (S, B), B for each start."""
        ...


def stacked(linear_map: LinearMap) -> StackedMap:
    """Return the same measurements for stacks."""
    if isinstance(linear_map, Dense):
        return _Rows(linear_map.matrices.reshape(linear_map.size, -1), linear_map.shape)
    if isinstance(linear_map, RankOne):
        return _Vectors(linear_map.left, linear_map.right)
    if isinstance(linear_map, Entries):
        scales = np.ones(linear_map.size) if linear_map.scales is None else linear_map.scales
        return _Places(linear_map.rows * linear_map.shape[1] + linear_map.columns, scales, linear_map.shape)
    return _OneByOne(linear_map)


@dataclass(frozen=True, eq=False)
class _Rows:
    """One A_i per row: (m, d1·d2), or (S, B, d1·d2)."""

    rows: Array
    shape: tuple[int, int]

    def apply(self, matrices: Array) -> Array:
        return np.asarray(np.matmul(self.rows, matrices.reshape(len(matrices), -1, 1))[..., 0])

    def adjoint(self, values: Array) -> Array:
        return np.asarray(np.matmul(values[:, None, :], self.rows).reshape(-1, *self.shape))

    def take(self, places: Places) -> _Rows:
        return _Rows(self.rows[places], self.shape)


@dataclass(frozen=True, eq=False)
class _Vectors:
    """a_i and b_i of a_i b_iᵀ: (m, d1) and (m, d2), or (S, B, d1) and (S, B, d2)."""

    left: Array
    right: Array

    def apply(self, matrices: Array) -> Array:
        return np.asarray(np.einsum("...ij,...ij->...i", self.left @ matrices, self.right))

    def adjoint(self, values: Array) -> Array:
        return np.asarray((self.left * values[..., None]).swapaxes(-1, -2) @ self.right)

    def take(self, places: Places) -> _Vectors:
        return _Vectors(self.left[places], self.right[places])


@dataclass(frozen=True, eq=False)
class _Places:
    """Numbers of entries, counted row by row, and their scales: (m,), or (S, B)."""

    places: Places
    scales: Array
    shape: tuple[int, int]

    def apply(self, matrices: Array) -> Array:
        flat = matrices.reshape(len(matrices), -1)
        return self.scales * np.take_along_axis(flat, np.broadcast_to(self.places, self._of(flat)), 1)

    def adjoint(self, values: Array) -> Array:
        size = self.shape[0] * self.shape[1]
        starts = size * np.arange(len(values))[:, None]
        flat = np.bincount((starts + self.places).ravel(), (self.scales * values).ravel(), size * len(values))
        return np.asarray(flat.reshape(-1, *self.shape), np.float64)

    def take(self, places: Places) -> _Places:
        return _Places(self.places[places], self.scales[places], self.shape)

    def _of(self, flat: Array) -> tuple[int, int]:
        return len(flat), self.places.shape[-1]


@dataclass(frozen=True, eq=False)
class _OneByOne:
    """Any measurements; those that a start has drawn cost as much as all of them."""

    linear_map: LinearMap
    places: Places | None = None

    def apply(self, matrices: Array) -> Array:
        out = np.array([self.linear_map.apply(matrix) for matrix in matrices])
        return out if self.places is None else np.take_along_axis(out, self.places, 1)

    def adjoint(self, values: Array) -> Array:
        if self.places is not None:
            m = self.linear_map.size
            values = np.array(
                [np.bincount(at, each, m) for at, each in zip(self.places, values, strict=True)]
            )
        return np.array([self.linear_map.adjoint(each) for each in values])

    def take(self, places: Places) -> _OneByOne:
        return _OneByOne(self.linear_map, places)
