"""Values of stiff networks against fractions, and exact sums of float64 numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from stepscape.rounding.exact import Exact
from stepscape.rounding.values import evaluate

finite = st.floats(-1e300, 1e300)
sizes = st.floats(1e-150, 1e150) | st.floats(-1e150, -1e-150) | st.just(0.0)


def exact_value(w1, b1, w2, b2, x):
    terms = zip(*(map(Fraction, part.tolist()) for part in (w1, b1, w2)), strict=True)
    lines = ((a, w * Fraction(float(x)) + b) for w, b, a in terms)
    return Fraction(b2) + sum((a * z for a, z in lines if z > 0), Fraction(0))


def as_fractions(pairs):
    units = np.broadcast_to(pairs.unit, pairs.high.shape)
    rows = zip(pairs.high, pairs.low, pairs.error, units, strict=True)
    return [((Fraction(h) + Fraction(lo)) * Fraction(2) ** int(u), Fraction(e) * Fraction(2) ** int(u))
            for h, lo, e, u in rows]  # fmt: skip


@examples(5)
@given(
    x=st.lists(sizes, min_size=1, max_size=5),
    neurons=st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=5),
    b2=sizes,
    label=sizes,
    twins=st.booleans(),
)
def test_values_and_residuals_are_within_their_bounds_and_these_within_1e10(x, neurons, b2, label, twins):
    w1, b1, w2 = np.array(neurons).T
    if twins:  # pairs that cancel
        w1, b1, w2 = np.append(w1, w1), np.append(b1, b1), np.append(w2, -w2 * (1 + 2.0**-50))
    inputs, labels = np.sort(x), np.full(len(x), label)
    values, residuals, *_ = evaluate(w1, b1, w2, b2, inputs, labels)
    for pairs, shift in ((values, 0), (residuals, Fraction(label))):
        for (found, bound), at in zip(as_fractions(pairs), inputs, strict=True):
            exact = exact_value(w1, b1, w2, b2, at) - shift
            assert abs(found - exact) <= bound <= Fraction(1001, 10**13) * abs(exact)


def test_the_side_of_an_input_within_rounding_of_a_knot():
    # fl(fl(w x) + b) = 0 while w x + b > 0: f sees the neuron, and derivatives where it matters.
    w, x = np.array([3.0]), np.array([0.1])
    exact = Fraction(3) * Fraction(0.1) - Fraction(3.0 * 0.1)
    w, b = (w, np.array([-(3.0 * 0.1)])) if exact > 0 else (-w, np.array([3.0 * 0.1]))
    for size, sees in ((1.0, False), (1e17, True)):
        values, _, position, _ = evaluate(w, b, np.array([size]), 1.0, x)
        assert as_fractions(values)[0][0] == pytest.approx(1 + Fraction(size) * abs(exact), rel=1e-15)
        assert (position[0] == (0 if w[0] > 0 else 1)) == sees


@given(a=st.lists(finite, min_size=1, max_size=6), shift=st.integers(-5, 5))
def test_exact_numbers_are_fractions(a, shift):
    numbers = Exact.of(np.array(a))
    others = Exact.of(np.ldexp(np.array(a[::-1]), shift))
    ours = [Fraction(t) for t in a]
    theirs = [Fraction(float(t)) for t in np.ldexp(np.array(a[::-1]), shift)]
    for result, expected in (
        (numbers + others, [s + t for s, t in zip(ours, theirs, strict=True)]),
        (numbers - others, [s - t for s, t in zip(ours, theirs, strict=True)]),
        (numbers * others, [s * t for s, t in zip(ours, theirs, strict=True)]),
        (numbers.running(), [sum(ours[: i + 1], Fraction(0)) for i in range(len(ours))]),
    ):
        found = [Fraction(int(t)) * Fraction(2) ** result.exponent for t in result.integers]
        assert found == expected
