"""The regressor with a price on bends: units, weights, the choice, refusals."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import stepscape as ss
from fit_cases import wiggle
from stepscape.errors import InputError
from stepscape.estimators.bent_lines import BentLines, whole_path
from stepscape.estimators.folds import deal
from stepscape.estimators.held_out_paths import choose
from stepscape.problems.user.units import Standardized


@pytest.fixture(scope="module")
def fitted():
    return ss.WeightedTVRegressor().fit(*wiggle(80))


def test_recovers_a_corner(fitted):
    x, _ = wiggle(80)
    assert fitted.pieces_ == 2
    assert np.sqrt(np.mean((fitted.predict(x) - np.abs(x)) ** 2)) < 0.1
    assert fitted.gap_ <= 1e-12 * fitted.objective_


def test_given_penalty_and_alpha_minimize_the_stated_sum():
    # λ and g are those of standardized data, errors in squared units of y.
    x, y = wiggle(50)
    model = ss.WeightedTVRegressor(0.02, 1.0).fit(x, y)
    standard = [(values - values.mean()) / values.std() for values in (x, y)]
    twin = ss.theory.weighted_spline(*standard, penalty=0.02)
    np.testing.assert_allclose(model.predict(x), y.mean() + y.std() * twin.predict(standard[0]), atol=1e-6)
    assert model.objective_ == pytest.approx(y.var() * twin.objective, rel=1e-9)
    assert (model.path_, model.pieces_spread_, model.held_out_, model.repeats_) == (None, None, None, 0)


def test_penalty_0_connects_the_dots_and_a_large_one_is_the_line_of_least_squares():
    x, y = wiggle(30)
    dots = ss.WeightedTVRegressor(0.0, 0.5).fit(x, y)
    np.testing.assert_allclose(dots.predict(x), y, atol=1e-12)
    assert dots.kinks_.tolist() == np.sort(x)[1:-1].tolist()
    line = ss.WeightedTVRegressor(1e9, 1.0).fit(x, y)
    np.testing.assert_allclose(line.predict(x), np.polyval(np.polyfit(x, y, 1), x), atol=1e-12)
    assert (line.kinks_.size, line.slopes_.size, line.pieces_) == (0, 1, 1)


def test_kinks_and_slopes_draw_the_fit_and_its_last_pieces_continue_it(fitted):
    x, _ = wiggle(80)
    kinks, slopes = fitted.kinks_, fitted.slopes_
    assert set(kinks) <= set(x)
    at = np.concatenate([[x.min() - 50.0], kinks, [x.max() + 50.0]])
    np.testing.assert_allclose(np.diff(fitted.predict(at)) / np.diff(at), slopes, rtol=1e-9, atol=1e-12)


def test_the_network_is_the_same_function(fitted):
    t = np.linspace(-5.0, 6.0, 101)
    inputs, labels = fitted.units_
    values = labels.restore(fitted.network_.predict(inputs.standardize(t)))
    np.testing.assert_allclose(values, fitted.predict(t), atol=1e-12)


@pytest.mark.parametrize(("power", "up"), [(40, -30), (-200, 140)])
def test_units_change_neither_penalty_nor_choice(fitted, power, up):
    x, y = wiggle(80)
    a, b = 2.0**power, 2.0**up
    scaled = ss.WeightedTVRegressor().fit(a * x, b * y)
    assert (scaled.penalty_, scaled.alpha_) == (fitted.penalty_, fitted.alpha_)
    np.testing.assert_array_equal(scaled.predict(a * x), b * fitted.predict(x))
    np.testing.assert_array_equal(scaled.path_["cv_error"], b * b * fitted.path_["cv_error"])
    assert scaled.gap_ == b * b * fitted.gap_
    moved = ss.WeightedTVRegressor().fit(3.0 * x + 7.0, 5.0 - 3.0 * y)
    assert moved.alpha_ == fitted.alpha_
    assert moved.penalty_ == pytest.approx(fitted.penalty_, rel=1e-9)
    np.testing.assert_allclose(moved.predict(3.0 * x + 7.0), 5.0 - 3.0 * fitted.predict(x), rtol=1e-9)


def test_neither_the_order_of_rows_nor_repeats_for_weights_change_a_bit():
    x, y = wiggle(40)
    counts = np.random.default_rng(1).integers(0, 4, x.size)
    weighted = ss.WeightedTVRegressor().fit(x, y, sample_weight=counts)
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(x.size), counts))
    repeated = ss.WeightedTVRegressor().fit(x[rows], y[rows])
    np.testing.assert_array_equal(weighted.predict(x), repeated.predict(x))
    for name in ("cv_error", "standard_error", "penalty", "chosen"):
        np.testing.assert_array_equal(weighted.path_[name], repeated.path_[name])


def test_the_path_says_what_was_chosen_and_its_errors_are_those_of_the_folds():
    x, y = wiggle(45)
    model = ss.WeightedTVRegressor(repeats=2, n_splits=4, random_state=3).fit(x, y)
    path = model.path_
    row = path.where(chosen=True)[0]
    assert (row["alpha"], row["penalty"]) == (model.alpha_, model.penalty_)
    assert row["bends"] == model.kinks_.size
    assert set(path["alpha"]) == {0.0, 0.5, 1.0}
    data = Standardized.of(x, y, np.ones(x.size))
    errors = []
    for seed in (3, 4):
        for held in deal(data, 4, seed):
            part, rest = data.part(held), data.part(data.rows.count - held)
            line = BentLines.of(rest, row["alpha"], np.array([row["penalty"]]))[0]
            errors.extend((line(part.x) - part.y) ** 2)
    assert row["cv_error"] == pytest.approx(y.var() * np.mean(errors), rel=1e-9)


def test_repeats_end_when_the_choice_has_stood_for_three():
    x, y = wiggle(60, seed=4)
    data = Standardized.of(x, y, np.ones(x.size))
    paths = [whole_path(data, alpha) for alpha in (0.0, 1.0)]
    by_count = [choose(data, paths, 5, most, 0) for most in range(1, 11)]
    end = len(by_count[-1].of_repeats)
    for most, one in enumerate(by_count, 1):
        assert one.of_repeats == by_count[-1].of_repeats[:most]
    places = [one.place for one in by_count[:end]]
    assert end == 10 or len(set(places[-3:])) == 1
    assert all(len(set(places[k - 3 : k])) > 1 for k in range(3, end))
    assert by_count[0].of_repeats == (by_count[0].place,)


def test_the_spread_holds_what_single_repeats_would_have_chosen():
    x, y = wiggle(60, seed=4)
    model = ss.WeightedTVRegressor().fit(x, y)
    low, high = model.pieces_spread_
    single = [
        ss.WeightedTVRegressor(repeats=1, random_state=k).fit(x, y).pieces_ for k in range(model.repeats_)
    ]
    assert (low, high) == (min(single), max(single))


def test_noise_is_a_line_and_a_step_takes_more_pieces():
    rng = np.random.default_rng(5)
    x = np.linspace(0.0, 1.0, 200)
    noise = ss.WeightedTVRegressor().fit(x, rng.standard_normal(200))
    assert noise.pieces_ == 1
    wave = ss.WeightedTVRegressor().fit(x, np.sin(12.0 * x) + 0.2 * rng.standard_normal(200))
    assert wave.pieces_ >= 6


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7, 9])
def test_small_tables(n):
    x = np.arange(float(n))
    y = np.where(x < n / 2, x, 0.0) + 0.1 * np.cos(9.0 * x)
    model = ss.WeightedTVRegressor().fit(x, y)
    assert np.isfinite(model.predict([-1.0, 0.5, n])).all()
    assert 0 <= model.kinks_.size <= n - 2
    if n == 2:
        np.testing.assert_allclose(model.predict(x), y, atol=1e-12)
        assert model.path_ is None
    if 3 <= n <= 5:  # every input is a fold of its own, and dealing anew deals the same
        assert model.repeats_ == 1


def test_few_levels_with_many_rows_are_held_out_within():
    rng = np.random.default_rng(7)
    x = np.repeat([0.5, 1.0, 2.0], 20)
    y = np.repeat([1.0, 5.0, 6.0], 20) + 0.3 * rng.standard_normal(60)
    model = ss.WeightedTVRegressor().fit(x, y)
    assert model.held_out_ == "rows"
    np.testing.assert_allclose(model.predict([0.5, 1.0, 2.0]), y.reshape(3, 20).mean(axis=1), atol=0.15)


@pytest.mark.parametrize("value", [0.0, -7.0, 1e149])
def test_constant_labels_are_their_constant(value):
    model = ss.WeightedTVRegressor().fit(np.arange(12.0), np.full(12, value))
    np.testing.assert_allclose(model.predict([-99.0, 5.5]), value, rtol=1e-14)
    assert (model.pieces_, model.kinks_.size, model.gap_) == (1, 0, 0.0)


def test_works_inside_scikit_learn_and_is_pickled(fitted):
    x, y = wiggle(80)
    assert cross_val_score(ss.WeightedTVRegressor(), x, y, cv=3).mean() > 0.8
    pipeline = make_pipeline(StandardScaler(), ss.WeightedTVRegressor(alpha=0.0)).fit(x[:, None], y)
    assert pipeline.score(x[:, None], y) > 0.8
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(x), fitted.predict(x))
    np.testing.assert_array_equal(clone(fitted).fit(x, y).predict(x), fitted.predict(x))
    assert repr(ss.WeightedTVRegressor(0.1, 1.0)) == "WeightedTVRegressor(alpha=1.0, penalty=0.1)"


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"penalty": -1.0, "alpha": 1.0}, "penalty must be finite and not negative, got -1.0"),
        ({"penalty": float("inf"), "alpha": 1.0}, "penalty must be finite and not negative, got inf"),
        ({"penalty": "best"}, "penalty must be a number of at least 0 or \"cv\", got 'best'"),
        ({"penalty": None}, 'penalty must be a number of at least 0 or "cv", got None'),
        ({"penalty": 0.1}, "alpha must be a number when penalty is one: penalties of different alpha"),
        ({"alpha": 1.5}, r'alpha must be a number in \[0, 1\] or "cv", got 1.5'),
        ({"alpha": float("nan")}, r'alpha must be a number in \[0, 1\] or "cv", got nan'),
        ({"alpha": "CV"}, r'alpha must be a number in \[0, 1\] or "cv", got \'CV\''),
        ({"n_splits": 1}, "n_splits must be a whole number of at least 2, got 1"),
        ({"repeats": 0}, "repeats must be a whole number of at least 1, got 0"),
        ({"random_state": -3}, "random_state must not be negative, got -3"),
    ],
)
def test_bad_parameters_are_named(given_, sentence):
    with pytest.raises(InputError, match=sentence):
        ss.WeightedTVRegressor(**given_).fit([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ([[1.0, 2.0], [3.0, 1.0]], [0.0, 1.0], "X must have one feature, got 2; StepSizeRegressor fits"),
        ([1.0], [1.0], "at least two distinct inputs of positive weight, got n_samples=1"),
        ([0.0, np.nan], [1.0, 2.0], "Input X contains NaN"),
        ([0.0, 1.0], [0.0, 1e300], "labels must be 0 or have a magnitude between"),
    ],
)
def test_bad_data_are_refused(x, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        ss.WeightedTVRegressor().fit(x, y)


def test_a_prediction_beyond_the_range_of_numbers_is_refused():
    model = ss.WeightedTVRegressor(0.01, 0.0).fit([0.0, 1e-200, 3e-200], [0.0, 1.0, 1.0])
    with pytest.raises(InputError, match="a prediction in the units of the labels"):
        model.predict([1e300])
