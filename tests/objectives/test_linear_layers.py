"""Deep linear networks: derivatives against autograd, the exact trace, and a descent to zero loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from stepscape import objectives, training
from stepscape.problems import ProductMeasurements

EPS = np.finfo(float).eps
SHAPES = [(4, 3), (3, 2, 2, 2), (5, 1, 3, 3)]


def network(shape, depth, seed=0):
    rng = np.random.default_rng(seed)
    problem = ProductMeasurements(rng.standard_normal(shape), rng.standard_normal(shape[0]), depth)
    return objectives.linear_network(problem), rng


def torch_loss(net):
    problem = net.problem
    A, b = torch.tensor(problem.block_design), torch.tensor(problem.labels)

    def loss(theta):
        product = theta.reshape(problem.depth, *A.shape[1:])
        X = product[0]
        for layer in product[1:]:
            X = layer @ X
        return ((A * X).sum(dim=(1, 2, 3)) - b).square().mean()

    return loss


@pytest.mark.parametrize("depth", [2, 3, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_are_those_of_autograd(shape, depth):
    net, rng = network(shape, depth)
    theta = rng.standard_normal(net.size)
    tensor, same = torch.tensor(theta), torch_loss(net)
    g = torch.func.grad(same)(tensor).numpy()
    h = torch.autograd.functional.hessian(same, tensor).numpy()
    assert net.loss(theta) == pytest.approx(float(same(tensor)), rel=1e-13)
    np.testing.assert_allclose(net.gradient(theta), g, rtol=0, atol=1e-13 * np.abs(g).max())
    operator = net.hessian(theta)
    rows = np.array([operator.product(row) for row in np.eye(operator.size)])
    np.testing.assert_allclose(rows, h, rtol=0, atol=1e-13 * np.abs(h).max())
    assert net.trace(theta) == pytest.approx(np.trace(h), rel=1e-13)
    assert net.census(theta) == {}


@examples(1 / 2)
@given(st.integers(1, 5), st.integers(1, 6), st.integers(2, 6), st.integers(0, 2**32))
def test_the_trace_of_a_diagonal_network_is_a_sum_over_left_out_layers(d, m, depth, seed):
    # 2 Σ_i D_ii Σ_j Π_{l≠j} v_{l,i}² with D_ii = (1/m)‖A_{:,i}‖².
    net, rng = network((m, d), depth, seed)
    layers = rng.standard_normal((depth, d))
    left_out = sum(np.prod(np.delete(layers, j, axis=0) ** 2, axis=0) for j in range(depth))
    expected = 2.0 * np.mean(net.problem.design**2, axis=0) @ left_out
    assert net.trace(net.parameters(layers)) == pytest.approx(expected, rel=64 * EPS)


def test_the_product_of_a_diagonal_network_is_the_entrywise_one():
    net, rng = network((4, 3), 4)
    layers = rng.standard_normal((4, 3))
    np.testing.assert_allclose(net.product(net.parameters(layers)), np.prod(layers, axis=0), rtol=8 * EPS)
    blocks = layers.reshape(4, 3, 1, 1)
    np.testing.assert_array_equal(net.parameters(blocks), net.parameters(layers))
    np.testing.assert_array_equal(net.layers(net.parameters(layers)), blocks)


@pytest.mark.parametrize(("shape", "depth"), [((4, 6), 2), ((4, 6), 3), ((6, 2, 2, 2), 3)])
def test_descent_reaches_zero_loss_at_a_stable_minimum(shape, depth):
    net, _ = network(shape, depth)
    start = np.random.default_rng(3).standard_normal(net.size)
    run = training.run(net, start, ss.GradientDescent(0.02, 4000), record_every=4000)
    assert run.loss[-1] < 1e-12
    assert 0.0 < run.sharpness[-1] <= 2 / 0.02
    assert net.trace(run.theta) >= run.sharpness[-1]  # all eigenvalues are at least 0 there


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: objectives.linear_network(3), "problem must be a ProductMeasurements, got an int"),
        (lambda net: net.layers(np.ones(5)), r"theta must have shape \(12,\), got \(5,\)"),
        (lambda net: net.trace(np.full(12, np.inf)), r"theta must be finite, got inf in it"),
        (lambda _: objectives.LinearNetwork(3), "problem must be a ProductMeasurements, got an int"),
        (lambda net: net.parameters(np.ones((2, 3))), r"layers must have shape \(4, 3\), got \(2, 3\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, message):
    net, _ = network((4, 3), 4)
    with pytest.raises(ss.InputError, match=message):
        call(net)
