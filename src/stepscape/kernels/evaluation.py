"""Values of f(x) = Σ_j w2_j max(w1_j x + b1_j, 0) + b2 at many points, by prefix sums over sorted knots."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
U = 0.5 * np.finfo(np.float64).eps  # unit roundoff
CHUNK = 2**19  # points at a time: about 100 MB


def evaluate(w1: Array, b1: Array, w2: Array, b2: float, points: Array) -> tuple[Array, Array]:
    """Evaluate f at points (m,) in O((k + m) log k), with a bound on the error of each value.

    A neuron with w1 > 0 is active right of its knot τ = −b1/w1, one with w1 < 0 is its mirror image at −x:

        f(x) = x Σ_{τ < x} w2 w1 + Σ_{τ < x} w2 b1 + (the same of the mirrored neurons at −x) + constant.

    Sums and products carry their rounding errors along (twice the working precision), and no inactive neuron
    enters a value, so that nothing large is added and taken away again. With u = 2⁻⁵³,
    A(x) = Σ_active |w2| (|w1 x| + |b1|), and N(x) = Σ |w2 b1| over knots within 8u|x| of x, about whose side
    rounding decides,

        |value − f(x)| ≤ 2u |f(x)| + 4u² (2k + 32)² A(x) + 8u N(x) + 2⁻¹⁰⁶⁰ (1 + |x|) (k + Σ |w2 w1|),

    the last for underflow. A bound that is not finite says that a point or a product overflows, and its value
    means nothing.

    Parameters
    ----------
    w1, b1, w2 : (k,)
    b2 : float
    points : (m,)
        In any order; increasing ones are found faster in the memory.

    Returns
    -------
    values, bounds : (m,)

    Source: Ogita, Rump and Oishi (2005), Accurate sum and dot product, Propositions 4.5 and 5.5.
    """
    values, bounds = np.empty(points.size), np.empty(points.size)
    with np.errstate(all="ignore"):
        flat = w1 == 0.0
        constant = _constant(w2[flat], np.maximum(b1[flat], 0.0), b2)
        up, down = w1 > 0.0, w1 < 0.0
        right = _Rising.of(w1[up], b1[up], w2[up])
        left = _Rising.of(-w1[down], b1[down], w2[down])
        for start in range(0, points.size, CHUNK):
            rows = slice(start, start + CHUNK)
            values[rows], bounds[rows] = _total(right, left, constant, points[rows], w1.size)
    return values, bounds


class _Sum(NamedTuple):
    """A sum in two parts, high + low, and the sum of the magnitudes of its terms."""

    high: Array
    low: Array
    size: Array


class _Rising(NamedTuple):
    """Neurons with w1 > 0 in the order of their knots; sums over the first i of them, i = 0, …, k."""

    knots: Array
    slopes: _Sum
    shifts: _Sum

    @classmethod
    def of(cls, w: Array, b: Array, v: Array) -> _Rising:
        knots = -b / w
        order = np.argsort(knots, kind="stable")
        w, b, v = w[order], b[order], v[order]
        return cls(knots[order], _prefix_sums(v, w), _prefix_sums(v, b))

    def at(self, x: Array) -> tuple[list[Array], Array, Array]:
        """Return terms that add up to the value at x (m,), the rounding error apart; A(x) and N(x)."""
        count = np.searchsorted(self.knots, x)
        main, rest = _product(x, self.slopes.high[count])
        rest += x * self.slopes.low[count] + self.shifts.low[count]
        reach = 8.0 * U * np.abs(x)
        first, last = (np.searchsorted(self.knots, x + side * reach) for side in (-1.0, 1.0))
        near = self.shifts.size[last] - self.shifts.size[first]
        size = np.abs(x) * self.slopes.size[count] + self.shifts.size[count]
        return [main, self.shifts.high[count], rest], size, near


def _total(right: _Rising, left: _Rising, constant: list[float], x: Array, width: int) -> tuple[Array, Array]:
    terms, size, near = right.at(x)
    mirrored, size_left, near_left = left.at(-x)
    value, error = np.full(x.size, constant[0]), np.full(x.size, constant[1])
    for term in (*terms, *mirrored):
        value, lost = _sum(value, term)
        error += lost
    value = value + error
    steep = width + right.slopes.size[-1] + left.slopes.size[-1]
    bound = 2.0 * U * np.abs(value) + 4.0 * (U * (2 * width + 32)) ** 2 * (size + size_left + constant[2])
    # N is a difference of sums whose error, 2kuA, the second term covers.
    bound += 8.0 * U * np.maximum(near + near_left, 0.0) + 2.0**-1060 * (1.0 + np.abs(x)) * steep
    return value, bound


def _constant(v: Array, active: Array, b2: float) -> list[float]:
    """Return high part, low part and magnitude of Σ v·active + b2."""
    main, rest = _product(v, active)
    terms = [*main.tolist(), *rest.tolist(), b2]
    if not np.isfinite(terms).all():
        return [math.nan, 0.0, 0.0]
    high = math.fsum(terms)
    return [high, math.fsum([*terms, -high]), math.fsum(map(abs, terms))]


def _prefix_sums(v: Array, w: Array) -> _Sum:
    """Sum the first i products v w, for i = 0, …, k."""
    main, rest = _product(v, w)
    high = np.concatenate([[0.0], np.cumsum(main)])
    rest += _lost(high[:-1], main, high[1:])
    low, size = (np.concatenate([[0.0], np.cumsum(each)]) for each in (rest, np.abs(main)))
    return _Sum(high, low, size)


def _sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return a + b, rounded, and its rounding error (Knuth)."""
    total = a + b
    return total, _lost(a, b, total)


def _lost(a: Array, b: Array, total: Array) -> Array:
    of_b = total - a
    return np.asarray((a - (total - of_b)) + (b - of_b))


def _product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return a b, rounded, and its rounding error (Dekker, Veltkamp)."""
    total = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return total, a_low * b_low - (((total - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(a: Array) -> tuple[Array, Array]:
    scaled = 134217729.0 * a  # 2²⁷ + 1
    high = scaled - (scaled - a)
    return high, a - high
