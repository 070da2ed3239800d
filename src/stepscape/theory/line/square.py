"""Square loss, one input dimension: flat networks have small weighted variation, one theorem a function.

The network f(x) = Σ_j w2_j max(w1_j x + b1_j, 0) + b2, the loss L = ½ Σ_i v_i (f(x_i) − y_i)² with Σ v_i
= 1 (v_i = 1/n without weights), H its Hessian on the trained coordinates, H = G + R with the Gauss-Newton
part G = Φᵀ diag(v) Φ and the residual block R. With all blocks trained:

    T0  gauss_newton     1 + 2 TV_side ≤ λ_max(G)
    T1  sharpness            TV_side ≤ λ_max(H)/2 − ½ + ½ ‖R‖,     ‖R‖ = max_j √(p_j² + q_j²)
    T2  sharpness_loss       TV_side ≤ λ_max(H)/2 − ½ + ½ √(1 + x_max²) √(2L)
    T3  published            ∫|f''|g ≤ λ_max(H)/2 − ½ + x_max √(2L),     x_max = max(1/√3, max|x_i|)

Proof. Testing the Gram matrix with √v gives λ_max(G) ≥ ‖Σ_i v_i ∇f(x_i)‖²; its b2 entry is 1, its entries
of neuron j are those of `distribution.factor`, and the inequality of the means gives T0. λ_max(G)
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

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import bad
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import BLOCKS, FloatArray
from stepscape.theory.line.premises import Setting, root_name, setting_of, square_sum

PUBLISHED = "Qiao et al. (2024), Theorem 3.1"
_LOSS = "square loss ½ Σ v_i (f(x_i) − y_i)²"
_SMALLEST_RADIUS = 1.0 / math.sqrt(3.0)


def _certificate(
    name: str,
    setting: Setting,
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
        assumptions=setting.premises(_LOSS) + tuple(premises),
        source=source,
        name=name,
        statement=f"{left} ≤ λ_max(H)/2{' − ½' if half else ''} + {right}",
        unmet=setting.unmet + tuple(unmet),
        scale=setting.scale + sum(map(abs, terms)) + half,
        details=details or {},
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
    setting = setting_of("side", w1, b1, w2, inputs, weights, trainable)
    offset = setting.offset
    return Certificate(
        left=offset + 2.0 * setting.variation,
        right=float(largest_eigenvalue + residual),
        assumptions=setting.premises(_LOSS),
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
        setting_of("side", w1, b1, w2, inputs, weights, trainable),
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
    setting = setting_of("side", w1, b1, w2, inputs, weights, trainable)
    return _certificate(
        "sharpness_loss",
        setting,
        "Σ |w1 w2| g^±(τ)",
        f"½ {root_name(trainable)} √(2L)",
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
    setting = setting_of("function", w1, b1, w2, inputs, weights, trainable)
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
    setting = setting_of("function", w1, b1, w2, inputs, weights, trainable)
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
    setting = setting_of("side", w1, b1, w2, inputs, weights, trainable)
    law, known = setting.law, math.isfinite(mse) and math.isfinite(noise)
    reach = 0.5 * setting.reach(law.largest)
    tails = math.sqrt(2.0 * square_sum(inputs, weights) * math.log(8.0 * (law.points.size + 1) / delta))
    published_noise = noise * min(1.0, math.sqrt(np.size(w1) * square_sum(inputs, weights)))
    printed = 0.5 * (sharpness + residual - setting.offset) + law.largest * (
        published_noise + _root(mse / 2.0)
    )
    return _certificate(
        "noisy",
        setting,
        "Σ |w1 w2| g^±(τ)",
        f"½ {root_name(trainable)} (√MSE + σ √(2 Σv² log(8(m+1)/δ)))",
        (0.5 * sharpness, 0.5 * residual, reach * _root(mse / 2.0), reach * noise * tails),
        "derived here for one input dimension; published form: Qiao et al. (2024), noisy labels",
        premises=(f"independent Gaussian noise; with probability at least {1.0 - delta:g}",),
        unmet=() if known else ("the truth and the noise level are known",),
        details={"published_right": printed, "delta": delta},
    )


def _root(loss: float) -> float:
    """√(2L)."""
    if loss < 0.0:
        raise bad("loss", "be nonnegative", loss)
    return math.sqrt(2.0 * loss)


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
