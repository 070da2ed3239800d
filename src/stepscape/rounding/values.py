"""Values of the network on the line with bounds on their rounding, in O(n + k).

In twice the digits; where even these cancel, in exact integers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.kernels import relu1d_accurate
from stepscape.kernels.relu1d_accurate import FLOOR, SQUARE
from stepscape.rounding import exact
from stepscape.rounding.scaled import Positions, Scaled, exponent, located, scaled

Array = NDArray[np.float64]

PROMISE = 1e-10  # of a value or residual: what its error must not exceed
UNIT_ROUNDOFF = 2.0**-53


class Pairs(NamedTuple):
    """Numbers (high + low)·2^unit (n,), and a bound on their errors, in the same unit."""

    high: Array
    low: Array
    error: Array
    unit: int | NDArray[np.int64]

    def minus(self, numbers: Array) -> Pairs:
        """Subtract float64 numbers (n,)."""
        given = np.ldexp(numbers, -self.unit)
        lost = np.where(np.ldexp(given, self.unit) != numbers, FLOOR, 0.0)
        total, rest = _two_sum(self.high, -given)
        high = total + (rest + self.low)
        low = (total - high) + (rest + self.low)
        return Pairs(high, low, self.error + SQUARE * np.abs(total) + lost, self.unit)

    @property
    def settled(self) -> NDArray[np.bool_]:
        """Where the error is at most `PROMISE` of the number."""
        return np.asarray(self.error <= PROMISE * np.abs(self.high))

    def rounded(self) -> tuple[Array, Array]:
        """Return the numbers as float64, and a bound on their errors; infinite beyond the range."""
        with np.errstate(over="ignore"):
            values = np.ldexp(self.high, self.unit)
            error = np.ldexp(self.error + UNIT_ROUNDOFF * np.abs(self.high), self.unit)
        return values, error + 2.0**-1074 * (values != 0.0)


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


class Values(NamedTuple):
    """f and f - labels at the sorted inputs, and the `position` of each knot among these."""

    f: Pairs
    residuals: Pairs
    position: Positions


def evaluate(
    w1: Array, b1: Array, w2: Array, b2: float, inputs: Array, labels: Array | None = None
) -> Values:
    """Evaluate f and f - labels (labels 0 by default) at sorted inputs (n,) to 1e-10 of each number.

    An input within rounding of a knot lies on the side that float64 decides, as in training, unless the other
    side changes f by more than 1e-10 of the largest |f| and label.
    """
    labels = np.zeros_like(inputs) if labels is None else labels
    position = located(w1, b1, inputs)
    exact_position = position.copy()
    relu1d_accurate.exact_positions(w1, b1, inputs, exact_position)
    net = scaled(w1, b1, w2, inputs, exact_position)
    values = _in_twice_the_digits(net, b2, labels)
    residuals = values.minus(labels)
    if not (values.settled & residuals.settled).all():
        found = exact.values(w1[net.alive], b1[net.alive], w2[net.alive], b2, inputs)
        values, residuals = _paired(found), _paired(found - exact.Exact.of(labels))
    apart = np.flatnonzero(position != exact_position)
    if apart.size:
        p, seen = position[apart], exact_position[apart]
        at = np.where(seen < p, p - 1, p)  # of the inputs that change sides the one farthest from the knot
        z = np.empty(apart.size)
        with np.errstate(all="ignore"):
            relu1d_accurate.heights(w1[apart], b1[apart], inputs[at], z)
            scale = max(float(np.abs(values.rounded()[0]).max()), float(np.abs(labels).max()))
            matters = ~(np.abs(w2[apart] * z) <= PROMISE * scale)
        position[apart[matters]] = seen[matters]
    return Values(values, residuals, position)


def _paired(numbers: exact.Exact) -> Pairs:
    high, low, unit = numbers.pairs()
    return Pairs(high, low, UNIT_ROUNDOFF * np.abs(low), unit)


def _in_twice_the_digits(net: Scaled, b2: float, labels: Array) -> Pairs:
    """Evaluate f in a unit that holds the labels as well."""
    unit = net.inner + net.outer
    unit = max(unit, exponent(b2, labels)) if b2 or labels.any() else unit
    n = net.inputs.size
    jumps, values = np.zeros((2 * n + 2, 2, 3)), np.empty((n, 3))
    outward = np.ldexp(net.w2, net.inner + net.outer - unit)
    relu1d_accurate.value_jumps(net.w1, net.b1, outward, net.cell, net.anchor, jumps)
    constant = float(np.ldexp(b2, -unit))
    relu1d_accurate.values_of(net.inputs, jumps, constant, values)
    high, low, size = values.T
    lost = (size > 0.0) | (np.ldexp(constant, unit) != b2)
    return Pairs(high, low, SQUARE * (net.operations * size + np.abs(high)) + FLOOR * lost, unit)
