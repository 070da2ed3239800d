"""Both sides of the inequalities, as intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from stepscape.cli.recheck.intervals import (
    HALF,
    ZERO,
    Interval,
    exactly,
    exponential,
    exponential_of,
    root,
)
from stepscape.cli.recheck.network import Network


def side_form(at: Network, weights: list[Interval]) -> Interval:
    """Σ_j |w2| √(M² + P²) max(w1 M + b1 P, 0), P = Σ weights and M = Σ weights·x over what j sees."""
    out = exactly(0)
    for j, (w, b, a) in enumerate(zip(at.w, at.b, at.a, strict=True)):
        mass, moment = _seen(at, weights, lambda i, j=j: at.z[i][j] > 0)  # type: ignore[misc]
        height = exactly(w).times(moment) + exactly(b).times(mass)
        if w:
            out = out + exactly(abs(a)).times(_length(at, mass, moment)).times(_nonnegative(height))
    return out


def function_form(at: Network, weights: list[Interval]) -> Interval:
    """Σ over knots τ of |Σ w2 |w1|| min(g⁺, g⁻), g^± = ±(M - τ P) √(M² + P²) over the inputs beyond τ."""
    jumps: dict[Fraction, Fraction] = {}
    for w, b, a in zip(at.w, at.b, at.a, strict=True):
        if w:
            jumps[-b / w] = jumps.get(-b / w, ZERO) + a * abs(w)
    out = exactly(0)
    for knot, jump in jumps.items():
        sides = []
        for sign in (1, -1):
            mass, moment = _seen(at, weights, lambda i, sign=sign, knot=knot: sign * (at.x[i] - knot) > 0)  # type: ignore[misc]
            beyond = exactly(sign).times(moment - exactly(knot).times(mass))
            sides.append(_nonnegative(beyond).times(_length(at, mass, moment)))
        least = Interval(min(one.low for one in sides), min(one.high for one in sides))
        out = out + exactly(abs(jump)).times(least)
    return out


def _seen(at: Network, weights: list[Interval], sees: Callable[[int], bool]) -> tuple[Interval, Interval]:
    mass = moment = exactly(0)
    for i, x in enumerate(at.x):
        if sees(i):
            mass, moment = mass + weights[i], moment + weights[i].times(exactly(x))
    return mass, moment


def _length(at: Network, mass: Interval, moment: Interval) -> Interval:
    """√(M² + P²), or what of it belongs to trained blocks."""
    length = moment.times(moment) if at.trained["w1"] else exactly(0)
    return root(_nonnegative(length + mass.times(mass) if at.trained["b1"] else length))


def _nonnegative(one: Interval) -> Interval:
    return Interval(max(one.low, ZERO), max(one.high, ZERO))


@dataclass(frozen=True)
class Sides:
    """Both sides of an inequality left ≤ right."""

    left: Interval
    right: Interval


def inequalities(at: Network, h: Interval, g: Interval, gammas: dict[str, Fraction]) -> dict[str, Sides]:
    """Both sides by name, with λ_max(H) and λ_max(G) as enclosed; V = 1 gives the forms in print."""
    b2, half, two = at.trained["b2"], exactly(HALF), exactly(2)
    mean = exactly(0)
    for one in at.curvature:
        mean = mean + one
    tv = side_form(at, at.curvature).over(mean)
    sides = {"gauss_newton": Sides((mean if b2 else exactly(0)) + two.times(tv), g)}
    x_max = max(map(abs, at.x))
    far = _length(at, exactly(1), exactly(x_max))
    if at.logistic:
        right = (h + at.residual_norm).over(two.times(mean)) - exactly(HALF * b2)
        sides["weighted"] = Sides(tv.over(mean), right)
        gone = exponential_of(exactly(0) - at.loss.over(exactly(at.total)))
        rest = far.times(exactly(at.total)).times(exactly(1) - gone)
        for name, gamma in gammas.items():
            inside = [exactly(v if abs(f) <= gamma else ZERO) for v, f in zip(at.v, at.f, strict=True)]
            share, tail = sum((one.low for one in inside), ZERO), exponential(-gamma)
            least = tail.over((exactly(1) + tail).times(exactly(1) + tail))
            left = function_form(at, inside).over(exactly(share * share))
            sides[name] = Sides(
                left, (h + rest).over(two.times(exactly(share)).times(least)) - exactly(HALF * b2)
            )
        return sides
    base, spread = (
        half.times(h - (mean if b2 else exactly(0))),
        root(two.times(at.loss).times(exactly(at.total))),
    )
    sides["sharpness"] = Sides(tv, base + half.times(at.residual_norm))
    sides["sharpness_loss"] = Sides(tv, base + half.times(far).times(spread))
    far = exactly(x_max) if x_max**2 >= Fraction(1, 3) else root(exactly(Fraction(1, 3)))
    sides["published"] = Sides(function_form(at, at.curvature).over(mean), base + far.times(spread))
    return sides
