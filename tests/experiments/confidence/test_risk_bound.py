"""The bound on the risk at the best γ: a proved bound, no worse than at any fixed γ, and what it needs."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.risk_bound import risk_bound
from stepscape.measures import certify
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_line_sharpness import top

PROBLEM = ss.problems.bernoulli("wave", n=60, amplitude=2.0, flip_rate=0.1, seed=1)


def bound_of(network: ss.TwoLayerReLU, problem: ss.Problem = PROBLEM) -> dict[str, float]:
    operator = Hessian(problem, network)
    return risk_bound(operator, top(operator))


@pytest.fixture(scope="module")
def trained() -> ss.TwoLayerReLU:
    start = ss.TwoLayerReLU.random(100, seed=3)
    return ss.train(PROBLEM, start, ss.GradientDescent(0.3, 3000), measure_sharpness=False).midpoint


def test_it_bounds_the_risk_of_the_network(trained: ss.TwoLayerReLU) -> None:
    found = bound_of(trained)
    assert 0.0 < found["worst_case_left"] < found["worst_case"]
    assert found["worst_case_ratio"] == found["worst_case"] / found["worst_case_constant"]
    assert (
        found["worst_case_gamma"]
        in np.quantile(np.abs(trained.predict(PROBLEM.inputs)), np.linspace(0.1, 1.0, 10))
        or np.isclose(np.abs(trained.predict(PROBLEM.inputs)), found["worst_case_gamma"]).any()
    )


def test_no_fixed_gamma_and_region_is_better(trained: ss.TwoLayerReLU) -> None:
    """The same bound from the public pieces, at one γ over the hull of its inputs."""
    found = bound_of(trained)
    f, x = trained.predict(PROBLEM.inputs), PROBLEM.inputs
    f0 = np.asarray(PROBLEM.truth(x))  # type: ignore[misc]
    tried = 0
    for gamma in np.quantile(np.abs(f), [0.2, 0.5, 0.8, 1.0]):
        variation = certify(PROBLEM, trained, gamma=float(gamma))["uncertain"].right
        some = np.abs(f) <= gamma
        limits = (float(x[some].min()), float(x[some].max()))
        here = (x >= limits[0]) & (x <= limits[1])
        value = np.log1p(np.exp(-PROBLEM.labels * f)) - np.log1p(np.exp(-PROBLEM.labels * f0))
        if value[here].sum() > 0.0:
            continue
        flat = theory.FlatClass(
            x, variation, float(np.abs(f[here]).max()), counted=some.astype(float), interval=limits
        )
        worst = theory.worst_case_excess(flat, PROBLEM.labels, f0)
        assert found["worst_case_ratio"] <= worst.value / worst.constant * (1.0 + 1e-9)
        tried += 1
    assert tried


def test_a_network_that_fits_less_well_than_the_truth_has_none() -> None:
    assert bound_of(ss.TwoLayerReLU(np.ones(2), np.zeros(2), np.array([-3.0, -3.0]), 0.5)) == {}


def test_no_truth() -> None:
    bare = ss.Problem(np.array([0.0, 1.0, 2.0]), np.array([-1.0, 1.0, 1.0]), loss="logistic")
    with pytest.raises(InputError, match="truth must be given to bound an error to it, got None"):
        bound_of(ss.TwoLayerReLU.random(4, seed=0), bare)
