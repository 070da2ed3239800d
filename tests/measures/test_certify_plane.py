"""`ss.certify` for inputs in R^d: the numbers of dense matrices, both sides of λ_max, premises."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from facts import GivenLandscape
from oracles import BOUNDED, EPS, UNBOUNDED
from plane_oracles import ALL, PlaneCase, measure, mirror_case, one_sided, point_case, random_plane_case
from stepscape.objectives import PlaneHessian

EVERYWHERE = ("gauss_newton", "sharpness", "sharpness_loss", "published")
LOGISTIC = ("gauss_newton", "weighted", "uncertain", "uncertain_best")
TOUCHED = "no hyperplane of a neuron holds an input"


def door(case: PlaneCase, trainable=ALL, loss="square") -> tuple[ss.Problem, ss.TwoLayerReLU]:
    problem = ss.Problem(case.x, case.y, loss, weights=case.v)
    return problem, ss.TwoLayerReLU(case.w1, case.b1, case.w2, case.b2, trainable)


def plane_cases(count, loss="square"):
    rng = np.random.default_rng(17)
    return [random_plane_case(rng, int(rng.integers(2, 7)), loss) for _ in range(count)]


@pytest.mark.parametrize("trainable", BOUNDED)
def test_both_sides_are_those_of_dense_matrices(trainable):
    for case in plane_cases(25):
        m, c = measure(case, "square", trainable), ss.certify(*door(case, trainable))
        assert list(c) == [*EVERYWHERE, "stationary"]
        far, one = float(np.linalg.norm(case.x, axis=1).max()), float("b2" in trainable)
        reach = math.hypot("b1" in trainable, far if "w1" in trainable else 0.0)
        terms = np.abs(case.w2) @ (np.linalg.norm(case.w1, axis=1) * far + np.abs(case.b1))
        # 1e-8 relative is what Lanczos promises; then f rounds with its terms.
        error = 4e-8 * (m.gauss_newton + m.residual_norm) + 1e3 * EPS * (1 + far) * (1 + terms)
        half, spread = 0.5 * (m.sharpness - one), math.sqrt(2 * m.loss)
        rights = {
            "gauss_newton": m.gauss_newton,
            "sharpness": half + 0.5 * m.residual_norm,
            "sharpness_loss": half + 0.5 * reach * spread,
            "published": half + (far + 1.0) * spread,
        }
        side = sum(
            abs(a) * np.linalg.norm(w) * one_sided(w, b, case.x, case.v, trainable)
            for w, b, a in case.neurons
            if w.any()
        )
        assert c["gauss_newton"].left == pytest.approx(one + 2 * side, rel=1e-11)
        for name in ("sharpness", "sharpness_loss"):
            assert c[name].left == pytest.approx(side, rel=1e-11, abs=1e-12)
        assert c["published"].left <= side * (1 + 1e-11) + 1e-12
        for name, right in rights.items():
            assert c[name].right == pytest.approx(right, abs=error), name
            assert c[name].right_upper >= c[name].right
            assert c[name].right_upper == pytest.approx(right, abs=error + 1e-4 * m.gauss_newton)
            assert c[name].verdict == "holds", c[name]


@pytest.mark.parametrize("trainable", [ALL, ("w1", "w2", "b2")])
def test_the_logistic_numbers_are_those_of_dense_matrices(trainable):
    for case in plane_cases(25, "logistic"):
        m = measure(case, "logistic", trainable)
        c = ss.certify(*door(case, trainable, "logistic"), gamma=0.7)
        assert list(c) == [*LOGISTIC, "weighted_stationary", "uncertain_stationary"]
        f = case.predict()
        curved = 1 / (2 + np.exp(f) + np.exp(-f))
        total = float(case.averaging @ curved)
        far = float(np.linalg.norm(case.x, axis=1).max())
        reach = math.hypot("b1" in trainable, far)
        error = 1e-6 * (1 + m.gauss_newton + m.residual_norm)
        assert c["gauss_newton"].right == pytest.approx(m.gauss_newton, abs=error)
        weighted = (m.sharpness + m.residual_norm) / (2 * total) - 0.5
        assert c["weighted"].right == pytest.approx(weighted, abs=error / total)
        unsure = float(case.averaging @ (np.abs(f) <= 0.7)) / (2 + 2 * math.cosh(0.7))
        if unsure:
            right = (m.sharpness + reach * (1 - math.exp(-m.loss))) / (2 * unsure) - 0.5
            assert c["uncertain"].right == pytest.approx(right, abs=error / unsure)
        else:
            assert c["uncertain"].failed_premises == ("some input is uncertain, |f(x_i)| ≤ 0.7",)
        for name in ("gauss_newton", "weighted", "uncertain_best"):
            assert c[name].verdict == "holds", c[name]


@pytest.mark.parametrize("make", [point_case, mirror_case])
@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_equality_is_recognized(make, loss):
    # T0 with nothing to spare: a lower side of λ_max that is rough would leave it undecided.
    case = make(3.0, [0.3, -1.1, 0.5], 0.0)
    if loss == "logistic":
        case = case.with_labels(np.ones(len(case.x)))
    c = ss.certify(*door(case, loss=loss))["gauss_newton"]
    assert c.verdict == "holds"
    assert abs(c.slack) <= c.tolerance


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_a_dead_network_meets_every_bound_without_slack(loss):
    base = ss.problems.ball(n=128, dimension=10)
    problem = base if loss == "square" else ss.problems.bernoulli_labels(base)
    c = ss.certify(problem, ss.TwoLayerReLU(np.eye(10), np.full(10, -9.0), np.ones(10), 0.3))
    one = 1.0 if loss == "square" else 1.0 / (2.0 + 2.0 * math.cosh(0.3))
    assert c["gauss_newton"].left == pytest.approx(one, rel=1e-14)
    assert c["gauss_newton"].slack == pytest.approx(0.0, abs=1e-14)
    assert {each.verdict for each in c.values()} == {"holds"}
    stationary = c["stationary" if loss == "square" else "weighted_stationary"]
    assert (stationary.left, stationary.right) == (0.0, pytest.approx(0.0, abs=1e-13))


def test_a_trained_network_at_the_edge_of_stability():
    problem = ss.problems.ball(n=40, dimension=5, seed=1)
    start = ss.TwoLayerReLU.random(60, scale=0.5, init="he", seed=1, dimension=5)
    run = ss.train(problem, start, ss.GradientDescent(0.6, 4_000))
    c = ss.certify(problem, run.midpoint)
    assert run.edge_ratio[-1] == pytest.approx(1.0, abs=0.05)
    assert {c[name].verdict for name in EVERYWHERE} == {"holds"}
    room = c["sharpness"].right - 0.5 * (run.sharpness[-1] - 1.0)
    assert 0.0 <= room <= 0.5 * PlaneHessian(problem, run.midpoint).residual_norm * (1 + 1e-6) + 1e-6
    assert c["sharpness"].left > 0.4 * c["sharpness"].right
    assert c["sharpness"].details["function_form"] <= c["sharpness"].left


def test_without_an_upper_side_nothing_is_violated():
    problem = ss.problems.ball(n=600, dimension=2, seed=1)
    net = ss.TwoLayerReLU.random(5, dimension=2, seed=0)
    c = ss.certify(problem, net)
    for name in EVERYWHERE:
        assert c[name].verdict == "holds"
        assert c[name].right_upper == math.inf
    pair = ss.sharpness(problem, net)
    known = ss.measures.plane_facts(problem, net, sharpness=ss.Eigenpair(-9.0, 0.0, np.empty(0), 0))
    assert ss.theory.plane.sharpness(known).verdict == "undecided"
    off = ss.Eigenpair(-9.0, 0.0, np.empty(0), 0, upper=-9.0)
    known = ss.measures.plane_facts(problem, net, sharpness=off)
    assert ss.theory.plane.sharpness(known).verdict == "violated"
    assert pair.status == "lower bound"


def test_right_sides_are_taken_at_both_sides_of_the_eigenvalue():
    problem, net = ss.problems.ball(n=30, dimension=3), ss.TwoLayerReLU.random(40, seed=3, dimension=3)
    c, pair = ss.certify(problem, net), ss.sharpness(problem, net)
    loss = problem.training_loss(net.predict(problem.inputs))
    reach = math.hypot(1.0, np.linalg.norm(problem.inputs, axis=1).max())
    right, most = (0.5 * (side - 1 + reach * math.sqrt(2 * loss)) for side in (pair.value, pair.upper))
    assert c["sharpness_loss"].right == pytest.approx(right, rel=64 * EPS)
    assert c["sharpness_loss"].right <= right
    assert c["sharpness_loss"].right_upper == pytest.approx(most, rel=64 * EPS)
    assert 0.0 < most - right < 1e-8 * right


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_what_the_measured_numbers_are_off_enters_both_sides(loss):
    problem = ss.problems.ball(n=30, dimension=3)
    if loss == "logistic":
        problem = ss.problems.bernoulli_labels(problem)
    net = ss.TwoLayerReLU.random(10, scale=0.5, seed=3, dimension=3)
    known = ss.measures.plane_facts(problem, net, gamma=9.0)
    given = GivenLandscape(known.landscape.predictions, 0.0, 5.0, 6.0, 0.5, 0.3, 0.1, 0.02)
    facts, reach = replace(known, landscape=given), math.hypot(1.0, known.radius)
    if loss == "square":
        total = 1.0
        rest = {"sharpness": (0.4, 0.6), "published": [2 * (known.radius + 1) * m for m in (0.56**0.5, 0.8)]}
        rest["sharpness_loss"] = [reach * m for m in (0.56**0.5, 0.8)]
    else:
        f = net.predict(problem.inputs)
        total = float(np.mean(1.0 / (2.0 + 2.0 * np.cosh(f))))
        rest = {"weighted": (0.4, 0.6)}
        rest["uncertain"] = [reach * (1.0 - math.exp(-0.3) + m) for m in (-0.02, 0.02)]
    for theorem in ss.theory.plane_theorems(loss):
        if theorem.name in rest:
            twice = (1.0 / (1.0 + math.cosh(9.0))) if theorem.name == "uncertain" else 2.0 * total
            c, (least, most) = theorem.certify(facts), rest[theorem.name]
            assert c.right == pytest.approx((5.0 + least) / twice - 0.5, rel=1e-12), theorem.name
            assert c.right_upper == pytest.approx((5.0 + most) / twice - 0.5, rel=1e-12), theorem.name


def test_a_hyperplane_through_an_input_fails_the_premise_in_words():
    net = ss.TwoLayerReLU([[0.1, 0.3], [1.0, 0.0]], [-0.01, 5.0], [1.0, 1.0])  # 0.1·0.7 − 0.3·0.2 = 0.01
    inputs = np.array([[0.7, -0.2], [1.0, 2.0]])
    for loss, labels in (("square", [0.0, 1.0]), ("logistic", [-1.0, 1.0])):
        c = ss.certify(ss.Problem(inputs, labels, loss), net)
        for each in c.values():
            assert each.verdict == "inapplicable"
            assert TOUCHED in each.failed_premises
        apart = ss.certify(ss.Problem(inputs, labels, loss, weights=[0.0, 1.0]), net)
        assert apart["gauss_newton"].verdict == "holds"


@pytest.mark.parametrize("trainable", [blocks for blocks in UNBOUNDED if blocks])
def test_untrained_blocks_without_a_bound_are_inapplicable(trainable):
    for loss in ("square", "logistic"):
        case = random_plane_case(np.random.default_rng(2), 3, loss)
        found = ss.certify(*door(case, trainable, loss))
        assert {c.verdict for c in found.values()} == {"inapplicable"}


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_on_the_line_the_numbers_are_those_of_the_line(loss):
    problem = ss.problems.tent(n=20, half_width=2.0)
    if loss == "logistic":
        problem = ss.problems.bernoulli("tent", n=20, half_width=2.0)
    weighted = ss.Problem(problem.inputs, problem.labels, loss, weights=np.arange(1.0, 21.0))
    net = ss.TwoLayerReLU.random(30, scale=2.0, seed=2)
    known, line = ss.measures.plane_facts(weighted, net), ss.certify(weighted, net)
    for theorem in ss.theory.plane_theorems(loss):
        if theorem.name == "published" or theorem.name.endswith("stationary"):
            continue
        one, other = theorem.certify(known), line[theorem.name]
        for side in ("left", "right", "right_upper"):
            assert getattr(one, side) == pytest.approx(getattr(other, side), rel=1e-7), theorem.name
        assert (one.verdict, len(one.failed_premises)) == (other.verdict, len(other.failed_premises))


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e200, 1e308])
def test_weights_of_any_size(size):
    problem = ss.problems.ball(n=4, dimension=2)
    net, shape = ss.TwoLayerReLU.random(5, seed=0, dimension=2), np.array([1.0, 0.0, 1.0, 1.0])
    usual, scaled = (
        ss.certify(ss.Problem(problem.inputs, problem.labels, weights=factor * shape), net)
        for factor in (1.0, size)
    )
    for name, c in usual.items():
        assert (scaled[name].left, scaled[name].right) == (c.left, c.right)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 30.0, 150.0]))
def test_numbers_of_any_size_give_certificates_or_a_sentence(seed, size):
    rng = np.random.default_rng(seed)
    n, d, k = (int(m) for m in rng.integers(1, 7, 3) + np.array([0, 1, 0]))
    x, w1, b1, w2, y, v = (
        10.0 ** rng.uniform(-size, size) * rng.standard_normal(s) for s in ((n, d), (k, d), k, k, n, n)
    )
    loss = "square" if rng.random() < 0.5 else "logistic"
    labels = y if loss == "square" else np.sign(y)
    found, sentence = {}, "must be finite, got a number beyond 1.8e308"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = ss.certify(ss.Problem(x, labels, loss, weights=np.abs(v)), ss.TwoLayerReLU(w1, b1, w2))
        except ss.InputError as error:
            sentence = str(error)
    assert {c.verdict for c in found.values()} <= {"holds", "undecided", "inapplicable"}
    assert "must be finite, got a number beyond 1.8e308" in sentence


def test_facts_measure_when_asked_and_take_a_known_eigenpair(monkeypatch):
    problem, net = ss.problems.ball(n=20, dimension=2), ss.TwoLayerReLU.random(40, seed=3, dimension=2)
    usual, measured = ss.certify(problem, net), ss.sharpness(problem, net)

    def refuse(*_: object) -> None:
        raise AssertionError("nobody asked for an eigenvalue")

    monkeypatch.setattr("stepscape.measures.plane_certification.plane_top", refuse)
    known = ss.measures.plane_facts(problem, net, sharpness=ss.Eigenpair(7.0, 0.5, np.empty(0), 0))
    given = ss.theory.plane.sharpness(known)
    rest = usual["sharpness"].right - 0.5 * measured.value
    assert given.right == pytest.approx(3.25 + rest, rel=1e-9)
    assert (given.right_upper, given.left) == (math.inf, usual["sharpness"].left)


def test_refusals():
    problem, net = ss.problems.ball(n=5, dimension=2), ss.TwoLayerReLU.random(3, dimension=2)
    for call, sentence in (
        (lambda: ss.certify(problem, ss.TwoLayerReLU.random(3)), "network must have 2 input variables here"),
        (lambda: ss.certify(problem, "net"), "network must be a TwoLayerReLU"),
        (lambda: ss.certify(problem, net, delta=1.0), "delta must lie strictly between 0 and 1, got 1.0"),
        (lambda: ss.certify(problem, net, gamma=0.0), "gamma must be finite and positive, got 0.0"),
        (lambda: ss.measures.plane_facts(3, net), "problem must be a Problem"),
        (lambda: ss.measures.plane_facts(problem, net, sharpness=7.0), "sharpness must be a"),
        (lambda: ss.measures.facts(problem, net), "one input variable"),
    ):
        with pytest.raises(ss.InputError, match=sentence):
            call()
