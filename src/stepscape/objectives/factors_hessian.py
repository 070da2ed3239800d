"""The Hessian of a loss of low rank in the factors of the matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import vector as one_each
from stepscape.memory import require_memory
from stepscape.objectives.parametrization import Parametrization

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FactorsHessian:
    """The Hessian 2c (JᵀJ + T(G)) of a loss c Σ r_i² of r_i = ⟨A_i, X(θ)⟩ − b_i, as products with vectors.

    The rows of J are the gradients of the r_i in θ; G = Σ r_i A_i, and T(G) is the Hessian of ⟨G, X(θ)⟩ in θ.
    G = 0 leaves the Gauss–Newton part. A product takes two applications of the measurements; no A_i and no
    Hessian is formed.
    """

    form: Parametrization
    theta: Array
    weight: float
    normal: Callable[[Array, Array], Array]  # P, Q ↦ Σ_i ⟨A_i, P Qᵀ⟩ A_i
    residual: Array  # G

    @property
    def size(self) -> int:
        """Length of θ."""
        return self.form.size

    def product(self, vector: Array) -> Array:
        """2c (T(Σ ⟨A_i, dX⟩ A_i) θ + T(G) v), dX the derivative of X along v."""
        along = one_each("vector", vector, self.size)
        pushed = self.normal(*self.form.tangent(self.theta, along))
        pulled = self.form.pull(pushed, self.theta) + self.form.pull(self.residual, along)
        return np.asarray(2.0 * self.weight * pulled)

    def dense(self) -> Array:
        """Return the matrix (size, size), for small sizes: it takes as many products."""
        require_memory("size", self.size, 24 * self.size**2, "take fewer columns")
        columns = np.array([self.product(unit) for unit in np.eye(self.size)])
        return np.asarray((columns + columns.T) / 2.0)

    @cached_property
    def frobenius(self) -> float:
        """‖Hessian‖_F, exact, for small sizes: it takes `size` products."""
        return float(np.linalg.norm(self.dense()))

    def __repr__(self) -> str:
        return f"FactorsHessian({self.size}×{self.size})"
