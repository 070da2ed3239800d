"""What linear measurements see of small changes of the two factors of a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.memory import require_memory
from stepscape.problems.linear_maps import Dense, Entries, LinearMap, RankOne

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tangent:
    """J(dL, dR) = A(dL Rᵀ + L dRᵀ) at the factors L (d1, r) and R (d2, r); n = (d1 + d2)r."""

    linear_map: LinearMap
    left: Array
    right: Array

    @cached_property
    def matrix(self) -> Any:
        """J (m, n), sparse for entries."""
        return jacobian(self.linear_map, self.left, self.right)

    @cached_property
    def gram(self) -> Array:
        """JᵀJ (n, n)."""
        if isinstance(self.linear_map, Entries):
            return _gram_of_entries(self.linear_map, self.left, self.right)
        return np.asarray(self.matrix.T @ self.matrix)

    @property
    def columns(self) -> int:
        """Number n of columns of J."""
        return self.left.size + self.right.size

    def apply(self, step: Array) -> Array:
        """J δ (m,) of a flat δ (n,), without J."""
        first, second = np.split(step, [self.left.size])
        left, right = first.reshape(self.left.shape), second.reshape(self.right.shape)
        return self.linear_map.apply(left @ self.right.T + self.left @ right.T)

    def adjoint(self, values: Array) -> Array:
        """Jᵀ v (n,) of v (m,), without J."""
        image = self.linear_map.adjoint(values)
        return np.concatenate([(image @ self.right).ravel(), (image.T @ self.left).ravel()])


def jacobian(linear_map: LinearMap, left: Array, right: Array) -> Any:
    """J with J(dL, dR) = A(dL Rᵀ + L dRᵀ): an array (m, (d1 + d2)r), or a sparse one for entries.

    Row i holds A_i R and A_iᵀ L, both row by row: the flat parameters of a factorization.
    """
    m, (d1, d2), r = linear_map.size, linear_map.shape, left.shape[1]
    if isinstance(linear_map, Entries):
        return _of_entries(linear_map, left, right)
    require_memory("m", m, 24 * m * (d1 + d2) * r, "take fewer measurements")
    match linear_map:
        case RankOne():
            first = np.einsum("ij,ik->ijk", linear_map.left, linear_map.right @ right)
            second = np.einsum("ij,ik->ijk", linear_map.right, linear_map.left @ left)
        case Dense():
            first = linear_map.matrices @ right
            second = np.matmul(left.T, linear_map.matrices).transpose(0, 2, 1)
        case _:
            return _by_columns(linear_map, left, right)
    return np.hstack([first.reshape(m, -1), second.reshape(m, -1)])


def _of_entries(entries: Entries, left: Array, right: Array) -> Any:
    from scipy import sparse

    m, (d1, d2), r = entries.size, entries.shape, left.shape[1]
    scales = entries.apply(np.ones(entries.shape))[:, None]
    places = np.hstack(
        [entries.rows[:, None] * r + np.arange(r), (d1 + entries.columns[:, None]) * r + np.arange(r)]
    )
    values = np.hstack([scales * right[entries.columns], scales * left[entries.rows]])
    ends = 2 * r * np.arange(m + 1)
    return sparse.csr_array((values.ravel(), places.ravel(), ends), shape=(m, (d1 + d2) * r))


def _gram_of_entries(entries: Entries, left: Array, right: Array) -> Array:
    """JᵀJ by blocks, with the weights W_ij = Σ s² of the measurements of the entry (i, j).

    Between dL_ia and dL_ib: Σ_j W_ij R_ja R_jb; between dL_ia and dR_jb: W_ij R_ja L_ib; no others of L meet.
    """
    weights = entries.adjoint(entries.apply(np.ones(entries.shape)))
    first, second = _own_block(weights, right), _own_block(weights.T, left)
    cross = weights[:, None, :, None] * right.T[None, :, :, None] * left[:, None, None, :]
    flat = cross.reshape(left.size, right.size)
    return np.block([[first, flat], [flat.T, second]])


def _own_block(weights: Array, other: Array) -> Array:
    """Σ_j W_ij R_ja R_jb at (i, a), (i, b), and 0 elsewhere."""
    d, r = len(weights), other.shape[1]
    squares = np.einsum("ja,jb->jab", other, other).reshape(-1, r * r)
    block = np.zeros((d, r, d, r))
    every = np.arange(d)
    block[every, :, every, :] = (weights @ squares).reshape(d, r, r)
    return block.reshape(d * r, d * r)


def _by_columns(linear_map: LinearMap, left: Array, right: Array) -> Array:
    """One measurement of each direction."""
    columns = []
    for of, other, swap in ((left, right, False), (right, left, True)):
        for place in range(len(of)):
            unit = np.zeros((len(of), 1))
            unit[place] = 1.0
            for k in range(left.shape[1]):
                pair = (unit, other[:, k : k + 1])
                columns.append(linear_map.apply_product(*(reversed(pair) if swap else pair)))
    return np.stack(columns, axis=1)
