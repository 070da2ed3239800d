"""A product of block-diagonal layers that is to be recovered from linear measurements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative, reals, text, vector, whole
from stepscape.errors import bad
from stepscape.problems.linear_maps.linear_map import finite_array

Array = NDArray[np.float64]
SMALLEST = 1e-60  # of the largest number of A or b: products of a few such numbers are still in range


@dataclass(frozen=True, eq=False)
class ProductMeasurements:
    """Labels b_i = ⟨A_i, X⟩ + noise of X = W_k⋯W_1, and the loss (1/m) Σ_i (⟨A_i, X⟩ − b_i)², without a ½.

    Every layer W_j, and so X, is block diagonal with B blocks s×s. Blocks of size 1 are the vector
    x = v_k ⊙ … ⊙ v_1, a diagonal linear network; one block is a full matrix.

    Parameters
    ----------
    design : array_like (m, d) or (m, B, s, s)
        The A_i: rows for a vector x of d numbers, which is X = diag(x); blocks otherwise.
    labels : array_like (m,)
        b.
    depth : int
        Number k of layers, at least 2: with one layer the Hessian is the same everywhere.
    truth : array_like (d,) or (B, s, s), optional
        The X behind the labels, for errors.
    noise : float, optional
        Standard deviation of the labels around ⟨A_i, truth⟩.
    name : str
        Used in figures and messages.

    Raises
    ------
    InputError
        For shapes that differ, numbers that are not finite, and units so large or small that squares of
        squares leave the range of float64.

    Source: Ding et al. (2024), section on depth and flat minima, for vectors; blocks are between these and
    the full matrices of Gatmiry et al. (2023).
    """

    design: Array
    labels: Array
    depth: int = 2
    truth: Array | None = None
    noise: float | None = None
    name: str = "product"

    def __post_init__(self) -> None:
        text("name", self.name)
        object.__setattr__(self, "depth", whole("depth", self.depth, 2))
        object.__setattr__(self, "design", _design(self.design))
        object.__setattr__(self, "labels", finite_array("labels", self.labels, "(m,)"))
        for name, values in (("design", self.design), ("labels", self.labels)):
            _require_range(name, values)
        if self.labels.size != self.size:
            raise bad("labels", f"have one number per measurement ({self.size})", self.labels.size)
        if self.truth is not None:
            truth = self._product("truth and design must agree: truth", self.truth)
            if not np.isfinite(truth).all():
                raise bad("truth", "be finite", f"{truth[~np.isfinite(truth)][0]} in it")
            truth.flags.writeable = False
            object.__setattr__(self, "truth", truth)
        if self.noise is not None:
            object.__setattr__(self, "noise", nonnegative("noise", self.noise))

    @property
    def size(self) -> int:
        """Number m of measurements."""
        return len(self.design)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of X: (d,) for a vector, (B, s, s) for blocks."""
        return self.design.shape[1:]

    @property
    def blocks(self) -> int:
        """Number B of blocks."""
        return int(self.design.shape[1])

    @property
    def block_size(self) -> int:
        """Number s of rows of a block; 1 for a vector."""
        return int(self.block_design.shape[-1])

    @cached_property
    def block_design(self) -> Array:
        """A_i (m, B, s, s), also for vectors."""
        return self.design[..., None, None] if self.design.ndim == 2 else self.design

    @cached_property
    def rows(self) -> Array:
        """One A_i per row (m, B·s²)."""
        return self.design.reshape(self.size, -1)

    @cached_property
    def row_moments(self) -> Array:
        """(1/m) Σ_i A_i A_iᵀ of each block (B, s, s)."""
        wide = self.block_design.transpose(1, 2, 0, 3).reshape(self.blocks, self.block_size, -1)
        return np.asarray(wide @ wide.transpose(0, 2, 1)) / self.size

    @cached_property
    def column_moments(self) -> Array:
        """(1/m) Σ_i A_iᵀ A_i of each block (B, s, s)."""
        tall = self.block_design.transpose(1, 0, 2, 3).reshape(self.blocks, -1, self.block_size)
        return np.asarray(tall.transpose(0, 2, 1) @ tall) / self.size

    def apply(self, product: ArrayLike) -> Array:
        """⟨A_i, X⟩ (m,)."""
        return np.asarray(self.rows @ self._product("product", product).ravel())

    def adjoint(self, values: ArrayLike) -> Array:
        """Σ_i v_i A_i, of the shape of X."""
        return np.asarray((vector("values", values, self.size) @ self.rows).reshape(self.shape))

    def loss(self, product: ArrayLike) -> float:
        """(1/m) Σ_i (⟨A_i, X⟩ − b_i)²."""
        return float(np.mean((self.apply(product) - self.labels) ** 2))

    def error(self, product: ArrayLike) -> float:
        """‖X − truth‖_F/‖truth‖_F, without the division if the truth is 0; needs `truth`."""
        if self.truth is None:
            raise bad("truth", "be given to measure an error to it", None)
        away = np.linalg.norm(self._product("product", product) - self.truth)
        return float(away) / (float(np.linalg.norm(self.truth)) or 1.0)

    def _product(self, name: str, values: object) -> Array:
        array = reals(name, values)
        if array.shape != self.shape:
            raise bad(name, f"have shape {self.shape}", array.shape)
        return array

    def __repr__(self) -> str:
        s = self.block_size
        kind = f"a vector of {self.blocks}" if self.design.ndim == 2 else f"{self.blocks} blocks {s}×{s}"
        noise = "" if self.noise is None else f", noise={self.noise:g}"
        return f"ProductMeasurements({self.name}: m={self.size} of {kind}, depth={self.depth}{noise})"


def _require_range(name: str, values: Array) -> None:
    largest = float(np.abs(values).max())
    if largest != 0.0 and not SMALLEST <= largest <= 1.0 / SMALLEST:
        must = f"have a largest number between {SMALLEST:g} and {1 / SMALLEST:g}"
        raise bad(name, must, f"{largest:g}", "take other units")


def _design(values: object) -> Array:
    array = reals("design", values)
    if array.ndim != 2 and (array.ndim != 4 or array.shape[2] != array.shape[3]):
        raise bad("design", "have shape (m, d) or (m, B, s, s)", array.shape)
    return finite_array("design", array, "(m, d)" if array.ndim == 2 else "(m, B, s, s)")
