"""Flows that swing: identities with descent, orbits of period two, and what is conserved or refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import stepscape as ss
from stepscape import GradientDescent, dynamics, objectives
from stepscape.dynamics.mirror_flow import mirror_step
from stepscape.dynamics.rod_flow import advance_one, rod_rate
from stepscape.errors import InputError, NotConverged
from stepscape.training import OptimizerMap

TINY = 1e-300


@pytest.fixture(scope="module")
def net():
    """A small tanh network, and a start."""
    x = np.linspace(-1.0, 1.0, 8)
    o = objectives.layered(ss.Problem(x, np.cos(4.0 * np.arccos(x))), (4, 3))
    return o, o.start(1.0, seed=1)


METHODS = {
    "descent": GradientDescent(0.4, 12),
    "heavy ball": GradientDescent(0.2, 12, momentum=0.5, weight_decay=0.1),
    "nesterov": GradientDescent(0.1, 12, momentum=0.5, nesterov=True),
    "rmsprop": ss.methods.RMSProp(1e-3, 12),
    "adam": ss.methods.Adam(1e-2, 12, beta1=0.5),
}


class TestMirrorFlow:
    @pytest.mark.parametrize("name", METHODS)
    def test_a_whole_step_moves_middle_and_half_difference_of_twins(self, net, name) -> None:
        o, theta = net
        step_of = OptimizerMap(o, METHODS[name])
        one, other = step_of.start(theta), step_of.start(theta + 0.1)
        c, x = 0.5 * (one + other), 0.5 * (one - other)
        for sign in (-1, 1, -1, 1):
            one, other = step_of.step(one), step_of.step(other)
            c, x = mirror_step(step_of, c, x, 1.0)
            np.testing.assert_allclose(c, 0.5 * (one + other), rtol=0, atol=1e-12)
            np.testing.assert_allclose(sign * x, 0.5 * (one - other), rtol=0, atol=1e-12)

    @pytest.mark.parametrize("name", METHODS)
    def test_with_one_substep_it_is_descent(self, net, name) -> None:
        method = METHODS[name]
        run = dynamics.orbit(*net, method, skip=2)
        flow = dynamics.mirror_flow(*net, method, substeps=1, skip=2, floor=TINY)
        for found in ("time", "theta", "loss", "amplitude", "mean_loss"):
            np.testing.assert_allclose(getattr(flow, found), getattr(run, found), rtol=0, atol=1e-12)
        sign = (-1.0) ** np.arange(len(run.time))
        np.testing.assert_allclose(sign[:, None] * flow.swing, run.swing, rtol=0, atol=1e-12)

    def test_orbits_are_the_runs_of_train(self, net) -> None:
        for method in METHODS.values():
            if not isinstance(method, GradientDescent):
                continue
            free = GradientDescent(method.step_size, 12, method.momentum, method.nesterov)
            seen = []
            ss.training.run(*net, free, 1, measure_sharpness=False, observe=seen.append)
            run = dynamics.orbit(*net, free, every=3)
            middles = [p.midpoint for p in seen[1::3]]
            np.testing.assert_allclose(run.theta, middles, rtol=0, atol=1e-13)
            np.testing.assert_allclose(
                run.time, 3.0 * np.arange(4) * method.step_size / (1.0 - method.momentum), rtol=1e-14
            )
            losses = [0.5 * (p.loss + q.loss) for p, q in pairwise(seen)][::3]
            np.testing.assert_allclose(run.mean_loss, losses, rtol=1e-13)
            lengths = [0.5 * np.linalg.norm(p.theta - p.theta_before) for p in seen[1::3]]
            np.testing.assert_allclose(run.amplitude, lengths, rtol=1e-12)

    @pytest.mark.parametrize("momentum", [0.0, 0.5])
    def test_it_settles_on_the_orbit_of_period_two(self, momentum: float) -> None:
        s, q, eta = 1.3, 0.7, (2.0 + 2.0 * momentum) / 1.1
        flow = dynamics.mirror_flow(
            objectives.quartic(s, q), [1.1], GradientDescent(eta, 3, momentum), time=400.0 * eta, every=20
        )
        # −x = x − ηg(x) + 2βx, g = Sx − Qx³
        assert flow.swing[-1, 0] ** 2 == pytest.approx((s - (2.0 + 2.0 * momentum) / eta) / q, abs=1e-12)
        assert abs(flow.theta[-1, 0]) < 1e-12
        assert flow.amplitude[-1] == abs(flow.swing[-1, 0])

    def test_rmsprop_settles_on_its_orbit_of_period_two(self) -> None:
        """There v = g², so that −x = x − ηg(x)/(|g(x)| + ε); the start is put near the orbit."""
        o, eta, epsilon = objectives.quartic(1.0, 0.25), 0.2, 1e-3
        step_of = OptimizerMap(o, ss.methods.RMSProp(eta, 1, beta2=0.9, epsilon=epsilon))
        c, x = np.array([0.0, 0.01]), np.array([0.11, 0.0])
        for _ in range(2000):
            c, x = mirror_step(step_of, c, x, 0.5)
        g = float(o.gradient(x[:1])[0])
        assert x[0] == pytest.approx(0.5 * eta * g / (abs(g) + epsilon), abs=1e-12)
        assert c[1] == pytest.approx(g * g, abs=1e-12)
        assert np.abs([c[0], x[1]]).max() < 1e-12

    def test_on_a_quadratic_the_swing_grows_at_eta_lambda_minus_two(self) -> None:
        eta, share = 0.5, 0.25
        values = np.array([5.0, 4.0, 1.0])
        step_of = OptimizerMap(objectives.quadratic(np.diag(values)), GradientDescent(eta, 1))
        c, x = np.array([0.1, -0.2, 0.3]), np.array([1.0, 3.0, -2.0])
        middle, swing = mirror_step(step_of, c, x, share)
        np.testing.assert_allclose((swing - x) / (share * x), eta * values - 2.0, rtol=0, atol=1e-12)
        np.testing.assert_allclose((middle - c) / (share * c), -eta * values, rtol=0, atol=1e-12)
        assert swing[1] == x[1]  # exactly at 2/η

    def test_in_polar_form_it_is_the_edge_flow(self) -> None:
        """On a cubic the odd part of the gradient is H(c)x; a and u of x = au obey Marion's equations."""
        eta, o = 0.5, objectives.self_stabilizing(0.5, 0.01)

        def polar(count: int) -> np.ndarray:
            c, x = flow[count].theta[0].copy(), flow[count].swing[0]
            a, dt = np.linalg.norm(x), 1.0 / count
            u = x / a
            for _ in range(10 * count):
                push = o.hessian(c).product(u)
                mean = 0.5 * (o.gradient(c + a * u) + o.gradient(c - a * u))
                a, turned = a + dt * (eta * u @ push - 2.0) * a, u + dt * eta * (push - u * (u @ push))
                c, u = c - dt * eta * mean, turned / np.linalg.norm(turned)
            return np.concatenate([c, a * u])

        flow = {
            k: dynamics.mirror_flow(o, [0.2, -0.02], GradientDescent(eta, 12), substeps=k)
            for k in (8, 32, 128)
        }
        gaps = [
            np.linalg.norm(np.concatenate([f.theta[10], f.swing[10]]) - polar(k)) for k, f in flow.items()
        ]
        assert gaps[0] < 1e-5
        for coarse, fine in pairwise(gaps):
            assert 3.0 < coarse / fine < 5.0

    def test_a_swing_that_died_is_kept_alive_at_the_floor(self) -> None:
        o = objectives.quadratic(np.diag([1.0, 0.5]))
        flow = dynamics.mirror_flow(o, [1.0, 1.0], GradientDescent(0.5, 90), floor=1e-3)
        assert flow.amplitude.min() == pytest.approx(1e-3, rel=1e-12)
        still = dynamics.mirror_flow(o, [0.0, 0.0], GradientDescent(0.5, 4), floor=1e-3)
        np.testing.assert_allclose(still.amplitude, 1e-3, rtol=1e-12)

    def test_its_error_is_the_distance_from_half_the_substeps(self, net) -> None:
        method = METHODS["descent"]
        flow, finer = (dynamics.mirror_flow(*net, method, substeps=k, measure_error=k == 2) for k in (2, 4))
        np.testing.assert_allclose(
            flow.error, np.linalg.norm(flow.theta - finer.theta, axis=1), rtol=0, atol=1e-14
        )
        assert np.isnan(finer.error).all()


