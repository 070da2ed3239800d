"""The top of the spectrum at an interpolator, and what descent does beside it."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import theory
from stepscape.experiments.interpolation.interpolators import INTERPOLATORS, one_sided_sharpness, top, visit

PROBLEM = ss.problems.curve("line", n=12, noise=1.0, seed=3)


def networks() -> dict[str, ss.TwoLayerReLU]:
    x, y = PROBLEM.inputs, PROBLEM.labels
    return {
        "spline": ss.TwoLayerReLU(*theory.spline_interpolator(x, y)),
        "flattest": ss.TwoLayerReLU(*theory.flattest_interpolator(x, y).neurons),
        "dots": ss.TwoLayerReLU(*theory.spline_interpolator(x, y, 0.0)),
    }


@pytest.mark.parametrize("name", INTERPOLATORS)
def test_the_top_is_the_largest_eigenvalue_of_the_hessian(name: str) -> None:
    network = networks()[name]
    peak = top(PROBLEM, network)
    assert peak.value == pytest.approx(ss.sharpness(PROBLEM, network, tolerance=1e-6).value, rel=1e-9)
    assert np.linalg.norm(peak.vector) == pytest.approx(1.0)
    assert peak.residual <= 1e-10 * peak.value
    assert peak.rest <= 1e-10
    assert peak.second < peak.value


@pytest.mark.parametrize("name", ["spline", "flattest"])
@pytest.mark.parametrize("detuning", [-0.02, 0.01])
def test_the_linear_rate_is_one_less_eta_lambda(name: str, detuning: float) -> None:
    network = networks()[name]
    peak = top(PROBLEM, network)
    seen = visit(PROBLEM, network, peak.vector, (2.0 + detuning) / peak.value, 1e-6, 1000, 20)
    assert seen.factor == pytest.approx([1.0 + detuning] * 2, abs=1e-5)
    assert seen.distances[:, 0] == pytest.approx([1e-6] * 2)
    assert seen.end == ("returned" if detuning < 0 else "left")
    flat = seen.sharpness * (2.0 + detuning) / peak.value / 2.0
    assert (flat <= 1.01).all()  # wherever descent settles, it is inside its threshold


def test_a_small_step_size_returns_without_alternating() -> None:
    network = networks()["spline"]
    peak = top(PROBLEM, network)
    seen = visit(PROBLEM, network, peak.vector, 0.005 / peak.value, 1e-6, 1000, 10)
    assert seen.factor == pytest.approx([0.995] * 2, abs=1e-5)
    assert seen.end == "returned"


def test_a_large_step_size_diverges_and_says_so() -> None:
    network = networks()["spline"]
    peak = top(PROBLEM, network)
    seen = visit(PROBLEM, network, peak.vector, 1e3 / peak.value, 1e-6, 200, 5)
    assert seen.end == "left"
    assert np.isinf(seen.distances[:, -1]).all()
    assert np.isnan(seen.loss).all()


def test_the_two_starts_lie_on_opposite_sides() -> None:
    network = networks()["spline"]
    peak = top(PROBLEM, network)
    seen = visit(PROBLEM, network, peak.vector, 0.5 / peak.value, 0.1, 10, 10)
    assert abs(seen.loss[0] / seen.loss[1] - 1.0) > 1e-3


def test_without_motion_it_stays() -> None:
    network = networks()["spline"]
    seen = visit(PROBLEM, network, top(PROBLEM, network).vector, 1e-9, 1e-6, 100, 5)
    assert seen.end == "stayed"


def test_one_sided_sharpness_differs_only_with_knots_on_inputs() -> None:
    for name, network in networks().items():
        extra = one_sided_sharpness(PROBLEM, network) / top(PROBLEM, network).value
        assert (extra > 1.0 + 1e-6) == (name == "dots")
