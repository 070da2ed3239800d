"""Symmetric matrices known through their products with flat vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.arguments import vector as one_each
from stepscape.errors import bad, shown

Array = NDArray[np.float64]


class Operator(Protocol):
    """A symmetric matrix known through its products with flat vectors."""

    @property
    def size(self) -> int:
        """Length of the vectors."""
        ...

    def product(self, vector: Array) -> Array:
        """Matrix times vector (size,)."""
        ...


def require_operator(name: str, value: object) -> None:
    """Refuse what has no size and no product with a vector."""
    size = getattr(value, "size", None)
    if not isinstance(size, int) or not hasattr(value, "product") or hasattr(value, "__array__"):
        must = "be an operator, with a size and a method product"
        raise bad(name, must, shown(value), "curvature.Matrix makes one of an array")


@runtime_checkable
class KrylovSteps(Protocol):
    """Lanczos steps of an operator's own, and a vector to start them from."""

    def random_vector(self) -> Array:
        """Return a reproducible generic unit vector in the space the operator acts on."""
        ...

    def lanczos(self, basis: Array, diagonal: Array, beside: Array, first: int, last: int) -> int:
        """Extend an orthonormal Krylov basis from row `first` to row `last`; see `lanczos_steps`."""
        ...


class KrylovOperator(Operator, KrylovSteps, Protocol):
    """An operator with Lanczos steps."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """A dense symmetric matrix (size, size) as an operator.

    Raises
    ------
    InputError
        If the array is not square or not symmetric, or holds numbers that are not finite.
    """

    values: Array

    def __post_init__(self) -> None:
        values = reals("matrix", self.values)
        if values.ndim != 2 or values.shape[0] != values.shape[1] or values.size == 0:
            raise bad("matrix", "have shape (size, size)", values.shape)
        if not np.isfinite(values).all():
            raise bad("matrix", "be finite", f"{values[~np.isfinite(values)][0]} in it")
        if not np.array_equal(values, values.T):
            raise bad("matrix", "be symmetric", "another one", "give (A + A.T)/2")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return len(self.values)

    def product(self, vector: ArrayLike) -> Array:
        """Matrix times vector (size,)."""
        return np.asarray(self.values @ one_each("vector", vector, self.size))


@dataclass(frozen=True, eq=False)
class Shifted:
    """A + diag(shift): with shift = λ·mask the matrix that the thresholds of weight decay are about."""

    operator: Operator
    shift: Array

    def __post_init__(self) -> None:
        require_operator("operator", self.operator)
        object.__setattr__(self, "shift", one_each("shift", self.shift, self.operator.size))

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return self.operator.size

    def product(self, vector: Array) -> Array:
        """Matrix times vector (size,)."""
        given = one_each("vector", vector, self.size)
        return self.operator.product(given) + self.shift * given


@dataclass(frozen=True, eq=False)
class Scaled:
    """D A D with D = diag(scale): with scale = P^{-1/2} it is similar to P⁻¹A, and symmetric."""

    operator: Operator
    scale: Array

    def __post_init__(self) -> None:
        require_operator("operator", self.operator)
        object.__setattr__(self, "scale", one_each("scale", self.scale, self.operator.size))

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return self.operator.size

    def product(self, vector: Array) -> Array:
        """Matrix times vector (size,)."""
        given = one_each("vector", vector, self.size)
        return self.scale * self.operator.product(self.scale * given)