class TestRodFlow:
    def test_its_velocities_are_the_step_of_descent(self, net) -> None:
        o, w = net
        eta = 0.4
        orbit = [w]
        for _ in range(3):
            orbit.append(orbit[-1] - eta * o.gradient(orbit[-1]))
        for one, other, third in zip(orbit, orbit[1:], orbit[2:], strict=False):
            middle, rod = 0.5 * (one + other), 0.5 * (other - one)
            plus, minus = o.gradient(middle + rod), o.gradient(middle - rod)
            np.testing.assert_allclose(0.5 * (third - one), -0.5 * eta * (plus + minus), rtol=0, atol=1e-12)
            after = 0.5 * (third - other)
            v = np.linspace(-1.0, 1.0, w.size)
            exact = after * (after @ v) - rod * (rod @ v)
            np.testing.assert_allclose(rod_rate(plus, minus, rod, eta, v), exact, rtol=0, atol=1e-12)

    def test_begun_in_the_swing_one_rod_stays_there(self) -> None:
        s, q, eta = 1.3, 0.7, 2.0 / 1.1
        exact = np.sqrt((s - 2.0 / eta) / q)
        w, rod = np.zeros(1), np.array([[exact]])
        for _ in range(200):
            w, rod = advance_one(objectives.quartic(s, q), w, rod, eta, 0.25)
        assert rod[0, 0] == pytest.approx(exact, abs=1e-12)
        assert abs(w[0]) < 1e-12

    def test_several_rods_settle_there(self) -> None:
        s, q, eta = 1.3, 0.7, 2.0 / 1.1
        flow = dynamics.rod_flow(objectives.quartic(s, q), [1.1], GradientDescent(eta, 400), rods=2)
        assert flow.amplitude[-1] ** 2 == pytest.approx((s - 2.0 / eta) / q, abs=1e-9)
        assert flow.mean_loss[-1] == pytest.approx(objectives.quartic(s, q).loss(flow.swing[-1]), abs=1e-9)

    def test_inside_the_edge_both_are_gradient_flow_to_second_order(self) -> None:
        """w' = −η(1 + ½ηλ)λw of a short rod: log(1 − ηλ) = −ηλ − ½(ηλ)² + O(η³)."""
        eta, o = 0.02, objectives.quadratic(np.diag([1.0]))
        run = dynamics.orbit(o, [1.0], GradientDescent(eta, 101))
        errors = {
            rods: np.abs(dynamics.rod_flow(o, [1.0], GradientDescent(eta, 101), substeps=16, rods=rods).theta
                         - run.theta).max() for rods in (1, 2)
        }  # fmt: skip
        assert errors[1] < 1e-3 < errors[2] < 1e-2
        assert dynamics.rod_flow(o, [0.0], GradientDescent(eta, 3), measure_error=True).error.max() == 0.0


