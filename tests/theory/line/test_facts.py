"""What theorems read, by definition, and the one tuple of theorems."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

import stepscape as ss
from facts import case_of, facts_of
from oracles import BOUNDED, EPS, UNBOUNDED, brute_weight, one_sided, random_case, root
from stepscape import theory
from stepscape.errors import InputError


def test_what_depends_on_examples_follows_the_sorted_inputs():
    x, y, v = np.array([2.0, -1.0, 0.5, -1.0]), np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 2.0])
    facts = facts_of(case_of([1.0], [0.3], [1.0], x, y, v), truth=np.exp, predictions=10 * y)
    np.testing.assert_array_equal(facts.inputs, [-1.0, -1.0, 0.5, 2.0])
    np.testing.assert_array_equal(facts.labels, [2.0, 4.0, 3.0, 1.0])
    np.testing.assert_array_equal(facts.landscape.predictions, [20.0, 40.0, 30.0, 10.0])
    np.testing.assert_array_equal(facts.truth, np.exp([-1.0, -1.0, 0.5, 2.0]))
    np.testing.assert_allclose(facts.averaging, [0.25, 0.25, 0.375, 0.125], rtol=4 * EPS)
    np.testing.assert_array_equal(facts.distribution.points, [-1.0, 0.5, 2.0])
    np.testing.assert_allclose(facts.distribution.masses, [0.5, 0.375, 0.125], rtol=4 * EPS)
    # Two labels at −1: their weights are squared apart.
    assert facts.square_sum == pytest.approx((4 + 4 + 9 + 1) / 64, rel=8 * EPS)
    f = np.maximum(x + 0.3, 0.0)
    assert facts.design_error == pytest.approx(np.average((f - np.exp(x)) ** 2, weights=v), rel=8 * EPS)


def test_what_is_not_known_is_nan_or_none():
    facts = facts_of(case_of([1.0], [0.3], [1.0], [0.0, 1.0]))
    assert facts.truth is None
    assert math.isnan(facts.design_error)
    assert math.isnan(facts.noise)
    facts = ss.measures.facts(
        ss.Problem([0.0, 1.0], [0.0, 1.0], noise=0.5), ss.TwoLayerReLU([1.0], [0.3], [1.0])
    )
    assert (facts.weights, facts.noise, facts.square_sum) == (None, 0.5, 0.5)


@pytest.mark.parametrize("trainable", BOUNDED)
def test_variations_are_their_definitions(trainable):
    rng = np.random.default_rng(3)
    for _ in range(100):
        case = random_case(rng)
        facts = facts_of(case, trainable=trainable)
        neurons = [(w, -b / w, u) for w, b, u in zip(case.w1, case.b1, case.w2, strict=True) if w]
        side = sum(abs(w * u) * one_sided(t, case.x, case.v, np.sign(w), trainable) for w, t, u in neurons)
        function = sum(
            abs(sum(abs(w) * u for w, t, u in neurons if t == knot))
            * brute_weight(knot, case.x, case.v, trainable)
            for knot in {t for _, t, _ in neurons}
        )
        for found, expected in ((facts.side, side), (facts.function, function)):
            assert found.value == pytest.approx(expected, abs=64 * EPS * found.scale)
        assert facts.reach == pytest.approx(root(np.abs(case.x).max(), trainable))
        assert facts.offset == ("b2" in trainable)


@pytest.mark.parametrize("trainable", [blocks for blocks in UNBOUNDED if blocks])
def test_without_a_bound_there_is_no_variation(trainable):
    facts = facts_of(case_of([1.0], [0.3], [1.0], [0.0, 1.0]), trainable=trainable)
    assert all(math.isnan(number) for number in (facts.side.value, facts.function.value, facts.reach))
    assert facts.failed_premises != ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"delta": 0.0}, r"delta must lie strictly between 0 and 1, got 0\.0"),
        ({"delta": math.nan}, "delta must lie strictly between 0 and 1, got nan"),
        ({"gamma": 0.0}, r"gamma must be finite and positive, got 0\.0"),
        ({"gamma": math.inf}, "gamma must be finite and positive, got inf"),
    ],
)
def test_bad_numbers_are_named(change, message):
    with pytest.raises(InputError, match=message):
        facts_of(case_of([1.0], [0.3], [1.0], [0.0, 1.0]), **change)


def test_every_function_that_makes_a_certificate_of_facts_alone_is_a_theorem():
    listed = {theorem.certify for theorem in theory.THEOREMS}
    public = [getattr(theory, name) for name in theory.__all__]
    takes_facts = {
        value for value in public if list(getattr(value, "__annotations__", {})) == ["facts", "return"]
    }
    assert listed == takes_facts


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_the_tuple_and_certify_agree(loss):
    labels = [0.0, 1.0, 0.0, 1.0]
    problem, net = ss.Problem([-1.0, 0.0, 1.0, 2.0], labels, loss), ss.TwoLayerReLU.random(5, seed=1)
    entries, known = theory.theorems(loss), ss.measures.facts(problem, net)
    assert [theorem.name for theorem in entries] == list(ss.certify(problem, net))
    for theorem in theory.theorems(loss, proved=False):
        assert theorem.certify(known).name == theorem.name
        assert theorem.meaning.endswith(".")
    every = theory.theorems(loss, proved=False)
    assert max(Counter(theorem.name for theorem in every).values()) == 1
    assert set(every) == {theorem for theorem in theory.THEOREMS if theorem.loss == loss}
    assert [each.name for each in every if each not in entries] == (
        ["published_as_printed"] if loss == "square" else []
    )
