"""Minibatches, label noise and SAM on inputs in R^d: trajectories of PyTorch, and the twin on the line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import plane_cases as pc
import stepscape as ss
from stepscape import methods, objectives, training
from stepscape.network import BLOCKS
from stepscape.objectives import batch_sharpness
from torch_network import Torch

N, K, STEPS = 14, 21, 200
METHODS = {
    "batches": methods.StochasticGradientDescent(0.05, STEPS, batch_size=3, seed=4),
    "one by one": methods.StochasticGradientDescent(0.02, STEPS, seed=4),
    "replacement": methods.StochasticGradientDescent(0.05, STEPS, batch_size=5, replacement=True, seed=5),
    "momentum": methods.StochasticGradientDescent(0.02, STEPS, batch_size=3, seed=4, momentum=0.6),
    "label noise": methods.LabelNoise(0.05, STEPS, noise=0.7, seed=6),
    "sam": methods.SharpnessAware(0.05, STEPS, radius=0.1),
}


def trained(given: ss.Problem, net: ss.TwoLayerReLU, method: Any, every: int = 37) -> ss.training.Trajectory:
    return ss.train(given, net, method, record_every=every, measure_sharpness=False)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("d", [2, 5])  # without matrix products, and with them
def test_trajectories_of_pytorch(name: str, d: int) -> None:
    given, net = pc.noisy_plane(N, d, seed=3, weighted=True), pc.plane_network(K, d, seed=2)
    run = trained(given, net, METHODS[name])
    assert run.outcome == "finished"
    assert np.abs(run.network.parameters - net.parameters).max() > 1e-2
    expected = Torch(given, net).run(METHODS[name], STEPS)
    np.testing.assert_allclose(run.network.parameters, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("blocks", [("w1", "w2"), ("b1", "w2", "b2"), ("w1", "b1", "b2")])
@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_frozen_blocks_and_both_losses(blocks: tuple[str, ...], loss: str) -> None:
    given, net = pc.noisy_plane(N, 4, seed=5, loss=loss), pc.plane_network(K, 4, seed=1, trainable=blocks)
    for name in ("momentum", "sam") if loss == "logistic" else METHODS:
        found = trained(given, net, METHODS[name]).network.parameters
        expected = Torch(given, net).run(METHODS[name], STEPS)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)
        np.testing.assert_array_equal(found[~net.trained], net.parameters[~net.trained])


@pytest.mark.parametrize("name", METHODS)
def test_at_one_variable_it_is_the_line(name: str) -> None:
    """Also of inputs that are not sorted: a number means the same example."""
    x = np.random.default_rng(0).permutation(np.linspace(-2.0, 2.0, N))
    given, net = ss.Problem(x, np.sin(2.0 * x), weights=1.0 + x**2), ss.TwoLayerReLU.random(K, seed=3)
    one, two = (
        training.run(make(given, net), net.parameters, METHODS[name], 60, measure_sharpness=False)
        for make in (objectives.line, objectives.plane)
    )
    np.testing.assert_allclose(two.theta, one.theta, rtol=0, atol=1e-11)
    np.testing.assert_allclose(two.theta_before, one.theta_before, rtol=0, atol=1e-11)
    np.testing.assert_allclose(two.loss, one.loss, rtol=1e-9)
    np.testing.assert_array_equal(two.time, one.time)


@pytest.mark.parametrize("name", METHODS)
def test_records_change_no_bit(name: str) -> None:
    given, net = pc.noisy_plane(N, 4, seed=3), pc.plane_network(K, 4, seed=2)
    ends = [trained(given, net, METHODS[name], every).network.parameters for every in (7, STEPS)]
    assert np.array_equal(*ends)


@pytest.mark.parametrize(
    "method",
    [
        methods.StochasticGradientDescent(0.05, 80, batch_size=N, seed=1),
        methods.LabelNoise(0.05, 80, noise=0.0),
        methods.SharpnessAware(0.05, 80, radius=0.0),
    ],
)
def test_each_has_descent_as_its_limit(method: Any) -> None:
    given, net = pc.noisy_plane(N, 4, seed=3), pc.plane_network(K, 4, seed=2)
    plain, found = (ss.train(given, net, each, 80) for each in (ss.GradientDescent(0.05, 80), method))
    for at in ("network", "network_before"):
        ends = [getattr(run, at).parameters for run in (plain, found)]
        np.testing.assert_allclose(*ends, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.edge_ratio, plain.edge_ratio, rtol=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_a_huge_step_size_diverges_and_says_what_to_do(name: str) -> None:
    method = type(METHODS[name])(**{**vars(METHODS[name]), "step_size": 1e6})
    run = ss.train(pc.noisy_plane(N, 4, seed=3), pc.plane_network(K, 4, seed=2), method)
    assert run.outcome == "diverged"
    assert "lower step_size, shrink the initialization, or " in run.message


def test_noise_on_labels_of_two_classes_is_refused() -> None:
    given, net = pc.noisy_plane(N, 4, loss="logistic"), pc.plane_network(K, 4)
    with pytest.raises(ss.InputError, match="loss must be 'square' for LabelNoise, got 'logistic'"):
        ss.train(given, net, METHODS["label noise"])
    with pytest.raises(ss.InputError, match="batch_size must be at most the 14 examples, got 15"):
        ss.train(given, net, methods.StochasticGradientDescent(0.1, 5, batch_size=15))


@pytest.mark.parametrize("blocks", [BLOCKS, ("w1", "w2"), ("b1", "w2")])
@pytest.mark.parametrize(("size", "replacement"), [(1, False), (5, True)])
def test_batch_sharpness_is_the_ratio_of_expectations(
    blocks: tuple[str, ...], size: int, replacement: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By gradient and Hessian of every batch as a problem of its own; neurons in blocks of two."""
    monkeypatch.setattr("stepscape.objectives.batch_curvature.NUMBERS", 2 * N * 6)
    drawn, net = pc.noisy_plane(N, 4, seed=3), pc.plane_network(K, 4, 2, trainable=blocks)
    given = ss.Problem(drawn.inputs, drawn.labels, weights=np.arange(1.0, N + 1.0))
    batches = methods.StochasticGradientDescent(1.0, 1, size, replacement, 9).batches(0, 28, N)
    above, below = [], []
    for rows in batches:
        kept, counts = np.unique(rows, return_counts=True)
        weights = counts * given.averaging[kept]
        here = objectives.plane(ss.Problem(given.inputs[kept], given.labels[kept], weights=weights), net)
        scale = weights.sum() * N / size
        g = scale * here.gradient(net.parameters)
        above.append(float(g @ (scale * here.hessian(net.parameters).product(g))))
        below.append(float(g @ g))
    ratios = {"ratio of means": sum(above) / sum(below), "mean of ratios": np.mean(np.divide(above, below))}
    for average, expected in ratios.items():
        found = batch_sharpness(given, net, size, 28, replacement, 9, average)
        assert found == pytest.approx(expected, rel=1e-10)
