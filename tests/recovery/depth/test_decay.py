"""Least weight decay: ℓ1 for two layers, sparser with depth, and honest about local minima."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

import stepscape as ss
from budget import examples
from stepscape.problems import ProductMeasurements, block_network, hadamard
from stepscape.recovery import minimum_decay_product

SEEDS = st.integers(0, 2**32)


def least(problem, power):
    """The least Σ|x_i|^power, at most 1, by all solutions on as many coordinates as there are labels."""
    A, b = problem.design, problem.labels
    columns = itertools.combinations(range(A.shape[1]), A.shape[0])
    return min(np.sum(np.abs(np.linalg.solve(A[:, list(c)], b)) ** power) for c in columns)


@pytest.mark.parametrize("depth", [3, 8])
def test_most_tiny_problems_are_solved_as_well_as_by_trying_all_supports(depth):
    # A concave function of |x_i| has its least value at a vertex, which has at most m nonzero numbers.
    reached = []
    for seed in range(20):
        problem = hadamard(d=7, nonzero=2, m=3, noise=0.3, seed=seed)
        found = minimum_decay_product(problem, depth, starts=10)
        best = least(problem, 2.0 / depth)
        assert best * (1.0 - 1e-9) <= found.objective <= best * 1.1
        assert found.residual <= 1e-9
        assert math.isnan(found.gap)
        assert found.status == "not proved"  # the truth does not explain noisy labels
        reached.append(found.objective <= best * (1.0 + 1e-9))
    assert np.mean(reached) >= 0.7


@examples(1 / 6)
@given(st.integers(1, 3), SEEDS)
def test_two_layers_have_the_least_sum_of_absolute_values(nonzero, seed):
    problem = hadamard(d=10, nonzero=nonzero, m=5, seed=seed)
    found = minimum_decay_product(problem, 2)
    A = np.hstack([problem.design, -problem.design])
    assert found.objective == pytest.approx(linprog(np.ones(20), A_eq=A, b_eq=problem.labels).fun, rel=1e-9)
    assert (found.status, found.gap <= 1e-9) == ("optimal", True)


def test_two_layers_of_one_block_have_the_least_nuclear_norm():
    problem = block_network(blocks=1, size=6, nonzero=1, rank=1, m=32, seed=2)
    found = minimum_decay_product(problem)
    assert problem.error(found.solution) <= 1e-7
    assert found.objective == pytest.approx(np.linalg.norm(problem.truth[0], ord="nuc"), rel=1e-8)


@pytest.mark.parametrize("seed", [1, 2])
def test_depth_recovers_where_it_makes_flat_products_dense(seed):
    problem = hadamard(d=60, nonzero=4, m=25, seed=seed)
    for depth in (3, 6, 10):
        found = minimum_decay_product(problem, depth, starts=3)
        assert problem.error(found.solution) <= 1e-10
        assert found.status == "not proved"
        assert np.count_nonzero(found.solution) == 4


def test_a_worse_point_than_the_truth_is_called_a_local_minimum():
    # Too many nonzero numbers for the search: the truth has the smaller objective in some of these.
    words = []
    for seed in range(6):
        problem = hadamard(d=40, nonzero=5, m=12, seed=seed)
        found = minimum_decay_product(problem, 4, starts=1)
        truth = np.sum(np.abs(problem.truth) ** 0.5)
        assert (found.status == "local minimum") == (found.objective > truth * (1.0 + 1e-9))
        words.append(found.status)
        more = minimum_decay_product(problem, 4, starts=8)
        assert more.objective <= found.objective
    assert "local minimum" in words


def test_the_same_seed_gives_the_same_bits_and_zero_labels_zero():
    problem = hadamard(d=20, nonzero=6, m=9, seed=3)
    first, second = (minimum_decay_product(problem, 3, starts=4, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.solution, second.solution)
    zero = minimum_decay_product(ProductMeasurements(problem.design, np.zeros(9)), 3)
    assert (zero.objective, zero.status) == (0.0, "optimal")
    assert not zero.solution.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"problem": 3}, "problem must be a ProductMeasurements, got an int"),
        ({"depth": math.inf}, "depth must be finite, got inf"),
        ({"starts": 0}, "starts must be a whole number of at least 1, got 0"),
        (
            {"problem": block_network(m=5), "depth": 3},
            "depth must be 2 for blocks larger than 1, got 3; take",
        ),
        ({"seed": -1, "depth": 3}, "seed must be a whole number of at least 0, got -1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ss.InputError, match=message):
        minimum_decay_product(**{"problem": hadamard(d=4, nonzero=1, m=2), **arguments})
