"""The first step at which a loss rises above its start, by secants of its mean decrease."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Loss = Callable[[float], float]
Point = tuple[float, float]  # η and s(η) = (L(0) − L(η))/η
Points = list[Point]
FARTHER = 64.0  # a secant changes the step by no more than this factor


@dataclass(frozen=True)
class Crossing:
    """Where L(η) first exceeds L(0).

    Attributes
    ----------
    value : float
        η; the largest step tried for "no_crossing", nan where nothing is known.
    error : float
        How far the crossing may be from `value`: the last change of the secant, or half of the bracket, and
        what rounding of the loss adds.
    status : str
        "converged"; "budget" (the passes are spent); "ascent" (the slope is not negative); "no_crossing"
        (the loss was lower at every step tried); "noise_floor" (rounding of the loss hides the crossing);
        "nonmonotone" (the loss falls below its start again beyond this crossing); "nonfinite".
    passes : int
        Evaluations of the loss.
    """

    value: float
    error: float
    status: str
    passes: int


def first_crossing(
    loss: Loss, start: float, slope: float, guess: float, tolerance: float, passes: int, noise: float
) -> Crossing:
    """Find the smallest η > 0 with L(η) > L(0) within a number of evaluations.

    s(η) = (L(0) − L(η))/η falls from −L'(0) to 0 at the crossing. For a quadratic loss it is a straight line,
    whose root the first secant meets exactly. Secants go through the two points where s is closest to 0 and
    stay inside the bracket; where no point before the crossing is near it, one more, at half of it, tells
    whether an earlier crossing was jumped over.

    Parameters
    ----------
    loss : callable
        L(η); a value that is not finite counts as above L(0).
    start : float
        L(0), which counts as the first pass.
    slope : float
        −L'(0).
    guess : float
        The first η to try, positive.
    tolerance : float
        Relative accuracy of η.
    passes : int
        Evaluations at most, at least 2.
    noise : float
        Rounding error of the loss, relative to L(0).
    """
    if not (math.isfinite(start) and math.isfinite(slope)):
        return Crossing(math.nan, math.nan, "nonfinite", 1)
    if slope <= 0.0:
        return Crossing(math.nan, math.nan, "ascent", 1)
    floor = noise * abs(start)
    means, step, settled = [(0.0, slope)], guess, 0.0
    while len(means) < passes:
        means.append((step, _mean_decrease(loss(step), start, step, slope, floor)))
        step, error = _root(means)
        if error <= tolerance * step and math.isfinite(_bracket(means)[1][1]):
            if any(0.4 * step <= at <= 0.75 * step for at, mean in means if mean > 0.0):
                break
            settled, step = max(settled, step), 0.5 * step
    return _found(means, settled, tolerance, floor)


def _mean_decrease(value: float, start: float, step: float, slope: float, floor: float) -> float:
    """(L(0) − L(η))/η; the slope at 0 for a step so small that the loss rounds to L(0)."""
    if not math.isfinite(value):
        return -math.inf
    if abs(start - value) <= floor and slope * step <= 2.0 * floor:
        return slope
    return (start - value) / step


def _bracket(means: Points) -> tuple[Point, Point]:
    """Return the last point before the first crossing that was seen, and the first point beyond it."""
    high = min((point for point in means if point[1] <= 0.0), default=(math.inf, -1.0))
    return max(point for point in means if point[1] > 0.0 and point[0] < high[0]), high


def _root(means: Points) -> tuple[float, float]:
    """Return where the secant of the two points closest to zero vanishes, and how far the crossing may be."""
    (low, _), (high, beyond) = _bracket(means)
    root = _vanishes(*sorted(sorted(means, key=lambda point: abs(point[1]))[:2]))
    if math.isinf(high):
        root = min(root, FARTHER * low)
    elif math.isfinite(beyond) and low < root <= high * (1.0 + 1e-9):  # it may be the end of the bracket
        root = max(root, high / FARTHER)
    else:
        root = max(math.sqrt(low * high), high / FARTHER) if high > 4.0 * low else 0.5 * (low + high)
        return root, max(root - low, high - root)
    return root, min(abs(root - at) for at, _ in means)


def _vanishes(first: Point, second: Point) -> float:
    """Return where the line through two points falls to zero; infinite if it does not fall."""
    falls = (first[1] - second[1]) / (second[0] - first[0])
    return second[0] + second[1] / falls if math.isfinite(falls) and falls > 0.0 else math.inf


def _found(means: Points, settled: float, tolerance: float, floor: float) -> Crossing:
    """Judge a search that is over; `settled` is the largest crossing that it met."""
    (low, _), (high, beyond) = _bracket(means)
    if math.isinf(high) and _root(means)[1] > tolerance * low:
        return Crossing(low, math.inf, "no_crossing", len(means))
    if math.isinf(beyond):
        return Crossing(low, high - low, "nonfinite", len(means))
    value, error = _root(means)
    points = [*means, (settled, 1.0)]
    error += 2.0 * floor / means[0][1]  # δs = 2 floor/η, over the mean slope s(0)/η of s
    status = "converged" if error <= tolerance * value else "budget"
    if 2.0 * floor / means[0][1] > tolerance * value:
        status = "noise_floor"
    elif any(at > value + max(error, tolerance * value) for at, mean in points if mean > 0.0):
        status = "nonmonotone"
    return Crossing(value, error, status, len(means))
