"""Losses in closed form at the edge of stability: one that stabilizes itself, and one with a catapult."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import finite, positive, whole
from stepscape.curvature.operator import Matrix
from stepscape.errors import bad

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SelfStabilizing:
    """L(x, y) = ½ x² (edge + y) − α y: the slope α drives the curvature edge + y along x up. θ = (x, y).

    With edge = 2/η, one step of gradient descent is x ← −(1 + ηy) x, y ← y + η(α − ½x²): the swing in x
    grows while y > 0, and pushes y down once x² > 2α. Averaged over the cycles of both, x² is 2α. In the
    limit of small steps E = ½y² + ¼x² − ½α log x² is kept; descent lets it grow slowly.

    Source: Damian, Nichani and Lee (2023), section 4, with ‖∇λ‖ = 1.

    Raises
    ------
    InputError
        For a step size or a slope that is not finite and positive.
    """

    step_size: float = 0.1
    slope: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("step_size", "slope"):
            object.__setattr__(self, name, positive(name, getattr(self, name)))

    @property
    def size(self) -> int:
        """2."""
        return 2

    @property
    def edge(self) -> float:
        """2/η."""
        return 2.0 / self.step_size

    def loss(self, theta: Array) -> float:
        """½ x² (2/η + y) − α y."""
        x, y = theta
        return float(0.5 * x * x * (self.edge + y) - self.slope * y)

    def gradient(self, theta: Array) -> Array:
        """(x (2/η + y), ½ x² − α)."""
        x, y = theta
        return np.array([x * (self.edge + y), 0.5 * x * x - self.slope])

    def hessian(self, theta: Array) -> Matrix:
        """[[2/η + y, x], [x, 0]]."""
        x, y = theta
        return Matrix(np.array([[self.edge + y, x], [x, 0.0]]))

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}

    def energy(self, theta: Array) -> Array:
        """E of points (…, 2)."""
        x, y = theta[..., 0], theta[..., 1]
        return np.asarray(0.5 * y * y + 0.25 * x * x - self.slope * np.log(np.abs(x)))


@dataclass(frozen=True, eq=False)
class Catapult:
    """L(u, v) = ½ f², f = u·v/√k: a linear network of k hidden units on one example 1 with the label 0.

    θ = (u, v). With λ = (‖u‖² + ‖v‖²)/k, which is λ_max where f = 0, one step of gradient descent is exactly

        f ← f (1 − ηλ + η²f²/k),    λ ← λ + (ηf²/k)(ηλ − 4).

    For 2/η < λ < 4/η and large k the loss first grows by the factor (1 − ηλ)² in every step; once f² is of
    the order of k, λ falls below 2/η, and the loss vanishes. Beyond 4/η descent diverges.

    Source: Lewkowycz, Bahri, Dyer, Sohl-Dickstein and Gur-Ari (2020), section 2.1.

    Raises
    ------
    InputError
        For a width that is not a whole number of at least 1.
    """

    width: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", whole("width", self.width, 1))

    @property
    def size(self) -> int:
        """2k."""
        return 2 * self.width

    def start(self, curvature: float, output: float, seed: int = 0) -> Array:
        """Return a random θ with these λ and f: ‖u‖² = ‖v‖² = ½kλ at the angle that gives f.

        Raises
        ------
        InputError
            For |f| ≥ ½√k·λ, and for k = 1, where λ and f leave no choice.
        """
        k, rng = whole("width", self.width, 2), np.random.default_rng(whole("seed", seed))
        mass, inner = 0.5 * k * positive("curvature", curvature), finite("output", output) * np.sqrt(k)
        if not abs(inner) < mass:
            raise bad("output", f"lie below {mass / np.sqrt(k):.4g} in size", output)
        first, second = np.linalg.qr(rng.standard_normal((k, 2)))[0].T
        cosine = inner / mass
        u = np.sqrt(mass) * first
        v = np.sqrt(mass) * (cosine * first + np.sqrt(1.0 - cosine**2) * second)
        return np.concatenate([u, v])

    def output(self, theta: Array) -> float:
        """Return f."""
        return float(theta[: self.width] @ theta[self.width :] / np.sqrt(self.width))

    def curvature(self, theta: Array) -> float:
        """λ."""
        return float(theta @ theta) / self.width

    def loss(self, theta: Array) -> float:
        """½ f²."""
        return 0.5 * self.output(theta) ** 2

    def gradient(self, theta: Array) -> Array:
        """Return f (v, u)/√k."""
        return np.asarray(self.output(theta) / np.sqrt(self.width) * self._swapped(theta))

    def hessian(self, theta: Array) -> CatapultHessian:
        """(v, u)(v, u)ᵀ/k + f/√k · [[0, 1], [1, 0]]."""
        return CatapultHessian(self._swapped(theta), self.output(theta) / np.sqrt(self.width), self.width)

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}

    def _swapped(self, theta: Array) -> Array:
        return np.concatenate([theta[self.width :], theta[: self.width]])


@dataclass(frozen=True, eq=False)
class CatapultHessian:
    """∇²L of a `Catapult`."""

    swapped: Array
    slope: float
    width: int

    @property
    def size(self) -> int:
        """2k."""
        return self.swapped.size

    def product(self, vector: Array) -> Array:
        """Matrix times vector."""
        along = self.swapped * (float(self.swapped @ vector) / self.width)
        return np.asarray(along + self.slope * np.concatenate([vector[self.width :], vector[: self.width]]))


def self_stabilizing(step_size: float = 0.1, slope: float = 1e-3) -> SelfStabilizing:
    """Return ½ x² (2/η + y) − α y of θ = (x, y), η = `step_size` and α = `slope` positive."""
    return SelfStabilizing(step_size, slope)


def catapult(width: int) -> Catapult:
    """Return ½ (u·v)²/k of θ = (u, v), k = `width`."""
    return Catapult(width)
