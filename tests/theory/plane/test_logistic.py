from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from oracles import BOUNDED, UNBOUNDED
from plane_facts import measured_facts, plane_facts
from plane_oracles import (
    EPS,
    PlaneCase,
    brute_weight,
    measure,
    one_sided,
    point_case,
    random_plane_case,
    slope_and_curvature,
)
from stepscape.errors import InputError
from stepscape.theory import plane

seeds = st.integers(0, 2**32 - 1)
EVERYWHERE = ("gauss_newton", "weighted", "uncertain", "uncertain_best")


def certificates(case, trainable=ss.theory.BLOCKS, gamma=1.0):
    facts = measured_facts(case, "logistic", trainable, gamma)
    return {each.name: each.certify(facts) for each in plane.plane_theorems("logistic")}


@settings(deadline=None, max_examples=100)
@given(seeds, st.sampled_from(BOUNDED), st.floats(0.05, 20.0))
def test_the_bounds_hold_at_random_networks(seed, trainable, gamma):
    case = random_plane_case(np.random.default_rng(seed), loss="logistic")
    c = certificates(case, trainable, gamma)
    some = bool((np.abs(case.predict()) <= gamma).any())
    for name in EVERYWHERE:
        assert c[name].name == name
        expected = "holds" if some or name != "uncertain" else "inapplicable"
        assert c[name].verdict == expected, (c[name], case)
    assert c["uncertain_best"].right <= c["uncertain"].right + c["uncertain"].tolerance or not some
    assert c["weighted"].right <= c["uncertain_best"].right + c["uncertain_best"].tolerance


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_labels_against_one_neuron_do_not_break_the_bounds(seed):
    case = random_plane_case(np.random.default_rng(seed), loss="logistic")
    active = case.x @ case.w1[-1] + case.b1[-1] > 0
    for sign in (-1.0, 1.0):
        c = certificates(case.with_labels(np.where(active, sign, -sign)))
        assert all(c[name].verdict in ("holds", "inapplicable") for name in EVERYWHERE), (c, case)


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from(BOUNDED), st.floats(0.05, 20.0))
def test_both_sides_are_their_formulas(seed, trainable, gamma):
    case = random_plane_case(np.random.default_rng(seed), loss="logistic")
    m, c = measure(case, "logistic", trainable), certificates(case, trainable, gamma)
    f, D = np.abs(case.predict()), slope_and_curvature(case, "logistic")[1]
    v, half = case.averaging, 0.5 if "b2" in trainable else 0.0
    bends = case.w1.any(axis=1)
    sizes = np.abs(case.w2) * np.linalg.norm(case.w1, axis=1)

    def total(g, weights):
        return sum(
            s * g(u, b, case.x, weights, trainable)
            for s, u, b in zip(sizes[bends], case.w1[bends], case.b1[bends], strict=True)
        )

    mean = float(v @ D)
    left = total(one_sided, v * D)
    room = 1e-9 * (1.0 + c["weighted"].scale)
    assert c["weighted"].left == pytest.approx(left, rel=1e-9, abs=room)
    assert c["gauss_newton"].left == pytest.approx(mean * (2 * half + 2 * left), rel=1e-9, abs=room * mean)
    assert c["weighted"].right == pytest.approx(
        (m.sharpness + m.residual_norm) / (2 * mean) - half, rel=1e-9, abs=1e-9
    )
    if (f <= gamma).any():
        inside = f <= gamma
        least = 1 / (4 * math.cosh(gamma / 2) ** 2)
        radius = np.linalg.norm(case.x, axis=1).max()
        reach = (("w1" in trainable) * radius**2 + ("b1" in trainable)) ** 0.5
        right = (m.sharpness + reach * (1 - math.exp(-m.loss))) / (2 * v[inside].sum() * least) - half
        assert c["uncertain"].left == pytest.approx(
            total(brute_weight, np.where(inside, v, 0.0)), rel=1e-9, abs=1e-9 * (1 + c["uncertain"].scale)
        )
        assert c["uncertain"].right == pytest.approx(right, rel=1e-9, abs=1e-9)
        assert c["uncertain"].details["count"] == inside.sum()
        assert c["uncertain"].details["share"] == pytest.approx(v[inside].sum())


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_the_best_level_is_the_best_of_all(seed):
    case = random_plane_case(np.random.default_rng(seed), loss="logistic")
    best = certificates(case)["uncertain_best"]
    for gamma in (*np.abs(case.predict()) * (1 + 4 * EPS), 0.3, 3.0):
        if gamma > 0:
            assert best.right <= certificates(case, gamma=gamma)["uncertain"].right + 1e-9 * best.scale or (
                certificates(case, gamma=gamma)["uncertain"].verdict == "inapplicable"
            )


