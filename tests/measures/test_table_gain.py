"""A certificate for a user's own table: the estimate of its noise, and what is proved about a network."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import measures
from stepscape.errors import InputError
from stepscape.measures.noise_differences import difference_noise


def test_the_estimate_has_the_mean_of_the_noise_and_sees_no_line():
    """σ̂² is a quadratic form: its mean for noise of deviations 1/√c_i is the sum over the unit vectors."""
    rng = np.random.default_rng(0)
    x, counts = rng.uniform(-1, 1, 9), rng.integers(1, 5, 9).astype(float)
    mean = sum(difference_noise(x, row / np.sqrt(counts[i]), counts) ** 2 for i, row in enumerate(np.eye(9)))
    assert mean == pytest.approx(1.0, rel=1e-12)
    assert difference_noise(x, 2.0 - 3.0 * x, counts) == pytest.approx(0.0, abs=1e-12)


def test_equal_inputs_are_one_label_with_more_measurements():
    x, y = np.array([0.0, 1.0, 1.0, 2.0, 3.0]), np.array([1.0, 0.0, 2.0, 0.0, 4.0])
    merged = difference_noise(np.arange(4.0), np.array([1.0, 1.0, 0.0, 4.0]), np.array([1.0, 2.0, 1.0, 1.0]))
    assert difference_noise(x, y, np.ones(5)) == pytest.approx(merged)


@pytest.fixture(scope="module")
def trained():
    problem = ss.problems.wave(n=600, noise=0.1, seed=3)
    start = ss.TwoLayerReLU.random(60, 0.3, seed=1)
    run = ss.train(problem, start, ss.GradientDescent(0.8, 4000), record_every=4000)
    return problem, run.midpoint


def test_with_enough_rows_a_gain_is_proved_and_true(trained):
    problem, network = trained
    found = measures.prediction_gain(problem, network, draws=8)
    assert found.verdict == "certified"
    assert not found.estimated
    mean = np.mean((problem.labels.mean() - problem.truth(problem.inputs)) ** 2)
    true = mean - problem.design_error(network.predict(problem.inputs))
    assert 0.0 < found.gain.value < found.gain.in_the_mean < true
    sharpness = ss.certify(problem, network)["sharpness"]
    assert found.variation == pytest.approx(sharpness.right, rel=1e-6)
    assert found.height == pytest.approx(
        np.abs(network.predict(problem.inputs) - problem.labels.mean()).max()
    )
    record = found.record()
    assert record["verdict"] == "certified"
    assert record["value"] == found.gain.value
    assert record["noise"] == 0.1


def test_the_noise_is_estimated_where_nobody_knows_it(trained):
    problem, network = trained
    blind = ss.Problem(problem.inputs, problem.labels)
    found = measures.prediction_gain(blind, network, draws=4)
    assert found.estimated
    assert found.noise == pytest.approx(0.1, rel=0.1)
    few = ss.problems.wave(n=12, noise=0.3, seed=3)
    assert measures.prediction_gain(few, network, draws=4).verdict == "vacuous"


def test_merged_rows_have_less_noise():
    x = np.linspace(-1, 1, 20)
    y = np.tile(np.sin(3 * x), 4) + 0.2 * np.random.default_rng(0).standard_normal(80)
    apart = ss.Problem(np.tile(x, 4), y)
    merged = ss.Problem(x, y.reshape(4, 20).mean(axis=0), weights=np.full(20, 4.0))
    network = ss.TwoLayerReLU.random(10, seed=0)
    one = measures.prediction_gain(apart, network, noise=0.2, draws=4)
    other = measures.prediction_gain(merged, network, noise=0.2, rows=80, draws=4)
    noise = 0.2 / 2
    assert f"standard deviation {noise:g}" in other.gain.assumptions[0]
    assert one.gain.fitted == pytest.approx(other.gain.fitted, rel=1e-9)


def test_where_no_certificate_applies_nothing_is_proved():
    problem = ss.problems.tent(n=10, seed=0)
    knot = ss.TwoLayerReLU([1.0], [-problem.inputs[4]], [1.0], 0.0)
    found = measures.prediction_gain(problem, knot)
    assert found.verdict == "inapplicable"
    assert found.failed_premises
    assert found.record()["value"] is None


def test_refused():
    network = ss.TwoLayerReLU.random(5, seed=0)
    two = ss.Problem([0.0, 1.0, 1.0], [0.0, 1.0, 2.0])
    with pytest.raises(
        InputError, match="inputs must hold at least three that differ, to estimate noise, got 2"
    ):
        measures.prediction_gain(two, network)
    logistic = ss.problems.bernoulli("wave", n=10)
    with pytest.raises(InputError, match="problem must have the square loss, got logistic"):
        measures.prediction_gain(logistic, network)
    with pytest.raises(InputError, match="rows must be finite and positive"):
        measures.prediction_gain(two, network, noise=0.1, rows=0)
