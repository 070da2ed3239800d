"""Solutions of least norm at two factors, beside the pseudoinverse of the dense Jacobian."""

from __future__ import annotations

import numpy as np
import pytest

from recovery_cases import EPS, linear_map
from stepscape.problems.linear_maps import Entries
from stepscape.recovery.convex import least_norm
from stepscape.recovery.convex.least_norm import LeastNorm
from stepscape.recovery.convex.tangent import Tangent, jacobian

RNG = np.random.default_rng(3)


def seen_entries(shape: tuple[int, int], share: float) -> Entries:
    mask = RNG.random(shape) < share
    rows, columns = np.nonzero(mask)
    return Entries(rows, columns, shape)


def dense(A: Entries, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray(jacobian(A, left, right).toarray())


@pytest.mark.parametrize("r", [1, 2, 3])
@pytest.mark.parametrize("most", [600, 0])  # Cholesky, LSMR
def test_both_are_those_of_the_pseudoinverse(r: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_norm, "MOST_COLUMNS", most)
    A = seen_entries((12, 9), 0.8)
    left, right = RNG.standard_normal((12, r)), RNG.standard_normal((9, r))
    at, J = LeastNorm(Tangent(A, left, right)), dense(A, left, right)
    assert (at._factor is None) == (most == 0)
    inverse = np.linalg.pinv(J)
    tolerance = 1e4 * EPS * np.linalg.cond(J[:, : J.shape[1] - r * r]) ** 2
    values, other = RNG.standard_normal(A.size), J.T @ RNG.standard_normal(A.size)
    np.testing.assert_allclose(at.step(values), inverse @ values, rtol=0, atol=tolerance)
    np.testing.assert_allclose(at.multipliers(other), inverse.T @ other, rtol=0, atol=tolerance)


def test_a_step_does_not_move_along_directions_that_keep_the_product() -> None:
    A = seen_entries((10, 10), 0.9)
    left, right = RNG.standard_normal((10, 2)), RNG.standard_normal((10, 2))
    step = LeastNorm(Tangent(A, left, right)).step(RNG.standard_normal(A.size))
    mixed = RNG.standard_normal((2, 2))
    blind = np.concatenate([(left @ mixed).ravel(), (-right @ mixed.T).ravel()])
    assert abs(blind @ step) <= 1e-12 * np.linalg.norm(blind) * np.linalg.norm(step)


def test_what_is_not_seen_is_left_to_lsmr() -> None:
    mask = np.ones((8, 6), bool)
    mask[3] = False  # an empty row: JᵀJ is singular beside the directions that keep the product
    A = Entries(*np.nonzero(mask), (8, 6))
    left, right = RNG.standard_normal((8, 2)), RNG.standard_normal((6, 2))
    at, J = LeastNorm(Tangent(A, left, right)), dense(A, left, right)
    assert at._factor is None
    values = RNG.standard_normal(A.size)
    np.testing.assert_allclose(at.step(values), np.linalg.pinv(J) @ values, rtol=0, atol=1e-8)


@pytest.mark.parametrize("kind", ["dense", "rank one"])
def test_other_measurements_take_lsmr(kind: str) -> None:
    A = linear_map(kind, (6, 5), 25, np.random.default_rng(0))
    left, right = RNG.standard_normal((6, 1)), RNG.standard_normal((5, 1))
    at, J = LeastNorm(Tangent(A, left, right)), np.asarray(jacobian(A, left, right))
    values = RNG.standard_normal(25)
    np.testing.assert_allclose(at.step(values), np.linalg.pinv(J) @ values, rtol=0, atol=1e-9)
