"""Interpolators of noisy data are sharp: a bound from the data alone.

Let x_1 < … < x_m be the distinct inputs of positive weight, Δ_i the slope change at x_i of the line that
connects the dots, and g̲(x_i) the smallest of g(x_i) and its two one-sided limits. Over all continuous
piecewise linear f with f(x_i) = y_i,

    inf ∫|f''|g = Σ_{i=2}^{m−1} |Δ_i| g̲(x_i).

Proof. Restricted to the inputs, a kink at t = (1 − θ) x_i + θ x_{i+1} equals (1 − θ) times a kink at x_i
plus θ times one at x_{i+1}, up to an affine function. In the gap g is the minimum of a falling and a
rising line, so concave: moving the kink to the two ends, from inside the gap, costs no more. Kinks at the
inputs that interpolate are unique: connect the dots. Each is approached from the cheaper side.

At an interpolator the residual block vanishes, H = G, and T0 gives λ_max(H) ≥ 1 + 2 Σ|Δ_i| g̲(x_i). When
labels differ at repeated inputs nothing interpolates; the same numbers, for the weighted mean label of
each input, then hold for every network of the smallest possible loss, because there too R = 0.

Source: derived here; the rate σn² is Qiao et al. (2024), interpolating solutions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import nonnegative, positive
from stepscape.errors import bad, expect
from stepscape.theory.certificate import EPS, Certificate
from stepscape.theory.line.decimals import decimal_bound
from stepscape.theory.line.distribution import (
    BLOCKS,
    FloatArray,
    InputDistribution,
    input_distribution,
    no_bound,
    relative,
    vector,
)
from stepscape.theory.line.facts import Facts
from stepscape.theory.line.weight import WeightLimits, weight_limits

_TOLERANCE = 1e-3
_LOST = 1e-9  # the share of the bound that rounding in float64 may cost
_AGREE = "equal inputs carry equal labels"
_FITS = "the network interpolates"


@dataclass(frozen=True, eq=False)
class InterpolationBound:
    """The bounds that the data alone give for every network that passes through them.

    Attributes
    ----------
    possible : whether equal inputs carry equal labels, so that interpolation is possible at all.
    slope_changes : (m,), Δ_i at each distinct input, 0 at the two ends.
    variation : inf ∫|f''|g over all interpolants, exact.
    hat_bound : the weaker bound by hat functions, the larger of the sums over even and over odd i of
        |Δ_i| times the infimum of g over (x_{i−1}, x_{i+1}).
    sharpness : lower bound on λ_max at every interpolator, 1 + 2·variation (no 1 when b2 is not trained).
    step_size : 2/sharpness: gradient descent with a larger step is linearly unstable at every interpolator.
    sensitivity : K with λ_max(G) ≥ sharpness − K·√(2L) for every network of loss L, interpolating or not.
    scale : sum of the magnitudes in ``sharpness``, up to a few eps of which it is accurate.

    A number beyond the range of float64 is inf; ``step_size`` is right even then.
    """

    possible: bool
    slope_changes: FloatArray
    variation: float
    hat_bound: float
    sharpness: float
    step_size: float
    sensitivity: float
    scale: float


def interpolation_bound(
    inputs: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike | None = None,
    trainable: Sequence[str] = BLOCKS,
) -> InterpolationBound:
    """Compute the least ∫|f''|g of an interpolant, and what follows for sharpness and step size.

    Parameters
    ----------
    inputs, labels : (n,), in any order; equal inputs are merged, their weights add.
    weights : (n,), normalized; None means 1/n each.
    trainable : the trained blocks; they must hold w2 and one of w1 and b1.
    """
    distribution = input_distribution(inputs, weights)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        y, possible = merge_labels(distribution, inputs, labels, weights)
        bound = _in_floats(distribution, y, possible, weight_limits(inputs, weights, trainable), trainable)
    size = bound.scale + (1.0 + distribution.largest) * bound.sharpness
    if math.isfinite(size + bound.sensitivity) and EPS * size <= _LOST * bound.sharpness:
        return bound
    return _in_decimals(inputs, labels, weights, possible, trainable)


def _in_floats(
    distribution: InputDistribution,
    y: FloatArray,
    possible: bool,
    limits: WeightLimits,
    trainable: Sequence[str],
) -> InterpolationBound:
    changes = _slope_changes(distribution.points, y)
    cost = np.abs(changes)
    variation = float(cost @ limits.lowest)
    influence = _influence(distribution.points, limits.lowest)
    offset = 1.0 if "b2" in trainable else 0.0
    sharpness = offset + 2.0 * variation
    reach = 1.0 + distribution.largest  # the mean in g is known to eps·max|x|
    return InterpolationBound(
        possible=possible,
        slope_changes=changes,
        variation=variation,
        hat_bound=_hat_bound(cost, limits),
        sharpness=sharpness,
        step_size=2.0 / sharpness if sharpness > 0.0 else math.inf,
        sensitivity=2.0 * math.sqrt(float((influence**2 / distribution.masses).sum())),
        scale=offset + 2.0 * (float(influence @ np.abs(y)) + reach * variation),
    )


def _in_decimals(
    inputs: ArrayLike,
    labels: ArrayLike,
    weights: ArrayLike | None,
    possible: bool,
    trainable: Sequence[str],
) -> InterpolationBound:
    """Compute the same where float64 overflows, underflows or cancels: each number is rounded once."""
    x, y = vector("inputs", inputs), vector("labels", labels)
    exact = decimal_bound(x, y, relative(weights, x.size), trainable)
    return InterpolationBound(possible=possible, **exact)


def interpolation_rate(noise: float = 1.0, half_width: float = 1.0) -> float:
    """Return the limit of (sharpness − 1)/n² of `interpolation_bound`, for n equispaced inputs on [−w, w].

    Labels are a smooth truth plus independent N(0, σ²). With gaps h = 2w/n the noise part of Δ_i is N(0,
    6σ²)/h and that of the truth vanishes, so E|Δ_i| → √(12/π) σ/h, and Σ g(x_i) → (n/2w) ∫g with g of the
    uniform distribution,

        (sharpness − 1)/n²  →  √(12/π) σ ∫g/(2w²),    ∫g = 2w² ∫_0^1 ((1 − s)/2)³ √(1 + (w (1 + s)/2)²) ds.
    """
    sigma, w = nonnegative("noise", noise), positive("half_width", half_width)
    nodes, shares = np.polynomial.legendre.leggauss(40)
    s = 0.5 * (1.0 + nodes)
    mean = 0.5 * float(shares @ ((0.5 * (1.0 - s)) ** 3 * np.hypot(1.0, 0.5 * w * (1.0 + s))))
    return math.sqrt(12.0 / math.pi) * sigma * mean


def merge_labels(
    distribution: InputDistribution, inputs: ArrayLike, labels: ArrayLike, weights: ArrayLike | None
) -> tuple[FloatArray, bool]:
    """Weighted mean label of each distinct input, and whether its labels all agree."""
    x, y = vector("inputs", inputs), vector("labels", labels)
    if y.shape != x.shape:
        raise bad("labels", f"have one entry per input ({x.size})", y.size)
    v = relative(weights, x.size)
    x, y, v = x[v > 0.0], y[v > 0.0], v[v > 0.0]
    where = np.searchsorted(distribution.points, x)
    first = np.empty(distribution.points.size)
    first[where] = y
    # Differences from one label of the group: labels that agree stay exactly what they are.
    mean = first + np.bincount(where, weights=v * (y - first[where])) / distribution.weights
    return mean, bool((y == first[where]).all())


def _slope_changes(x: FloatArray, y: FloatArray) -> FloatArray:
    changes = np.zeros_like(x)
    changes[1:-1] = np.diff(np.diff(y) / np.diff(x))
    return changes


def _influence(x: FloatArray, g: FloatArray) -> FloatArray:
    """κ (m,) with Σ_i |Δ_i(r)| g_i ≤ Σ_l κ_l |r_l| for every r; g vanishes at both ends."""
    inverse = 1.0 / np.diff(x)
    kappa = np.zeros_like(x)
    kappa[:-1] += inverse * (g[:-1] + g[1:])
    kappa[1:] += inverse * (g[:-1] + g[1:])
    return kappa


def _hat_bound(cost: FloatArray, limits: WeightLimits) -> float:
    # A hat on (x_{i−1}, x_{i+1}) integrates f'' to Δ_i; hats of one parity do not overlap. g is concave
    # in each gap, so its infimum is a limit at an end.
    if cost.size < 3:
        return 0.0
    gaps = np.minimum(limits.after[:-1], limits.before[1:])
    terms = cost[1:-1] * np.minimum(np.minimum(gaps[:-1], gaps[1:]), limits.value[1:-1])
    return float(max(terms[::2].sum(), terms[1::2].sum()))


def interpolation(facts: Facts) -> Certificate:
    """1 + 2 Σ|Δ_i| g̲(x_i) ≤ λ_max(H) at every interpolator; the left side depends on the data only.

    No training reaches loss 0, so the right side carries what a loss L can change, ‖R‖ + K√(2L) with
    ‖R‖ ≤ √(1 + x_max²) √(2L): with it the inequality is true at every point, and the premise only says when
    it speaks of an interpolator: √(2L) is at most a thousandth of the weighted standard deviation of the
    labels.
    """
    expect("facts", facts, Facts)
    loss, off, top = facts.landscape.loss, facts.landscape.loss_error, facts.landscape.sharpness
    error, most = math.sqrt(2.0 * max(loss - off, 0.0)), math.sqrt(2.0 * (loss + off))
    least, size, influence = math.nan, 0.0, math.nan
    possible = True
    if not no_bound(facts.trainable):
        bound = interpolation_bound(facts.inputs, facts.labels, facts.weights, facts.trainable)
        least, size, possible = bound.sharpness, bound.scale, bound.possible
        influence = facts.reach + bound.sensitivity
    fits = most <= _TOLERANCE * _deviation(facts.labels, facts.averaging)
    failed = (() if possible else (_AGREE,)) + (() if fits else (_FITS,))
    return Certificate(
        left=least,
        right=top.lower + influence * error,
        right_upper=top.upper + influence * most,
        assumptions=(
            *facts.premises,
            f"it interpolates: √(2L) is at most {_TOLERANCE:g} label standard deviations",
        ),
        source="derived here; rate: Qiao et al. (2024), interpolating solutions",
        name="interpolation",
        statement=f"{'1 + ' if facts.offset else ''}2 Σ |Δ_i| g̲(x_i) ≤ λ_max(H) + (reach + K)·√(2L)",
        failed_premises=facts.failed_premises + failed,
        scale=size + abs(top.value) + abs(influence * most),
    )


def _deviation(y: FloatArray, v: FloatArray) -> float:
    """Weighted standard deviation, weights of sum 1; squares are of labels over the largest of them."""
    unit = float(np.abs(y).max()) or 1.0
    y = y / unit
    return unit * math.sqrt(float(v @ (y - float(v @ y)) ** 2))
