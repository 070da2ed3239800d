"""The flattest product: certified, equal to CVXPY's, exact for two layers, dense for many."""

from __future__ import annotations

import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from stepscape.problems import ProductMeasurements, block_network, hadamard
from stepscape.recovery import (
    flat_product_layers,
    flat_product_trace,
    flattest_product,
    minimum_decay_product,
)
from stepscape.recovery.depth.block_splitting import split
from stepscape.recovery.depth.program import flat_program

EPS = np.finfo(float).eps
SEEDS = st.integers(0, 2**32)


def by_cvxpy(problem, depth):
    """The least objective of the same program, written with cones of powers and nuclear norms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cvxpy as cp

        s = problem.block_size
        power = Fraction(2) - (Fraction(2, depth) if depth < math.inf else 0)
        X = [cp.Variable((s, s)) for _ in range(problem.blocks)]
        cost, seen = 0, 0
        for b, block in enumerate(X):
            A = problem.block_design[:, b]
            t = float(np.mean(np.sum(A**2, axis=(1, 2))))
            left = _root(np.mean(A @ A.transpose(0, 2, 1), axis=0))
            right = _root(np.mean(A.transpose(0, 2, 1) @ A, axis=0))
            norm = cp.normNuc(left @ block @ right) if s > 1 else cp.sum(cp.abs(left @ block @ right))
            cost += t ** (2.0 / depth - 1.0) * (norm if power == 1 else cp.power(norm, power))
            seen = seen + A.reshape(len(A), -1) @ cp.reshape(block, (s * s,), order="C")
        goal = cp.Problem(cp.Minimize(cost), [seen == problem.labels])
        goal.solve(solver=cp.CLARABEL)
        return goal.value


def _root(moment):
    values, vectors = np.linalg.eigh(moment)
    return vectors @ np.diag(np.sqrt(np.maximum(values, 0.0))) @ vectors.T


CASES = {
    "vector": lambda: hadamard(d=12, nonzero=2, m=6, noise=0.1, seed=1),
    "blocks": lambda: block_network(blocks=3, size=2, nonzero=1, rank=1, m=6, noise=0.1, seed=1),
    "matrix": lambda: block_network(blocks=1, size=3, nonzero=1, rank=1, m=5, noise=0.1, seed=1),
}


@pytest.mark.parametrize("depth", [2, 3, 5, math.inf])
@pytest.mark.parametrize("kind", CASES)
def test_the_objective_is_that_of_another_solver(kind, depth):
    problem = CASES[kind]()
    found = flattest_product(problem, depth)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(by_cvxpy(problem, depth), rel=1e-6)


@examples(1 / 4)
@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([2, 3, 4, 10, 50, math.inf]), SEEDS)
def test_every_solution_for_vectors_is_certified_and_feasible(d, m, depth, seed):
    problem = hadamard(d, d, min(m, d), seed=seed)
    found = flattest_product(problem, depth)
    sizes = np.linalg.svd(problem.design, compute_uv=False)
    assert found.status == "optimal"
    assert 0.0 <= found.gap <= 1e-9
    assert found.residual <= 1e-12 * sizes[0] / sizes[-1]
    if depth < math.inf:
        assert flat_product_trace(problem, found.solution, depth) == pytest.approx(
            2 * depth * found.objective
        )
        assert found.objective <= flat_product_trace(problem, problem.truth, depth) / (2 * depth) * (
            1.0 + 1e-9
        )


@examples(1 / 6)
@given(st.sampled_from([(4, 2), (2, 3), (1, 4)]), st.sampled_from([2, 3, 7, math.inf]), SEEDS)
def test_every_solution_for_blocks_is_certified_and_feasible(shape, depth, seed):
    problem = block_network(*shape, nonzero=1, rank=1, m=8, noise=0.5, seed=seed)
    found = flattest_product(problem, depth, iterations=4000)
    assert found.status == ("optimal" if found.gap <= 1e-9 else "undecided")
    assert found.gap <= 1e-6
    assert found.residual <= 1e-10


@pytest.mark.parametrize("nonzero", [1, 3, 5])
@pytest.mark.parametrize("seed", [1, 2])
def test_two_layers_recover_a_sparse_vector_exactly_and_more_layers_do_not(nonzero, seed):
    problem = hadamard(100, nonzero, 50, seed=seed)
    errors = [problem.error(flattest_product(problem, depth).solution) for depth in (2, 3, 5, 10, 50)]
    assert errors[0] <= 1e-12
    assert errors[1] > 1e-4
    assert errors == sorted(errors)


def test_deep_solutions_tend_to_the_weighted_least_squares_solution():
    problem = hadamard(d=30, nonzero=3, m=12, seed=3)
    # min Σ D_ii x_i² subject to A x = b is D^{−½} (A D^{−½})⁺ b.
    roots = np.sqrt(np.mean(problem.design**2, axis=0))
    limit = np.linalg.pinv(problem.design / roots) @ problem.labels / roots
    flattest = flattest_product(problem, math.inf).solution
    np.testing.assert_allclose(flattest, limit, rtol=0, atol=1e-13 * np.abs(limit).max())
    away = [np.linalg.norm(flattest_product(problem, k).solution - limit) for k in (10, 100, 1000, 10**6)]
    assert away[3] < 1e-5 * np.linalg.norm(limit)
    for far, near in itertools.pairwise(away[:3]):
        assert near == pytest.approx(far / 10, rel=0.25)  # first order in 1/k


def test_one_block_has_the_same_solution_at_every_depth_and_recovers():
    problem = block_network(blocks=1, size=6, nonzero=1, rank=1, m=32, seed=2)
    for depth in (2, 3, 10, math.inf):
        assert problem.error(flattest_product(problem, depth).solution) <= 1e-7


@pytest.mark.parametrize("depth", [2, 3, 6, math.inf])
def test_the_solvers_of_vectors_and_blocks_agree(depth):
    problem = hadamard(d=14, nonzero=2, m=7, seed=6)
    program = flat_program(problem, depth)
    point, dual, _ = split(program, 1e-11, 20_000)
    assert program.gap(point, dual) <= 1e-11
    found = flattest_product(problem, depth)
    away = np.linalg.norm(program.product(point).ravel() - found.solution)
    assert away <= 1e-4 * np.linalg.norm(found.solution)
    assert program.scale**program.power * program.value(point) == pytest.approx(found.objective, rel=1e-10)


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
@pytest.mark.parametrize("depth", [2, 3, math.inf])
def test_the_solution_scales_with_the_labels_and_not_with_the_units_of_the_design(make, depth):
    problem = make()
    found = flattest_product(problem, depth).solution
    larger = ProductMeasurements(problem.design, -(2.0**40) * problem.labels)
    np.testing.assert_allclose(flattest_product(larger, depth).solution, -(2.0**40) * found, rtol=1e-6)
    other = ProductMeasurements(2.0**-30 * problem.design, 2.0**-30 * problem.labels)
    np.testing.assert_allclose(flattest_product(other, depth).solution, found, rtol=1e-6)


def test_a_measurement_made_twice_changes_nothing():
    problem = hadamard(d=12, nonzero=2, m=6, seed=1)
    twice = ProductMeasurements(np.tile(problem.design, (2, 1)), np.tile(problem.labels, 2))
    for depth in (2, 3, math.inf):
        once = flattest_product(problem, depth).solution
        np.testing.assert_allclose(flattest_product(twice, depth).solution, once, rtol=0, atol=1e-8)


def test_what_no_measurement_sees_is_zero_and_counted():
    design = np.random.default_rng(0).standard_normal((3, 5))
    design[:, 2] = 0.0
    found = flattest_product(ProductMeasurements(design, np.ones(3)), 3)
    assert (found.unseen, found.solution[2], found.status) == (1, 0.0, "not identifiable")
    rows = np.random.default_rng(0).standard_normal((3, 2, 2, 2))
    rows[:, 0, 1] = 0.0  # the second row of the first block
    found = flattest_product(ProductMeasurements(rows, np.ones(3)))
    assert (found.unseen, found.solution[0, 1].tolist(), found.status) == (2, [0.0, 0.0], "not identifiable")
    assert flat_product_layers(ProductMeasurements(rows, np.ones(3)), found.solution).shape == (2, 2, 2, 2)


def test_labels_that_contradict_each_other_have_least_squares_and_say_so():
    design = np.random.default_rng(0).standard_normal((3, 5))
    found = flattest_product(ProductMeasurements(design[[0, 1, 2, 2]], [1.0, 2.0, 3.0, 5.0]), 3)
    middle = flattest_product(ProductMeasurements(design, [1.0, 2.0, 4.0]), 3)
    assert (found.status, middle.status) == ("infeasible", "optimal")
    assert found.residual == pytest.approx(np.sqrt(2 / 39))
    unweighted = flat_program(ProductMeasurements(design[[0, 1, 2, 2]], [1.0, 2.0, 4.0, 4.0]), 3)
    assert unweighted.feasible
    np.testing.assert_allclose(design @ found.solution, [1.0, 2.0, 4.0], rtol=1e-12)
    nothing = flattest_product(ProductMeasurements([[0.0, 0.0]], [1.0]))
    assert (nothing.status, nothing.unseen, nothing.residual) == ("infeasible", 2, 1.0)
    assert not nothing.solution.any()
    assert minimum_decay_product(ProductMeasurements([[0.0, 0.0]], [1.0]), 3).status == "infeasible"


@pytest.mark.parametrize("shape", [(3, 5), (3, 2, 2, 2)])
@pytest.mark.parametrize("depth", [2, 3, math.inf])
def test_zero_labels_have_the_solution_zero(shape, depth):
    design = np.random.default_rng(0).standard_normal(shape)
    found = flattest_product(ProductMeasurements(design, np.zeros(3)), depth)
    assert not found.solution.any()
    assert (found.objective, found.gap, found.status, found.residual) == (0.0, 0.0, "optimal", 0.0)


@pytest.mark.parametrize("depth", [2, 3, 8, math.inf])
def test_columns_of_very_different_units_are_no_harder(depth):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        design = rng.standard_normal((19, 23)) * 10.0 ** rng.uniform(-4, 4, 23)
        truth = rng.standard_normal(23) * 10.0 ** rng.uniform(-3, 3, 23)
        found = flattest_product(ProductMeasurements(design, design @ truth), depth)
        assert found.status == "optimal"
        assert found.residual <= 1e-10


def test_blocks_that_need_another_step_size_than_the_first_are_solved():
    # With one step size the first is not solved in 4000 iterations, with ever smaller ones the second is not.
    for seed, m, depth in [(19, 17, 5), (3, 6, 5)]:
        problem = block_network(2, 3, nonzero=1, rank=1, m=m, seed=seed)
        assert flattest_product(problem, depth, iterations=2000).status == "optimal"


def test_a_simplex_method_that_fails_leaves_a_feasible_undecided_point(monkeypatch):
    import scipy.optimize

    nothing = scipy.optimize.OptimizeResult(x=None, nit=7)
    monkeypatch.setattr(scipy.optimize, "linprog", lambda *_, **__: nothing)
    found = flattest_product(hadamard(d=8, nonzero=1, m=3))
    assert (found.status, found.iterations, found.gap) == ("undecided", 7, 1.0)
    assert found.residual <= 1e-14


def test_too_few_iterations_are_reported_and_not_called_a_solution():
    found = flattest_product(block_network(m=30, depth=3), iterations=20)
    assert found.status == "undecided"
    assert found.gap > 1e-9
    assert found.residual <= 1e-12
    text = f"RecoveredProduct(undecided: depth=3, objective={found.objective:.6g}, gap="
    assert repr(found).startswith(text)


def test_equal_calls_give_equal_bits():
    for depth in (2, 3):
        first, second = (flattest_product(block_network(m=30, seed=2), depth) for _ in range(2))
        np.testing.assert_array_equal(first.solution, second.solution)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"problem": 3}, "problem must be a ProductMeasurements, got an int"),
        ({"depth": 1}, "depth must be a whole number of at least 2, got 1"),
        ({"depth": math.nan}, "depth must be a whole number of at least 2, got nan"),
        ({"tolerance": 0.0}, "tolerance must be finite and positive, got 0"),
        ({"iterations": 0}, "iterations must be a whole number of at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ss.InputError, match=message):
        flattest_product(**{"problem": hadamard(d=4, nonzero=1, m=2), **arguments})
