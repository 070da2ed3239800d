from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import (
    FORMS,
    UNDERFLOW,
    accuracy,
    balanced_case,
    certificates,
    constant_case,
    curvature,
    measure,
    positive,
    random_classifier,
)
from facts import facts_of
from oracles import BOUNDED, EPS, UNBOUNDED, Case, one_sided, root
from stepscape import theory
from stepscape.errors import InputError

seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=100)
@given(seeds, st.sampled_from(BOUNDED))
def test_the_chain_holds_at_every_network(seed, trainable):
    rng = np.random.default_rng(seed)
    case = random_classifier(rng)
    size = np.abs(case.predict())
    for gamma in (positive(rng.choice(size)), 10.0 ** rng.uniform(-2, 4), 1e-300):
        found = certificates(case, trainable, gamma)
        for name in FORMS:
            c = found[name]
            assert c.name == name
            assert c.verdict != "violated", (c, case)
            if size.min() < 650 and name != "uncertain":
                assert c.verdict == "holds", (c, case)
        speaks = found["uncertain"].verdict == "holds"
        assert speaks or gamma > 650 or not (size <= gamma).any(), (found["uncertain"], case)
        assert not speaks or (gamma < 720 and (size <= gamma).any()), (found["uncertain"], case)


@settings(deadline=None, max_examples=50)
@given(seeds, st.sampled_from(BOUNDED))
def test_hostile_labels_do_not_break_it(seed, trainable):
    # All residuals pull the same way on the half-line where the first neuron lives, at small margins.
    case = random_classifier(np.random.default_rng(seed), largest=3.0)
    active = case.w1[0] * case.x + case.b1[0] > 0
    for sign in (-1.0, 1.0):
        found = certificates(replace(case, y=np.where(active, sign, -sign)), trainable)
        assert all(found[name].verdict == "holds" for name in ("gauss_newton", "weighted", "uncertain_best"))
        assert found["uncertain"].verdict != "violated"


@settings(deadline=None, max_examples=50)
@given(seeds, st.sampled_from(BOUNDED))
def test_left_sides_are_their_definitions(seed, trainable):
    rng = np.random.default_rng(seed)
    case = random_classifier(rng, largest=30.0)
    f = case.predict()
    gamma = positive(rng.choice(np.abs(f)))
    found = certificates(case, trainable, gamma)
    tau = [-b / w if w else math.nan for w, b in zip(case.w1, case.b1, strict=True)]
    by_curvature = sum(
        abs(w * u) * one_sided(t, case.x, case.v * curvature(f), np.sign(w), trainable)
        for w, u, t in zip(case.w1, case.w2, tau, strict=True)
        if w
    )
    c = found["weighted"]
    assert c.left == pytest.approx(by_curvature, abs=c.tolerance)
    inside = np.abs(f) <= gamma
    x, v = case.x[inside], case.v[inside]
    jumps = {t: sum(np.abs(case.w1) * case.w2 * (np.array(tau) == t)) for t in tau}
    where_uncertain = sum(
        abs(jumps[t]) * min(one_sided(t, x, v, 1, trainable), one_sided(t, x, v, -1, trainable))
        for t in jumps
        if not math.isnan(t)
    )
    c = found["uncertain"]
    assert c.left == pytest.approx(where_uncertain, abs=c.tolerance)
    p = case.v / case.v.sum()
    assert dict(c.details) == pytest.approx(
        {
            "gamma": gamma,
            "count": inside.sum(),
            "share": p[inside].sum(),
            "confidence_curvature": curvature(gamma),
            "low": x.min(),
            "high": x.max(),
            "mean_curvature": p @ curvature(f),
        },
        rel=1e3 * EPS,
    )