class TestCurvatureOfSteps:
    def test_the_descent_identity(self, net) -> None:
        o, w = net
        rises = 0
        for eta in (0.1, 1.0, 6.0):
            g = o.gradient(w)
            after, size = w - eta * g, float(g @ g)
            m = dynamics.step_curvature(o, w, after, nodes=24 if eta > 1.0 else 8)
            change = o.loss(after) - o.loss(w)
            assert change == pytest.approx(
                -eta * size * (1.0 - 0.5 * eta * m), rel=1e-6 if eta > 1.0 else 1e-9
            )
            assert (change > 0.0) == (m > 2.0 / eta)
            assert dynamics.relative_progress(o, w, eta) == pytest.approx(change / (eta * size), rel=1e-9)
            rises += change > 0.0
        assert rises == 1

    def test_a_long_step_gets_as_many_nodes_as_it_needs(self, net) -> None:
        o, w = net
        g = o.gradient(w)
        after, size = w - 12.0 * g, float(g @ g)
        actual = o.loss(after) - o.loss(w) + 12.0 * size  # ½M‖Δ‖²

        def error(**asked: object) -> float:
            m = dynamics.step_curvature(o, w, after, nodes=2, **asked)
            return abs(0.5 * m * 144.0 * size - actual)

        tolerance = 1e-7 * o.loss(w)
        assert error() > 1e3 * tolerance
        assert error(tolerance=tolerance) < tolerance
        with pytest.raises(InputError, match="tolerance must be"):
            error(tolerance=0.0)

    def test_on_a_polynomial_it_is_exact(self) -> None:
        o, w = objectives.scalar_product(), np.array([1.7, 0.3])
        g = o.gradient(w)
        for eta in (0.05, 0.3, 0.9):
            after = w - eta * g
            m = dynamics.step_curvature(o, w, after)
            expected = -eta * float(g @ g) * (1.0 - 0.5 * eta * m)
            assert o.loss(after) - o.loss(w) == pytest.approx(expected, rel=0, abs=1e-12)
        assert np.isnan(dynamics.step_curvature(o, w, w))
        with pytest.raises(InputError, match="theta must have a gradient that is not 0"):
            dynamics.relative_progress(o, [1.0, 1.0], 0.1)


