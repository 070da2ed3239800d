"""Square loss, one input dimension: flat networks have small weighted variation, one theorem per function.

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
exactly for x ≥ 1/√3 gives T3. Neither can be had for less: T2 is false with any smaller constant, and T3 with
max|x_i| < 1/√3 for x_max (`stepscape.theory.line.counterexample`). If b2 is not trained, its 1 vanishes (and
the −½); if w1 or b1 is not trained, the root in g and in T2 becomes 1 or |·|. If w2, or both w1 and b1, are
not trained, no such bound exists.

What is measured enters the right side with its two sides: a lower and an upper bound.

Source: Qiao et al. (2024), Theorem 3.1, after Mulayoff et al. (2021), Theorem 1; T0 to T2 are steps of
its proof.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from stepscape.arguments import positive
from stepscape.errors import expect
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.line.facts import Facts, Variation

PUBLISHED = "Qiao et al. (2024), Theorem 3.1"
_KNOWN = "the truth and the noise level are known"
_SMALLEST_RADIUS = 1.0 / math.sqrt(3.0)


class Term(NamedTuple):
    """A term of the right side: what it is at least and at most."""

    least: float
    most: float


def _spread(facts: Facts, reach: float) -> Term:
    """Reach times √(2L)."""
    loss, off = facts.landscape.loss, facts.landscape.loss_error
    return Term(reach * math.sqrt(2.0 * max(loss - off, 0.0)), reach * math.sqrt(2.0 * (loss + off)))


def _bound(
    name: str,
    facts: Facts,
    left: Variation,
    right: str,
    term: Term,
    source: str,
    details: dict[str, float] | None = None,
) -> Certificate:
    """TV ≤ λ_max(H)/2 + term; the −½ of the output bias is added here."""
    half, top = facts.offset / 2.0, facts.landscape.sharpness
    return Certificate(
        left=left.value,
        right=0.5 * top.lower + term.least - half,
        right_upper=0.5 * top.upper + term.most - half,
        assumptions=facts.premises,
        source=source,
        name=name,
        statement=f"{left.name} ≤ λ_max(H)/2{' − ½' if half else ''} + {right}",
        failed_premises=facts.failed_premises,
        scale=left.scale + 0.5 * abs(top.value) + term.most + half,
        details=details or {},
    )


def gauss_newton(facts: Facts) -> Certificate:
    """T0: 1 + 2 TV_side ≤ λ_max(G), at every point whatever the labels; equality is attained."""
    expect("facts", facts, Facts)
    offset, side, top = facts.offset, facts.side, facts.landscape.gauss_newton
    return Certificate(
        left=offset + 2.0 * side.value,
        right=top.lower,
        right_upper=top.upper,
        assumptions=facts.premises,
        source="Mulayoff et al. (2021), proof of Theorem 1",
        name="gauss_newton",
        statement=f"{'1 + ' if offset else ''}2 {side.name} ≤ λ_max(G)",
        failed_premises=facts.failed_premises,
        scale=offset + 2.0 * side.scale + abs(top.value),
    )


def sharpness(facts: Facts) -> Certificate:
    """T1: TV_side ≤ λ_max(H)/2 − ½ + ½ ‖R‖, at every point; equality is attained."""
    expect("facts", facts, Facts)
    source = "Mulayoff et al. (2021), proof of Theorem 1, and Weyl's inequality"
    norm, off = facts.landscape.residual_norm, facts.landscape.residual_norm_error
    return _bound(
        "sharpness", facts, facts.side, "½ ‖R‖", Term(0.5 * (norm - off), 0.5 * (norm + off)), source
    )


def sharpness_loss(facts: Facts) -> Certificate:
    """T2: TV_side ≤ λ_max(H)/2 − ½ + ½ √(1 + x_max²) √(2L) with x_max = max|x_i|, at every point."""
    expect("facts", facts, Facts)
    term = _spread(facts, 0.5 * facts.reach)
    source = f"{PUBLISHED}, with the constant of its proof"
    return _bound("sharpness_loss", facts, facts.side, f"½ {facts.reach_name} √(2L)", term, source)


def published(facts: Facts) -> Certificate:
    """T3: ∫|f''|g ≤ λ_max(H)/2 − ½ + x_max √(2L) with x_max = max(1/√3, max|x_i|), at every point."""
    expect("facts", facts, Facts)
    x_max = max(_SMALLEST_RADIUS, facts.distribution.largest)
    words = "x_max √(2L), x_max = max(1/√3, max|x|)"
    return _bound(
        "published", facts, facts.function, words, _spread(facts, x_max), PUBLISHED, {"x_max": x_max}
    )


def published_as_printed(facts: Facts) -> Certificate:
    """T3 with x_max = max|x_i| taken literally. It can be false and is kept for teaching.

    It is false for every max|x_i| < 1/√3 (`printed_counterexample`) and proved from there on. `published`
    repairs it: x_max may be any bound on the |x_i|.
    """
    expect("facts", facts, Facts)
    x_max = facts.distribution.largest
    source = "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, as printed"
    details = {"x_max": x_max}
    return _bound(
        "published_as_printed", facts, facts.function, "max|x| √(2L)", _spread(facts, x_max), source, details
    )


def noisy(facts: Facts) -> Certificate:
    """T2 against the truth: labels y_i = f0(x_i) + ε_i with ε_i independent N(0, σ²).

    With probability at least 1 − δ over the noise, for all networks at once, whatever their width and however
    they depend on the noise,

        TV_side ≤ λ_max(H)/2 − ½ + ½ √(1 + x_max²) (√MSE + σ √(2 Σ v_i² log(8 (m + 1)/δ)))

    with MSE = Σ v_i (f(x_i) − f0(x_i))².

    Proof. r = (f − f0) − ε. On the line the active sets are half-lines, at most 2(m + 1) patterns of m
    distinct inputs; for each the two sums Σ v_i ε_i s_i (x_i, 1) are Gaussian of variance at most
    σ² Σ v_i² (x_max², 1); a union bound over 4(m + 1) of them, two tails each, and Cauchy-Schwarz for f − f0.

    ``details["published_right"]``, for information, is the published form with the constant and the logarithm
    of its Õ set to 1: λ/2 − ½ + σ x_max min(1, √(k Σ v_i²)) + x_max √MSE.
    """
    expect("facts", facts, Facts)
    delta, reach, error = facts.delta, 0.5 * facts.reach, math.sqrt(facts.design_error)
    tails = math.sqrt(2.0 * facts.square_sum * math.log(8.0 * (facts.distribution.points.size + 1) / delta))
    known = math.isfinite(error) and math.isfinite(facts.noise)
    rest = reach * (error + facts.noise * tails)
    bound = _bound(
        "noisy",
        facts,
        facts.side,
        f"½ {facts.reach_name} (√MSE + σ √(2 Σv² log(8(m+1)/δ)))",
        Term(rest, rest),
        "derived here for one input dimension; published form: Qiao et al. (2024), noisy labels",
        {"published_right": _published_noisy(facts, error), "delta": delta},
    )
    odds = f"independent Gaussian noise; with probability at least {1.0 - delta:g}"
    failed = () if known else (_KNOWN,)
    return replace(
        bound, assumptions=(*bound.assumptions, odds), failed_premises=bound.failed_premises + failed
    )


def _published_noisy(facts: Facts, error: float) -> float:
    """Evaluate the published right side of `noisy`, its hidden factors set to 1."""
    top, width = facts.landscape.sharpness, facts.network.width
    noise = facts.noise * min(1.0, math.sqrt(width * facts.square_sum))
    return 0.5 * (top.lower - facts.offset) + facts.distribution.largest * (noise + error)


def counterexample(
    a: float = 0.1, c: float = 20.0, rho: float = 0.5
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, float]:
    """Construct inputs, labels, w1, b1, w2, b2 that violate T3 as printed for a < 1/√15 and large c.

    Two inputs ∓a, two neurons back to back with their knots at 0 and ∫|f''|g = c/4, every label ρ above the
    function: r = −ρ. Then ‖R‖ = ½ρ√(1 + a²), and λ_max(H) → λ_max(G) − ‖R‖ as c → ∞.
    With a = 0.1, c = 20, ρ = 0.5: 5.000 on the left, 4.936 on the right.
    """
    a, c, rho = positive("a", a), positive("c", c), positive("rho", rho)
    root = math.hypot(1.0, a)
    product = c / (2.0 * a * root)
    s = math.sqrt(product * root / a)
    u = product / s
    inputs = np.array([-a, a])
    return inputs, np.full(2, u * s * a + rho), np.array([s, -s]), np.zeros(2), np.array([u, u]), 0.0
