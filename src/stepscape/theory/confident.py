"""Interpolating classifiers: as flat as one likes once they are confident, and what their margin costs.

Flat. Let x_1 < … < x_m be the distinct inputs and y_i = ±1. The bend number j < m lies at t_j = x_j +
(x_{j+1} − x_j)/20 and turns the slope so that the line meets y_{j+1}; it is the a_j of

    f = γ (y_1 + Σ_j a_j max(x − t_j, 0)),    w1_j = √(γ|a_j|),  b1_j = −w1_j t_j,  w2_j = γ a_j/w1_j.

f(x_i) = γ y_i. With A = Σ|a_j|, every example has curvature and slope at most e^{−γ}, and ‖∇f(x_i)‖² ≤ 1 +
γ A (1 + 5 x_max²), because |x_i − t_j| ≤ 2 x_max. For any averaging weights therefore

    λ_max(H) ≤ e^{−γ} (1 + γ A (1 + 5 x_max²) + √(1 + x_max²)),    L = log(1 + e^{−γ}),

while ∫|f''| = γ A and ‖θ‖² = γ Σ|a_j| (2 + t_j²) + γ². At moderate γ the same network is sharp.

What margin costs. Consecutive equal labels form R runs; h_r is the gap between run r and run r + 1. Over all
f with y_i f(x_i) ≥ γ

    min ∫|f''| = γ · Σ_r 2 c_r/h_r  if R ≥ 3, else 0,    c_1 = c_{R−1} = 1, the other c_r = 2.

Proof. Connect-the-dots has the least ∫|f''| among the functions with given values, so f may be taken
piecewise linear with kinks at the inputs. ≤: let f be γ y_i on the inner runs and continue as a straight line
over the outer ones, where it only gains; its slopes are ±2γ/h_r across the gaps and 0 between. ≥: let p be
±1 on the inner runs, y_i there with the opposite sign, 0 on the outer ones, linear in the gaps. p is
continuous, |p| ≤ 1, 0 outside the gaps, and its slope changes have the sign of y_i at every x_i, so ∫|f''| ≥
∫ p f'' = Σ_i f(x_i)·(slope change of p at x_i) ≥ γ Σ_i |slope change of p at x_i|, which is the sum above.

Source: the first half is Theorem 3.1 of Qiao and Wang (2025), of which only a summary was read, explicit
construction derived here; the second half is derived here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import InputError, bad
from stepscape.theory.certificate import EPS, Certificate
from stepscape.theory.function_space import total_variation
from stepscape.theory.law import FloatArray, vector
from stepscape.theory.logistic import labels_of, magnitude_of
from stepscape.theory.setting import knots_at_data

if TYPE_CHECKING:
    from stepscape.network import TwoLayerReLU

SHIFT = 0.05  # of a gap, from an input to the bend behind it: errors of the slope shrink by 1/19 a gap
_RIGHT = "the network gives every input the sign of its label"


def flat_interpolator(inputs: ArrayLike, labels: ArrayLike, margin: float) -> TwoLayerReLU:
    """Build the network with f(x_i) = γ y_i, of at most as many neurons as gaps between distinct inputs.

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

    x, y = _distinct(inputs, labels)
    knots, changes = _finite_bends(x, y, margin)
    w1 = np.sqrt(margin * np.abs(changes))
    if not w1.size:
        return TwoLayerReLU(np.zeros(1), np.zeros(1), np.zeros(1), margin * float(y[0]))
    if knots_at_data(w1, -w1 * knots, x):
        raise bad("inputs", "be farther apart than rounding", f"a gap of {np.diff(x).min():.3g}")
    return TwoLayerReLU(w1, -w1 * knots, np.sign(changes) * w1, margin * float(y[0]))


@dataclass(frozen=True)
class FlatInterpolatorBound:
    """What is known of `flat_interpolator` without looking at it.

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
    """Evaluate the formulas of this module's first half; arguments as in `flat_interpolator`."""
    x, y = _distinct(inputs, labels)
    knots, changes = _finite_bends(x, y, margin)
    cost, x_max = np.abs(changes), float(np.abs(x).max())
    size = float(cost.sum())
    gradient = 1.0 + margin * size * (1.0 + 5.0 * x_max * x_max)
    return FlatInterpolatorBound(
        sharpness=math.exp(-margin) * (gradient + math.hypot(1.0, x_max)),
        size=size,
        variation=margin * size,
        squared_norm=margin * float(cost @ (2.0 + knots * knots)) + margin * margin,
        loss=math.log1p(math.exp(-margin)),
    )


