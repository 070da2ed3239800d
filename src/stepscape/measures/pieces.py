"""How many straight lines it takes to draw a function."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import bad

Array = NDArray[np.float64]
Point = tuple[float, float]


def linear_pieces(points: ArrayLike, values: ArrayLike, tolerance: float) -> int:
    """Smallest number of straight lines that stay within `tolerance` of a function given at its vertices.

    Parameters
    ----------
    points, values : (m,)
        Strictly increasing, and f there; between them f is linear (or is not looked at).
    tolerance : float
        ε ≥ 0: each line satisfies |f - line| ≤ ε at every vertex of its piece. The lines need not meet;
        neighboring pieces share the vertex at which one ends and the next begins.

    Notes
    -----
    A line within ε of all vertices exists exactly when the convex hull of the vertices is nowhere thicker
    than 2ε in the vertical direction. The greedy choice, the longest possible piece each time, is optimal,
    because a subset of the vertices of a feasible piece is feasible.
    """
    return len(piece_ends(points, values, tolerance)) + 1


def piece_ends(points: ArrayLike, values: ArrayLike, tolerance: float) -> Array:
    """Find the points at which one of the `linear_pieces` ends and the next begins, sorted."""
    x, f = np.asarray(points, np.float64), np.asarray(values, np.float64)
    if x.ndim != 1 or x.shape != f.shape or x.size == 0:
        raise bad("points and values", "have the same shape (m,), m ≥ 1", f"{x.shape} and {f.shape}")
    if not np.all(np.diff(x) > 0):
        raise bad("points", "increase strictly", "an order that does not")
    if not tolerance >= 0:
        raise bad("tolerance", "be at least 0", tolerance)
    vertices: list[Point] = list(zip(x.tolist(), f.tolist(), strict=True))
    ends, start = [], 0
    while (start := _reach(vertices, start, 2.0 * tolerance)) < len(vertices) - 1:
        ends.append(start)
    return x[ends]


def _reach(vertices: list[Point], start: int, thickness: float) -> int:
    """Last vertex of the longest feasible piece from `start`; at least the next vertex."""
    upper, lower = [vertices[start]], [vertices[start]]
    for i in range(start + 1, len(vertices)):
        _extend(upper, vertices[i], 1.0)
        _extend(lower, vertices[i], -1.0)
        # Only the newest edges can have made the hull thicker. Above an edge the gap to the other, convex,
        # side is concave, so that it is largest at a vertex of that side.
        if i > start + 1 and max(_gap(upper, lower, 1.0), _gap(lower, upper, -1.0)) > thickness:
            return i - 1
    return len(vertices) - 1


def _extend(chain: list[Point], new: Point, sign: float) -> None:
    """Add a vertex on the right of an upper (+1) or lower (-1) hull."""
    while len(chain) > 1:
        (ax, ay), (bx, by) = chain[-2], chain[-1]
        if sign * ((by - ay) * (new[0] - ax) - (new[1] - ay) * (bx - ax)) > 0:
            break
        chain.pop()
    chain.append(new)


def _gap(chain: list[Point], other: list[Point], sign: float) -> float:
    """Largest vertical distance from the last edge of `chain` to the vertices of the other hull beside it.

    The slopes of the other hull are monotone, so the vertex where they pass the slope of the edge is found by
    bisection. If it lies left of the edge, the largest gap is at the left end of the edge, as before.
    """
    (ax, ay), (bx, by) = chain[-2], chain[-1]
    slope = (by - ay) / (bx - ax)
    low, high = 0, len(other) - 1
    while low < high:
        middle = (low + high) // 2
        (cx, cy), (dx, dy) = other[middle], other[middle + 1]
        if sign * ((dy - cy) / (dx - cx) - slope) < 0:
            low = middle + 1
        else:
            high = middle
    x, y = other[low]
    return sign * (ay + slope * (x - ax) - y) if x >= ax else 0.0
