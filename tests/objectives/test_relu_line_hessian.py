"""Gradient, Hessian products, trace and largest eigenvalue against dense matrices, autograd and theorems."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import oracles as ref
import stepscape as ss
from cases import EPS, dense, network, noisy, train
from stepscape.curvature import largest_eigenpair
from stepscape.curvature.lanczos import lanczos_steps
from stepscape.kernels import relu1d_hessian
from stepscape.objectives import Hessian


def absolute_terms(net, d):
    """|Φ| and |residuals| with every product and neuron counted, active or not: what sums are made of."""
    w1, b1, w2, b2 = (np.abs(a) for a in ref.split(net.parameters))
    x = np.abs(d.x)[:, None]
    z = x * w1 + b1
    phi = np.concatenate([w2 * x, np.broadcast_to(w2, z.shape), z, np.ones_like(x)], axis=1)
    return phi, z @ w2 + b2 + np.abs(d.y)


def absolute_residual_part(net, d, residuals):
    k, x = net.width, np.abs(d.x)
    r = np.zeros((3 * k + 1, 3 * k + 1))
    j = np.arange(k)
    g = d.v * residuals
    r[j, 2 * k + j] = r[2 * k + j, j] = g @ x
    r[k + j, 2 * k + j] = r[2 * k + j, k + j] = g.sum()
    return r


def wild(seed, n, k, weighted=True):
    """Neurons, inputs and labels of very different sizes, some knots on data, some w1 zero."""
    rng = np.random.default_rng(seed)
    problem = noisy(n, seed=seed, weighted=weighted and n > 3, repeats=True)
    x = problem.inputs * 10 ** rng.uniform(-3, 3) + rng.choice([0.0, 10.0])
    w1, w2 = rng.standard_normal((2, k)) * 10 ** rng.uniform(-4, 4, (2, k))
    b1 = -w1 * rng.choice(np.append(x, rng.uniform(x.min() - 1, x.max() + 1, n)), k)
    b1 = np.where(rng.random(k) < 0.3, rng.standard_normal(k), b1)
    w1 = np.where(rng.random(k) < 0.1, 0.0, w1)
    blocks = ref.SUBSETS[rng.integers(len(ref.SUBSETS))]
    y = problem.labels * 10 ** rng.uniform(-3, 3)
    return ss.Problem(x, y, weights=problem.weights), ss.TwoLayerReLU(w1, b1, w2, rng.normal(), blocks)


@settings(max_examples=150)
@given(
    seed=st.integers(0, 10**6), n=st.integers(1, 40), k=st.integers(1, 30), decay=st.sampled_from([0.0, 0.3])
)
def test_every_closed_form_to_1e12_of_the_sum_of_absolute_terms(seed, n, k, decay):
    problem, net = wild(seed, n, k)
    d, theta, keep = dense(problem), net.parameters, net.trained
    phi, residuals = absolute_terms(net, d)
    decayed = decay * np.append(np.ones(3 * k), 0.0) * keep
    operator = Hessian(problem, net, decay=decay)

    size = phi.T @ (d.v * residuals)
    assert np.all(np.abs(operator.gradient - keep * ref.gradient(theta, d)) <= 1e-12 * size)
    assert abs(operator.loss - ref.loss(theta, d)) <= 1e-12 * d.v @ residuals**2

    u = np.random.default_rng(seed).standard_normal(3 * k + 1) * keep
    g, g_abs = ref.gauss_newton(theta, d), phi.T @ (d.v[:, None] * phi)
    r, r_abs = ref.residual_part(theta, d), absolute_residual_part(net, d, residuals)
    size = (g_abs + r_abs) @ np.abs(u) + decayed * np.abs(u)
    expected = keep * ((g + r) @ u) + decayed * u
    assert np.all(np.abs(operator.product(u) - expected) <= 1e-12 * size)
    only = Hessian(problem, net, gauss_newton=True).product(u)
    assert np.all(np.abs(only - keep * (g @ u)) <= 1e-12 * g_abs @ np.abs(u))

    trace = np.trace((g + r)[np.ix_(keep, keep)]) + decayed.sum()
    assert abs(operator.trace - trace) <= 1e-12 * (np.diag(g_abs) @ keep + decayed.sum())

    norm = np.linalg.norm(r[np.ix_(keep, keep)], 2)
    assert abs(operator.residual_norm - norm) <= 1e-12 * r_abs.max() * 2


@pytest.mark.parametrize("blocks", ref.SUBSETS, ids="+".join)
def test_ordinary_networks_to_rounding_of_the_result(blocks):
    for seed in range(5):
        problem, net = noisy(60, seed=seed, weighted=True), network(300, seed=seed, trainable=blocks)
        d, theta, keep = dense(problem), net.parameters, net.trained
        h = ref.hessian(theta, d) * np.outer(keep, keep)
        u = np.random.default_rng(seed).standard_normal(keep.size) * keep
        operator = Hessian(problem, net)
        tight = 2e-13
        np.testing.assert_allclose(operator.product(u), h @ u, rtol=0, atol=tight * np.abs(h @ u).max())
        g = keep * ref.gradient(theta, d)
        np.testing.assert_allclose(operator.gradient, g, rtol=0, atol=tight * np.abs(g).max())
        assert ss.hessian_trace(problem, net) == pytest.approx(np.trace(h), rel=tight)
        matrix = ss.hessian(problem, net) @ np.eye(int(keep.sum()))
        np.testing.assert_allclose(matrix, h[np.ix_(keep, keep)], rtol=0, atol=tight * np.abs(h).max())
        np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=tight * np.abs(h).max())
        np.testing.assert_allclose(operator.predictions, ref.forward(theta, np.sort(d.x)), atol=tight)


def torch_loss(problem, width):
    x, y, v = (torch.tensor(a) for a in dense(problem)[:3])

    def loss(theta):
        w1, b1, w2, b2 = theta.split([width, width, width, 1])
        return 0.5 * torch.sum(v * (torch.relu(x[:, None] * w1 + b1) @ w2 + b2 - y) ** 2)

    return loss


@pytest.mark.parametrize("seed", range(4))
def test_autograd_agrees(seed):
    # Knots exactly on data included: torch, too, takes 0 for the derivative of max(z, 0) at 0.
    problem, net = noisy(15, seed=seed, weighted=True), network(12, seed=seed)
    knots = problem.inputs[:3]
    net = ss.TwoLayerReLU(net.w1, np.concatenate([-net.w1[:3] * knots, net.b1[3:]]), net.w2, net.b2)
    theta, loss = torch.tensor(net.parameters), torch_loss(problem, 12)
    operator = Hessian(problem, net)
    h = torch.autograd.functional.hessian(loss, theta).numpy()
    np.testing.assert_allclose(ss.hessian(problem, net) @ np.eye(37), h, atol=1e-13 * np.abs(h).max())
    np.testing.assert_allclose(operator.gradient, torch.func.grad(loss)(theta).numpy(), atol=1e-13)
    u = np.random.default_rng(seed).standard_normal(37)
    _, product = torch.autograd.functional.hvp(loss, theta, torch.tensor(u))
    np.testing.assert_allclose(operator.product(u), product.numpy(), atol=1e-12)
    assert ss.sharpness(problem, net).value == pytest.approx(np.linalg.eigvalsh(h)[-1], rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_finite_differences_agree_away_from_kinks(seed):
    problem, net = noisy(10, seed=seed), network(8, seed=seed)
    theta, step = net.parameters, 1e-5
    assert np.abs(ref.preactivation(theta, problem.inputs)).min() > 1e-4
    operator = Hessian(problem, net)
    for u in np.eye(theta.size):
        ahead, behind = (Hessian(problem, net.with_parameters(theta + s * step * u)) for s in (1, -1))
        # Central differences: errors of order step² and of eps/step.
        assert abs((ahead.loss - behind.loss) / (2 * step) - operator.gradient @ u) < 1e-8
        change = (ahead.gradient - behind.gradient) / (2 * step)
        np.testing.assert_allclose(change, operator.product(u), atol=1e-8)


def top_eigenvalue(problem, net, decay=0.0, gauss_newton=False):
    d, keep = dense(problem), net.trained
    matrix = ref.gauss_newton(net.parameters, d) if gauss_newton else ref.hessian(net.parameters, d)
    matrix = matrix + decay * np.diag(np.append(np.ones(3 * net.width), 0.0))
    return np.linalg.eigvalsh(matrix[np.ix_(keep, keep)])


def check_pair(problem, net, pair, values, decay=0.0, gauss_newton=False):
    """The value is the largest eigenvalue and the residual is what it says."""
    scale = max(abs(values[0]), abs(values[-1]))
    assert abs(pair.value - values[-1]) <= 1e-8 * scale + 1e-300
    assert pair.value <= values[-1] + 64 * EPS * scale  # a Rayleigh quotient is a lower bound
    full = np.zeros(net.trained.size)
    full[net.trained] = pair.vector
    assert np.linalg.norm(pair.vector) == pytest.approx(1, rel=1e-14)
    d, keep = dense(problem), net.trained
    matrix = ref.gauss_newton(net.parameters, d) if gauss_newton else ref.hessian(net.parameters, d)
    matrix = (matrix + decay * np.diag(np.append(np.ones(3 * net.width), 0.0))) * np.outer(keep, keep)
    residual = np.linalg.norm(matrix @ full - pair.value * full)
    # It holds a bound on the rounding of products as well, which grows with n + k.
    assert residual - 1e-13 * scale <= pair.residual <= residual + 1e-10 * scale
    assert pair.residual <= 2e-8 * scale
    assert np.abs(values - pair.value).min() <= pair.residual + 64 * EPS * scale


@settings(max_examples=120)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 40),
    k=st.integers(1, 60),
    blocks=st.sampled_from(ref.SUBSETS),
    decay=st.sampled_from([0.0, 0.0, 0.5]),
    gauss_newton=st.booleans(),
    loud=st.sampled_from([1.0, 100.0]),
)
def test_sharpness_is_the_largest_eigenvalue(seed, n, k, blocks, decay, gauss_newton, loud):
    problem, net = noisy(n, seed=seed, weighted=n > 3), network(k, seed=seed, trainable=blocks)
    problem = ss.Problem(problem.inputs, loud * problem.labels, weights=problem.weights)  # loud: R dominates
    pair = ss.sharpness(problem, net, gauss_newton=gauss_newton, weight_decay=decay)
    values = top_eigenvalue(problem, net, decay, gauss_newton)
    check_pair(problem, net, pair, values, decay, gauss_newton)
    assert pair.vector.shape == (int(net.trained.sum()),)
    assert pair.products >= 1


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), k=st.integers(2, 40), rank=st.integers(1, 12))
def test_a_start_in_the_wrong_eigenspace_does_not_hide_the_largest(seed, n, k, rank):
    problem, net = noisy(n, seed=seed), network(k, seed=seed)
    values, vectors = np.linalg.eigh(ref.hessian(net.parameters, dense(problem)))
    for column in (-1 - min(rank, values.size - 1), 0, -1):
        check_pair(problem, net, ss.sharpness(problem, net, start=vectors[:, column]), values)


def test_a_warm_start_saves_products():
    problem, net = noisy(30, seed=1), network(1000, seed=1)
    cold = ss.sharpness(problem, net)
    near = net.with_parameters(net.parameters + 1e-4 * cold.vector)
    # The second start, which is never warm, takes most of the products of `ss.sharpness`.
    warm, anew = (largest_eigenpair(Hessian(problem, near), start) for start in (cold.vector, None))
    assert warm.products < anew.products
    assert warm.value == pytest.approx(anew.value, rel=1e-8)
    assert warm.value == pytest.approx(ss.sharpness(problem, near, start=cold.vector).value, rel=1e-12)


@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("k", [1, 2, 60])
def test_dead_networks_have_sharpness_one_with_b2_and_zero_without(n, k):
    # f = b2 on the data: only the output bias is seen, and its curvature is Σ v = 1.
    x = np.linspace(-1, 1, n)
    w1 = np.where(np.arange(k) % 2, 1.0, -1.0)
    for blocks in ref.SUBSETS:
        net = ss.TwoLayerReLU(w1, np.full(k, -3.0), np.ones(k), 0.5, blocks)
        problem = ss.Problem(x, 1 + x)
        pair = ss.sharpness(problem, net)
        expected = 1.0 if "b2" in blocks else 0.0
        assert pair.value == pytest.approx(expected, abs=8 * EPS)
        assert pair.residual <= 1e-12
        assert ss.hessian_trace(problem, net) == pytest.approx(expected, abs=4 * EPS)
        assert ss.sharpness(problem, net, start=np.ones(int(net.trained.sum()))).value == pytest.approx(
            expected
        )


def test_multiple_largest_eigenvalues():
    # Disjoint activation sets and equal norms: H restricted to w2 is ½ or ¼ times the identity.
    net = ss.TwoLayerReLU([1.0, -1.0], [0.0, 0.0], [1.0, 1.0], 0.0, trainable=("w2",))
    problem = ss.Problem([-1.0, 1.0], [5.0, -2.0])
    assert ss.sharpness(problem, net).value == pytest.approx(0.5, rel=4 * EPS)
    # A mirror image of every neuron and datum, no b2: the spectrum is doubled.
    half, x = network(12, seed=3, trainable=("w1", "w2")), np.random.default_rng(0).uniform(0.2, 1, 9)
    w1 = np.concatenate([np.abs(half.w1), -np.abs(half.w1)])
    mirrored = ss.TwoLayerReLU(w1, np.zeros(24), np.tile(half.w2, 2), 0.0, trainable=("w1", "w2"))
    problem = ss.Problem(np.concatenate([x, -x]), np.tile(np.cos(x), 2))
    values = top_eigenvalue(problem, mirrored)
    assert values[-1] == pytest.approx(values[-2], rel=1e-13)
    check_pair(problem, mirrored, ss.sharpness(problem, mirrored), values)


@pytest.mark.parametrize("k", [1, 3])
def test_one_example(k):
    problem, net = ss.Problem([0.7], [2.0]), network(k, seed=2)
    phi = ref.tangent(net.parameters, problem.inputs)[0]
    assert ss.sharpness(problem, net, gauss_newton=True).value == pytest.approx(phi @ phi, rel=1e-14)
    check_pair(problem, net, ss.sharpness(problem, net), top_eigenvalue(problem, net))


def test_the_edge_itself():
    # Where it is used: after training at the edge, with knots on data, neurons dead and residuals left.
    problem, net = noisy(30, seed=5), network(100, seed=5)
    run = train(problem, net, 0.2, 20_000, warmup_steps=2000)
    pair = ss.sharpness(problem, run.network)
    check_pair(problem, run.network, pair, top_eigenvalue(problem, run.network))
    assert pair.value == pytest.approx(2 / 0.2, rel=0.1)
    assert run.knots_at_data[-1] > 10
    assert run.dead_neurons[-1] > 10
    assert Hessian(problem, run.network).residual_norm > 0.01


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 30), k=st.integers(1, 30), loud=st.floats(0.1, 1e3))
def test_negative_curvature_is_at_most_the_residual_norm_and_that_at_most_the_sharpness(seed, n, k, loud):
    # H = G + R with G ≥ 0 gives λ_min ≥ -‖R‖; R has the eigenvalues ±‖R‖, so λ_max(H) ≥ ‖R‖. And G is at
    # least 1 in the direction of b2, so λ_max ≥ 1.
    problem, net = noisy(n, seed=seed), network(k, seed=seed)
    problem = ss.Problem(problem.inputs, loud * problem.labels)
    norm, value = Hessian(problem, net).residual_norm, ss.sharpness(problem, net).value
    slack = 64 * EPS * max(value, norm)
    assert top_eigenvalue(problem, net)[0] >= -norm - slack
    assert value >= norm - 2e-8 * value
    assert value >= 1 - 2e-8 * value
    assert abs(value - ss.sharpness(problem, net, gauss_newton=True).value) <= norm + 4e-8 * value


def test_compiled_lanczos_steps_are_the_generic_ones():
    problem, net = noisy(40, seed=2), network(50, seed=2, trainable=("w1", "w2", "b2"))
    operator = Hessian(problem, net)

    def run(steps):
        basis, diagonal, beside = np.zeros((21, operator.size)), np.zeros(20), np.zeros(20)
        basis[0] = operator.random_vector()
        reached = steps(basis, diagonal, beside, 0, 9)
        assert reached == 9
        return steps(basis, diagonal, beside, 9, 20), basis, diagonal, beside

    compiled = run(operator.lanczos)
    generic = run(lambda *arguments: lanczos_steps(operator, *arguments))
    assert compiled[0] == generic[0] == 20
    for one, other in zip(compiled[1:], generic[1:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9 * max(1, np.abs(other).max()))
    # Orthonormal, and A V = V T: the definition of a Lanczos basis.
    _, basis, diagonal, beside = compiled
    np.testing.assert_allclose(basis @ basis.T, np.eye(21), atol=1e-12)
    t = np.diag(diagonal) + np.diag(beside[:19], 1) + np.diag(beside[:19], -1)
    image = np.array([operator.product(row) for row in basis[:20]])
    expected = t @ basis[:20]
    expected[19] += beside[19] * basis[20]
    np.testing.assert_allclose(image, expected, atol=1e-12 * np.abs(t).max())


def test_more_neurons_than_a_block():
    for k in (
        relu1d_hessian.BLOCK - 1,
        relu1d_hessian.BLOCK,
        relu1d_hessian.BLOCK + 1,
        3 * relu1d_hessian.BLOCK + 5,
    ):
        problem, net = noisy(9, seed=k), network(k, seed=k)
        u = np.random.default_rng(k).standard_normal(3 * k + 1)
        d = dense(problem)
        phi = ref.tangent(net.parameters, d.x)
        expected = phi.T @ (d.v * (phi @ u)) + ref.residual_part(net.parameters, d) @ u
        np.testing.assert_allclose(
            Hessian(problem, net).product(u), expected, atol=1e-13 * np.abs(expected).max()
        )


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), c=st.floats(0.1, 10))
def test_balance_moves_curvature_but_not_the_function(seed, c):
    # (w1, b1, w2) → (c w1, c b1, w2/c) leaves f; the trace changes by the formula of its blocks.
    problem, net = noisy(12, seed=seed), network(9, seed=seed)
    other = ss.TwoLayerReLU(c * net.w1, c * net.b1, net.w2 / c, net.b2)
    np.testing.assert_allclose(other.predict(problem.inputs), net.predict(problem.inputs), atol=1e-12)
    inner = ss.TwoLayerReLU(net.w1, net.b1, net.w2, net.b2, trainable=("w1", "b1"))
    outer = ss.TwoLayerReLU(net.w1, net.b1, net.w2, net.b2, trainable=("w2",))
    expected = ss.hessian_trace(problem, inner) / c**2 + c**2 * ss.hessian_trace(problem, outer) + 1
    assert ss.hessian_trace(problem, other) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight_decay", [1.0, 0.1])
def test_a_spectrum_of_few_values_closes_the_krylov_space(weight_decay):
    # Decay has emptied the network: H + λ·diag(mask) has next to no distinct eigenvalues, and what Lanczos is
    # left with after as many rows is rounding, which must not be taken for a direction.
    x = np.linspace(-1.0, 1.0, 5)
    problem = ss.Problem(x, np.abs(x))
    start = ss.TwoLayerReLU.random(20, seed=0)
    run = ss.train(problem, start, ss.GradientDescent(0.3, 2000, weight_decay=weight_decay))
    pair = ss.sharpness(problem, run.network, weight_decay=weight_decay)
    assert pair.products <= 12
    assert pair.residual <= 1e-12 * pair.value


def test_frozen_coordinates_count_as_zero():
    problem, net = noisy(), network(5, trainable=("w1", "w2"))
    u = np.random.default_rng(0).standard_normal(16)
    operator = Hessian(problem, net)
    np.testing.assert_array_equal(operator.product(u), operator.product(u * net.trained))
