"""Factors of a matrix: the parameters of a low-rank problem, as a network's weights are of a curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import matrix_shape, nonnegative, reals, vector, whole, word
from stepscape.errors import bad
from stepscape.memory import require_memory

Array = NDArray[np.float64]
Structure = Literal["any", "symmetric", "psd"]
Width = int | tuple[int, int]
STRUCTURES = ("any", "symmetric", "psd")
BYTES = 32  # that an entry of a factor takes while it is drawn, copied and checked


@dataclass(frozen=True, eq=False)
class Factorization:
    """X = L Rᵀ ("any"), U1 U1ᵀ − U2 U2ᵀ ("symmetric"), or U Uᵀ ("psd").

    Parameters
    ----------
    left : array_like (d1, k)
        L; U1 (d, k1); U (d, k).
    right : array_like (d2, k)
        R; U2 (d, k2), which may have no columns; (d, 0) for "psd", the default there.
    structure : "any" | "symmetric" | "psd"

    Raises
    ------
    InputError
        For shapes that do not belong together and numbers that are not finite.
    """

    left: Array
    right: Array | None = None
    structure: Structure = "any"

    def __post_init__(self) -> None:
        word("structure", self.structure, STRUCTURES)
        left = _factor("left", self.left)
        if self.right is None and self.structure == "any":
            raise bad("right", "be given for the structure 'any'", None)
        right = np.zeros((len(left), 0)) if self.right is None else _factor("right", self.right)
        if self.structure == "any" and left.shape[1] != right.shape[1]:
            raise bad(
                "left and right", "have the same number of columns", f"{left.shape[1]} and {right.shape[1]}"
            )
        if self.structure != "any" and len(left) != len(right):
            raise bad("left and right", "have the same number of rows", f"{len(left)} and {len(right)}")
        if self.structure == "psd" and right.size:
            raise bad("right", "have no columns for the structure 'psd'", right.shape[1])
        for name, factor in (("left", left), ("right", right)):
            factor.flags.writeable = False
            object.__setattr__(self, name, factor)

    @classmethod
    def random(
        cls,
        shape: tuple[int, int],
        width: Width,
        scale: float = 1.0,
        structure: Structure = "any",
        seed: int = 0,
    ) -> Factorization:
        """Entries scale·N(0, 1)/√k: k = `width` columns; (k1, k2) of U1 and U2 for "symmetric"."""
        word("structure", structure, STRUCTURES)
        size, rows, columns = nonnegative("scale", scale), matrix_shape(shape), read_widths(width, structure)
        numbers = rows[0] * columns[0] + rows[1] * columns[1]
        require_memory("width", max(columns), BYTES * numbers)
        # Not the random numbers of a problem with this seed.
        rng = np.random.default_rng([whole("seed", seed, most=math.inf), 1])
        with np.errstate(over="ignore"):  # factors that are not finite are refused
            left, right = (
                size * rng.standard_normal((d, k)) / np.sqrt(max(k, 1))
                for d, k in zip(rows, columns, strict=True)
            )
        return cls(left, right, structure)

    @property
    def _right(self) -> Array:
        assert self.right is not None
        return self.right

    @property
    def shape(self) -> tuple[int, int]:
        """(d1, d2) of X."""
        return len(self.left), len(self._right)

    @property
    def widths(self) -> tuple[int, int]:
        """Numbers of columns of the two factors."""
        return self.left.shape[1], self._right.shape[1]

    @cached_property
    def matrix(self) -> Array:
        """X (d1, d2)."""
        if self.structure == "any":
            return np.asarray(self.left @ self._right.T)
        return np.asarray(self.left @ self.left.T - self._right @ self._right.T)

    @cached_property
    def parameters(self) -> Array:
        """θ = (L, R), one flat vector, both row by row."""
        return np.concatenate([self.left.ravel(), self._right.ravel()])

    def with_parameters(self, theta: ArrayLike) -> Factorization:
        """Return factors of the same shapes from a flat vector."""
        flat = vector("theta", theta, self.left.size + self._right.size)
        left, right = np.split(flat, [self.left.size])
        return Factorization(left.reshape(self.left.shape), right.reshape(self._right.shape), self.structure)

    @property
    def squared_norm(self) -> float:
        """‖L‖_F² + ‖R‖_F², what weight decay lowers."""
        return float(np.sum(self.left**2) + np.sum(self._right**2))

    def __repr__(self) -> str:
        k, k2 = self.left.shape[1], self._right.shape[1]
        columns = f"k={k}" if self.structure != "symmetric" else f"k1={k}, k2={k2}"
        return f"Factorization({self.structure}: {len(self.left)}×{len(self._right)}, {columns})"


def _factor(name: str, values: object) -> Array:
    array = reals(name, values)
    if array.ndim != 2 or len(array) == 0:
        raise bad(name, "have shape (d, k)", array.shape)
    if not np.isfinite(array).all():
        raise bad(name, "be finite", f"{array[~np.isfinite(array)][0]} in it")
    return array


def read_widths(width: Width, structure: Structure, name: str = "width") -> tuple[int, int]:
    """Read the numbers of columns of the two factors from one number, or from (k1, k2) for "symmetric"."""
    if isinstance(width, tuple) and len(width) == 2:
        first, second = whole(name, width[0], 1), whole(name, width[1])
    else:
        first = whole(name, width, 1)
        second = 0 if structure == "psd" else first
    if (structure == "psd" and second) or (structure == "any" and first != second):
        raise bad(name, f"be one number for the structure {structure!r}", (first, second))
    return first, second