@settings(deadline=None, max_examples=50)
@given(seeds, st.sampled_from(BOUNDED))
def test_right_sides_are_their_formulas(seed, trainable):
    case = random_classifier(np.random.default_rng(seed), largest=30.0)
    m, f, p = measure(case, trainable), case.predict(), case.v / case.v.sum()
    gamma, half = positive(np.abs(f).max()), 0.5 * ("b2" in trainable)
    found, λ = certificates(case, trainable, gamma), m.sharpness + accuracy(case, m)
    mean = p @ curvature(f)
    assert found["gauss_newton"].right == m.gauss_newton + accuracy(case, m)
    assert found["gauss_newton"].left == pytest.approx(
        mean * 2 * (half + found["weighted"].left), abs=found["gauss_newton"].tolerance
    )
    expected = (λ + m.residual_norm) / (2 * mean) - half
    assert found["weighted"].right == pytest.approx(expected, abs=found["weighted"].tolerance)
    reach = float(root(np.abs(case.x).max(), trainable)) * -math.expm1(-m.loss)
    expected = (λ + reach) / (2 * curvature(gamma)) - half
    assert found["uncertain"].right == pytest.approx(expected, abs=found["uncertain"].tolerance)


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("logit", [0.0, -2.0, 40.0, -300.0, 705.0])
def test_dead_networks_attain_the_bounds_by_curvature(logit, trainable):
    # f = b2: λ_max = D̄ if b2 is trained, 0 otherwise, and no variation, however flat it is.
    found = certificates(constant_case(logit, [1.0, -1.0, 1.0]), trainable)
    assert found["gauss_newton"].left == pytest.approx(curvature(logit) * ("b2" in trainable), rel=8 * EPS)
    for name in ("gauss_newton", "weighted", "uncertain_best"):
        c = found[name]
        assert c.verdict == "holds"
        if name != "uncertain_best":
            assert c.slack == pytest.approx(0.0, abs=128 * EPS * c.scale)
            assert c.scale <= 1e4 * (curvature(logit) if name == "gauss_newton" else 1.0)


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (1.0, 2.0), (4.0, 1.0)])
def test_l0_is_attained_with_live_neurons(left, right, trainable):
    # Unequal curvatures, both means balanced, √c the top eigenvector: any larger constant would be violated.
    case = balanced_case(left, right, trainable)
    c = certificates(case, trainable)["gauss_newton"]
    assert c.slack == pytest.approx(0.0, abs=64 * EPS * c.scale + 2 * accuracy(case, measure(case)))
    assert c.left > 1.05 * c.details["mean_curvature"] * ("b2" in trainable) > -1e-9
    assert c.tolerance < 1e-10 * c.left


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("name", ["weighted", "uncertain_best"])
def test_all_of_the_residual_term_is_needed(trainable, name):
    # One input with the label f does not believe in: as the neuron grows, λ_max(H) → λ_max(G) − ‖R‖.
    x, z, f = 0.7, 1e3, -1.0
    w2 = z / root(x, trainable)
    case = Case(
        np.array([2.0]),
        np.array([z - 2.0 * x]),
        np.array([w2]),
        f - w2 * z,
        np.array([x]),
        np.ones(1),
        np.ones(1),
    )
    case = replace(case, b2=case.b2 + f - case.predict()[0])
    m, c = measure(case, trainable), certificates(case, trainable)[name]
    side = theory.weighted_tv(**case.network, form="side", trainable=trainable)
    needed = m.residual_norm / (2 * curvature(f))
    without = (m.sharpness - ("b2" in trainable) * curvature(f)) / (2 * curvature(f))
    assert needed > 0.5
    assert side - without == pytest.approx(needed, rel=1e-3)
    assert c.right - without == pytest.approx(needed, rel=1e-3)


def test_scales_are_the_sums_of_magnitudes():
    # f(2) = 3 max(2 − 1, 0) + ½: no more than 2 · 3 (2 + 1) from the neuron and 3½ from f.
    case = Case(np.ones(1), -np.ones(1), np.full(1, 3.0), 0.5, np.full(1, 2.0), np.ones(1), np.ones(1))
    facts = partial(facts_of, case, "logistic", residual=0.25)
    known, mean, side = 1 + 2 * 3 * 3 + 3.5, curvature(3.5), 3 * math.sqrt(5) * (2 + 1)
    c = theory.logistic_gauss_newton(facts(gauss_newton=1.5))
    assert c.scale == pytest.approx((mean * (1 + 2 * side) + 1.5) * known)
    c = theory.weighted(facts(sharpness=1.5, residual_norm=0.125))
    assert c.scale == pytest.approx((side + (1.5 + 0.125) / (2 * mean) + 0.5) * known)
    c = theory.uncertain(facts(sharpness=1.5, loss=0.3, gamma=4.0))
    term = math.sqrt(5) * -math.expm1(-0.3)
    assert c.scale == pytest.approx(((1.5 + term) / (2 * curvature(4.0)) + 0.5) * known)


