"""Square loss, inputs in R^d: flat networks have small weighted variation, one theorem per function.

L = ½ Σ_i v_i (f(x_i) − y_i)², H = G + R, TV_side the side form of the weighted variation and R = max‖x_i‖.
With all blocks trained, at every point:

    T0  gauss_newton     1 + 2 TV_side ≤ λ_max(G)
    T1  sharpness            TV_side ≤ (λ_max(H) + ‖R‖)/2 − ½
    T2  sharpness_loss       TV_side ≤ (λ_max(H) + √(1 + R²) √(2L))/2 − ½
    T3  published          |f|_{V_g} ≤ (λ_max(H) + 2 (R + 1) √(2L))/2 − ½
    T1' stationary           TV_side ≤ λ_max(H)/2 − ½            where f interpolates, and at rest

Proof. T0 is the lemma of `stepscape.theory.plane.lemma` with c = v, and λ_max(G) ≤ λ_max(H) + ‖R‖ gives T1.
‖R‖ ≤ √(1 + R²) Σ v_i |r_i| ≤ √(1 + R²) √(2L) gives T2, and √(1 + R²) ≤ R + 1 gives T3, whose constant is more
than twice as large as is needed: unlike its form on the line, it is true as printed, for every R. T2 is
sharp in every dimension: with inputs on a line through 0 it is T2 of `stepscape.theory.line.square`, of which
`stepscape.theory.one_neuron` shows that no smaller constant will do.

At a point where the residuals vanish R = 0, and also at a stationary point: there the block of R of every
neuron with w2 ≠ 0 is the gradient in (w1, b1) over w2. What is left of it is measured and enters T1'.

The function form, |f|_{V_g} ≤ TV_side, can stand on each left side; it is a detail of every certificate.

Source: Nacson et al. (2023) for interpolation; Liang, Qiao, Wang and Parhi (2025), Theorem 3.2. T0 to T2 are
steps of the proof, the weights v, the frozen blocks and the constants derived here.
"""

from __future__ import annotations

import math

from stepscape.errors import bad, expect
from stepscape.theory.certificate import Certificate
from stepscape.theory.plane.facts import PlaneFacts
from stepscape.theory.plane.lemma import Counted, Remainder, flat_bound, gauss_newton_bound

PUBLISHED = "Liang, Qiao, Wang and Parhi (2025), Theorem 3.2"
_PROOF = f"{PUBLISHED}, steps of its proof with their constants"
AT_REST = "f interpolates or the point is stationary: over neurons with w2 ≠ 0, ‖R‖ ≤ 1e-6 λ_max(G)"


def gauss_newton(facts: PlaneFacts) -> Certificate:
    """T0: 1 + 2 TV_side ≤ λ_max(G), at every point whatever the labels; equality is attained."""
    return gauss_newton_bound(facts, _all(facts), _PROOF)


def sharpness(facts: PlaneFacts) -> Certificate:
    """T1: TV_side ≤ (λ_max(H) + ‖R‖)/2 − ½, at every point; equality is attained."""
    counted = _all(facts)
    norm, off = facts.landscape.residual_norm, facts.landscape.residual_norm_error
    return flat_bound("sharpness", facts, counted, Remainder("‖R‖", norm - off, norm + off), _PROOF)


def sharpness_loss(facts: PlaneFacts) -> Certificate:
    """T2: TV_side ≤ (λ_max(H) + √(1 + R²) √(2L))/2 − ½, at every point; the constant is the smallest."""
    counted = _all(facts)
    rest = _spread(facts, facts.reach, f"{facts.reach_name} √(2L)")
    return flat_bound("sharpness_loss", facts, counted, rest, _PROOF, {"radius": facts.radius})


def published(facts: PlaneFacts) -> Certificate:
    """T3: |f|_{V_g} ≤ (λ_max(H) + 2 (R + 1) √(2L))/2 − ½, at every point."""
    counted = _all(facts, "function")
    rest = _spread(facts, 2.0 * (facts.radius + 1.0), "2 (R + 1) √(2L)")
    return flat_bound("published", facts, counted, rest, PUBLISHED, {"radius": facts.radius})


def stationary(facts: PlaneFacts) -> Certificate:
    """T1': TV_side ≤ λ_max(H)/2 − ½ at interpolation and at stationary points, whatever the loss.

    ``details["rest"]`` is ‖R‖ over the neurons with w2 ≠ 0, which is added to the right side.
    """
    counted = _all(facts)
    norm = facts.resting_norm if math.isfinite(facts.reach) else math.nan
    met = norm <= 1e-6 * abs(facts.landscape.gauss_newton.value)
    rest = Remainder("", norm, norm, (AT_REST,), () if met else (AT_REST,))
    return flat_bound("stationary", facts, counted, rest, _PROOF, {"rest": norm})


def _all(facts: PlaneFacts, form: str = "side") -> Counted:
    """Take c = v."""
    expect("facts", facts, PlaneFacts)
    if facts.loss != "square":
        raise bad("facts", "be about the square loss", f"the {facts.loss} loss")
    variation = facts.side if form == "side" else facts.function
    return Counted("", 1.0, variation, {"function_form": facts.function.value})


def _spread(facts: PlaneFacts, reach: float, name: str) -> Remainder:
    """Reach times √(2L)."""
    loss, off = facts.landscape.loss, facts.landscape.loss_error
    low, high = (reach * math.sqrt(2.0 * max(value, 0.0)) for value in (loss - off, loss + off))
    return Remainder(name, low, high)
