"""Flatness of a network, and its risks under the law of the data, against integrals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.confident_networks import flatness, law_risks
from stepscape.objectives import Hessian

PROBLEM = ss.problems.bernoulli("wave", n=14, amplitude=2.0, flip_rate=0.1, seed=7)


def interpolator(margin: float) -> ss.TwoLayerReLU:
    return theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, margin)


@pytest.mark.parametrize("margin", [0.5, 8.0])
def test_risks_are_integrals_under_the_law_of_the_data(margin: float) -> None:
    network = interpolator(margin)

    def share(x: float) -> float:
        return float(1.0 / (1.0 + np.exp(-PROBLEM.truth(np.array([x]))[0])))  # type: ignore[misc]

    def value(x: float) -> float:
        return float(network.predict(np.array([x]))[0])

    def risk(x: float) -> float:
        p, f = share(x), value(x)
        return float(p * np.logaddexp(0.0, -f) + (1.0 - p) * np.logaddexp(0.0, f))

    def wrong(x: float) -> float:
        return 1.0 - share(x) if value(x) > 0.0 else share(x)

    found = law_risks(PROBLEM, 1.0, network.predict)
    knots = np.sort([-1.0, 1.0, *network.knots[np.abs(network.knots) < 1.0]])

    def mean(function: Callable[[float], float]) -> float:
        parts = [quad(function, a, b, limit=200)[0] for a, b in pairwise(knots)]
        return 0.5 * float(sum(parts))

    assert found["test_loss"] == pytest.approx(mean(risk), rel=2e-4)
    assert found["test_error"] == pytest.approx(mean(wrong), abs=5e-4)
    assert found["risk_slope"] == pytest.approx(mean(lambda x: wrong(x) * abs(value(x))), rel=2e-3)
    assert found["bayes_error"] == pytest.approx(mean(lambda x: min(share(x), 1.0 - share(x))), rel=1e-4)


def test_the_law_reaches_as_far_as_the_data() -> None:
    wide = ss.problems.bernoulli("line", n=10, amplitude=3.0, seed=1, half_width=2.0)
    assert law_risks(wide, 2.0, wide.truth)["test_error"] == pytest.approx(  # type: ignore[arg-type]
        quad(lambda u: 1.0 / (1.0 + np.exp(3.0 * u)), 0.0, 1.0)[0], rel=1e-6
    )


def test_nothing_is_better_than_the_truth() -> None:
    truth = PROBLEM.truth
    assert truth is not None
    found = law_risks(PROBLEM, 1.0, truth)
    assert found["test_loss"] == pytest.approx(found["bayes_loss"])
    assert found["test_error"] == pytest.approx(found["bayes_error"])
    other = law_risks(PROBLEM, 1.0, lambda x: truth(x) + 0.1)
    assert other["test_loss"] > found["bayes_loss"]


def test_risks_need_a_truth() -> None:
    problem = ss.Problem(np.arange(3.0), np.array([1.0, -1.0, 1.0]), loss="logistic")
    with pytest.raises(InputError, match="truth must be given to know the law of the labels, got None"):
        law_risks(problem, 1.0, np.zeros_like)


def test_flatness_of_an_interpolator() -> None:
    network = interpolator(5.0)
    found = flatness(PROBLEM, network)
    assert found["smallest_margin"] == pytest.approx(5.0, rel=1e-10)
    assert found["median_margin"] == pytest.approx(5.0, rel=1e-10)
    assert found["training_error"] == 0.0
    assert found["loss"] == pytest.approx(np.log1p(np.exp(-5.0)))
    assert found["tv"] == pytest.approx(np.abs(network.w1 * network.w2).sum())
    assert found["gradient_norm"] == pytest.approx(np.linalg.norm(Hessian(PROBLEM, network).gradient))


def test_missed_labels_are_counted() -> None:
    zero = np.zeros(1)
    constant = ss.TwoLayerReLU(zero, zero, zero, 1.0)
    assert flatness(PROBLEM, constant)["training_error"] == pytest.approx(np.mean(PROBLEM.labels < 0))
