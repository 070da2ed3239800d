"""Linear measurements: each kind is what its dense matrices are, and every way to get them wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from budget import examples
from low_rank_cases import KINDS, dense, linear_map
from stepscape.errors import InputError
from stepscape.problems.linear_maps import Dense, Entries, RankOne, Sparse

SIZES = {
    "kind": st.sampled_from(KINDS),
    "d1": st.integers(1, 6),
    "d2": st.integers(1, 6),
    "m": st.integers(1, 9),
    "seed": st.integers(0, 2**32),
}


def close(found, expected, scale=0.0):
    size = max(scale, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * size)


def full(moment):
    return np.diag(moment) if np.ndim(moment) == 1 else moment


@given(**SIZES, k=st.integers(0, 8))
def test_a_map_is_what_its_matrices_are(kind, d1, d2, m, seed, k):
    rng = np.random.default_rng(seed)
    a = linear_map(kind, d1, d2, m, rng)
    matrices, x, v = dense(a), rng.standard_normal((d1, d2)), rng.standard_normal(m)
    left, right = rng.standard_normal((d1, k)), rng.standard_normal((d2, k))
    assert (a.size, a.shape) == (m, (d1, d2))
    scale = d1 * d2 * np.abs(matrices).max(initial=0.0)
    close(a.apply(x), np.einsum("ijk,jk->i", matrices, x), scale * np.abs(x).max())
    close(
        a.apply_product(left, right), np.einsum("ijk,jl,kl->i", matrices, left, right), scale * (k + 1.0) * 16
    )
    close(a.adjoint(v), np.einsum("i,ijk->jk", v, matrices), scale * m)
    # ⟨A(X), v⟩ = ⟨X, A*(v)⟩
    assert a.apply(x) @ v == pytest.approx(np.sum(x * a.adjoint(v)), abs=1e-12 * m * (scale + 1.0))
    close(full(a.gram()), np.einsum("ijk,ljk->il", matrices, matrices))
    close(full(a.row_moment()), np.einsum("ijk,ilk->jl", matrices, matrices))
    close(full(a.column_moment()), np.einsum("ijk,ijl->kl", matrices, matrices))


@given(**SIZES, diagonal=st.tuples(st.booleans(), st.booleans()))
def test_between_sees_the_scaled_matrix_as_the_map_sees_the_matrix(kind, d1, d2, m, seed, diagonal):
    rng = np.random.default_rng(seed)
    a = linear_map(kind, d1, d2, m, rng)
    factors = []
    for d, is_diagonal in zip((d1, d2), diagonal, strict=True):
        square = rng.standard_normal((d, d))
        factors.append(rng.uniform(0.5, 2.0, d) if is_diagonal else square @ square.T + np.eye(d))
    s, t = factors
    b = a.between(s, t)
    expected = np.einsum("ij,ljk,kn->lin", full(s), dense(a), full(t))
    close(dense(b), expected)
    assert b.shape == a.shape
    # With Z = S⁻¹ X T⁻¹ it sees what the map sees.
    x = rng.standard_normal((d1, d2))
    z = np.linalg.solve(full(s), np.linalg.solve(full(t), x.T).T)
    close(b.apply(z), a.apply(x), 1e4 * d1 * d2 * np.abs(expected).max(initial=0.0))
    if all(diagonal):
        assert type(b) is type(a)


@examples(1 / 3)
@given(kind=st.sampled_from(KINDS), d=st.integers(1, 5), m=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_symmetry_is_that_of_the_matrices(kind, d, m, seed):
    rng = np.random.default_rng(seed)
    symmetric, other = (linear_map(kind, d, d, m, rng, s) for s in (True, False))
    assert symmetric.symmetric
    a = dense(other)
    assert other.symmetric == np.array_equal(a, a.transpose(0, 2, 1)) or kind == "rank one"
    s = rng.uniform(0.5, 2.0, d)
    assert symmetric.between(s, s).symmetric
    if kind == "rank one":
        again = symmetric.between(s, s)
        assert again.left is again.right
    assert not linear_map(kind, d, d + 1, m, rng).symmetric


def test_what_a_map_prints_are_its_kind_and_its_sizes():
    rng = np.random.default_rng(0)
    kinds = ("Dense", "Sparse", "RankOne", "Entries")
    for name, kind in zip(kinds, KINDS, strict=True):
        assert repr(linear_map(kind, 2, 3, 4, rng)) == f"{name}(m=4 measurements of a 2×3 matrix)"


def test_orthogonal_measurements_and_diagonal_moments_are_kept_as_vectors():
    a = Entries([0, 1, 1], [2, 0, 1], (2, 3), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(a.gram(), [1.0, 4.0, 9.0])
    np.testing.assert_array_equal(a.row_moment(), [1.0, 13.0])
    np.testing.assert_array_equal(a.column_moment(), [4.0, 9.0, 1.0])
    again = Entries([0, 0], [1, 1], (2, 3), [1.0, 2.0])
    assert again.repeats
    np.testing.assert_array_equal(again.gram(), [[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_array_equal(again.adjoint(np.array([1.0, 1.0])), [[0, 3, 0], [0, 0, 0]])


def test_a_sparse_map_adds_what_stands_twice_and_keeps_a_copy():
    rows = sparse.csr_array(([1.0, 2.0, 4.0], [1, 1, 3], [0, 2, 3]), shape=(2, 4))
    a = Sparse(rows, (2, 2))
    np.testing.assert_array_equal(dense(a), [[[0, 3], [0, 0]], [[0, 0], [0, 4]]])
    np.testing.assert_array_equal(a.row_moment(), [[9, 0], [0, 16]])
    rows.data[:] = 0.0
    np.testing.assert_array_equal(a.apply(np.ones((2, 2))), [3.0, 4.0])


def test_what_is_given_is_neither_changed_nor_kept():
    given = np.ones((2, 3, 3))
    a = Dense(given)
    given[:] = 0.0
    assert a.apply(np.ones((3, 3))) == pytest.approx([9.0, 9.0])
    with pytest.raises(ValueError, match="read-only"):
        a.matrices[0, 0, 0] = 1.0


SQUARE, ONE_EACH = (2, 2), "rows, columns and scales must have one number per measurement"
NARROW, NOTHING = sparse.csr_array(np.ones((2, 3))), sparse.csr_array(np.full((2, 4), np.nan))
WRONG = [
    (Dense, (np.ones((2, 3)),), r"matrices must have shape \(m, d1, d2\), got \(2, 3\)"),
    (
        Dense,
        (np.ones((0, 3, 3)),),
        r"matrices must hold at least one number, got an empty array of shape \(0, 3, 3\)",
    ),
    (Dense, ([[[np.inf]]],), r"matrices must be finite, got inf at index \(0, 0, 0\)"),
    (Dense, ("text",), "matrices must hold real numbers, got 'text'"),
    (
        RankOne,
        (np.ones((2, 3)), np.ones((3, 3))),
        "left and right must have one row per measurement, got 2 and 3",
    ),
    (RankOne, (np.ones(3), np.ones((3, 3))), r"left must have shape \(m, d1\), got \(3,\)"),
    (Entries, ([0], [0, 1], SQUARE), f"{ONE_EACH}, got 1, 2 and 2"),
    (Entries, ([0], [0], SQUARE, [1, 2]), f"{ONE_EACH}, got 1, 1 and 2"),
    (
        Entries,
        ([0], [2], SQUARE),
        "columns must hold whole numbers from 0 to 1, got numbers from 2 to 2; count from 0",
    ),
    (Entries, ([-1], [0], SQUARE), "rows must hold whole numbers from 0 to 1, got numbers from -1 to -1"),
    (Entries, ([0.5], [0], SQUARE), "rows must hold whole numbers from 0 to 1"),
    (Entries, ([0], [0], 3), r"shape must be two whole numbers \(d1, d2\), got 3"),
    (Entries, ([0], [0], (0, 2)), "d1 of shape must be a whole number of at least 1, got 0"),
    (Entries, ([0], [0], (2, 2.0)), "d2 of shape must be a whole number of at least 1, got 2.0"),
    (Entries, ([0], [0], (2**50, 2**50)), r"shape must fit in memory, got .*; take a smaller matrix"),
    (Sparse, (np.ones((2, 4)), SQUARE), r"rows must be a sparse matrix of shape \(m, 4\), got an array"),
    (Sparse, (NARROW, SQUARE), r"rows must be a sparse .* \(m, 4\), got a csr_array of shape \(2, 3\)"),
    (Sparse, (NOTHING, SQUARE), r"rows must be finite, got nan at index \(0,\)"),
    (Sparse, (NARROW, 3), r"shape must be two whole numbers \(d1, d2\), got 3"),
]


@pytest.mark.parametrize(("kind", "arguments", "message"), WRONG)
def test_wrong_measurements_are_refused(kind, arguments, message):
    with pytest.raises(InputError, match=message):
        kind(*arguments)


def test_what_does_not_fit_in_memory_is_refused_before_it_is_taken(monkeypatch):
    rng = np.random.default_rng(0)
    maps = {
        "dense": Dense(rng.standard_normal((1500, 2, 60))),
        "sparse": Sparse(sparse.csr_array(np.ones((2200, 4))), (2, 2)),
        "rank one": RankOne(rng.standard_normal((1800, 2)), rng.standard_normal((1800, 2))),
        "entries": Entries(np.zeros(1800), np.zeros(1800), (2, 2)),
    }
    monkeypatch.setattr("stepscape.memory.free_memory", lambda: 1e6)
    monkeypatch.setattr("stepscape.memory.SMALL", 1e6)
    for name, a in maps.items():
        with pytest.raises(InputError, match=rf"m must fit in memory, got {a.size}, .*; {ADVICE[name]}"):
            a.gram()
    wide = Sparse(sparse.csr_array((500, 400)), (20, 20))
    with pytest.raises(InputError, match=r"m must fit in memory, got 500, .*; take fewer measurements"):
        wide.between(np.eye(20), np.eye(20))


ADVICE = {"entries": "average repeated entries"} | dict.fromkeys(
    ("dense", "sparse", "rank one"), "take fewer"
)
