"""D1 and D2 against sums over the measurements, and against what their singular directions hide."""

from __future__ import annotations

import math

import numpy as np
import pytest

from flat_cases import EPS, KINDS, linear_map, matrices, problem
from stepscape.errors import InputError
from stepscape.problems import Measurements
from stepscape.problems.linear_maps import Dense, Entries, RankOne
from stepscape.theory.low_rank import Weight, matrix_weights


def full(matrix: np.ndarray) -> np.ndarray:
    return np.diag(matrix) if matrix.ndim == 1 else matrix


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scaled", [False, True])
def test_squares_are_means_over_the_measurements(kind, scaled):
    p = problem(kind, (4, 3), 9, 3)
    A, weights = matrices(p), matrix_weights(p, scaled)
    d1, d2 = (4, 3) if scaled else (1, 1)
    for weight, mean in (
        (weights.left, sum(a @ a.T for a in A) / (p.size * d2)),
        (weights.right, sum(a.T @ a for a in A) / (p.size * d1)),
    ):
        room = 64 * EPS * np.abs(mean).max()
        assert np.abs(full(weight.square) - mean).max() <= room
        D, inverse = full(weight.root), full(weight.pseudo_inverse)
        assert np.abs(D @ D - mean).max() <= room
        assert (
            np.abs(D @ inverse - np.eye(len(D))).max() <= 64 * EPS * (weight.largest / weight.smallest) ** 2
        )
        assert weight.nullity == 0
        F = np.arange(2.0 * len(D)).reshape(-1, 2)
        assert weight.squared_norm(F) == pytest.approx(np.sum((D @ F) ** 2), rel=64 * EPS)
        assert np.abs(weight.congruence(F, F) - F.T @ mean @ F).max() <= room * np.sum(F**2)


def test_scaled_weights_of_many_gaussian_measurements_are_near_the_identity():
    p = Measurements(linear_map("dense", (4, 9), 4000, 1), np.zeros(4000))
    weights = matrix_weights(p, scaled=True)
    for weight in (weights.left, weights.right):
        assert np.abs(weight.root - np.eye(len(weight.root))).max() < 0.05


def test_entries_keep_diagonals_and_count_rows_and_columns():
    p = Measurements(Entries(np.array([0, 0, 1]), np.array([0, 1, 1]), (2, 2)), np.zeros(3))
    weights = matrix_weights(p)
    assert weights.left.square.tolist() == [2 / 3, 1 / 3]
    assert weights.right.square.tolist() == [1 / 3, 2 / 3]
    assert weights.condition == pytest.approx(math.sqrt(2.0), rel=4 * EPS)
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    root = np.diag(weights.left.root), np.diag(weights.right.root)
    assert np.abs(weights.around(X) - root[0] @ X @ root[1]).max() <= 4 * EPS * 4
    assert np.abs(weights.undo(weights.around(X)) - X).max() <= 8 * EPS * 4


def test_symmetric_measurements_have_one_weight():
    weights = matrix_weights(problem("rank one", (5, 5), 9, 3, "psd"))
    assert weights.left is weights.right
    assert weights.left.pseudo_inverse is weights.right.pseudo_inverse


class TestSingular:
    def test_too_few_rank_one_measurements(self):
        x = np.random.default_rng(0).standard_normal((3, 5))
        weights = matrix_weights(Measurements(RankOne(x, x), np.zeros(3), "psd"))
        assert weights.nullity == (2, 2)
        assert weights.condition == math.inf
        assert "nullity (2, 2)" in repr(weights)
        inside = x.T @ np.eye(3)
        assert weights.left.part_outside(inside) <= 1e-13 * np.linalg.norm(inside)
        hidden = np.linalg.svd(x)[2][3:].T
        assert weights.left.part_outside(hidden) == pytest.approx(2**0.5, rel=1e-13)
        assert np.abs(weights.left.pseudo_inverse @ hidden).max() < 1e-13

    def test_a_row_that_is_never_seen(self):
        p = Measurements(Entries(np.array([0, 1]), np.array([0, 1]), (3, 2)), np.zeros(2))
        weights = matrix_weights(p)
        assert weights.nullity == (1, 0)
        assert weights.left.pseudo_inverse[2] == 0.0
        assert weights.left.part_outside(np.eye(3)[:, 2:]) == 1.0

    def test_measurements_that_are_all_0(self):
        weights = matrix_weights(Measurements(Dense(np.zeros((2, 3, 3))), np.zeros(2)))
        assert weights.nullity == (3, 3)
        assert weights.largest == 0.0
        assert weights.condition == math.inf

    def test_the_cut_is_relative(self):
        assert Weight(np.array([1e-30, 1e-20])).nullity == 0
        assert Weight(np.diag([1e-13, 1.0])).nullity == 1
        assert Weight(np.array([1e-11, 1.0])).nullity == 0


def test_squares_beyond_the_range_are_refused():
    with (
        np.errstate(all="ignore"),
        pytest.raises(InputError, match="A_iᵀ must be finite, got a number beyond"),
    ):
        matrix_weights(Measurements(Dense(np.full((1, 2, 2), 1e200)), np.zeros(1)))
