"""The bound on the risk: a proved bound, the smaller of two regions, and nothing where nothing applies."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.risk_bound import risk_bound
from stepscape.measures.certified import tightest_worst_case

PROBLEM = ss.problems.bernoulli("wave", n=60, amplitude=2.0, flip_rate=0.1, seed=1)


@pytest.fixture(scope="module")
def trained() -> ss.TwoLayerReLU:
    start = ss.TwoLayerReLU.random(100, seed=3)
    return ss.train(PROBLEM, start, ss.GradientDescent(0.3, 3000), measure_sharpness=False).midpoint


def test_it_bounds_the_risk_of_the_network(trained: ss.TwoLayerReLU) -> None:
    found = risk_bound(PROBLEM, trained)
    assert 0.0 < found["worst_case_left"] < found["worst_case"]
    assert found["worst_case_ratio"] == found["worst_case"] / found["worst_case_constant"]


def test_it_is_the_better_of_the_two_regions(trained: ss.TwoLayerReLU) -> None:
    x = PROBLEM.inputs
    inside = x[theory.weight(x, x) >= theory.weight(np.linspace(-1, 1, 20_001), x).max() / 10]
    ratios = []
    for place in (None, (float(inside.min()), float(inside.max()))):
        each = tightest_worst_case(PROBLEM, trained, place)
        ratios.append(each.right / each.details["constant"])
    assert ratios[0] != ratios[1]
    assert risk_bound(PROBLEM, trained)["worst_case_ratio"] == min(ratios)


def test_a_kink_on_an_input_has_no_bound() -> None:
    at = PROBLEM.inputs[20]
    assert risk_bound(PROBLEM, ss.TwoLayerReLU([1.0], [-at], [0.5], 0.1)) == {}


def test_no_truth() -> None:
    bare = ss.Problem(np.array([0.0, 1.0, 2.0]), np.array([-1.0, 1.0, 1.0]), loss="logistic")
    with pytest.raises(InputError, match="truth must be given to bound an error to it, got None"):
        risk_bound(bare, ss.TwoLayerReLU.random(4, seed=0))
