"""A network that gives every label any margin, and is as flat as one likes once it is confident.

Let x_1 < … < x_m be the distinct inputs and y_i = ±1. The bend number j < m lies at t_j = x_j + (x_{j+1} −
x_j)/20 and turns the slope so that the line meets y_{j+1}; it is the a_j of

    f = γ (y_1 + Σ_j a_j max(x − t_j, 0)),    w1_j = √(γ|a_j|),  b1_j = −w1_j t_j,  w2_j = γ a_j/w1_j.

f(x_i) = γ y_i. With A = Σ|a_j|, for any averaging weights,

    λ_max(H) ≤ e^{−γ} (1 + γ A (1 + 5 x_max²) + √(1 + x_max²)),    L = log(1 + e^{−γ}),

while ∫|f''| = γ A and ‖θ‖² = γ Σ|a_j| (2 + t_j²) + γ². At moderate γ the same network is sharp.

Proof. Every example has curvature and slope at most e^{−γ}. With w1_j² = w2_j² = γ|a_j| its gradient has
‖∇f(x_i)‖² ≤ 1 + Σ_j γ|a_j| (x_i² + 1 + (x_i − t_j)²) ≤ 1 + γ A (1 + 5 x_max²), because |x_i − t_j| ≤ 2 x_max.
λ_max(G) is at most the mean of curvature times squared gradient, ‖R‖ at most √(1 + x_max²) times the mean
slope.

Source: Theorem 3.1 of Qiao and Wang (2025), of which only a summary was read; explicit construction derived
here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import positive
from stepscape.errors import bad
from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.line.margins import labeled_points
from stepscape.theory.line.weight import knots_at_data

if TYPE_CHECKING:
    from stepscape.network import TwoLayerReLU

_NEAR = 700.0  # e^−700 still has all its digits
SHIFT = 0.05  # of a gap, from an input to the bend behind it: errors of the slope shrink by 1/19 per gap


def flat_interpolator(inputs: ArrayLike, labels: ArrayLike, margin: float) -> TwoLayerReLU:
    """Build a network with f(x_i) = γ y_i that has at most one neuron per gap between distinct inputs.

    Parameters
    ----------
    inputs : (n,), in any order; equal ones must carry equal labels.
    labels : (n,), ±1 or 0/1. With one class only the network is a constant.
    margin : γ > 0.

    Raises
    ------
    InputError
        Equal inputs with opposite labels; inputs so close that no bend fits between them, or that γ A is not
        finite.

    Notes
    -----
    |f(x_i) − γ y_i| ≤ 64·eps·γ·A·(1 + x_max) in float64.
    """
    from stepscape.network import TwoLayerReLU  # the one theorem that builds a network

    x, y = labeled_points(inputs, labels)
    knots, changes = _finite_bends(x, y, margin)
    w1 = np.sqrt(margin * np.abs(changes))
    if not w1.size:
        return TwoLayerReLU(np.zeros(1), np.zeros(1), np.zeros(1), margin * float(y[0]))
    if knots_at_data(w1, -w1 * knots, x):
        raise bad("inputs", "be farther apart than rounding", f"a gap of {np.diff(x).min():.3g}")
    return TwoLayerReLU(w1, -w1 * knots, np.sign(changes) * w1, margin * float(y[0]))


@dataclass(frozen=True)
class FlatInterpolatorBound:
    """The numbers of `flat_interpolator` that are known without building it.

    Attributes
    ----------
    sharpness : upper bound on λ_max of the logistic loss, for any averaging weights.
    size : A = Σ|a_j|, the variation per unit of margin.
    variation : ∫|f''| = γ A.
    squared_norm : ‖θ‖².
    loss : L = log(1 + e^{−γ}).
    """

    sharpness: float
    size: float
    variation: float
    squared_norm: float
    loss: float


def flat_interpolator_bound(inputs: ArrayLike, labels: ArrayLike, margin: float) -> FlatInterpolatorBound:
    """Evaluate the formulas of this module; arguments as in `flat_interpolator`."""
    x, y = labeled_points(inputs, labels)
    knots, changes = _finite_bends(x, y, margin)
    cost, x_max = np.abs(changes), float(np.abs(x).max())
    size = float(cost.sum())
    unit = math.ldexp(1.0, max(math.frexp(x_max)[1] - 1, 0))  # a length: squares of far knots overflow
    norm = margin * float(cost @ (2.0 / unit / unit + (knots / unit) ** 2)) * unit * unit
    return FlatInterpolatorBound(
        sharpness=sharpness_bound(margin, size, x_max),
        size=size,
        variation=margin * size,
        squared_norm=norm + margin * margin,
        loss=math.log1p(math.exp(-margin)),
    )


def sharpness_bound(margin: float, size: float, x_max: float) -> float:
    """e^{−γ} (1 + γ A (1 + 5 x_max²) + √(1 + x_max²)), in logarithms where a factor is no longer a number."""
    slope = math.hypot(1.0, x_max)
    whole = 1.0 + margin * size * (1.0 + 5.0 * x_max * x_max) + slope
    if margin < _NEAR and math.isfinite(whole):
        return math.exp(-margin) * whole
    square = math.log(5.0) + 2.0 * math.log(math.hypot(math.sqrt(0.2), x_max))
    with np.errstate(divide="ignore", over="ignore"):
        terms = np.log([1.0 + slope, margin * size]) + np.array([0.0, square])
        return float(np.exp(terms - margin).sum())


def _finite_bends(x: FloatArray, y: FloatArray, margin: float) -> tuple[FloatArray, FloatArray]:
    positive("margin", margin)
    knots, changes = _bends(x, y)
    size = margin * float(np.abs(changes).sum())
    if not math.isfinite(size):
        raise bad("margin times the slopes between the inputs", "be finite", size)
    return knots, changes


def _bends(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Knots t_j and slope changes a_j ≠ 0.

    Along equal labels each gap multiplies the slope by −1/19; once it moves f by less than eps, it is set to
    0.
    """
    bends, slope = [], 0.0
    at, label = x.tolist(), y.tolist()
    for here, there, now, then in zip(at[:-1], at[1:], label[:-1], label[1:], strict=True):
        knot = here + SHIFT * (there - here)
        drift = slope * (knot - here)
        level = now == then and abs(drift) < EPS
        turned = 0.0 if level else (then - now - drift) / (there - knot)
        if turned != slope:
            bends.append((knot, turned - slope))
        slope = turned
    knots, changes = np.array(bends).reshape(-1, 2).T
    return knots, changes
