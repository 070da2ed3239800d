"""Logistic loss, one input dimension: flat networks have small variation where they are uncertain.

The network f of `square`, labels y_i = ±1, L = Σ v_i log(1 + e^{−y_i f(x_i)}) with Σ v_i =
1. With s(z) = 1/(1 + e^{−z}) the slope of the loss at i is r_i = −y_i s(−y_i f_i), its curvature D_i =
s(f_i) s(−f_i) = 1/(4 cosh²(f_i/2)), and H = G + R with G = Φᵀ diag(v D) Φ. With all blocks trained:

    L0  logistic_gauss_newton   D̄ (1 + 2 TV_side,D) ≤ λ_max(G),    D̄ = Σ v_i D_i
    L1  weighted                TV_side,D ≤ (λ_max(H) + ‖R‖)/(2D̄) − ½
    L2  uncertain               ∫|f''|g_A ≤ (λ_max(H) + √(1 + x_max²)(1 − e^{−L}))/(2 v(A) Γ) − ½

g_D is g of the law with weights v_i D_i; A = {i: |f_i| ≤ γ}, v(A) its mass, g_A is g of the inputs in A,
and Γ = s(γ) s(−γ) (L2 is in `stepscape.theory.line.uncertainty`).

Lemma. For any weights 0 ≤ c_i ≤ v_i D_i of sum C > 0: C (1 + 2 TV_side,c) ≤ λ_max(G).
Proof. G ≥ Φᵀ diag(c) Φ, and testing the Gram matrix of the latter with √c gives λ_max(G) ≥ C ‖Σ_i (c_i/C)
∇f(x_i)‖²; now as for the square loss, with the law c/C.

c = v D is L0; c_i = v_i Γ on A and 0 elsewhere gives the left of L2, because D_i falls with |f_i|.
λ_max(G) ≤ λ_max(H) + ‖R‖ gives L1. For L2, ‖R‖ ≤ √(1 + x_max²) Σ v_i |r_i|, and |r_i| = 1 − e^{−ℓ_i} is
concave in the loss ℓ_i of the example: Σ v_i |r_i| ≤ 1 − e^{−L} (Jensen). Frozen blocks as for the square
loss.

The right side of L1 is the smallest: v(A)Γ ≤ D̄ for every γ, and ‖R‖ is at most the term of L2. The left
sides have no order: mass outside A enlarges D̄ but thins the mass to one side of a knot, so at some
networks L2 demands more curvature than L1.

At stationary points the term of R goes (`stepscape.theory.line.logistic_curvature`).

Source: Qiao and Wang (2025), Theorem 3.5, of which only a summary was read; the explicit form is derived
here.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import BLOCKS, empirical_law
from stepscape.theory.line.logistic_curvature import (
    PUBLISHED,
    Curved,
    Remainder,
    at_rest,
    averaged,
    flat_bound,
    magnitude_of,
    relative_curvature,
)
from stepscape.theory.line.premises import setting_of


def _by_curvature(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None,
    trainable: Sequence[str],
) -> Curved:
    law = empirical_law(inputs, weights)
    f, v = averaged(inputs, predictions, weights)
    ratio, largest = relative_curvature(f, v)
    mean = float(v @ ratio) * largest
    return Curved(
        setting_of("side", w1, b1, w2, inputs, weights, trainable, empirical_law(inputs, v * ratio)),
        mean,
        ("Σ |w1 w2| g_D^±(τ)", "D̄"),
        magnitude_of(w1, b1, w2, law.largest, f),
        {"mean_curvature": mean},
    )


def logistic_gauss_newton(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    predictions: ArrayLike,
    largest_eigenvalue: float,
    residual: float = 0.0,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """L0: D̄ (1 + 2 TV_side,D) ≤ λ_max(G), at every point whatever the labels; equality is attained.

    ``largest_eigenvalue`` is λ_max of the Gauss-Newton part on the trained coordinates, ``predictions`` (n,)
    are f at the inputs.
    """
    curved = _by_curvature(w1, b1, w2, inputs, predictions, weights, trainable)
    setting, mean = curved.setting, curved.curvature
    size = mean * (setting.offset + 2.0 * setting.scale) + abs(largest_eigenvalue) + abs(residual)
    return Certificate(
        left=mean * (setting.offset + 2.0 * setting.variation),
        right=float(largest_eigenvalue + residual),
        assumptions=curved.premises,
        source=PUBLISHED,
        name="gauss_newton",
        statement=f"D̄ ({'1 + ' if setting.offset else ''}2 Σ |w1 w2| g_D^±(τ)) ≤ λ_max(G)",
        unmet=curved.unmet,
        scale=size * (1.0 + curved.magnitude),
        details=curved.details,
    )


def weighted(
    *,
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    predictions: ArrayLike,
    sharpness: float,
    residual: float = 0.0,
    residual_norm: float,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> Certificate:
    """L1: TV_side,D ≤ (λ_max(H) + ‖R‖)/(2D̄) − ½, at every point; equality is attained.

    ``residual`` belongs to the eigenvalue; ``residual_norm`` is ‖R‖ on the trained coordinates.
    """
    curved = _by_curvature(w1, b1, w2, inputs, predictions, weights, trainable)
    remainder = Remainder(residual_norm, "‖R‖", abs(residual_norm))
    return flat_bound("weighted", curved, sharpness, residual, remainder)


def weighted_stationary(
    *,
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
    """L1 at a stationary point: TV_side,D ≤ λ_max(H)/(2D̄) − ½.

    The labels (n,), each −1 or 1, tell whether it is one.
    """
    curved = _by_curvature(w1, b1, w2, inputs, predictions, weights, trainable)
    remainder = at_rest(w1, b1, w2, inputs, labels, predictions, weights, trainable)
    return flat_bound("weighted_stationary", curved, sharpness, residual, remainder)
