"""Gradient flow against closed forms, distances of curves, and Lyapunov exponents that are known."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np
import pytest

import stepscape as ss
from stepscape import GradientDescent, dynamics, objectives
from stepscape.curvature import Matrix
from stepscape.errors import InputError, NotConverged

Array = np.ndarray


@dataclass(frozen=True)
class Gutter:
    """L(x, y) = |x| + y: the flow meets x = 0 at the time |x| and slides along it, y' = −1."""

    size: int = 2

    def loss(self, theta: Array) -> float:
        return float(abs(theta[0]) + theta[1])

    def gradient(self, theta: Array) -> Array:
        return np.array([np.sign(theta[0]), 1.0])

    def hessian(self, theta: Array) -> Matrix:  # noqa: ARG002
        return Matrix(np.zeros((2, 2)))

    def census(self, theta: Array) -> dict[str, int]:  # noqa: ARG002
        return {}


A = np.array([[3.0, 1.0], [1.0, 0.5]])


class TestGradientFlow:
    @pytest.mark.parametrize("method", [name for name in dynamics.METHODS if name != "events"])
    def test_on_a_quadratic_it_is_the_exponential(self, method: str) -> None:
        start = np.array([1.0, -2.0])
        flow = dynamics.gradient_flow(
            objectives.quadratic(A), start, 3.0, points=6, method=method, tolerance=1e-3
        )
        values, vectors = np.linalg.eigh(A)
        exact = np.array([vectors @ (np.exp(-values * t) * (vectors.T @ start)) for t in flow.time])
        gap = np.linalg.norm(flow.theta - exact, axis=1)
        assert gap.max() < 1e-2
        assert (gap <= 1.5 * flow.error + 1e-12).all(), "the error is not too small"
        np.testing.assert_allclose(flow.time, np.linspace(0.0, 3.0, 7), rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            flow.loss, 0.5 * np.einsum("ti,ij,tj->t", flow.theta, A, flow.theta), rtol=1e-12
        )

    def test_it_keeps_what_the_scalar_product_keeps(self) -> None:
        flow = dynamics.gradient_flow(
            objectives.scalar_product(), [2.0, 0.1], 2.0, method="DOP853", tolerance=1e-9
        )
        x, y = flow.theta.T
        np.testing.assert_allclose(x * x - y * y, 4.0 - 0.01, rtol=0, atol=1e-6)
        assert x[-1] * y[-1] == pytest.approx(1.0, abs=1e-4)

    def test_steps_slide_along_a_kink(self) -> None:
        flow = dynamics.gradient_flow(Gutter(), [0.73, 0.0], 2.0, points=8, tolerance=1e-3)
        np.testing.assert_allclose(flow.theta[:, 0], np.maximum(0.73 - flow.time, 0.0), rtol=0, atol=4e-3)
        np.testing.assert_allclose(flow.theta[:, 1], -flow.time, rtol=0, atol=1e-9)

    def test_halving_ends_when_the_error_is_a_small_share_of_the_way(self) -> None:
        start, o = np.array([1.0, -2.0]), objectives.quadratic(A)
        for tolerance in (1e-1, 1e-3):
            flow = dynamics.gradient_flow(o, start, 1.0, points=3, tolerance=tolerance)
            way = np.linalg.norm(flow.theta - start, axis=1).max()
            assert tolerance * way / 4 < flow.error.max() <= tolerance * way

    def test_on_a_network_steps_and_an_adaptive_solver_agree(self) -> None:
        problem = ss.problems.tent(n=8, noise=0.3, seed=1, half_width=2.0)
        network = ss.TwoLayerReLU.random(5, 1.0, "mean_field", seed=2)
        o, start = ss.objectives.line(problem, network), network.parameters
        one, other = (
            dynamics.gradient_flow(o, start, 0.5, points=4, method=method, tolerance=tolerance)
            for method, tolerance in (("steps", 1e-3), ("RK45", 1e-4))
        )
        gap = dynamics.compare(
            one, other, lambda theta: network.with_parameters(theta).predict(problem.inputs)
        )
        assert (gap.parameters <= 3.0 * gap.error).all()
        assert gap.function.max() < 1e-2

    def test_what_it_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.import_module("stepscape.dynamics.gradient_flow"), "MOST_STEPS", 100)
        o = objectives.quartic()
        with pytest.raises(NotConverged, match="gradient flow needs more than 100 steps"):
            dynamics.gradient_flow(o, [3.0], 40.0, points=2)  # falls to −∞
        with pytest.raises(NotConverged, match="RK45 did not reach the time 40"):
            dynamics.gradient_flow(o, [3.0], 40.0, points=2, method="RK45")
        with pytest.raises(InputError, match="unknown method"):
            dynamics.gradient_flow(o, [0.3], 1.0, method="euler")
        with pytest.raises(InputError, match="theta must be finite, got nan"):
            dynamics.gradient_flow(o, [np.nan], 1.0)


