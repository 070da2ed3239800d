"""The loss of measurements in the factors of the matrix: derivatives, traces, invariances, descent."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from low_rank_cases import KINDS, STRUCTURES, dense, linear_map, torch_loss
from stepscape.errors import InputError

EPS = np.finfo(float).eps


def case(kind, structure, d1=4, d2=3, widths=(2, 2), m=7, seed=0):
    """An objective at a θ far from zero loss, and the same loss in PyTorch."""
    rng = np.random.default_rng(seed)
    squares = structure != "any"
    given = linear_map(kind, d1, d1 if squares else d2, m, rng, squares)
    if structure == "psd":
        widths = (widths[0], 0)
    labels = 3.0 * rng.standard_normal(m)
    o = ss.objectives.factors(ss.problems.Measurements(given, labels, structure), widths)
    return o, rng.standard_normal(o.size), torch_loss(given, labels, widths, structure)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_and_traces_are_those_of_autograd(kind, structure):
    o, theta, same = case(kind, structure)
    tensor = torch.tensor(theta)
    g = torch.func.grad(same)(tensor).numpy()
    h = torch.autograd.functional.hessian(same, tensor).numpy()
    size = np.abs(h).max()
    assert o.loss(theta) == pytest.approx(float(same(tensor)), rel=1e-13)
    np.testing.assert_allclose(o.gradient(theta), g, rtol=0, atol=1e-13 * np.abs(g).max())
    operator = o.hessian(theta)
    np.testing.assert_allclose(operator.dense(), h, rtol=0, atol=1e-13 * size)
    np.testing.assert_allclose(
        np.array([operator.product(e) for e in np.eye(o.size)]), h, rtol=0, atol=1e-13 * size
    )
    cut = o.measurements.shape[0] * o.widths[0]
    blocks = np.trace(h[:cut, :cut]), np.trace(h[cut:, cut:])
    np.testing.assert_allclose(o.block_traces(theta), blocks, rtol=0, atol=1e-13 * size * o.size)
    assert o.trace(theta) == pytest.approx(np.trace(h), abs=1e-13 * size * o.size)
    assert operator.frobenius == pytest.approx(np.linalg.norm(h), rel=1e-13)
    top = np.linalg.eigvalsh(h)[-1]
    assert ss.curvature.largest_eigenpair(operator).value == pytest.approx(top, rel=1e-8)
    assert o.census(theta) == {}
    assert repr(operator) == f"FactorsHessian({o.size}×{o.size})"


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_gauss_newton_part_is_the_hessian_of_squared_gradients(kind, structure):
    o, theta, _ = case(kind, structure)
    # The gradients of the ⟨A_i, X(θ)⟩, one at a time.
    rows = np.array([o.pull_back(theta, e) for e in np.eye(o.measurements.size)]) * o.measurements.size / 2.0
    expected = 2.0 / o.measurements.size * rows.T @ rows
    size = np.abs(expected).max()
    np.testing.assert_allclose(o.gauss_newton(theta).dense(), expected, rtol=0, atol=1e-13 * size)
    assert o.gauss_newton_trace(theta) == pytest.approx(np.trace(expected), rel=1e-13)
    # A quadratic form q has q(θ) = ½⟨∇q(θ), θ⟩, and a linear gradient.
    slope = o.gauss_newton_trace_gradient(theta)
    assert slope @ theta == pytest.approx(2.0 * o.gauss_newton_trace(theta), rel=1e-13)
    along = np.random.default_rng(1).standard_normal(o.size)
    change = o.gauss_newton_trace(theta + along) - o.gauss_newton_trace(theta - along)
    assert slope @ along == pytest.approx(change / 2.0, abs=1e-13 * o.gauss_newton_trace(theta + along))


@examples(1 / 2)
@given(
    kind=st.sampled_from(KINDS),
    structure=st.sampled_from(STRUCTURES),
    d1=st.integers(1, 5),
    d2=st.integers(1, 5),
    k1=st.integers(1, 7),
    k2=st.integers(0, 7),
    m=st.integers(1, 9),
    seed=st.integers(0, 2**32),
)
def test_the_trace_is_that_of_the_dense_hessian_at_every_point(kind, structure, d1, d2, k1, k2, m, seed):
    widths = (k1, k1) if structure == "any" else (k1, k2)
    o, theta, _ = case(kind, structure, d1, d2, widths, m, seed)
    h = o.hessian(theta).dense()
    scale = o.size * max(np.abs(h).max(), np.abs(o.gauss_newton(theta).dense()).max())
    assert o.trace(theta) == pytest.approx(np.trace(h), abs=1e-13 * scale)
    assert o.gradient(theta).shape == (o.size,)
    step = 1e-3 * np.random.default_rng(seed).standard_normal(o.size)
    # f is a polynomial of degree four along a line: the five-point rule is exact up to rounding.
    values = [o.loss(theta + t * step) for t in (-2.0, -1.0, 1.0, 2.0)]
    slope = (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / 12.0
    assert o.gradient(theta) @ step == pytest.approx(slope, abs=100 * EPS * max(values))


@pytest.mark.parametrize("kind", KINDS)
def test_at_zero_loss_the_trace_is_that_of_the_moments(kind):
    # 2(‖D1 L‖² + ‖D2 R‖²), with D1² = (1/m) Σ A_i A_iᵀ and D2² = (1/m) Σ A_iᵀ A_i.
    rng = np.random.default_rng(3)
    given = linear_map(kind, 4, 6, 9, rng)
    f = ss.Factorization.random((4, 6), 3)
    o = ss.objectives.factors(ss.problems.Measurements(given, given.apply(f.matrix)), factors=f)
    a = dense(given)
    expected = 2.0 * sum(np.sum((x.T @ f.left) ** 2) + np.sum((x @ f.right) ** 2) for x in a) / 9
    assert o.loss(f.parameters) <= (50 * EPS) ** 2 * np.sum(given.apply(f.matrix) ** 2)
    assert o.trace(f.parameters) == pytest.approx(expected, rel=1e-13)
    assert o.gauss_newton_trace(f.parameters) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("name", ["phase_retrieval", "covariance_sensing"])
def test_the_trace_of_squares_is_the_same_at_all_zeros_of_the_loss(name):
    # D² = (1/m) Σ ‖x_i‖² x_i x_iᵀ is a combination of the A_i, so that 8 tr(D² X) = (8/m) Σ ‖x_i‖² b_i.
    p = getattr(ss.problems, name)(d=6, m=12)
    x = p.linear_map.left
    values, vectors = np.linalg.eigh(p.truth)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))
    expected = 8.0 * np.mean(np.sum(x**2, axis=1) * p.labels)
    for factor in (root, root @ rotation):
        f = ss.Factorization(factor, structure="psd")
        o = ss.objectives.factors(p, factors=f)
        assert o.trace(f.parameters) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_loss_sees_the_matrix_alone(structure):
    o, theta, _ = case("dense", structure, widths=(3, 3))
    f = o.factorization(theta)
    turn, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
    mix = np.random.default_rng(4).standard_normal((3, 3)) + 3.0 * np.eye(3)
    by = (mix, np.linalg.inv(mix).T) if structure == "any" else (turn, turn[: f.widths[1], : f.widths[1]])
    other = ss.Factorization(f.left @ by[0], f.right @ by[1], structure)
    np.testing.assert_allclose(other.matrix, f.matrix, rtol=0, atol=1e-12 * np.abs(f.matrix).max())
    assert o.loss(other.parameters) == pytest.approx(o.loss(theta), rel=1e-11)
    if structure != "any":
        assert o.trace(other.parameters) == pytest.approx(o.trace(theta), rel=1e-12)


@pytest.mark.parametrize("scale", [0.25, 4.0])
def test_unbalanced_factors_trade_the_trace_of_one_block_for_the_other(scale):
    p = ss.problems.matrix_sensing(d1=4, d2=6, m=15)
    f = ss.Factorization.random((4, 6), 2)
    o = ss.objectives.factors(p, 2)
    of_left, of_right = o.block_traces(f.parameters)
    scaled = ss.Factorization(scale * f.left, f.right / scale).parameters
    np.testing.assert_allclose(o.block_traces(scaled), (of_left / scale**2, of_right * scale**2), rtol=1e-13)


def test_the_scalar_case_is_the_product_of_two_numbers():
    o = ss.objectives.factors(
        ss.problems.Measurements(ss.problems.linear_maps.Entries([0], [0], (1, 1)), [1.0])
    )
    toy = ss.objectives.scalar_product()
    for theta in ([2.0, 0.3], [1.0, 1.0], [-1.5, 0.2]):
        at = np.array(theta)
        assert o.loss(at) == pytest.approx(toy.loss(at), rel=1e-15)
        np.testing.assert_allclose(o.gradient(at), toy.gradient(at), rtol=1e-15)
        np.testing.assert_allclose(o.hessian(at).dense(), toy.hessian(at).values, rtol=1e-14, atol=1e-15)


def test_pull_back_is_the_gradient_of_noisy_labels_and_of_batches():
    p = ss.problems.bilinear_sensing(d1=4, d2=5, m=12)
    theta = ss.Factorization.random((4, 5), 3).parameters
    o, noise = ss.objectives.factors(p, 3), np.random.default_rng(0).standard_normal(12)
    noisy = ss.objectives.factors(ss.problems.Measurements(p.linear_map, p.labels + noise), 3)
    given = o.pull_back(theta, o.residuals(theta) - noise)
    np.testing.assert_allclose(given, noisy.gradient(theta), rtol=1e-12)
    batch = np.arange(12) < 4
    part = ss.problems.linear_maps.RankOne(p.linear_map.left[:4], p.linear_map.right[:4])
    small = ss.objectives.factors(ss.problems.Measurements(part, p.labels[:4]), 3)
    given = o.pull_back(theta, o.residuals(theta) * batch * 3.0)
    np.testing.assert_allclose(given, small.gradient(theta), rtol=1e-12)


@pytest.mark.parametrize("name", ["matrix_sensing", "quadratic_network", "phase_retrieval", "robust_pca"])
def test_descent_lowers_the_loss_and_knows_its_sharpness(name):
    shape = {"d": 5} if name in ("quadratic_network", "phase_retrieval") else {"d1": 5, "d2": 4}
    p = getattr(ss.problems, name)(**shape)
    o = ss.objectives.factors(p)
    theta = 0.3 * np.random.default_rng(0).standard_normal(o.size)
    step_size = 0.02 / ss.curvature.largest_eigenpair(o.hessian(theta)).value
    run = ss.training.run(o, theta, ss.GradientDescent(step_size, 200), record_every=50)
    assert run.outcome == "finished"
    assert (np.diff(run.loss) < 0.0).all()
    top = np.linalg.eigvalsh(o.hessian((run.theta + run.theta_before) / 2.0).dense())[-1]
    assert run.sharpness[-1] == pytest.approx(top, rel=1e-7)


def test_descent_does_not_change_theta():
    o, theta, _ = case("rank one", "symmetric")
    kept, operator = theta.copy(), o.hessian(theta)
    ss.training.run(o, theta, ss.GradientDescent(1e-4, 5))
    np.testing.assert_array_equal(theta, kept)
    before = operator.product(kept)
    theta[:] = 0.0
    np.testing.assert_array_equal(operator.product(kept), before)


def test_widths_are_those_of_the_structure():
    sensing, net = ss.problems.matrix_sensing(d1=4, d2=6, m=9), ss.problems.quadratic_network(d=4, m=9)
    phase = ss.problems.phase_retrieval(d=4, m=9)
    assert ss.objectives.factors(sensing).widths == (4, 4)
    assert ss.objectives.factors(sensing, 7).widths == (7, 7)
    assert ss.objectives.factors(net).widths == (4, 4)
    assert ss.objectives.factors(net, (2, 0)).widths == (2, 0)
    assert ss.objectives.factors(phase).widths == (4, 0)
    assert ss.objectives.factors(phase, 1).widths == (1, 0)
    f = ss.Factorization.random((4, 6), 3)
    o = ss.objectives.factors(sensing, factors=f)
    assert o.widths == (3, 3)
    np.testing.assert_array_equal(o.factorization(f.parameters).left, f.left)
    np.testing.assert_array_equal(o.factorization(f.parameters).right, f.right)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"measurements": 3}, "measurements must be Measurements or a CorruptedMatrix, got 3"),
        ({"width": 0}, "width must be a whole number of at least 1, got 0"),
        ({"width": (2, -1)}, "width must be a whole number of at least 0, got -1"),
        ({"width": (2, 3)}, r"width must be one number for the structure 'any', got \(2, 3\)"),
        ({"width": (1, 2, 3)}, "width must be a whole number of at least 1, got a tuple"),
        ({"factors": 3}, "factors must be a Factorization, got an int"),
        (
            {"width": 2, "factors": ss.Factorization.random((4, 6), 2)},
            "not be given both, got width=2 and factors",
        ),
        ({"factors": ss.Factorization.random((4, 5), 2)}, r"the shape \(4, 6\) of the problem, got \(4, 5\)"),
        (
            {"factors": ss.Factorization.random((4, 4), 2, structure="psd")},
            "the structure 'any' of the problem, got 'psd'",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    given = {"measurements": ss.problems.matrix_sensing(d1=4, d2=6, m=9), **arguments}
    with pytest.raises(InputError, match=message):
        ss.objectives.factors(**given)


def test_wrong_objects_are_refused():
    p = ss.problems.phase_retrieval(d=4, m=9)
    with pytest.raises(InputError, match=r"width must be one number for the structure 'psd', got \(1, 2\)"):
        ss.objectives.factors(p, (1, 2))
    with pytest.raises(InputError, match="measurements must be a Measurements, got an int"):
        ss.objectives.Factors(3, (1, 1))
    o = ss.objectives.factors(p)
    with pytest.raises(InputError, match=r"theta must have shape \(16,\), got \(3,\)"):
        o.loss(np.zeros(3))
    with pytest.raises(InputError, match=r"values must have shape \(9,\), got \(3,\)"):
        o.pull_back(np.zeros(16), np.zeros(3))
    with pytest.raises(InputError, match=r"vector must have shape \(16,\), got \(3,\)"):
        o.hessian(np.zeros(16)).product(np.zeros(3))


def test_a_dense_hessian_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("stepscape.memory.free_memory", lambda: 1e6)
    o = ss.objectives.factors(ss.problems.matrix_completion(d1=50, d2=50))
    with pytest.raises(InputError, match=r"size must fit in memory, got 5000, .*; take fewer columns"):
        o.hessian(np.ones(o.size)).dense()
