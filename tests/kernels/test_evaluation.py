"""Values by prefix sums: bounds that hold in exact arithmetic, no worse than sums over all neurons."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from stepscape import network as networks
from stepscape.kernels import evaluation
from stepscape.kernels.evaluation import evaluate

EPS = np.finfo(float).eps
ODD = st.sampled_from([0.0, 1.0, -1.0, -0.3, 0.7, 1e-200, 5e-324, 3e12, -1e100])
NUMBER = ODD | st.floats(-10.0, 10.0)
NEURONS = st.lists(st.tuples(NUMBER, NUMBER, NUMBER), min_size=1, max_size=9)


def exact(neurons, b2, x):
    """F at x in rational arithmetic."""
    terms = (Fraction(v) * max(Fraction(w) * Fraction(x) + Fraction(b), 0) for w, b, v in neurons)
    return sum(terms, Fraction(b2))


def blocks(neurons):
    return np.array(neurons, dtype=float).reshape(-1, 3).T


@given(NEURONS, NUMBER, st.lists(NUMBER, max_size=6))
def test_the_bound_holds_in_exact_arithmetic(neurons, b2, points):
    # At points, at knots, and one rounding beside each of them.
    w1, b1, w2 = blocks(neurons)
    with np.errstate(all="ignore"):
        knots = -b1 / w1
    x = np.concatenate([points, knots[np.isfinite(knots) & (np.abs(knots) < 1e100)]])
    x = np.concatenate([x, np.nextafter(x, 9e99), np.nextafter(x, -9e99)])
    values, bounds = evaluate(w1, b1, w2, b2, x)
    for at, value, bound in zip(x, values, bounds, strict=True):
        if np.isfinite(bound):
            assert abs(Fraction(value) - exact(neurons, b2, at)) <= Fraction(bound)


@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([1.0, 1e4, 1e-3]))
@examples(1 / 2)
def test_values_are_as_exact_as_a_sum_over_all_neurons(seed, width, offset):
    rng = np.random.default_rng(seed)
    net = ss.TwoLayerReLU(*rng.standard_normal((3, width)) * [[1.0], [offset], [1.0]], 0.3)
    x = offset * np.sort(rng.uniform(-3, 3, 8))
    neurons = list(zip(net.w1, net.b1, net.w2, strict=True))
    truth = [exact(neurons, 0.3, at) for at in x]
    values, bounds = evaluate(net.w1, net.b1, net.w2, net.b2, x)
    ours, dense = (
        max(abs(float(Fraction(v) - f)) for v, f in zip(found, truth, strict=True))
        for found in (values, net.predict(x))
    )
    size = max(abs(float(f)) for f in truth) + 1e-3 * offset
    assert ours <= dense + EPS * size
    assert bounds.max() <= 4.0 * EPS * (
        np.abs(net.w2) @ (np.abs(net.w1) * 3.0 * offset + np.abs(net.b1)) + 0.3
    )


def test_large_neurons_that_are_not_active_leave_no_trace():
    # f = max(x, 0) left of 1, beside a pair of slopes 1e15 that begin there and cancel.
    big = 1e15
    net = ss.TwoLayerReLU([1.0, 1.0, 1.0, -1.0], [0.0, -1.0, -1.0, -2.0], [1.0, big, -big, big], 0.0)
    x = np.linspace(-1.9, 0.9, 29)
    values, _ = evaluate(net.w1, net.b1, net.w2, net.b2, x)
    np.testing.assert_array_equal(values, np.maximum(x, 0.0))


@pytest.fixture
def sorts(monkeypatch):
    """Predictions take the sorted way whatever their number."""
    monkeypatch.setattr(networks, "PAIRS", 0)
    monkeypatch.setattr(networks, "SORT_COST", 0)


@pytest.mark.usefixtures("sorts")
@pytest.mark.parametrize("chunk", [3, 2**19])
def test_predictions_of_any_shape_and_order_take_it(monkeypatch, chunk):
    monkeypatch.setattr(evaluation, "CHUNK", chunk)
    net = ss.TwoLayerReLU.random(300, seed=2)
    x = np.random.default_rng(0).permutation(np.repeat(np.linspace(-2.0, 2.0, 30), 2)).reshape(4, 15)
    np.testing.assert_allclose(net.predict(x), net._sums(x.ravel()).reshape(4, 15), rtol=0, atol=64 * EPS)


@pytest.mark.usefixtures("sorts")
def test_what_overflows_is_a_sum_over_all_neurons():
    net = ss.TwoLayerReLU([1e200, 1.0, 1e-100], [0.0, 0.0, 1.0], [1e200, 1.0, 1.0], 0.5)
    assert not np.isfinite(evaluate(net.w1, net.b1, net.w2, net.b2, np.array([1e-250]))[1]).any()
    x = np.array([-3.0, 1e-305, 1e-250])
    np.testing.assert_array_equal(net.predict(x), net._sums(x))
    assert np.isfinite(net.predict(x)).all()


@pytest.mark.parametrize("few", [True, False])
def test_predictions_at_nan_and_infinity(request, few):
    # nan at nan; at ±∞ the sum in floating point: ±∞, f where nothing is active, nan where terms cancel.
    if not few:
        request.getfixturevalue("sorts")
    x = [np.nan, np.inf, -np.inf, 1.0]
    vee = ss.TwoLayerReLU([1.0, -1.0], [0.0, 0.0], [1.0, -1.0])
    step = ss.TwoLayerReLU([1.0, 1.0], [0.0, -1.0], [1.0, -1.0], 0.25)
    np.testing.assert_array_equal(vee.predict(x), [np.nan, np.inf, -np.inf, 1.0])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(step.predict(x), [np.nan, np.nan, 0.25, 1.25])
        flat = ss.TwoLayerReLU([0.0], [1.0], [1.0])
        np.testing.assert_array_equal(flat.predict(x), [np.nan, np.nan, np.nan, 1.0])


def test_many_predictions_are_not_products_of_points_and_neurons(monkeypatch):
    def refuse(*_):
        raise AssertionError("a sum over all neurons")

    net = ss.TwoLayerReLU.random(20_000, seed=1)
    x = np.linspace(-1.0, 1.0, 20_000)
    sums = net._sums(x[::2000])
    monkeypatch.setattr(ss.TwoLayerReLU, "_sums", lambda *args: refuse() if args[1].size else args[1])
    np.testing.assert_allclose(net.predict(x)[::2000], sums, rtol=0, atol=1e-12)
