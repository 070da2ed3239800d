"""Logistic loss, inputs in R^d: flat networks vary little where they are uncertain, and what that is worth.

The network f of `square`, labels y_i = ±1, L = Σ v_i log(1 + e^{−y_i f(x_i)}), D_i = s(f_i) s(−f_i). With all
blocks trained, at every point:

    L0  logistic_gauss_newton   D̄ (1 + 2 TV_side,D) ≤ λ_max(G),    D̄ = Σ v_i D_i
    L1  weighted                TV_side,D ≤ (λ_max(H) + ‖R‖)/(2D̄) − ½
    L2  uncertain               |f|_{V_{g_A}} ≤ (λ_max(H) + √(1 + R²)(1 − e^{−L}))/(2 v(A) Γ) − ½

g_D is the weight of the inputs with masses v_i D_i, A = {i: |f_i| ≤ γ}, v(A) its mass, g_A the weight of the
inputs in A and Γ = s(γ) s(−γ).

What carries over from the line, word for word
    L0 to L2, the version with any part c of the curvature, and the version at stationary points: the lemma of
    `stepscape.theory.plane.lemma` with c = v D, and c = v Γ on A, and ‖R‖ ≤ √(1 + R²) Σ v_i |r_i| ≤
    √(1 + R²)(1 − e^{−L}) by Jensen. L0 and L1 are attained in every dimension. g_A is positive exactly for
    hyperplanes with uncertain inputs strictly on both sides, so it vanishes outside their hull. The excess
    identity and the overlap of uncertain sets compare numbers at the inputs and know no dimension.
    Interpolators with a growing margin are arbitrarily flat, for inputs of any dimension
    (`stepscape.theory.plane.projection`).

What does not carry over
    The step from L2 to a rate. On the line a flat network that is uncertain about most inputs has a bounded
    variation on an interval, and a small excess risk, however slowly it falls, becomes one of order n^{−2/5}.
    In R^d the weight of a half-space that holds a single input is as small as 1/n² however many inputs are
    uncertain, and on a sphere every input has such a half-space. There every prediction at the inputs, noise
    as well as truth, is that of a network with λ_max(H) ≤ ¼ + 2.05/n, and "flat, better than the truth on the
    training set, excess risk tending to 0" is compatible with any slow rate
    (`stepscape.theory.plane.sphere_logistic`). A statement for R^d needs inputs with depth
    (`stepscape.theory.plane.depth`), not only uncertain ones.

Source: the line: Qiao and Wang (2025), Theorem 3.5, of which only a summary was read, and its first open
question; inputs in R^d derived here.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import bad, expect
from stepscape.losses import TINY, loss_of
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.distribution import FloatArray, factor, vector
from stepscape.theory.line.facts import Variation
from stepscape.theory.line.logistic_curvature import STATIONARY, confidence_curvature, relative_curvature
from stepscape.theory.line.uncertainty import best_level, uncertain_set
from stepscape.theory.plane.facts import PlaneFacts
from stepscape.theory.plane.half_space import lengths
from stepscape.theory.plane.lemma import Counted, Remainder, flat_bound, gauss_newton_bound

SOURCE = "Qiao and Wang (2025), Theorem 3.5, for inputs in R^d derived here"
AT_REST = "the point is stationary: over neurons with w2 ≠ 0, ‖R‖ ≤ 1e-6 Σ v |r| √(1 + ‖x‖²)"
_NO_UNDERFLOW = "the curvature of the examples does not underflow"


def logistic_gauss_newton(facts: PlaneFacts) -> Certificate:
    """L0: D̄ (1 + 2 TV_side,D) ≤ λ_max(G), at every point whatever the labels; equality is attained."""
    return gauss_newton_bound(facts, _whole(facts), SOURCE)


def weighted(facts: PlaneFacts) -> Certificate:
    """L1: TV_side,D ≤ (λ_max(H) + ‖R‖)/(2D̄) − ½, at every point; equality is attained."""
    return flat_bound("weighted", facts, _whole(facts), _measured(facts), SOURCE)


def weighted_stationary(facts: PlaneFacts) -> Certificate:
    """L1 at a stationary point: TV_side,D ≤ λ_max(H)/(2D̄) − ½."""
    return flat_bound("weighted_stationary", facts, _whole(facts), _at_rest(facts), SOURCE)


def weighted_by(facts: PlaneFacts, curvature: ArrayLike) -> Certificate:
    """L1 for a part of the curvature: TV_side,c ≤ (λ_max(H) + ‖R‖)/(2C) − ½ with c_i = v_i · curvature_i.

    Parameters
    ----------
    facts : the network.
    curvature : (n,), in the order of the inputs, each entry between 0 and D_i.
    """
    _check(facts)
    part, whole = vector("curvature", curvature), loss_of("logistic").curvature(facts.landscape.predictions)
    if part.shape != whole.shape:
        raise bad("curvature", f"have one entry per input ({whole.size})", part.size)
    if (part < 0.0).any() or (part > whole).any():
        at = int(np.argmax(np.where(part < 0.0, np.inf, part - whole)))
        raise bad("curvature", f"lie between 0 and that of its example ({whole[at]:.6g})", float(part[at]))
    total = float(facts.averaging @ part)
    counted = _counted(facts, "C", total, "Σ |w2| ‖w1‖ g̃_c", "side", facts.averaging * part)
    return flat_bound("weighted_by", facts, counted, _measured(facts), SOURCE)


def uncertain(facts: PlaneFacts) -> Certificate:
    """L2: |f|_{V_{g_A}} ≤ (λ_max(H) + √(1 + R²)(1 − e^{−L}))/(2 v(A) Γ) − ½, for every γ.

    ``details`` hold γ, the count and the mass of A, and Γ(γ).
    """
    _check(facts)
    return flat_bound("uncertain", facts, _where_uncertain(facts, facts.gamma), _by_loss(facts), SOURCE)


def uncertain_best(facts: PlaneFacts) -> Certificate:
    """L2 at the γ with the smallest right side, whatever the sharpness and the loss: the largest v(A) Γ."""
    counted = _where_uncertain(facts, _best_gamma(facts))
    return flat_bound("uncertain_best", facts, counted, _by_loss(facts), SOURCE)


def uncertain_stationary(facts: PlaneFacts) -> Certificate:
    """L2 at a stationary point and the best γ: |f|_{V_{g_A}} ≤ λ_max(H)/(2 v(A) Γ) − ½."""
    counted = _where_uncertain(facts, _best_gamma(facts))
    return flat_bound("uncertain_stationary", facts, counted, _at_rest(facts), SOURCE)


def _check(facts: PlaneFacts) -> None:
    expect("facts", facts, PlaneFacts)
    if facts.loss != "logistic":
        raise bad("facts", "be about the logistic loss", f"the {facts.loss} loss")


def _best_gamma(facts: PlaneFacts) -> float:
    _check(facts)
    return best_level(facts.landscape.predictions, facts.averaging)


def _whole(facts: PlaneFacts) -> Counted:
    """Take c = v D, written with D over its largest value so that margins of any size are safe."""
    _check(facts)
    ratio, largest = relative_curvature(facts.landscape.predictions, facts.averaging)
    mass = facts.averaging * ratio
    return _counted(facts, "D̄", float(mass.sum()) * largest, "Σ |w2| ‖w1‖ g̃_D", "side", mass)


def _where_uncertain(facts: PlaneFacts, gamma: float) -> Counted:
    """Take c_i = v_i Γ on A and 0 elsewhere."""
    v, least = facts.averaging, confidence_curvature(gamma)
    mass = np.where(uncertain_set(facts.landscape.predictions, gamma), v, 0.0)
    share = float(mass.sum())
    details = {
        "gamma": gamma, "count": float(np.sum(mass > 0.0)), "share": share, "confidence_curvature": least,
    }  # fmt: skip
    premise = f"some input is uncertain, |f(x_i)| ≤ {gamma:g}"
    return _counted(facts, "v(A) Γ", share * least, "|f|_{V_{g_A}}", "function", mass, details, premise)


def _counted(
    facts: PlaneFacts,
    name: str,
    total: float,
    symbol: str,
    form: str,
    mass: FloatArray,
    details: dict[str, float] | None = None,
    premise: str = "",
) -> Counted:
    """Weights c of sum `total`, proportional to `mass`."""
    some = bool((mass > 0.0).any())
    failed = () if some and total >= TINY else (_NO_UNDERFLOW if some or not premise else premise,)
    return Counted(
        name=name,
        total=total,
        variation=facts.variation(symbol, form, mass) if some else Variation(symbol, 0.0, 0.0),
        details={"counted_curvature": total, **(details or {})},
        premises=(premise, _NO_UNDERFLOW) if premise else (_NO_UNDERFLOW,),
        failed_premises=failed,
        rounding=1.0 + _magnitude(facts),
    )


def _magnitude(facts: PlaneFacts) -> float:
    """Bound the sum of the magnitudes in any f(x_i): eps times it is how far rounding moves f, and log D."""
    sizes = np.abs(facts.w2) @ (lengths(facts.w1) * facts.radius + np.abs(facts.b1))
    return float(2.0 * sizes + np.abs(facts.landscape.predictions).max())


def _measured(facts: PlaneFacts) -> Remainder:
    norm, off = facts.landscape.residual_norm, facts.landscape.residual_norm_error
    return Remainder("‖R‖", norm - off, norm + off)


def _by_loss(facts: PlaneFacts) -> Remainder:
    """‖R‖ ≤ √(1 + R²)(1 − e^{−L})."""
    value, off = -facts.reach * math.expm1(-facts.landscape.loss), facts.reach * facts.landscape.loss_error
    return Remainder(f"{facts.reach_name}(1 − e^{{−L}})", value - off, value + off)


def _at_rest(facts: PlaneFacts) -> Remainder:
    """Measure ‖R‖ over the neurons with w2 ≠ 0; its premise fails unless it is 1e-6 of its bound."""
    if math.isnan(facts.reach):
        return Remainder("", math.nan, math.nan, (AT_REST,))
    size = float(np.abs(facts.slopes) @ factor(lengths(facts.inputs), facts.trainable))
    met = facts.resting_norm <= STATIONARY * size
    return Remainder("", facts.resting_norm, facts.resting_norm, (AT_REST,), () if met else (AT_REST,))
