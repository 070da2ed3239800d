"""What is proved of descent of logistic regression with any step size, with every constant.

Everywhere L(w) = (1/n) Σ ℓ(z_i·w), ℓ(m) = log(1 + e^{−m}), ‖z_i‖ ≤ 1, the largest margin is γ > 0 with the
direction w*, and descent begins at 0. G = (1/n) Σ |ℓ'(z_i·w)| ≤ min(L, 1), so that γG ≤ ‖∇L‖ ≤ G.

**Splitting.** For u = u₁ + (η/(2γ)) w* the second part pays for the second order of the step,

    2η⟨∇L, (η/(2γ)) w*⟩ + η²‖∇L‖² ≤ −η²G + η²G² ≤ 0,

and the convexity of L bounds the rest: Σ_{t<T} 2η (L(w_t) − L(u₁)) + ‖w_T − u‖² ≤ ‖u‖². With u₁ = (b/γ) w*,
b = log(γ²ηT), it is L(u₁) ≤ 1/(γ²ηT).

**The exponential loss.** With φ = log (1/n) Σ e^{−z_i·w} in the place of L, whose steps −η∇φ adapt to the
loss, the weights of ∇φ sum to 1, φ is convex, and φ(u₁) ≤ −b for every u₁ = (b/γ) w* with b ≥ 0. The best b
gives φ ≤ −(η/2)(γ²T − 1) at the averaged iterate, and log L ≤ φ. The rule η e^L/(e^L − 1) of the logistic
loss follows φ = log(e^L − 1); there the weights sum to at most 1, but φ is not convex, and to as little as
1/n while one example is far on the wrong side: the same bound is not proved, and does not hold for all data.

**Calm.** Along a step −η∇L the margins change by at most ηG, so that ℓ'' ≤ |ℓ'| and |ℓ'''| ≤ ℓ'' bound the
curvature by e^{ηG} G, and L falls where ηG e^{ηG} ≤ 2. If ηL ≤ W(2) once, that is so forever.

Source: Wu et al. (2024), Theorem 1 and Lemma 9; Zhang et al. (2025); the constants are derived here.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CALM = 0.8526055020137254  # x with x e^x = 2: descent is monotone once ηL is at most this


def average_bound(margin: float, step_size: float, steps: Array) -> Array:
    """Return [1 + ½ (log(γ²ηT) + η/2)²]/(γ²ηT) ≥ (1/T) Σ_{t<T} L(w_t), where γ²ηT ≥ 1; else ∞."""
    pull = margin**2 * step_size * steps
    known = np.maximum(pull, 1.0)
    bound = (1.0 + 0.5 * (np.log(known) + 0.5 * step_size) ** 2) / known
    return np.asarray(np.where(pull >= 1.0, bound, np.inf))


def accelerated_bound(margin: float, step_size: float, steps: Array) -> Array:
    """Return 1/(γ²ηT²) + 2 log(γ²ηT²)²/(γ²η(T + 1)²) ≥ L(w_T) of Nesterov's method, where γ²ηT² ≥ 1; else ∞.

    η is at most one over the largest curvature.
    """
    pull = margin**2 * step_size * steps**2
    known = np.maximum(pull, 1.0)
    bound = 1.0 / known + 2.0 * np.log(known) ** 2 / (margin**2 * step_size * (steps + 1.0) ** 2)
    return np.asarray(np.where(pull >= 1.0, bound, np.inf))


def adaptive_bound(margin: float, step_size: float, steps: Array) -> Array:
    """Return −(η/2)(γ²T − 1), where γ²T ≥ ½; else ∞.

    At least log L of the average of the first T iterates of descent on log (1/n) Σ e^{−z_i·w}.
    """
    pull = margin**2 * steps
    return np.asarray(np.where(pull >= 0.5, -0.5 * step_size * (pull - 1.0), np.inf))


def phase_bound(margin: float, step_size: float, examples: int) -> int:
    """Return a number T of steps before which ηL ≤ W(2) for the first time; of the order max(η, n)/γ².

    Each step moves γηG along w*, so that γη Σ G ≤ ‖w_T‖ ≤ 2‖u‖ + √(2ηT L(u₁)), and the smallest G before T
    is at most [√2 + 2 log(γ²ηT) + η]/(γ²ηT). Where that is at most 1/(2n), every example is on its side, and
    L ≤ 2 log 2 · G.
    """
    wanted = min(1.0 / (2.0 * examples), CALM / (2.0 * math.log(2.0) * step_size))
    low = math.ceil(1.0 / (margin**2 * step_size))
    # At γ²ηT = 1 the bound exceeds √2, and from 1.35 on it falls.
    high = low
    while _least(margin, step_size, high) > wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _least(margin, step_size, middle) > wanted else (low, middle)
    return high


def _least(margin: float, step_size: float, steps: int) -> float:
    pull = margin**2 * step_size * steps
    return (math.sqrt(2.0) + 2.0 * math.log(pull) + step_size) / pull
