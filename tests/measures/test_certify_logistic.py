"""`ss.certify` with the logistic loss: names, agreement with dense matrices, premises, extreme networks."""

from __future__ import annotations

import numpy as np
import pytest

import oracles as ref
import stepscape as ss
from cases import dense, network, noisy
from stepscape import theory

NAMES = [
    "gauss_newton", "weighted", "uncertain", "uncertain_best", "interior_variation", "weighted_stationary",
    "uncertain_stationary", "interpolation_margin", "overlap", "norm",
]  # fmt: skip
ALWAYS = {"gauss_newton", "weighted", "uncertain", "uncertain_best", "interior_variation"}


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("weighted", [False, True], ids=["uniform", "weighted"])
def test_both_sides_are_those_of_dense_matrices(seed, weighted):
    problem = noisy(20, seed=seed, weighted=weighted, repeats=seed % 2 == 0, loss="logistic")
    net = network(15, seed, scale=0.4 + 0.1 * (seed % 5))
    c, d, theta = ss.certify(problem, net), dense(problem), net.parameters
    assert list(c) == NAMES
    g, r = ref.gauss_newton(theta, d), ref.residual_part(theta, d)
    mean = float(ref.curvature(theta, d).sum())
    top = np.linalg.eigvalsh(g + r)[-1]
    assert c["gauss_newton"].right == pytest.approx(np.linalg.eigvalsh(g)[-1], rel=1e-7)
    assert c["weighted"].right == pytest.approx((top + np.linalg.norm(r, 2)) / (2 * mean) - 0.5, rel=1e-6)
    unsure = np.abs(ref.forward(theta, d.x)) <= 1.0
    share, least = d.v[unsure].sum(), np.exp(-1.0) / (1 + np.exp(-1.0)) ** 2
    reach = np.hypot(1.0, np.abs(d.x[d.v > 0]).max()) * -np.expm1(-ref.loss(theta, d))
    assert c["uncertain"].right == pytest.approx((top + reach) / (2 * share * least) - 0.5, rel=1e-6)
    assert {name for name in ALWAYS if c[name].verdict != "holds"} == set()
    assert c["uncertain_best"].right <= c["uncertain"].right
    # neither at rest, nor right about every label, nor with a truth
    for name in set(NAMES) - ALWAYS:
        assert c[name].verdict == "inapplicable", name


def test_gamma_chooses_the_uncertain_set():
    problem, net = noisy(30, seed=4, loss="logistic"), network(20, seed=4)
    f = np.abs(net.predict(problem.inputs))
    for gamma in (0.2, 1.0, 5.0):
        found = ss.certify(problem, net, gamma=gamma)["uncertain"].details
        assert (found["gamma"], found["count"]) == (gamma, int((f <= gamma).sum()))
    # with no uncertain input there is nothing to bound
    assert ss.certify(problem, net, gamma=1e-9)["uncertain"].verdict == "inapplicable"
    assert ss.certify(problem, net, gamma=1e-9)["interior_variation"].verdict == "inapplicable"


def test_a_truth_makes_overlap_and_norm_apply():
    problem = ss.problems.bernoulli("wave", n=50, seed=1)
    run = ss.train(
        problem, ss.TwoLayerReLU.random(100, seed=1), ss.GradientDescent(0.5, 2000), record_every=2000
    )
    c = ss.certify(problem, run.network)
    f, f0 = run.network.predict(problem.inputs), problem.truth(problem.inputs)
    assert c["overlap"].verdict == c["norm"].verdict == "holds"
    assert c["overlap"].left == pytest.approx(np.mean((np.abs(f0) <= 1.0) & (np.abs(f) > 2.0)))
    redrawn = problem.excess_risk(f) + np.mean(np.logaddexp(0, f0) - f0 / (1 + np.exp(-f0)))
    assert c["norm"].left == pytest.approx(redrawn - problem.training_loss(f), rel=1e-9)


def test_the_flat_interpolator_contradicts_no_certificate():
    """Flat, certain and wrong: nothing is uncertain, and what holds says nothing."""
    problem = ss.problems.bernoulli("wave", n=30, seed=3)
    net = theory.flat_interpolator(problem.inputs, problem.labels, margin=40.0)
    c = ss.certify(problem, net)
    assert ss.sharpness(problem, net).value < 1e-8
    assert c["uncertain"].verdict == "inapplicable"
    assert c["weighted"].verdict == c["interpolation_margin"].verdict == "holds"
    assert c["overlap"].verdict == "holds"
    assert c["overlap"].left == pytest.approx(np.mean(np.abs(problem.truth(problem.inputs)) <= 1.0))


def test_examples_of_weight_zero_are_none():
    """A misfit of weight 0, and two labels at one input of which one has weight 0, are no misfits."""
    clean = ss.Problem([-1.0, 0.2, 1.0], [0, 1, 0], "logistic", weights=[1, 2, 1])
    net = theory.flat_interpolator(clean.inputs, clean.labels, 3.0)
    x, y, weights = [-1.0, 0.2, 1.0, 0.2, 0.6], [0, 1, 0, 0, 1], [1, 2, 1, 0, 0]
    padded = ss.Problem(x, y, "logistic", weights=weights)
    assert (padded.labels * net.predict(padded.inputs)).min() < 0.0
    one, two = (ss.certify(problem, net)["interpolation_margin"] for problem in (clean, padded))
    assert (one.verdict, two.verdict) == ("holds", "holds")
    assert (one.left, one.right, dict(one.details)) == (two.left, two.right, dict(two.details))


@pytest.mark.parametrize("margin", [800.0, 1e4])
def test_margins_beyond_the_range_of_numbers_give_no_nan_but_a_premise(margin):
    problem = ss.Problem([-1.0, 0.5, 1.0], [0, 1, 1], "logistic")
    net = theory.flat_interpolator(problem.inputs, problem.labels, margin)
    c = ss.certify(problem, net)
    assert "violated" not in {each.verdict for each in c.values()}
    assert c["weighted"].verdict == "inapplicable"
    assert any("underflow" in why or "curvature" in why for why in c["weighted"].failed_premises), c[
        "weighted"
    ].failed_premises


def test_blocks_without_a_bound_are_inapplicable():
    problem, net = noisy(20, loss="logistic"), network(10, trainable=("w1", "b1", "b2"))
    c = ss.certify(problem, net)
    assert {c[name].verdict for name in c if name.startswith(("gauss", "weighted", "uncertain"))} == {
        "inapplicable"
    }


def test_delta_is_checked():
    with pytest.raises(ss.InputError, match="delta must lie strictly between 0 and 1, got 1"):
        ss.certify(noisy(loss="logistic"), network(), delta=1.0)


@pytest.mark.parametrize("gamma", [0.0, -1.0, np.inf, np.nan])
def test_gamma_is_checked(gamma):
    with pytest.raises(ss.InputError, match=f"gamma must be finite and positive, got {gamma}"):
        ss.certify(noisy(loss="logistic"), network(), gamma=gamma)


def test_a_gamma_beyond_every_logit_raises_nothing():
    problem = ss.problems.bernoulli("wave", n=20, seed=1)
    for gamma in (1e-170, 1e3):
        assert ss.certify(problem, network(), gamma=gamma)["overlap"].verdict == "inapplicable"
