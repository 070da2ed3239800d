"""The loss of logistic regression with a linear model, also where it is too small for a float64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.curvature.operator import Matrix
from stepscape.errors import bad
from stepscape.theory.largest_margin import MaxMargin, margin_of, signed

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LogisticRegression:
    """L(w) = (1/n) Σ log(1 + e^{−y_i x_i·w}), without an offset. θ = w (d,).

    If a plane through 0 separates the labels, L has no minimum: it falls to 0 as w grows. Where L is too
    small for a float64, its logarithm is not: see `log_loss`, `log_gradient` and `soft_margin`.

    Attributes
    ----------
    signed : rows y_i x_i (n, d).

    Source: Wu et al. (2024), "Large stepsize gradient descent for logistic loss"; Zhang et al. (2025) for
    steps along the soft margin.
    """

    signed: Array

    @property
    def size(self) -> int:
        """Length of θ, the number d of input variables."""
        return int(self.signed.shape[1])

    def loss(self, theta: Array) -> float:
        """L(θ)."""
        return float(np.mean(np.logaddexp(0.0, -(self.signed @ theta))))

    def log_loss(self, theta: ArrayLike) -> Array:
        """Return log L of θ (…, d), shape (…): the logarithm of a mean of losses e^{log of each}."""
        return mean_in_logarithm(log_softplus(-self._margins(theta)))

    def gradient(self, theta: Array) -> Array:
        """−(1/n) Σ s(−m_i) y_i x_i with the margins m_i = y_i x_i·θ."""
        vector, scale = self.log_gradient(theta)
        return np.asarray(vector * np.exp(scale))

    def log_gradient(self, theta: ArrayLike) -> tuple[Array, float]:
        """Return a vector g (d,) and a number c with ∇L = e^c g; c is the largest log s(−m_i) − log n."""
        logs = -np.logaddexp(0.0, self._margins(theta))
        largest = float(logs.max())
        return -(np.exp(logs - largest) @ self.signed), largest - float(np.log(len(self.signed)))

    def soft_margin(self, theta: ArrayLike) -> Array:
        """Return −log(e^L − 1) of θ (…, d), shape (…): the margin at which one example has the loss L.

        At least the smallest and at most the mean of the margins; not a concave function of θ.
        """
        return -log_expm1(self.log_loss(theta))

    def soft_margin_gradient(self, theta: ArrayLike) -> Array:
        """−e^L/(e^L − 1) ∇L (d,): a combination of the y_i x_i with weights ≥ 0 whose sum is at most 1."""
        vector, scale = self.log_gradient(theta)
        # log(1 − e^{−L}) = log(e^L − 1) − L
        log_loss = self.log_loss(theta)
        return np.asarray(-vector * np.exp(scale - (log_expm1(log_loss) - np.exp(log_loss))))

    def hessian(self, theta: Array) -> Matrix:
        """(1/n) Σ s(m_i) s(−m_i) x_i x_iᵀ, dense."""
        m = self.signed @ theta
        # √(s(m) s(−m)) = 1/(2 cosh(m/2)) = e^{−|m|/2}/(1 + e^{−|m|})
        root = np.exp(-0.5 * np.abs(m)) / (1.0 + np.exp(-np.abs(m)))
        rows = root[:, None] * self.signed / np.sqrt(len(m))
        dense = rows.T @ rows
        return Matrix(0.5 * (dense + dense.T))

    def census(self, theta: Array) -> dict[str, int]:
        """Count the training examples that are misclassified, or on the plane."""
        return {"errors": int(np.sum(self.signed @ theta <= 0.0))}

    @cached_property
    def smoothness(self) -> float:
        """Largest λ_max of the Hessian at any θ, that of θ = 0: ‖(y_i x_i)‖²/(4n), spectral norm."""
        return float(np.linalg.norm(self.signed, 2) ** 2) / (4.0 * len(self.signed))

    @cached_property
    def margin(self) -> MaxMargin:
        """The largest margin γ, with its proof; see `stepscape.theory.max_margin`."""
        return margin_of(self.signed)

    def _margins(self, theta: ArrayLike) -> Array:
        w = reals("theta", theta)
        if w.shape[-1:] != (self.size,):
            raise bad("theta", f"have shape (…, {self.size})", w.shape)
        return np.asarray(w @ self.signed.T)


def logistic_regression(inputs: ArrayLike, labels: ArrayLike) -> LogisticRegression:
    """Return the logistic loss of a linear model as a function of its weights.

    Parameters
    ----------
    inputs : (n, d); a column of ones gives an offset.
    labels : (n,), ±1 or 0/1.
    """
    z = signed(inputs, labels)
    z.flags.writeable = False
    return LogisticRegression(z)


def log_softplus(values: Array) -> Array:
    """Log log(1 + e^z), elementwise: z + log(log(1 + e^z)/e^z) where z is negative."""
    small = np.exp(-np.abs(values))
    low = values + np.log1p(np.where(small > 0.0, np.log1p(small) / np.maximum(small, 5e-324) - 1.0, 0.0))
    high = np.log(np.maximum(values, 0.0) + np.log1p(np.where(values < 0.0, 1.0, small)))
    return np.asarray(np.where(values < 0.0, low, high))


def log_expm1(log_value: Array) -> Array:
    """log(e^L − 1) of log L, elementwise; L itself need not be a float64."""
    value = np.exp(np.minimum(log_value, 700.0))
    # log(e^L − 1) = log L + log((e^L − 1)/L) for small L, and L + log(1 − e^{−L}) for large L.
    near = np.minimum(value, 1.0)
    low = log_value + np.log(np.where(near > 0.0, np.expm1(near) / np.maximum(near, 5e-324), 1.0))
    high = value + np.log1p(-np.exp(-np.maximum(value, 1.0)))
    return np.asarray(np.where(log_value < 0.0, low, high))


def mean_in_logarithm(logs: Array) -> Array:
    """Return the logarithm of the mean over the last axis of numbers that are given by their logarithms."""
    largest = logs.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.mean(np.exp(logs - largest), axis=-1)) + largest[..., 0])