@dataclass(frozen=True)
class MarginCost:
    """The least ∫|f''| of a function with y_i f(x_i) ≥ 1.

    Attributes
    ----------
    exact : the minimum, in closed form.
    hats : the weaker bound by disjoint hat functions: an input whose two neighbors have the other label costs
        2/h + 2/h', its two gaps; the largest sum over such inputs of which no two are neighbors.
    changes : how often the label changes along the line.
    """

    exact: float
    hats: float
    changes: int


def margin_cost(inputs: ArrayLike, labels: ArrayLike) -> MarginCost:
    """Compute what a margin of 1 costs in ∫|f''|; it is proportional to the margin.

    Parameters as in `flat_interpolator`.
    """
    x, y = _distinct(inputs, labels)
    with np.errstate(over="ignore"):
        steepness = np.abs(np.diff(y)) / np.diff(x)
        across = steepness[steepness > 0.0]
        exact = across[0] + 2.0 * across[1:-1].sum() + across[-1] if across.size > 1 else 0.0
        # An input is isolated where both its gaps are steep.
        alone = np.minimum(steepness[:-1], steepness[1:]) > 0.0
        hats = _apart(np.where(alone, steepness[:-1] + steepness[1:], 0.0))
    return MarginCost(float(exact), hats, int(across.size))


def interpolation_margin(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    b2: float,
    inputs: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
) -> Certificate:
    """2γ·cost ≤ 2∫|f''| ≤ ‖θ‖² with γ = min y_i f(x_i) > 0: a margin on noisy labels needs a large norm.

    ``predictions`` (n,) are f at the inputs. ``details``: γ, the cost per unit of margin, the middle of the
    chain ``twice_variation``, and ``hats``, the left side by hat functions.
    """
    x, f = vector("inputs", inputs), vector("predictions", predictions)
    if f.shape != x.shape:
        raise bad("predictions", f"have one entry per input ({x.size})", f.size)
    y = labels_of(labels, x)
    w, b, u = (np.asarray(a, dtype=np.float64) for a in (w1, b1, w2))
    margin, norm = float((y * f).min()), float(w @ w + b @ b + u @ u + b2 * b2)
    fits = margin > 0.0
    cost = margin_cost(x, y) if fits else MarginCost(math.nan, math.nan, 0)
    left, size = 2.0 * margin * cost.exact, magnitude_of(w, b, u, float(np.abs(x).max()), f)
    return Certificate(
        left=left,
        right=norm,
        assumptions=("two-layer ReLU network on the line", _RIGHT),
        source="derived here",
        name="interpolation_margin",
        statement="2γ·min{∫|h''|: y_i h(x_i) ≥ 1} ≤ ‖θ‖²",
        unmet=() if fits else (_RIGHT,),
        scale=norm + 2.0 * size * cost.exact,
        details={
            "margin": margin,
            "cost": cost.exact,
            "twice_variation": 2.0 * total_variation(w, b, u),
            "hats": 2.0 * margin * cost.hats,
        },
    )


def _distinct(inputs: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Distinct inputs, sorted, and their labels ±1."""
    given = vector("inputs", inputs)
    y = labels_of(labels, given)
    x, first, where = np.unique(given, return_index=True, return_inverse=True)
    torn = given[y != y[first][where]]
    if torn.size:
        raise InputError(f"no function fits both labels of the input {torn[0]:g}; equal inputs must agree")
    return x, y[first]


def _finite_bends(x: FloatArray, y: FloatArray, margin: float) -> tuple[FloatArray, FloatArray]:
    if not (math.isfinite(margin) and margin > 0.0):
        raise bad("margin", "be finite and positive", margin)
    knots, changes = _bends(x, y)
    size = margin * float(np.abs(changes).sum())
    if not math.isfinite(size):
        raise bad("margin times the slopes between the inputs", "be finite", size)
    return knots, changes


def _bends(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Knots t_j and slope changes a_j ≠ 0.

    Along equal labels the slope shrinks by −1/19 a gap; once it moves f by less than eps it is set to 0.
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


def _apart(worth: FloatArray) -> float:
    """Largest sum of entries no two of which are neighbors."""
    before, best = 0.0, 0.0
    for value in worth.tolist():
        before, best = best, max(best, before + value)
    return best