@settings(deadline=None, max_examples=50)
@given(seeds, st.sampled_from(BOUNDED))
def test_the_right_side_of_l1_is_the_smallest(seed, trainable):
    case = random_classifier(np.random.default_rng(seed), largest=100.0)
    found = certificates(case, trainable)
    assert found["weighted"].right <= found["uncertain_best"].right + found["weighted"].tolerance


def test_weighted_certificates_equal_repeated_inputs():
    rng = np.random.default_rng(9)
    counts = np.array([1, 3, 2, 5])
    x, y = rng.standard_normal(4), np.array([1.0, -1.0, -1.0, 1.0])
    w1, b1, w2 = rng.standard_normal((3, 5))
    merged = Case(w1, b1, w2, 0.1, x, y, counts.astype(float))
    apart = Case(w1, b1, w2, 0.1, np.repeat(x, counts), np.repeat(y, counts), np.ones(11))
    other = certificates(apart, gamma=5.0)
    for name, c in certificates(merged, gamma=5.0).items():
        assert c.left == pytest.approx(other[name].left, rel=64 * EPS)
        assert c.right == pytest.approx(other[name].right, rel=1e3 * EPS)


@pytest.mark.parametrize("unit", [2.0**1000, 1e308 / 1.7, 1e-300])
def test_weights_may_have_any_sum(unit):
    # Not only each weight must be a number, but every sum of them.
    case = random_classifier(np.random.default_rng(11), largest=5.0)
    case = replace(case, v=np.linspace(0.5, 1.7, case.x.size))
    other = certificates(replace(case, v=unit * case.v), gamma=2.0)
    for name, c in certificates(case, gamma=2.0).items():
        assert c.verdict == other[name].verdict
        assert (other[name].left, other[name].right) == pytest.approx((c.left, c.right), rel=1e3 * EPS)


def test_an_input_of_weight_zero_does_not_count():
    case = balanced_case(1.0, 2.0)
    extra = replace(
        case, x=np.append(case.x, 0.1), y=np.append(case.y, 1.0), v=np.append(case.v, 0.0), b2=case.b2
    )
    f = np.append(case.predict(), 0.0)  # surer than none, were it counted
    measured = {"sharpness": 3.0, "loss": 0.5, "residual_norm": 0.1}
    few, all_three = (
        facts_of(each, "logistic", predictions=f[: each.x.size], **measured) for each in (case, extra)
    )
    c, d = theory.uncertain_best(few), theory.uncertain_best(all_three)
    assert (c.left, c.right, c.details) == (d.left, d.right, d.details)
    c, d = theory.weighted(few), theory.weighted(all_three)
    assert (c.left, c.right) == (d.left, d.right)
    certain = np.array([1e4, 1e4, 0.0])  # nor may it hide that all curvature is gone
    c = theory.weighted(facts_of(extra, "logistic", predictions=certain, **measured))
    assert c.failed_premises == (UNDERFLOW,)


@pytest.mark.parametrize("trainable", UNBOUNDED)
def test_without_w2_or_without_both_first_blocks_nothing_is_claimed(trainable):
    for certificate in certificates(balanced_case(1.0, 2.0), trainable or ("b2",)).values():
        assert certificate.verdict == "inapplicable"
        assert math.isnan(certificate.left)
        assert "is trained" in repr(certificate)


def test_a_knot_on_an_input_is_a_premise_not_met():
    # Also on an input that is too certain to have curvature.
    case = Case(
        np.array([1.0]), np.array([-1.0]), np.ones(1), 0.0, np.array([0.0, 1.0, 2.0]), np.ones(3), np.ones(3)
    )
    measured = {"sharpness": 1.0, "residual_norm": 0.0, "loss": 0.1}
    facts = facts_of(case, "logistic", predictions=[0.0, 5e3, 1.0], **measured)
    for c in (theory.weighted(facts), theory.uncertain_best(facts)):
        assert c.failed_premises == ("no knot lies on an input",)
        assert c.verdict == "inapplicable"


