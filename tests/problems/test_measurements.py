"""Measurements: the loss and the error of a matrix, degrees of freedom, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from low_rank_cases import KINDS, dense, linear_map
from stepscape.errors import InputError

P = ss.problems


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_mean_square_of_the_residuals(kind):
    rng = np.random.default_rng(0)
    given, x, b = linear_map(kind, 3, 4, 6, rng), rng.standard_normal((3, 4)), rng.standard_normal(6)
    p = P.Measurements(given, b)
    seen = np.einsum("ijk,jk->i", dense(given), x)
    np.testing.assert_allclose(p.apply(x), seen, rtol=0, atol=1e-13 * np.abs(seen).max())
    assert p.loss(x) == pytest.approx(np.mean((seen - b) ** 2), rel=1e-12)
    assert p.apply(x) @ b == pytest.approx(np.sum(x * p.adjoint(b)), rel=1e-11)
    np.testing.assert_array_equal(p.apply(x.tolist()), p.apply(x))
    assert (p.size, p.shape) == (6, (3, 4))


def test_the_error_is_relative_to_the_truth():
    p = P.matrix_factorization(3, 4)
    assert p.error(3.0 * p.truth) == pytest.approx(2.0, rel=1e-14)
    nothing = P.Measurements(p.linear_map, p.labels, truth=np.zeros((3, 4)))
    assert nothing.error(np.full((3, 4), 0.5)) == pytest.approx(np.sqrt(3.0), rel=1e-14)


def test_degrees_of_freedom_are_the_dimension_of_the_matrices_of_a_rank():
    # The rank of the derivative of the factors' matrix, which all directions of a generic point span.
    rng = np.random.default_rng(0)
    for name, d1, d2, structure in (("a", 5, 4, "any"), ("b", 5, 5, "symmetric"), ("c", 4, 4, "psd")):
        squares = structure != "any"
        p = P.Measurements(linear_map("dense", d1, d2, 3, rng, squares), np.zeros(3), structure, name=name)
        for rank in range(1, 5):
            widths = (rank, 0) if squares else (rank, rank)
            f = ss.Factorization.random(
                (d1, d2), widths if structure == "symmetric" else rank, structure=structure
            )
            images = []
            for unit in np.eye(f.parameters.size):
                up, down = (f.with_parameters(f.parameters + s * unit).matrix for s in (1.0, -1.0))
                images.append((up - down).ravel())  # exact: the matrix is quadratic
            assert p.degrees_of_freedom(rank) == np.linalg.matrix_rank(np.array(images))


def test_what_it_prints_says_what_is_measured():
    assert (
        repr(P.bilinear_sensing(d1=3, d2=4, m=7))
        == "Measurements(bilinear sensing: m=7 of a 3×4 matrix, noise=0)"
    )
    net = P.Measurements(P.RankOne(np.eye(2), np.eye(2)), [1.0, 2.0], "symmetric")
    assert repr(net) == "Measurements(measurements: m=2 of a 2×2 matrix, symmetric)"


MAP = P.Dense(np.ones((2, 3, 3)))
SKEW = P.Dense(np.arange(9.0).reshape(1, 3, 3))
WRONG = [
    (
        {"linear_map": 3},
        "linear_map must be a Dense, Sparse, RankOne or Entries, or have their methods, got 3",
    ),
    ({"linear_map": P.Dense}, "linear_map must be a Dense, .*, got the class Dense"),
    ({"labels": [1.0]}, r"labels must have one number per measurement \(2\), got 1"),
    ({"labels": [1.0, np.nan]}, r"labels must be finite, got nan at index \(1,\)"),
    ({"labels": [[1.0, 2.0]]}, r"labels must have shape \(m,\), got \(1, 2\)"),
    ({"labels": []}, r"labels must hold at least one number, got an empty array of shape \(0,\)"),
    ({"structure": "symetric"}, "unknown structure 'symetric'; did you mean 'symmetric'"),
    (
        {"linear_map": SKEW, "labels": [1.0], "structure": "psd"},
        "every A_i must be symmetric for the structure 'psd'",
    ),
    ({"truth": np.eye(2)}, r"truth must have shape \(3, 3\), got \(2, 2\)"),
    ({"truth": np.ones(3)}, r"truth must have shape \(d1, d2\), got \(3,\)"),
    (
        {"truth": np.arange(9.0).reshape(3, 3), "structure": "symmetric"},
        "truth must be symmetric for the structure",
    ),
    (
        {"truth": -np.eye(3), "structure": "psd"},
        "truth must be positive semidefinite .*, got the eigenvalue -1",
    ),
    ({"noise": -1.0}, "noise must be finite and not negative, got -1.0"),
    ({"name": 3}, "name must be text, got 3"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_measurements_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        P.Measurements(**{"linear_map": MAP, "labels": [1.0, 2.0], **arguments})


def test_wrong_matrices_are_refused():
    p = P.Measurements(MAP, [1.0, 2.0])
    with pytest.raises(InputError, match=r"matrix must have shape \(3, 3\), got \(2, 2\)"):
        p.apply(np.eye(2))
    with pytest.raises(InputError, match=r"values must have shape \(2,\), got \(3,\)"):
        p.adjoint(np.ones(3))
    with pytest.raises(InputError, match="truth must be given to measure an error to it, got None"):
        p.error(np.eye(3))
    with pytest.raises(InputError, match=r"matrix must be finite, got nan at index \(0, 0\)"):
        p.loss(np.full((3, 3), np.nan))
    with pytest.raises(
        InputError, match=r"the loss must be finite, got a number beyond .*; rescale the matrix"
    ):
        p.loss(np.full((3, 3), 1e200))
    with pytest.raises(InputError, match="rank must be at most 3, got 4"):
        p.degrees_of_freedom(4)


def test_a_truth_may_miss_its_structure_by_rounding():
    square = np.random.default_rng(0).standard_normal((3, 2))
    truth = 1e200 * (square @ square.T)
    truth[0, 1] *= 1.0 + 2.0**-52
    assert P.Measurements(MAP, [1.0, 2.0], "psd", truth).error(2.0 * truth) == pytest.approx(1.0, rel=1e-14)
    assert P.Measurements(MAP, [1.0, 2.0], "psd", np.zeros((3, 3))).error(np.zeros((3, 3))) == 0.0
