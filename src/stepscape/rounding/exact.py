"""Exact sums of float64 numbers: integers times one power of two, in arrays of Python integers.

What cancels in float64 and in twice its digits does not cancel here; a sum over a network costs O(n + k)
additions of integers, about a microsecond each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[Any]  # of Python's integers


@dataclass(frozen=True, eq=False)
class Exact:
    """The numbers integers·2^exponent."""

    integers: Integers
    exponent: int

    @classmethod
    def of(cls, values: Array) -> Exact:
        """Take float64 numbers as they are."""
        fractions, exponents = np.frexp(np.asarray(values, dtype=np.float64))
        least = int(exponents[fractions != 0.0].min(initial=5000)) if fractions.size else 0
        least = 0 if least == 5000 else least
        shifts = np.where(fractions == 0.0, 0, exponents - least).astype(object)
        return cls((fractions * 2.0**53).astype(np.int64).astype(object) << shifts, least - 53)

    def __add__(self, other: Exact) -> Exact:
        low = min(self.exponent, other.exponent)
        return Exact(
            (self.integers << (self.exponent - low)) + (other.integers << (other.exponent - low)), low
        )

    def __neg__(self) -> Exact:
        return Exact(-self.integers, self.exponent)

    def __sub__(self, other: Exact) -> Exact:
        return self + (-other)

    def __mul__(self, other: Exact) -> Exact:
        return Exact(self.integers * other.integers, self.exponent + other.exponent)

    def __getitem__(self, at: Any) -> Exact:
        return Exact(np.asarray(self.integers[at], dtype=object), self.exponent)

    def running(self) -> Exact:
        """Return the sums of the first, the first two, … numbers."""
        return Exact(np.cumsum(self.integers), self.exponent)

    def collected(self, index: NDArray[np.intp], size: int) -> Exact:
        """Return the sums of the numbers of each index, from 0 to size - 1."""
        sums = np.zeros(size, dtype=object)
        np.add.at(sums, index, self.integers)
        return Exact(sums, self.exponent)

    def pairs(self) -> tuple[Array, Array, NDArray[np.int64]]:
        """Return the numbers as (high + low)·2^unit, high = the fraction rounded, low = the rest rounded."""
        high, low, unit = np.array([_pair(int(n)) for n in self.integers]).T
        return high, low, unit.astype(np.int64) + self.exponent


def _pair(integer: int) -> tuple[float, float, int]:
    unit = integer.bit_length()
    high = integer / (1 << unit)
    rest = integer - (int(high * 2.0**53) << unit >> 53)
    return high, rest / (1 << unit), unit


def values(w1: Array, b1: Array, w2: Array, b2: float, inputs: Array) -> Exact:
    """Return f at sorted inputs (n,), exactly."""
    n = inputs.size
    x, w, b, a = (Exact.of(part) for part in (inputs, w1, b1, w2))
    position = exact_positions(w1, b1, inputs)
    right = w1 > 0.0
    # A neuron adds its line from its knot on; one that opens to the left adds it everywhere and subtracts it.
    sign = Exact(np.where(right, 1, -1).astype(object), 0)
    everywhere = Exact(np.where(right, 0, 1).astype(object), 0)
    slope, shift = a * w, a * b
    lines = []
    for part in (slope, shift):
        begun = (part * sign).collected(position, n + 1)[:n].running()
        constant = Exact(np.array([int((part * everywhere).integers.sum())], dtype=object), part.exponent)
        lines.append(begun + constant[np.zeros(n, np.intp)])
    return lines[0] * x + lines[1] + Exact.of(np.full(n, b2))


def exact_positions(w1: Array, b1: Array, inputs: Array) -> NDArray[np.intp]:
    """Return how many sorted inputs lie left of each knot: Σ_i [w1 x_i + b1 > 0] ≠ [w1 > 0], by bisection."""
    x, w, b = Exact.of(inputs), Exact.of(w1), Exact.of(b1)
    low = np.zeros(w1.size, np.intp)
    high = np.full(w1.size, inputs.size, np.intp)
    while (open_ := low < high).any():
        middle = (low + high) // 2
        at = np.minimum(middle, inputs.size - 1)
        positive = np.asarray((w * x[at] + b).integers > 0, dtype=bool)
        left = (positive != (w1 > 0.0)) & open_
        low = np.where(left, middle + 1, low)
        high = np.where(open_ & ~left, middle, high)
    return low
