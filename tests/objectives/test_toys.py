"""Toys in closed form: derivatives, and what is proved of gradient descent on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import stepscape as ss
from stepscape import objectives, training
from stepscape.curvature import largest_eigenpair

RNG = np.random.default_rng(0)
SQUARE = RNG.standard_normal((5, 5))
SYMMETRIC = SQUARE + SQUARE.T


def torch_quadratic(theta):
    return 0.5 * theta @ torch.tensor(SYMMETRIC) @ theta


TOYS = {
    "quadratic": (objectives.quadratic(SYMMETRIC), torch_quadratic),
    "scalar product": (objectives.scalar_product(), lambda t: (t[0] * t[1] - 1.0) ** 2),
    "quartic": (objectives.quartic(2.0, 3.0), lambda t: (1.0 * t**2 - 0.75 * t**4).sum()),
}


def descend(objective, theta, step_size, steps=20_000, **options):
    method = ss.GradientDescent(step_size, steps, **options)
    return training.run(objective, theta, method, record_every=max(1, steps // 20))


@pytest.mark.parametrize(("objective", "same"), TOYS.values(), ids=TOYS)
def test_derivatives_are_those_of_autograd(objective, same):
    for scale in (0.1, 1.0, 10.0):
        theta = scale * RNG.standard_normal(objective.size)
        tensor = torch.tensor(theta)
        h = torch.autograd.functional.hessian(same, tensor).numpy()
        g = torch.func.grad(same)(tensor).numpy()
        assert objective.loss(theta) == pytest.approx(float(same(tensor)), rel=1e-12)
        np.testing.assert_allclose(objective.gradient(theta), g, rtol=0, atol=1e-13 * np.abs(g).max())
        operator = objective.hessian(theta)
        assert operator.size == objective.size
        rows = np.array([operator.product(row) for row in np.eye(objective.size)])
        np.testing.assert_allclose(rows, h, rtol=0, atol=1e-13 * np.abs(h).max())
        top = np.linalg.eigvalsh(h)[-1]
        assert largest_eigenpair(operator).value == pytest.approx(top, rel=1e-8, abs=1e-12)
        assert objective.census(theta) == {}


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.6, False), (0.6, True)])
@pytest.mark.parametrize("over", [0.98, 1.02])
def test_a_parabola_diverges_exactly_beyond_the_threshold(momentum, nesterov, over):
    # The start lies in all eigenspaces; without momentum the coordinate along the top one grows by |1 - ηλ|.
    objective = objectives.quadratic(np.diag([0.3, 1.0, 5.0]))
    unit = ss.GradientDescent(1.0, 1, momentum=momentum, nesterov=nesterov)
    run = descend(
        objective, [1.0, 1.0, 1.0], over * unit.threshold() / 5.0, momentum=momentum, nesterov=nesterov
    )
    assert run.outcome == ("diverged" if over > 1.0 else "finished")
    np.testing.assert_allclose(run.edge_ratio, over, rtol=1e-7)
    np.testing.assert_allclose(run.sharpness, 5.0, rtol=1e-7)
    assert np.isfinite(run.loss).all()
    if over < 1.0:
        assert run.loss[-1] < 1e-25


def test_a_parabola_shrinks_by_the_factor_of_each_eigenvalue():
    curvature = np.array([0.5, -0.1, 3.0])
    run = descend(objectives.quadratic(np.diag(curvature)), [1.0, 2.0, -1.0], 0.3, 50)
    expected = np.array([1.0, 2.0, -1.0]) * (1.0 - 0.3 * curvature) ** 50
    before = expected / (1.0 - 0.3 * curvature)
    np.testing.assert_allclose(run.theta, expected, rtol=1e-13)
    np.testing.assert_allclose(run.theta_before, before, rtol=1e-13)
    np.testing.assert_allclose(run.midpoint, (expected + before) / 2.0, rtol=1e-12)


@pytest.mark.parametrize("start", [(2.0, 0.6), (2.5, 0.41), (3.0, 0.2), (-2.0, -0.6)])
@pytest.mark.parametrize("step_size", [0.05, 0.2, 0.3, 0.45])
def test_a_product_of_two_numbers_ends_where_descent_is_stable(start, step_size):
    # Every minimum xy = 1 has the sharpness 2(x² + y²), and descent can only stay where it is at most 2/η.
    run = descend(objectives.scalar_product(), start, step_size)
    if run.outcome == "diverged":
        assert run.edge_ratio[0] > 1.5
        return
    x, y = run.theta
    assert x * y == pytest.approx(1.0, abs=1e-12)
    assert run.sharpness[-1] == pytest.approx(2.0 * (x * x + y * y), rel=1e-8)
    assert run.edge_ratio[-1] <= 1.0
    assert run.sharpness[-1] >= 4.0 * (1.0 - 1e-8)


@pytest.mark.parametrize("step_size", [0.51, 0.52, 0.55, 0.6])
def test_beyond_one_half_a_product_swings_between_two_balanced_points(step_size):
    run = descend(objectives.scalar_product(), (1.5, 0.5), step_size)
    total, product = np.sqrt(1.0 + 1.5 / step_size), 0.5 / step_size
    points = np.sort([run.theta[0], run.theta_before[0]])
    expected = np.sort(np.roots([1.0, -total, product]))
    np.testing.assert_allclose(points, expected, rtol=1e-9)
    assert run.theta[1] == pytest.approx(run.theta[0], rel=1e-9)
    np.testing.assert_allclose(run.midpoint, 0.5 * total, rtol=1e-9)
    assert run.smoothness[-1] == pytest.approx(2.0 / step_size, rel=1e-9)
    assert run.outcome == "finished"


@pytest.mark.parametrize(("curvature", "fall"), [(1.0, 1.0), (5.0, 0.2)])
def test_a_quartic_swings_with_the_amplitude_of_its_step_size(curvature, fall):
    objective = objectives.quartic(curvature, fall)
    start = [1e-6 * np.sqrt(curvature / fall)]
    assert descend(objective, start, 1.9 / curvature).loss[-1] < 1e-25
    for product in (2.1, 2.5, 2.9):
        step_size = product / curvature
        run = descend(objective, start, step_size)
        assert run.theta[0] ** 2 == pytest.approx((curvature - 2.0 / step_size) / fall, rel=1e-9)
        assert run.theta_before[0] == pytest.approx(-run.theta[0], rel=1e-9)
        assert abs(run.midpoint[0]) <= 1e-9 * abs(run.theta[0])
        assert run.smoothness[-1] == pytest.approx(2.0 / step_size, rel=1e-9)


def test_beyond_its_tops_a_quartic_diverges():
    objective = objectives.quartic(2.0, 0.5)  # its tops are at ±2
    assert descend(objective, [1.99], 0.1, 300).outcome == "finished"
    run = training.run(objective, [2.01], ss.GradientDescent(0.1, 300), 1)
    assert run.outcome == "diverged"
    assert np.abs(run.loss).max() <= 1e100
    assert run.loss[-1] <= run.loss[0]
    assert np.isfinite(run.theta).all()


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([1.0, 2.0], r"matrix must have shape \(size, size\), got \(2,\)"),
        (np.ones((2, 3)), r"matrix must have shape \(size, size\), got \(2, 3\)"),
        (np.ones((0, 0)), r"matrix must have shape \(size, size\), got \(0, 0\)"),
        ([[1.0, np.nan], [np.nan, 1.0]], r"matrix must be finite, got nan in it"),
        ([[1.0, 2.0], [3.0, 1.0]], r"matrix must be symmetric, got another one; give \(A \+ A\.T\)/2"),
    ],
)
def test_a_parabola_needs_a_symmetric_matrix(matrix, message):
    with pytest.raises(ss.InputError, match=message):
        objectives.quadratic(matrix)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", ["curvature", "fall"])
def test_a_quartic_needs_positive_numbers(name, value):
    with pytest.raises(ss.InputError, match=rf"{name} must be finite and positive, got"):
        objectives.quartic(**{name: value})
