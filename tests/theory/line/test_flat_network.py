from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import ALL, EPS
from stepscape import theory
from stepscape.errors import InputError

seeds = st.integers(0, 2**32 - 1)
KINDS = ("random", "equispaced", "blocks", "far", "normal", "clusters")


def sample(rng, n, kind):
    x = np.linspace(-1, 1, n) if kind in ("equispaced", "blocks") else rng.uniform(-1, 1, n)
    y = rng.choice([-1.0, 1.0], n)
    if kind == "blocks":
        y = np.where(np.sin(9 * x) > 0, 1.0, -1.0)
    if kind == "far":
        x = 1000.0 + 10.0 * x
    if kind == "normal":
        x = 100.0 * rng.standard_normal(n)
    if kind == "clusters":
        x = np.round(x, 1) + 1e-5 * x
    return x[(order := rng.permutation(n))], y[order]


def hessian(net, x, y, v):
    """Dense Hessian of Σ v log(1 + e^{−yf}), v of sum 1, neuron by neuron; and ‖∇f(x_i)‖²."""
    k, f = net.width, net.predict(x)
    margin = y * f
    curvature = np.exp(-np.abs(margin)) / (1 + np.exp(-np.abs(margin))) ** 2
    pull = -y * np.where(margin > 0, np.exp(-np.abs(margin)), 1.0) / (1 + np.exp(-np.abs(margin)))
    z = x[:, None] * net.w1 + net.b1
    on = (z > 0).astype(float)
    phi = np.hstack([net.w2 * on * x[:, None], net.w2 * on, np.maximum(z, 0), np.ones((x.size, 1))])
    H, j = phi.T @ ((v * curvature)[:, None] * phi), np.arange(k)
    for first, value in ((0, on.T @ (v * pull * x)), (k, on.T @ (v * pull))):
        H[first + j, 2 * k + j] += value
        H[2 * k + j, first + j] += value
    return H, (phi * phi).sum(axis=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, 30, 300, 1000])
def test_it_meets_every_label_with_the_margin(n, kind):
    x, y = sample(np.random.default_rng(n), n, kind)
    for margin in (1e-3, 1.0, 5.3, 40.0, 700.0):
        net, bound = theory.flat_interpolator(x, y, margin), theory.flat_interpolator_bound(x, y, margin)
        miss = np.abs(net.predict(x) - margin * y).max()
        assert miss <= 64 * EPS * margin * bound.size * (1 + np.abs(x).max())
        assert net.width <= max(n - 1, 1)


def by_recursion(x, y, shift=0.05):
    """t_j and a_j by solving f(x_{j+1}) = y_{j+1} for one neuron after the other."""
    t = x[:-1] + shift * np.diff(x)
    a = np.zeros(x.size - 1)
    for j in range(x.size - 1):
        reached = y[0] + sum(a[i] * (x[j + 1] - t[i]) for i in range(j))
        a[j] = (y[j + 1] - reached) / (x[j + 1] - t[j])
    return t, a


