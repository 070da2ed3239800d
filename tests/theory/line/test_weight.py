from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import ALL, BOUNDED, EPS, brute_weight, dense, one_sided, point_case, random_case
from stepscape import theory
from stepscape.errors import InputError

seeds = st.integers(0, 2**32 - 1)


def magnitude(t, x):
    """What g can lose to rounding: eps times (|E| + |t|)·√(1 + E²), with sums of n terms."""
    top = np.abs(x).max()
    return x.size * EPS * (top + np.abs(t)) * np.hypot(1.0, top)


@settings(deadline=None, max_examples=150)
@given(seeds, st.sampled_from(BOUNDED))
def test_weight_is_its_definition(seed, trainable):
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    x, v = case.x, case.v
    t = np.concatenate([x, rng.uniform(x.min() - 1, x.max() + 1, 20), [x.min() - 3.0, x.max() + 3.0]])
    tolerance = 16 * magnitude(t, x)
    for side, sign in (("+", 1), ("-", -1)):
        expected = [one_sided(s, x, v, sign, trainable) for s in t]
        assert (np.abs(theory.weight(t, x, v, side, trainable) - expected) <= tolerance).all()
    expected = [brute_weight(s, x, v, trainable) for s in t]
    assert (np.abs(theory.weight(t, x, v, trainable=trainable) - expected) <= tolerance).all()


def test_weight_golden_three_inputs():
    # P(X > 0) = 1/3 with mean 2; P(X < 0) = 1/3 with mean −1; the datum at 0 counts on neither side.
    assert theory.weight(0.0, [-1.0, 0.0, 2.0], side="+") == pytest.approx(2 / 9 * 5**0.5, rel=4 * EPS)
    assert theory.weight(0.0, [-1.0, 0.0, 2.0], side="-") == pytest.approx(1 / 9 * 2**0.5, rel=4 * EPS)
    assert theory.weight(0.0, [-1.0, 0.0, 2.0]) == pytest.approx(1 / 9 * 2**0.5, rel=4 * EPS)


def test_weight_vanishes_outside_the_hull_and_keeps_shape():
    t = np.array([[-2.0, -1.0], [3.0, 3.5]])
    assert theory.weight(t, [-1.0, 3.0, 1.0]).shape == (2, 2)
    assert (theory.weight(t, [-1.0, 3.0, 1.0]) == 0.0).all()


@settings(deadline=None)
@given(seeds)
def test_integer_weights_repeat_inputs(seed):
    rng = np.random.default_rng(seed)
    x, counts = rng.standard_normal(6), rng.integers(0, 4, 6)
    counts[0] += 1
    t = np.concatenate([x, rng.uniform(-2, 2, 10)])
    repeated = rng.permutation(np.repeat(x, counts))
    np.testing.assert_allclose(
        theory.weight(t, x, counts), theory.weight(t, repeated), atol=16 * magnitude(t, x).max(), rtol=0
    )


@settings(deadline=None)
@given(seeds, st.floats(1e-3, 1e3))
def test_weights_are_normalized(seed, factor):
    rng = np.random.default_rng(seed)
    x, v, t = rng.standard_normal(7), rng.random(7) + 0.1, rng.standard_normal(9)
    np.testing.assert_allclose(
        theory.weight(t, x, v), theory.weight(t, x, factor * v), atol=16 * magnitude(t, x).max(), rtol=0
    )


def test_weight_survives_inputs_far_from_zero():
    # E − t is taken about the middle of the hull: the relative error stays a few eps, not eps·1e12.
    x = 2.0**40 + np.array([0.0, 1.0, 3.0, 4.0])
    expected = 0.25 * 1.5 * np.hypot(1.0, 2.0**40 + 0.5)
    assert theory.weight(2.0**40 + 2.0, x) == pytest.approx(expected, rel=8 * EPS)


def test_population_weight_golden():
    np.testing.assert_allclose(
        theory.population_weight([0.0, 0.5, -0.5, 0.9]),
        [0.1398, 0.01953, 0.01953, 1.72e-4],
        rtol=3e-3,  # the printed digits
    )
    assert (theory.population_weight([-1.0, 1.0, 1.5, -7.0]) == 0.0).all()


@pytest.mark.parametrize("n", [1_000, 10_000])
def test_empirical_weight_tends_to_the_population(n):
    # Equispaced midpoints: P, E and t are exact up to O(1/n).
    x = (2 * np.arange(n) + 1) / n - 1
    t = np.linspace(-0.95, 0.95, 41)
    np.testing.assert_allclose(theory.weight(t, x), theory.population_weight(t), atol=1.5 / n)


