"""Training and curvature with the logistic loss: dense descent, torch, mpmath, and what holds far out."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import oracles as ref
import stepscape as ss
from budget import examples
from cases import EPS, METHODS, assert_same_path, dense, edge, network, noisy, reference_run, train
from stepscape.kernels import relu1d
from stepscape.losses import loss_of
from stepscape.objectives.relu_line_hessian import Hessian, top


def logistic(n=30, seed=0, **options):
    return noisy(n, seed, loss="logistic", **options)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("weighted", [False, True], ids=["uniform", "weighted"])
def test_300_steps_equal_dense_descent(method, weighted):
    problem, net = logistic(weighted=weighted, repeats=weighted), network()
    run = train(problem, net, edge(problem, net, method), 300, **method)
    expected = reference_run(problem, net, run)
    assert expected.switches >= 50, "the step size is too small to test activation changes"
    assert_same_path(run, expected)


@pytest.mark.parametrize("blocks", ref.SUBSETS, ids="+".join)
def test_any_subset_of_blocks_trains(blocks):
    problem, net = logistic(seed=3), network(seed=4, trainable=blocks)
    method = METHODS["heavy ball, decay, warm-up"]
    run = train(problem, net, edge(problem, net, method), 300, **method)
    assert_same_path(run, reference_run(problem, net, run))
    frozen = ~net.trained
    np.testing.assert_array_equal(run.network.parameters[frozen], net.parameters[frozen])


def test_labels_may_be_written_either_way():
    problem, net = logistic(seed=5), network(seed=5)
    other = ss.Problem(problem.inputs, (problem.labels + 1) / 2, "logistic")
    runs = [train(each, net, 0.1) for each in (problem, other)]
    np.testing.assert_array_equal(runs[0].network.parameters, runs[1].network.parameters)


def test_swapping_the_classes_negates_the_output_weights():
    """L(−f, −y) = L(f, y), and descent keeps the symmetry to the bit."""
    problem, net = logistic(seed=6), network(seed=6)
    mirror = ss.Problem(problem.inputs, -problem.labels, "logistic")
    run = train(problem, net, 0.2)
    other = train(mirror, ss.TwoLayerReLU(net.w1, net.b1, -net.w2, -net.b2), 0.2)
    np.testing.assert_array_equal(other.network.w2, -run.network.w2)
    np.testing.assert_array_equal(other.network.w1, run.network.w1)
    assert other.loss[-1] == run.loss[-1]


def torch_loss(problem, width):
    x, y, v = (torch.tensor(a) for a in dense(problem)[:3])

    def loss(theta):
        w1, b1, w2, b2 = theta.split([width, width, width, 1])
        f = torch.relu(x[:, None] * w1 + b1) @ w2 + b2
        each = torch.nn.functional.binary_cross_entropy_with_logits(f, (y + 1) / 2, reduction="none")
        return torch.sum(v * each)

    return loss


@pytest.mark.parametrize("seed", range(3))
def test_autograd_agrees(seed):
    problem, net = logistic(15, seed=seed, weighted=True), network(12, seed=seed)
    theta, loss = torch.tensor(net.parameters), torch_loss(problem, 12)
    operator = Hessian(problem, net)
    h = torch.autograd.functional.hessian(loss, theta).numpy()
    assert operator.loss == pytest.approx(float(loss(theta)), rel=1e-13)
    np.testing.assert_allclose(ss.hessian(problem, net) @ np.eye(37), h, atol=1e-13 * np.abs(h).max())
    np.testing.assert_allclose(operator.gradient, torch.func.grad(loss)(theta).numpy(), atol=1e-13)
    assert ss.sharpness(problem, net).value == pytest.approx(np.linalg.eigvalsh(h)[-1], rel=1e-12)
    assert ss.hessian_trace(problem, net) == pytest.approx(np.trace(h), rel=1e-12)


def test_torch_sgd_walks_the_same_path():
    problem, net = logistic(seed=8, weighted=True), network(seed=8)
    theta = torch.tensor(net.parameters, requires_grad=True)
    sgd, loss = torch.optim.SGD([theta], lr=0.3, momentum=0.5), torch_loss(problem, net.width)
    for _ in range(200):
        sgd.zero_grad()
        loss(theta).backward()
        sgd.step()
    run = train(problem, net, 0.3, 200, momentum=0.5)
    np.testing.assert_allclose(run.network.parameters, theta.detach().numpy(), rtol=0, atol=1e-11)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 40),
    k=st.integers(1, 40),
    blocks=st.sampled_from(ref.SUBSETS),
    decay=st.sampled_from([0.0, 0.3]),
    gauss_newton=st.booleans(),
    loud=st.sampled_from([1.0, 10.0]),
)
def test_sharpness_trace_and_residual_are_those_of_the_dense_hessian(
    seed, n, k, blocks, decay, gauss_newton, loud
):
    problem, net = logistic(n, seed=seed, weighted=n > 3), network(k, seed, 0.7 * loud, blocks)
    d, theta, keep = dense(problem), net.parameters, net.trained
    g, r = ref.gauss_newton(theta, d), ref.residual_part(theta, d)
    decayed = decay * np.diag(np.append(np.ones(3 * k), 0.0))
    matrix = (g if gauss_newton else g + r) + decayed
    values = np.linalg.eigvalsh(matrix[np.ix_(keep, keep)])
    scale = max(abs(values[0]), abs(values[-1]))
    pair = ss.sharpness(problem, net, gauss_newton=gauss_newton, weight_decay=decay)
    # f, and with it D, is off by eps times the magnitudes that f is summed from; saturated examples make
    # neighbors of eigenvalues, and the value may be one that lies within the tolerance of the largest.
    size = np.abs(net.w2) @ (2 * np.abs(net.w1) + np.abs(net.b1)) + abs(net.b2)
    error = 4e-8 * scale + 64 * EPS * size * np.abs(g).max()
    assert abs(pair.value - values[-1]) <= error
    assert pair.residual <= 2e-8 * scale + error
    operator = Hessian(problem, net, decay=decay)
    # A sum over the inputs beyond a knot is a difference of sums over all of them: a neuron that sees only
    # saturated examples has a trace of 0 beside that of the others.
    trace = float(np.trace((g + decayed)[np.ix_(keep, keep)]))
    curved = d.v @ (loss_of("logistic").curvature(net.predict(d.x)) * (1 + d.x**2))
    beside = 1e-13 * curved * (net.parameters @ net.parameters)
    assert operator.trace == pytest.approx(trace, rel=1e-12 * (1 + size), abs=beside)
    norm = np.linalg.norm(r[np.ix_(keep, keep)], 2)
    assert operator.residual_norm == pytest.approx(norm, abs=1e-13 * (1 + size))


@pytest.mark.parametrize("seed", range(3))
def test_finite_differences_agree_away_from_kinks(seed):
    problem, net = logistic(10, seed=seed), network(8, seed=seed)
    theta, step = net.parameters, 1e-5
    operator = Hessian(problem, net)
    for u in np.eye(theta.size):
        ahead, behind = (Hessian(problem, net.with_parameters(theta + s * step * u)) for s in (1, -1))
        assert abs((ahead.loss - behind.loss) / (2 * step) - operator.gradient @ u) < 1e-8
        change = (ahead.gradient - behind.gradient) / (2 * step)
        np.testing.assert_allclose(change, operator.product(u), atol=1e-8)


def line(margin, width=3):
    """A network with f(x) = margin·x on x > 0 and x < 0: neurons (1, ±a) and some that are dead."""
    root = np.sqrt(margin)
    w1 = np.concatenate([[root, -root], np.zeros(width)])
    return ss.TwoLayerReLU(
        w1, np.append(np.zeros(2), -np.ones(width)), np.append([root, -root], np.ones(width)), 0.0
    )


def two_fitted(net):
    """Hessian of two examples at ±1 that `line` fits, in 50 digits; its largest eigenvalue."""
    mpmath.mp.dps = 50
    m, root = mpmath.mpf(net.w1[0]) * mpmath.mpf(net.w2[0]), mpmath.mpf(net.w1[0])
    d, s = mpmath.exp(-m) / (1 + mpmath.exp(-m)) ** 2, 1 / (1 + mpmath.exp(m))
    # Order of a neuron's coordinates (w1, b1, w2); each example meets one neuron and b2.
    phi = mpmath.matrix([[root, root, root, 0, 0, 0, 1], [0, 0, 0, root, -root, root, 1]])
    h = phi.T * phi * (d / 2)
    for j, sign in ((0, 1), (3, -1)):
        p, q = -s / 2, -sign * s / 2  # Σ v ℓ' x and Σ v ℓ' over the one active example
        for row, value in ((j, p), (j + 1, q)):
            h[row, j + 2] += value
            h[j + 2, row] += value
    return h, m, max(mpmath.eigsy(h, eigvals_only=True))


@pytest.mark.parametrize("margin", [1.0, 30.0, 300.0, 500.0, 700.0])
def test_far_out_the_sharpness_keeps_its_digits(margin):
    """The Hessian is that of 50-digit arithmetic, also at e^{-700}."""
    problem, net = ss.Problem([-1.0, 1.0], [0, 1], "logistic"), line(margin)
    h, m, largest = two_fitted(net)
    pair = ss.sharpness(problem, net)
    assert pair.value == pytest.approx(float(largest), rel=1e-9)
    assert 0.0 <= pair.residual <= 2e-8 * float(largest) * 3
    assert ss.hessian_trace(problem, net) == pytest.approx(float(sum(h[i, i] for i in range(7))), rel=1e-12)
    assert Hessian(problem, net).loss == pytest.approx(float(mpmath.log1p(mpmath.exp(-m))), rel=1e-12)


@pytest.mark.parametrize("margin", [705.0, 712.0, 720.0, 735.0, 743.0, 744.3])
def test_where_curvatures_are_subnormal_the_residual_says_what_was_lost(margin):
    problem, net = ss.Problem([-1.0, 1.0], [0, 1], "logistic"), line(margin)
    largest, pair = two_fitted(net)[2], ss.sharpness(problem, net)
    assert abs(mpmath.mpf(pair.value) - largest) <= pair.residual + 1e-12 * largest
    lost = 2**-1074 * 2 * (6 * margin + 20)  # a subnormal number times n and a bound on ‖∇f‖² and ‖(1, x)‖
    assert pair.residual <= 2e-8 * float(largest) * 3 + 8 * lost


def test_what_underflow_costs_is_finite_however_large_the_weights():
    # f = 1e10 x: curvatures are e^{-1e10}, which is 0, and their errors times ‖∇f‖² = 1e320 are numbers.
    net = ss.TwoLayerReLU([1e-150], [0.0], [1e160])
    pair = ss.sharpness(ss.Problem([0.5, 1.0], [1, 1], "logistic"), net)
    assert pair.value == 0.0
    assert 0.0 < pair.residual < 1e10


def test_beyond_the_range_of_numbers_the_landscape_is_flat():
    problem, net = ss.Problem([-1.0, 1.0], [0, 1], "logistic"), line(1e4)
    pair = ss.sharpness(problem, net)
    assert pair.value == 0.0
    assert pair.residual < 1e-317
    assert ss.hessian_trace(problem, net) == 0.0
    assert not Hessian(problem, net).gradient.any()
    run = train(problem, net, 1.0, 50)
    np.testing.assert_array_equal(run.network.parameters, net.parameters)
    assert (run.outcome, run.loss[-1]) == ("finished", 0.0)


def test_confidently_wrong_at_a_margin_of_minus_ten_thousand():
    problem, net = ss.Problem([-1.0, 1.0], [1, 0], "logistic"), line(1e4)
    operator = Hessian(problem, net)
    assert operator.loss == pytest.approx(1e4, rel=1e-12)
    theta, d = net.parameters, dense(problem)
    np.testing.assert_allclose(operator.gradient, ref.gradient(theta, d), rtol=1e-12, atol=1e-12)
    # D = 0 there: the Hessian is its residual part, whose largest eigenvalue is its norm.
    assert ss.sharpness(problem, net).value == pytest.approx(operator.residual_norm, rel=1e-8)
    run = train(problem, net, 1e-6, 5)
    assert run.loss[-1] < 1e4


def test_the_unit_of_products_changes_nothing_but_underflow():
    problem, net = logistic(seed=9), network(seed=9)
    plain, scaled = Hessian(problem, net), Hessian(problem, net, unit=2.0**-8)
    u = plain.random_vector()
    np.testing.assert_array_equal(scaled.product(u), 2.0**8 * plain.product(u))
    assert Hessian(noisy(), net).scale == 1.0
    assert top(plain).value == pytest.approx(top(scaled).value, rel=1e-8)


def test_what_runs_away_is_divergence_not_a_flat_minimum():
    """At a huge step size f overflows; the loss of an infinite f of the right sign would be 0."""
    problem, net = logistic(seed=1), network(seed=1, scale=3.0)
    run = ss.train(problem, net, ss.GradientDescent(1e6, 2000), record_every=10)
    assert run.outcome == "diverged"
    assert np.isfinite(run.loss).all()
    assert "lower step_size" in run.message


def test_an_infinite_prediction_of_the_right_sign_is_no_minimum():
    net = ss.TwoLayerReLU([1e200], [0.0], [1e200], 0.0)
    with pytest.raises(ss.InputError, match=r"the network's prediction must be finite, got a number beyond"):
        ss.train(ss.Problem([1.0], [1], "logistic"), net, ss.GradientDescent(0.1, 1))
    x, ones = np.ones(1), np.ones(4)
    theta, padded = net.parameters, np.array([-np.inf, 1.0, np.inf])
    status, *_ = relu1d.descend(
        theta, 0 * theta, 0 * theta, x, padded, x, x, True, ones, 0.0, 0.0, 0.0, 0.1, 0.1, 0, 0, 5
    )
    assert status == relu1d.DIVERGED


@examples(1 / 3)
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_examples_changes_no_bit(seed):
    problem, net = logistic(seed=seed), network(seed=seed)
    order = np.random.default_rng(seed).permutation(problem.size)
    shuffled = ss.Problem(problem.inputs[order], problem.labels[order], "logistic")
    a, b = (train(each, net, 0.3) for each in (problem, shuffled))
    np.testing.assert_array_equal(a.network.parameters, b.network.parameters)


def test_repeated_examples_are_weights():
    problem, net = logistic(12, seed=2), network(seed=2)
    times = np.arange(12) % 3 + 1
    repeated = ss.Problem(np.repeat(problem.inputs, times), np.repeat(problem.labels, times), "logistic")
    weighted = ss.Problem(problem.inputs, problem.labels, "logistic", weights=times)
    a, b = (train(each, net, 0.3) for each in (repeated, weighted))
    np.testing.assert_allclose(a.network.parameters, b.network.parameters, rtol=0, atol=1e-11)
    # Both labels at one input: what a table of proportions holds.
    x, y = np.repeat(problem.inputs, 2), np.tile([-1.0, 1.0], 12)
    share = ss.Problem(x, y, "logistic", weights=np.tile([1.0, 3.0], 12))
    constant = ss.TwoLayerReLU([0.0], [0.0], [0.0], np.log(3.0))
    assert abs(Hessian(share, constant).gradient[-1]) < 1e-15  # least at the logit of the proportion
    assert Hessian(share, constant).trace == pytest.approx(
        float(loss_of("logistic").curvature(np.log(3.0))), rel=1e-12
    )
