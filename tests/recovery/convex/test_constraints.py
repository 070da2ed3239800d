"""Projections by the conditions of optimality, and bounds by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery_cases import ANY, EPS, linear_map
from stepscape.problems.linear_maps import Dense, Entries
from stepscape.recovery.convex.constraints import Equations, NearObserved, factor


@pytest.mark.parametrize("softness", [0.0, 0.3])
@pytest.mark.parametrize("kind", ANY)
def test_the_projection_is_optimal(kind: str, softness: float) -> None:
    # W − S = γB*(λ) with B(W) = b, or with λ = (b − B(W))/c.
    rng = np.random.default_rng(1)
    B = linear_map(kind, (4, 5), 12, rng)
    labels, S, gamma = rng.standard_normal(12), rng.standard_normal((4, 5)), 0.7
    equations = Equations(B, labels, softness)
    W, dual = equations.project(gamma)(S)
    np.testing.assert_allclose(W - S, gamma * B.adjoint(dual), atol=1e-12)
    np.testing.assert_allclose(B.apply(W) + softness * dual, labels, atol=1e-10)
    assert equations.cost(W) == pytest.approx(softness * np.sum(dual**2) / 2.0, rel=1e-8)


@given(st.integers(0, 10**6), st.floats(0.0, 2.0))
def test_the_scale_of_the_dual_variables_is_best(seed: int, softness: float) -> None:
    rng = np.random.default_rng(seed)
    B = Dense(rng.standard_normal((6, 3, 3)))
    equations, dual = Equations(B, rng.standard_normal(6), softness), rng.standard_normal(6)
    norm = float(np.linalg.norm(B.adjoint(dual), 2))
    bound, scale = equations.bound(dual, norm)

    def value(s: float) -> float:
        return float(s * equations.labels @ dual - softness * s**2 / 2.0 * dual @ dual)

    assert bound == pytest.approx(value(scale), abs=64 * EPS)
    assert 0.0 <= scale * norm <= 1.0 + 4 * EPS
    for s in np.linspace(0.0, 1.0 / norm, 20):
        assert value(s) <= bound + 64 * EPS


def test_unbounded_dual_variables_say_that_there_is_no_solution() -> None:
    equations = Equations(Dense(np.eye(2)[None]), np.array([-1.0]))
    # λ = −1: B*(λ) = −I ⪯ 0 and ⟨b, λ⟩ = 1.
    assert equations.bound(np.array([-1.0]), -1.0)[0] == np.inf
    assert equations.bound(np.array([1.0]), 1.0) == (0.0, 0.0)


@pytest.mark.parametrize("rank", [3, 6])
def test_a_singular_gram_matrix_has_the_solution_of_least_norm(rank: int) -> None:
    rng = np.random.default_rng(2)
    root = rng.standard_normal((6, rank)) * np.array([1.0, 1e3, 1e-3, 1.0, 10.0, 1.0])[:, None]
    gram = root @ root.T
    values = gram @ rng.standard_normal(6)
    found = factor(gram)(values)
    np.testing.assert_allclose(gram @ found, values, atol=1e-8 * np.abs(values).max())


def test_a_measurement_of_nothing_is_left_alone() -> None:
    solve = factor(np.array([4.0, 0.0]))
    np.testing.assert_array_equal(solve(np.array([2.0, 1.0])), [0.5, 0.0])
    equations = Equations(Entries([0], [0], (1, 1), [0.0]), np.array([1.0]))
    assert equations.residual(np.zeros((1, 1))) == 1.0


@given(st.integers(0, 10**6), st.floats(0.0, 20.0))
def test_the_nearest_matrix_within_the_budget(seed: int, budget: float) -> None:
    # W minimizes ‖W − S‖ exactly if ⟨W − S, V − W⟩ ≥ 0 for every V within the budget: its corners are enough.
    rng = np.random.default_rng(seed)
    Y, S = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    constraint = NearObserved(Y, budget)
    W, dual = constraint.project(0.5)(S)
    np.testing.assert_allclose(W - S, 0.5 * dual, atol=1e-14)
    assert constraint.residual(W) <= 1e-14
    least = np.sum(dual * Y) - budget * np.abs(dual).max()  # over the ball, at a corner
    assert np.sum(dual * W) == pytest.approx(least, abs=1e-12)
    assert constraint.cost(W) == 0.0
    bound, scale = constraint.bound(dual, 2.0)
    assert (bound, scale) == ((pytest.approx(least / 2.0), 0.5) if least > 0.0 else (0.0, 0.0))