@settings(deadline=None, max_examples=100)
@given(seeds, st.sampled_from(BOUNDED))
def test_limits_are_limits(seed, trainable):
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    x, v = case.x, case.v
    limits = theory.weight_limits(x, v, trainable)
    np.testing.assert_array_equal(limits.points, np.unique(x))
    gap = np.diff(limits.points).min(initial=1.0)
    step = 1e-7 * gap
    # Slopes of g are at most √(1 + E²).
    tolerance = 2 * step * np.hypot(1.0, np.abs(x).max()) + 16 * magnitude(limits.points, x)
    for i, p in enumerate(limits.points):
        assert limits.before[i] == pytest.approx(brute_weight(p - step, x, v, trainable), abs=tolerance[i])
        assert limits.after[i] == pytest.approx(brute_weight(p + step, x, v, trainable), abs=tolerance[i])
        assert limits.value[i] == pytest.approx(brute_weight(p, x, v, trainable), abs=tolerance[i])
    np.testing.assert_array_equal(
        limits.lowest, np.minimum(limits.value, np.minimum(limits.before, limits.after))
    )


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from(BOUNDED))
def test_infimum_and_supremum_of_a_gap(seed, trainable):
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    limits = theory.weight_limits(case.x, case.v, trainable)
    slack = 64 * magnitude(limits.points, case.x).max()
    highest = limits.value.max()
    for i in range(limits.points.size - 1):
        t = np.linspace(limits.points[i], limits.points[i + 1], 402)[1:-1]
        g = theory.weight(t, case.x, case.v, trainable=trainable)
        assert g.min() >= min(limits.after[i], limits.before[i + 1]) - slack
        # Concave inside a gap: second differences are not positive.
        assert (np.diff(g, 2) <= slack).all()
        highest = max(highest, g.max())
    assert limits.highest >= highest - slack
    assert limits.highest <= highest * (1 + 1 / 50) + slack  # a concave peak seen on 400 points


def test_interior_is_where_g_is_a_tenth_of_its_supremum():
    x = (2 * np.arange(4000) + 1) / 4000 - 1
    t = np.linspace(-1.2, 1.2, 2001)
    expected = theory.population_weight(t) >= theory.population_weight(0.0) / 10
    assert (theory.interior(t, x) != expected).sum() <= 2
    assert not theory.interior([-1.0, 0.0, 1.0], [0.0]).any()


@settings(deadline=None)
@given(seeds, st.sampled_from(BOUNDED))
def test_forms_are_their_definitions_and_ordered(seed, trainable):
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    case.w1[-1], case.b1[-1] = -2 * case.w1[0], -2 * case.b1[0]  # an exactly equal knot on the other side
    path = side = scale = 0.0
    jumps: dict[float, float] = {}
    for w, b, u in zip(case.w1, case.b1, case.w2, strict=True):
        if w != 0:
            tau = -b / w
            path += abs(w * u) * brute_weight(tau, case.x, case.v, trainable)
            side += abs(w * u) * one_sided(tau, case.x, case.v, 1 if w > 0 else -1, trainable)
            jumps[tau] = jumps.get(tau, 0.0) + u * abs(w)
            scale += abs(w * u) * magnitude(tau, case.x)
    function = sum(abs(j) * brute_weight(tau, case.x, case.v, trainable) for tau, j in jumps.items())
    values = {
        form: theory.weighted_tv(case.w1, case.b1, case.w2, case.x, case.v, form, trainable)
        for form in ("function", "path", "side")
    }
    assert values["function"] == pytest.approx(function, abs=16 * scale, rel=0)
    assert values["path"] == pytest.approx(path, abs=16 * scale, rel=0)
    assert values["side"] == pytest.approx(side, abs=16 * scale, rel=0)
    assert values["function"] <= values["path"] + 16 * scale
    assert values["path"] <= values["side"] + 16 * scale


@settings(deadline=None)
@given(seeds, st.floats(1e-3, 1e3), st.sampled_from(["function", "path", "side"]))
def test_rescaling_a_neuron_changes_the_hessian_but_no_form(seed, c, form):
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    before = theory.weighted_tv(case.w1, case.b1, case.w2, case.x, case.v, form)
    after = theory.weighted_tv(c * case.w1, c * case.b1, case.w2 / c, case.x, case.v, form)
    tau = np.abs(case.b1 / np.where(case.w1 == 0, np.inf, case.w1))
    scale = (np.abs(case.w1 * case.w2) * magnitude(tau, case.x)).sum()
    assert after == pytest.approx(before, abs=64 * scale, rel=0)


