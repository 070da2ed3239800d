"""Layered networks and toys of the edge: derivatives against automatic ones, recursions against steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import stepscape as ss
from stepscape import objectives
from stepscape.errors import InputError
from stepscape.objectives.batch_curvature import along_batches

PHI = {"tanh": torch.tanh, "gelu": torch.nn.functional.gelu, "relu": torch.relu}


def torch_loss(o, theta, y=None, v=None):
    """The same loss in PyTorch, with other labels or other weights."""
    at, a = 0, torch.tensor(o.problem.points)
    for number, (outputs, inputs) in enumerate(o.shapes):
        weights = theta[at : at + outputs * inputs].reshape(outputs, inputs)
        at += outputs * inputs
        z = a @ weights.T + theta[at : at + outputs]
        at += outputs
        a = PHI[o.activation](z) if number + 1 < len(o.shapes) else z
    y = torch.tensor(o.problem.labels if y is None else y)
    v, f = torch.tensor(o.problem.averaging if v is None else v), a[:, 0]
    if o.problem.loss == "square":
        return 0.5 * torch.sum(v * (f - y) ** 2)
    return torch.sum(v * torch.nn.functional.softplus(-y * f))


@pytest.mark.parametrize(
    ("activation", "loss"), [("tanh", "square"), ("gelu", "logistic"), ("relu", "square")]
)
def test_derivatives_are_those_of_pytorch(activation: str, loss: str) -> None:
    rng = np.random.default_rng(3)
    labels = rng.standard_normal(7) if loss == "square" else np.sign(rng.standard_normal(7))
    problem = ss.Problem(rng.standard_normal((7, 2)), labels, loss=loss, weights=rng.uniform(0.5, 2.0, 7))
    o = objectives.layered(problem, (4, 3), activation)
    theta, v = o.start(1.5, 1) + 0.1, rng.standard_normal(o.size)
    at = torch.tensor(theta, requires_grad=True)
    value = torch_loss(o, at)
    (gradient,) = torch.autograd.grad(value, at, create_graph=True)
    (product,) = torch.autograd.grad(gradient @ torch.tensor(v), at)
    assert o.loss(theta) == pytest.approx(float(value.detach()), rel=1e-13)
    np.testing.assert_allclose(o.gradient(theta), gradient.detach(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(o.hessian(theta).product(v), product, rtol=0, atol=1e-11)
    np.testing.assert_allclose(o.predict(theta, problem.inputs), o.predict(theta), rtol=0, atol=0)
    assert o.census(theta) == {}


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_examples_are_drawn_as_pytorch_weighs_them(loss: str) -> None:
    """A batch weighs example i by n v_i times the share of the batch that it is; noise moves the labels."""
    rng = np.random.default_rng(4)
    labels = rng.standard_normal(6) if loss == "square" else np.sign(rng.standard_normal(6))
    problem = ss.Problem(rng.standard_normal((6, 2)), labels, loss=loss, weights=rng.uniform(0.5, 2.0, 6))
    o = objectives.layered(problem, (4, 3))
    theta, direction, noise = o.start(1.5, 1) + 0.1, rng.standard_normal(o.size), rng.standard_normal(6)
    rows = np.array([4, 1, 4, 2])
    at = torch.tensor(theta, requires_grad=True)
    share = 6.0 * problem.averaging * np.bincount(rows, minlength=6) / rows.size
    (slope,) = torch.autograd.grad(torch_loss(o, at, v=share), at, create_graph=True)
    (product,) = torch.autograd.grad(slope @ torch.tensor(direction), at)
    (noisy,) = torch.autograd.grad(torch_loss(o, at, y=labels + noise), at)
    assert isinstance(o, objectives.Sampled)
    assert o.examples == 6
    np.testing.assert_allclose(o.batch_gradient(theta, rows), slope.detach(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(o.batch_hessian(theta, rows).product(direction), product, rtol=0, atol=1e-11)
    np.testing.assert_allclose(o.noisy_gradient(theta, noise), noisy, rtol=0, atol=1e-12)
    along, sizes = along_batches(o, theta, np.arange(6)[None])
    g = o.gradient(theta)
    assert sizes[0] == pytest.approx(g @ g, rel=1e-12)
    assert along[0] == pytest.approx(g @ o.hessian(theta).product(g), rel=1e-10)


def test_what_a_layered_network_refuses() -> None:
    problem = ss.Problem([[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0])
    for hidden, match in (((), "hold the width of at least one layer"), ((0,), "each of hidden must be")):
        with pytest.raises(InputError, match=match):
            objectives.layered(problem, hidden)
    with pytest.raises(InputError, match="unknown activation"):
        objectives.layered(problem, (2,), "tanj")
    o = objectives.layered(problem, (2,))
    with pytest.raises(InputError, match=r"noise must have shape \(2,\)"):
        o.noisy_gradient(o.start(), np.zeros(3))
    with pytest.raises(InputError, match="inputs must have 2 variables, got 3"):
        o.predict(o.start(), np.zeros((4, 3)))


def test_the_catapult_is_its_recursion() -> None:
    k, eta = 40, 0.5
    o = objectives.catapult(k)
    theta = o.start(2.9 / eta, 0.7, seed=2)
    f, curvature = o.output(theta), o.curvature(theta)
    assert (f, curvature) == (pytest.approx(0.7, rel=1e-13), pytest.approx(2.9 / eta, rel=1e-13))
    for _ in range(8):
        theta = theta - eta * o.gradient(theta)
        f, curvature = (
            f * (1.0 - eta * curvature + eta**2 * f**2 / k),
            curvature + eta * f**2 / k * (eta * curvature - 4.0),
        )
        assert o.output(theta) == pytest.approx(f, rel=1e-12, abs=1e-13)
        assert o.curvature(theta) == pytest.approx(curvature, rel=1e-13)
    assert o.loss(theta) == pytest.approx(0.5 * f * f, rel=1e-12)
    with pytest.raises(InputError, match="output must lie below"):
        o.start(0.1, 3.0)
    with pytest.raises(InputError, match="width must be a whole number of at least 2"):
        objectives.catapult(1).start(1.0, 0.1)


@pytest.mark.parametrize("toy", [objectives.catapult(3), objectives.self_stabilizing(0.3, 0.2)])
def test_derivatives_of_the_toys(toy) -> None:
    rng = np.random.default_rng(0)
    theta, v, h = rng.standard_normal(toy.size), rng.standard_normal(toy.size), 1e-6
    slope = (toy.loss(theta + h * v) - toy.loss(theta - h * v)) / (2.0 * h)
    bend = (toy.gradient(theta + h * v) - toy.gradient(theta - h * v)) / (2.0 * h)
    assert toy.gradient(theta) @ v == pytest.approx(slope, abs=1e-8)
    np.testing.assert_allclose(toy.hessian(theta).product(v), bend, rtol=0, atol=1e-8)
    assert toy.census(theta) == {}


def test_the_self_stabilizing_toy_moves_as_printed_and_keeps_its_energy() -> None:
    """One step is x ← −(1 + ηy)x, y ← y + η(α − ½x²); E drifts by O(η) of its change over a cycle."""
    eta, alpha = 0.05, 0.01
    o = objectives.self_stabilizing(eta, alpha)
    theta = np.array([0.1, 0.02])
    points = [theta]
    for _ in range(2000):
        x, y = points[-1]
        after = points[-1] - eta * o.gradient(points[-1])
        np.testing.assert_allclose(
            after, [-(1.0 + eta * y) * x, y + eta * (alpha - 0.5 * x * x)], rtol=0, atol=1e-15
        )
        points.append(after)
    energy = o.energy(np.array(points))
    assert np.ptp(energy) < 0.02 * np.ptp(0.5 * np.array(points)[:, 1] ** 2) + 1e-4
