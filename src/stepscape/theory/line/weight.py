"""The weight g and the weighted total variation ∫|f''|g of a univariate two-layer ReLU network.

With X the (weighted) distribution of the inputs and strict inequalities,

    g+(t) = P(X > t)² · (E[X | X > t] − t) · √(1 + E[X | X > t]²),
    g−(t) = P(X < t)² · (t − E[X | X < t]) · √(1 + E[X | X < t]²),      g = min(g+, g−),

0 where a side is empty. Between two inputs g+ is linear and falls, g− is linear and rises, so g is concave
there; at an input both may jump. If w1 is not trained, the root becomes 1; if b1 is not trained, it becomes
|E| (see `stepscape.theory.line.distribution.factor`).

Source: Mulayoff et al. (2021), Theorem 1; Qiao et al. (2024), Theorem 3.1; frozen blocks derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import pair, reals, word
from stepscape.errors import bad, unknown
from stepscape.theory.certificate import EPS
from stepscape.theory.line.distribution import (
    BLOCKS,
    FloatArray,
    InputDistribution,
    factor,
    input_distribution,
    vector,
)


def weight(
    t: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None = None,
    side: str = "both",
    trainable: Sequence[str] = BLOCKS,
) -> FloatArray:
    """Evaluate g ("both"), g+ ("+") or g− ("-") for the distribution of the inputs.

    Parameters
    ----------
    t : any shape; the result has the same.
    inputs, weights : (n,); the weights are normalized, None means 1/n each.
    side : which of the three.
    trainable : the trained blocks.
    """
    word("side", side, _SIDES)
    points = _places(t)
    return _SIDES[side](input_distribution(inputs, weights), points, trainable)


def _places(t: ArrayLike) -> FloatArray:
    """Read points of the line, any shape; infinite ones lie outside every hull."""
    points = reals("t", t)
    if np.isnan(points).any():
        raise bad("t", "hold points of the line", "nan in it")
    return points


def _upper(
    inputs: InputDistribution, t: FloatArray, trainable: Sequence[str], closed: bool = False
) -> FloatArray:
    mass, mean, excess = inputs.tail(t, closed)
    return mass * mass * excess * factor(mean, trainable)


def _lower(
    inputs: InputDistribution, t: FloatArray, trainable: Sequence[str], closed: bool = False
) -> FloatArray:
    # g− of X at t is g+ of −X at −t, because the factor depends on |E| alone.
    return _upper(inputs.reflected, -t, trainable, closed)


def _both(inputs: InputDistribution, t: FloatArray, trainable: Sequence[str]) -> FloatArray:
    return np.minimum(_upper(inputs, t, trainable), _lower(inputs, t, trainable))


_SIDES = {"both": _both, "+": _upper, "-": _lower}


def population_weight(t: ArrayLike) -> FloatArray:
    """Evaluate g for the uniform distribution on [−1, 1]: ((1 − |t|)/2)³ √(1 + ((1 + |t|)/2)²), 0 outside."""
    size = np.minimum(np.abs(_places(t)), 1.0)
    return np.asarray(((1.0 - size) / 2.0) ** 3 * np.hypot(1.0, (1.0 + size) / 2.0))


@dataclass(frozen=True, eq=False)
class WeightLimits:
    """g around the inputs, arrays (m,) over the m distinct inputs of positive weight.

    Attributes
    ----------
    points : the distinct inputs, sorted.
    value, before, after : g at the input, and its limits from the left and from the right.
    lowest : the smallest of the three, g̲; the infimum of g over a gap is the smaller of ``after`` at its
        left end and ``before`` at its right end.
    highest : the supremum of g over the whole line.
    """

    points: FloatArray
    value: FloatArray
    before: FloatArray
    after: FloatArray
    lowest: FloatArray
    highest: float


def weight_limits(
    inputs: ArrayLike, weights: ArrayLike | None = None, trainable: Sequence[str] = BLOCKS
) -> WeightLimits:
    """Evaluate g at each distinct input with its one-sided limits, and its supremum."""
    distribution = input_distribution(inputs, weights)
    x = distribution.points
    # g+ counts X > t: at an input its limit from the left counts the input too, its limit from the right does
    # not. g− is the mirror image.
    up_before, up_after = (_upper(distribution, x, trainable, closed) for closed in (True, False))
    low_before, low_after = (_lower(distribution, x, trainable, closed) for closed in (False, True))
    value = np.minimum(up_after, low_before)
    before, after = np.minimum(up_before, low_before), np.minimum(up_after, low_after)
    peaks = _peaks(up_after[:-1], up_before[1:], low_after[:-1], low_before[1:])
    return WeightLimits(
        points=x,
        value=value,
        before=before,
        after=after,
        lowest=np.minimum(value, np.minimum(before, after)),
        highest=float(max(value.max(), peaks.max(initial=0.0))),
    )


def _peaks(
    fall_from: FloatArray, fall_to: FloatArray, rise_from: FloatArray, rise_to: FloatArray
) -> FloatArray:
    """Maximum over [0, 1] of the minimum of a falling and a rising line, given by their values at 0 and 1."""
    start, end = fall_from - rise_from, fall_to - rise_to
    crossing = (start > 0.0) & (end < 0.0)
    s = np.where(crossing, start, 0.0) / np.where(crossing, start - end, 1.0)
    inside = fall_from + s * (fall_to - fall_from)
    return np.where(crossing, inside, np.where(start <= 0.0, fall_from, rise_to))


def interior(
    t: ArrayLike, inputs: ArrayLike, weights: ArrayLike | None = None, trainable: Sequence[str] = BLOCKS
) -> NDArray[np.bool_]:
    """Mask of the t where g(t) ≥ sup g / 10: the part of the line that the theory covers."""
    g = weight(t, inputs, weights, trainable=trainable)
    return np.asarray((g > 0.0) & (g >= weight_limits(inputs, weights, trainable).highest / 10.0))


def merged_knots(w1: ArrayLike, b1: ArrayLike, w2: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Distinct knots τ = −b1/w1, sorted, and the slope change of f at each: Σ w2 |w1| over its neurons.

    Only exactly equal knots are merged: merging by a tolerance would lower ∫|f''|g and hide violations.
    Neurons with w1 = 0 have no knot.
    """
    w, b, v = neurons(w1, b1, w2)
    tau, where = np.unique(knots(w, b), return_inverse=True)
    return tau, np.bincount(where, weights=v * np.abs(w), minlength=tau.size).astype(np.float64)


