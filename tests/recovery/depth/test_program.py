"""The convex program of a depth: weak duality at every dual point, feasibility, the prox."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from stepscape.problems import ProductMeasurements
from stepscape.recovery.depth.block_splitting import nearest
from stepscape.recovery.depth.program import flat_program, nuclear_norms, plain_program

EPS = np.finfo(float).eps
SEEDS = st.integers(0, 2**32)
SHAPES = st.sampled_from([(3, 7), (5, 5), (4, 2, 2, 2), (6, 1, 3, 3)])
DEPTHS = st.sampled_from([2, 3, 4, 9, 60, math.inf])


def drawn(shape, seed):
    rng = np.random.default_rng(seed)
    design = rng.standard_normal(shape)
    truth = rng.standard_normal(shape[1:])
    return ProductMeasurements(design, design.reshape(shape[0], -1) @ truth.ravel(), truth=truth), rng


@given(SHAPES, DEPTHS, SEEDS)
def test_no_dual_point_proves_more_than_a_feasible_point_costs(shape, depth, seed):
    problem, rng = drawn(shape, seed)
    program = flat_program(problem, depth)
    point = program.project(rng.standard_normal(program.shape))
    dual = rng.standard_normal(program.target.size)
    assert 0.0 <= program.bound(dual) <= program.value(point) * (1.0 + 64 * EPS)
    assert program.bound(-dual) * program.bound(dual) == 0.0  # one of two opposite directions loses
    assert program.bound(7.0 * dual) == pytest.approx(program.bound(dual), rel=64 * EPS)


@given(SHAPES, DEPTHS, SEEDS)
def test_a_projected_point_satisfies_the_measurements(shape, depth, seed):
    problem, rng = drawn(shape, seed)
    program = flat_program(problem, depth)
    product = program.product(program.project(rng.standard_normal(program.shape))).reshape(problem.shape)
    sizes = np.linalg.svd(problem.rows, compute_uv=False)
    allowed = 1e3 * EPS * sizes[0] / sizes[-1] * np.linalg.norm(problem.design) * np.linalg.norm(product)
    assert np.linalg.norm(problem.apply(product) - problem.labels) <= allowed


@given(SHAPES, DEPTHS, SEEDS)
def test_the_value_is_the_least_trace_over_twice_the_depth(shape, depth, seed):
    problem, rng = drawn(shape, seed)
    program = flat_program(problem, depth)
    point = rng.standard_normal(program.shape)
    value = program.scale**program.power * program.value(point)
    if depth < math.inf:
        trace = ss.recovery.flat_product_trace(problem, program.product(point).reshape(problem.shape), depth)
        assert value == pytest.approx(trace / (2 * depth), rel=1e-11)


@given(st.sampled_from([1.0, 4 / 3, 1.5, 1.9, 2.0]), st.floats(1e-3, 1e3), st.integers(1, 4), SEEDS)
def test_a_prox_is_optimal_and_no_other_point_is_better(power, gamma, size, seed):
    rng = np.random.default_rng(seed)
    point = rng.standard_normal((3, size, size))
    found = nearest(point, gamma, power)

    def cost(W):
        return gamma * np.sum(nuclear_norms(W) ** power) + 0.5 * np.sum((W - point) ** 2)

    # (point − W)/γ is a subgradient: its norm ‖·‖_op is p N^{p−1}, and it is reached along W.
    norms, pull = nuclear_norms(found), (point - found) / gamma
    largest = np.linalg.norm(pull, ord=2, axis=(1, 2))
    if power == 1.0:
        assert (largest <= 1.0 + 64 * EPS * np.linalg.norm(point) / gamma).all()
    else:  # solved for N, which is much better conditioned
        expected = (largest / power) ** (1.0 / (power - 1.0))
        # What rounds in point − W is divided by γ; the power 1/(p − 1) multiplies its share in the pull.
        size_of_point = np.linalg.norm(point)
        share = 1e-12 + 64 * EPS * size_of_point / (gamma * largest * (power - 1.0))
        assert (np.abs(norms - expected) <= share * expected + 64 * EPS * size_of_point).all()
    reached = np.sum(pull * found, axis=(1, 2))
    np.testing.assert_allclose(reached, largest * norms, atol=64 * EPS * np.linalg.norm(point) ** 2 / gamma)
    other = found + rng.standard_normal(found.shape) * 10.0 ** rng.uniform(-6, 0)
    assert cost(found) <= cost(other) * (1.0 + 64 * EPS)


def test_a_refined_point_has_no_error_in_its_measurements():
    problem, rng = drawn((4, 2, 2, 2), 3)
    program = flat_program(problem, 3)
    point = program.project(rng.standard_normal(program.shape))
    wrong = point + 1e-6 * (program.basis @ rng.standard_normal(4)).reshape(point.shape)
    np.testing.assert_allclose(program.refine(wrong), point, rtol=0, atol=64 * EPS * np.abs(point).max())


def test_the_bound_of_a_single_number_is_exact():
    # min |x| subject to 2 x = 6: every dual point of the right sign proves 3.
    program = plain_program(ProductMeasurements([[2.0]], [6.0]))
    assert program.scale * program.bound(program.target) == pytest.approx(3.0, rel=4 * EPS)
    assert program.bound(-program.target) == 0.0
    assert program.bound(0.0 * program.target) == 0.0
