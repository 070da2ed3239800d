"""The engine against dense descent and torch.optim.SGD, at every shape and with knots in awkward places."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
import torch

import oracles as ref
import stepscape as ss
from cases import (
    METHODS,
    STEPS,
    assert_same_path,
    check,
    dense,
    edge,
    network,
    noisy,
    path,
    reference_run,
    train,
)
from stepscape.kernels import relu1d


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("weighted", [False, True], ids=["uniform", "weighted"])
def test_300_steps_equal_dense_descent(method, weighted):
    check(noisy(weighted=weighted, repeats=weighted), network(), method, switches=50)


@pytest.mark.parametrize("blocks", ref.SUBSETS, ids="+".join)
@pytest.mark.parametrize("method", ["plain", "Nesterov, decay", "heavy ball, decay, warm-up"])
def test_any_subset_of_blocks_trains_and_the_others_keep_their_bits(blocks, method):
    problem, net = noisy(seed=3), network(seed=4, trainable=blocks)
    moves_knots = "w1" in blocks or "b1" in blocks
    run = check(problem, net, METHODS[method], switches=20 if moves_knots else 0)
    frozen = ~net.trained
    np.testing.assert_array_equal(run.network.parameters[frozen], net.parameters[frozen])
    assert np.all(run.network.parameters[net.trained & (net.parameters != 0)] != 0)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_networks_without_biases(method):
    problem = noisy(seed=1)
    net = network(seed=5)
    net = ss.TwoLayerReLU(net.w1, 0 * net.w1, net.w2, 0.0, trainable=("w1", "w2"))
    run = check(problem, net, method, switches=0)  # every knot is at 0 for good
    assert set(run.network.knots) <= {0.0}


def sgd(problem, net, run):
    """Train with torch.optim.SGD on the dense network; returns the parameters and activation switches."""
    x, y, v = (torch.tensor(a) for a in dense(problem)[:3])
    blocks = {
        name: torch.tensor(getattr(net, name), dtype=torch.float64, requires_grad=name in net.trainable)
        for name in ref.BLOCKS
    }
    method = run.method
    groups = [{"params": [blocks[name] for name in ref.BLOCKS[:3] if name in net.trainable]}]
    groups += [{"params": [blocks["b2"]], "weight_decay": 0.0}] if "b2" in net.trainable else []
    groups = [group for group in groups if group["params"]]
    optimizer = torch.optim.SGD(
        groups,
        lr=method.step_size,
        momentum=method.momentum,
        nesterov=method.nesterov,
        weight_decay=method.weight_decay,
    )
    switches, active = 0, None
    for eta in ref.geometric(run.step_size[0], method.step_size, method.warmup_steps, method.steps):
        for group in optimizer.param_groups:
            group["lr"] = float(eta)
        optimizer.zero_grad()
        z = x[:, None] * blocks["w1"] + blocks["b1"]
        f = torch.relu(z) @ blocks["w2"] + blocks["b2"]
        (0.5 * torch.sum(v * (f - y) ** 2)).backward()
        optimizer.step()
        now = (z > 0).detach()
        switches += 0 if active is None else int((now != active).sum())
        active = now
    return np.concatenate([np.atleast_1d(blocks[name].detach().numpy()) for name in ref.BLOCKS]), switches


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("blocks", [ref.BLOCKS, ("w1", "w2", "b2"), ("b1", "w2")], ids="+".join)
def test_300_steps_equal_torch_sgd(method, blocks):
    problem, net = noisy(seed=6), network(seed=8, trainable=blocks)
    run = train(problem, net, edge(problem, net, method), STEPS, **method)
    expected, switches = sgd(problem, net, run)
    assert switches > 20
    np.testing.assert_allclose(run.network.parameters, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["plain", "Nesterov, decay"])
@pytest.mark.parametrize("n", [1, 2, 3, relu1d.LANES_UP_TO - 1, relu1d.LANES_UP_TO, relu1d.LANES_UP_TO + 1])
def test_any_number_of_inputs(n, method):
    problem, net = noisy(n, seed=2, repeats=True), network(seed=9, k=23)
    check(problem, net, METHODS[method], switches=int(n > 2), steps=STEPS if n < 100 else 100)


@pytest.mark.parametrize("method", ["plain", "heavy ball, decay"])
@pytest.mark.parametrize(
    "k", [1, 2, 3, 5, relu1d.BLOCK - 1, relu1d.BLOCK, relu1d.BLOCK + 1, 2 * relu1d.BLOCK + 7]
)
def test_any_width(k, method):
    # A fifth of a wide network's neurons cross some input in 100 steps: blocks are followed independently.
    check(noisy(17, seed=5), network(k, seed=2, scale=1.2), METHODS[method], switches=1, steps=100)


@pytest.mark.parametrize("method", ["plain", "heavy ball"])
def test_knots_exactly_on_data(method):
    # max(z, 0)' = 0 at z = 0: a neuron whose knot is an input does not see it. 0.75 and -0.5 are exact.
    x = np.array([0.75, -0.5, 0.0, 1.0, -1.0, 0.75])
    w1 = np.array([1.0, -1.0, 2.0, -2.0, 1.0, -1.0, 4.0])
    knots = np.array([0.75, 0.75, -0.5, -0.5, 0.0, 0.0, 1.0])
    net = ss.TwoLayerReLU(w1, -w1 * knots, np.array([1, -1, 0.5, 2, -1, 1, 1.0]), 0.25)
    problem = ss.Problem(x, np.cos(3 * x))
    assert np.sum(ref.preactivation(net.parameters, x) == 0.0) >= 9
    check(problem, net, METHODS[method])
    # One step moves exactly as with the derivative 0 at the kink; with 1 it would differ by O(1).
    run = train(problem, net, 2.0**-4, 1)
    assert_same_path(run, reference_run(problem, net, run), 4e-16)


def test_activation_is_decided_by_the_rounded_product_as_in_dense_code():
    # b = -fl(w x): dense code sees z = 0, inactive; a fused multiply-add sees the rounding error of w x, of
    # either sign. Knots slide along data, so the difference matters.
    rng = np.random.default_rng(0)
    x, w1 = rng.uniform(-1, 1, 60), rng.standard_normal(60)
    net = ss.TwoLayerReLU(w1, -w1 * x, rng.standard_normal(60), 0.0)
    problem = ss.Problem(x, np.cos(9 * x))
    own = np.diag(ref.preactivation(net.parameters, x))
    exact = [Fraction(w) * Fraction(t) + Fraction(b) for w, t, b in zip(w1, x, net.b1, strict=True)]
    assert not own.any()
    assert sum(z > 0 for z in exact) > 20
    for method in METHODS.values():
        run = train(problem, net, 2.0**-8, 1, **method)
        assert_same_path(run, reference_run(problem, net, run), 1e-14)
    trace = np.trace(ref.hessian(net.parameters, dense(problem)))
    assert ss.hessian_trace(problem, net) == pytest.approx(trace, rel=1e-13)


def test_knots_resting_on_data_under_a_frozen_first_layer():
    x = np.linspace(-1, 1, 9)
    w1 = np.repeat([1.0, -1.0], 9)
    net = ss.TwoLayerReLU(w1, -w1 * np.tile(x, 2), np.linspace(-1, 1, 18), 0.0, trainable=("w2", "b2"))
    assert np.sum(ref.preactivation(net.parameters, x) == 0.0) == 18
    check(ss.Problem(x, np.abs(x)), net, {}, switches=0)


@pytest.mark.parametrize("method", ["plain", "Nesterov, decay"])
def test_neurons_without_slope(method):
    # w1 = 0: active everywhere when b1 > 0, nowhere otherwise; gradient moves it off zero to either side.
    w1 = np.array([0.0, 0.0, -0.0, 0.0, 1.0, -1.0])
    b1 = np.array([0.5, -0.5, 1.0, 0.0, 0.1, 0.2])
    net = ss.TwoLayerReLU(w1, b1, np.array([1.0, 1, -1, 1, 1, -1]), 0.0)
    check(noisy(11, seed=8), net, METHODS[method], switches=0)


def test_all_inputs_equal():
    problem = ss.Problem(np.full(5, 0.3), np.arange(5.0), weights=np.arange(5.0))
    check(problem, network(12, seed=3), {}, switches=0)


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("spread", [1e-3, 1.0, 1e3])
def test_inputs_of_any_size(offset, spread):
    # Knots are put among the inputs, wherever they are. Rounding scales with Σ |w2| (|w1 x| + |b1|).
    rng = np.random.default_rng(12)
    x = offset + spread * rng.uniform(-1, 1, 25)
    w1 = rng.standard_normal(30) / spread
    net = ss.TwoLayerReLU(w1, -w1 * rng.choice(x + 0.01 * spread, 30), 0.3 * rng.standard_normal(30), 0.0)
    problem = ss.Problem(x, np.sin(3 * (x - offset) / spread))
    eta = edge(problem, net, {}, 0.5)
    run = train(problem, net, eta, 100)
    expected = reference_run(problem, net, run)
    condition = 1.0 + offset / spread
    assert_same_path(run, expected, 1e-11 * condition)


@pytest.mark.parametrize("size", [1e-150, 1e-60, 1e60, 1e140, 1e150])
def test_labels_of_extreme_size(size):
    # Only the output layer trains: the path is linear in the labels.
    problem = ss.Problem([-1.0, 0.0, 2.0], size * np.array([1.0, -2.0, 0.5]))
    net = network(8, seed=1, trainable=("w2", "b2"))
    net = ss.TwoLayerReLU(net.w1, net.b1, size * net.w2, size * net.b2, net.trainable)
    run = train(problem, net, 0.1, 50)
    assert run.outcome == "finished"
    expected = reference_run(problem, net, run)
    np.testing.assert_allclose(run.network.w2, ref.split(expected.theta)[2], rtol=0, atol=1e-13 * size)


def test_dead_neurons_move_under_momentum_and_decay():
    # A neuron that died keeps its velocity and its decay: dropping it would be wrong. Large steps kill some.
    problem, net = noisy(seed=1), network(40, seed=21, scale=1.5)
    for method in ({"momentum": 0.9}, {"weight_decay": 0.05}):
        run = check(problem, net, method, fraction=1.3, switches=50)
        assert run.dead_neurons[-1] > 0


def test_threads_give_the_same_bits():
    problem, nets = noisy(seed=2), [network(300, seed=s) for s in range(4)]
    etas = [edge(problem, net, {}) for net in nets]
    serial = [path(train(problem, *pair, 2000)) for pair in zip(nets, etas, strict=True)]
    with ThreadPoolExecutor(2) as pool:
        threaded = list(pool.map(lambda net, eta: path(train(problem, net, eta, 2000)), nets, etas))
    for one, other in zip(serial, threaded, strict=True):
        np.testing.assert_array_equal(one, other)


def test_inputs_are_not_modified():
    x, y, v = np.array([2.0, -1.0, 0.5]), np.array([1.0, 0.0, 2.0]), np.array([1.0, 2.0, 3.0])
    copies = x.copy(), y.copy(), v.copy()
    net = network(6)
    theta = net.parameters.copy()
    train(ss.Problem(x, y, weights=v), net, 0.05, 50, momentum=0.5)
    for now, then in zip((x, y, v, net.parameters), (*copies, theta), strict=True):
        np.testing.assert_array_equal(now, then)
