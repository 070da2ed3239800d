"""Measurements by matrices of rank one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.memory import require_memory
from stepscape.problems.linear_maps.linear_map import described, finite_array

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RankOne:
    """⟨a_i b_iᵀ, X⟩ = a_iᵀ X b_i for vectors left (m, d1) and right (m, d2); no a_i b_iᵀ is formed."""

    left: Array
    right: Array

    def __post_init__(self) -> None:
        left = finite_array("left", self.left, "(m, d1)")
        right = left if self.right is self.left else finite_array("right", self.right, "(m, d2)")
        object.__setattr__(self, "left", left)
        object.__setattr__(self, "right", right)
        if len(self.left) != len(self.right):
            raise bad(
                "left and right", "have one row per measurement", f"{len(self.left)} and {len(self.right)}"
            )

    @property
    def size(self) -> int:
        """Number m of measurements."""
        return len(self.left)

    @property
    def shape(self) -> tuple[int, int]:
        """(d1, d2)."""
        return self.left.shape[1], self.right.shape[1]

    @cached_property
    def symmetric(self) -> bool:
        """Whether every a_i b_iᵀ is symmetric by construction: a_i = b_i."""
        return self.left is self.right or bool(np.array_equal(self.left, self.right))

    def apply(self, matrix: Array) -> Array:
        """a_iᵀ X b_i (m,)."""
        return np.asarray(np.einsum("ij,ij->i", self.left @ matrix, self.right))

    def apply_product(self, left: Array, right: Array) -> Array:
        """⟨Lᵀ a_i, Rᵀ b_i⟩ (m,), or a_iᵀ (L Rᵀ) b_i where so many columns make that cheaper."""
        d1, d2 = self.shape
        if left.shape[1] * (d1 + d2) > d1 * d2:
            return self.apply(left @ right.T)
        return np.asarray(np.einsum("ij,ij->i", self.left @ left, self.right @ right))

    def adjoint(self, values: Array) -> Array:
        """Σ_i v_i a_i b_iᵀ (d1, d2)."""
        return np.asarray((self.left * values[:, None]).T @ self.right)

    def gram(self) -> Array:
        """⟨a_i, a_j⟩⟨b_i, b_j⟩ (m, m)."""
        require_memory("m", self.size, 24 * self.size**2, "take fewer measurements")
        return np.asarray((self.left @ self.left.T) * (self.right @ self.right.T))

    def row_moment(self) -> Array:
        """Σ_i ‖b_i‖² a_i a_iᵀ (d1, d1)."""
        return _moment(self.left, self.right)

    def column_moment(self) -> Array:
        """Σ_i ‖a_i‖² b_i b_iᵀ (d2, d2)."""
        return _moment(self.right, self.left)

    def between(self, left: Array, right: Array) -> RankOne:
        """Return the measurements by S a_i and T b_i."""
        s, t = _times(self.left, left), _times(self.right, right)
        if self.symmetric and left is right:
            return RankOne(s, s)
        return RankOne(s, t)

    def __repr__(self) -> str:
        return described(self)


def _moment(kept: Array, other: Array) -> Array:
    """Σ_i ‖other_i‖² kept_i kept_iᵀ."""
    scaled = kept * np.linalg.norm(other, axis=1)[:, None]
    return np.asarray(scaled.T @ scaled)


def _times(vectors: Array, by: Array) -> Array:
    return np.asarray(vectors * by if by.ndim == 1 else vectors @ by)
