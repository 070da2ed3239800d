"""The choice by paired differences: no row alone makes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.estimators.held_out_paths import Place, best_of
from stepscape.estimators.paired_choice import HeldOutErrors

seeds = st.integers(0, 2**32 - 1)


def held_out(errors, counts=None):
    errors = np.asarray(errors, float)
    counts = np.ones(errors.shape[1]) if counts is None else np.asarray(counts, float)
    return HeldOutErrors(errors, counts / counts.sum(), counts)


@given(seeds, st.integers(2, 200), st.floats(1e-6, 1e6))
def test_a_difference_at_one_row_is_one_standard_error_and_never_decides(seed, rows, size):
    rng = np.random.default_rng(seed)
    plain = rng.uniform(0.5, 1.0, rows)
    other = plain.copy()
    other[rng.integers(rows)] += size
    assert held_out([other, plain]).better(1, 0) == pytest.approx(1.0, rel=1e-6)
    assert held_out([other, plain]).simplest() == 0
    assert held_out([plain, other]).simplest() == 0


@given(seeds)
def test_better_is_the_paired_t_statistic(seed):
    one, other = np.random.default_rng(seed).uniform(size=(2, 30))
    difference = other - one
    t = difference.mean() / (difference.std(ddof=1) / np.sqrt(30))
    assert held_out([one, other]).better(0, 1) == pytest.approx(t, rel=1e-9)
    expected = np.std([one, other], axis=1, ddof=1) / np.sqrt(30)
    np.testing.assert_allclose(held_out([one, other]).standard_errors(), expected)


@given(seeds)
def test_equal_rows_count_as_often_as_they_occur(seed):
    rng = np.random.default_rng(seed)
    errors, counts = rng.uniform(size=(4, 12)), rng.integers(1, 5, 12)
    merged, single = held_out(errors, counts), held_out(np.repeat(errors, counts, axis=1))
    assert merged.better(2, 1) == pytest.approx(single.better(2, 1), rel=1e-9)
    assert merged.simplest() == single.simplest()
    np.testing.assert_allclose(merged.standard_errors(), single.standard_errors(), rtol=1e-9)


@given(seeds, st.integers(2, 12))
def test_a_fit_takes_the_place_of_a_simpler_one_without_their_loudest_row(seed, fits):
    rng = np.random.default_rng(seed)
    errors = rng.uniform(size=(fits, 40)) * rng.uniform(0.9, 1.1, (fits, 1))
    best = 0
    for fit in range(1, fits):
        d = errors[best] - errors[fit]
        d = np.delete(d, np.argmax(np.abs(d)))
        if d.mean() > 0.25 * d.std(ddof=1) / np.sqrt(39):
            best = fit
    assert held_out(errors).simplest() == best


@given(seeds, st.floats(-1e9, 1e9))
def test_what_one_row_says_changes_no_choice_between_two(seed, size):
    # It is the loudest, whichever fit it speaks for.
    rng = np.random.default_rng(seed)
    errors = rng.uniform(size=(2, 30))
    size += np.copysign(2.0, size)
    loud = np.insert(errors, 7, [0.0, size], axis=1)
    d = errors[0] - errors[1]
    expected = int(d.mean() > 0.25 * d.std(ddof=1) / np.sqrt(30))
    assert held_out(loud).simplest() == expected


@pytest.mark.parametrize(("deviations", "path"), [(-3.0, 0), (1.9, 0), (2.1, 1)])
def test_another_path_needs_two_standard_errors(deviations, path):
    rng = np.random.default_rng(9)
    noise = rng.standard_normal(50)
    noise = (noise - noise.mean()) / noise.std(ddof=1) / 100.0
    first = rng.uniform(1.0, 2.0, (1, 50))
    second = first - noise - deviations / 100.0 / np.sqrt(50)
    assert best_of([held_out(first), held_out(second)]) == Place(path, 0)


def test_two_rows_are_no_evidence():
    assert held_out([[5.0, 5.0], [1.0, 2.0]]).simplest() == 0
    assert held_out([[5.0, 5.0, 6.0], [1.0, 2.0, 0.0]]).simplest() == 1


def test_rounding_is_a_tie():
    errors = np.full((2, 10), 0.3)
    assert held_out(errors).better(0, 1) == 0.0
    assert held_out([errors[0] * 1e-24, errors[1] * 0.0]).simplest() == 0
    assert held_out([np.full(3, 1.0), np.full(3, 0.5)]).better(1, 0) == np.inf
