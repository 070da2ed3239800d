"""Symmetries of the recursion: units, order, repeats, pauses, neurons that are active on no input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles as ref
import stepscape as ss
from budget import examples
from cases import (
    METHODS,
    STEPS,
    assert_same_path,
    edge,
    network,
    noisy,
    path,
    reference_run,
    train,
)
from stepscape.objectives import relu_line
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_line_sharpness import top


@examples(1 / 2)
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


@examples(1 / 3)
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


@examples(1 / 4)
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
