from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facts import case_of, facts_of
from oracles import EPS, Case, random_case
from stepscape import theory


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def certificate(case: Case, **others):
    return theory.norm_generalization(facts_of(case, "logistic", **others))


def random_classifier(rng: np.random.Generator) -> Case:
    case = random_case(rng)
    return Case(case.w1, case.b1, case.w2, case.b2, case.x, rng.choice([-1.0, 1.0], case.x.size), case.v)


def test_the_formula():
    # Three samples at two distinct inputs: V² = 6/16, V_x² = (1·0 + 1·0 + 4·4)/16 = 1.
    case = Case(
        np.array([1.0, -3.0]),
        np.array([0.5, 0.0]),
        np.array([2.0, 0.25]),
        -0.75,
        np.array([0.0, 0.0, 2.0]),
        np.array([1.0, -1.0, 1.0]),
        np.array([1.0, 1.0, 2.0]),
    )
    c = certificate(case, truth=lambda x: x / 2, delta=0.1)
    tail, plain = math.sqrt(0.5 * math.log(8 * 2 / 0.1)), math.sqrt(6) / 4
    path = 2 * (1 + 0.5 * plain) + 0.25 * 3
    assert c.right == pytest.approx(tail * (path + 0.75 * plain), rel=8 * EPS)
    half = 0.5 * (1 + 9 + 0.25 + 4 + 0.0625)
    assert dict(c.details) == pytest.approx(
        {
            "variation": 2.75,
            "path": 2.75,
            "half_norm": half + 0.5 * 0.75**2,
            "norm_right": tail * (half * math.hypot(1, plain) + 0.75 * plain),
            "delta": 0.1,
        },
        rel=8 * EPS,
    )
    assert (c.name, c.verdict) == ("norm", "holds")
    # f = (¼, ¼, 4¼); its magnitudes at most 2 (2 (2 + ½) + ¼ · 6) from the neurons and 4¼ from f.
    assert c.scale == pytest.approx(c.right + 2.25 + 13.0 + 4.25)
    assert "with probability at least 0.9, for all networks at once" in c.assumptions


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_the_chain_from_variation_to_norm(seed):
    case = random_classifier(np.random.default_rng(seed))
    c, room = certificate(case), 1 + 64 * EPS
    d = c.details
    assert d["variation"] <= d["path"] * room
    assert d["path"] <= d["half_norm"] * room
    assert c.right <= d["norm_right"] * room
    theta = np.concatenate([case.w1, case.b1, case.w2, [case.b2]])
    assert d["half_norm"] == pytest.approx(0.5 * theta @ theta, rel=64 * EPS)
    assert (c.verdict, c.failed_premises) == ("inapplicable", ("the truth is known",))
    assert math.isnan(c.left)


def test_the_chain_is_attained_by_a_balanced_neuron_without_biases():
    case = Case(np.array([2.0]), np.zeros(1), np.array([-2.0]), 0.0, np.ones(1), np.ones(1), np.ones(1))
    d = certificate(case).details
    assert d["variation"] == d["path"] == d["half_norm"] == 4.0


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_the_left_side_is_the_loss_of_redrawn_labels_minus_the_training_loss(seed):
    rng = np.random.default_rng(seed)
    case = random_classifier(rng)
    f, p = case.predict(), case.v / case.v.sum()
    truth = random_truth(rng)
    f0 = truth(case.x)
    expected = sum(
        p[i] * (sigmoid(y * f0[i]) - (y == case.y[i])) * np.logaddexp(0.0, -y * f[i])
        for i, y in itertools.product(range(f.size), (-1.0, 1.0))
    )
    c = certificate(case, truth=truth)
    assert c.left == pytest.approx(expected, abs=1e-13 * (1 + np.abs(f).max()))


def random_truth(rng: np.random.Generator):
    size, rate, shift = rng.standard_normal(3)
    return lambda x: 2 * size * np.sin(rate * x + shift)


def half_lines(x):
    """Networks of one neuron: a unit weight towards either side, knots just beside each input."""
    for t, sign in itertools.product(x, (-1.0, 1.0)):
        yield sign, 1e-6 - sign * t


@pytest.mark.parametrize("weighted", [False, True])
def test_it_holds_for_networks_chosen_after_the_labels(weighted):
    rng, delta = np.random.default_rng(4), 0.5
    x = rng.uniform(-1, 1, 20)
    v = rng.random(20) + 0.05 if weighted else np.ones(20)
    networks, worst = list(half_lines(x)), []
    shared = {"truth": lambda x: 2 * np.sin(3 * x), "delta": delta}
    truth = shared["truth"](x)
    size = {(w, b): certificate(case_of([w], [b], [1.0], x, v=v), **shared).right for w, b in networks}
    for _ in range(200):
        y = np.where(rng.random(20) < sigmoid(truth), 1.0, -1.0)
        noise = v / v.sum() * ((1 + y) / 2 - sigmoid(truth))
        gaps = {(w, b): abs(noise @ np.maximum(w * x + b, 0.0)) for w, b in networks}
        worst.append(max(gaps[n] / size[n] for n in networks))
        w, b = max(networks, key=lambda n: gaps[n] / size[n])
        sign = float(np.sign(noise @ np.maximum(w * x + b, 0.0)))
        c = certificate(case_of([w], [b], [1e3 * sign], x, y, v), **shared)
        assert c.left == pytest.approx(1e3 * gaps[w, b], rel=1e-9)
        assert c.left / c.right == pytest.approx(worst[-1], rel=1e-9)
    assert (np.array(worst) <= 1.0).mean() >= 1 - delta
    assert np.median(worst) >= 0.2  # no empty bound


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_doubling_a_network_doubles_both_sides(seed):
    # Why no norm has to be fixed before the labels are seen.
    case = random_classifier(np.random.default_rng(seed))
    double = Case(case.w1, case.b1, 2 * case.w2, 2 * case.b2, case.x, case.y, case.v)
    one, two = certificate(case, truth=np.zeros_like), certificate(double, truth=np.zeros_like)
    assert two.right == pytest.approx(2 * one.right, rel=64 * EPS)
    assert two.left == pytest.approx(2 * one.left, abs=two.tolerance)


@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_certain_predictions_are_safe(logit):
    x, y = np.array([-1.0, 1.0]), np.array([1.0, -1.0])
    case = Case(np.array([1.0]), np.array([0.3]), np.array([0.0]), logit, x, y, np.ones(2))
    c = certificate(case, truth=lambda x: np.full(x.shape, logit))
    assert c.left == pytest.approx(-0.5 * abs(logit))  # one label of two is wrong, but never again
    assert math.isfinite(c.right)
