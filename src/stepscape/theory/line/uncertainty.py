"""Where a classifier is uncertain, and the bound on its variation there (L2 of `logistic`).

A_γ = {i: |f(x_i)| ≤ γ}. As γ grows, A_γ and its mass v(A_γ) grow and the least curvature Γ(γ) in it falls.
The bound on ∫|f''|g_A depends on γ through v(A_γ) Γ(γ) alone, which is largest at one of the |f(x_i)|:
between two of them Γ(γ) falls and nothing is gained. g_A vanishes outside the hull of the uncertain inputs,
and everywhere when they are all equal: then the bound says nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import bad
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import BLOCKS, FloatArray, empirical_law, vector
from stepscape.theory.line.logistic_curvature import (
    Curved,
    Remainder,
    at_rest,
    averaged,
    confidence_curvature,
    flat_bound,
    magnitude_of,
    relative_curvature,
)
from stepscape.theory.line.premises import root_name, setting_of


def uncertain_set(predictions: ArrayLike, gamma: float) -> NDArray[np.bool_]:
    """Mask of the predictions with |f| ≤ γ, where the probability of either label is at least s(−γ)."""
    if not (math.isfinite(gamma) and gamma >= 0.0):
        raise bad("gamma", "be finite and nonnegative", gamma)
    return np.asarray(np.abs(np.asarray(predictions, dtype=np.float64)) <= gamma)


def ends(points: FloatArray) -> tuple[float, float]:
    """Smallest and largest of them; nan twice where there are none."""
    return (float(points.min()), float(points.max())) if points.size else (math.nan, math.nan)


def _best_gamma(f: FloatArray, v: FloatArray) -> float:
    """Return the |f_i| with the largest v(A) Γ, compared in logarithms: Γ may underflow."""
    order = np.argsort(np.abs(f[v > 0.0]))
    size, mass = np.abs(f[v > 0.0])[order], np.cumsum(v[v > 0.0][order])
    return float(size[np.argmax(np.log(mass) - size - 2.0 * np.log1p(np.exp(-size)))])


def _where_uncertain(
    gamma: float,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None,
    trainable: Sequence[str],
) -> Curved:
    f, v = averaged(inputs, predictions, weights)
    x = vector("inputs", inputs)
    inside = uncertain_set(f, gamma) & (v > 0.0)
    some = bool(inside.any())
    seen = empirical_law(x[inside], v[inside]) if some else None
    setting = setting_of("function", w1, b1, w2, inputs, weights, trainable, seen)
    low, high = ends(x[inside])
    share, gamma_curvature = float(v[inside].sum()), confidence_curvature(gamma)
    ratio, largest = relative_curvature(f, v)
    return Curved(
        setting if some else dataclasses.replace(setting, variation=0.0, scale=0.0),
        share * gamma_curvature,
        ("∫|f''|g_A", "v(A) Γ"),
        magnitude_of(w1, b1, w2, setting.law.largest, f),
        {
            "gamma": gamma,
            "count": int(inside.sum()),
            "share": share,
            "confidence_curvature": gamma_curvature,
            "low": low,
            "high": high,
            "mean_curvature": float(v @ ratio) * largest,
        },
        own_premise=f"some input is uncertain, |f(x_i)| ≤ {gamma:g}",
        own_premise_met=some,
    )


def uncertain(
    *,
    gamma: float,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    predictions: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    loss: float,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """L2: ∫|f''|g_A ≤ (λ_max(H) + √(1 + x_max²)(1 − e^{−L}))/(2 v(A) Γ) − ½, at every point, for every γ.

    ``details`` hold γ, the count and the mass of A, Γ(γ), the hull of A and D̄.
    """
    curved = _where_uncertain(gamma, w1, b1, w2, inputs, predictions, weights, trainable)
    return flat_bound("uncertain", curved, sharpness, residual, _by_loss(curved, loss))


def uncertain_best(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    predictions: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    loss: float,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """L2 at the γ with the smallest right side, whatever the sharpness and the loss: the largest v(A) Γ."""
    gamma = _best_gamma(*averaged(inputs, predictions, weights))
    curved = _where_uncertain(gamma, w1, b1, w2, inputs, predictions, weights, trainable)
    return flat_bound("uncertain_best", curved, sharpness, residual, _by_loss(curved, loss))


def uncertain_stationary(
    *,
    gamma: float | None = None,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """L2 at a stationary point: ∫|f''|g_A ≤ λ_max(H)/(2 v(A) Γ) − ½; without γ at the best one."""
    if gamma is None:
        gamma = _best_gamma(*averaged(inputs, predictions, weights))
    curved = _where_uncertain(gamma, w1, b1, w2, inputs, predictions, weights, trainable)
    remainder = at_rest(w1, b1, w2, inputs, labels, predictions, weights, trainable)
    return flat_bound("uncertain_stationary", curved, sharpness, residual, remainder)


def _by_loss(curved: Curved, loss: float) -> Remainder:
    """‖R‖ ≤ √(1 + x_max²)(1 − e^{−L})."""
    if loss < 0.0:
        raise bad("loss", "be nonnegative", loss)
    setting = curved.setting
    value = -setting.reach(setting.law.largest) * math.expm1(-loss)
    return Remainder(value, f"{root_name(setting.trainable)}(1 − e^{{−L}})", value)