def test_rescaling_changes_the_sharpness():
    case = point_case(1.0, 0.5, 0.0)
    lopsided = type(case)(10 * case.w1, 10 * case.b1, case.w2 / 10, case.b2, case.x, case.y, case.v)
    assert np.linalg.eigvalsh(dense(lopsided)[0])[-1] > 10 * np.linalg.eigvalsh(dense(case)[0])[-1]


def test_opposite_neurons_at_one_knot_cancel_in_the_function_form_only():
    network = ([1.0, -1.0], [-0.5, 0.5], [3.0, -3.0])
    x = [-1.0, 0.0, 1.0, 2.0]
    assert theory.weighted_tv(*network, x) == 0.0
    assert theory.weighted_tv(*network, x, form="path") == pytest.approx(
        6 * theory.weight(0.5, x), rel=8 * EPS
    )


def test_far_knots_do_not_overflow():
    x = [-1.0, 2.0]
    assert theory.weighted_tv([1e-320], [1.0], [1.0], x, form="function") == 0.0
    # Active on all inputs, w1·E + b1 = 1: the side form is |w2|·√(1 + E²).
    side = theory.weighted_tv([1e-320], [1.0], [3.0], x, form="side")
    assert side == pytest.approx(3.0 * np.hypot(1.0, 0.5), rel=8 * EPS)


def test_total_variation_and_knots():
    w1, b1, w2 = [1.0, -2.0, 2.0, 0.0], [0.0, 0.0, -2.0, 5.0], [1.0, 1.0, -3.0, 9.0]
    knots, jumps = theory.merged_knots(w1, b1, w2)
    np.testing.assert_array_equal(knots, [0.0, 1.0])
    np.testing.assert_array_equal(jumps, [3.0, -6.0])
    assert theory.total_variation(w1, b1, w2) == 9.0
    assert theory.total_variation(w1, b1, w2, (0.0, 2.0)) == 6.0  # an open interval
    assert theory.total_variation([0.0], [1.0], [1.0]) == 0.0


def test_trained_blocks_golden():
    x = [-1.0, 0.0, 2.0]
    assert theory.weight(0.5, x, side="+", trainable=("b1", "w2")) == pytest.approx(1.5 / 9, rel=4 * EPS)
    assert theory.weight(0.5, x, side="+", trainable=("w1", "w2")) == pytest.approx(3.0 / 9, rel=4 * EPS)
    assert theory.weight(0.5, x, side="+", trainable=ALL) == pytest.approx(1.5 / 9 * 5**0.5, rel=4 * EPS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.weight(0.0, []), r"inputs must be a non-empty vector, got shape \(0,\)"),
        (lambda: theory.weight(0.0, [[1.0]]), "inputs must be a non-empty vector, got shape"),
        (lambda: theory.weight(0.0, [1.0, np.nan]), "inputs must be finite, got nan"),
        (
            lambda: theory.weight(0.0, [1.0, 2.0], [1.0]),
            r"weights must have one entry per input \(2\), got 1",
        ),
        (lambda: theory.weight(0.0, [1.0, 2.0], [1.0, -2.0]), "weights must be nonnegative, got -2.0"),
        (lambda: theory.weight(0.0, [1.0], [0.0]), "weights must have a positive sum, got 0.0"),
        (lambda: theory.weight(0.0, [1.0], side="left"), "unknown side 'left'; known: both"),
        (
            lambda: theory.weight(0.0, [1.0], trainable=("w1", "b1")),
            "trainable must hold w2 and at least one",
        ),
        (lambda: theory.weight(0.0, [1.0], trainable=("w1", "w3")), "unknown block 'w3'; did you mean 'w2'"),
        (
            lambda: theory.weighted_tv([1.0], [1.0], [1.0], [0.0], form="sides"),
            "unknown form 'sides'; did you mean",
        ),
        (
            lambda: theory.weighted_tv([1.0], [1.0, 2.0], [1.0], [0.0]),
            "w1, b1 and w2 must have the same length",
        ),
        (
            lambda: theory.total_variation([1.0], [1.0], [1.0], (1.0, 1.0)),
            "interval must be two increasing numbers",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
