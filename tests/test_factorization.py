"""Factors of a matrix: the matrix, the flat vector, and every way to get them wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from stepscape.errors import InputError

F = ss.Factorization


@given(
    structure=st.sampled_from(["any", "symmetric", "psd"]),
    d1=st.integers(1, 5),
    d2=st.integers(1, 5),
    k1=st.integers(1, 6),
    k2=st.integers(0, 6),
    seed=st.integers(0, 2**70),
)
def test_the_matrix_and_the_flat_vector_are_those_of_the_factors(structure, d1, d2, k1, k2, seed):
    shape = (d1, d2) if structure == "any" else (d1, d1)
    f = F.random(shape, (k1, k2) if structure == "symmetric" else k1, 2.0, structure, seed)
    assert f.shape == shape
    assert f.widths == {"any": (k1, k1), "symmetric": (k1, k2), "psd": (k1, 0)}[structure]
    if structure == "any":
        expected = sum(np.outer(a, b) for a, b in zip(f.left.T, f.right.T, strict=True))
    else:
        expected = sum(np.outer(a, a) for a in f.left.T) - sum(
            (np.outer(a, a) for a in f.right.T), np.zeros(shape)
        )
        np.testing.assert_array_equal(f.matrix, f.matrix.T)
    scale = np.sum(np.abs(f.parameters)) ** 2
    np.testing.assert_allclose(f.matrix, expected, rtol=0, atol=1e-15 * scale)
    theta = f.parameters
    assert theta.size == shape[0] * f.widths[0] + shape[1] * f.widths[1]
    assert f.squared_norm == pytest.approx(theta @ theta, rel=1e-13)
    again = f.with_parameters(theta)
    np.testing.assert_array_equal(again.left, f.left)
    np.testing.assert_array_equal(again.right, f.right)
    assert again.structure == structure


def test_random_entries_have_the_scale_over_the_root_of_the_width():
    f = F.random((300, 200), 40, scale=3.0)
    for factor in (f.left, f.right):
        deviation = 3.0 / np.sqrt(40)
        assert abs(factor.std() - deviation) < 5 * deviation / np.sqrt(2 * factor.size)
    np.testing.assert_array_equal(f.left, F.random((300, 200), 40, scale=3.0).left)
    assert (F.random((3, 3), 2, seed=1).left != F.random((3, 3), 2, seed=0).left).all()
    assert not F.random((3, 3), 2, scale=0.0).matrix.any()


def test_what_it_prints_names_the_structure():
    assert repr(F.random((3, 4), 2)) == "Factorization(any: 3×4, k=2)"
    assert (
        repr(F.random((3, 3), (2, 1), structure="symmetric")) == "Factorization(symmetric: 3×3, k1=2, k2=1)"
    )
    assert repr(F(np.eye(3), structure="psd")) == "Factorization(psd: 3×3, k=3)"


def test_what_is_given_is_neither_changed_nor_kept():
    given_left = np.ones((2, 1))
    f = F(given_left, np.ones((3, 1)))
    given_left[:] = 0.0
    assert f.matrix.all()
    with pytest.raises(ValueError, match="read-only"):
        f.left[0, 0] = 1.0


WRONG = [
    (F, (np.ones(3), np.ones((3, 1))), r"left must have shape \(d, k\), got \(3,\)"),
    (F, (np.ones((0, 2)), np.ones((3, 2))), r"left must have shape \(d, k\), got \(0, 2\)"),
    (F, ([[np.nan]], [[1.0]]), "left must be finite, got nan in it"),
    (F, (np.eye(2),), "right must be given for the structure 'any', got None"),
    (F, (np.eye(2), np.ones((2, 3))), "left and right must have the same number of columns, got 2 and 3"),
    (F, (np.eye(2), np.eye(3), "symmetric"), "left and right must have the same number of rows, got 2 and 3"),
    (F, (np.eye(2), np.eye(2), "psd"), "right must have no columns for the structure 'psd', got 2"),
    (F, (np.eye(2), np.eye(2), "sym"), "unknown structure 'sym'"),
    (F.random, (3, 2), r"shape must be two whole numbers \(d1, d2\), got 3"),
    (F.random, ((3, 0), 2), "d2 of shape must be a whole number of at least 1, got 0"),
    (F.random, ((3, 4), 0), "width must be a whole number of at least 1, got 0"),
    (F.random, ((3, 4), (2, 1)), r"width must be one number for the structure 'any', got \(2, 1\)"),
    (
        F.random,
        ((3, 3), (2, 1), 1.0, "psd"),
        r"width must be one number for the structure 'psd', got \(2, 1\)",
    ),
    (
        F.random,
        ((3, 3), (2, -1), 1.0, "symmetric"),
        "width must be a whole number of at least 0, got -1",
    ),
    (
        F.random,
        ((3, 4), 2, 1.0, "symmetric"),
        "left and right must have the same number of rows, got 3 and 4",
    ),
    (F.random, ((3, 4), 2, -1.0), "scale must be finite and not negative, got -1.0"),
    (F.random, ((3, 4), 2, 1.0, "any", -1), "seed must be a whole number of at least 0, got -1"),
    (F.random, ((3, 4), 10**15), r"width must fit in memory, got 1000000000000000, .*; give a smaller width"),
    (F.random, ((3, 4), 2, 1e308), "left must be finite, got -?inf in it"),
]


@pytest.mark.parametrize(("make", "arguments", "message"), WRONG)
def test_wrong_factors_are_refused(make, arguments, message):
    with pytest.raises(InputError, match=message):
        make(*arguments)


def test_a_flat_vector_of_another_length_is_refused():
    with pytest.raises(InputError, match=r"theta must have shape \(14,\), got \(3,\)"):
        F.random((3, 4), 2).with_parameters(np.zeros(3))
