"""What a recovered matrix must satisfy: equations, or a distance to what was observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.problems.corrupted_matrix import project_to_budget
from stepscape.problems.linear_maps import LinearMap

Array = NDArray[np.float64]
Solve = Callable[[Array], Array]

CUT = 1e-11  # share of the largest eigenvalue of the Gram matrix below which an equation repeats others
TINY = float(np.finfo(np.float64).tiny)  # a squared norm that is not larger is one of A_i = 0


class Projected(Protocol):
    """The projection on a constraint at one γ, and the dual variables that belong to it."""

    def __call__(self, matrix: Array) -> tuple[Array, Array]:
        """W = argmin h(W) + ‖W − S‖_F²/(2γ) of S, and the dual variables λ of W."""
        ...


class Constraint(Protocol):
    """A convex function h of a matrix: 0 where the constraint holds and infinite elsewhere, or a loss."""

    def project(self, gamma: float) -> Projected:
        """Return the projection for this γ."""
        ...

    def cost(self, matrix: Array) -> float:
        """h(W) at a matrix that satisfies the constraint."""
        ...

    def residual(self, matrix: Array) -> float:
        """Return how far a matrix violates the constraint, as a share of its size; 0 if h is a loss."""
        ...

    def image(self, dual: Array) -> Array:
        """Y(λ) (d1, d2): N(Z) ≥ ⟨Y(λ), Z⟩ if N°(Y(λ)) ≤ 1."""
        ...

    def bound(self, dual: Array, dual_norm: float) -> tuple[float, float]:
        """Return a lower bound on N + h from sλ with s N°(Y(λ)) ≤ 1, and that s."""
        ...


@dataclass(frozen=True, eq=False)
class Equations:
    """B(Z) = b; with `softness` c > 0 the loss h(Z) = ‖B(Z) − b‖²/(2c) instead.

    The projection is Z = S + B*(μ) with (BB* + (c/γ) I) μ = b − B(S), by one factorization for each γ, or one
    alone if c = 0. Equations that repeat others are found by the eigenvalues of the Gram matrix BB* of the
    normalized A_i; then μ is the solution of least norm.
    """

    linear_map: LinearMap
    labels: Array
    softness: float = 0.0

    @cached_property
    def _gram(self) -> Array:
        return self.linear_map.gram()

    @cached_property
    def _exact(self) -> Solve:
        return factor(self._gram)

    def _solve(self, gamma: float) -> Solve:
        if self.softness == 0.0:
            return self._exact
        shift = self.softness / gamma
        return factor(self._gram + (shift if self._gram.ndim == 1 else shift * np.eye(self.labels.size)))

    def project(self, gamma: float) -> Projected:
        """Return the projection for this γ."""
        solve = self._solve(gamma)

        def projected(matrix: Array) -> tuple[Array, Array]:
            weights = solve(self.labels - self.linear_map.apply(matrix))
            return matrix + self.linear_map.adjoint(weights), weights / gamma

        return projected

    def multipliers(self, values: Array) -> Array:
        """λ of least norm for which B(B*(λ)) is closest to given values (m,), refined once."""
        weights = self._exact(values)
        rest = values - self.linear_map.apply(self.linear_map.adjoint(weights))
        return np.asarray(weights + self._exact(rest))

    def residual(self, matrix: Array) -> float:
        """‖B(Z) − b‖/‖b‖, without the division if b is 0; 0 if h is a loss."""
        if self.softness > 0.0:
            return 0.0
        size = float(np.linalg.norm(self.labels)) or 1.0
        return float(np.linalg.norm(self.linear_map.apply(matrix) - self.labels)) / size

    def cost(self, matrix: Array) -> float:
        """‖B(Z) − b‖²/(2c), or 0 for equations."""
        if self.softness == 0.0:
            return 0.0
        return float(np.sum((self.linear_map.apply(matrix) - self.labels) ** 2)) / (2.0 * self.softness)

    def image(self, dual: Array) -> Array:
        """B*(λ)."""
        return self.linear_map.adjoint(dual)

    def bound(self, dual: Array, dual_norm: float) -> tuple[float, float]:
        """s⟨b, λ⟩ − s²(c/2)‖λ‖² at the best s between 0 and 1/N°(B*(λ))."""
        linear, square = float(self.labels @ dual), self.softness * float(dual @ dual)
        if linear <= 0.0:
            return 0.0, 0.0
        most = 1.0 / dual_norm if dual_norm > 0.0 else np.inf
        scale = min(most, linear / square) if square > 0.0 else most
        return (scale * linear - scale**2 * square / 2.0 if np.isfinite(scale) else np.inf), scale


def factor(gram: Array) -> Solve:
    """Return r ↦ the solution μ of Gμ = r, of least norm if the symmetric G ⪰ 0 is singular."""
    if gram.ndim == 1:
        inverse = np.divide(1.0, gram, out=np.zeros_like(gram), where=gram > TINY)
        return lambda values: inverse * values
    from scipy.linalg import cho_factor, cho_solve, eigh

    size = np.sqrt(np.diag(gram))
    scale = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0.0)
    normal = gram * scale[:, None] * scale
    try:
        lower = cho_factor(normal, lower=True, check_finite=False)
        if np.diag(lower[0]).min() ** 2 > CUT:
            return lambda values: scale * cho_solve(lower, scale * values, check_finite=False)
    except np.linalg.LinAlgError:
        pass
    values, vectors = eigh(normal, check_finite=False)
    keep = values > CUT * values[-1]
    vectors, inverse = vectors[:, keep], 1.0 / values[keep]
    return lambda given: scale * (vectors @ (inverse * (vectors.T @ (scale * given))))


@dataclass(frozen=True, eq=False)
class NearObserved:
    """‖Y − X‖_{1,1} ≤ τ, the sum of the magnitudes of all entries. The dual variables are a matrix Q."""

    observed: Array
    budget: float

    def project(self, gamma: float) -> Projected:
        """W = Y − P(Y − S), with the projection P on the ℓ1 ball of radius τ; Q = (W − S)/γ."""

        def projected(matrix: Array) -> tuple[Array, Array]:
            near = self.observed - project_to_budget(self.observed - matrix, self.budget)
            return near, (near - matrix) / gamma

        return projected

    def residual(self, matrix: Array) -> float:
        """How far ‖Y − X‖_{1,1} exceeds τ, as a share of ‖Y‖_{1,1}."""
        size = float(np.abs(self.observed).sum()) or 1.0
        return max(0.0, float(np.abs(self.observed - matrix).sum()) - self.budget) / size

    def cost(self, matrix: Array) -> float:  # noqa: ARG002
        """0."""
        return 0.0

    def image(self, dual: Array) -> Array:
        """Q."""
        return dual

    def bound(self, dual: Array, dual_norm: float) -> tuple[float, float]:
        """s(⟨Q, Y⟩ − τ max|Q|), the least ⟨sQ, X⟩ of the ball, with s = 1/N°(Q)."""
        linear = float(np.sum(dual * self.observed)) - self.budget * float(np.abs(dual).max())
        if linear <= 0.0 or dual_norm == 0.0:
            return 0.0, 0.0
        return linear / dual_norm, 1.0 / dual_norm
