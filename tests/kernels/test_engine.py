"""The training engine against dense descent, torch.optim.SGD, and exact symmetries of the recursion."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import oracles as ref
import stepscape as ss
from cases import METHODS, assert_same_path, dense, edge, network, noisy, reference_run, train
from stepscape.kernels import relu1d
from stepscape.objectives import relu_line
from stepscape.objectives.relu_line_hessian import Hessian, top

STEPS = 300


def check(problem, net, method, fraction=None, switches=1, steps=STEPS):
    run = train(problem, net, edge(problem, net, method, fraction), steps, **method)
    assert run.outcome == "finished", run.message
    expected = reference_run(problem, net, run)
    assert expected.switches >= switches, "the step size is too small to test activation changes"
    assert_same_path(run, expected)
    return run


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


@settings(max_examples=30)
@given(
    power=st.integers(-120, 120),
    method=st.sampled_from(["plain", "heavy ball", "Nesterov", "decay"]),
    seed=st.integers(0, 99),
)
def test_units_of_the_labels_change_no_bit(power, method, seed):
    # With b2 frozen: (w1, b1, w2, b2, y, η, λ) → (s w1, s b1, s w2, s² b2, s² y, η/s², s² λ) maps a path onto
    # itself, and s = 2^power multiplies without rounding.
    s = 2.0**power
    base, net = noisy(12, seed=seed), network(9, seed=seed, trainable=("w1", "b1", "w2"))
    options = dict(METHODS[method])
    eta = edge(base, net, options)
    plain = train(base, net, eta, 60, **options)
    options["weight_decay"] = options.get("weight_decay", 0.0) * s * s
    scaled = ss.TwoLayerReLU(s * net.w1, s * net.b1, s * net.w2, s * s * net.b2, net.trainable)
    run = train(ss.Problem(base.inputs, s * s * base.labels), scaled, eta / (s * s), 60, **options)
    assert run.outcome == plain.outcome
    for name in ("w1", "b1", "w2"):
        np.testing.assert_array_equal(getattr(run.network, name), s * getattr(plain.network, name))
    np.testing.assert_array_equal(run.loss, s**4 * plain.loss)


@settings(max_examples=20)
@given(power=st.integers(-200, 200), seed=st.integers(0, 99))
def test_units_of_the_inputs_change_no_bit(power, seed):
    # With w1 frozen: (x, w1) → (s x, w1/s).
    s = 2.0**power
    base, net = noisy(12, seed=seed), network(9, seed=seed, trainable=("b1", "w2", "b2"))
    eta = edge(base, net, {})
    plain = train(base, net, eta, 60)
    scaled = ss.TwoLayerReLU(net.w1 / s, net.b1, net.w2, net.b2, net.trainable)
    run = train(ss.Problem(s * base.inputs, base.labels), scaled, eta, 60)
    for name in ("b1", "w2", "b2"):
        np.testing.assert_array_equal(getattr(run.network, name), getattr(plain.network, name))


def path(run):
    return np.concatenate([run.network.parameters, run.network_before.parameters, run.loss])


@settings(max_examples=15)
@given(seed=st.integers(0, 999), method=st.sampled_from(sorted(METHODS)))
def test_the_order_of_the_examples_changes_no_bit(seed, method):
    problem, net = noisy(20, seed=seed, weighted=True), network(11, seed=seed)
    order = np.random.default_rng(seed).permutation(problem.size)
    shuffled = ss.Problem(problem.inputs[order], problem.labels[order], weights=problem.weights[order])
    eta = edge(problem, net, METHODS[method])
    # Weights are divided by the largest and then by their sum: with eighths no sum is rounded, in any order.
    whole = np.minimum(np.round(4 * problem.weights), 8)
    whole[1] = 8
    problem = ss.Problem(problem.inputs, problem.labels, weights=whole)
    shuffled = ss.Problem(shuffled.inputs, shuffled.labels, weights=whole[order])
    first, second = (path(train(p, net, eta, 80, **METHODS[method])) for p in (problem, shuffled))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_repeated_examples_are_weights(method):
    rng = np.random.default_rng(3)
    once, net = noisy(12, seed=7), network(20, seed=1)
    times = rng.integers(1, 5, once.size)
    merged = ss.Problem(once.inputs, once.labels, weights=7.5 * times)
    repeated = ss.Problem(np.repeat(once.inputs, times), np.repeat(once.labels, times))
    eta = edge(merged, net, method)
    first, second = (
        path(train(merged, net, eta, 150, **method)),
        path(train(repeated, net, eta, 150, **method)),
    )
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-12 * np.abs(first).max())


@pytest.mark.parametrize("method", ["plain", "heavy ball, decay", "Nesterov, warm-up", "warm-up"])
def test_where_the_kernel_returns_does_not_change_the_path(method, monkeypatch):
    problem, net = noisy(seed=4), network(60, seed=6)
    options = METHODS[method]
    eta = edge(problem, net, options)
    whole = path(train(problem, net, eta, 250, **options))
    run = ss.train(problem, net, ss.GradientDescent(eta, 250, **options), 7, measure_sharpness=False)
    pieces = np.concatenate([run.network.parameters, run.network_before.parameters])
    np.testing.assert_allclose(pieces, whole[: pieces.size], rtol=0, atol=1e-12 * np.abs(whole).max())
    # The same when the kernel comes back between records to report progress.
    monkeypatch.setattr(relu_line, "CHUNK", 13 * (problem.size + net.width))
    made = []
    method = ss.GradientDescent(eta, 250, **options)
    run = ss.train(problem, net, method, 1000, measure_sharpness=False, progress=made.append)
    assert made == [*range(13, 250, 13), 250]
    np.testing.assert_allclose(path(run)[: pieces.size], pieces, rtol=0, atol=1e-12 * np.abs(whole).max())


def test_plain_descent_continues_where_it_stopped():
    problem, net = noisy(seed=4), network(60, seed=6)
    eta = edge(problem, net, {})
    whole = train(problem, net, eta, 240)
    halves = train(problem, train(problem, net, eta, 100).network, eta, 140)
    np.testing.assert_allclose(
        halves.network.parameters,
        whole.network.parameters,
        atol=1e-12 * np.abs(whole.network.parameters).max(),
    )


@pytest.mark.parametrize("blocks", [ref.BLOCKS, ("w1", "w2"), ("b1", "b2")], ids="+".join)
def test_dead_neurons_stay_to_the_bit_and_disturb_nobody(blocks):
    problem, live = noisy(seed=10), network(37, seed=10, trainable=blocks)
    low, high = problem.inputs.min(), problem.inputs.max()
    rng = np.random.default_rng(1)
    w = rng.uniform(0.1, 3, 50) * rng.choice([-1, 1], 50)
    knots = np.where(w > 0, high + rng.uniform(0, 2, 50), low - rng.uniform(0, 2, 50))
    knots[:2] = (high, low) if w[0] > 0 > w[1] else knots[:2]
    place = np.sort(rng.choice(87, 50, replace=False))  # dead neurons scattered among the live ones
    dead = np.zeros(87, bool)
    dead[place] = True

    def mixed(alive, extra):
        out = np.empty(87)
        out[~dead], out[dead] = alive, extra
        return out

    outer = 3 * rng.standard_normal(50)
    net = ss.TwoLayerReLU(
        mixed(live.w1, w), mixed(live.b1, -w * knots), mixed(live.w2, outer), live.b2, trainable=blocks
    )
    assert not np.any(ref.preactivation(net.parameters, problem.inputs)[:, dead] > 0)
    eta = edge(problem, live, {})
    run, alone = train(problem, net, eta, STEPS), train(problem, live, eta, STEPS)
    for iterate, other in ((run.network, alone.network), (run.network_before, alone.network_before)):
        for name in ("w1", "b1", "w2"):
            mine, start = getattr(iterate, name), getattr(net, name)
            np.testing.assert_array_equal(mine[dead], start[dead])
            np.testing.assert_allclose(mine[~dead], getattr(other, name), rtol=0, atol=1e-12)
        assert abs(iterate.b2 - other.b2) <= 1e-12
    assert run.dead_neurons[0] == 50 + alone.dead_neurons[0]
    assert_same_path(run, reference_run(problem, net, run))


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_dead_neurons_disturb_nobody_however_large_they_are(method, loss):
    """Weights of 1e9 that act on no input: their products of 1e18 must not pass through any sum."""
    problem, live = noisy(seed=10, loss=loss), network(37, seed=10)
    low, high = problem.inputs.min(), problem.inputs.max()
    w = 1e9 * np.array([-1.0, -3.0, 2.0, 0.0, 0.0])
    b = np.append(-w[:3] * np.array([low - 1, low - 0.01, high + 1]), [-1e9, 0.0])
    u = 1e9 * np.array([5.0, -7.0, 3.0, 4.0, -2.0])
    net = ss.TwoLayerReLU(np.append(live.w1, w), np.append(live.b1, b), np.append(live.w2, u), live.b2)
    assert not np.any(ref.preactivation(net.parameters, problem.inputs)[:, 37:] > 0)
    eta = edge(problem, live, method, 0.3)
    run, alone = train(problem, net, eta, STEPS, **method), train(problem, live, eta, STEPS, **method)
    assert run.loss == pytest.approx(alone.loss, rel=1e-12)
    for iterate, other in ((run.network, alone.network), (run.network_before, alone.network_before)):
        for name in ("w1", "b1", "w2"):
            np.testing.assert_allclose(getattr(iterate, name)[:37], getattr(other, name), rtol=0, atol=1e-11)
        mine, same = Hessian(problem, iterate), Hessian(problem, other)
        np.testing.assert_allclose(mine.predictions, same.predictions, rtol=0, atol=1e-11)
        assert mine.trace == pytest.approx(same.trace, rel=1e-11)
        assert top(mine).value == pytest.approx(top(same).value, rel=1e-6)


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


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_the_warm_up_rises_geometrically_from_the_inverse_sharpness(momentum):
    problem, net = noisy(seed=3), network(seed=3)
    top = np.linalg.eigvalsh(ref.hessian(net.parameters, dense(problem)))[-1]
    method = ss.GradientDescent(3.7 / top, 90, momentum=momentum, warmup_steps=40)
    run = ss.train(problem, net, method, record_every=10, measure_sharpness=False)
    assert run.step_size[0] == pytest.approx(
        1 / top, rel=1e-7
    )  # a Ritz value of relative residual 1e-4, squared
    expected = ref.geometric(run.step_size[0], method.step_size, 40, 91)
    np.testing.assert_allclose(run.step_size, expected[run.at_steps], rtol=1e-13)
    times = np.concatenate([[0.0], np.cumsum(expected)])[run.at_steps] / (1 - momentum)
    np.testing.assert_allclose(run.time, times, rtol=1e-13)
    # A step size below the inverse sharpness is used from the start.
    gentle = ss.GradientDescent(0.5 / top, 5, warmup_steps=40)
    assert ss.train(problem, net, gentle).step_size[0] == gentle.step_size


def test_records_are_the_states_at_their_steps():
    problem, net = noisy(seed=13), network(25, seed=2)
    method = ss.GradientDescent(edge(problem, net, {}), 47, weight_decay=0.01)
    seen = []
    run = ss.train(problem, net, method, record_every=10, observe=seen.append, record_at=(33, 3, 20))
    assert run.at_steps.tolist() == [0, 3, 10, 20, 30, 33, 40, 47] == [s.step for s in seen]
    d, trained = dense(problem), ref.mask(net.width, net.trainable)
    for i, snapshot in enumerate(seen):
        expected = ref.descend(net.parameters, d, trained, [method.step_size] * snapshot.step, decay=0.01)
        np.testing.assert_allclose(snapshot.network.parameters, expected.theta, atol=1e-12)
        np.testing.assert_allclose(snapshot.network_before.parameters, expected.before, atol=1e-12)
        assert run.loss[i] == pytest.approx(expected.losses[-1], rel=1e-12)
        decayed = 0.01 * np.diag(np.append(np.ones(75), 0.0))
        top = np.linalg.eigvalsh(ref.hessian(expected.theta, d) + decayed)[-1]
        assert run.sharpness[i] == pytest.approx(top, rel=1e-8)
        assert run.sharpness_residual[i] <= 2e-8 * top
        assert run.edge_ratio[i] == pytest.approx(top * method.step_size / 2, rel=1e-8)
        middle = (ref.forward(expected.theta, d.x) + ref.forward(expected.before, d.x)) / 2
        np.testing.assert_allclose(snapshot.predict(d.x), middle, atol=1e-12)
        if i:
            move = expected.theta - expected.before
            change = ref.gradient(expected.theta, d) - ref.gradient(expected.before, d)
            assert run.smoothness[i] == pytest.approx(change @ move / (move @ move), abs=1e-8 * top)
    assert np.isnan(run.smoothness[0])
    np.testing.assert_allclose(run.predict(d.x), middle, atol=1e-12)
    np.testing.assert_allclose(run.time, run.at_steps * method.step_size)


def test_neurons_are_counted_by_definition():
    x = np.array([-1.0, 0.0, 1.0])
    # Knots: -0.5 and 0.5 inside; 1.0 and 2.0 not strictly inside; 0.001 sticks to the input 0.
    knots = np.array([-0.5, 0.5, 1.0, 2.0, 0.001, 1.0])
    w1 = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    net = ss.TwoLayerReLU(np.append(w1, [0.0, 0.0]), np.append(-w1 * knots, [1.0, -1.0]), np.ones(8))
    run = train(ss.Problem(x, x), net, 1e-9, 1)
    assert run.bent_neurons[0] == 3
    assert run.dead_neurons[0] == 2  # the knot at 1 that looks right, and w1 = 0 with b1 < 0
    assert run.knots_at_data[0] == 1
    single = train(ss.Problem([0.3], [1.0]), net, 1e-9, 1)
    assert single.bent_neurons[0] == single.knots_at_data[0] == 0


DIVERGENT = {
    "soon": (10.0, {}),
    "far": (1e3, {}),
    "overflows in a few steps": (1e150, {}),
    "overflows at once": (1e300, {}),
    "heavy ball": (10.0, {"momentum": 0.9}),
    "Nesterov": (1e100, {"momentum": 0.9, "nesterov": True}),
    "decay": (30.0, {"weight_decay": 0.3}),
    "warm-up": (1e4, {"warmup_steps": 50}),
    "heavy ball, overflows": (1e300, {"momentum": 0.9, "weight_decay": 0.1}),
}


@pytest.mark.parametrize(("factor", "method"), DIVERGENT.values(), ids=DIVERGENT)
@pytest.mark.parametrize("blocks", [ref.BLOCKS, ("w2", "b2")], ids="+".join)
def test_divergence_is_an_outcome_noticed_within_a_record_interval(factor, method, blocks):
    problem, net = noisy(seed=1), network(50, seed=17, scale=1.5, trainable=blocks)
    eta = edge(problem, net, method, factor)
    every, made = 40, []
    options = ss.GradientDescent(eta, 100_000, **method)
    run = ss.train(problem, net, options, record_every=every, progress=made.append)
    assert run.outcome == "diverged"
    assert max(made) <= run.at_steps[-1] + every < 100_000
    warm_up = "raise warmup_steps" if "warmup_steps" in method else "set warmup_steps"
    assert run.message.endswith(f": lower step_size, shrink the initialization, or {warm_up}")
    assert f"diverged within {max(made)} steps at step_size {eta:g}" in run.message
    assert run.message.count("\n") == 0
    for name in ("time", "step_size", "loss", "sharpness", "sharpness_residual", "edge_ratio"):
        assert np.all(np.isfinite(getattr(run, name))), name
    assert np.all(np.isfinite(run.smoothness[1:]))
    for iterate in (run.network, run.network_before):
        assert np.all(np.isfinite(iterate.parameters))
    assert np.all(np.isfinite(run.predict(problem.inputs)))
    assert "diverged after" in repr(run)


def test_the_step_size_a_divergence_message_allows_is_the_threshold_of_the_start():
    problem, net = noisy(seed=1), network(50, seed=17, scale=1.5)
    top = np.linalg.eigvalsh(ref.hessian(net.parameters, dense(problem)))[-1]
    for method, edge_product in (
        ({}, 2.0),
        ({"momentum": 0.5}, 3.0),
        ({"momentum": 0.5, "nesterov": True}, 1.5),
    ):
        run = train(problem, net, 1e6, 10, **method)
        assert f"initial sharpness {top:.4g} allows step sizes up to {edge_product / top:.3g}" in run.message


def test_a_divergence_message_does_not_contradict_itself():
    # Stable where it starts, then the sharpness grows and the run is lost.
    problem, net = noisy(12, seed=0), network(9, seed=0, trainable=("w1", "b1", "w2"))
    method = ss.GradientDescent(edge(problem, net, METHODS["heavy ball"], 0.6), 60, momentum=0.9)
    run = ss.train(problem, net, method, record_every=10)
    limit = method.threshold() * method.step_size / run.sharpness[0]
    assert run.outcome == "diverged"
    assert limit > method.step_size
    assert f"would allow step sizes up to {limit:.3g}, but it grew on the way: lower step_size" in run.message


def test_an_unstable_start_on_zero_labels_is_not_called_divergence():
    # Labels 0 and f = 0 on the data up to 1e-9: the loss grows by far more than 10^10 times before the
    # network settles in a flatter place, at the scale of its own parameters.
    x = np.array([-1.0, 1.0])
    net = ss.TwoLayerReLU([2.0, 2.0], [3.0, 3.0], [1.0, -1.0 + 1e-9], 0.0, trainable=("w1", "b1", "w2"))
    problem = ss.Problem(x, 0 * x)
    method = ss.GradientDescent(edge(problem, net, {}, 1.2), 300)
    run = ss.train(problem, net, method, record_every=1, measure_sharpness=False)
    assert run.outcome == "finished", run.message
    assert run.loss.max() > 1e13 * run.loss[0]


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


def test_a_start_whose_loss_overflows_is_refused_with_a_way_out():
    problem = ss.Problem([-1.0, 1.0], [1e200, -1e200])
    with pytest.raises(
        ss.InputError, match=r"the loss of the start must be finite, got inf; rescale the labels"
    ):
        ss.train(problem, network(4), ss.GradientDescent(0.1, 10))


@pytest.mark.parametrize("every", [0, -1, 1.5, "10", None, True])
def test_record_every_must_be_a_whole_number(every):
    with pytest.raises(ss.InputError, match=r"record_every must be a whole number of at least 1, got"):
        ss.train(noisy(), network(), ss.GradientDescent(0.1, 10), record_every=every)


@pytest.mark.parametrize("step", [0, 11])
def test_further_records_must_lie_within_the_run(step):
    with pytest.raises(ss.InputError, match=f"record_at must lie between 1 and the 10 steps, got {step}"):
        ss.train(noisy(), network(), ss.GradientDescent(0.1, 10), record_at=(5, step))


def test_a_finished_run_says_so():
    run = train(noisy(), network(), 0.01, 30)
    assert run.message == "finished after 30 steps"
    assert "finished after 30 steps, loss" in repr(run)
    assert np.isnan(run.sharpness).all()
    assert np.isnan(run.edge_ratio).all()
    measured = ss.train(noisy(), network(), ss.GradientDescent(0.01, 30))
    assert "edge ratio" in repr(measured)


THRESHOLDS = [(0.0, False), (0.3, False), (0.9, False), (0.3, True), (0.9, True)]


def recursion(product, beta, nesterov, steps):
    """Follow the method on ½ λ x² with ηλ = product from x = 1, v = 0, in η-free units."""
    x, v, out = 1.0, 0.0, [1.0]
    for _ in range(steps):
        v = beta * v + product * x
        x -= product * x + beta * v if nesterov else v
        out.append(x)
    return np.array(out)


@pytest.mark.parametrize(("beta", "nesterov"), THRESHOLDS)
@pytest.mark.parametrize("sign", [-1, 1], ids=["below", "above"])
def test_perturb_and_run_at_a_real_minimum(beta, nesterov, sign):
    # At an interpolating minimum, 1e-6 off along the top eigenvector, the deviation follows the recursion of
    # the quadratic with curvature λ: |1 - ηλ| = .99 or 1.01 a step for descent. Higher orders are 1e-6
    # relative a step, and grow with the 300 steps.
    net = network(15, seed=3)
    x = np.linspace(-2, 2, 12) + 0.013
    assert np.abs(net.knots[:, None] - x).min() > 1e-3
    problem = ss.Problem(x, net.predict(x))
    values, vectors = np.linalg.eigh(ref.hessian(net.parameters, dense(problem)))
    top, size = vectors[:, -1], 1e-6 * (1 - beta)
    start = net.with_parameters(net.parameters + size * top)
    options = {"momentum": beta, "nesterov": nesterov} if beta else {}
    edge_product = ss.GradientDescent(1.0, 1, **options).threshold()
    product = edge_product + sign * 0.01 * (1 - beta)
    method = ss.GradientDescent(product / values[-1], 300, **options)
    away = []
    ss.train(problem, start, method, 1, measure_sharpness=False,
             observe=lambda s: away.append(top @ (s.network.parameters - net.parameters)))  # fmt: skip
    expected = size * recursion(product, beta, nesterov, 300)
    np.testing.assert_allclose(away, expected, rtol=0, atol=5e-3 * np.abs(expected).max())
    if beta == 0.0:
        ratio = np.array([abs(b / a) for a, b in pairwise(away)])
        np.testing.assert_allclose(ratio, 1 + sign * 0.01, atol=1e-4)
    late = np.abs(away[-20:]).max() / np.abs(away[30:50]).max()
    assert late < 0.9 if sign < 0 else late > 1.1


def test_arguments_of_another_type_are_named():
    problem, net, method = noisy(), network(), ss.GradientDescent(0.1, 5)
    for wrong, message in (
        (lambda: ss.train(problem, net, 0.1), "method must be a GradientDescent, got a float"),
        (lambda: ss.train(net, problem, method), "problem must be a Problem, got a TwoLayerReLU"),
        (lambda: ss.certify(problem, problem), "network must be a TwoLayerReLU, got a Problem"),
        (lambda: ss.theory.worst_case_excess([1.0], [1], [0.0]), "flat must be a FlatClass, got a list"),
        (lambda: ss.theory.worst_case_gap([1.0], [1], [0.0]), "flat must be a FlatClass, got a list"),
        (lambda: ss.theory.expected_excess(net), "flat must be a FlatClass, got a TwoLayerReLU"),
        (lambda: ss.problems.bernoulli(np.sin), "unknown curve .*ufunc 'sin'.*known: tent"),
        (
            lambda: ss.theory.margin_cost([0.0, 1.0], ["a", "b"]),
            "labels must hold real numbers, got list",
        ),
    ):
        with pytest.raises(ss.InputError, match=message):
            wrong()
