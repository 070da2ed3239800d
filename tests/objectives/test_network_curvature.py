"""The public doors to curvature: SciPy operators, warm starts, directional smoothness, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracles as ref
import stepscape as ss
from cases import dense, network, noisy
from stepscape.kernels import relu1d_hessian
from stepscape.objectives import Hessian


@pytest.mark.parametrize("decay", [-0.1, np.nan, np.inf])
def test_weight_decay_must_make_sense(decay):
    with pytest.raises(ss.InputError, match=r"weight_decay must be finite and not negative, got"):
        ss.sharpness(noisy(), network(), weight_decay=decay)


def test_a_start_must_have_the_shape_of_the_trained_coordinates_and_a_direction():
    problem, net = noisy(), network(5, trainable=("w1", "b2"))
    with pytest.raises(ss.InputError, match=r"start must have shape \(6,\), got \(16,\)"):
        ss.sharpness(problem, net, start=np.ones(16))
    for start in (np.zeros(6), np.full(6, np.nan), np.full(6, np.inf)):
        with pytest.raises(ss.InputError, match=r"start must be a finite vector that is not zero, got norm"):
            ss.sharpness(problem, net, start=start)


def test_an_eigenpair_shows_its_error():
    pair = ss.sharpness(noisy(), network())
    said = f"Eigenpair(value={pair.value:.10g} ± {pair.residual:.1e}, "
    assert repr(pair).startswith(said + f"at most {pair.upper:.10g} (inertia count), products=")
    known = ss.Eigenpair(2.0, 0.25, np.empty(0), 3)
    assert repr(known) == "Eigenpair(value=2 ± 2.5e-01, products=3)"
    assert (known.error, pair.error) == (0.25, max(pair.upper - pair.value, pair.value - pair.lower))
    assert (known.lower, known.upper, known.status) == (1.75, np.inf, "lower bound")
    assert (known.exceeds(1.7), known.exceeds(1.8), known.exceeds(9.0)) == (True, None, None)
    with pytest.raises(ss.InputError, match="limit must be a finite number, got nan"):
        known.exceeds(np.nan)
    assert (pair.status, pair.exceeds(pair.upper), pair.exceeds(0.5 * pair.value)) == (
        "two-sided",
        False,
        True,
    )


@pytest.mark.parametrize("blocks", [ref.BLOCKS, ("w1", "w2")], ids="+".join)
def test_the_linear_operator_works_with_scipy(blocks):
    from scipy.sparse.linalg import eigsh

    problem, net = noisy(40, seed=3), network(60, seed=3, trainable=blocks)
    operator = ss.hessian(problem, net)
    assert operator.shape == (int(net.trained.sum()),) * 2
    assert operator.dtype == np.float64
    top = eigsh(operator, k=1, which="LA", return_eigenvectors=False, tol=1e-12)[0]
    assert ss.sharpness(problem, net).value == pytest.approx(top, rel=1e-10)
    u = np.arange(operator.shape[0])  # integers, columns and slices are welcome
    np.testing.assert_array_equal(operator @ u, operator.matvec(u.astype(float)[:, None])[:, 0])
    np.testing.assert_array_equal(operator.rmatvec(u), operator @ u)
    np.testing.assert_array_equal(operator @ np.repeat(u, 2)[::2], operator @ u)
    g = ss.hessian(problem, net, gauss_newton=True) @ np.eye(u.size)
    expected = ref.gauss_newton(net.parameters, dense(problem))[np.ix_(net.trained, net.trained)]
    np.testing.assert_allclose(g, expected, atol=1e-12)


def test_products_accept_any_real_vector():
    problem, net = noisy(), network(5)
    operator = Hessian(problem, net)
    operator.product(np.ones(16))
    compiled = len(relu1d_hessian._product.signatures)
    u = np.arange(16)
    np.testing.assert_array_equal(operator.product(u), operator.product(u.astype(float)))
    np.testing.assert_array_equal(operator.product(np.repeat(u, 3)[::3]), operator.product(u))
    frozen = u.astype(float)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(operator.product(frozen), operator.product(u))
    # None of them costs a compilation of half a minute.
    assert len(relu1d_hessian._product.signatures) == compiled


@pytest.mark.parametrize("vector", [np.ones(15), np.ones((16, 1)), 1.0])
def test_products_refuse_other_shapes(vector):
    with pytest.raises(ss.InputError, match=r"vector must have shape \(16,\), got \("):
        Hessian(noisy(), network(5)).product(vector)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6), blocks=st.sampled_from(ref.SUBSETS), size=st.sampled_from([1e-6, 0.1, 1.0])
)
def test_directional_smoothness_is_a_difference_of_gradients(seed, blocks, size):
    problem, net = noisy(12, seed=seed), network(10, seed=seed, trainable=blocks)
    rng = np.random.default_rng(seed)
    move = size * rng.standard_normal(31) * net.trained
    after = net.with_parameters(net.parameters + move)
    d = dense(problem)
    change = net.trained * (ref.gradient(after.parameters, d) - ref.gradient(net.parameters, d))
    expected = change @ (after.parameters - net.parameters) / (move @ move)
    got = ss.directional_smoothness(problem, after, net)
    assert abs(got - expected) <= 1e-12 * np.linalg.norm(
        ref.gradient(net.parameters, d)
    ) / size + 1e-10 * abs(expected)
    assert got == pytest.approx(ss.directional_smoothness(problem, net, after), rel=1e-12)


def test_directional_smoothness_along_the_top_eigenvector_is_the_sharpness():
    problem, net = noisy(10, seed=0), network(8, seed=0)
    pair = ss.sharpness(problem, net)
    after = net.with_parameters(net.parameters + 1e-6 * pair.vector)
    assert ss.directional_smoothness(problem, after, net) == pytest.approx(pair.value, rel=1e-5)
    assert np.isnan(ss.directional_smoothness(problem, net, net))