def confident(size, x, label, trainable=ss.theory.BLOCKS):
    """One input, one balanced neuron: L0 is an equality."""
    return point_case(size, x, 0.0, trainable).with_labels([label])


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("x", [[0.7], [0.3, -1.1], [0.2, 0.4, -0.1, 0.9, 2.0]])
def test_l0_is_attained_in_every_dimension(x, trainable):
    for size in (0.3, 2.0, 5.0):
        c = certificates(confident(size, x, 1.0, trainable), trainable)["gauss_newton"]
        assert c.slack == pytest.approx(0.0, abs=256 * EPS * c.scale)
        assert c.left > 0.0


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("name", ["weighted", "uncertain_best"])
def test_all_of_the_residual_term_is_needed(trainable, name):
    # One input with the label f does not believe in: as the neuron grows, λ_max(H) → λ_max(G) − ‖R‖.
    case = confident(1e3, [0.3, -1.1, 0.5], 1.0, trainable)
    case = replace(case, b2=-1.0 - float(case.predict()[0]))
    m, c = measure(case, "logistic", trainable), certificates(case, trainable)[name]
    D = slope_and_curvature(case, "logistic")[1][0]
    side = plane.weighted_variation(case.w1, case.b1, case.w2, case.x, form="side", trainable=trainable)
    needed = m.residual_norm / (2 * D)
    without = (m.sharpness - ("b2" in trainable) * D) / (2 * D)
    assert needed > 0.5
    assert side - without == pytest.approx(needed, rel=1e-3)
    assert c.right - without == pytest.approx(needed, rel=1e-3)


def test_curvature_of_a_part_bounds_the_variation():
    rng = np.random.default_rng(7)
    for _ in range(20):
        case = random_plane_case(rng, loss="logistic")
        facts, D = measured_facts(case, "logistic"), slope_and_curvature(case, "logistic")[1]
        part = rng.random(D.size) * D * (1 - 1e-9)
        c = plane.weighted_by(facts, part)
        assert c.verdict == "holds", (c, case)
        total = float(case.averaging @ part)
        m = measure(case, "logistic")
        assert c.right == pytest.approx((m.sharpness + m.residual_norm) / (2 * total) - 0.5, rel=1e-9)
        whole = plane.weighted_by(facts, D * (1 - 1e-12))
        assert whole.left == pytest.approx(plane.weighted(facts).left, rel=1e-9, abs=1e-12)
    none = plane.weighted_by(facts, np.zeros(D.size))
    assert none.failed_premises == ("the curvature of the examples does not underflow",)


def test_on_the_line_all_numbers_are_those_of_the_line():
    from facts import facts_of
    from oracles import Case

    rng = np.random.default_rng(8)
    for _ in range(20):
        case = random_plane_case(rng, 1, "logistic")
        same = Case(case.w1[:, 0], case.b1, case.w2, case.b2, case.x[:, 0], case.y, case.v)
        theirs = facts_of(same, "logistic", **vars(measure(case, "logistic")))
        ours = measured_facts(case, "logistic")
        names = ("logistic_gauss_newton", "weighted", "uncertain", "uncertain_best")
        for name in names:
            one, other = getattr(plane, name)(ours), getattr(ss.theory, name)(theirs)
            assert one.left == pytest.approx(other.left, rel=1e-9, abs=1e-12 * other.scale + 1e-15)
            assert one.right == pytest.approx(other.right, rel=1e-9, abs=1e-12, nan_ok=True)
            assert one.verdict == other.verdict


def at_rest(x=(0.3, -1.1)):
    """Two examples at one input, one of each label, f = 0 there: R = 0 and the gradient vanishes."""
    x = np.array([x, x])
    return PlaneCase(
        np.array([[1.0, 2.0]]), np.array([3.0]), np.array([0.5]), -0.5 * 1.1, x, np.array([1.0, -1.0]),
        np.ones(2),
    )  # fmt: skip


