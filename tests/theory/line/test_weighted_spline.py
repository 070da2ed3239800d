"""The function-space twin of a step size, beside CVXPY, closed forms, and networks that must not beat it."""

from __future__ import annotations

import warnings

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles import ALL, EPS
from stepscape import theory
from stepscape.errors import InputError
from stepscape.theory.line.bend_penalty import Penalized, solve
from stepscape.theory.line.second_differences import scaled_rows

seeds = st.integers(0, 2**32 - 1)


def draw(seed, n):
    rng = np.random.default_rng(seed)
    return rng, rng.uniform(-1.0, 1.0, n), rng.standard_normal(n)


def slope_changes(x):
    """Δ as a dense matrix (m − 2, m)."""
    h = np.diff(x)
    out = np.zeros((x.size - 2, x.size))
    for i in range(x.size - 2):
        out[i, i : i + 3] = 1 / h[i], -1 / h[i] - 1 / h[i + 1], 1 / h[i + 1]
    return out


def by_cvxpy(x, y, v, penalty=None, variation=None, trainable=ALL):
    """Least objective, or least loss, over the values at the inputs, which are in order and distinct."""
    u, v = cp.Variable(x.size), v / v.sum()
    loss = cp.sum(cp.multiply(v, cp.square(u - y))) / 2.0
    bends = theory.weight_limits(x, v, trainable).lowest[1:-1] @ cp.abs(slope_changes(x) @ u)
    program = (
        cp.Problem(cp.Minimize(loss + penalty * bends))
        if variation is None
        else cp.Problem(cp.Minimize(loss), [bends <= variation])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate", at 1e-10
        return float(program.solve(solver=cp.CLARABEL))


@pytest.mark.parametrize("trainable", [ALL, ("w1", "w2"), ("b1", "w2", "b2")])
@pytest.mark.parametrize("n", [3, 9, 60])
@pytest.mark.parametrize("share", [1e-4, 0.03, 0.7])
def test_agrees_with_a_general_solver(n, share, trainable):
    rng, x, y = draw(n, n)
    x, v = np.sort(x), rng.uniform(0.2, 1.0, n)
    most = theory.weighted_spline(x, y, penalty=0.0, weights=v, trainable=trainable).largest_penalty
    found = theory.weighted_spline(x, y, share * most, weights=v, trainable=trainable)
    assert found.objective == pytest.approx(by_cvxpy(x, y, v, share * most, None, trainable), rel=1e-6)
    assert 0.0 <= found.objective - found.bound <= 1e-10 * found.objective


@pytest.mark.parametrize("share", [0.01, 0.2, 0.8])
def test_of_a_given_variation_it_has_the_least_loss(share):
    rng, x, y = draw(3, 25)
    x, v = np.sort(x), rng.uniform(0.2, 1.0, 25)
    most = theory.interpolation_bound(x, y, v).variation
    found = theory.weighted_spline(x, y, variation=share * most, weights=v)
    assert found.variation == pytest.approx(share * most, rel=1e-7)
    assert found.loss == pytest.approx(by_cvxpy(x, y, v, variation=share * most), rel=1e-6)


@given(seeds, st.floats(-3.0, 3.0), st.integers(3, 40))
def test_no_network_is_better(seed, logarithm, n):
    rng, x, y = draw(seed, n)
    penalty = 10.0**logarithm
    bound = theory.weighted_spline(x, y, penalty).bound
    w1, b1, w2 = rng.standard_normal((3, 30))
    if rng.random() < 0.5:  # knots at inputs
        b1 = -w1 * rng.choice(x, 30)
    w2 *= rng.choice([0.01, 0.3, 1.0])
    predicted = np.maximum(np.multiply.outer(x, w1) + b1, 0.0) @ w2
    assert bound <= np.mean((predicted - y) ** 2) / 2.0 + penalty * theory.weighted_tv(w1, b1, w2, x)


@given(seeds, st.integers(3, 40), st.floats(1e-9, 1.0))
def test_no_change_of_the_values_is_better(seed, n, share):
    rng, x, y = draw(seed, n)
    found = theory.weighted_spline(x, y, share * theory.weighted_spline(x, y, 0.0).largest_penalty)
    lowest = theory.weight_limits(x).lowest[1:-1]
    order = np.argsort(x)

    def objective(u):
        bends = lowest @ np.abs(slope_changes(x[order]) @ u)
        return np.mean((u - y[order]) ** 2) / 2 + found.penalty * bends

    assert objective(found.values) == pytest.approx(found.objective, rel=1e-6, abs=1e-12)
    for size in (1e-4, 1e-2, 1.0):
        assert objective(found.values + size * rng.standard_normal(n)) >= found.bound


def test_without_a_penalty_it_connects_the_dots():
    _, x, y = draw(1, 12)
    found = theory.weighted_spline(x, y, 0.0)
    np.testing.assert_allclose(found.predict(x), y, rtol=0, atol=8 * EPS)
    bound = theory.interpolation_bound(x, y)
    assert found.variation == pytest.approx(bound.variation, rel=1e-12)
    np.testing.assert_allclose(found.slope_changes, bound.slope_changes, rtol=1e-9)
    again = theory.weighted_spline(x, y, variation=2.0 * bound.variation)
    assert (again.penalty, again.variation) == (0.0, found.variation)


def test_from_the_largest_penalty_on_it_is_the_line_of_least_squares():
    rng, x, y = draw(2, 15)
    v = rng.uniform(0.1, 1.0, 15)
    most = theory.weighted_spline(x, y, 0.0, weights=v).largest_penalty
    line = np.polyfit(x, y, 1, w=np.sqrt(v))
    at = np.array([-3.0, 0.1, 5.0])
    for found in (
        theory.weighted_spline(x, y, most, weights=v),
        theory.weighted_spline(x, y, variation=0.0, weights=v),
    ):
        np.testing.assert_allclose(found.predict(at), np.polyval(line, at), rtol=1e-12)
        assert found.knots.size == found.variation == 0
    just_below = theory.weighted_spline(x, y, 0.999 * most, weights=v)
    assert just_below.knots.size == 1
    assert just_below.predict(at) == pytest.approx(np.polyval(line, at), rel=0.02)


@given(seeds)
def test_a_weight_counts_an_example_several_times(seed):
    rng, x, y = draw(seed, 8)
    times = rng.integers(1, 4, 8)
    one = theory.weighted_spline(x, y, 0.05, weights=times)
    other = theory.weighted_spline(np.repeat(x, times), np.repeat(y, times), 0.05)
    np.testing.assert_allclose(one.values, other.values, rtol=0, atol=1e-9)
    assert one.objective == pytest.approx(other.objective, rel=1e-9)


def test_labels_that_differ_at_one_input_add_their_variance():
    x, y = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0, 0.0])
    found = theory.weighted_spline(x, y, 0.0)
    np.testing.assert_allclose(found.values, [0.0, 2.0, 0.0], rtol=0, atol=4 * EPS)
    assert found.loss == pytest.approx((1.0 + 1.0) / 8)


