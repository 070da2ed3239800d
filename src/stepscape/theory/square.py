"""Square loss, one input dimension: flat networks have small weighted variation, one theorem a function.

The network f(x) = Σ_j w2_j max(w1_j x + b1_j, 0) + b2, the loss L = ½ Σ_i v_i (f(x_i) − y_i)² with Σ v_i
= 1 (v_i = 1/n without weights), H its Hessian on the trained coordinates, H = G + R with the Gauss-Newton
part G = Φᵀ diag(v) Φ and the residual block R. With all blocks trained:

    T0  gauss_newton     1 + 2 TV_side ≤ λ_max(G)
    T1  sharpness            TV_side ≤ λ_max(H)/2 − ½ + ½ ‖R‖,     ‖R‖ = max_j √(p_j² + q_j²)
    T2  sharpness_loss       TV_side ≤ λ_max(H)/2 − ½ + ½ √(1 + x_max²) √(2L)
    T3  published            ∫|f''|g ≤ λ_max(H)/2 − ½ + x_max √(2L),     x_max = max(1/√3, max|x_i|)

Proof. Testing the Gram matrix with √v gives λ_max(G) ≥ ‖Σ_i v_i ∇f(x_i)‖²; its b2 entry is 1, its entries
of neuron j are those of `stepscape.theory.law.factor`, and the inequality of the means gives T0. λ_max(G)
≤ λ_max(H) + ‖R‖ gives T1, Cauchy-Schwarz ‖R‖ ≤ √(1 + x_max²) Σ v_i |r_i| gives T2, and ½ √(1 + x²) ≤ x
exactly for x ≥ 1/√3 gives T3. When b2 is not trained its 1 goes (and the −½); when w1 or b1 is not
trained, the root in g and in T2 becomes 1 or |·|. When w2, or both w1 and b1, are not trained, no such
bound exists.

Every function takes the network (w1, b1, w2, each (k,)), the inputs (n,) and optional weights (n,), the
trained blocks, and measured numbers; the measured largest eigenvalue enters the right side together with
its residual.

Source: Qiao et al. (2024), Theorem 3.1, after Mulayoff et al. (2021), Theorem 1; T0 to T2 are steps of
its proof.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import bad
from stepscape.theory.certificate import EPS, Certificate
from stepscape.theory.function_space import knots, neurons, tv_and_scale
from stepscape.theory.law import BLOCKS, FloatArray, Law, empirical_law, factor, no_bound

PUBLISHED = "Qiao et al. (2024), Theorem 3.1"
_SMALLEST_RADIUS = 1.0 / math.sqrt(3.0)


@dataclass(frozen=True, eq=False)
class _Setting:
    """What all theorems share: the law, the left side, the premises."""

    law: Law
    trainable: tuple[str, ...]
    variation: float
    scale: float
    unmet: tuple[str, ...]

    @property
    def offset(self) -> float:
        """The share of the output bias in λ_max(G): its 1 if it is trained."""
        return 1.0 if "b2" in self.trainable else 0.0

    def reach(self, x_max: float) -> float:
        """‖R‖ ≤ reach·√(2L); nan where no bound exists anyway."""
        return math.nan if no_bound(self.trainable) else float(factor(x_max, self.trainable))


def _setting(
    form: str,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None,
    trainable: Sequence[str],
) -> _Setting:
    law = empirical_law(inputs, weights)
    unmet = no_bound(trainable)
    variation, scale = (math.nan, math.nan) if unmet else tv_and_scale(w1, b1, w2, law, form, trainable)
    if knots_at_data(w1, b1, law.points):
        unmet += ("no knot lies on an input",)
    return _Setting(law, tuple(trainable), variation, scale, unmet)


def knots_at_data(w1: ArrayLike, b1: ArrayLike, points: FloatArray) -> int:
    """Count the neurons whose knot is an input, up to the rounding of w1·x + b1 (4 eps of its terms).

    ``points`` are the distinct inputs, sorted. There the loss is not twice differentiable.
    """
    w, b, _ = neurons(w1, b1, np.zeros_like(np.asarray(w1, dtype=np.float64)))
    after = np.searchsorted(points, knots(w, b))
    hit = np.zeros(w.shape, dtype=bool)
    for neighbor in (after - 1, after):
        x = points[np.clip(neighbor, 0, points.size - 1)]
        hit |= np.abs(w * x + b) <= 4.0 * EPS * (np.abs(w * x) + np.abs(b))
    return int(hit.sum())


def _certificate(
    name: str,
    setting: _Setting,
    left: str,
    right: str,
    terms: Sequence[float],
    source: str,
    premises: Sequence[str] = (),
    unmet: Sequence[str] = (),
    details: Mapping[str, float] | None = None,
) -> Certificate:
    """TV ≤ Σ terms; the −½ of the output bias is added here."""
    half = setting.offset / 2.0
    return Certificate(
        left=setting.variation,
        right=math.fsum(terms) - half,
        assumptions=_premises(setting) + tuple(premises),
        source=source,
        name=name,
        statement=f"{left} ≤ λ_max(H)/2{' − ½' if half else ''} + {right}",
        unmet=setting.unmet + tuple(unmet),
        scale=setting.scale + sum(map(abs, terms)) + half,
        details=details or {},
    )


def _premises(setting: _Setting) -> tuple[str, ...]:
    return (
        "square loss ½ Σ v_i (f(x_i) − y_i)², Σ v_i = 1",
        f"two-layer ReLU network on the line, trained blocks {', '.join(setting.trainable)}",
        "no knot lies on an input",
    )


def gauss_newton(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    largest_eigenvalue: float,
    residual: float = 0.0,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """T0: 1 + 2 TV_side ≤ λ_max(G), at every point whatever the labels; equality is attained.

    ``largest_eigenvalue`` is λ_max of the Gauss-Newton part on the trained coordinates.
    """
    setting = _setting("side", w1, b1, w2, inputs, weights, trainable)
    offset = setting.offset
    return Certificate(
        left=offset + 2.0 * setting.variation,
        right=float(largest_eigenvalue + residual),
        assumptions=_premises(setting),
        source="Mulayoff et al. (2021), proof of Theorem 1",
        name="gauss_newton",
        statement=f"{'1 + ' if offset else ''}2 Σ |w1 w2| g^±(τ) ≤ λ_max(G)",
        unmet=setting.unmet,
        scale=offset + 2.0 * setting.scale + abs(largest_eigenvalue) + abs(residual),
    )


def sharpness(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    residual_norm: float,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """T1: TV_side ≤ λ_max(H)/2 − ½ + ½ ‖R‖, at every point; equality is attained.

    ``residual`` belongs to the eigenvalue; ``residual_norm`` is ‖R‖ on the trained coordinates.
    """
    return _certificate(
        "sharpness",
        _setting("side", w1, b1, w2, inputs, weights, trainable),
        "Σ |w1 w2| g^±(τ)",
        "½ ‖R‖",
        (0.5 * sharpness, 0.5 * residual, 0.5 * residual_norm),
        "Mulayoff et al. (2021), proof of Theorem 1, and Weyl's inequality",
    )


def sharpness_loss(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    loss: float,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """T2: TV_side ≤ λ_max(H)/2 − ½ + ½ √(1 + x_max²) √(2L) with x_max = max|x_i|, at every point."""
    setting = _setting("side", w1, b1, w2, inputs, weights, trainable)
    return _certificate(
        "sharpness_loss",
        setting,
        "Σ |w1 w2| g^±(τ)",
        f"½ {_root_name(trainable)} √(2L)",
        (0.5 * sharpness, 0.5 * residual, 0.5 * setting.reach(setting.law.largest) * _root(loss)),
        f"{PUBLISHED}, with the constant of its proof",
    )


def published(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    loss: float,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """T3: ∫|f''|g ≤ λ_max(H)/2 − ½ + x_max √(2L) with x_max = max(1/√3, max|x_i|), at every point."""
    setting = _setting("function", w1, b1, w2, inputs, weights, trainable)
    x_max = max(_SMALLEST_RADIUS, setting.law.largest)
    return _certificate(
        "published",
        setting,
        "∫|f''|g",
        "x_max √(2L), x_max = max(1/√3, max|x|)",
        (0.5 * sharpness, 0.5 * residual, x_max * _root(loss)),
        PUBLISHED,
        details={"x_max": x_max},
    )


def published_as_printed(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    loss: float,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """T3 with x_max = max|x_i| taken literally: for teaching, it can be false.

    False for every max|x_i| < 1/√15 ≈ 0.258 (`counterexample`), proved for max|x_i| ≥ 1/√3, open between.
    `published` repairs it: x_max may be any bound on the |x_i|.
    """
    setting = _setting("function", w1, b1, w2, inputs, weights, trainable)
    x_max = setting.law.largest
    return _certificate(
        "published_as_printed",
        setting,
        "∫|f''|g",
        "max|x| √(2L)",
        (0.5 * sharpness, 0.5 * residual, x_max * _root(loss)),
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, as printed",
        details={"x_max": x_max},
    )


def noisy(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    mse: float = math.nan,
    noise: float = math.nan,
    delta: float = 0.05,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """T2 against the truth: labels y_i = f0(x_i) + ε_i with ε_i independent N(0, σ²).

    With probability at least 1 − δ over the noise, for all networks at once, whatever their width and however
    they depend on the noise,

        TV_side ≤ λ_max(H)/2 − ½ + ½ √(1 + x_max²) (√MSE + σ √(2 Σ v_i² log(8 (m + 1)/δ)))

    Proof. r = (f − f0) − ε. On the line the active sets are half-lines, at most 2(m + 1) patterns of m
    distinct inputs; for each the two sums Σ v_i ε_i s_i (x_i, 1) are Gaussian of variance at most
    σ² Σ v_i² (x_max², 1); a union bound over 4(m + 1) of them, two tails each, and Cauchy-Schwarz for f − f0.

    Parameters
    ----------
    mse : Σ v_i (f(x_i) − f0(x_i))² on the inputs; nan if the truth is not known.
    noise : σ; nan if not known.
    delta : allowed probability of failure, in (0, 1).

    ``details["published_right"]``, for information, is the published form with the constant and the logarithm
    of its Õ set to 1: λ/2 − ½ + σ x_max min(1, √(k Σ v_i²)) + x_max √MSE.
    """
    if not 0.0 < delta < 1.0:
        raise bad("delta", "lie strictly between 0 and 1", delta)
    if noise < 0.0:
        raise bad("noise", "be nonnegative", noise)
    setting = _setting("side", w1, b1, w2, inputs, weights, trainable)
    law, known = setting.law, math.isfinite(mse) and math.isfinite(noise)
    reach = 0.5 * setting.reach(law.largest)
    tails = math.sqrt(2.0 * _square_sum(inputs, weights) * math.log(8.0 * (law.points.size + 1) / delta))
    published_noise = noise * min(1.0, math.sqrt(np.size(w1) * _square_sum(inputs, weights)))
    printed = 0.5 * (sharpness + residual - setting.offset) + law.largest * (
        published_noise + _root(mse / 2.0)
    )
    return _certificate(
        "noisy",
        setting,
        "Σ |w1 w2| g^±(τ)",
        f"½ {_root_name(trainable)} (√MSE + σ √(2 Σv² log(8(m+1)/δ)))",
        (0.5 * sharpness, 0.5 * residual, reach * _root(mse / 2.0), reach * noise * tails),
        "derived here for one input dimension; published form: Qiao et al. (2024), noisy labels",
        premises=(f"independent Gaussian noise; with probability at least {1.0 - delta:g}",),
        unmet=() if known else ("the truth and the noise level are known",),
        details={"published_right": printed, "delta": delta},
    )


def _root_name(trainable: Sequence[str]) -> str:
    if {"w1", "b1"} <= set(trainable):
        return "√(1 + x_max²)"
    return "x_max" if "w1" in trainable else "1 ·"


def _root(loss: float) -> float:
    """√(2L)."""
    if loss < 0.0:
        raise bad("loss", "be nonnegative", loss)
    return math.sqrt(2.0 * loss)


def _square_sum(inputs: ArrayLike, weights: ArrayLike | None) -> float:
    """Σ v_i² over the samples, repeated inputs apart: each has its own noise."""
    if weights is None:
        return 1.0 / np.size(inputs)
    v = np.asarray(weights, dtype=np.float64)
    return float(v @ v) / float(v.sum()) ** 2


def counterexample(
    a: float = 0.1, c: float = 20.0, rho: float = 0.5
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, float]:
    """Construct inputs, labels, w1, b1, w2, b2 that violate T3 as printed for a < 1/√15 and large c.

    Two inputs ∓a, two neurons back to back with their knots at 0 and ∫|f''|g = c/4, every label ρ above the
    function: r = −ρ. Then ‖R‖ = ½ρ√(1 + a²), and λ_max(H) → λ_max(G) − ‖R‖ as c → ∞.
    With a = 0.1, c = 20, ρ = 0.5: 5.000 on the left, 4.936 on the right.
    """
    for name, value in (("a", a), ("c", c), ("rho", rho)):
        if not (math.isfinite(value) and value > 0.0):
            raise bad(name, "be finite and positive", value)
    root = math.hypot(1.0, a)
    product = c / (2.0 * a * root)
    s = math.sqrt(product * root / a)
    u = product / s
    inputs = np.array([-a, a])
    return inputs, np.full(2, u * s * a + rho), np.array([s, -s]), np.zeros(2), np.array([u, u]), 0.0