def test_statements_and_premises_are_readable():
    full, partial = certificates(balanced_case(1.0, 2.0)), certificates(balanced_case(1.0, 2.0), ("b1", "w2"))
    assert full["gauss_newton"].statement == "D̄ (1 + 2 Σ |w1 w2| g_D^±(τ)) ≤ λ_max(G)"
    assert full["weighted"].statement == "Σ |w1 w2| g_D^±(τ) ≤ (λ_max(H) + ‖R‖)/(2 D̄) − ½"
    assert full["uncertain"].statement == (
        "∫|f''|g_A ≤ (λ_max(H) + √(1 + x_max²)(1 − e^{−L}))/(2 v(A) Γ) − ½"
    )
    assert full["weighted_stationary"].statement == "Σ |w1 w2| g_D^±(τ) ≤ λ_max(H)/(2 D̄) − ½"
    assert partial["gauss_newton"].statement == "D̄ (2 Σ |w1 w2| g_D^±(τ)) ≤ λ_max(G)"
    assert "½" not in partial["weighted"].statement
    assert "trained blocks b1, w2" in " ".join(partial["uncertain"].assumptions)
    assert full["uncertain"].assumptions[0] == "logistic loss Σ v_i log(1 + e^{−y_i f(x_i)}), Σ v_i = 1"
    assert "some input is uncertain, |f(x_i)| ≤ 1" in full["uncertain"].assumptions
    assert all("Qiao and Wang (2025), Theorem 3.5" in c.source for c in full.values())


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from(BOUNDED))
def test_every_part_of_the_curvature_bounds_the_variation(seed, trainable):
    """Random parts, capped parts, the uncertain inputs: with λ_max + ‖R‖ of dense matrices."""
    rng = np.random.default_rng(seed)
    case = random_classifier(rng, largest=30.0)
    order = np.argsort(case.x, kind="stable")
    x, v, f = case.x[order], case.v[order] / case.v.sum(), case.predict()[order]
    m, D, gamma = measure(case, trainable), curvature(f), float(rng.choice(np.abs(f)))
    facts = facts_of(case, "logistic", trainable, residual=accuracy(case, m), **vars(m))
    exact = facts.landscape.predictions
    whole = np.exp(-np.abs(exact)) / (1.0 + np.exp(-np.abs(exact))) ** 2
    for part in (rng.random(f.size), np.minimum(1.0, curvature(gamma) / D), (np.abs(f) <= gamma) / 2.0):
        c = part * whole * (1.0 - 4.0 * EPS)
        found = theory.weighted_by(facts, c)
        assert found.verdict == "holds", (found, case)
        total = float(v @ c)
        half = 0.5 if "b2" in trainable else 0.0
        right = (m.sharpness + accuracy(case, m) + m.residual_norm) / (2.0 * total) - half
        assert found.right == pytest.approx(right, rel=1e-9)
        tau = -case.b1[case.w1 != 0] / case.w1[case.w1 != 0]
        sign, size = np.sign(case.w1[case.w1 != 0]), np.abs(case.w1 * case.w2)[case.w1 != 0]
        side = sum(
            s * one_sided(t, x, v * c, way, trainable) for t, way, s in zip(tau, sign, size, strict=True)
        )
        assert found.left == pytest.approx(side, rel=1e-6, abs=1e-9 * (1.0 + found.scale))


def test_all_of_the_curvature_is_the_weighted_bound():
    case = random_classifier(np.random.default_rng(5), largest=10.0)
    m = measure(case)
    facts = facts_of(case, "logistic", residual=accuracy(case, m), **vars(m))
    f = np.abs(facts.landscape.predictions)
    every = np.exp(-f) / (1.0 + np.exp(-f)) ** 2 * (1.0 - 4.0 * EPS)
    one, other = theory.weighted_by(facts, every), theory.weighted(facts)
    assert (one.left, one.right) == pytest.approx((other.left, other.right), rel=1e-12)


def test_what_counts_is_a_part_of_the_curvature():
    facts = facts_of(random_classifier(np.random.default_rng(5), largest=10.0), "logistic", sharpness=1.0)
    n = facts.inputs.size
    with pytest.raises(InputError, match=r"curvature must lie between 0 and that of its example \(.*got 0.3"):
        theory.weighted_by(facts, np.full(n, 0.3))
    with pytest.raises(InputError, match=r"curvature must lie between 0 and that of its example \(.*got -1"):
        theory.weighted_by(facts, np.append(np.zeros(n - 1), -1.0))
    with pytest.raises(InputError, match=f"curvature must have one entry per input \\({n}\\), got {n + 1}"):
        theory.weighted_by(facts, np.zeros(n + 1))
    assert theory.weighted_by(facts, np.zeros(n)).failed_premises == (UNDERFLOW,)
