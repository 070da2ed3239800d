"""Where a classifier is uncertain, and the bound on its variation there (L2 of `logistic`).

A_γ = {i: |f(x_i)| ≤ γ}. As γ grows, A_γ and its mass v(A_γ) grow and the least curvature Γ(γ) in it falls.
The bound on ∫|f''|g_A depends on γ through v(A_γ) Γ(γ) alone, which is largest at one of the |f(x_i)|:
between two of them Γ(γ) falls and nothing is gained. g_A vanishes outside the hull of the uncertain inputs,
and everywhere when they are all equal: in that case the bound says nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative, reals
from stepscape.errors import expect
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import FloatArray, input_distribution
from stepscape.theory.line.facts import Facts, Variation
from stepscape.theory.line.logistic_curvature import (
    CurvatureWeights,
    Remainder,
    confidence_curvature,
    flat_bound,
    relative_curvature,
    stationary_remainder,
)

_VARIATION = "∫|f''|g_A"


def uncertain_set(predictions: ArrayLike, gamma: float) -> NDArray[np.bool_]:
    """Mask of the predictions with |f| ≤ γ, where the probability of either label is at least s(−γ)."""
    level = nonnegative("gamma", gamma, "be finite and nonnegative")
    return np.asarray(np.abs(reals("predictions", predictions)) <= level)


def ends(points: FloatArray) -> tuple[float, float]:
    """Smallest and largest of them; nan twice if there are none."""
    return (float(points.min()), float(points.max())) if points.size else (math.nan, math.nan)


def best_gamma(facts: Facts) -> float:
    """Return the |f_i| with the largest v(A) Γ."""
    return best_level(facts.landscape.predictions, facts.averaging)


def best_level(predictions: FloatArray, v: FloatArray) -> float:
    """Return the |f_i| with the largest v(A) Γ, compared in logarithms: Γ may underflow."""
    f = np.abs(predictions)
    order = np.argsort(f[v > 0.0])
    size, mass = f[v > 0.0][order], np.cumsum(v[v > 0.0][order])
    return float(size[np.argmax(np.log(mass) - size - 2.0 * np.log1p(np.exp(-size)))])


def _curvature_where_uncertain(facts: Facts, gamma: float) -> CurvatureWeights:
    """Take c_i = v_i Γ on A and 0 elsewhere."""
    x, f, v = facts.inputs, facts.landscape.predictions, facts.averaging
    inside = uncertain_set(f, gamma) & (v > 0.0)
    some = bool(inside.any())
    variation = Variation(_VARIATION, 0.0, 0.0)
    if some:
        variation = facts.variation(_VARIATION, "function", input_distribution(x[inside], v[inside]))
    share, least = float(v[inside].sum()), confidence_curvature(gamma)
    ratio, largest = relative_curvature(f, v)
    low, high = ends(x[inside])
    details = {
        "gamma": gamma,
        "count": int(inside.sum()),
        "share": share,
        "confidence_curvature": least,
        "low": low,
        "high": high,
        "mean_curvature": float(v @ ratio) * largest,
    }
    premise = f"some input is uncertain, |f(x_i)| ≤ {gamma:g}"
    return CurvatureWeights("v(A) Γ", share * least, variation, details, premise, some)


def _remainder(facts: Facts) -> Remainder:
    """‖R‖ ≤ √(1 + x_max²)(1 − e^{−L})."""
    value, off = -facts.reach * math.expm1(-facts.landscape.loss), facts.reach * facts.landscape.loss_error
    return Remainder(value, f"{facts.reach_name}(1 − e^{{−L}})", value, off)


def uncertain(facts: Facts) -> Certificate:
    """L2: ∫|f''|g_A ≤ (λ_max(H) + √(1 + x_max²)(1 − e^{−L}))/(2 v(A) Γ) − ½, at every point, for every γ.

    ``details`` hold γ, the count and the mass of A, Γ(γ), the hull of A and D̄.
    """
    expect("facts", facts, Facts)
    weights = _curvature_where_uncertain(facts, facts.gamma)
    return flat_bound("uncertain", facts, weights, _remainder(facts))


def uncertain_best(facts: Facts) -> Certificate:
    """L2 at the γ with the smallest right side, whatever the sharpness and the loss: the largest v(A) Γ."""
    expect("facts", facts, Facts)
    weights = _curvature_where_uncertain(facts, best_gamma(facts))
    return flat_bound("uncertain_best", facts, weights, _remainder(facts))


def uncertain_stationary(facts: Facts) -> Certificate:
    """L2 at a stationary point and the best γ: ∫|f''|g_A ≤ λ_max(H)/(2 v(A) Γ) − ½."""
    expect("facts", facts, Facts)
    weights = _curvature_where_uncertain(facts, best_gamma(facts))
    return flat_bound("uncertain_stationary", facts, weights, stationary_remainder(facts))