@given(seeds, st.sampled_from([1e-100, 1e-3, 1.0, 1e120]), st.floats(-2.0, 2.0))
def test_labels_may_be_scaled_and_a_line_may_be_added(seed, size, slope):
    _, x, y = draw(seed, 20)
    one = theory.weighted_spline(x, y, 0.02)
    other = theory.weighted_spline(x, size * (y + slope * x + 1.0), 0.02 * size)
    np.testing.assert_allclose(other.values / size, one.values + slope * one.points + 1.0, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(other.knots, one.knots)
    assert other.variation == pytest.approx(size * one.variation, rel=1e-7)


def test_beyond_the_data_it_goes_on_straight():
    found = theory.weighted_spline([0.0, 1.0, 2.0], [0.0, 1.0, 0.0], 0.0)
    np.testing.assert_allclose(
        found.predict([[-1.0, 0.5], [1.5, 4.0]]), [[-1.0, 0.5], [0.5, -2.0]], atol=1e-15
    )
    assert np.isnan(found.predict(np.nan))
    np.testing.assert_array_equal(found.knots, [1.0])
    assert "1 knots among 3 inputs" in repr(found)


@pytest.mark.parametrize(("x", "y"), [([2.0], [5.0]), ([0.0, 1.0], [1.0, 3.0]), ([0.0, 0.0], [1.0, 2.0])])
def test_one_and_two_inputs(x, y):
    for found in (theory.weighted_spline(x, y, 0.7), theory.weighted_spline(x, y, variation=1.0)):
        assert found.variation == found.largest_penalty == 0.0
        assert found.predict(x)[-1] == pytest.approx(y[-1] if x[0] != x[-1] or len(x) == 1 else np.mean(y))


def test_equal_labels_are_a_constant():
    found = theory.weighted_spline(np.arange(9.0), np.full(9, 4.0), 0.3)
    np.testing.assert_array_equal(found.values, 4.0)
    assert found.objective == 0.0


def test_many_and_crowded_inputs():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-1, 1, 5000), 0.3 + 1e-9 * rng.uniform(size=50)])
    y = np.abs(x) + 0.2 * rng.standard_normal(x.size)
    found = theory.weighted_spline(x, y, variation=0.3)
    assert found.variation == pytest.approx(0.3, rel=1e-3)  # 1e-9 between inputs costs digits
    assert found.objective - found.bound <= 1e-9 * found.objective
    assert 4 < found.knots.size < 300


def test_a_solver_that_stops_early_says_how_far_it_is():
    _, x, y = draw(5, 40)
    x = np.sort(x)
    rows, unit = scaled_rows(x)
    program = Penalized(np.full(40, 1 / 40), y, rows, 0.05 * theory.weight_limits(x).lowest[1:-1] / unit)
    least = solve(program, 1e-12, 100)
    assert least.gap == 0.0
    early = solve(program, 1e-12, 2)
    assert early.iterations == 2
    best, worse = (program.objective(each.u, each.bends) for each in (least, early))
    assert worse - early.gap <= best <= worse


def test_refuses():
    with pytest.raises(
        InputError, match="penalty and variation must be given one without the other, got none"
    ):
        theory.weighted_spline([0.0, 1.0], [0.0, 1.0])
    with pytest.raises(InputError, match="given one without the other, got both"):
        theory.weighted_spline([0.0, 1.0], [0.0, 1.0], 1.0, 1.0)
    with pytest.raises(InputError, match="penalty must be finite and not negative, got -1"):
        theory.weighted_spline([0.0, 1.0], [0.0, 1.0], -1.0)
    with pytest.raises(InputError, match="the objective must be finite, got a number beyond"):
        theory.weighted_spline([0.0, 1.0, 2.0], [0.0, 1e200, -1e200], 1.0)
