"""Problems of low rank: the truth and the labels, one law per ensemble, streams of random numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from low_rank_cases import dense
from stepscape.errors import InputError

P = ss.problems
EPS = np.finfo(float).eps
SQUARE = {
    "phase_retrieval": P.phase_retrieval,
    "covariance_sensing": P.covariance_sensing,
    "quadratic_network": P.quadratic_network,
}
OBLONG = {
    "matrix_sensing": P.matrix_sensing,
    "rademacher": lambda **a: P.matrix_sensing(ensemble="rademacher", **a),
    "sparse": lambda **a: P.matrix_sensing(ensemble="sparse", density=0.3, **a),
    "bilinear_sensing": P.bilinear_sensing,
    "matrix_completion": P.matrix_completion,
}
MEASURED = {**SQUARE, **OBLONG}
RANKS = {"phase_retrieval": 1}


def small(name, m=12, **more):
    """A problem of that name with five rows."""
    return MEASURED[name](**({"d": 5} if name in SQUARE else {"d1": 5, "d2": 4}), m=m, **more)


@pytest.mark.parametrize("name", MEASURED)
def test_without_noise_the_labels_are_those_of_a_truth_of_that_rank(name):
    p = small(name)
    a = dense(p.linear_map)
    assert a.shape == (12, *p.shape)
    expected = np.einsum("ijk,jk->i", a, p.truth)
    np.testing.assert_allclose(
        p.labels, expected, rtol=0, atol=64 * EPS * np.abs(a).max() * np.abs(p.truth).sum()
    )
    assert np.linalg.matrix_rank(p.truth) == RANKS.get(name, 2)
    assert p.error(p.truth) == 0.0
    assert p.loss(p.truth) <= (64 * EPS) ** 2 * np.mean(p.labels**2) * a[0].size
    assert p.noise == 0.0


@pytest.mark.parametrize("name", MEASURED)
def test_a_seed_fixes_everything_and_noise_changes_the_labels_alone(name):
    p, same, other, noisy = (small(name), small(name), small(name, seed=1), small(name, noise=0.5))
    np.testing.assert_array_equal(p.labels, same.labels)
    np.testing.assert_array_equal(p.truth, noisy.truth)
    np.testing.assert_array_equal(dense(p.linear_map), dense(noisy.linear_map))
    assert (other.truth != p.truth).all()
    added = noisy.labels - p.labels
    assert (added != 0.0).all()
    doubled = small(name, noise=1.0).labels - p.labels
    np.testing.assert_allclose(doubled, 2.0 * added, rtol=0, atol=1e-12 * np.abs(p.labels).max())


@pytest.mark.parametrize("name", MEASURED)
def test_more_measurements_are_those_of_fewer_and_others(name):
    few, many = small(name, m=7, noise=0.5), small(name, m=12, noise=0.5)
    np.testing.assert_array_equal(few.truth, many.truth)
    np.testing.assert_array_equal(dense(few.linear_map), dense(many.linear_map)[:7])
    np.testing.assert_allclose(few.labels, many.labels[:7], rtol=1e-12)


def test_noise_is_the_standard_deviation_of_a_label():
    p = P.bilinear_sensing(d1=3, d2=3, m=40_000, noise=0.7)
    added = p.labels - p.apply(p.truth)
    assert p.noise == 0.7
    # Five standard errors of a mean and of a standard deviation.
    assert abs(added.mean()) < 5 * 0.7 / 200
    assert abs(added.std() - 0.7) < 5 * 0.7 / np.sqrt(80_000)


@pytest.mark.parametrize("name", ["matrix_sensing", "rademacher", "sparse", "bilinear_sensing"])
def test_the_expected_square_of_a_measurement_is_that_of_the_matrix(name):
    # E⟨A, X⟩² = ‖X‖_F² for independent entries of mean square 1, and for a bᵀ.
    p = OBLONG[name](d1=6, d2=5, m=4000, rank=1)
    squares = p.apply(np.eye(6, 5)) ** 2
    assert abs(squares.mean() - 5.0) < 5 * squares.std() / np.sqrt(4000)
    assert abs(dense(p.linear_map).mean()) < 0.05


def test_ensembles_have_the_entries_that_they_say():
    np.testing.assert_array_equal(np.abs(dense(small("rademacher").linear_map)), 1.0)
    p = P.matrix_sensing(d1=10, d2=8, m=30, ensemble="sparse", density=0.1)
    assert (np.count_nonzero(dense(p.linear_map), axis=(1, 2)) == 8).all()
    assert isinstance(p.linear_map, P.Sparse)
    one = P.matrix_sensing(d1=2, d2=2, m=3, ensemble="sparse", density=0.01)
    assert (np.count_nonzero(dense(one.linear_map), axis=(1, 2)) == 1).all()


@examples(1 / 2)
@given(d1=st.integers(1, 8), d2=st.integers(1, 8), seed=st.integers(0, 2**70), data=st.data())
def test_entries_are_seen_once_each(d1, d2, seed, data):
    m = data.draw(st.integers(1, d1 * d2))
    p = P.matrix_completion(d1, d2, 1, m, seed=seed)
    assert not p.linear_map.repeats
    assert p.size == m
    np.testing.assert_array_equal(p.labels, p.truth[p.linear_map.rows, p.linear_map.columns])
    assert P.matrix_completion(d1, d2, 1, seed=seed).size == int(np.ceil(0.75 * d1 * d2))


def test_entries_are_chosen_uniformly():
    seen = sum(P.matrix_completion(3, 4, 1, 6, seed=s).adjoint(np.ones(6)) for s in range(400))
    assert (np.abs(seen - 200) < 5 * np.sqrt(400 * 0.25)).all()


def test_a_mask_chooses_the_entries():
    mask = np.arange(20).reshape(5, 4) % 3 == 0
    p = P.matrix_completion(5, 4, 2, mask=mask)
    np.testing.assert_array_equal(p.adjoint(np.ones(p.size)), mask)
    np.testing.assert_array_equal(p.adjoint(p.labels)[mask], p.truth[mask])
    np.testing.assert_array_equal(
        P.matrix_completion(5, 4, 2, mask=mask.astype(int).tolist()).labels, p.labels
    )


def test_every_entry_seen_is_the_squared_distance_over_their_number():
    p = P.matrix_factorization(4, 6)
    x = np.random.default_rng(0).standard_normal((4, 6))
    assert p.loss(x) == pytest.approx(np.sum((x - p.truth) ** 2) / 24, rel=1e-13)
    np.testing.assert_array_equal(p.adjoint(p.labels), p.truth)
    # The Hessian trace 2 d2‖L‖² + 2 d1‖R‖² of ‖L Rᵀ − M‖² is divided by d1 d2 likewise.
    f = ss.Factorization.random((4, 6), 3)
    expected = (2 * 6 * np.sum(f.left**2) + 2 * 4 * np.sum(f.right**2)) / 24
    assert ss.objectives.factors(p, 3).trace(f.parameters) == pytest.approx(expected, rel=1e-13)


def test_structures_are_those_of_the_truths():
    for name, structure in (
        ("phase_retrieval", "psd"),
        ("covariance_sensing", "psd"),
        ("quadratic_network", "symmetric"),
    ):
        p = small(name)
        assert p.structure == structure
        assert p.linear_map.left is p.linear_map.right
        np.testing.assert_array_equal(p.truth, p.truth.T)
    for positive, negative in ((2, 0), (1, 2), (0, 1), (3, 2)):
        values = np.linalg.eigvalsh(P.quadratic_network(5, positive, negative, 9).truth)
        level = 1e-12 * np.abs(values).max()
        assert (np.sum(values > level), np.sum(values < -level)) == (positive, negative)


def test_a_quadratic_network_predicts_signed_squares():
    p = P.quadratic_network(d=4, positive=2, negative=1, m=9, seed=3)
    values, vectors = np.linalg.eigh(p.truth)
    expected = ((p.linear_map.left @ vectors) ** 2) @ values
    np.testing.assert_allclose(p.labels, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_problems_and_factors_of_one_seed_share_no_random_numbers():
    # Nor do a truth and what is measured of it.
    draws = np.random.default_rng(0).spawn(3)
    p = P.matrix_sensing(d1=4, d2=4, rank=4, m=4)
    f = ss.Factorization.random((4, 4), 4, scale=2.0)
    numbers = [
        f.parameters,
        p.linear_map.matrices.ravel(),
        draws[0].standard_normal(32),
        draws[2].standard_normal(32),
    ]
    flat = np.concatenate(numbers)
    assert len(np.unique(flat)) == flat.size
    left, right = numbers[2].reshape(2, 4, 4)
    np.testing.assert_allclose(p.truth, left @ right.T, rtol=1e-13)


@examples(1 / 3)
@given(
    corrupted=st.floats(0.0, 1.0),
    noise=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 99),
    rank=st.integers(1, 4),
)
def test_errors_are_a_share_of_the_entries_and_fill_the_budget(corrupted, noise, seed, rank):
    p = P.robust_pca(6, 4, rank, corrupted, noise, seed)
    clean = P.robust_pca(6, 4, rank, corrupted, 0.0, seed)
    errors = clean.observed - clean.truth
    wrong = np.abs(errors) > 1e-12
    assert wrong.sum() == round(corrupted * 24)
    assert p.budget == pytest.approx(np.abs(errors).sum(), rel=1e-12, abs=1e-9)
    assert clean.loss(clean.truth) <= 1e-24
    assert p.noise == noise
    assert ((p.observed != clean.observed).all()) == (noise > 0.0)
    double = P.robust_pca(6, 4, rank, corrupted, 0.0, seed, magnitude=20.0)
    assert double.budget == pytest.approx(2.0 * p.budget, rel=1e-12)


WRONG = [
    (P.matrix_sensing, {"d1": 0}, "d1 must be a whole number of at least 1, got 0"),
    (P.matrix_sensing, {"d2": 2.5}, "d2 must be a whole number of at least 1, got 2.5"),
    (P.matrix_sensing, {"rank": 21}, "rank must be at most 20, got 21"),
    (P.matrix_sensing, {"m": 0}, "m must be a whole number of at least 1, got 0"),
    (P.matrix_sensing, {"noise": -1.0}, "noise must be finite and not negative, got -1.0"),
    (P.matrix_sensing, {"noise": 1e308}, "labels must be finite, got -?inf at index"),
    (P.matrix_sensing, {"seed": -1}, "seed must be a whole number of at least 0, got -1"),
    (P.matrix_sensing, {"ensemble": "gausian"}, "unknown ensemble 'gausian'; did you mean 'gaussian'"),
    (
        P.matrix_sensing,
        {"ensemble": "sparse", "density": 1.0},
        "density must lie strictly between 0 and 1, got 1.0",
    ),
    (
        P.matrix_sensing,
        {"m": 10**12},
        r"m must fit in memory, got 1000000000000, .*; take fewer measurements",
    ),
    (
        P.matrix_sensing,
        {"m": 10**12, "ensemble": "sparse"},
        r"m must fit in memory, .*; take fewer measurements",
    ),
    (
        P.matrix_sensing,
        {"d1": 10**7, "d2": 10**7},
        r"d1 and d2 must fit in memory, got 10000000 and 10000000",
    ),
    (P.bilinear_sensing, {"m": 10**12}, r"m must fit in memory, .*; take fewer measurements"),
    (P.bilinear_sensing, {"m": "3"}, "m must be a whole number of at least 1, got '3'"),
    (P.matrix_completion, {"m": 401}, "m must be at most 400, got 401"),
    (
        P.matrix_completion,
        {"m": 5, "mask": np.eye(20)},
        "m and mask must not be given both, got m=5 and a mask",
    ),
    (P.matrix_completion, {"mask": np.eye(3)}, r"mask must have shape \(20, 20\), got \(3, 3\)"),
    (P.matrix_completion, {"mask": 2.0 * np.eye(20)}, "mask must hold True and False, got 2 in it"),
    (P.matrix_completion, {"mask": np.zeros((20, 20))}, "mask must hold at least one True, got none"),
    (P.covariance_sensing, {"rank": 0}, "rank must be a whole number of at least 1, got 0"),
    (P.covariance_sensing, {"d": 3, "rank": 4}, "rank must be at most 3, got 4"),
    (P.phase_retrieval, {"d": 10**7}, r"d must fit in memory, got 10000000, .*; take a smaller matrix"),
    (P.phase_retrieval, {"m": 10**12}, r"m must fit in memory, .*; take fewer measurements"),
    (
        P.quadratic_network,
        {"positive": 0, "negative": 0},
        r"positive \+ negative must lie between 1 and d = 20, got 0",
    ),
    (P.quadratic_network, {"positive": 20}, r"positive \+ negative must lie between 1 and d = 20, got 21"),
    (P.robust_pca, {"corrupted": 1.5}, "corrupted must be a share from 0 to 1, got 1.5"),
    (P.robust_pca, {"corrupted": -0.5}, "corrupted must be finite and not negative, got -0.5"),
    (P.robust_pca, {"magnitude": 1e308}, "observed must be finite, got -?inf at index|budget must be finite"),
]


@pytest.mark.parametrize(("make", "arguments", "message"), WRONG)
def test_wrong_arguments_are_refused(make, arguments, message):
    with pytest.raises(InputError, match=message):
        make(**arguments)
