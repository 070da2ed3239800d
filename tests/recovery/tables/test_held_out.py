"""Which entries are held out, how the penalty is chosen, and what standard errors say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.recovery.tables.held_out import HeldOut, choose, column_errors, cross_validate, deal
from stepscape.recovery.tables.units import own_units


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 1.0), folds=st.integers(2, 8))
def test_every_row_and_column_keeps_an_entry_whatever_is_held_out(seed, share, folds):
    seen = np.random.default_rng(seed).random((9, 6)) < share
    seen[np.arange(9), np.arange(9) % 6] = True
    fold = deal(seen, folds, seed)
    assert np.array_equal(fold, deal(seen, folds, seed))
    assert (fold[~seen] == -1).all()
    assert fold.max() < folds
    for each in range(folds):
        train = seen & (fold != each)
        assert train.any(axis=0).all()
        assert train.any(axis=1).all()


def test_folds_are_even_and_hold_nearly_everything():
    fold = deal(np.ones((30, 10), dtype=bool), 5, 0)
    assert (fold >= 0).mean() > 0.95
    counts = np.bincount(fold[fold >= 0])
    assert counts.max() - counts.min() <= 0.1 * counts.max()


def test_the_rules_choose_the_least_error_and_the_largest_penalty_near_it():
    errors, spread = np.array([1.0, 0.52, 0.5, 0.49, 0.6]), np.full(5, 0.02)
    assert choose(errors, spread, "min") == 3
    assert choose(errors, spread, "1se") == 2
    assert choose(errors, np.full(5, np.nan), "1se") == 3
    assert choose(np.array([0.5, 0.5]), np.zeros(2), "min") == 0


def test_a_standard_error_is_that_of_the_column_drawn_towards_that_of_all():
    values = np.array([[1.0, 1.0, 7.0], [3.0, 2.0, 7.0], [np.nan, 9.0, 7.0]])
    held = HeldOut(np.array([2, 2, 2]), np.array([[0.5, 3.5, 0.0]]), np.zeros(1))
    units = own_units(values, ~np.isnan(values))
    found = column_errors(values, held, 0, units)
    typical = 4.0 / 4.0
    assert found[0] == pytest.approx(units.scale[0] * np.sqrt((0.5 + 4 * typical) / 6))
    assert found[1] == pytest.approx(units.scale[1] * np.sqrt((3.5 + 4 * typical) / 6))
    assert np.isnan(found[2])


def test_where_no_column_that_varies_is_held_out_there_are_no_standard_errors():
    values = np.ones((3, 2))
    held = HeldOut(np.array([2, 2]), np.zeros((1, 2)), np.zeros(1))
    assert np.isnan(column_errors(values, held, 0, own_units(values, values > 0))).all()


def test_at_a_huge_penalty_the_held_out_error_is_that_of_the_means_of_the_other_folds():
    values = np.random.default_rng(0).standard_normal((12, 3)) * [1.0, 2.0, 3.0] + [0.0, 5.0, -5.0]
    seen = np.ones(values.shape, dtype=bool)
    fold, whole = deal(seen, 3, 0), own_units(values, seen)
    held = cross_validate(values, fold, whole, own_units, "nuclear", np.array([1e6]), lambda _: None)
    missed = [
        ((values[i, j] - values[fold[:, j] != fold[i, j], j].mean()) / values[:, j].std()) ** 2
        for i, j in zip(*np.nonzero(fold >= 0), strict=True)
    ]
    assert held.errors[0] == pytest.approx(np.mean(missed), rel=1e-12)
    each = [np.mean([m for m, f in zip(missed, fold[fold >= 0], strict=True) if f == k]) for k in range(3)]
    assert held.standard_errors[0] == pytest.approx(np.std(each, ddof=1) / np.sqrt(3), rel=1e-12)
