from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import (
    FORMS,
    UNDERFLOW,
    balanced_case,
    certificates,
    curvature,
    measure,
    positive,
    random_classifier,
)
from facts import facts_of
from oracles import BOUNDED, EPS, Case
from stepscape import theory
from stepscape.errors import InputError

seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("trainable", BOUNDED)
def test_l2_is_attained_when_every_margin_is_gamma(trainable):
    case = balanced_case(1.5, 1.5, trainable)
    f = case.predict()
    assert f[0] == f[1]
    top = measure(case, trainable).gauss_newton
    c = theory.uncertain(facts_of(case, "logistic", trainable, sharpness=top, loss=0.0, gamma=f[0]))
    # Two knots at the same place are one jump: the function form loses nothing here.
    assert c.slack == pytest.approx(0.0, abs=128 * EPS * c.scale)
    assert c.left > 0.1


def test_confidence_curvature_falls_and_the_uncertain_set_grows():
    gammas = np.linspace(0.0, 40.0, 81)
    strength = np.array([theory.confidence_curvature(float(g)) for g in gammas])
    assert strength[0] == 0.25
    assert (np.diff(strength) < 0).all()
    assert (strength >= np.exp(-gammas) / 4).all()
    assert (strength <= np.exp(-gammas)).all()
    f = np.random.default_rng(0).standard_normal(50) * 10
    masks = [theory.uncertain_set(f, float(g)) for g in gammas]
    assert all((small <= large).all() for small, large in pairwise(masks))
    assert [m.sum() for m in masks] == [sum(abs(each) <= g for each in f) for g in gammas]
    assert theory.uncertain_set([2.0, -2.0, 2.5], 2.0).tolist() == [True, True, False]


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_the_best_gamma_has_the_smallest_right_side_of_all(seed):
    rng = np.random.default_rng(seed)
    case = random_classifier(rng, largest=100.0)
    facts = facts_of(case, "logistic", **vars(measure(case)))
    best = theory.uncertain_best(facts)
    for gamma in [*np.abs(case.predict()), *10.0 ** rng.uniform(-2, 2, 20), best.details["gamma"] + 1e-9]:
        c = theory.uncertain(replace(facts, gamma=positive(gamma)))
        if c.verdict == "holds":
            assert best.right <= c.right + best.tolerance
    same = theory.uncertain(replace(facts, gamma=positive(best.details["gamma"])))
    assert (same.left, same.right) == (best.left, best.right)
    assert {**same.details, "gamma": best.details["gamma"]} == best.details


def test_l2_can_demand_more_curvature_than_l1():
    # Falling neurons with cancelling slopes between two uncertain inputs; many inputs right of them, hardly
    # more certain: they enlarge D̄, but thin the mass on which the neurons are active.
    x = np.concatenate([[-1.0, 1.0], np.linspace(5.0, 6.0, 20)])
    w2 = np.array([50.0, -50.0, 0.01])
    case = Case(
        np.array([-1.0, -1.0, 1.0]), np.array([0.01, 0.02, -3.0]), w2, 1.0, x, np.ones(22), np.ones(22)
    )
    f, m = case.predict(), measure(case)
    gamma = float(np.abs(f[:2]).max())
    found = certificates(case, gamma=gamma)
    assert found["uncertain"].details["count"] == 2
    demanded = 2 / 22 * curvature(gamma) * (1 + 2 * found["uncertain"].left)
    assert found["gauss_newton"].left < 0.9 * demanded < demanded <= m.gauss_newton


def test_one_uncertain_input_among_very_certain_ones():
    # Margins 0 and ±1e4: only the input at 0 has curvature, and all the weight.
    x = np.array([-1.0, 0.0, 1.0])
    case = Case(
        np.array([1.0]), np.array([0.5]), np.array([2e4]), -1e4, x, np.array([-1.0, 1.0, 1.0]), np.ones(3)
    )
    found = certificates(case)
    assert case.predict().tolist() == [-1e4, 0.0, 2e4]
    for name in FORMS:
        assert found[name].verdict == "holds"
    assert found["weighted"].details["mean_curvature"] == pytest.approx(1 / 12, rel=8 * EPS)
    assert found["weighted"].left == pytest.approx(1e4, rel=8 * EPS)  # |w1 w2| · 1² · (0 − τ) · 1
    assert found["uncertain"].left == 0.0  # the hull of one input
    assert found["uncertain"].details["low"] == found["uncertain"].details["high"] == 0.0


def test_gamma_beyond_reach_and_an_empty_uncertain_set():
    case = balanced_case(1.0, 1.0, b2=3.0)
    facts = partial(facts_of, case, "logistic", sharpness=1.0, loss=0.5)
    huge, empty = theory.uncertain(facts(gamma=1e4)), theory.uncertain(facts(gamma=0.5))
    assert (huge.verdict, huge.failed_premises) == ("inapplicable", (UNDERFLOW,))
    assert (empty.verdict, empty.failed_premises) == (
        "inapplicable",
        ("some input is uncertain, |f(x_i)| ≤ 0.5",),
    )
    assert (empty.left, empty.details["count"], empty.details["share"]) == (0.0, 0, 0.0)
    assert math.isnan(empty.details["low"])


@pytest.mark.parametrize("gamma", [math.nan, -2.0, math.inf])
@pytest.mark.parametrize(
    "call", [theory.confidence_curvature, lambda gamma: theory.uncertain_set([0.0], gamma)]
)
def test_a_bad_gamma_is_named(call, gamma):
    with pytest.raises(InputError, match=f"gamma must be finite and nonnegative, got {gamma}"):
        call(gamma)
