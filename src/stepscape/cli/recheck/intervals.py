"""Exact numbers, and intervals that contain the others: roots, exponentials and logarithms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

BITS = 256  # of square roots, exponentials and the factor L
ZERO, ONE, HALF = Fraction(0), Fraction(1), Fraction(1, 2)


@dataclass(frozen=True)
class Interval:
    """The numbers from low to high."""

    low: Fraction
    high: Fraction

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.low - other.high, self.high - other.low)

    def times(self, other: Interval) -> Interval:
        """Return the products."""
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return rounded(Interval(min(ends), max(ends)))

    def over(self, other: Interval) -> Interval:
        """Return the quotients; the divisor is positive."""
        return self.times(Interval(1 / other.high, 1 / other.low))


def exactly(number: Fraction | int) -> Interval:
    """Return the interval of one number."""
    return Interval(Fraction(number), Fraction(number))


def rounded(interval: Interval) -> Interval:
    """Round both ends outward to BITS digits of the larger one."""
    largest = max(abs(interval.low), abs(interval.high))
    if not largest:
        return interval
    unit = Fraction(2) ** (exponent(largest) - BITS)
    return Interval(math.floor(interval.low / unit) * unit, math.ceil(interval.high / unit) * unit)


def exponent(number: Fraction) -> int:
    """Return about log2 of a positive number."""
    return number.numerator.bit_length() - number.denominator.bit_length()


def root(interval: Interval) -> Interval:
    """√ of numbers that are at least 0."""
    return Interval(root_of(max(interval.low, ZERO), 0), root_of(interval.high, 1))


def root_of(number: Fraction, more: int) -> Fraction:
    """Return √ of a number rounded down, or with ``more=1`` up."""
    if not number:
        return ZERO
    shift = BITS - exponent(number) // 2
    scaled = number * Fraction(4) ** shift
    return Fraction(math.isqrt(math.floor(scaled)) + more) / Fraction(2) ** shift


def exponential(number: Fraction) -> Interval:
    """Exponential of a number: Taylor's series at number/2^k ≤ 1/2, squared k times."""
    if number < 0:
        positive = exponential(-number)
        return rounded(Interval(1 / positive.high, 1 / positive.low))
    halvings = max(0, exponent(number) + 3) if number else 0
    small = number / 2**halvings
    total, term, count = ONE, ONE, 0
    while term > Fraction(1, 2 ** (BITS + 8)):
        count += 1
        term = rounded(exactly(term * small / count)).high
        total += term
    # Terms are rounded up, each by less than 2^-BITS; the rest of the series is less than the last one.
    slack = Fraction(count + 2, 2**BITS)
    found = rounded(Interval(total - slack, total + slack))
    for _ in range(halvings):
        found = found.times(found)
    return found


def logarithm(interval: Interval) -> Interval:
    """log(1 + z) for 0 ≤ z ≤ 1: 2 artanh t with t = z/(2 + z) ≤ 1/3."""
    return Interval(_logarithm(interval.low).low, _logarithm(interval.high).high)


def _logarithm(z: Fraction) -> Interval:
    t = exactly(z).over(exactly(2 + z))
    square, power, total = t.times(t), t, exactly(0)
    for odd in range(1, BITS, 2):
        total = rounded(total + power.over(exactly(odd)))
        power = power.times(square)
    return rounded(total + total + Interval(ZERO, 4 * power.high))


def exponential_of(one: Interval) -> Interval:
    """Exponentials of the numbers of an interval."""
    return Interval(exponential(one.low).low, exponential(one.high).high)