def neurons(w1: ArrayLike, b1: ArrayLike, w2: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(w1, b1, w2) of the neurons that have a knot."""
    w, b, v = vector("w1", w1), vector("b1", b1), vector("w2", w2)
    if not (w.size == b.size == v.size):
        raise bad("w1, b1 and w2", "have the same length", f"{w.size}, {b.size} and {v.size}")
    bends = w != 0.0
    return w[bends], b[bends], v[bends]


def knots(w: FloatArray, b: FloatArray) -> FloatArray:
    """−b/w, possibly infinite."""
    with np.errstate(over="ignore"):
        return -b / w


def knots_at_data(w1: ArrayLike, b1: ArrayLike, points: FloatArray) -> int:
    """Count the neurons whose knot is an input, up to the rounding of w1·x + b1 (4 eps of its terms).

    ``points`` are the distinct inputs, sorted. There the loss is not twice differentiable.
    """
    w, b, _ = neurons(w1, b1, np.zeros_like(np.asarray(w1, dtype=np.float64)))
    after = np.searchsorted(points, knots(w, b))
    hit = np.zeros(w.shape, dtype=bool)
    for neighbor in (after - 1, after):
        x = points[np.clip(neighbor, 0, points.size - 1)]
        hit |= np.abs(w * x + b) <= 4.0 * EPS * (np.abs(w * x) + np.abs(b))
    return int(hit.sum())


def total_variation(
    w1: ArrayLike, b1: ArrayLike, w2: ArrayLike, interval: tuple[float, float] = (-np.inf, np.inf)
) -> float:
    """∫|f''| over an open interval: the sum of |slope change| over the distinct knots inside it."""
    low, high = pair("interval", interval)
    tau, jumps = merged_knots(w1, b1, w2)
    return float(np.abs(jumps[(tau > low) & (tau < high)]).sum())


def weighted_tv(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: ArrayLike,
    weights: ArrayLike | None = None,
    form: str = "function",
    trainable: Sequence[str] = BLOCKS,
) -> float:
    """Sum the weighted total variation of f in one of its three forms, function ≤ path ≤ side.

        "function"   Σ_{distinct τ} |Σ_{j: τ_j = τ} w2_j |w1_j|| · g(τ)     (this is ∫|f''|g)
        "path"       Σ_j |w1_j w2_j| · g(τ_j)
        "side"       Σ_j |w1_j w2_j| · g^{sign(w1_j)}(τ_j)                   (what the proofs bound)

    The side form also counts neurons that are active on all inputs. Parameters as in `weight`.
    """
    word("form", form, _FORMS)
    return tv_and_scale(w1, b1, w2, input_distribution(inputs, weights), form, trainable)[0]


def tv_and_scale(
    w1: ArrayLike,
    b1: ArrayLike,
    w2: ArrayLike,
    inputs: InputDistribution,
    form: str,
    trainable: Sequence[str],
) -> tuple[float, float]:
    """`weighted_tv`, and the sum of the magnitudes in it.

    E − τ is a difference: its rounding error is a multiple of eps·(|E| + |τ|), whatever is left of it.
    """
    if form not in _FORMS:
        raise unknown("form", form, _FORMS)
    w, b, v = neurons(w1, b1, w2)
    return _FORMS[form](w, b, v, inputs, trainable)


def _side_form(
    w: FloatArray, b: FloatArray, v: FloatArray, inputs: InputDistribution, trainable: Sequence[str]
) -> tuple[float, float]:
    # |w|·|E − τ| is written w·E + b, for either sign of w: no overflow when |w| is tiny and τ far away.
    tau = knots(w, b)
    up, down = inputs.tail(tau), inputs.reflected.tail(-tau)
    mass = np.where(w > 0.0, up[0], down[0])
    mean = np.where(w > 0.0, up[1], -down[1])
    outer = np.abs(v) * mass * mass * factor(mean, trainable)
    value = outer @ np.maximum(w * mean + b, 0.0)
    return float(value), float(outer @ (np.abs(w * mean) + np.abs(b)))


def _path_form(
    w: FloatArray, b: FloatArray, v: FloatArray, inputs: InputDistribution, trainable: Sequence[str]
) -> tuple[float, float]:
    return _sum(knots(w, b), np.abs(v * w), np.abs(v * w), inputs, trainable)


def _function_form(
    w: FloatArray, b: FloatArray, v: FloatArray, inputs: InputDistribution, trainable: Sequence[str]
) -> tuple[float, float]:
    tau, where = np.unique(knots(w, b), return_inverse=True)
    jumps = np.bincount(where, weights=v * np.abs(w), minlength=tau.size)
    sizes = np.bincount(where, weights=np.abs(v * w), minlength=tau.size)
    return _sum(tau, np.abs(jumps), sizes.astype(np.float64), inputs, trainable)


def _sum(
    tau: FloatArray,
    jumps: FloatArray,
    sizes: FloatArray,
    inputs: InputDistribution,
    trainable: Sequence[str],
) -> tuple[float, float]:
    """Σ jumps·g(τ) and the magnitudes in it; knots outside the hull are left out, there g = 0."""
    inside = (tau > inputs.points[0]) & (tau < inputs.points[-1])
    tau, jumps, sizes = tau[inside], jumps[inside], sizes[inside]
    return float(jumps @ _both(inputs, tau, trainable)), float(sizes @ magnitude(inputs, tau, trainable))


def magnitude(inputs: InputDistribution, t: FloatArray, trainable: Sequence[str]) -> FloatArray:
    """Sum of the magnitudes in g+(t) and g−(t), where E − t is a difference of |E| and |t|."""
    return np.asarray(
        sum(
            mass * mass * factor(mean, trainable) * (np.abs(mean) + np.abs(t))
            for mass, mean, _ in (inputs.tail(t), inputs.reflected.tail(-t))
        )
    )


_FORMS = {"function": _function_form, "path": _path_form, "side": _side_form}