class TestCurves:
    def test_iterates_are_midpoints_of_descent(self) -> None:
        o, eta = objectives.quadratic(A), 0.3
        found = dynamics.iterates(o, [1.0, -2.0], GradientDescent(eta, 10), every=3)
        path = [np.array([1.0, -2.0])]
        for _ in range(10):
            path.append(path[-1] - eta * A @ path[-1])
        expected = [path[0], *(0.5 * (path[i] + path[i - 1]) for i in (3, 6, 9))]
        np.testing.assert_allclose(found.theta, expected, rtol=0, atol=1e-14)
        np.testing.assert_allclose(found.time, eta * np.array([0, 3, 6, 9]), rtol=0, atol=1e-14)
        assert not found.error.any()

    def test_a_gap_is_measured_at_common_times(self) -> None:
        def curve(time: list[float], x: list[float], error: float) -> dynamics.Curve:
            theta = np.column_stack([x, np.zeros(len(x))])
            return dynamics.Curve(np.array(time), theta, np.zeros(len(x)), np.full(len(x), error))

        one = curve([0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 4.0, 3.0], 0.5)
        other = curve([0.0, 2.0, 2.5, 3.0], [0.0, 5.0, 9.0, 5.0], 0.25)
        gap = dynamics.compare(one, other, lambda theta: theta + np.array([0.0, 1.0]))
        assert gap.time.tolist() == [0.0, 2.0, 3.0]
        assert gap.parameters.tolist() == [0.0, 1.0, 2.0]
        np.testing.assert_allclose(gap.function, np.array([0.0, 1.0, 2.0]) / np.sqrt(2.0))
        assert gap.moved.tolist() == [0.0, 4.0, 3.0]
        assert gap.error.tolist() == [0.75] * 3
        assert gap.relative.tolist() == [0.0, 0.25, 0.5]
        assert (gap.parts(0.3), gap.parts(0.2), gap.parts(0.6)) == (3.0, 2.0, np.inf)
        with pytest.raises(InputError, match="flow and run must have a time in common, got none"):
            dynamics.compare(curve([0.5], [0.0], 0.0), curve([1.0], [0.0], 0.0))
        wide = dynamics.Curve(np.zeros(1), np.zeros((1, 3)), np.zeros(1), np.zeros(1))
        with pytest.raises(InputError, match="flow and run must have parameters of one size, got 2 and 3"):
            dynamics.compare(one, wide)

    def test_only_plain_descent_has_the_time_of_the_flow(self) -> None:
        for method in (GradientDescent(0.1, 5, momentum=0.5), GradientDescent(0.1, 5, warmup_steps=2)):
            with pytest.raises(InputError, match="method must be gradient descent with a constant step size"):
                dynamics.iterates(objectives.quadratic(A), [1.0, 1.0], method)
        with pytest.raises(NotConverged, match="diverged"):
            dynamics.iterates(objectives.quadratic(A), [1.0, 1.0], GradientDescent(9.0, 5000))


