"""Theorem 3.3 at flat factors, and at others with their distance from flatness; its printed form is false."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from flat_cases import EPS, KINDS, SYMMETRIC, factors, nuclear, problem
from stepscape.errors import InputError
from stepscape.factorization import Factorization
from stepscape.problems import Measurements
from stepscape.problems.linear_maps import Entries
from stepscape.theory.low_rank import (
    balanced,
    flat_factors,
    identity_measurements,
    imbalance,
    matrix_weights,
    norm_excess,
    norm_minimal,
    norm_minimal_as_printed,
)

seeds = st.integers(0, 2**32 - 1)
CASES = [(kind, shape, "any") for kind in KINDS for shape in ((4, 3), (5, 5))] + [
    (kind, (5, 5), structure) for kind in SYMMETRIC for structure in ("symmetric", "psd")
]


@pytest.mark.parametrize(("kind", "shape", "structure"), CASES)
@pytest.mark.parametrize("scaled", [False, True])
def test_both_hold_at_flat_factors(kind, shape, structure, scaled):
    p = problem(kind, shape, 12, 3, structure)
    flat = flat_factors(p, p.truth, scaled)
    for certificate in (norm_minimal(p, flat, scaled=scaled), balanced(p, flat, scaled)):
        assert certificate.verdict == "holds", certificate
        assert certificate.details["condition"] == matrix_weights(p, scaled).condition
    assert norm_minimal(p, flat, scaled=scaled).details["flatness"] == pytest.approx(1.0, abs=1e-10)
    assert balanced(p, flat, scaled).details["departure"] < 1e-10


@given(seeds, st.sampled_from(CASES), st.booleans())
@examples(1 / 2)
def test_both_are_true_everywhere_with_what_is_missing_of_flatness(seed, case, scaled):
    kind, shape, structure = case
    p, at = problem(kind, shape, 12, seed % 5, structure), factors(shape, 3, seed, structure)
    for certificate in (norm_minimal(p, at, at.matrix, scaled), balanced(p, at, scaled)):
        assert certificate.left <= certificate.right + certificate.tolerance
        if structure != "psd":
            assert certificate.verdict == "inapplicable"


@given(seeds)
@examples(1 / 2)
def test_the_constants_are_attained(seed):
    # D1² = D2² = diag(1, κ²)/2: the reference lies where D is large, the factors where it is small.
    kappa, size = np.random.default_rng(seed).uniform((1.0, 0.1), (3.0, 9.0))
    p = Measurements(Entries([0, 1], [0, 1], (2, 2), [1.0, kappa]), np.zeros(2))
    flat = flat_factors(p, size * np.diag([kappa**2, 0.0]))
    certificate = norm_minimal(p, flat, size * np.diag([0.0, 1.0]), scaled=False)
    assert certificate.failed_premises == ()
    assert certificate.slack == pytest.approx(0.0, abs=64 * EPS * certificate.right)


@given(st.floats(1.0, 100.0))
@examples(1 / 4)
def test_the_share_of_the_imbalance_is_attained(kappa):
    # D1² = diag(1, κ²)/2 and D2² = diag(κ², 1)/2: of the entry (0, 0) the row weighs little, the column much.
    p = Measurements(Entries([0, 1], [1, 0], (2, 2), [1.0, kappa]), np.zeros(2))
    certificate = balanced(p, flat_factors(p, np.diag([1.0, 0.0])), scaled=False)
    assert certificate.verdict == "holds"
    assert certificate.slack == pytest.approx(0.0, abs=64 * EPS * (certificate.left + 1.0))


def test_balanced_measures_the_imbalance_and_excess_is_what_the_bound_allows():
    p = problem("rank one", (5, 5), 20, 3)
    flat = flat_factors(p, p.truth, scaled=True)
    kappa, size = matrix_weights(p, True).condition, nuclear(p.truth)
    assert balanced(p, flat).left == pytest.approx(imbalance(flat) * size, rel=1e-12)
    assert norm_minimal(p, flat).left == pytest.approx((1.0 + norm_excess(flat)) * size, rel=1e-12)
    assert 0.0 < norm_excess(flat) <= kappa**2 - 1.0


class TestPremises:
    def test_a_sharper_point_than_the_reference_is_outside_the_theorem(self):
        p, at = problem("dense", (4, 3), 9, 3), factors((4, 3), 2, 4)
        sharp = Factorization(3.0 * at.left, at.right / 3.0)
        certificate = norm_minimal(p, sharp, at.matrix)
        assert certificate.verdict == "inapplicable"
        assert certificate.failed_premises == ("the factors are at least as flat as the reference",)
        assert balanced(p, sharp).failed_premises == ("the factors are flattest among those of their matrix",)

    def test_rows_that_nothing_sees(self):
        rows, columns = np.divmod(np.arange(6), 3)
        p = Measurements(Entries(rows, columns, (3, 3)), np.ones(6))
        flat = flat_factors(p, np.vstack([np.ones((2, 3)), np.zeros(3)]))
        for certificate in (norm_minimal(p, flat, flat.matrix), balanced(p, flat)):
            assert certificate.verdict == "inapplicable"
            assert certificate.failed_premises == ("every row and column is seen: D1 and D2 are invertible",)

    def test_measurements_of_nothing_and_factors_of_nothing(self):
        p = Measurements(Entries([0], [0], (1, 1), [0.0]), [0.0])
        nothing = Factorization([[0.0]], [[0.0]])
        for certificate in (norm_minimal(p, nothing, [[0.0]]), balanced(p, nothing)):
            assert certificate.verdict == "inapplicable"
        assert norm_minimal(p, Factorization([[1.0]], [[1.0]]), [[0.0]]).verdict == "inapplicable"

    def test_a_reference_is_needed(self):
        p = Measurements(Entries([0], [0], (1, 1)), [1.0])
        with pytest.raises(
            InputError, match="reference must be given for a problem without a truth, got None"
        ):
            norm_minimal(p, Factorization([[1.0]], [[1.0]]))


def test_numbers_beyond_the_range_are_refused():
    p = Measurements(Entries([0], [0], (1, 1), [1e100]), [1.0])
    with pytest.raises(InputError, match="the weighted norm must be finite, got a number beyond"):
        balanced(p, Factorization([[1e80]], [[1.0]]))
    with pytest.raises(InputError, match="D1 X D2 must be finite, got a number beyond"):
        norm_minimal(p, Factorization([[1.0]], [[1.0]]), [[1e200]])


class TestPrinted:
    def test_it_is_false_at_every_exact_recovery(self):
        p = problem("dense", (5, 5), 40, 3)
        flat = flat_factors(p, p.truth, scaled=True)
        assert norm_minimal(p, flat).verdict == "holds"
        for delta in (0.0, 0.5, 0.999):
            assert norm_minimal_as_printed(p, flat, delta).verdict == "violated"
        assert norm_minimal_as_printed(p, flat, 1.5).verdict == "holds"

    def test_it_is_about_two_factors(self):
        p = problem("dense", (5, 5), 9, 3, "psd")
        with pytest.raises(InputError, match="factors must have the structure 'any', got 'psd'"):
            norm_minimal_as_printed(p, flat_factors(p, p.truth))


def test_for_the_identity_the_departure_from_flatness_is_the_imbalance():
    at = factors((4, 3), 2, 1)
    certificate = balanced(identity_measurements(at.matrix), at)
    assert certificate.left > 1.0
    assert certificate.right == pytest.approx(certificate.left, rel=64 * EPS)
