"""Lines that bend at a price: beside a general solver and the interior point, limits, certificate."""

from __future__ import annotations

import warnings
from itertools import pairwise

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from stepscape import theory
from stepscape.errors import InputError
from stepscape.estimators.bent_lines import BentLines, price_of_bends, whole_path
from stepscape.problems.user.units import Standardized
from stepscape.theory.line.bend_prices import bend_prices

ALPHAS = (0.0, 0.5, 1.0)
seeds = st.integers(0, 2**32 - 1)


def table(seed, n=60, repeats=True):
    """Rows with weights, some of them at equal inputs, standardized."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, n)
    if repeats:
        x = np.round(x, 1) + 0.003 * rng.integers(0, 3, n)
    y = np.sin(5.0 * x) + 0.4 * rng.standard_normal(n)
    return Standardized.of(x, y, rng.uniform(0.2, 3.0, n))


def shares(data):
    return data.weights / data.weights.sum()


def slope_changes(x):
    """Δ as a dense matrix (m − 2, m)."""
    h = np.diff(x)
    out = np.zeros((x.size - 2, x.size))
    for i in range(x.size - 2):
        out[i, i : i + 3] = 1 / h[i], -1 / h[i] - 1 / h[i + 1], 1 / h[i + 1]
    return out


def objective(data, alpha, penalty, line):
    loss = shares(data) @ (line(data.x) - data.y) ** 2 / 2.0
    return loss + penalty * price_of_bends(data, alpha, line)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("share", [1e-4, 0.02, 0.6])
def test_agrees_with_a_general_solver(alpha, share):
    data = table(1)
    penalty = share * whole_path(data, alpha).penalties[0]
    found = BentLines.of(data, alpha, np.array([penalty]))
    u = cp.Variable(data.size)
    g = theory.weight_limits(data.x, data.weights).lowest[1:-1]
    loss = cp.sum(cp.multiply(shares(data), cp.square(u - data.y))) / 2.0
    program = cp.Problem(cp.Minimize(loss + penalty * (g**alpha @ cp.abs(slope_changes(data.x) @ u))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate", at 1e-10
        least = float(program.solve(solver=cp.CLARABEL))
    mine = objective(data, alpha, penalty, found[0])
    assert mine == pytest.approx(least, rel=1e-6)
    assert 0.0 <= found.gaps[0] <= 1e-12 * mine
    np.testing.assert_allclose(found[0](data.x), u.value, atol=1e-3)


@pytest.mark.parametrize("share", [1e-5, 0.01, 0.5, 1.0])
def test_alpha_1_is_the_twin_of_a_step_size(share):
    data = table(2)
    penalty = share * whole_path(data, 1.0).penalties[0]
    found = BentLines.of(data, 1.0, np.array([penalty]))[0]
    twin = theory.weighted_spline(data.x, data.y, penalty, weights=data.weights)
    np.testing.assert_allclose(found(data.x), twin.values, rtol=0, atol=1e-6)
    assert objective(data, 1.0, penalty, found) == pytest.approx(twin.objective, rel=1e-9)
    assert twin.largest_penalty == pytest.approx(whole_path(data, 1.0).penalties[0], rel=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_derivative_for_a_bend_lies_within_its_price_and_at_it_where_f_bends(alpha):
    # G_i = Σ_{l ≥ i} v_l (f − y)_l (x_l − x_i), summed here as it stands.
    data = table(3, repeats=False)
    path = whole_path(data, alpha)
    prices = bend_prices(data.x, data.weights, alpha)
    above = np.maximum(data.x[None, :] - data.x[:, None], 0.0)
    for j in (0, 5, 15, 25):
        line, penalty = path[j], path.penalties[j]
        forces = shares(data) * (line(data.x) - data.y)
        g = above @ forces
        assert abs(forces.sum()) + abs(forces @ data.x) <= 1e-13
        assert (np.abs(g[1:-1]) <= penalty * prices[1:-1] * (1.0 + 1e-8) + 1e-15).all()
        inner = line.at[1:-1]
        expected = -np.sign(line.bends) * penalty * prices[inner]
        np.testing.assert_allclose(g[inner], expected, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_from_the_line_of_least_squares_to_connecting_the_dots(alpha):
    data = table(4, 30)
    path = whole_path(data, alpha)
    slope, start = np.polyfit(data.x, data.y, 1, w=np.sqrt(shares(data)))
    np.testing.assert_allclose(path[0](data.x), start + slope * data.x, atol=1e-12)
    assert path.bends[0] == 0 < path.bends[1]  # less than the largest penalty, and f bends
    tiny = BentLines.of(data, alpha, np.array([1e-13]))[0]
    np.testing.assert_allclose(tiny(data.x), data.y, atol=1e-6)


@given(seeds, st.sampled_from(ALPHAS), st.integers(3, 80))
@examples(1 / 2)
def test_a_path_is_what_each_penalty_gives_from_the_line(seed, alpha, n):
    data = table(seed, n)
    path = whole_path(data, alpha)
    for j in range(0, path.penalties.size, 9):
        cold = BentLines.of(data, alpha, path.penalties[j : j + 1])
        np.testing.assert_allclose(path[j](data.x), cold[0](data.x), rtol=0, atol=1e-7)


@given(seeds, st.sampled_from(ALPHAS))
@examples(1 / 2)
def test_no_line_nearby_is_better(seed, alpha):
    data = table(seed, 25)
    path = whole_path(data, alpha)
    rng = np.random.default_rng(seed)
    changes, prices = slope_changes(data.x), bend_prices(data.x, data.weights, alpha)[1:-1]
    for j in (3, 20):
        values, penalty = path[j](data.x), path.penalties[j]
        least = objective(data, alpha, penalty, path[j]) - path.gaps[j]
        for size in (1e-1, 1e-4):
            u = values + size * rng.standard_normal(data.size)
            other = shares(data) @ (u - data.y) ** 2 / 2.0 + penalty * prices @ np.abs(changes @ u)
            assert other >= least * (1.0 - 1e-12)


def hostile(rng):
    """Gaps of inputs and weights over twelve and six decades, labels with ties or without noise."""
    m = int(rng.integers(3, 50))
    near = np.cumsum(10.0 ** rng.uniform(-12, 0, m))
    x = np.unique([rng.normal(size=m), rng.integers(0, 40, m), near][rng.integers(3)])
    noise = rng.normal(size=x.size)
    y = [noise, np.round(noise), np.abs(x), 2.0 * x + 1.0][rng.integers(4)]
    weights = [np.ones(x.size), 10.0 ** rng.uniform(-6, 0, x.size)][rng.integers(2)]
    return x, y, weights


@given(seeds, st.sampled_from(ALPHAS))
def test_hostile_data_end_and_are_certified(seed, alpha):
    rng = np.random.default_rng(seed)
    x, y, weights = hostile(rng)
    if x.size < 2:
        return
    data = Standardized.of(x, y, weights)
    path = whole_path(data, alpha)
    for j in range(path.penalties.size):
        assert path.gaps[j] <= 1e-6 * objective(data, alpha, path.penalties[j], path[j]) + 1e-20
        assert np.isfinite(path[j](data.x)).all()


def test_a_path_ends_where_too_many_inputs_bend():
    data = table(5, 80, repeats=False)
    path = whole_path(data, 0.0)
    short = BentLines.of(data, 0.0, path.penalties, 10)
    assert short.bends[-1] > 10 >= short.bends[:-1].max()
    np.testing.assert_array_equal(short.values, path.values[: short.values.size])
    np.testing.assert_array_equal(short.penalties, path.penalties[: short.penalties.size])


def test_a_path_has_48_penalties_six_a_decade_and_at_most_one_fit_with_more_than_1000_bends():
    path = whole_path(table(8), 0.0)
    assert path.penalties.size == 48
    np.testing.assert_allclose(path.penalties[:-6] / path.penalties[6:], 10.0)
    bends = whole_path(table(8, 1600, repeats=False), 0.0).bends
    assert bends[-1] > 1000 >= bends[-2]


def test_values_of_a_path_are_those_of_its_lines():
    data = table(6)
    path = whole_path(data, 0.5)
    t = np.sort(np.concatenate([data.x, np.linspace(-9.0, 9.0, 50)]))
    together = path.predict(t)
    for j in range(0, path.penalties.size, 7):
        np.testing.assert_array_equal(together[j], path[j](t))
        inside = (t >= data.x[0]) & (t <= data.x[-1])
        np.testing.assert_allclose(
            together[j][inside], np.interp(t[inside], path[j].nodes, path[j].values), atol=1e-12
        )


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_a_price_is_a_power_of_the_weight_and_concave_between_inputs(alpha):
    rng = np.random.default_rng(7)
    x = np.sort(rng.normal(size=9))
    prices = bend_prices(x, alpha=alpha)
    np.testing.assert_allclose(prices[1:-1], theory.weight_limits(x).lowest[1:-1] ** alpha, rtol=1e-15)
    for left, right in pairwise(x):
        t = np.linspace(left, right, 21)[1:-1]
        omega = theory.weight(t, x) ** alpha
        assert (np.diff(omega, 2) <= 1e-12).all()


@pytest.mark.parametrize(("alpha", "came"), [(-0.1, "-0.1"), (1.5, "1.5"), (float("nan"), "nan")])
def test_a_power_that_is_not_concave_is_refused(alpha, came):
    with pytest.raises(InputError, match=rf"alpha must lie in \[0, 1\], got {came}"):
        bend_prices([0.0, 1.0, 2.0], alpha=alpha)
