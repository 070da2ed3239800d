from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from classifiers import (
    FORMS,
    UNDERFLOW,
    accuracy,
    at_rest,
    balanced_case,
    certificates,
    constant_case,
    measure,
    random_classifier,
)
from oracles import BOUNDED, EPS, Case, root
from stepscape.measures.certification import certify
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem

seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=50)
@given(seeds, st.sampled_from(BOUNDED))
def test_stationary_forms_hold_where_the_labels_balance_f(seed, trainable):
    rng = np.random.default_rng(seed)
    case = at_rest(random_classifier(rng, largest=20.0))
    found = certificates(case, trainable)
    m = measure(case, trainable)
    for name, general in (("weighted_stationary", "weighted"), ("uncertain_stationary", "uncertain_best")):
        c = found[name]
        assert c.verdict == "holds", (c, case)
        assert c.name == name
        assert (c.left, dict(c.details)) == (found[general].left, dict(found[general].details))
        assert c.right <= found[general].right + c.tolerance
        κ = c.details["mean_curvature" if general == "weighted" else "share"]
        κ *= c.details.get("confidence_curvature", 1.0)
        expected = (m.sharpness + accuracy(case, m)) / (2 * κ) - 0.5 * ("b2" in trainable)
        assert c.right == pytest.approx(expected, abs=c.tolerance)


@pytest.mark.parametrize("trainable", [t for t in BOUNDED if "b2" in t])
def test_a_dead_network_at_the_logit_of_the_labels_is_stationary_and_tight(trainable):
    for logit, labels in ((math.log(2.0), [1.0, -1.0, 1.0]), (-math.log(5.0), [1.0, -1.0, -1.0])):
        c = certificates(constant_case(logit, labels), trainable)["weighted_stationary"]
        assert c.verdict == "holds"
        assert c.slack == pytest.approx(0.0, abs=128 * EPS * c.scale)


def test_neurons_without_output_weight_do_not_spoil_a_stationary_point():
    # They feel a pull, R is not zero on them; but f does not hear of them, and their coordinates can go.
    case = constant_case(0.0, [1.0, -1.0], inputs=(-1.0, 2.0))
    case = replace(
        case, v=np.ones(2), w1=np.array([1.0, 1.0]), b1=np.array([-9.0, 0.5]), w2=np.array([1.0, 0.0])
    )
    assert measure(case).residual_norm > 0.1
    found = certificates(case)
    assert found["weighted_stationary"].verdict == "holds"
    live = certificates(replace(case, w2=np.array([1.0, 1e-3])))["weighted_stationary"]
    assert live.verdict == "inapplicable"
    assert live.failed_premises == (
        "the point is stationary: over neurons with w2 ≠ 0, ‖R‖ ≤ 1e-6 Σ v |r| √(1 + x²)",
    )


@settings(deadline=None, max_examples=50)
@given(seeds, st.sampled_from(BOUNDED))
def test_an_iterate_is_not_stationary_and_what_pulls_is_measured(seed, trainable):
    case = random_classifier(np.random.default_rng(seed), largest=10.0)
    case = replace(case, w2=np.where(np.arange(case.w2.size) == 1, 0.0, case.w2))
    live = case.w2 != 0.0
    alive = replace(case, w1=case.w1[live], b1=case.b1[live], w2=case.w2[live])
    left, m = measure(alive, trainable).residual_norm, measure(case, trainable)
    f, p = case.predict(), case.v / case.v.sum()
    c = certificates(case, trainable)["weighted_stationary"]
    half, mean = 0.5 * ("b2" in trainable), c.details["mean_curvature"]
    size = float(p @ (expit(-case.y * f) * root(case.x, trainable)))
    still = left <= 1e-6 * size  # only then does what is left of it enter the right side
    expected = (m.sharpness + accuracy(case, m) + left * still) / (2 * mean) - half
    assert c.right == pytest.approx(expected, abs=c.tolerance)
    assert c.verdict == ("holds" if still else "inapplicable")


@pytest.mark.parametrize(("change", "verdict"), [(1e-7, "holds"), (1e-4, "inapplicable")])
@pytest.mark.parametrize("unit", [1.0, 1e3])
def test_nearly_stationary_is_what_a_descent_can_reach(change, verdict, unit):
    case = at_rest(balanced_case(1.0, 2.0))
    case = replace(case, x=case.x * unit, w1=case.w1 / unit)  # the pull grows with the inputs, and its bound
    moved = replace(case, v=case.v * np.array([1 + change, 1.0, 1.0, 1.0]))
    c = certificates(moved)["weighted_stationary"]
    assert c.verdict == verdict
    assert (UNDERFLOW in c.failed_premises) is False


@pytest.mark.parametrize(("change", "verdict"), [(1.98e-6, "holds"), (2.02e-6, "inapplicable")])
def test_stationary_means_a_millionth_of_the_bound(change, verdict):
    # Both labels at one input in the proportion of f, one of them too often: Σ v r over Σ v |r| is change/2.
    case = Case(np.ones(1), np.ones(1), np.ones(1), -0.5, np.full(2, 0.7), np.array([1.0, -1.0]), np.ones(2))
    f = case.predict()[0]
    case = replace(case, v=np.array([expit(f) * (1.0 + change), expit(-f)]))
    assert certificates(case)["weighted_stationary"].verdict == verdict


@pytest.mark.parametrize("logit", [712.0, 750.0, -1e4, 1e5])
def test_where_all_curvature_underflows_nothing_is_said(logit):
    for name, c in certificates(constant_case(logit, [1.0, 1.0, -1.0]), gamma=1.0).items():
        assert c.verdict == "inapplicable"
        expected = "some input is uncertain, |f(x_i)| ≤ 1" if name == "uncertain" else UNDERFLOW
        assert expected in c.failed_premises
        assert not math.isnan(c.left)


def test_tiny_curvatures_do_not_vanish_from_the_distribution():
    # A shift of f by 300 multiplies all D by about e^{−300}: their ratios, and so the variation, stay.
    case = replace(random_classifier(np.random.default_rng(5), largest=3.0), b2=30.0)
    shifted = replace(case, b2=300.0)
    near, far = certificates(case)["weighted"], certificates(shifted)["weighted"]
    assert far.details["mean_curvature"] == pytest.approx(
        math.exp(-270) * near.details["mean_curvature"], rel=1e-9
    )
    assert near.left > 0.0
    assert far.left == pytest.approx(near.left, rel=1e-9)


@pytest.mark.parametrize("logit", [5.0, 400.0, 700.0])
def test_the_measured_curvature_of_a_certain_network_is_certified(logit):
    # D is e^{−|f|} and R of order 1: the engine must not lose the one beside the other.
    problem = Problem([-0.6, 0.1, 0.4, 0.9], [1, -1, 1, -1], loss="logistic")
    network = replace(TwoLayerReLU.random(8, seed=2), b2=logit)
    found = certify(problem, network)
    for name in FORMS:
        assert found[name].verdict == ("inapplicable" if name == "uncertain" else "holds")
    assert found["gauss_newton"].right < 30.0 * found["gauss_newton"].details["mean_curvature"]
