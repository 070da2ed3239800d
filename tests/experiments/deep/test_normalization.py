"""Predictions with the statistics of a batch, and rows of weights that a normalization makes free."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.experiments.deep.models import MODELS, loss_of_model
from stepscape.experiments.deep.networks import chebyshev
from stepscape.experiments.deep.normalization import predict, with_lengths_of
from stepscape.objectives import TorchLoss

PROBLEM = chebyshev(9, 3, 0.2, 1)
X = np.array([[-0.7], [0.05], [0.9]])


def normalized(seed: int = 2, bias: bool = True) -> TorchLoss:
    return loss_of_model("batch-norm", PROBLEM, 4, 3, "tanh", seed, bias)


@pytest.mark.parametrize("kind", MODELS)
def test_at_the_points_of_the_batch_it_is_what_the_loss_sees(kind: str) -> None:
    loss = loss_of_model(kind, PROBLEM, 4, 3, "tanh", 5)
    theta = 1.5 * loss.parameters
    seen = predict(loss, theta, PROBLEM.points, PROBLEM.points)
    assert 0.5 * np.mean((seen - PROBLEM.labels) ** 2) == pytest.approx(loss.loss(theta), rel=1e-13)


def test_it_is_the_network_by_hand() -> None:
    """Two normalized layers in NumPy, with mean and variance of the batch, not of the points."""
    loss = normalized()
    rng = np.random.default_rng(0)
    theta = loss.parameters + 0.3 * rng.standard_normal(loss.size)
    w1, b1, w2, b2, gain2, shift2, w3, b3, gain3, shift3, w4, b4 = np.split(
        theta, np.cumsum([4, 4, 16, 4, 4, 4, 16, 4, 4, 4, 4])
    )

    def by_hand(points: np.ndarray) -> np.ndarray:
        here, there = (np.tanh(each * w1 + b1) for each in (points, PROBLEM.points))
        for w, b, gain, shift in ((w2, b2, gain2, shift2), (w3, b3, gain3, shift3)):
            here, there = (each @ w.reshape(4, 4).T + b for each in (here, there))
            middle, spread = there.mean(axis=0), np.sqrt(there.var(axis=0) + 1e-5)
            here, there = (np.tanh(gain * (each - middle) / spread + shift) for each in (here, there))
        return here @ w4 + b4

    np.testing.assert_allclose(predict(loss, theta, PROBLEM.points, X), by_hand(X), rtol=0, atol=1e-13)


def test_the_loss_does_not_see_that_it_was_asked() -> None:
    loss, before = normalized(), normalized().parameters
    value = loss.loss(before)
    predict(loss, before, PROBLEM.points, X)
    assert loss.loss(before) == value
    assert loss.model.training


@pytest.mark.parametrize("bias", [True, False])
def test_lengths_are_those_of_the_other_and_the_function_stays(bias: bool) -> None:
    """Rows of length 1000 against 3000: what is left of the function's change is that of 1e-5."""
    loss, other = normalized(2, bias), 1e3 * normalized(3, bias).parameters
    theta = 3e3 * loss.parameters
    scaled = with_lengths_of(loss, theta, other)
    second, third = slice(8, 24), slice(36, 52) if bias else slice(28, 44)
    for rows in (second, third):
        lengths = [np.linalg.norm(each[rows].reshape(4, 4), axis=1) for each in (scaled, other, theta)]
        np.testing.assert_allclose(lengths[0], lengths[1], rtol=1e-14)
        assert not np.allclose(lengths[0], lengths[2], rtol=0.1)
    kept = np.ones(theta.size, bool)
    kept[second] = kept[third] = False
    np.testing.assert_array_equal(scaled[kept], theta[kept])
    assert loss.loss(scaled) == pytest.approx(loss.loss(theta), rel=1e-8)


def test_the_curvature_along_rows_falls_with_the_square_of_their_length() -> None:
    """∇²L(c·w) = ∇²L(w)/c² on the rows of a layer, whose loss depends on their direction alone."""
    loss, rows = normalized(), np.arange(8, 24)
    theta = loss.parameters
    theta[rows] *= 1e5  # 1e-5 inside the norm fades
    other = theta.copy()
    other[rows] *= 3.0
    scaled = with_lengths_of(loss, theta, other)
    hessians = [loss.hessian(each) for each in (theta, scaled)]
    blocks = [np.array([h.product(unit)[rows] for unit in np.eye(loss.size)[rows]]) for h in hessians]
    np.testing.assert_allclose(blocks[0], 9.0 * blocks[1], rtol=0, atol=1e-8 * np.abs(blocks[0]).max())


@pytest.mark.parametrize("kind", ["mlp", "residual"])
def test_a_model_without_a_normalization_has_no_such_rows(kind: str) -> None:
    loss = loss_of_model(kind, PROBLEM, 4, 3, "tanh", 5)
    np.testing.assert_array_equal(with_lengths_of(loss, loss.parameters, np.ones(loss.size)), loss.parameters)
