"""The protocol of linear measurements X ↦ (⟨A_1, X⟩, …, ⟨A_m, X⟩), none of them averaged."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import reals
from stepscape.errors import bad, shown

Array = NDArray[np.float64]


class LinearMap(Protocol):
    """A(X)_i = ⟨A_i, X⟩ = Σ_{jk} (A_i)_{jk} X_{jk} for matrices X (d1, d2)."""

    @property
    def size(self) -> int:
        """Number m of measurements."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """(d1, d2)."""
        ...

    @property
    def symmetric(self) -> bool:
        """Whether every A_i is symmetric."""
        ...

    def apply(self, matrix: Array) -> Array:
        """A(X) (m,)."""
        ...

    def apply_product(self, left: Array, right: Array) -> Array:
        """A(L Rᵀ) (m,) for factors (d1, k) and (d2, k), without the product L Rᵀ where that is cheaper."""
        ...

    def adjoint(self, values: Array) -> Array:
        """A*(v) = Σ_i v_i A_i (d1, d2)."""
        ...

    def gram(self) -> Array:
        """⟨A_i, A_j⟩ (m, m), or the diagonal (m,) alone if the A_i are orthogonal to each other."""
        ...

    def row_moment(self) -> Array:
        """Σ_i A_i A_iᵀ (d1, d1), or its diagonal (d1,) alone if it is diagonal by construction."""
        ...

    def column_moment(self) -> Array:
        """Σ_i A_iᵀ A_i (d2, d2), or its diagonal (d2,) alone if it is diagonal by construction."""
        ...

    def between(self, left: Array, right: Array) -> LinearMap:
        """Return the measurements S A_i T; S and T are symmetric matrices, or the diagonals of diagonal ones.

        With S = D1⁻¹ and T = D2⁻¹ they see Z = D1 X D2 as these see X: ⟨S A_i T, D1 X D2⟩ = ⟨A_i, X⟩.
        """
        ...


METHODS = (
    "size",
    "shape",
    "symmetric",
    "apply",
    "apply_product",
    "adjoint",
    "gram",
    "row_moment",
    "column_moment",
    "between",
)


def require_linear_map(value: object) -> None:
    """Refuse what has not the methods of linear measurements."""
    if isinstance(value, type) or not all(hasattr(value, name) for name in METHODS):
        raise bad("linear_map", "be a Dense, Sparse, RankOne or Entries, or have their methods", shown(value))


def scaled(matrix: Array, left: Array, right: Array) -> Array:
    """S M T for symmetric S and T, or diagonals of diagonal ones; M (…, d1, d2)."""
    out = left[:, None] * matrix if left.ndim == 1 else left @ matrix
    return np.asarray(out * right if right.ndim == 1 else out @ right)


def finite_array(name: str, values: object, dimensions: str) -> Array:
    """Return a read-only array of finite numbers with as many dimensions as "(m, d1, d2)" has names."""
    array = reals(name, values)
    if array.ndim != dimensions.count(",") + (not dimensions.endswith(",)")):
        raise bad(name, f"have shape {dimensions}", array.shape)
    if array.size == 0:
        raise bad(name, "hold at least one number", f"an empty array of shape {array.shape}")
    for at in np.argwhere(~np.isfinite(array))[:1]:
        raise bad(name, "be finite", f"{array[tuple(at)]} at index {tuple(at.tolist())}")
    array.flags.writeable = False
    return array


def described(linear_map: LinearMap) -> str:
    """Return what a map prints: its kind and its sizes."""
    d1, d2 = linear_map.shape
    return f"{type(linear_map).__name__}(m={linear_map.size} measurements of a {d1}×{d2} matrix)"