class TestComparison:
    def test_windows_average_all_columns(self) -> None:
        time = np.arange(5.0)
        theta = np.column_stack([time**2, -time])
        curve = dynamics.Curve(time, theta, time, time / 10.0, amplitude=time, notes={"rank": time})
        smooth = curve.smoothed(3)
        np.testing.assert_allclose(smooth.time, [1.0, 2.0, 3.0])
        np.testing.assert_allclose(smooth.theta[:, 0], [5.0 / 3.0, 14.0 / 3.0, 29.0 / 3.0])
        np.testing.assert_allclose(smooth.amplitude, np.sqrt([5.0 / 3.0, 14.0 / 3.0, 29.0 / 3.0]))
        np.testing.assert_allclose(smooth.error, [0.2, 0.3, 0.4])
        np.testing.assert_allclose(smooth.notes["rank"], smooth.loss)
        assert curve.smoothed(1) is curve
        other = dynamics.Curve(time, theta + np.array([3.0, 4.0]), 2.0 * time, 0.0 * time)
        gap = dynamics.compare(curve, other, window=2)
        np.testing.assert_allclose(gap.parameters, 5.0)
        np.testing.assert_allclose(gap.loss, -np.log(2.0))
        assert np.isnan(dynamics.compare(curve, other).loss[0])  # of two losses 0
        with pytest.raises(InputError, match="window must be at most 5, got 6"):
            curve.smoothed(6)
        short = dynamics.Curve(time[:4], theta[:4], time[:4], time[:4])
        with pytest.raises(
            InputError, match="have all their times in common for an average, got 4 of 4 and 5"
        ):
            dynamics.compare(short, curve, window=2)


class OfExamples(type(objectives.quartic())):
    """A loss that random methods can draw from."""

    examples = 3

    def batch_gradient(self, theta, rows):
        raise NotImplementedError

    noisy_gradient = batch_gradient


class TestRefusals:
    FLOWS = (dynamics.mirror_flow, dynamics.rod_flow, dynamics.central_flow)

    @pytest.mark.parametrize("flow", FLOWS)
    def test_a_start_beyond_the_edge(self, flow) -> None:
        o = objectives.scalar_product()
        with pytest.raises(
            InputError, match="the start must lie inside the edge of stability, got an edge ratio"
        ):
            flow(o, [1.0, 1.0 + 1e-9], GradientDescent(0.51, 10))
        with pytest.raises(
            InputError, match=r"time must be that of at least one step, 0.1, got 3 steps of which 3"
        ):
            flow(o, [1.5, 0.4], GradientDescent(0.1, 3), skip=2)
        with pytest.raises(InputError, match=r"time must be that of at least one step, 0.1, got 0.01"):
            flow(o, [1.5, 0.4], GradientDescent(0.1, 3), time=0.01)
        with pytest.raises(InputError, match=r"time must fit in memory, got 1e\+15"):
            flow(o, [1.5, 0.4], GradientDescent(0.1, 3), time=1e15)
        with pytest.raises(NotConverged, match="left every bound"):
            flow(objectives.quartic(), [3.0], GradientDescent(0.5, 400))

    def test_methods_and_sizes(self) -> None:
        o = objectives.scalar_product()
        with pytest.raises(InputError, match="warmup_steps must be 0 for a map"):
            dynamics.mirror_flow(o, [1.5, 0.4], GradientDescent(0.1, 9, warmup_steps=3))
        with pytest.raises(InputError, match="method must draw no random numbers, got LabelNoise"):
            dynamics.orbit(OfExamples(), [0.1], ss.methods.LabelNoise(0.1, 9))
        for flow in (dynamics.rod_flow, dynamics.central_flow):
            with pytest.raises(InputError, match="method must be gradient descent with a constant step size"):
                flow(o, [1.5, 0.4], GradientDescent(0.1, 9, momentum=0.5))
        with pytest.raises(InputError, match="steps must be at least 7, got 6"):
            dynamics.orbit(o, [1.5, 0.4], GradientDescent(0.1, 6), skip=5)
        with pytest.raises(InputError, match="objective must have at most 1000 parameters, got 1001"):
            dynamics.central_flow(objectives.quadratic(np.eye(1001)), np.zeros(1001), GradientDescent(0.1, 3))
