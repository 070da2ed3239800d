"""The central flow and its program: conditions of the program, closed forms, and the edge that is kept."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import GradientDescent, dynamics, objectives
from stepscape.curvature import largest_eigenpair
from stepscape.dynamics.central_flow import derivatives_of_curvature, top_eigenpairs
from stepscape.dynamics.complementarity import complementary, to_matrix, to_vector
from stepscape.errors import InputError, NotConverged


def semidefinite(rng, size, rank):
    factor = rng.standard_normal((size, rank))
    return factor @ factor.T


class TestProgram:
    @pytest.mark.parametrize(("size", "lost"), [(1, 0), (2, 0), (2, 1), (3, 2), (4, 0), (4, 4)])
    def test_conditions_hold(self, size: int, lost: int) -> None:
        """A = S − BX of a complementary pair (X, S) is solved, B of full rank or not."""
        rng = np.random.default_rng(10 * size + lost)
        for scale in (1.0, 1e4):
            turn = np.linalg.qr(rng.standard_normal((size, size)))[0]
            half = (size + 1) // 2
            x = (turn[:, :half] * rng.uniform(0.5, 2.0, half)) @ turn[:, :half].T
            s = (turn[:, half:] * rng.uniform(0.5, 2.0, size - half)) @ turn[:, half:].T
            many = size * (size + 1) // 2
            b = semidefinite(rng, many, many - lost) + (0.0 if lost else 1.0) * np.eye(many)
            a = scale * (s - to_matrix(b @ to_vector(x)))
            found = complementary(a, b)
            slack = a + to_matrix(b @ to_vector(found.x))
            np.testing.assert_allclose(found.slack, slack, rtol=0, atol=1e-12 * np.abs(a).max())
            assert np.linalg.eigvalsh(found.x)[0] >= -1e-8 * scale
            assert np.linalg.eigvalsh(slack)[0] >= -1e-8 * np.abs(a).max()
            assert abs(np.sum(found.x * slack)) <= 1e-7 * np.abs(found.x).max() * np.abs(a).max()
            assert found.residual < 1e-7
            if not lost:
                np.testing.assert_allclose(found.x, scale * x, rtol=0, atol=1e-6 * scale)

    @pytest.mark.parametrize("a", [-3.0, 2.0])
    def test_one_row_has_a_closed_form(self, a: float) -> None:
        found = complementary([[a]], [[4.0]])
        assert found.x[0, 0] == max(0.0, -a / 4.0)
        assert found.slack[0, 0] == pytest.approx(max(0.0, a), abs=1e-15)

    def test_vectors_keep_inner_products(self) -> None:
        rng = np.random.default_rng(0)
        one, other = semidefinite(rng, 3, 2), semidefinite(rng, 3, 1)
        assert to_vector(one) @ to_vector(other) == pytest.approx(np.sum(one * other), rel=1e-13)
        np.testing.assert_array_equal(to_matrix(to_vector(one)).round(13), one.round(13))

    def test_what_it_refuses(self) -> None:
        for b in (np.zeros((3, 3)), np.diag([1.0, 0.0, 0.0])):  # nothing raises the second entry of S
            with pytest.raises(NotConverged, match="no positive semidefinite X makes"):
                complementary(-np.eye(2), b)
        with pytest.raises(InputError, match=r"b must have shape \(3, 3\), got \(2, 2\)"):
            complementary(np.eye(2), np.eye(2))
        with pytest.raises(InputError, match=r"a must have shape \(size, size\), got \(2,\)"):
            complementary([1.0, 2.0], np.eye(2))
        with pytest.raises(InputError, match="a must be finite and symmetric"):
            complementary([[1.0, 2.0], [0.0, 1.0]], np.eye(3))


class TestFlow:
    def test_at_the_edge_the_covariance_is_that_of_the_cycles(self) -> None:
        """L = ½x²(2/η + y) − αy has ∇λ = (0, 1), so that X = 2α, and y stays at 0."""
        eta, alpha = 0.1, 0.02
        toy = objectives.self_stabilizing(eta, alpha)
        flow = dynamics.central_flow(toy, [0.0, -1e-3], GradientDescent(eta, 40), substeps=4)
        assert flow.amplitude[-1] ** 2 == pytest.approx(2.0 * alpha, rel=1e-8)
        assert abs(flow.theta[-1, 1]) < 1e-9
        assert flow.mean_loss[-1] == pytest.approx(2.0 * alpha / eta, rel=1e-6)
        assert flow.notes["edge_ratio"][-1] == pytest.approx(1.0, abs=1e-9)
        assert flow.notes["rank"][-1] == 1
        twice = dynamics.central_flow(toy, [0.0, -1e-3], GradientDescent(eta, 5), measure_error=True)
        finer = dynamics.central_flow(toy, [0.0, -1e-3], GradientDescent(eta, 5), substeps=4)
        gap = np.linalg.norm(twice.theta - finer.theta, axis=1)
        np.testing.assert_allclose(twice.error, gap, rtol=0, atol=1e-15)

    def test_the_edge_is_kept_and_the_loss_falls(self) -> None:
        x, eta = np.linspace(-1.0, 1.0, 8), 0.5
        o = objectives.layered(ss.Problem(x, np.cos(4.0 * np.arccos(x))), (5, 5))
        flow = dynamics.central_flow(o, o.start(1.0, 2), GradientDescent(eta, 191), skip=90, every=2)
        ratio = flow.notes["edge_ratio"][1:]
        assert (ratio <= 1.0 + 1e-2).all()
        assert np.median(ratio[25:]) > 0.999
        assert (np.diff(flow.loss) <= 1e-12).all()
        assert np.nanmax(flow.notes["residual"]) < 1e-7
        assert flow.amplitude.max() > 0.0
        free = dynamics.gradient_flow(o, flow.theta[0], float(flow.time[-1]), 1, tolerance=3e-2)
        assert largest_eigenpair(o.hessian(free.theta[-1])).value > 1.1 * 2.0 / eta  # no edge holds it

    def test_derivatives_of_the_curvature_are_those_of_the_quartic(self) -> None:
        x, y = w = np.array([1.3, -0.4])
        rows = derivatives_of_curvature(objectives.scalar_product(), w, np.eye(2))
        exact = [[0.0, 4.0 * y], [4.0 * y, 4.0 * x], [4.0 * x, 0.0]]
        np.testing.assert_allclose(rows, exact, rtol=0, atol=1e-8)

    def test_eigenpairs_down_to_a_limit(self) -> None:
        turn = np.linalg.qr(np.random.default_rng(0).standard_normal((9, 9)))[0]
        values = np.array([5.0, 4.0, 3.0, 1.0, 0.0, -1.0, -2.0, -3.0, -9.0])
        matrix = (turn * values) @ turn.T
        operator = objectives.quadratic(0.5 * (matrix + matrix.T)).matrix
        for limit, count in ((6.0, 1), (2.0, 3), (-5.0, 4)):
            found, vectors = top_eigenpairs(operator, limit, np.empty((9, 0)))
            np.testing.assert_allclose(found, values[:count], rtol=0, atol=1e-6)
            np.testing.assert_allclose(np.abs(vectors.T @ turn[:, :count]), np.eye(count), rtol=0, atol=1e-5)
