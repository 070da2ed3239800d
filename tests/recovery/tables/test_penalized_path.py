"""The penalized weighted trace norm: optimality, its bound, its weights, an independent oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.recovery.tables.penalized_path import PenalizedProblem, follow, minimize
from stepscape.recovery.tables.shrinkage import Shrunk

NORMS = ("flat", "nuclear")


def example(seed: int, shape: tuple[int, int] = (7, 5), share: float = 0.6, norm: str = "flat"):
    """A noisy table of rank 2, each row and column with an entry."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(shape[0], 2)) @ rng.normal(size=(2, shape[1])) + 0.3 * rng.normal(size=shape)
    seen = rng.random(shape) < share * rng.uniform(0.4, 1.6, (shape[0], 1))
    seen[np.arange(shape[0]), np.arange(shape[0]) % shape[1]] = True
    return PenalizedProblem.of(values, seen, norm)


def solve(problem, share, tolerance=1e-12, most=40_000):
    start = Shrunk.zero(problem.values.shape)
    return minimize(problem, share * problem.largest, start, tolerance, most)


def objective(problem, penalty, matrix):
    z = problem.rows[:, None] * matrix * problem.columns
    miss = np.where(problem.seen, matrix - problem.values, 0.0)
    return 0.5 * np.sum(miss**2) + penalty * np.linalg.svd(z, compute_uv=False).sum()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_convex_solver_finds_the_same_matrix(norm, share):
    cp = pytest.importorskip("cvxpy")
    problem = example(3, norm=norm)
    found = solve(problem, share)
    x = cp.Variable(problem.values.shape)
    loss = 0.5 * cp.sum_squares(cp.multiply(problem.seen.astype(float), x - problem.values))
    weighted = cp.diag(problem.rows) @ x @ cp.diag(problem.columns)
    oracle = cp.Problem(cp.Minimize(loss + found.penalty * cp.normNuc(weighted)))
    oracle.solve(solver=cp.CLARABEL)
    assert found.value == pytest.approx(oracle.value, rel=1e-7)
    # The loss is strongly convex in the observed entries: they differ by no more than the values tell.
    excess = objective(problem, found.penalty, x.value) - found.value * (1.0 - found.gap)
    assert excess >= 0.0
    assert np.sum((found.matrix - x.value)[problem.seen] ** 2) <= 2.0 * excess
    assert np.abs(found.matrix - x.value).max() <= 1e-4 * np.abs(found.matrix).max()


@pytest.mark.parametrize("norm", NORMS)
def test_the_largest_penalty_is_the_least_that_gives_zero(norm):
    problem = example(1, norm=norm)
    first, second = follow(problem, problem.largest * np.array([1.0, 0.999]), 1e-9)
    assert not first.matrix.any()
    assert first.rank == 0
    assert second.matrix.any()


@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 0.9), most=st.integers(1, 30))
def test_the_gap_bounds_how_far_the_value_lies_above_the_least(seed, share, most):
    problem = example(seed, (5, 4))
    early, late = solve(problem, share, 0.0, most), solve(problem, share, 1e-9, 5_000)
    scale = 1e-12 * (1.0 + early.value)
    assert early.value - early.gap * early.value <= late.value + scale
    assert objective(problem, early.penalty, early.matrix) == pytest.approx(early.value, rel=1e-10, abs=1e-12)


@given(seed=st.integers(0, 10_000))
def test_a_smaller_penalty_fits_better_with_a_larger_norm(seed):
    problem = example(seed, (5, 4))
    path = list(follow(problem, problem.penalties(4, 0.1), 1e-8))
    norms = np.array([each.shrunk.values.sum() for each in path])
    losses = [each.value - each.penalty * norm for each, norm in zip(path, norms, strict=True)]
    slack = 1e-3 * (1.0 + path[0].value)
    assert (np.diff(norms) >= -slack).all()
    assert (np.diff(losses) <= slack).all()


def test_rows_and_columns_seen_equally_often_have_the_nuclear_norm():
    seen = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=bool)
    values = np.arange(9.0).reshape(3, 3)
    flat, nuclear = (PenalizedProblem.of(values, seen, norm) for norm in NORMS)
    assert np.array_equal(flat.rows, nuclear.rows)
    assert np.array_equal(flat.columns, nuclear.columns)


@given(seed=st.integers(0, 10_000))
def test_the_flat_norm_is_half_the_least_hessian_trace_over_factorizations(seed):
    # In units of the counts: tr = Σ n_i ‖L_i‖² + Σ m_j ‖R_j‖², and r² = n/mean(n), c² = m/mean(m).
    problem, rng = example(seed), np.random.default_rng(seed)
    counts = problem.seen.sum(axis=1), problem.seen.sum(axis=0)
    x = rng.normal(size=(7, 2)) @ rng.normal(size=(2, 5))
    unit = np.sqrt(counts[0].mean() * counts[1].mean())
    norm = unit * np.linalg.svd(problem.rows[:, None] * x * problem.columns, compute_uv=False).sum()
    roots = np.sqrt(counts[0]), np.sqrt(counts[1])
    p, sigma, q = np.linalg.svd(roots[0][:, None] * x * roots[1], full_matrices=False)
    left = (p * np.sqrt(sigma)) / roots[0][:, None]
    right = (q.T * np.sqrt(sigma)) / roots[1][:, None]
    turn = np.eye(5) + 0.3 * rng.normal(size=(5, 5))
    assert left @ right.T == pytest.approx(x, abs=1e-12)
    least = _trace(counts, left, right)
    assert least == pytest.approx(2.0 * norm, rel=1e-12)
    assert _trace(counts, left @ turn, right @ np.linalg.inv(turn).T) >= least * (1.0 - 1e-12)


def test_the_hessian_trace_is_that_of_automatic_differentiation():
    torch = pytest.importorskip("torch")
    problem, rng = example(2), np.random.default_rng(0)
    left, right = rng.normal(size=(7, 2)), rng.normal(size=(5, 2))
    seen, y = torch.tensor(problem.seen, dtype=torch.float64), torch.tensor(problem.values)

    def loss(theta):
        x = theta[:14].reshape(7, 2) @ theta[14:].reshape(5, 2).T
        return 0.5 * (seen * (x - y) ** 2).sum()

    theta = torch.tensor(np.concatenate([left.ravel(), right.ravel()]))
    trace = float(torch.autograd.functional.hessian(loss, theta).trace())
    counts = problem.seen.sum(axis=1), problem.seen.sum(axis=0)
    assert _trace(counts, left, right) == pytest.approx(trace, rel=1e-12)


def _trace(counts, left, right):
    return float(counts[0] @ (left**2).sum(axis=1) + counts[1] @ (right**2).sum(axis=1))


def test_a_table_of_zeros_is_solved_by_zero():
    problem = PenalizedProblem.of(np.zeros((3, 2)), np.ones((3, 2), dtype=bool), "flat")
    assert problem.largest == 0.0
    (found,) = follow(problem, [0.0], 1e-9)
    assert (found.value, found.gap, found.rank) == (0.0, 0.0, 0)


def test_few_iterations_leave_a_gap_that_says_so():
    found = solve(example(0), 0.01, 1e-9, 3)
    assert found.iterations == 3
    assert found.gap > 1e-6
