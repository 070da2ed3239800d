"""Logistic loss, one input dimension: flat networks have small variation where they are uncertain.

The network f of `square`, labels y_i = ±1, L = Σ v_i log(1 + e^{−y_i f(x_i)}) with Σ v_i =
1. With s(z) = 1/(1 + e^{−z}) the slope of the loss at i is r_i = −y_i s(−y_i f_i), its curvature D_i =
s(f_i) s(−f_i) = 1/(4 cosh²(f_i/2)), and H = G + R with G = Φᵀ diag(v D) Φ. With all blocks trained:

    L0  logistic_gauss_newton   D̄ (1 + 2 TV_side,D) ≤ λ_max(G),    D̄ = Σ v_i D_i
    L1  weighted                TV_side,D ≤ (λ_max(H) + ‖R‖)/(2D̄) − ½
    L2  uncertain               ∫|f''|g_A ≤ (λ_max(H) + √(1 + x_max²)(1 − e^{−L}))/(2 v(A) Γ) − ½

g_D is g of the inputs with weights v_i D_i; A = {i: |f_i| ≤ γ}, v(A) its mass, g_A is g of the inputs in A,
and Γ = s(γ) s(−γ) (L2 is in `stepscape.theory.line.uncertainty`).

Lemma. For any weights 0 ≤ c_i ≤ v_i D_i of sum C > 0: C (1 + 2 TV_side,c) ≤ λ_max(G).
Proof. G ≥ Φᵀ diag(c) Φ, and testing the Gram matrix of the latter with √c gives λ_max(G) ≥ C ‖Σ_i (c_i/C)
∇f(x_i)‖²; now as for the square loss, with the weights c/C.

The lemma with ‖R‖ as measured is `weighted_by`, TV_side,c ≤ (λ_max(H) + ‖R‖)/(2C) − ½ for every such c.
c = v D is L0; c_i = v_i Γ on A and 0 elsewhere gives the left of L2, because D_i falls with |f_i|.
λ_max(G) ≤ λ_max(H) + ‖R‖ gives L1. For L2, ‖R‖ ≤ √(1 + x_max²) Σ v_i |r_i|, and |r_i| = 1 − e^{−ℓ_i} is
concave in the loss ℓ_i of the example: Σ v_i |r_i| ≤ 1 − e^{−L} (Jensen). Frozen blocks change the bounds as
for the square loss.

The right side of L1 is the smallest: v(A)Γ ≤ D̄ for every γ, and ‖R‖ is at most the term of L2. The left
sides have no order: mass outside A enlarges D̄ but thins the mass to one side of a knot, so at some
networks L2 demands more curvature than L1.

At stationary points the term of R vanishes (`stepscape.theory.line.logistic_curvature`).

Source: Qiao and Wang (2025), Theorem 3.5, of which only a summary was read; the explicit form is derived
here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import bad, expect
from stepscape.losses import TINY, loss_of
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import input_distribution, vector
from stepscape.theory.line.facts import Facts, Variation
from stepscape.theory.line.logistic_curvature import (
    PUBLISHED,
    CurvatureWeights,
    Remainder,
    flat_bound,
    magnitude,
    relative_curvature,
    stationary_remainder,
)


def _whole_curvature(facts: Facts) -> CurvatureWeights:
    """Take c = v D."""
    v = facts.averaging
    ratio, largest = relative_curvature(facts.landscape.predictions, v)
    mean, distribution = float(v @ ratio) * largest, input_distribution(facts.inputs, v * ratio)
    variation = facts.variation("Σ |w1 w2| g_D^±(τ)", "side", distribution)
    return CurvatureWeights("D̄", mean, variation, {"mean_curvature": mean})


def logistic_gauss_newton(facts: Facts) -> Certificate:
    """L0: D̄ (1 + 2 TV_side,D) ≤ λ_max(G), at every point whatever the labels; equality is attained."""
    expect("facts", facts, Facts)
    weights, offset, top = _whole_curvature(facts), facts.offset, facts.landscape.gauss_newton
    mean, variation = weights.total, weights.variation
    size = mean * (offset + 2.0 * variation.scale) + abs(top.value)
    return Certificate(
        left=mean * (offset + 2.0 * variation.value),
        right=top.lower,
        right_upper=top.upper,
        assumptions=weights.premises(facts),
        source=PUBLISHED,
        name="gauss_newton",
        statement=f"D̄ ({'1 + ' if offset else ''}2 {variation.name}) ≤ λ_max(G)",
        failed_premises=weights.failed_premises(facts),
        scale=size * (1.0 + magnitude(facts)),
        details=weights.details,
    )


def weighted(facts: Facts) -> Certificate:
    """L1: TV_side,D ≤ (λ_max(H) + ‖R‖)/(2D̄) − ½, at every point; equality is attained."""
    expect("facts", facts, Facts)
    norm, off = facts.landscape.residual_norm, facts.landscape.residual_norm_error
    return flat_bound("weighted", facts, _whole_curvature(facts), Remainder(norm, "‖R‖", norm, off))


def weighted_by(facts: Facts, curvature: ArrayLike) -> Certificate:
    """L1 for a part of the curvature: TV_side,c ≤ (λ_max(H) + ‖R‖)/(2C) − ½ with c_i = v_i · curvature_i.

    Parameters
    ----------
    facts : the network.
    curvature : (n,), in the order of ``facts.inputs``, each entry between 0 and D_i. All of D is `weighted`;
        min(D_i, Γ) caps the inputs of which f is unsure, Γ where |f_i| ≤ γ leaves out the others.
    """
    expect("facts", facts, Facts)
    part, whole = vector("curvature", curvature), loss_of("logistic").curvature(facts.landscape.predictions)
    if part.shape != whole.shape:
        raise bad("curvature", f"have one entry per input ({whole.size})", part.size)
    if (part < 0.0).any() or (part > whole).any():
        at = int(np.argmax(np.where(part < 0.0, np.inf, part - whole)))
        raise bad("curvature", f"lie between 0 and that of its example ({whole[at]:.6g})", float(part[at]))
    c = facts.averaging * part
    total, name = float(c.sum()), "Σ |w1 w2| g_c^±(τ)"
    some = bool(total >= TINY)
    variation = (
        facts.variation(name, "side", input_distribution(facts.inputs, c))
        if some
        else Variation(name, 0.0, 0.0)
    )
    norm, off = facts.landscape.residual_norm, facts.landscape.residual_norm_error
    weights = CurvatureWeights("C", total, variation, {"counted_curvature": total})
    return flat_bound("weighted_by", facts, weights, Remainder(norm, "‖R‖", norm, off))


def weighted_stationary(facts: Facts) -> Certificate:
    """L1 at a stationary point: TV_side,D ≤ λ_max(H)/(2D̄) − ½."""
    expect("facts", facts, Facts)
    return flat_bound("weighted_stationary", facts, _whole_curvature(facts), stationary_remainder(facts))
