"""Excess risks, error rates and confidence of solutions of the logistic loss, by their definitions."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.experiments.logistic import columns as logistic_measures
from stepscape.measures.calibration import calibration_curve
from stepscape.measures.classification import confidence, excess_risks, uncertain_hull
from stepscape.measures.measures import measure, pieces, shape
from stepscape.measures.uncertainty import hull


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def expected_loss(p, f):
    return p * np.log1p(np.exp(-f)) + (1 - p) * np.log1p(np.exp(f))


@pytest.fixture(scope="module")
def trained():
    problem = ss.problems.bernoulli("tent", n=60, amplitude=6.0, seed=2)
    net = ss.TwoLayerReLU.random(80, 1.0, "torch", seed=3)
    run = ss.train(problem, net, ss.GradientDescent(0.8, 4000), record_every=4000)
    return problem, run.network, run.network_before


def test_excess_risk_is_the_expected_loss_above_that_of_the_truth(trained):
    problem, net, before = trained
    x = problem.inputs
    solution = net.with_parameters((net.parameters + before.parameters) / 2.0)
    f0, f = problem.truth(x), solution.predict(x)
    p = sigmoid(f0)
    excess = expected_loss(p, f) - expected_loss(p, f0)
    found = excess_risks(problem, net, before)
    assert found["excess_risk"] == pytest.approx(excess.mean(), rel=1e-10)
    inside = ss.theory.interior(x, x)
    assert found["excess_risk_interior"] == pytest.approx(excess[inside].mean(), rel=1e-10)
    assert found["excess_risk_boundary"] == pytest.approx(excess[~inside].mean(), rel=1e-10)
    unsure = x[np.abs(f0) <= 1.0]
    hull = (x >= unsure.min()) & (x <= unsure.max())
    assert 0 < hull.sum() < x.size
    assert found["excess_risk_uncertain"] == pytest.approx(excess[hull].mean(), rel=1e-10)
    middle = (x.min() + x.max()) / 2.0
    half = (x >= 0.5 * (x.min() + middle)) & (x <= 0.5 * (x.max() + middle))
    places = {"": x == x, "_interior": inside, "_boundary": ~inside, "_half": half, "_uncertain": hull}
    logits = {"last": net.predict(x), "before": before.predict(x)}
    logits["mean"] = 0.5 * (logits["last"] + logits["before"])
    for name, each in logits.items():
        alone = expected_loss(p, each) - expected_loss(p, f0)
        for place, mask in places.items():
            assert found[f"excess_risk{place}_{name}"] == pytest.approx(alone[mask].mean(), rel=1e-10)
    # The loss is convex: the mean of two logits is no worse than they are on average.
    for place in places:
        single = 0.5 * (found[f"excess_risk{place}_last"] + found[f"excess_risk{place}_before"])
        assert found[f"excess_risk{place}_mean"] < single
    grid = np.linspace(x.min(), x.max(), 401)
    q, on_grid = sigmoid(problem.truth(grid)), solution.predict(grid)
    excess = expected_loss(q, on_grid) - expected_loss(q, problem.truth(grid))
    assert found["excess_risk_grid"] == pytest.approx(excess.mean(), rel=1e-10)


def test_error_rates_are_those_of_fresh_labels(trained):
    problem, net, before = trained
    found = excess_risks(problem, net, before)
    x = problem.inputs
    f = net.with_parameters((net.parameters + before.parameters) / 2.0).predict(x)
    p = sigmoid(problem.truth(x))
    draws = np.random.default_rng(0).random((20_000, x.size)) < p
    assert found["error_rate"] == pytest.approx((draws != (f > 0)).mean(), abs=0.003)
    assert found["bayes_error_rate"] == pytest.approx((draws != (p >= 0.5)).mean(), abs=0.003)
    assert found["bayes_error_rate"] <= found["error_rate"]


def test_a_logit_of_zero_predicts_the_first_class_everywhere():
    # As StepSizeClassifier.predict does: the label 1 needs f > 0.
    problem = ss.Problem([0.0, 1.0], [1, 0], loss="logistic", truth=lambda x: 0 * x + 2.0)
    zero = ss.TwoLayerReLU([1.0], [-5.0], [1.0], 0.0)
    assert excess_risks(problem, zero, zero)["error_rate"] == pytest.approx(sigmoid(2.0))
    rounded = ss.TwoLayerReLU([1.0], [-5.0], [1.0], 5e-324)
    assert excess_risks(problem, rounded, rounded)["error_rate"] == pytest.approx(sigmoid(-2.0))


def test_hull_of_what_lies_within_the_level():
    points, logits = np.array([3.0, -2.0, 0.5, 7.0]), np.array([1.0, -1.0, 0.2, 1.1])
    assert hull(points, logits) == (-2.0, 3.0)
    assert hull(points, logits, 0.5) == (0.5, 0.5)
    assert np.isnan(hull(points, logits, 0.1)).all()


def test_inputs_of_weight_zero_do_not_widen_the_uncertain_hull():
    x, weights = np.array([-3.0, -1.0, 1.0, 3.0]), [0.0, 1.0, 1.0, 0.0]
    problem = ss.Problem(x, [0, 0, 1, 1], loss="logistic", weights=weights, truth=lambda x: 0.1 * x)
    assert uncertain_hull(problem, x).tolist() == [False, True, True, False]
    found = logistic_measures.truth(problem)
    assert (found["uncertain_low_truth"], found["uncertain_high_truth"]) == (-1.0, 1.0)


def test_a_hull_without_points_gives_nan():
    sure = ss.Problem([0.0, 1.0, 2.0], [1, 1, 0], loss="logistic", truth=lambda x: 0 * x + 5.0)
    net = ss.TwoLayerReLU([0.0], [0.0], [0.0], 5.0)
    assert np.isnan(excess_risks(sure, net, net)["excess_risk_uncertain"])
    assert np.isnan(confidence(sure, net)["uncertain_overlap"])
    unknown = ss.Problem([0.0, 1.0], [1, 0], loss="logistic")
    assert "uncertain_overlap" not in confidence(unknown, net)
    assert not any(name.startswith(("excess", "risk")) for name in measure(unknown, net, net))
    with pytest.raises(ss.InputError, match="truth must be given to measure an error to it"):
        excess_risks(unknown, net, net)


def test_confidence_by_hand():
    problem = ss.Problem(
        [0.0, 1.0, 2.0, 3.0], [1, 0, 1, 1], loss="logistic", weights=[1, 1, 2, 4], truth=lambda x: x
    )
    line = ss.TwoLayerReLU([1.0], [0.0], [1.0], 0.0)  # f = x
    found = confidence(problem, line)
    assert found["smallest_margin"] == -1.0
    # margins 0, -1, 2, 3 with weights 1, 1, 2, 4: half of the weight lies up to 2
    assert found["median_margin"] == 2.0
    assert found["median_logit"] == 2.0
    alone = ss.Problem(problem.inputs, problem.labels, loss="logistic")
    assert confidence(alone, line)["median_margin"] == 1.0
    last = ss.Problem(problem.inputs, problem.labels, loss="logistic", weights=[0, 0, 0, 1])
    only = confidence(last, line)
    assert (only["smallest_margin"], only["median_margin"], only["largest_logit"]) == (3.0, 3.0, 3.0)
    assert found["largest_logit"] == 3.0
    assert found["uncertain_share"] == pytest.approx(2 / 8)
    assert found["uncertain_overlap"] == 1.0
    shifted = ss.TwoLayerReLU([1.0], [0.0], [1.0], -1.5)
    other = confidence(problem, shifted)  # f = -1.5, -.5, .5, 1.5 against 0, 1, 2, 3
    assert other["uncertain_overlap"] == pytest.approx(1 / 4)


def test_what_is_measured_depends_on_the_loss(trained):
    problem, net, before = trained
    found = measure(problem, net, before)
    assert found["norm"] == pytest.approx(np.linalg.norm(net.parameters + before.parameters) / 2.0)
    middle = net.with_parameters((net.parameters + before.parameters) / 2.0)
    assert found["pieces"] == pieces(problem, middle)
    assert {name: found[name] for name in shape(problem, middle)} == shape(problem, middle)
    assert {name: found[name] for name in confidence(problem, middle)} == confidence(problem, middle)
    assert not any(name.startswith("risk") for name in found)
    assert {"excess_risk", "median_logit", "weighted_tv", "pieces"} <= set(found)
    square = ss.Problem(problem.inputs, problem.labels, truth=problem.truth)
    assert not any(name.startswith(("excess", "norm", "median")) for name in measure(square, net, before))


def test_pieces_of_a_logit_are_counted_to_a_fifth():
    problem = ss.Problem([-1.0, 0.0, 1.0], [0, 1, 1], loss="logistic")
    # Bends of height h between lines: one line suffices up to a deviation of 0.2 on either side.
    assert [pieces(problem, ss.TwoLayerReLU([1.0], [0.0], [h], 0.0)) for h in (0.79, 0.81)] == [1, 2]


@pytest.mark.parametrize(("rows", "bins"), [(5, 3), (23, 3), (60, 7), (80, 10), (500, 10)])
def test_few_rows_make_few_bins_of_calibration(rows: int, bins: int) -> None:
    p = np.linspace(0.01, 0.99, rows)
    curve = calibration_curve(p, np.arange(rows) % 2)
    assert len(curve) == bins
    assert curve["rows"].min() >= min(7, rows // 3)
