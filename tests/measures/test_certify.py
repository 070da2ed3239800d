"""`ss.certify`: every certificate with the numbers of an independent dense computation."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stepscape as ss
from oracles import ALL, BOUNDED, EPS, UNBOUNDED, Case, measure, random_case
from stepscape import theory

NAMES = ["gauss_newton", "sharpness", "sharpness_loss", "published", "noisy", "interpolation"]


def certified(case: Case, trainable=ALL, **known):
    problem = ss.Problem(case.x, case.y, weights=case.v, **known)
    return ss.certify(problem, ss.TwoLayerReLU(case.w1, case.b1, case.w2, case.b2, trainable))


@pytest.mark.parametrize("trainable", BOUNDED)
def test_both_sides_are_those_of_dense_matrices(trainable):
    # λ_max to 1e-8 relative is what `sharpness` promises; a certificate adds at most its residual, 2e-8.
    rng = np.random.default_rng(17)
    root = {(True, True): math.hypot, (True, False): lambda _, x: x, (False, True): lambda one, _: one}
    for _ in range(60):
        case = random_case(rng)
        m, c = measure(case, trainable), certified(case, trainable)
        assert list(c) == NAMES
        x_max, one = float(np.abs(case.x).max()), float("b2" in trainable)
        reach = root["w1" in trainable, "b1" in trainable](1.0, x_max)
        terms = np.abs(case.w2) @ (np.abs(case.w1) * x_max + np.abs(case.b1))  # f rounds with these
        error = 4e-8 * (m.gauss_newton + m.residual_norm) + 1e3 * EPS * (1 + x_max) * (1 + terms)
        half, spread = 0.5 * (m.sharpness - one), math.sqrt(2 * m.loss)
        rights = {
            "gauss_newton": m.gauss_newton,
            "sharpness": half + 0.5 * m.residual_norm,
            "sharpness_loss": half + 0.5 * reach * spread,
            "published": half + max(3**-0.5, x_max) * spread,
        }
        shared = (case.w1, case.b1, case.w2, case.x, case.v)
        side, function = (theory.weighted_tv(*shared, form, trainable) for form in ("side", "function"))
        lefts = dict.fromkeys(rights, side) | {"gauss_newton": one + 2 * side, "published": function}
        for name, right in rights.items():
            assert c[name].right == pytest.approx(right, abs=error)
            assert c[name].left == pytest.approx(lefts[name], rel=64 * EPS, abs=64 * EPS * c[name].scale)
            assert c[name].verdict in ("holds", "inapplicable")
            assert (c[name].verdict == "inapplicable") == (
                "no knot lies on an input" in c[name].failed_premises
            )


@pytest.mark.parametrize("trainable", [blocks for blocks in UNBOUNDED if blocks])
def test_untrained_blocks_without_a_bound_are_inapplicable(trainable):
    case = random_case(np.random.default_rng(2))
    assert {c.verdict for c in certified(case, trainable).values()} == {"inapplicable"}


def test_right_sides_are_taken_at_both_sides_of_the_eigenvalue():
    problem, net = ss.problems.tent(n=20), ss.TwoLayerReLU.random(40, seed=3)
    c, pair = ss.certify(problem, net), ss.sharpness(problem, net)
    loss = problem.training_loss(net.predict(problem.inputs))
    reach = math.hypot(1.0, problem.x_max)
    right, most = (0.5 * (side - 1 + reach * math.sqrt(2 * loss)) for side in (pair.value, pair.upper))
    assert c["sharpness_loss"].right == pytest.approx(right, rel=64 * EPS)
    assert c["sharpness_loss"].right_upper == pytest.approx(most, rel=64 * EPS)
    assert 0.0 < most - right < 1e-10 * right


def test_noisy_needs_truth_and_noise_and_uses_both():
    base, net = ss.problems.tent(n=20, noise=0.3), ss.TwoLayerReLU.random(30, scale=0.5, seed=1)
    c = ss.certify(base, net, delta=0.1)["noisy"]
    mse = np.mean((net.predict(base.inputs) - base.truth(base.inputs)) ** 2)
    noise = 0.3 * math.sqrt(2 / 20 * math.log(8 * 21 / 0.1))
    top = ss.sharpness(base, net)
    reach = math.hypot(1.0, base.x_max)
    expected = 0.5 * (top.value - 1 + reach * (math.sqrt(mse) + noise))
    assert c.right == pytest.approx(expected, rel=64 * EPS)
    assert c.verdict == "holds"
    for known in ({"truth": base.truth}, {"noise": 0.3}, {}):
        c = ss.certify(ss.Problem(base.inputs, base.labels, **known), net)["noisy"]
        assert c.failed_premises == ("the truth and the noise level are known",)


def test_the_repaired_bound_holds_at_the_counterexample():
    x, y, w1, b1, w2, b2 = theory.counterexample()
    c = certified(Case(w1, b1, w2, b2, x, y, np.ones(2)))
    assert c["published"].left == pytest.approx(5.0)
    assert c["published"].right == pytest.approx(5.175, abs=5e-4)
    assert c["published"].verdict == "holds"


def test_interpolation_applies_at_an_interpolator_and_nowhere_else():
    x, net = np.linspace(-1, 1, 9), ss.TwoLayerReLU.random(20, seed=5)
    y = net.predict(x)
    at, off = (ss.certify(ss.Problem(x, labels), net)["interpolation"] for labels in (y, y + 0.1))
    bound = theory.interpolation_bound(x, y)
    assert at.verdict == "holds"
    assert at.left == pytest.approx(bound.sharpness, rel=64 * EPS)
    assert at.right == pytest.approx(ss.sharpness(ss.Problem(x, y), net).value, rel=1e-7)
    assert off.failed_premises == ("the network interpolates",)


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e200, 1e308])
def test_weights_of_any_size(size):
    # Only their ratios count; sums and squares of the given ones would overflow or vanish.
    x, y, net = [-1.0, 0.0, 0.5, 1.0], [1.0, 2.0, 0.0, 1.0], ss.TwoLayerReLU.random(5, seed=0)
    shape = np.array([1.0, 0.0, 1.0, 1.0])
    usual = ss.certify(ss.Problem(x, y, truth=np.abs, noise=0.1, weights=shape), net)
    scaled = ss.certify(ss.Problem(x, y, truth=np.abs, noise=0.1, weights=size * shape), net)
    for name, c in usual.items():
        assert (scaled[name].left, scaled[name].right) == (c.left, c.right)


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0, math.nan])
def test_delta_is_a_probability(delta):
    with pytest.raises(ss.InputError, match=r"delta must lie strictly between 0 and 1, got"):
        ss.certify(ss.problems.tent(n=5), ss.TwoLayerReLU.random(3), delta=delta)


def test_facts_measure_when_asked_and_take_a_known_eigenpair(monkeypatch):
    problem, net = ss.problems.tent(n=20), ss.TwoLayerReLU.random(40, seed=3)
    pair, usual = ss.Eigenpair(7.0, 0.5, np.empty(0), 0), ss.certify(problem, net)

    def refuse(*_: object) -> None:
        raise AssertionError("nobody asked for an eigenvalue")

    monkeypatch.setattr("stepscape.measures.certification.top", refuse)
    known = ss.measures.facts(problem, net, sharpness=pair)
    given = theory.sharpness(known)
    measured = ss.sharpness(problem, net)
    rest = usual["sharpness"].right - 0.5 * measured.value
    assert given.right == pytest.approx(3.25 + rest, rel=1e-9)
    assert given.right_upper == math.inf
    assert given.left == usual["sharpness"].left
    logistic = ss.Problem([0.0, 1.0], [0, 1], "logistic")
    assert theory.overlap(ss.measures.facts(logistic, net)).verdict == "inapplicable"


def test_facts_are_about_a_problem_and_a_network():
    with pytest.raises(ss.InputError, match="problem must be a Problem"):
        ss.certify("data", ss.TwoLayerReLU.random(3))
    with pytest.raises(ss.InputError, match="network must be a TwoLayerReLU"):
        ss.measures.facts(ss.problems.tent(n=5), "net")
