"""Losses in closed form: a parabola, a product of two numbers, quartics, and a bowl with ripples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import positive, reals
from stepscape.curvature.operator import Matrix

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quadratic:
    """L(θ) = ½ θᵀAθ of a symmetric matrix A (size, size), not averaged over anything.

    Gradient Aθ, Hessian A. Gradient descent multiplies the coordinate along an eigenvector of eigenvalue λ by
    1 − ηλ: it diverges exactly when some λ > 2/η (or λ < 0).
    """

    matrix: Matrix

    @property
    def size(self) -> int:
        """Length of θ."""
        return self.matrix.size

    def loss(self, theta: Array) -> float:
        """½ θᵀAθ."""
        return 0.5 * float(theta @ self.matrix.product(theta))

    def gradient(self, theta: Array) -> Array:
        """Aθ."""
        return self.matrix.product(theta)

    def hessian(self, theta: Array) -> Matrix:  # noqa: ARG002  (the same everywhere)
        """Return A."""
        return self.matrix

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}


@dataclass(frozen=True, eq=False)
class ScalarProduct:
    """L(x, y) = (xy − 1)²: the smallest model with a choice between sharp and flat minima. θ = (x, y).

    Its minima xy = 1 have the sharpness 2(x² + y²) ≥ 4; ±(1, 1) are the flattest. With η < ½ descent ends at
    a minimum with sharpness at most 2/η. Beyond η = ½ no minimum is stable, and descent swings between two
    balanced points x = y = p, q with pq = 1/(2η) and p + q = √(1 + 3/(2η)).

    Source of the swing: p − q = 2ηq(q² − 1) = −2ηp(p² − 1); the sum of both gives p² − pq + q² = 1, their
    difference p² + pq + q² = 1 + 1/η.
    """

    @property
    def size(self) -> int:
        """2."""
        return 2

    def loss(self, theta: Array) -> float:
        """(xy − 1)²."""
        x, y = theta
        return float((x * y - 1.0) ** 2)

    def gradient(self, theta: Array) -> Array:
        """2(xy − 1)(y, x)."""
        x, y = theta
        return np.asarray(2.0 * (x * y - 1.0) * np.array([y, x]))

    def hessian(self, theta: Array) -> Matrix:
        """2 [[y², 2xy − 1], [2xy − 1, x²]]."""
        x, y = theta
        mixed = 2.0 * x * y - 1.0
        return Matrix(2.0 * np.array([[y * y, mixed], [mixed, x * x]]))

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}


@dataclass(frozen=True, eq=False)
class Quartic:
    """L(w) = ½ S w² − ¼ Q w⁴: the curvature S at 0 falls outward, S − 3Qw². θ = (w,).

    With η < 2/S gradient descent from |w| < √(S/Q), between the two tops of L, ends at 0. With 2/S < η < 3/S
    it swings between ±w, w² = (S − 2/η)/Q exactly: the simplest edge of stability. Beyond the tops L falls to
    −∞, and descent diverges.

    Source of the swing: w − η(Sw − Qw³) = −w; its multiplier 2ηS − 5 lies in (−1, 1).

    Raises
    ------
    InputError
        For S or Q not finite and positive.
    """

    curvature: float = 1.0
    fall: float = 1.0

    def __post_init__(self) -> None:
        for name in ("curvature", "fall"):
            object.__setattr__(self, name, positive(name, getattr(self, name)))

    @property
    def size(self) -> int:
        """1."""
        return 1

    def loss(self, theta: Array) -> float:
        """½ S w² − ¼ Q w⁴."""
        square = theta[0] * theta[0]
        return float(square * (0.5 * self.curvature - 0.25 * self.fall * square))

    def gradient(self, theta: Array) -> Array:
        """S w − Q w³."""
        return np.asarray(theta * (self.curvature - self.fall * theta * theta))

    def hessian(self, theta: Array) -> Matrix:
        """S − 3 Q w²."""
        return Matrix(np.array([[self.curvature - 3.0 * self.fall * theta[0] * theta[0]]]))

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}


@dataclass(frozen=True, eq=False)
class DoubleWell:
    """L(w) = ¼ (w² − 1)²: two minima ±1 of sharpness 2. θ = (w,).

    With η < 1 gradient descent ends at a minimum. With 1 < η < √5 − 1 it can swing around one, between two
    points of product 1/η and sum √(1 + 3/η). Then the period doubles again and again, until descent is
    chaotic.

    Source of the swing: w' − w = −η(w³ − w), w − w' = −η(w'³ − w'); the sum gives w² − ww' + w'² = 1, the
    difference w² + ww' + w'² = 1 + 2/η. Its multiplier is 9 − 2(1 + η)².
    """

    @property
    def size(self) -> int:
        """1."""
        return 1

    def loss(self, theta: Array) -> float:
        """¼ (w² − 1)²."""
        return float(0.25 * (theta[0] * theta[0] - 1.0) ** 2)

    def gradient(self, theta: Array) -> Array:
        """Return w³ − w, number by number for an array of many w."""
        return np.asarray(theta * (theta * theta - 1.0))

    def hessian(self, theta: Array) -> Matrix:
        """3 w² − 1."""
        return Matrix(np.array([[3.0 * theta[0] * theta[0] - 1.0]]))

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}


@dataclass(frozen=True, eq=False)
class Corrugated:
    """L(w) = ½ w² + ε sin(w/ε): a bowl with ripples as high as they are wide. θ = (w,).

    Ripples much narrower than a step act like noise: the phase w/ε is as good as uniform, and w ↦ (1 − η) w −
    η cos(w/ε) has in the limit ε → 0 the variance η/(2(2 − η)) and the Lyapunov exponent ln(η/(2ε)), though
    nothing is random.

    Source: Kong and Tao (2020). Var = (1 − η)² Var + η²/2; the mean of ln|sin| over a period is −ln 2.

    Raises
    ------
    InputError
        For ε not finite and positive.
    """

    ripple: float = 1e-6

    def __post_init__(self) -> None:
        object.__setattr__(self, "ripple", positive("ripple", self.ripple))

    @property
    def size(self) -> int:
        """1."""
        return 1

    def loss(self, theta: Array) -> float:
        """½ w² + ε sin(w/ε)."""
        return float(0.5 * theta[0] * theta[0] + self.ripple * np.sin(theta[0] / self.ripple))

    def gradient(self, theta: Array) -> Array:
        """Return w + cos(w/ε), number by number for an array of many w."""
        return np.asarray(theta + np.cos(theta / self.ripple))

    def curvature(self, theta: Array) -> Array:
        """1 − sin(w/ε)/ε, number by number."""
        return np.asarray(1.0 - np.sin(theta / self.ripple) / self.ripple)

    def hessian(self, theta: Array) -> Matrix:
        """Return the curvature as a matrix."""
        return Matrix(self.curvature(np.asarray(theta)[:1]).reshape(1, 1))

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        """Return no counts."""
        return {}


def quadratic(matrix: ArrayLike) -> Quadratic:
    """Return ½ θᵀAθ of a symmetric matrix (size, size)."""
    return Quadratic(Matrix(reals("matrix", matrix)))


def scalar_product() -> ScalarProduct:
    """Return (xy − 1)² of θ = (x, y)."""
    return ScalarProduct()


def quartic(curvature: float = 1.0, fall: float = 1.0) -> Quartic:
    """Return ½ S w² − ¼ Q w⁴ of θ = (w,), S = `curvature` and Q = `fall` positive."""
    return Quartic(curvature, fall)


def double_well() -> DoubleWell:
    """Return ¼ (w² − 1)² of θ = (w,)."""
    return DoubleWell()


def corrugated(ripple: float = 1e-6) -> Corrugated:
    """Return ½ w² + ε sin(w/ε) of θ = (w,), ε = `ripple` positive."""
    return Corrugated(ripple)
