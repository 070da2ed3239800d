"""The curvature of the logistic loss of one example (x, y) as its margin m = y f(x) grows, in closed form.

With D(m) = s(m) s(−m), the curvature of the loss in the prediction, where s(z) = 1/(1 + e^{−z}), and
c = √(1 + x²), the Hessian is D ∇f∇fᵀ + R, and R couples the output weight of an active neuron with the part
of (w1, b1) along (x, 1), by −y s(−m) c. Explicit forms derived here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.losses import loss_of, probability
from stepscape.network import TwoLayerReLU

Array = NDArray[np.float64]
PEAK = 1.5434046384182085  # γ tanh(γ/2) = 1: where γ D(γ) is largest


def balanced_neuron(x: float, margin: float) -> TwoLayerReLU:
    """Return the one neuron with f(x) = m > 0 whose gradient there is shortest: |w2| c = w1 x + b1, b2 = 0.

    ‖∇f(x)‖² = w2² c² + (w1 x + b1)² + 1 ≥ 2 c m + 1, with equality for these weights.
    """
    length = 1.0 + x * x
    along = np.sqrt(margin / np.sqrt(length))
    w1, b1 = along * np.array([x, 1.0]) / np.sqrt(length)
    return TwoLayerReLU(np.array([w1]), np.array([b1]), np.array([along]), 0.0)


def gauss_newton(x: float, margin: ArrayLike) -> Array:
    """λ_max of the Gauss–Newton part at `balanced_neuron`, D(m)(1 + 2cm)."""
    m = np.asarray(margin, dtype=np.float64)
    return np.asarray(loss_of("logistic").curvature(m) * (1.0 + 2.0 * np.sqrt(1.0 + x * x) * m))


def balanced_sharpness(x: float, margin: ArrayLike) -> Array:
    """λ_max of the whole Hessian at `balanced_neuron`.

    On the sum and the difference of the two coordinates that R couples, R is diagonal. The difference is an
    eigenvector of H, with eigenvalue s(−m) c; on the sum and b2 stands
    D [[2cm, √(2cm)], [√(2cm), 1]] − s(−m) c [[1, 0], [0, 0]].
    """
    m = np.asarray(margin, dtype=np.float64)
    c = np.sqrt(1.0 + x * x)
    rest, bend = probability(-m) * c, loss_of("logistic").curvature(m)
    first, both, second = bend * 2.0 * c * m - rest, bend * np.sqrt(2.0 * c * m), bend
    middle = 0.5 * (first + second)
    return np.asarray(np.maximum(rest, middle + np.hypot(0.5 * (first - second), both)))


class Flow(NamedTuple):
    """Margin, and squared norm of the gradient of f, along a path."""

    margin: Array
    gradient: Array


def flow(network: TwoLayerReLU, x: float, label: float, time: ArrayLike) -> Flow:
    """Follow gradient flow on the one example (x, y) from a network, while no neuron changes its activation.

    `time` is τ = ∫ s(−m) dt. With a_j the component of (w1_j, b1_j) along (x, 1)/c, flow is
    a′ = y c w2, w2′ = y c a, b2′ = y: the sums of the squares P = Σ(a + y w2)² and Q = Σ(a − y w2)² over the
    active neurons grow by e^{2cτ} and e^{−2cτ}, so that

        m = (c/4)(P e^{2cτ} − Q e^{−2cτ}) + τ + y b2,    ‖∇f‖² = 1 + (c²/2)(P e^{2cτ} + Q e^{−2cτ}).
    """
    tau, c = np.asarray(time, dtype=np.float64), float(np.sqrt(1.0 + x * x))
    reach = network.w1 * x + network.b1
    active = reach > 0.0
    along, outer = reach[active] / c, label * network.w2[active]
    up = float(np.sum((along + outer) ** 2)) * np.exp(2.0 * c * tau)
    down = float(np.sum((along - outer) ** 2)) * np.exp(-2.0 * c * tau)
    margin = 0.25 * c * (up - down) + tau + label * network.b2
    return Flow(np.asarray(margin), np.asarray(1.0 + 0.5 * c * c * (up + down)))


def gauss_newton_peak(x: float) -> float:
    """Return the margin where D(m)(1 + 2cm) is largest: 2c = (1 + 2cm) tanh(m/2), below `PEAK`."""
    from scipy.optimize import brentq

    steep = 2.0 * np.sqrt(1.0 + x * x)
    return float(brentq(lambda m: steep - (1.0 + steep * m) * np.tanh(0.5 * m), 0.0, PEAK))