def test_the_stationary_forms_need_a_point_at_rest():
    case = at_rest()
    assert case.predict() == pytest.approx(0.0, abs=4 * EPS)
    c = certificates(case)
    for name in ("weighted_stationary", "uncertain_stationary"):
        assert c[name].verdict == "holds", c[name]
        off = certificates(replace(case, y=np.array([1.0, 1.0])))[name]
        assert off.verdict == "inapplicable"
        assert off.failed_premises == (plane.logistic.AT_REST,)
    # The form at rest is L1 without ‖R‖, and with a balanced neuron it is attained.
    height = 3.0 + 0.3 - 2.2
    balanced = replace(case, w2=np.array([height / math.hypot(1.0, 0.3, 1.1)]))
    balanced = replace(balanced, b2=-float(balanced.w2[0] * height))
    tight = certificates(balanced)["weighted_stationary"]
    assert tight.verdict == "holds"
    assert tight.slack == pytest.approx(0.0, abs=512 * EPS * tight.scale)


def test_large_margins_are_safe_until_the_curvature_underflows():
    for margin, verdict in ((600.0, "holds"), (2000.0, "inapplicable")):
        case = replace(confident(1.0, [0.3, -1.1], 1.0), b2=margin)
        # Everything of it is as small as e^{−margin}; eigenvalues are given as zero, with their error.
        facts = plane_facts(
            case, "logistic", sharpness=1e-200, gauss_newton=1e-200, residual_norm=0.0, value=0.0
        )
        assert plane.weighted(facts).verdict == verdict


@pytest.mark.parametrize("trainable", UNBOUNDED)
def test_where_no_bound_exists_certificates_say_so(trainable):
    case = confident(2.0, [0.3, -1.1], 1.0)
    facts = plane_facts(
        case, "logistic", trainable, sharpness=1.0, gauss_newton=1.0, residual_norm=0.0, value=0.1
    )
    for each in plane.plane_theorems("logistic"):
        c = each.certify(facts)
        assert c.verdict == "inapplicable"
        assert any("is trained" in premise for premise in c.failed_premises)


def test_statements_are_readable():
    c = certificates(confident(2.0, [0.3, -1.1], 1.0))
    assert c["gauss_newton"].statement == "D̄ (1 + 2 Σ |w2| ‖w1‖ g̃_D) ≤ λ_max(G)"
    assert c["weighted"].statement == "Σ |w2| ‖w1‖ g̃_D ≤ (λ_max(H) + ‖R‖)/(2 D̄) − ½"
    assert c["uncertain"].statement == ("|f|_{V_{g_A}} ≤ (λ_max(H) + √(1 + R²)(1 − e^{−L}))/(2 v(A) Γ) − ½")
    assert c["weighted_stationary"].statement == "Σ |w2| ‖w1‖ g̃_D ≤ λ_max(H)/(2 D̄) − ½"
    assert "some input is uncertain, |f(x_i)| ≤ 1" in c["uncertain"].assumptions


def test_refusals():
    facts = measured_facts(confident(2.0, [0.3, -1.1], 1.0), "logistic")
    with pytest.raises(InputError, match="facts must be about the logistic loss, got the square loss"):
        plane.weighted(measured_facts(confident(2.0, [0.3, -1.1], 1.0)))
    with pytest.raises(InputError, match="facts must be a PlaneFacts, got a float"):
        plane.uncertain_best(1.0)
    with pytest.raises(InputError, match=r"curvature must have one entry per input \(1\), got 2"):
        plane.weighted_by(facts, [0.0, 0.0])
    with pytest.raises(InputError, match=r"curvature must lie between 0 and that of its example \(.*got 0.3"):
        plane.weighted_by(facts, [0.3])
    with pytest.raises(InputError, match=r"curvature must lie between 0 and that of its example \(.*got -1"):
        plane.weighted_by(facts, [-1.0])
    with pytest.raises(InputError, match="labels must be ±1 or 0/1 for the logistic loss, got 3"):
        measured_facts(confident(2.0, [0.3, -1.1], 3.0), "logistic")
