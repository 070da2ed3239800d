"""Logistic loss, one input dimension: flat networks have small variation where they are uncertain.

The network f of `stepscape.theory.square`, labels y_i = ±1, L = Σ v_i log(1 + e^{−y_i f(x_i)}) with Σ v_i =
1. With s(z) = 1/(1 + e^{−z}) the slope of the loss at i is r_i = −y_i s(−y_i f_i), its curvature D_i =
s(f_i) s(−f_i) = 1/(4 cosh²(f_i/2)), and H = G + R with G = Φᵀ diag(v D) Φ. With all blocks trained:

    L0  logistic_gauss_newton   D̄ (1 + 2 TV_side,D) ≤ λ_max(G),    D̄ = Σ v_i D_i
    L1  weighted                TV_side,D ≤ (λ_max(H) + ‖R‖)/(2D̄) − ½
    L2  uncertain               ∫|f''|g_A ≤ (λ_max(H) + √(1 + x_max²)(1 − e^{−L}))/(2 v(A) Γ) − ½

g_D is g of the law with weights v_i D_i; A = {i: |f_i| ≤ γ}, v(A) its mass, g_A is g of the inputs in A,
and Γ = s(γ) s(−γ) (L2 is in `stepscape.theory.uncertainty`).

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

Stationary points. Where every neuron with w2 ≠ 0 has Σ_active v_i r_i (x_i, 1) = 0 on the trained ones of
(w1, b1), R vanishes on these neurons; deleting the coordinates of the others does not raise λ_max(H) and
leaves every left side, so the term of R goes. What is left of it at a point that is stationary up to 1e-6
is measured and enters the right side.

All is written with D_i over the largest of them, so that margins of any size are safe. Beyond |f_i| ≈ 708 for
every i, D̄ underflows: nothing is said.

Source: Qiao and Wang (2025), Theorem 3.5, of which only a summary was read; the explicit form is derived
here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import bad
from stepscape.losses import loss_of, signs
from stepscape.theory.certificate import Certificate
from stepscape.theory.function_space import knots
from stepscape.theory.law import BLOCKS, FloatArray, empirical_law, factor, no_bound, vector
from stepscape.theory.setting import Setting, setting_of

PUBLISHED = "Qiao and Wang (2025), Theorem 3.5, explicit form derived here"
STATIONARY = 1e-6
_TINY = float(np.finfo(np.float64).tiny)
_LOSS = "logistic loss Σ v_i log(1 + e^{−y_i f(x_i)})"
_AT_REST = "the point is stationary: over neurons with w2 ≠ 0, ‖R‖ ≤ 1e-6 Σ v |r| √(1 + x²)"
_NO_UNDERFLOW = "the curvature of the examples does not underflow"


@dataclass(frozen=True, eq=False)
class Curved:
    """A setting, the curvature C of the lemma, and how much rounding of f can change it.

    The relative error of D_i is the absolute error of f_i: eps times ``magnitude``, the largest sum of the
    magnitudes in an f(x_i).
    """

    setting: Setting
    curvature: float
    names: tuple[str, str]  # of the left side and of C
    magnitude: float
    details: Mapping[str, float]
    own_premise: str = ""
    own_premise_met: bool = True

    @property
    def premises(self) -> tuple[str, ...]:
        """Premises of the lemma."""
        own = (self.own_premise,) if self.own_premise else ()
        return (*self.setting.premises(_LOSS), *own, _NO_UNDERFLOW)

    @property
    def unmet(self) -> tuple[str, ...]:
        """Those of them that fail."""
        if not self.own_premise_met:
            return (*self.setting.unmet, self.own_premise)
        return self.setting.unmet + (() if self.curvature >= _TINY else (_NO_UNDERFLOW,))


@dataclass(frozen=True)
class Remainder:
    """What the residual block may take from λ_max(G): a term of the right side and its premise."""

    value: float
    name: str
    scale: float
    premises: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()


def flat_bound(
    name: str, curved: Curved, sharpness: float, residual: float, remainder: Remainder
) -> Certificate:
    """TV ≤ (λ_max(H) + residual + remainder)/(2C) − ½."""
    setting, (left_name, curvature_name) = curved.setting, curved.names
    half, twice = setting.offset / 2.0, 2.0 * curved.curvature or math.nan
    terms = [float(term) / twice for term in (sharpness, residual, remainder.value)]
    size = float(abs(sharpness) + abs(residual) + remainder.scale) / twice
    top = f"(λ_max(H) + {remainder.name})" if remainder.name else "λ_max(H)"
    return Certificate(
        left=setting.variation,
        right=sum(terms) - half,
        assumptions=curved.premises + remainder.premises,
        source=PUBLISHED,
        name=name,
        statement=f"{left_name} ≤ {top}/(2 {curvature_name}){' − ½' if half else ''}",
        unmet=curved.unmet + remainder.unmet,
        scale=(setting.scale + size + half) * (1.0 + curved.magnitude),
        details=curved.details,
    )


def confidence_curvature(gamma: float) -> float:
    """Γ(γ) = s(γ) s(−γ), between e^{−γ}/4 and e^{−γ}: the least curvature of an example with |f| ≤ γ."""
    if not (math.isfinite(gamma) and gamma >= 0.0):
        raise bad("gamma", "be finite and nonnegative", gamma)
    return float(loss_of("logistic").curvature(np.array(gamma)))


def averaged(
    inputs: ArrayLike, predictions: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Predictions and averaging weights, one per input."""
    empirical_law(inputs, weights)  # refuses what is no law
    x, f = vector("inputs", inputs), vector("predictions", predictions)
    if f.shape != x.shape:
        raise bad("predictions", f"have one entry per input ({x.size})", f.size)
    v = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    return f, v / v.sum()


