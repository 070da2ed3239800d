"""The loss of measurements of a matrix as a function of the factors of that matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import vector as one_each
from stepscape.errors import expect
from stepscape.factorization import Factorization, read_widths
from stepscape.objectives.factors_hessian import FactorsHessian
from stepscape.objectives.parametrization import Parametrization, Product, SignedSquares
from stepscape.problems.measurements import Measurements

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Factors:
    """f(θ) = (1/m) Σ_i (⟨A_i, X(θ)⟩ − b_i)², without a ½, of the factors θ of X; an `Objective`.

    θ is `Factorization.parameters`: L and R of X = L Rᵀ, U1 and U2 of X = U1 U1ᵀ − U2 U2ᵀ, or U of X = U Uᵀ,
    as the structure of the measurements says. `widths` are their numbers of columns.
    """

    measurements: Measurements
    widths: tuple[int, int]

    def __post_init__(self) -> None:
        expect("measurements", self.measurements, Measurements)
        object.__setattr__(self, "widths", read_widths(self.widths, self.measurements.structure, "widths"))

    @cached_property
    def form(self) -> Parametrization:
        """How θ makes X."""
        if self.measurements.structure == "any":
            return Product(self.measurements.shape, self.widths[0])
        return SignedSquares(self.measurements.shape[0], self.widths, self.measurements.structure)

    @property
    def size(self) -> int:
        """Length of θ."""
        return self.form.size

    def factorization(self, theta: Array) -> Factorization:
        """Return the factors of θ."""
        return self.form.factors(self._read(theta))

    def residuals(self, theta: Array) -> Array:
        """⟨A_i, X(θ)⟩ − b_i (m,)."""
        image = self.form.image(self._read(theta))
        return np.asarray(self.measurements.linear_map.apply_product(*image) - self.measurements.labels)

    def loss(self, theta: Array) -> float:
        """(1/m) Σ_i (⟨A_i, X(θ)⟩ − b_i)²."""
        residuals = self.residuals(theta)
        return float(residuals @ residuals) / residuals.size

    def gradient(self, theta: Array) -> Array:
        """∇f(θ) (size,)."""
        return self.pull_back(theta, self.residuals(theta))

    def pull_back(self, theta: Array, values: Array) -> Array:
        """(2/m) Σ_i v_i ∇⟨A_i, X(θ)⟩ (size,): the gradient if v are the residuals.

        With v = residuals − ε it is the gradient for the labels b + ε. With v = residuals on a batch of B
        measurements, times m/B, and 0 elsewhere, it is the gradient of the batch.
        """
        point = self._read(theta)
        matrix = self.measurements.adjoint(values)
        return np.asarray(2.0 * self._weight * self.form.pull(matrix, point))

    def hessian(self, theta: Array) -> FactorsHessian:
        """∇²f(θ), with the part that the residuals contribute."""
        point = self._read(theta)
        residual = self.measurements.linear_map.adjoint(self.residuals(point))
        return FactorsHessian(self.form, point.copy(), self._weight, self._normal, residual)

    def gauss_newton(self, theta: Array) -> FactorsHessian:
        """(2/m) JᵀJ with the gradients of the ⟨A_i, X(θ)⟩ as rows of J: the Hessian where the loss is 0."""
        nothing = np.zeros(self.measurements.shape)
        return FactorsHessian(self.form, self._read(theta).copy(), self._weight, self._normal, nothing)

    def census(self, theta: Array) -> dict[str, int]:
        """Return no counts."""
        self._read(theta)
        return {}

    def trace(self, theta: Array) -> float:
        """Trace of the Hessian, in closed form at every θ.

        With S1 = (1/m) Σ A_i A_iᵀ, S2 = (1/m) Σ A_iᵀ A_i: 2⟨S1, L Lᵀ⟩ + 2⟨S2, R Rᵀ⟩ for X = L Rᵀ. For squares
        8⟨S1, U1 U1ᵀ + U2 U2ᵀ⟩ + (4/m)(k1 − k2) Σ r_i tr A_i, whose last part the residuals r contribute.
        """
        return sum(self.block_traces(theta))

    def block_traces(self, theta: Array) -> tuple[float, float]:
        """Trace of the Hessian on the coordinates of the first factor, and of the second.

        The block of L has the trace 2⟨S2, R Rᵀ⟩, which R decides; that of R has 2⟨S1, L Lᵀ⟩.
        """
        point = self._read(theta)
        residual = self.measurements.linear_map.adjoint(self.residuals(point))
        squares, bends = self.form.squares(point, *self._moments), self.form.pull_traces(residual)
        first, second = (2.0 * self._weight * (a + b) for a, b in zip(squares, bends, strict=True))
        return first, second

    def gauss_newton_trace(self, theta: Array) -> float:
        """Trace of the Gauss–Newton part: a quadratic form in θ, and the whole trace where f is 0."""
        return 2.0 * self._weight * sum(self.form.squares(self._read(theta), *self._moments))

    def gauss_newton_trace_gradient(self, theta: Array) -> Array:
        """Gradient (size,) of that quadratic form, for descent with a penalty on it."""
        gradient = self.form.squares_gradient(self._read(theta), *self._moments)
        return np.asarray(2.0 * self._weight * gradient)

    @property
    def _weight(self) -> float:
        return 1.0 / self.measurements.size

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        """Σ A_i A_iᵀ and Σ A_iᵀ A_i."""
        linear_map = self.measurements.linear_map
        return linear_map.row_moment(), linear_map.column_moment()

    def _normal(self, left: Array, right: Array) -> Array:
        linear_map = self.measurements.linear_map
        return linear_map.adjoint(linear_map.apply_product(left, right))

    def _read(self, theta: Array) -> Array:
        return one_each("theta", theta, self.size)
