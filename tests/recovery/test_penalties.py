"""Penalties: where X becomes 0, what noise asks for, and how two norms become comparable."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from recovery_cases import problem, roots
from stepscape.recovery.penalties import noise_penalty, nuclear_unit, zero_penalty

SOLVE = {
    "flattest": ss.recovery.flattest,
    "nuclear norm": ss.recovery.minimum_nuclear_norm,
    "frobenius norm": ss.recovery.minimum_frobenius_norm,
}


@pytest.mark.parametrize("structure", ["any", "symmetric", "psd"])
@pytest.mark.parametrize("objective", SOLVE)
def test_x_is_0_from_the_penalty_on_and_not_below(objective, structure):
    p = problem("rank one", (4, 4), 9, 1, structure, rank=2)
    zero = zero_penalty(p, objective)
    assert zero > 0.0
    assert not SOLVE[objective](p, penalty=zero * (1.0 + 1e-9)).matrix.any()
    assert SOLVE[objective](p, penalty=zero * (1.0 - 1e-3)).matrix.any()


def test_labels_that_no_semidefinite_matrix_lowers_need_no_penalty():
    p = problem("rank one", (3, 3), 5, 1, "psd")
    negative = ss.problems.Measurements(p.linear_map, -p.labels, "psd")
    assert zero_penalty(negative) == 0.0


def test_the_penalty_of_noise_is_the_median_over_draws():
    """Half of the labels that are noise alone are answered by 0, and the penalty grows with the noise."""
    p = ss.problems.matrix_sensing(d1=5, d2=4, rank=1, m=40)
    penalty = noise_penalty(p, 0.7, seed=3)
    rng = np.random.default_rng(8)
    fresh = [ss.problems.Measurements(p.linear_map, 0.7 * rng.standard_normal(40)) for _ in range(200)]
    share = np.mean([zero_penalty(each) <= penalty for each in fresh])
    assert abs(share - 0.5) < 0.25  # the median of 20 draws has a standard error of 0.11 in rank
    assert noise_penalty(p, 1.4, seed=3) == pytest.approx(2.0 * penalty, rel=1e-12)
    assert noise_penalty(p, 0.7, seed=3) == penalty


@pytest.mark.parametrize("kind", ["dense", "entries"])
def test_the_unit_is_that_of_the_weights(kind):
    p = problem(kind, (4, 3), 8, 2)
    left, right = roots(p, "flattest")
    by_definition = np.sqrt(np.trace(left @ left) / 4 * np.trace(right @ right) / 3)
    assert nuclear_unit(p) == pytest.approx(by_definition, rel=1e-12)


def test_with_weights_that_are_multiples_of_1_the_two_norms_agree():
    rows, columns = np.divmod(np.arange(12), 4)
    p = ss.problems.Measurements(ss.problems.Entries(rows, columns, (3, 4)), np.arange(12.0))
    X = np.random.default_rng(0).standard_normal((3, 4))
    left, right = roots(p, "flattest")
    flat = np.linalg.norm(left @ X @ right, "nuc")
    assert flat == pytest.approx(nuclear_unit(p) * np.linalg.norm(X, "nuc"), rel=1e-12)


def test_a_penalty_beyond_the_range_is_refused():
    labels = np.full(4, 1e308)
    p = ss.problems.Measurements(ss.problems.Dense(np.full((4, 2, 2), 1e100)), labels)
    with pytest.raises(ss.InputError, match="the penalty must be finite"):
        zero_penalty(p, "nuclear norm")
