"""Folds: whole inputs, or rows within few inputs; never one input to train on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from stepscape.errors import InputError
from stepscape.estimators import fit_outcome, fit_table, folds
from stepscape.estimators.folds import deal
from stepscape.problems.user.units import Standardized, TwoClasses

QUICK = {"width": 60, "steps": 3000, "step_sizes": [1.0, 0.3, 0.1, 0.02, 0.003]}


def data_of(x, y=None, weights=None, classes=False):
    x = np.asarray(x, float)
    y = np.random.default_rng(0).standard_normal(x.size) if y is None else np.asarray(y, float)
    kind = TwoClasses if classes else Standardized
    return kind.of(x, y, np.ones(x.size) if weights is None else np.asarray(weights, float))


@given(
    counts=st.lists(st.integers(1, 12), min_size=2, max_size=12),
    splits=st.integers(2, 9),
    seed=st.integers(0, 99),
    classes=st.booleans(),
)
def test_every_row_is_held_out_once_and_two_inputs_stay(counts, splits, seed, classes):
    x = np.repeat(np.arange(len(counts)), counts)
    data = data_of(x, classes=classes)
    repeated = sum(count for count in counts if count > 1)
    if len(counts) == 2 and repeated == 0:
        with pytest.raises(
            InputError, match="X must hold at least three distinct inputs, or repeat one of two"
        ):
            deal(data, splits, seed)
        return
    dealt = deal(data, splits, seed)
    held = np.array(list(dealt))
    assert dealt.within == (len(counts) <= 7 and 2 * repeated >= sum(counts))
    lone = np.array(counts)[data.rows.at] == 1
    once = data.rows.count * ~(lone & dealt.within)
    np.testing.assert_array_equal(held.sum(axis=0), once)
    sizes = held.sum(axis=1)
    assert sizes.min() > 0
    for out in held:
        rest = data.part(data.rows.count - out)
        assert rest.size >= 2
        if dealt.within:
            assert rest.size == data.size  # every input is trained on
        else:
            assert not set(data.part(out).x) & set(rest.x)
    if dealt.within:
        assert dealt.count == min(splits, int(once.sum()))
        assert sizes.max() - sizes.min() <= (data.rows.count > 1).sum() + 1
    else:
        assert dealt.count == (3 if len(counts) == 3 else min(splits, len(counts)))


@given(seed=st.integers(0, 999), classes=st.booleans(), most=st.sampled_from([5, 10**6]))
@examples(1 / 4)
def test_whole_weights_and_the_order_of_rows_do_not_count(seed, classes, most):
    rng = np.random.default_rng(seed)
    x, weights = rng.integers(0, 4, 20).astype(float), rng.integers(1, 5, 20)
    y = rng.choice([-1.0, 1.0], 20) if classes else rng.integers(0, 9, 20) / 7.0
    x[:2] = 0.0, 1.0
    order = rng.permutation(int(weights.sum()))
    many = [np.repeat(column, weights)[order] for column in (x, y)]
    tables = [data_of(*table, classes=classes) for table in ((x, y, weights), many)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folds, "MOST_DEALT", most)
        found = [[data.part(out) for out in deal(data, 4, seed)] for data in tables]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
        for name in ("at", "labels", "count"):
            np.testing.assert_array_equal(getattr(one.rows, name), getattr(other.rows, name))
        ratio = one.rows.weights / other.rows.weights  # a power of two: the same bits
        np.testing.assert_array_equal(ratio, ratio[0])


def test_labels_that_are_nearly_equal_are_dealt_as_equal_ones():
    x = np.repeat([0.0, 1.0, 2.0], 20)
    y = np.tile([0.0, 1.0], 30)
    near = y + 1e-12 * np.random.default_rng(0).standard_normal(60)
    for out, other in zip(deal(data_of(x, y), 5, 0), deal(data_of(x, near), 5, 0), strict=True):
        one, two = data_of(x, y).part(out), data_of(x, near).part(other)
        np.testing.assert_allclose(one.y, two.y, rtol=0, atol=1e-10)


def test_shares_of_the_classes_are_alike_within_inputs():
    x = np.repeat([0.0, 1.0], 50)
    y = np.where(np.arange(100) % 10 < 3, 1.0, -1.0)
    for out in deal(data_of(x, y, classes=True), 5, 3):
        part = data_of(x, y, classes=True).part(out)
        np.testing.assert_array_equal(part.rows.count, [7, 3, 7, 3])
        np.testing.assert_array_equal(part.rows.labels, [-1.0, 1.0, -1.0, 1.0])


def levels(count, rows, spread=0.3, seed=0):
    """A factor: `rows` rows at each of so many levels, means that jump, and their within-level variance."""
    rng = np.random.default_rng(seed)
    x = np.repeat(np.arange(1.0, count + 1.0), rows)
    means = 3.0 * rng.permutation(count)
    y = np.repeat(means, rows) + spread * rng.standard_normal(x.size)
    found = np.array([y[x == level].mean() for level in np.unique(x)])
    return x, y, found, float(np.mean((y - np.repeat(found, rows)) ** 2))


@pytest.mark.parametrize(("count", "rows"), [(2, 30), (2, 6), (3, 12), (5, 20), (7, 8)])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_factor_has_an_honest_error_and_a_fit_near_its_means(count, rows, seed):
    x, y, means, within = levels(count, rows, seed=seed)
    fit = fit_table(x, y, seed=seed, **QUICK)
    [error] = fit.path["cv_error"][fit.path["chosen"]]
    # A mean of r rows predicts a new one with the variance σ²(1 + 1/r).
    assert 0.7 * within < error < 2.5 * within
    np.testing.assert_allclose(fit.predict(np.unique(x)), means, rtol=0, atol=0.5)
    assert fit.regressor.held_out_ == "rows"
    said = f"x has only {count} distinct values, so every fold held out rows at each of them"
    assert any(sentence.startswith("step size chosen") and said in sentence for sentence in fit.done)
    assert fit.summary()["held_out"] == "rows"


def test_eight_inputs_are_left_out_whole():
    x, y, _, _ = levels(8, 5)
    fit = fit_table(x, y, **QUICK)
    assert fit.regressor.held_out_ == "inputs"
    assert any("rows of equal x stayed in one fold" in sentence for sentence in fit.done)


def test_a_row_alone_at_its_input_is_trained_on_and_not_measured():
    x = np.append(np.zeros(12), 1.0)
    y = np.append(np.random.default_rng(0).standard_normal(12), 9.0)
    fit = fit_table(x, y, **QUICK)
    [error] = fit.path["cv_error"][fit.path["chosen"]]
    assert 0.5 * y[:12].var() < error < 2.0 * y[:12].var()
    assert fit.predict([1.0])[0] == pytest.approx(9.0, abs=0.5)
    assert any("1 row alone at its value was never held out" in sentence for sentence in fit.done)


def test_a_small_curve_without_repeats_leaves_out_inputs():
    fit = fit_table(np.arange(5.0), np.abs(np.arange(5.0) - 2.0), **QUICK)
    assert fit.regressor.held_out_ == "inputs"
    assert Counter(fit.folds["fold"].tolist()) == dict.fromkeys(range(5), 5)
    said = "x has only 5 distinct values, and cross-validation left out whole ones: its errors say little"
    assert any(warning.startswith(said) for warning in fit.warnings)


def test_two_rows_are_fitted_without_cross_validation():
    fit = fit_table([0.0, 1.0], [0.0, 1.0], **QUICK)
    assert fit.path is None
    assert fit.step_size == 1.0
    assert "of two rows none can be held out: the largest step size was taken" in fit.warnings
    outcome = fit_outcome([0.0, 1.0], [0.0, 1.0], step_sizes=[1.0, 0.5], width=10, steps=400)
    assert outcome.path is None
    assert "of two rows none can be held out: the largest step size was taken" in outcome.warnings


@pytest.mark.parametrize("count", [2, 3])
def test_a_factor_of_two_classes_has_an_honest_log_loss(count):
    rng = np.random.default_rng(count)
    p = np.array([0.2, 0.9, 0.5])[:count]
    x = np.repeat(np.arange(float(count)), 60)
    y = (rng.uniform(size=x.size) < np.repeat(p, 60)).astype(float)
    share = np.array([y[x == level].mean() for level in range(count)])
    best = float(np.mean(-share * np.log(share) - (1 - share) * np.log(1 - share)))
    fit = fit_outcome(x, y, steps=2000, width=60, step_sizes=[2.0, 0.5, 0.1])
    assert best < fit.classifier.log_loss_ < best + 0.06
    np.testing.assert_allclose(fit.predict(np.arange(float(count))), share, rtol=0, atol=0.1)
    assert not np.isnan(fit.classifier.out_of_fold_).any()
    found = fit.classifier.out_of_fold_
    assert len(np.unique(found)) <= 2 * count  # equal rows share the mean over their folds
    assert any("every fold held out rows at each of them" in sentence for sentence in fit.done)


def test_out_of_fold_probabilities_are_missing_for_rows_never_held_out():
    x = np.append(np.repeat([0.0, 1.0], 10), 2.0)
    y = np.append(np.tile([0, 1, 1, 0, 1], 4), 1)
    model = ss.StepSizeClassifier(width=20, steps=400, step_sizes=[0.5]).fit(x, y)
    np.testing.assert_array_equal(np.isnan(model.out_of_fold_), x == 2.0)
    assert np.isfinite(model.log_loss_)
