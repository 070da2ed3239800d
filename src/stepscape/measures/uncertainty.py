"""Where on the line a fit of two classes is uncertain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.theory.line.uncertainty import ends, uncertain_set

Array = NDArray[np.float64]
UNCERTAIN = 1.0  # logits of at most this size: probabilities between .27 and .73


def hull(points: Array, logits: Array, level: float = UNCERTAIN) -> tuple[float, float]:
    """Outermost of the points whose logits lie within ±level; nan twice when there are none."""
    return ends(points[uncertain_set(logits, level)])


def uncertain_intervals(points: Array, logits: Array, level: float = UNCERTAIN) -> list[tuple[float, float]]:
    """Where the piecewise linear function through (points, logits) is within ±level: increasing intervals.

    Points (m,) strictly increasing; exact when all knots of the line are among them.
    """
    found: list[tuple[float, float]] = []
    for left, right, a, b in zip(points, points[1:], logits, logits[1:], strict=False):
        start, end = _within(a, b, level)
        if end <= start:
            continue
        # Exact at 0 and 1, so that neighbors meet.
        low, high = ((1.0 - at) * left + at * right for at in (start, end))
        if found and found[-1][1] >= low:
            found[-1] = (found[-1][0], float(high))
        else:
            found.append((float(low), float(high)))
    return found


def _within(a: float, b: float, level: float) -> tuple[float, float]:
    """Share of the way from a to b at which the line enters and leaves ±level."""
    if abs(a) <= level and abs(b) <= level:
        return 0.0, 1.0
    if a == b:
        return 1.0, 0.0
    at = sorted(((-level - a) / (b - a), (level - a) / (b - a)))
    return max(0.0, at[0]), min(1.0, at[1])
