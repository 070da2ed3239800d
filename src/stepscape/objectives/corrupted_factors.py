"""The loss of a corrupted matrix as a function of the factors of what is of low rank in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import vector as one_each
from stepscape.arguments import whole
from stepscape.errors import expect
from stepscape.factorization import Factorization
from stepscape.objectives.factors_hessian import FactorsHessian
from stepscape.objectives.parametrization import Product
from stepscape.problems.corrupted_matrix import CorruptedMatrix, project_to_budget

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CorruptedFactors:
    """f(θ) = dist²(Y − L Rᵀ, Ω) of the factors θ = (L, R), averaged over nothing; an `Objective`.

    Ω is the set of the errors that the budget allows, and the distance that of Frobenius. f has one
    continuous derivative, no more.

    Source: Ding, Drusvyatskiy, Fazel, Harchaoui (2024), section 6.
    """

    matrix: CorruptedMatrix
    width: int

    def __post_init__(self) -> None:
        expect("matrix", self.matrix, CorruptedMatrix)
        object.__setattr__(self, "width", whole("width", self.width, 1))

    @property
    def form(self) -> Product:
        """How θ makes X."""
        return Product(self.matrix.shape, self.width)

    @property
    def size(self) -> int:
        """(d1 + d2) k."""
        return self.form.size

    def factorization(self, theta: Array) -> Factorization:
        """L and R of θ."""
        return self.form.factors(self._read(theta))

    def residuals(self, theta: Array) -> Array:
        """L Rᵀ + S − Y (d1, d2), S the nearest errors that the budget allows."""
        left, right = self.form.image(self._read(theta))
        errors = self.matrix.observed - left @ right.T
        return project_to_budget(errors, self.matrix.budget) - errors

    def loss(self, theta: Array) -> float:
        """dist²(Y − L Rᵀ, Ω)."""
        return float(np.sum(self.residuals(theta) ** 2))

    def gradient(self, theta: Array) -> Array:
        """∇f(θ) (size,): a distance to a convex set pulls toward the nearest point."""
        return np.asarray(2.0 * self.form.pull(self.residuals(theta), self._read(theta)))

    def hessian(self, theta: Array) -> FactorsHessian:
        """Hessian of the majorant ‖L Rᵀ + S − Y‖_F² with the S of this θ held fixed.

        The majorant touches f at θ in value and gradient and lies above it, so that its Hessian is at least
        that of f where f has one. The theory calls a minimum flat by this Hessian.
        """
        point = self._read(theta)
        return FactorsHessian(self.form, point.copy(), 1.0, _product, self.residuals(point))

    def census(self, theta: Array) -> dict[str, int]:
        """Return no counts."""
        self._read(theta)
        return {}

    def trace(self, theta: Array) -> float:
        """2 d2‖L‖_F² + 2 d1‖R‖_F², the trace of that Hessian at every θ."""
        return sum(self.block_traces(theta))

    def block_traces(self, theta: Array) -> tuple[float, float]:
        """2 d1‖R‖_F² on the coordinates of L, and 2 d2‖L‖_F² on those of R."""
        left, right = self.form.image(self._read(theta))
        d1, d2 = self.matrix.shape
        return 2.0 * d1 * float(np.sum(right**2)), 2.0 * d2 * float(np.sum(left**2))

    def _read(self, theta: Array) -> Array:
        return one_each("theta", theta, self.size)


def _product(left: Array, right: Array) -> Array:
    return np.asarray(left @ right.T)