def labels_of(labels: ArrayLike, inputs: FloatArray) -> FloatArray:
    """Labels, one per input, as ±1."""
    y = vector("labels", labels)
    if y.shape != inputs.shape:
        raise bad("labels", f"have one entry per input ({inputs.size})", y.size)
    return signs(y)


def relative_curvature(f: FloatArray, v: FloatArray) -> tuple[FloatArray, float]:
    """D_i over its largest value among v_i > 0, and that value."""
    size = np.abs(f)
    least = float(size[v > 0.0].min())
    ratio = np.exp(np.minimum(least - size, 0.0)) * ((1.0 + math.exp(-least)) / (1.0 + np.exp(-size))) ** 2
    return ratio, confidence_curvature(least)


def magnitude_of(w1: ArrayLike, b1: ArrayLike, w2: ArrayLike, x_max: float, f: FloatArray) -> float:
    """Bound the sum of the magnitudes in f(x), |x| ≤ x_max; the output bias is at most that and |f|."""
    w, b, v = (np.abs(np.asarray(a, dtype=np.float64)) for a in (w1, b1, w2))
    return float(2.0 * (v @ (w * x_max + b)) + np.abs(f).max())


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


def at_rest(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    labels: ArrayLike,
    predictions: ArrayLike,
    weights: ArrayLike | None,
    trainable: Sequence[str],
) -> Remainder:
    """Measure ‖R‖ over the neurons with w2 ≠ 0; its premise fails unless it is 1e-6 of its bound."""
    f, v = averaged(inputs, predictions, weights)
    x, y = vector("inputs", inputs), labels_of(labels, f)
    if no_bound(trainable):
        return Remainder(math.nan, "", math.nan, (_AT_REST,))
    pull = v * loss_of("logistic").slope(f, y)
    size = float(np.abs(pull) @ factor(x, trainable))
    left = _largest_pull(
        np.asarray(w1, float), np.asarray(b1, float), np.asarray(w2, float), x, pull, trainable
    )
    return Remainder(left, "", size, (_AT_REST,), () if left <= STATIONARY * size else (_AT_REST,))


def _largest_pull(
    w1: FloatArray, b1: FloatArray, w2: FloatArray, x: FloatArray, pull: FloatArray, trainable: Sequence[str]
) -> float:
    """max_j of the norm of Σ_i pull_i s_ij (x_i, 1) on the trained ones of (w1, b1), over w2_j ≠ 0."""
    order = np.argsort(x)
    x, pull = x[order], pull[order]
    w, b = w1[w2 != 0.0], b1[w2 != 0.0]
    rising, bends = w > 0.0, w != 0.0
    tau = np.where(bends, knots(np.where(bends, w, 1.0), b), np.where(b > 0.0, np.inf, -np.inf))
    # Active on x[first:] if w > 0, on x[:first] otherwise; a constant neuron on all inputs or on none.
    first = np.where(rising, np.searchsorted(x, tau, side="right"), np.searchsorted(x, tau, side="left"))
    total = np.zeros(w.shape)
    for block, each in (("w1", pull * x), ("b1", pull)):
        if block in trainable:
            below = np.append(0.0, np.cumsum(each))[first]
            above = np.append(np.cumsum(each[::-1])[::-1], 0.0)[first]
            total = np.hypot(total, np.where(rising, above, below))
    return float(total.max(initial=0.0))
