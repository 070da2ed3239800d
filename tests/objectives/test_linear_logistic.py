"""The loss of logistic regression against autograd, and where it is no float64 against 50 digits."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
import torch

from stepscape import objectives
from stepscape.curvature import largest_eigenpair
from stepscape.errors import InputError

RNG = np.random.default_rng(5)
X, Y = RNG.standard_normal((7, 3)), np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0])
LOSS = objectives.logistic_regression(X, Y)
PLACES = [*(scale * RNG.standard_normal(3) for scale in (0.0, 0.3, 3.0, 30.0))]
SEPARABLE = objectives.logistic_regression([[0.05, 0.9], [0.05, -0.5], [0.06, 0.02]], [1, 1, 1])


def by_torch(theta):
    return torch.nn.functional.softplus(-(torch.tensor(Y[:, None] * X) @ theta), threshold=1e9).mean()


@pytest.mark.parametrize("theta", PLACES)
def test_derivatives_are_those_of_autograd(theta):
    tensor = torch.tensor(theta)
    g = torch.func.grad(by_torch)(tensor).numpy()
    h = torch.autograd.functional.hessian(by_torch, tensor).numpy()
    assert LOSS.loss(theta) == pytest.approx(float(by_torch(tensor)), rel=1e-12)
    np.testing.assert_allclose(LOSS.gradient(theta), g, rtol=0, atol=1e-13)
    np.testing.assert_allclose(LOSS.hessian(theta).values, h, rtol=0, atol=1e-13)
    assert largest_eigenpair(LOSS.hessian(theta)).value <= LOSS.smoothness * (1.0 + 1e-12)
    assert LOSS.census(theta) == {"errors": int(np.sum(Y * (X @ theta) <= 0.0))}


def test_the_largest_curvature_is_that_of_zero():
    assert largest_eigenpair(LOSS.hessian(np.zeros(3))).value == pytest.approx(LOSS.smoothness, rel=1e-9)


def exact(objective, theta):
    """Return log L, −log(e^L − 1) and its gradient, by 60 digits."""
    mp.mp.dps = 60
    z = [[mp.mpf(float(each)) for each in row] for row in objective.signed]
    margins = [mp.fdot(row, list(map(mp.mpf, map(float, theta)))) for row in z]
    with mp.workdps(60 + int(abs(float(max(map(abs, margins))))) // 2 + 1):
        loss = sum(mp.log1p(mp.exp(-m)) for m in margins) / len(z)
        pull = [1 / (1 + mp.exp(m)) / len(z) for m in margins]
        factor = 1 / (1 - mp.exp(-loss))
        gradient = [
            factor * mp.fsum(p * row[j] for p, row in zip(pull, z, strict=True)) for j in range(len(z[0]))
        ]
        return float(mp.log(loss)), float(-mp.log(mp.expm1(loss))), np.array([float(x) for x in gradient])


@pytest.mark.parametrize(
    ("objective", "theta"),
    [
        (LOSS, PLACES[2]),
        (LOSS, PLACES[3]),
        (SEPARABLE, np.array([40.0, 0.1])),
        (SEPARABLE, np.array([34_000.0, 3.0])),  # a loss of e^−1700
        (SEPARABLE, np.array([-2000.0, 5.0])),
        (SEPARABLE, np.array([0.0, 0.0])),
    ],
)
def test_logarithm_and_soft_margin_at_any_size(objective, theta):
    log_loss, soft, gradient = exact(objective, theta)
    size = 1e-13 * max(1.0, np.abs(objective.signed @ theta).max())
    assert objective.log_loss(theta) == pytest.approx(log_loss, rel=1e-14, abs=size)
    assert objective.soft_margin(theta) == pytest.approx(soft, rel=1e-14, abs=size)
    np.testing.assert_allclose(objective.soft_margin_gradient(theta), gradient, rtol=4.0 * size, atol=size)
    many = objective.log_loss(np.array([theta, 0.0 * theta]))
    assert many.tolist() == pytest.approx([log_loss, np.log(np.log(2.0))], rel=1e-14, abs=size)


def test_the_loss_reaches_below_every_float64():
    assert SEPARABLE.log_loss([34_000.0, 0.0]) < -1699.0
    assert SEPARABLE.loss(np.array([34_000.0, 0.0])) == 0.0
    vector, scale = SEPARABLE.log_gradient([34_000.0, 0.0])
    assert scale < -1699.0
    # There only the nearest examples pull, and the direction is the mean of the two.
    np.testing.assert_allclose(vector, -(SEPARABLE.signed[0] + SEPARABLE.signed[1]), rtol=1e-12)


def test_the_soft_margin_is_no_concave_function():
    """One example gets worse while the other is right: the loss is linear, and log(e^L − 1) is not convex."""
    pair = objectives.logistic_regression(np.eye(2), [1, 1])
    ends = pair.soft_margin([[-6.0, 30.0], [0.0, 30.0], [-3.0, 30.0]])
    assert ends[2] < 0.5 * (ends[0] + ends[1]) - 0.1


def test_the_soft_margin_lies_among_the_margins_and_its_weights_sum_to_at_most_one():
    for _ in range(50):
        a = RNG.standard_normal(3) * 10.0 ** RNG.uniform(-1.0, 2.0)
        margins, soft = Y * (X @ a), LOSS.soft_margin(a)
        assert margins.min() - 1e-12 <= soft <= margins.mean() + 1e-12 * np.abs(margins).max()
        # With an input more, all ones, the last coordinate of the gradient is the sum of the weights.
        wide = objectives.logistic_regression(np.column_stack([X, Y]), Y)
        total = wide.soft_margin_gradient(np.append(a, 0.0))[3]
        assert 0.0 <= total <= 1.0 + 1e-12


def test_the_margin_is_that_of_its_examples():
    assert SEPARABLE.margin.value == pytest.approx(0.05, rel=1e-12)


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(InputError, match=r"theta must have shape \(…, 3\), got \(2,\)"):
        LOSS.log_loss([1.0, 2.0])
