"""Shrinking singular values: three algorithms, one answer."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.recovery.tables import shrinkage
from stepscape.recovery.tables.shrinkage import Shrunk, dual_norm, shrink


def decaying(shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(shape[0], 3)) @ rng.normal(size=(3, shape[1])) + 0.01 * rng.normal(size=shape)


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (7, 7), (5, 1)])
def test_small_matrices_are_shrunk_alike_by_their_square_and_by_themselves(shape):
    matrix = decaying(shape)
    by = 0.3 * np.linalg.norm(matrix, 2)
    whole, square = shrinkage._whole(matrix, by), shrinkage._by_square(matrix, by)
    assert square.matrix == pytest.approx(whole.matrix, abs=1e-12 * np.abs(matrix).max() * 40)
    assert square.values == pytest.approx(whole.values, rel=1e-10)


def test_a_large_matrix_of_low_rank_is_shrunk_alike_by_its_leading_singular_values():
    matrix = decaying((330, 310))
    by = 0.2 * dual_norm(matrix)
    some = shrink(matrix, by, Shrunk(matrix, np.ones(2)))
    whole = shrinkage._whole(matrix, by)
    assert some.rank == whole.rank == 3
    assert np.abs(some.matrix - whole.matrix).max() <= 1e-9 * np.abs(matrix).max()
    assert dual_norm(matrix) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-9)


def test_where_the_leading_singular_values_do_not_reach_the_threshold_all_are_taken():
    matrix = np.random.default_rng(1).normal(size=(310, 305))
    by = 0.1 * np.linalg.norm(matrix, 2)
    assert shrinkage._leading(matrix, by, 8) is None
    assert shrink(matrix, by, Shrunk.zero(matrix.shape)).rank > 46


def test_a_tiny_threshold_is_not_lost_in_the_square():
    p, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 4)))
    sigma = np.array([1.0, 1e-3, 1e-8, 3e-9])
    found = shrink(p * sigma, 2e-9, Shrunk.zero((9, 4)))
    assert found.values == pytest.approx(sigma - 2e-9, rel=1e-6)


def test_nothing_above_the_threshold_gives_zero():
    found = shrink(np.eye(3), 1.0, Shrunk.zero((3, 3)))
    assert found.rank == 0
    assert not found.matrix.any()