def test_it_is_the_explicit_network():
    rng = np.random.default_rng(5)
    for n in (2, 3, 9, 20):
        x, y = np.sort(rng.uniform(-1, 1, n)), rng.choice([-1.0, 1.0], n)
        y[0] = -y[-1]
        t, a = by_recursion(x, y)
        net, bound = theory.flat_interpolator(x, y, 3.0), theory.flat_interpolator_bound(x, y, 3.0)
        tau, jumps = theory.merged_knots(net.w1, net.b1, net.w2)
        kept = np.abs(a) > 1e-9 * np.abs(a).max()
        inside = np.isin(np.round(tau, 12), np.round(t[kept], 12))
        assert tau[inside] == pytest.approx(t[kept], rel=1e-12)
        assert jumps[inside] == pytest.approx(3.0 * a[kept], rel=1e-6)
        assert np.abs(jumps[~inside]).sum() <= 1e-8 * np.abs(a).sum()
        assert (net.w1 >= 0).all()
        assert np.abs(net.w2) == pytest.approx(np.abs(net.w1))
        assert bound.size == pytest.approx(np.abs(a).sum())
        assert bound.variation == pytest.approx(theory.total_variation(net.w1, net.b1, net.w2))
        assert bound.squared_norm == pytest.approx(net.parameters @ net.parameters)
        assert bound.loss == pytest.approx(math.log1p(math.exp(-3.0)))


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from(KINDS), st.floats(0.01, 60.0))
def test_no_eigenvalue_exceeds_the_bound(seed, kind, margin):
    rng = np.random.default_rng(seed)
    x, y = sample(rng, int(rng.integers(1, 25)), kind)
    x = x * 10.0 ** rng.uniform(-1, 1)
    v = rng.random(x.size) + 0.01 if rng.random() < 0.5 else np.ones(x.size)
    v = v / v.sum()
    net, bound = theory.flat_interpolator(x, y, margin), theory.flat_interpolator_bound(x, y, margin)
    H, gradient = hessian(net, x, y, v)
    x_max, size = np.abs(x).max(), bound.size
    assert gradient.max() <= (1 + margin * size * (1 + 5 * x_max**2)) * (1 + 64 * EPS)
    assert np.linalg.eigvalsh(H)[-1] <= bound.sharpness * (1 + 1e-6)
    stated = math.exp(-margin) * (1 + margin * size * (1 + 5 * x_max**2) + math.sqrt(1 + x_max**2))
    assert bound.sharpness == pytest.approx(stated, rel=64 * EPS)
    assert np.logaddexp(0, -y * net.predict(x)) @ v == pytest.approx(bound.loss, rel=1e-5)


def test_flat_in_the_end_and_sharp_before():
    rng = np.random.default_rng(0)
    x, y = sample(rng, 30, "random")
    v = np.full(30, 1 / 30)
    top = [
        np.linalg.eigvalsh(hessian(theory.flat_interpolator(x, y, margin), x, y, v)[0])[-1]
        for margin in (0.01, 1.5, 20.0, 40.0)
    ]
    assert top[1] > 10 * top[0]
    assert top[1] > 100
    assert top[2] < 1e-2
    assert top[3] < 1e-10


def test_the_bend_lies_behind_its_input_so_that_no_knot_is_a_datum():
    x, y = sample(np.random.default_rng(3), 300, "random")
    net = theory.flat_interpolator(x, y, 40.0)
    after = np.searchsorted(np.sort(x), net.knots)
    left, right = np.sort(x)[after - 1], np.sort(x)[after]
    assert (net.knots - left) / (right - left) == pytest.approx(np.full(net.width, 0.05), rel=1e-6)


def test_a_quiet_stretch_needs_no_neurons():
    # Labels change twice among 1000 inputs.
    x = np.linspace(-1, 1, 1000)
    net = theory.flat_interpolator(x, np.where(np.abs(x) < 0.3, 1, -1), 10.0)
    assert net.width <= 30
    assert net.predict(x) == pytest.approx(np.where(np.abs(x) < 0.3, 10.0, -10.0), abs=1e-9)


def test_the_slope_is_let_go_once_it_moves_f_by_less_than_eps():
    # After the change at 0 it is 2/0.95 · (−1/19)^(j−1) in gap j, and moves f by 2/19^j before the next bend.
    x = np.arange(40.0)
    net = theory.flat_interpolator(x, np.where(x < 1, -1, 1), 1.0)
    assert 2 / 19**13 < EPS < 2 / 19**12
    assert net.width == 13 + 1


