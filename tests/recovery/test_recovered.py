"""What a recovery says of itself, and its flat factors."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import problems
from stepscape.problems import CorruptedMatrix, Measurements
from stepscape.problems.linear_maps import Entries
from stepscape.theory.low_rank import hessian_trace


@pytest.mark.parametrize(
    ("p", "count"),
    [
        (problems.bilinear_sensing(8, 6, 1, 40, seed=1), 4),
        (problems.quadratic_network(8, 1, 1, 40, seed=1), 8),
        (problems.covariance_sensing(8, 1, 40, seed=1), 8),
    ],
)
def test_the_factors_are_the_flattest(p: Measurements, count: int) -> None:
    found = ss.recovery.flattest(p)
    np.testing.assert_allclose(found.factors.matrix, found.matrix, atol=1e-12 * np.abs(found.matrix).max())
    assert hessian_trace(p, found.factors) == pytest.approx(count * found.objective, rel=1e-12)


def test_the_factors_of_a_corrupted_matrix_are_balanced() -> None:
    factors = ss.recovery.flattest(problems.robust_pca(8, 7, 1, 0.05, seed=1)).factors
    np.testing.assert_allclose(factors.left.T @ factors.left, factors.right.T @ factors.right, atol=1e-12)


def test_every_state_has_its_words() -> None:
    plain = ss.recovery.flattest(problems.matrix_sensing(8, 8, 1, 60, seed=1))
    assert repr(plain).startswith("Recovered(optimal: 8×8 of rank 1, ‖D1XD2‖_* = ")
    assert repr(plain).endswith(f"the only minimizer; {plain.iterations} iterations)")
    tied = ss.recovery.flattest(problems.phase_retrieval(8, 9, seed=1))
    assert "every positive semidefinite solution is equally flat, not the only minimizer" in repr(tied)
    hidden = ss.recovery.flattest(Measurements(Entries([0, 1], [0, 0], (3, 2)), [1.0, 2.0]))
    assert "not identifiable" in repr(hidden)
    said = "NullSpace(1 dimensions of rows and 1 of columns; never seen: rows 2 and columns 1)"
    assert repr(hidden.null_space) == said
    assert said in repr(hidden)
    assert repr(plain.null_space) == "NullSpace(every row and column is seen)"
    unsolvable = ss.recovery.flattest(Measurements(Entries([0, 0], [0, 0], (1, 1)), [1.0, 2.0]))
    assert repr(unsolvable).startswith(
        "Recovered(infeasible: no matrix satisfies the equations; residual 0.3"
    )
    assert "‖X‖_* = " in repr(ss.recovery.minimum_nuclear_norm(CorruptedMatrix(np.eye(2), 0.0)))
