"""Both sides of the inequalities, as intervals."""

from __future__ import annotations

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
from stepscape.cli.recheck.network import Network, dot, norm


def side_form(at: Network, weights: list[Interval]) -> Interval:
    """Σ_j |w2| √(‖M‖² + P²) max(w1·M + b1 P, 0), P = Σ weights and M = Σ weights·x over what j sees."""
    out, known = exactly(0), {}
    for w, b, a, seen in zip(at.w, at.b, at.a, at.seen, strict=True):
        if any(w):
            if seen not in known:
                known[seen] = _held(at, weights, seen)
            mass, moment = known[seen]
            height = _height(w, b, mass, moment)
            out = out + exactly(abs(a)).times(_length(at, mass, moment)).times(_nonnegative(height))
    return out


def function_form(at: Network, weights: list[Interval]) -> Interval:
    """Σ over planes u·x + c = 0 of |Σ w2 |pivot|| min(g⁺, g⁻), g^± = ±(u·M + c P) √(‖M‖² + P²) beyond it.

    Here (u, c) is (w1, b1) over the pivot, the largest entry of w1, and M, P are over the inputs on one side.
    """
    jumps: dict[tuple[Fraction, ...], Fraction] = {}
    for w, b, a in zip(at.w, at.b, at.a, strict=True):
        pivot = max(w, key=abs)
        if pivot:
            plane = (*(t / pivot for t in w), b / pivot)
            jumps[plane] = jumps.get(plane, ZERO) + a * abs(pivot)
    out = exactly(0)
    for plane, jump in jumps.items():
        u, c = list(plane[:-1]), plane[-1]
        places = [dot(u, x) + c for x in at.x]
        sides = []
        for sign in (1, -1):
            mass, moment = _held(at, weights, tuple(sign * place > 0 for place in places))
            beyond = exactly(sign).times(_height(u, c, mass, moment))
            sides.append(_nonnegative(beyond).times(_length(at, mass, moment)))
        least = Interval(min(one.low for one in sides), min(one.high for one in sides))
        out = out + exactly(abs(jump)).times(least)
    return out


def _held(at: Network, weights: list[Interval], seen: tuple[bool, ...]) -> tuple[Interval, list[Interval]]:
    """P and M of some inputs."""
    mass, moment = exactly(0), [exactly(0)] * at.dimension
    for x, weight, active in zip(at.x, weights, seen, strict=True):
        if active:
            mass = mass + weight
            moment = [one + weight.times(exactly(t)) for one, t in zip(moment, x, strict=True)]
    return mass, moment


def _height(w: list[Fraction], b: Fraction, mass: Interval, moment: list[Interval]) -> Interval:
    out = exactly(b).times(mass)
    for t, one in zip(w, moment, strict=True):
        out = out + exactly(t).times(one)
    return out


def _length(at: Network, mass: Interval, moment: list[Interval]) -> Interval:
    """√(‖M‖² + P²), or what of it belongs to trained blocks."""
    return norm([*(moment if at.trained["w1"] else ()), *([mass] if at.trained["b1"] else ())])


def _radius(at: Network) -> Interval:
    """Return R, the largest ‖x_i‖ of positive weight; with one variable that of all inputs."""
    seen = [x for x, v in zip(at.x, at.v, strict=True) if v > 0 or at.dimension == 1]
    return root(exactly(max(dot(x, x) for x in seen)))


def _published_reach(at: Network, radius: Interval) -> Interval:
    """R + 1; with one variable max(R, 1/√3)."""
    if at.dimension > 1:
        return radius + exactly(1)
    least = root(exactly(Fraction(1, 3)))
    return Interval(max(radius.low, least.low), max(radius.high, least.high))


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
    radius = _radius(at)
    far = _length(at, exactly(1), [radius])
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
    rest = _published_reach(at, radius).times(spread)
    sides["published"] = Sides(function_form(at, at.curvature).over(mean), base + rest)
    return sides
