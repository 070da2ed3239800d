"""Norm-minimal and balanced factors: two inequalities that bound each measure by the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flat_cases import factors, nuclear
from stepscape.errors import InputError
from stepscape.factorization import Factorization
from stepscape.theory.low_rank import excess_by_imbalance, imbalance, imbalance_by_excess, norm_excess

seeds = st.integers(0, 2**32 - 1)


def gauge(seed: int, spread: float) -> Factorization:
    """Balanced factors (4, 3) times G and G⁻ᵀ with G near I."""
    rng = np.random.default_rng(seed)
    P, s, Qt = np.linalg.svd(rng.standard_normal((4, 3)), full_matrices=False)
    s = s * rng.choice([0.0, 1e-3, 1.0], 3)
    s[0] = 1.0
    G = np.eye(3) + spread * rng.standard_normal((3, 3))
    return Factorization(P * np.sqrt(s) @ G, Qt.T * np.sqrt(s) @ np.linalg.inv(G).T)


@given(seeds, st.sampled_from([1e-6, 1e-2, 0.5]))
def test_each_measure_bounds_the_other(seed, spread):
    for at in (factors((4, 3), seed % 5 + 1, seed), gauge(seed, spread)):
        assert excess_by_imbalance(at).verdict == "holds"
        assert imbalance_by_excess(at).verdict == "holds"
        assert norm_excess(at) >= -1e-13


@given(seeds, st.integers(1, 3))
def test_one_column_attains_the_second_inequality(seed, d):
    # |‖l‖² − ‖r‖²|² = (‖l‖² + ‖r‖²)² − 4 ‖l‖² ‖r‖²
    certificate = imbalance_by_excess(factors((d, 2), 1, seed))
    assert abs(certificate.slack) <= certificate.tolerance


def test_the_constant_of_the_first_inequality_cannot_be_lowered():
    # The first column is in L alone: all of its square is excess, and all of it is imbalance.
    at = Factorization([[1.0, 1.0]], [[0.0, 1.0]])
    certificate = excess_by_imbalance(at)
    assert certificate.right / certificate.left < 3.0
    small = Factorization([[1.0, 1e-3]], [[0.0, 1e-3]])
    certificate = excess_by_imbalance(small)
    assert certificate.right == pytest.approx(certificate.left, rel=1e-5)


def test_the_excess_is_of_second_order_where_the_imbalance_is_of_first():
    excess, off = zip(
        *((norm_excess(at), imbalance(at)) for at in (gauge(6, 1e-2), gauge(6, 1e-3))), strict=True
    )
    assert excess[0] / excess[1] == pytest.approx(100.0, rel=0.1)
    assert off[0] / off[1] == pytest.approx(10.0, rel=0.1)


@pytest.mark.parametrize("structure", ["symmetric", "psd"])
def test_other_structures(structure):
    at = factors((4, 4), 2, 3, structure)
    cost = np.sum(at.left**2) + np.sum(at.right**2)
    assert norm_excess(at) == pytest.approx(cost / nuclear(at.matrix) - 1.0, abs=1e-13)
    assert norm_excess(at) >= -1e-13
    if structure == "psd":
        assert norm_excess(at) == pytest.approx(0.0, abs=1e-13)
        assert imbalance(at) == 0.0
    else:
        assert imbalance(at) > 0.01
        values, V = np.linalg.eigh(at.matrix)
        split = Factorization(
            V * np.sqrt(np.maximum(values, 0)), V * np.sqrt(np.maximum(-values, 0)), structure
        )
        assert imbalance(split) < 1e-12
        assert norm_excess(split) == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(InputError, match=f"factors must have the structure 'any', got '{structure}'"):
        imbalance_by_excess(at)


def test_shares_of_nothing_and_of_too_much_are_refused():
    with pytest.raises(InputError, match="the matrix of the factors must differ from 0"):
        imbalance(Factorization(np.zeros((2, 1)), np.ones((2, 1))))
    with pytest.raises(InputError, match="squared norm of the factors must be finite"):
        norm_excess(Factorization(np.full((2, 1), 1e200), np.ones((2, 1))))
    with pytest.raises(InputError, match="squared norm of the factors must be finite"):
        excess_by_imbalance(Factorization(np.full((2, 1), 1e100), np.ones((2, 1))))
