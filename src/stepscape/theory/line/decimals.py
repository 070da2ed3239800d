"""The data-only bound on interpolators in decimals, for data at which float64 overflows or cancels.

Sums of float64 numbers are exact in so many digits as their exponents span, and products cannot overflow. The
formulas are those of `stepscape.theory.line.interpolation`, input by input.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from itertools import pairwise
from operator import mul
from typing import Any, NamedTuple

import numpy as np

from stepscape.theory.line.distribution import FloatArray

_SPARE = 60  # digits beyond those that what cancels can take
_ZERO, _ONE = Decimal(0), Decimal(1)

Numbers = list[Decimal]


class _Side(NamedTuple):
    """Limits of g+ from the left and from the right at each input."""

    before: Numbers
    after: Numbers


def decimal_bound(x: FloatArray, y: FloatArray, v: FloatArray, trainable: Sequence[str]) -> dict[str, Any]:
    """Return the numbers of `InterpolationBound`, each rounded once; `v` are weights of any sum."""
    # Of differences of slopes and of means cancels at most what is exact in the products of three numbers.
    digits = _SPARE + round(0.61 * sum(map(_span, (x, y, v))))
    with localcontext(Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        points, mean, weights = _merged(x, y, v)
        up = _side(points, weights, trainable)
        mirror = _side([-t for t in reversed(points)], weights[::-1], trainable)
        down = _Side(mirror.after[::-1], mirror.before[::-1])
        # At an input g+ is its limit from the right and g− its limit from the left.
        value = list(map(min, up.after, down.before))
        before, after = list(map(min, up.before, down.before)), list(map(min, up.after, down.after))
        lowest = list(map(min, value, before, after))
        slopes = [(b - a) / (t - s) for (s, t), (a, b) in zip(pairwise(points), pairwise(mean), strict=True)]
        changes = [_ZERO, *(b - a for a, b in pairwise(slopes)), _ZERO][: len(points)]
        cost = [abs(change) for change in changes]
        variation = sum(map(mul, cost, lowest), _ZERO)
        sharpness = (_ONE if "b2" in trainable else _ZERO) + 2 * variation
        return {
            "slope_changes": np.array([float(change) for change in changes]),
            "variation": float(variation),
            "hat_bound": float(_hats(cost, value, before, after)),
            "sharpness": float(sharpness),
            "step_size": float(2 / sharpness) if sharpness else float("inf"),
            "sensitivity": float(_sensitivity(points, weights, lowest)),
            "scale": float(sharpness),
        }


def _span(numbers: FloatArray) -> int:
    """Bits from the largest to the last of the smallest number that is not 0."""
    exponents = np.frexp(numbers[numbers != 0.0])[1]
    return int(np.ptp(exponents)) + 53 if exponents.size else 53


def _merged(x: FloatArray, y: FloatArray, v: FloatArray) -> tuple[Numbers, Numbers, Numbers]:
    """Distinct inputs of positive weight, sorted, with their weighted mean labels and their weights."""
    groups: dict[float, list[tuple[Decimal, Decimal]]] = {}
    for at, label, weight in sorted(zip(x.tolist(), y.tolist(), v.tolist(), strict=True)):
        if weight > 0.0:
            groups.setdefault(at, []).append((Decimal(label), Decimal(weight)))
    weights = [sum((w for _, w in group), _ZERO) for group in groups.values()]
    mean = [
        group[0][0] + sum(((label - group[0][0]) * w for label, w in group), _ZERO) / total
        for group, total in zip(groups.values(), weights, strict=True)
    ]
    return [Decimal(at) for at in groups], mean, weights


def _side(points: Numbers, weights: Numbers, trainable: Sequence[str]) -> _Side:
    """g+ = P² (E − t) factor(E) from the left (events X ≥ t) and from the right (X > t), by running sums."""
    total = sum(weights, _ZERO)
    before, after = [], []
    mass, spread, ahead = _ZERO, _ZERO, points[-1]  # Σ w and Σ w (x − t) over the inputs beyond t
    for at, weight in zip(reversed(points), reversed(weights), strict=True):
        spread += mass * (ahead - at)
        after.append(_g(mass, spread, at, total, trainable))
        mass += weight
        before.append(_g(mass, spread, at, total, trainable))
        ahead = at
    return _Side(before[::-1], after[::-1])


def _g(mass: Decimal, spread: Decimal, at: Decimal, total: Decimal, trainable: Sequence[str]) -> Decimal:
    if not mass:
        return _ZERO
    mean = at + spread / mass
    size = abs(mean) if "b1" not in trainable else _ONE if "w1" not in trainable else (1 + mean * mean).sqrt()
    return mass * spread / (total * total) * size


def _hats(cost: Numbers, value: Numbers, before: Numbers, after: Numbers) -> Decimal:
    gaps = list(map(min, after, before[1:]))
    terms = [
        cost[i] * min(gaps[i - 1], gaps[i], value[i]) if cost[i] else _ZERO for i in range(1, len(cost) - 1)
    ]
    return max(sum(terms[::2], _ZERO), sum(terms[1::2], _ZERO))


def _sensitivity(points: Numbers, weights: Numbers, lowest: Numbers) -> Decimal:
    """2 √(Σ κ²/mass), κ_i = Σ over the two gaps at i of (g̲ at its ends)/width."""
    total = sum(weights, _ZERO)
    gaps = [(g + h) / (t - s) for (s, t), (g, h) in zip(pairwise(points), pairwise(lowest), strict=True)]
    kappa = [a + b for a, b in zip([_ZERO, *gaps], [*gaps, _ZERO], strict=True)]
    return 2 * sum((k * k * total / w for k, w in zip(kappa, weights, strict=True)), _ZERO).sqrt()