def test_order_repeats_and_the_names_of_the_labels_do_not_matter():
    x, y = np.array([0.3, -1.0, 0.7, 0.0]), np.array([1, -1, -1, 1])
    one = theory.flat_interpolator(x, y, 2.0)
    order = [2, 0, 1, 0, 3, 2]
    other = theory.flat_interpolator(x[order], (1 + y[order]) // 2, 2.0)
    assert (one.parameters == other.parameters).all()
    assert theory.margin_cost(x, y) == theory.margin_cost(x[order], (1 + y[order]) // 2)


@pytest.mark.parametrize("label", [-1.0, 1.0, 0.0])
def test_one_class_needs_a_constant(label):
    net = theory.flat_interpolator([0.0, 1.0, 2.0], [label] * 3, 7.0)
    bound = theory.flat_interpolator_bound([0.0, 1.0, 2.0], [label] * 3, 7.0)
    assert net.predict([-5.0, 0.5]) == pytest.approx(np.full(2, 7.0 if label > 0 else -7.0))
    assert (bound.size, bound.variation, bound.squared_norm) == (0.0, 0.0, 49.0)
    assert theory.margin_cost([0.0, 1.0, 2.0], [label] * 3) == theory.MarginCost(0.0, 0.0, 0)


def test_the_interpolator_itself_is_within_a_factor():
    # Its variation is that of connect-the-dots up to the shifted bends, at most twice the least.
    x, y = sample(np.random.default_rng(1), 60, "equispaced")
    bound = theory.flat_interpolator_bound(x, y, 5.0)
    cost = theory.margin_cost(x, y).exact
    assert cost <= bound.size <= 1.3 * cost


@pytest.mark.parametrize(
    ("x", "y", "margin", "message"),
    [
        ([0.0, 1.0, 0.0], [1, 1, -1], 1.0, "no function fits both labels of the input 0; equal inputs must"),
        ([0.0, 1.0], [1, -1], 0.0, "margin must be finite and positive, got 0.0"),
        ([0.0, 1.0], [1, -1], math.inf, "margin must be finite and positive, got inf"),
        ([0.0, 1.0], [1, 2], 1.0, "labels must be ±1 or 0/1 for the logistic loss, got 1, 2"),
        ([0.0, 1.0], [1], 1.0, r"labels must have one entry per input \(2\), got 1"),
        ([0.0, math.nan], [1, -1], 1.0, "inputs must be finite, got nan"),
        (
            [0.0, 1e-310, 1.0],
            [1, -1, 1],
            1.0,
            "margin times the slopes between the inputs must be finite, got inf",
        ),
        (
            [1.0, 1.0 + 2 * EPS, 2.0],
            [1, -1, 1],
            1.0,
            "inputs must be farther apart than rounding, got a gap of 4.44e-16",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(x, y, margin, message):
    with pytest.raises(InputError, match=message):
        theory.flat_interpolator(x, y, margin)


def test_trained_as_a_whole():
    assert theory.flat_interpolator([0.0, 1.0], [1, -1], 1.0).trainable == ALL


@pytest.mark.parametrize(
    ("margin", "unit"), [(745.0, 1e200), (800.0, 1e160), (900.0, 1e200), (740.0, 1e100), (705.0, 1.0)]
)
def test_the_bound_where_its_factors_leave_the_range_of_numbers(margin, unit):
    x, y = unit * np.array([-1.0, 0.3, 1.0]), np.array([1.0, -1.0, 1.0])
    bound = theory.flat_interpolator_bound(x, y, margin)
    with mpmath.workprec(200):
        far = 1 + 5 * mpmath.mpf(unit) ** 2
        root, size = mpmath.sqrt(1 + mpmath.mpf(unit) ** 2), mpmath.mpf(bound.size)
        exact = mpmath.exp(-margin) * (1 + margin * size * far + root)
    assert bound.sharpness == pytest.approx(float(exact), rel=1e-11, abs=0.0)
    net = theory.flat_interpolator(x, y, margin)
    assert bound.squared_norm == pytest.approx(net.parameters @ net.parameters)


def test_one_class_at_far_inputs_is_flat():
    bound = theory.flat_interpolator_bound([0.0, 1e200], [1, 1], 800.0)
    assert bound.sharpness == pytest.approx(1e200 * math.exp(-400) * math.exp(-400), rel=1e-9, abs=0.0)