class TestChaos:
    @pytest.mark.parametrize("eta", [0.1, 0.5, 0.9])
    def test_on_a_quadratic_the_exponent_is_that_of_the_slowest_direction(self, eta: float) -> None:
        rate = np.log(np.abs(1.0 - eta * np.linalg.eigvalsh(A)).max())
        found = dynamics.lyapunov(objectives.quadratic(A), [1.0, 1.0], GradientDescent(eta, 400), skip=100)
        assert found == pytest.approx(rate, abs=1e-3)

    def test_in_a_swing_it_is_the_multiplier(self) -> None:
        eta, o = 2.6, objectives.quartic()
        found = dynamics.lyapunov(o, [0.3], GradientDescent(eta, 4000), skip=3000)
        assert found == pytest.approx(np.log(abs(2.0 * eta - 5.0)), abs=1e-6)

    def test_ripples_are_chaotic_with_the_exponent_of_the_limit(self) -> None:
        o, eta = objectives.corrugated(1e-6), 0.2
        found = dynamics.lyapunov(o, [1.0], GradientDescent(eta, 8000), skip=100)
        assert found == pytest.approx(np.log(eta / 2e-6), abs=0.05)
        assert dynamics.lyapunov(objectives.corrugated(1.0), [0.5], GradientDescent(eta, 500), skip=100) < 0.0

    def test_a_separation_shrinks_and_grows_as_the_derivative_says(self) -> None:
        o = objectives.quadratic(np.diag([1.0, 4.0]))
        for eta, rate in ((0.3, np.log(0.7)), (0.51, np.log(1.04))):
            found = dynamics.separation(o, [1.0, 0.0], GradientDescent(eta, 60), size=1e-3, every=5)
            assert found.distance[0] == pytest.approx(1e-3)
            assert found.rate == pytest.approx(rate, abs=1e-3)
            assert found.steps.tolist() == list(range(0, 61, 5))
        assert found.moved[0] == 0.0

    def test_two_runs_that_end_in_one_point_have_no_floor_and_those_in_two_wells_have(self) -> None:
        o = objectives.double_well()
        assert dynamics.chaos_floor(o, [0.5], GradientDescent(0.3, 200)) < 1e-5
        apart = dynamics.chaos_floor(o, [0.0], GradientDescent(0.3, 400), size=1e-6, seed=1)
        assert apart == pytest.approx(1.0, abs=1e-3)  # one stays on the top, the other leaves it

    def test_an_orbit_that_leaves_is_refused(self) -> None:
        with pytest.raises(NotConverged, match="descent diverged at step"), np.errstate(all="ignore"):
            dynamics.lyapunov(objectives.quartic(), [3.0], GradientDescent(2.0, 500))
        with pytest.raises(NotConverged, match="diverged"):
            dynamics.separation(objectives.quadratic(A), [1.0, 1.0], GradientDescent(9.0, 5000))


class TestToys:
    @pytest.mark.parametrize("toy", [objectives.double_well(), objectives.corrugated(0.3)])
    def test_derivatives_are_those_of_the_loss(self, toy: objectives.Objective) -> None:
        for w in (-1.3, 0.2, 0.9):
            h, at = 1e-5, np.array([w])
            slope = (toy.loss(at + h) - toy.loss(at - h)) / (2.0 * h)
            bend = (toy.gradient(at + h) - toy.gradient(at - h)) / (2.0 * h)
            assert toy.gradient(at)[0] == pytest.approx(slope, abs=1e-7)
            assert toy.hessian(at).product(np.ones(1))[0] == pytest.approx(bend[0], abs=1e-6)
        assert toy.census(np.zeros(1)) == {}
        assert toy.size == 1

    def test_the_double_well_swings_between_the_points_of_its_formula(self) -> None:
        eta, w = 1.2, np.array([0.9])
        for _ in range(3000):
            w = w - eta * objectives.double_well().gradient(w)
        other = w - eta * objectives.double_well().gradient(w)
        assert float(w[0] * other[0]) == pytest.approx(1.0 / eta)
        assert float(w[0] + other[0]) == pytest.approx(np.sqrt(1.0 + 3.0 / eta))
        rate = dynamics.lyapunov(objectives.double_well(), w, GradientDescent(eta, 100))
        assert rate == pytest.approx(0.5 * np.log(abs(9.0 - 2.0 * (1.0 + eta) ** 2)), abs=1e-6)

    def test_a_ripple_is_positive(self) -> None:
        with pytest.raises(InputError, match="ripple must be finite and positive, got 0"):
            objectives.corrugated(0.0)
