"""Excess risk of a classifier on the fixed design, and what a small one says about its uncertain set.

The labels are redrawn at the same inputs: with b_i = (1 + y_i)/2 Bernoulli(s(f0_i)), weights v_i, and a set I
of inputs of mass v(I) = Σ_I v_i,

    Ex_I(f) = Σ_I v_i KL(Ber(s(f0_i)) ‖ Ber(s(f_i)))/v(I) ≥ 0
            = L_I(f) − L_I(f0) + Σ_I v_i (b_i − s(f0_i))(f_i − f0_i)/v(I)

exactly, whatever the labels: the logistic loss is log(1 + e^f) − b f. A network that fits the labels at least
as well as the truth does therefore has at most the excess that the linear noise process shows.

Step A (`overlap`). The divergence is that of Bregman for ψ(f) = log(1 + e^f). In f it grows on both sides of
f0; in f0 < f it has the slope −ψ''(f0)(f − f0) < 0. Hence over |f0| ≤ γ0 < γ ≤ |f| it is smallest at f0 = γ0,
f = γ and at their negatives: κ(γ0, γ) = KL(Ber(s(γ0)) ‖ Ber(s(γ))), and by Markov's inequality

    v{i: |f0_i| ≤ γ0, |f_i| > γ} ≤ Ex(f)/κ(γ0, γ).

Step B (`interior_variation`). Where g_A ≥ c, the bound ∫|f''|g_A ≤ C gives ∫_{g_A ≥ c} |f''| ≤ C/c.

Source: steps A and B of Qiao and Wang (2025), Theorem 3.7, of which only a summary was read; explicit forms
derived here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative, number, reals
from stepscape.errors import bad, expect, shown
from stepscape.losses import divergence, innovation, loss_of, probability
from stepscape.theory.certificate import EPS, Certificate
from stepscape.theory.line.distribution import FloatArray, averaging, no_bound, vector
from stepscape.theory.line.facts import Facts
from stepscape.theory.line.logistic_curvature import INDEPENDENT, KNOWN, labels_of
from stepscape.theory.line.uncertainty import ends, uncertain, uncertain_set
from stepscape.theory.line.weight import merged_knots, weight, weight_limits

SOURCE = "Qiao and Wang (2025), Theorem 3.7, explicit form derived here"
_SPREAD = "the uncertain inputs are not all equal"
_BOUNDED = "∫|f''|g_A ≤ C"
_APART = "κ(γ0, γ) does not underflow"


@dataclass(frozen=True)
class ExcessIdentity:
    """Both sides of Ex_I(f) = [L_I(f) − L_I(f0)] + Σ_I v_i (b_i − s(f0_i))(f_i − f0_i)/v(I).

    Attributes
    ----------
    excess : the left side, a mean of divergences.
    loss_change : L_I(f) − L_I(f0) at the given labels.
    noise : the linear noise process.
    scale : sum of the magnitudes in the two sides; they agree up to a few eps·scale.
    """

    excess: float
    loss_change: float
    noise: float
    scale: float

    @property
    def right(self) -> float:
        """The right side."""
        return self.loss_change + self.noise

    @property
    def error(self) -> float:
        """|left − right| over the scale: rounding."""
        return abs(self.excess - self.right) / self.scale if self.scale else 0.0


def excess_identity(
    *,
    truth: ArrayLike,
    predictions: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> ExcessIdentity:
    """Evaluate both sides of the identity.

    Parameters
    ----------
    truth, predictions : (n,), logits f0 and f at the inputs.
    labels : (n,), ±1 or 0/1.
    weights : (n,), of any positive sum; None means equal weights.
    mask : (n,), the examples of I; None: all. Without weight in I everything is nan.
    """
    f, f0, v = _logits(truth, predictions, weights)
    y, loss = labels_of(labels, f), loss_of("logistic").value
    if mask is not None:
        v = v * _mask(mask, f)
    total = float(v.sum())
    if not total > 0.0:
        return ExcessIdentity(math.nan, math.nan, math.nan, math.nan)
    v = v / total
    noise = v * innovation(f0, y)
    of_f, of_f0 = v @ loss(f, y), v @ loss(f0, y)
    return ExcessIdentity(
        excess=float(v @ divergence(f0, f)),
        loss_change=float(v @ (loss(f, y) - loss(f0, y))),
        noise=float(noise @ (f - f0)),
        scale=float(of_f + of_f0 + np.abs(noise) @ (np.abs(f) + np.abs(f0))),
    )


def overlap(facts: Facts) -> Certificate:
    """Step A for the network: `overlap_bound` of |f0| ≤ γ with |f| ≤ 2γ."""
    expect("facts", facts, Facts)
    return overlap_bound(
        truth=facts.truth,
        predictions=facts.landscape.predictions,
        gamma_truth=facts.gamma,
        gamma=2.0 * facts.gamma,
        weights=facts.weights,
    )


def overlap_bound(
    *,
    truth: ArrayLike | None,
    predictions: ArrayLike,
    gamma_truth: float,
    gamma: float,
    weights: ArrayLike | None = None,
) -> Certificate:
    """Step A: v{|f0| ≤ γ0, |f| > γ} ≤ Ex(f)/κ(γ0, γ), for every function.

    Parameters
    ----------
    truth, predictions : (n,), logits f0 and f at the inputs; without truth it is inapplicable.
    gamma_truth, gamma : γ0 ≥ 0 and γ > γ0.

    ``details``: γ0, γ, κ, the excess risk, and ``share_truth``, the mass of {|f0| ≤ γ0}.
    """
    gamma_truth = nonnegative("gamma_truth", gamma_truth, "be finite and nonnegative")
    must = f"be finite and larger than gamma_truth = {gamma_truth:g}"
    gamma = number("gamma", gamma, must)
    if not gamma_truth < gamma < math.inf:
        raise bad("gamma", must, gamma)
    gammas = {"gamma_truth": gamma_truth, "gamma": gamma}
    share, excess, left, size = [math.nan] * 4
    kappa = float(divergence(gamma_truth, gamma))
    least = kappa or math.nan  # it is a divisor
    if truth is not None:
        f, f0, v = _logits(truth, predictions, weights)
        unsure = np.abs(f0) <= gamma_truth
        share, left = float(v @ unsure), float(v @ (unsure & (np.abs(f) > gamma)))
        excess, size = float(v @ divergence(f0, f)), float(v @ _magnitude(f0, f))
    return Certificate(
        left=left,
        right=excess / least,
        assumptions=(KNOWN, INDEPENDENT, _APART),
        source=SOURCE,
        name="overlap",
        statement="v{|f0| ≤ γ0, |f| > γ} ≤ Ex(f)/κ(γ0, γ)",
        failed_premises=((KNOWN,) if truth is None else ()) + (() if kappa else (_APART,)),
        scale=left + (size + excess / least * float(_magnitude(gamma_truth, gamma))) / least,
        details={**gammas, "kappa": kappa, "excess": excess, "share_truth": share},
    )


def interior_variation(facts: Facts) -> Certificate:
    """Step B: ∫_I |f''| ≤ C/c on I = {g_A ≥ c}, A = {i: |f(x_i)| ≤ γ}, c a tenth of the largest g_A.

    C is the right side of `stepscape.theory.uncertain`. I is an interval up to the jumps of g_A at the
    inputs. ``details``: c, sup g_A, and of the inputs in I the smallest, the largest and the mass.
    """
    expect("facts", facts, Facts)
    x, v, trainable = facts.inputs, facts.averaging, facts.trainable
    unsure = uncertain_set(facts.landscape.predictions, facts.gamma) & (v > 0.0)
    failed = no_bound(trainable)
    highest = 0.0 if failed or not unsure.any() else weight_limits(x[unsure], v[unsure], trainable).highest
    if not highest > 0.0:
        return _step_b(math.nan, (math.nan, math.nan), failed or (_SPREAD,), 0.0, {"sup_weight": highest})
    found, floor = uncertain(facts), highest / 10.0
    bound, most = (
        max(side, 0.0) if math.isfinite(found.right) else 0.0 for side in (found.right, found.right_upper)
    )
    tau, jumps = merged_knots(*facts.neurons)
    at_knots, at_inputs = (weight(t, x[unsure], v[unsure], trainable=trainable) for t in (tau, x))
    size, inside = np.abs(jumps), at_inputs >= floor
    kept, whole, share = float(size @ (at_knots >= floor)), float(size @ at_knots), float(v @ inside)
    low, high = ends(x[inside & (v > 0.0)])
    details = {"least_weight": floor, "sup_weight": highest, "low": low, "high": high, "share": share}
    # A neuron on one knot with others cancels there: the magnitudes are those of all neurons.
    scale = float(np.abs(facts.network.w1 * facts.network.w2).sum()) + bound / floor
    exceeded = whole > bound + 64.0 * EPS * scale * highest
    return _step_b(kept, (bound / floor, most / floor), (_BOUNDED,) if exceeded else (), scale, details)


def _step_b(
    left: float, right: tuple[float, float], failed: tuple[str, ...], scale: float, details: dict[str, float]
) -> Certificate:
    return Certificate(
        left=left,
        right=right[0],
        right_upper=right[1],
        assumptions=(_BOUNDED, _SPREAD),
        source=SOURCE,
        name="interior_variation",
        statement="∫_{g_A ≥ c} |f''| ≤ C/c",
        failed_premises=failed,
        scale=scale,
        details=details,
    )


def _logits(
    truth: ArrayLike, predictions: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """f, f0 and averaging weights, one per example."""
    f, f0 = vector("predictions", predictions), vector("truth", truth)
    if f0.shape != f.shape:
        raise bad("truth", f"have one entry per prediction ({f.size})", f0.size)
    return f, f0, averaging(weights, f.size)


def _mask(mask: ArrayLike, f: FloatArray) -> NDArray[np.bool_]:
    must = f"hold one truth value per prediction ({f.size})"
    if not isinstance(mask, np.ndarray | list | tuple) and not hasattr(mask, "to_numpy"):
        raise bad("mask", must, shown(mask))
    if reals("mask", mask).shape != f.shape or np.asarray(mask).dtype != np.bool_:
        raise bad("mask", must, f"{np.asarray(mask).dtype} {np.shape(mask)}")
    return np.asarray(mask)


def _magnitude(f0: ArrayLike, f: ArrayLike) -> FloatArray:
    """Sum of the magnitudes in the divergence, s(−|f0|) |f − f0| twice."""
    f0, f = np.asarray(f0, np.float64), np.asarray(f, np.float64)
    return np.asarray(2.0 * probability(-np.abs(f0)) * np.abs(f - f0))
