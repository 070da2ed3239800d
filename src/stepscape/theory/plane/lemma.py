"""The one inequality behind all bounds on flat networks, for inputs in R^d and either loss.

L = Σ_i v_i ℓ(f(x_i), y_i) with Σ v_i = 1, D_i = ℓ'' at example i (1 for the square loss, s(f_i) s(−f_i) for
the logistic one), H = G + R with G = Φᵀ diag(v D) Φ and the residual part R. With all blocks trained:

Lemma. For any weights 0 ≤ c_i ≤ v_i D_i of sum C > 0,

    C (1 + 2 TV_c) ≤ λ_max(G),     TV_c = Σ_j |w2_j| ‖w1_j‖ g̃_c(u_j, t_j),

with g̃_c the one-sided weight of the distribution c/C on the inputs (`stepscape.theory.plane.weights`).

Proof. G ≥ Φᵀ diag(c) Φ. Testing the Gram matrix diag(√c) Φ Φᵀ diag(√c) with √c gives λ_max(G) ≥ C
‖Σ_i (c_i/C) ∇f(x_i)‖². In this mean gradient b2 has the entry 1. With P_j the mass of the half-space of
neuron j under c/C, E_j its mean, and h_j = w1_j·E_j + b1_j > 0, the blocks of neuron j are w2_j P_j E_j,
w2_j P_j and P_j h_j, and by the inequality of the means

    w2_j² P_j² (1 + ‖E_j‖²) + P_j² h_j²  ≥  2 |w2_j| P_j² h_j √(1 + ‖E_j‖²)  =  2 |w2_j| ‖w1_j‖ g̃_c.

Only the last line knows that inputs have d entries; no step needs d = 1. If w1 or b1 is not trained, its
entries leave the root; without b2 the 1 goes. λ_max(G) ≤ λ_max(H) + ‖R‖ then bounds TV_c by (λ_max(H) +
‖R‖)/(2C) − ½, and ‖R‖ = max_j ‖Σ_i v_i ℓ'_i 1{i in half-space j} (x_i, 1)‖ ≤ √(1 + R²) Σ v_i |ℓ'_i|.

Equality: one input, or one neuron that is active on all of equal inputs, with w2² (1 + ‖x‖²) = h².
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from stepscape.theory.certificate import Certificate
from stepscape.theory.line.facts import Variation
from stepscape.theory.plane.facts import PlaneFacts


@dataclass(frozen=True, eq=False)
class Counted:
    """Weights c of the lemma.

    Attributes
    ----------
    name, total : their sum C; the name is "" for the square loss with all of v, where C = 1.
    variation : TV_c, or a form that is at most as large.
    details : what certificates say about them.
    premises, failed_premises : what they suppose in addition to the premises of all bounds.
    rounding : factor on the scale, because c itself is computed from predictions that are rounded.
    """

    name: str
    total: float
    variation: Variation
    details: Mapping[str, float] = field(default_factory=dict)
    premises: tuple[str, ...] = ()
    failed_premises: tuple[str, ...] = ()
    rounding: float = 1.0


@dataclass(frozen=True)
class Remainder:
    """What ‖R‖ may take from λ_max(G): its name, what it is at least and at most, and its premises."""

    name: str
    least: float
    most: float
    premises: tuple[str, ...] = ()
    failed_premises: tuple[str, ...] = ()


def gauss_newton_bound(facts: PlaneFacts, counted: Counted, source: str) -> Certificate:
    """C (1 + 2 TV_c) ≤ λ_max(G)."""
    offset, top, tv = facts.offset, facts.landscape.gauss_newton, counted.variation
    inner = f"{'1 + ' if offset else ''}2 {tv.name}"
    return Certificate(
        left=counted.total * (offset + 2.0 * tv.value),
        right=top.lower,
        right_upper=top.upper,
        assumptions=facts.premises + counted.premises,
        source=source,
        name="gauss_newton",
        statement=f"{counted.name} ({inner}) ≤ λ_max(G)" if counted.name else f"{inner} ≤ λ_max(G)",
        failed_premises=facts.failed_premises + counted.failed_premises,
        scale=(counted.total * (offset + 2.0 * tv.scale) + abs(top.value)) * counted.rounding,
        details=counted.details,
    )


def flat_bound(
    name: str,
    facts: PlaneFacts,
    counted: Counted,
    remainder: Remainder,
    source: str,
    details: Mapping[str, float] | None = None,
) -> Certificate:
    """TV_c ≤ (λ_max(H) + remainder)/(2C) − ½."""
    half, twice, top = facts.offset / 2.0, 2.0 * counted.total or math.nan, facts.landscape.sharpness
    tv = counted.variation
    return Certificate(
        left=tv.value,
        right=(top.lower + remainder.least) / twice - half,
        right_upper=(top.upper + remainder.most) / twice - half,
        assumptions=facts.premises + counted.premises + remainder.premises,
        source=source,
        name=name,
        statement=f"{tv.name} ≤ {_right(counted.name, remainder.name)}{' − ½' if half else ''}",
        failed_premises=facts.failed_premises + counted.failed_premises + remainder.failed_premises,
        scale=(tv.scale + (abs(top.value) + remainder.most) / twice + half) * counted.rounding,
        details={**counted.details, **(details or {})},
    )


def _right(total: str, remainder: str) -> str:
    above = f"(λ_max(H) + {remainder})" if remainder else "λ_max(H)"
    return f"{above}/(2 {total})" if total else f"{above}/2"
