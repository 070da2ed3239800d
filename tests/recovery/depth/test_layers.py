"""The least Hessian trace of the layers of a given product: a lower bound, and layers that reach it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

import stepscape as ss
from budget import examples
from stepscape.objectives import linear_network
from stepscape.problems import ProductMeasurements
from stepscape.recovery import flat_product_layers, flat_product_trace
from stepscape.theory import low_rank

EPS = np.finfo(float).eps
RNG = np.random.default_rng(0)


def vectors(depth, rng):
    return ProductMeasurements(rng.standard_normal((4, 3)), np.zeros(4), depth)


def two_layers(_, rng):
    return ProductMeasurements(rng.standard_normal((5, 2, 3, 3)), np.zeros(5), 2)


def isotropic(depth, _):
    """Every entry of a matrix is measured once."""
    return ProductMeasurements(np.eye(9).reshape(9, 1, 3, 3), np.zeros(9), depth)


def uneven(depth, rng):
    """A_{pq} = s_p t_qᵀ for two bases: the second moment is the product of those of the bases."""
    left, right = rng.standard_normal((2, 2, 2)) + 2.0 * np.eye(2)
    rows = np.einsum("pi,qj->pqij", left, right).reshape(4, 1, 2, 2)
    return ProductMeasurements(rows, np.zeros(4), depth)


EXACT = {"vectors": vectors, "two layers": two_layers, "isotropic": isotropic, "uneven": uneven}


@examples(1 / 4)
@pytest.mark.parametrize("kind", EXACT)
@given(st.integers(2, 6), st.integers(0, 2**32))
def test_no_layers_have_less_trace_than_the_flat_ones(kind, depth, seed):
    rng = np.random.default_rng(seed)
    net = linear_network(EXACT[kind](depth, rng))
    theta = rng.standard_normal(net.size)
    product = net.product(theta)
    least = flat_product_trace(net.problem, product)
    assert net.trace(theta) >= least * (1.0 - 256 * EPS)
    layers = net.parameters(flat_product_layers(net.problem, product))
    np.testing.assert_allclose(net.product(layers), product, rtol=0, atol=1e-11 * np.abs(product).max())
    assert net.trace(layers) == pytest.approx(least, rel=1e-11)


@examples(1 / 2)
@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=3, max_size=3), st.integers(2, 40))
def test_flat_layers_of_a_vector_share_its_size(x, depth):
    problem = vectors(depth, RNG)
    layers = flat_product_layers(problem, x)
    share = np.abs(np.array(x)) ** (1.0 / depth)
    np.testing.assert_allclose(np.abs(layers), np.tile(share, (depth, 1)), rtol=1e-13)
    assert (layers[1:] >= 0.0).all()
    np.testing.assert_array_equal(np.sign(layers[0]), np.sign(x))
    weights = np.mean(problem.design**2, axis=0)
    value = 2.0 * depth * weights @ np.abs(x) ** (2.0 - 2.0 / depth)
    assert flat_product_trace(problem, x) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize(
    ("kind", "depth"), [("vectors", 2), ("vectors", 3), ("uneven", 3), ("two layers", 2)]
)
def test_a_search_over_all_layers_ends_at_the_flat_trace(kind, depth):
    rng = np.random.default_rng(4)
    net = linear_network(EXACT[kind](depth, rng))
    product = net.product(rng.standard_normal(net.size))
    constraint = {"type": "eq", "fun": lambda theta: (net.product(theta) - product).ravel()}
    found = [
        minimize(net.trace, rng.standard_normal(net.size), method="SLSQP", constraints=constraint,
                 options={"maxiter": 300, "ftol": 1e-10})
        for _ in range(3)
    ]  # fmt: skip
    reached = [one.fun for one in found if np.abs(constraint["fun"](one.x)).max() < 1e-7]
    assert min(reached) == pytest.approx(flat_product_trace(net.problem, product), rel=1e-6)


@pytest.mark.parametrize("depth", [2, 3, 7])
def test_the_trace_is_that_of_theory(depth):
    # Theory's losses ‖X − M‖_F² and (1/m)‖A x − b‖²: nine measurements of one entry each divide by 9.
    rng = np.random.default_rng(depth)
    X, x, vector = rng.standard_normal((1, 3, 3)), rng.standard_normal(3), vectors(depth, rng)
    matrix = low_rank.flattest_layers_trace(X[0], depth)
    assert flat_product_trace(isotropic(depth, rng), X) == pytest.approx(matrix / 9.0, rel=1e-13)
    diagonal = low_rank.flattest_diagonal_trace(vector.design, x, depth)
    assert flat_product_trace(vector, x) == pytest.approx(diagonal, rel=1e-13)
    ours, theirs = flat_product_layers(vector, x), low_rank.flat_diagonal_layers(x, depth)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_the_trace_of_few_measurements_of_blocks_is_near_the_formula_and_nearer_with_more():
    # For k ≥ 3 and blocks the formula needs a second moment that is a product, as with infinitely many.
    ratios = []
    for m in (30, 300, 3000):
        problem = ss.problems.block_network(2, 3, 2, 1, m=m, depth=4, seed=1)
        product = np.random.default_rng(1).standard_normal(problem.shape)
        net = linear_network(problem)
        ratio = net.trace(net.parameters(flat_product_layers(problem, product))) / flat_product_trace(
            problem, product
        )
        ratios.append(abs(ratio - 1.0))
    assert ratios[0] > ratios[2]
    assert ratios[2] < 0.01


def test_a_zero_block_has_zero_layers():
    problem = ss.problems.block_network(3, 2, 1, 1, m=8, depth=4, seed=2)
    layers = flat_product_layers(problem, problem.truth)
    zero = ~problem.truth.any(axis=(1, 2))
    assert zero.sum() == 2
    assert not layers[:, zero].any()
    assert not flat_product_layers(problem, np.zeros(problem.shape)).any()
    assert flat_product_trace(problem, np.zeros(problem.shape)) == 0.0


UNSEEN = ProductMeasurements([[1.0, 0.0], [2.0, 0.0]], [1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flat_product_trace(3, [1.0]), "problem must be a ProductMeasurements, got an int"),
        (lambda: flat_product_layers(3, [1.0]), "problem must be a ProductMeasurements, got an int"),
        (lambda: flat_product_trace(UNSEEN, [1.0]), r"product must have shape \(2,\), got \(1,\)"),
        (lambda: flat_product_layers(UNSEEN, [1.0, np.nan]), r"product must be finite, got nan in it"),
        (
            lambda: flat_product_layers(UNSEEN, [1.0, 1.0]),
            r"product must be 0 where no measurement sees it",
        ),
        (lambda: flat_product_trace(UNSEEN, [1.0, 0.0], math.inf), r"depth must be finite, got inf"),
        (
            lambda: flat_product_trace(UNSEEN, [1.0, 0.0], 2.5),
            r"depth must be a whole number of at least 2",
        ),
    ],
)
def test_layers_refuse_what_cannot_be(call, message):
    with pytest.raises(ss.InputError, match=message):
        call()


def test_a_vector_seen_in_part_has_flat_layers_there():
    assert flat_product_layers(UNSEEN, [4.0, 0.0]).tolist() == [[2.0, 0.0], [2.0, 0.0]]
    assert flat_product_trace(UNSEEN, [4.0, 7.0]) == pytest.approx(2 * 2 * 2.5 * 4.0, rel=8 * EPS)
