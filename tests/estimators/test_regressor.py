"""The regressor: scikit-learn's own checks, invariances, the choice along the path, refusals."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import stepscape as ss
from budget import examples
from fit_cases import wiggle
from stepscape.errors import InputError
from stepscape.estimators.descent import Schedule, descend
from stepscape.problems.user.units import Standardized

EPS = np.finfo(float).eps
QUICK = {"width": 40, "steps": 2000}


# One feature may be a plain column, which other estimators refuse.
COLUMN = {"check_fit1d": "X of shape (n,) is one feature"}


@parametrize_with_checks(
    [
        ss.StepSizeRegressor(step_size=0.2, width=20, stopping="budget", steps=300),
        ss.StepSizeRegressor(width=10, steps=200, n_splits=2, step_sizes=[0.3, 0.1], rule="1se"),
    ],
    expected_failed_checks=lambda _: COLUMN,
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    x, y = wiggle()
    return ss.StepSizeRegressor(step_sizes=[0.6, 0.3, 0.1, 0.03], n_splits=4, **QUICK).fit(x, y)


def test_shapes_one_column_or_none():
    x, y = wiggle()
    flat = ss.StepSizeRegressor(0.2, **QUICK).fit(x, y)
    column = ss.StepSizeRegressor(0.2, **QUICK).fit(x[:, None], y)
    np.testing.assert_array_equal(flat.predict(x), column.predict(x[:, None]))
    assert column.n_features_in_ == 1


def test_predicts_the_midpoint_of_the_last_two_iterates_in_the_users_units(fitted):
    x, y = wiggle()
    run = fitted.trajectory_
    standard = (x - x.mean()) / x.std()
    mean = (run.network.parameters + run.network_before.parameters) / 2.0
    values = run.network.with_parameters(mean).predict(standard)
    scale = np.abs(y).max() * fitted.width
    np.testing.assert_allclose(fitted.predict(x), y.mean() + y.std() * values, rtol=0, atol=64 * EPS * scale)


@given(
    shift=st.floats(-1e3, 1e3),
    power=st.integers(-300, 300),
    up=st.integers(-200, 200),
)
@examples(1 / 4)
def test_equivariant_under_changes_of_units(shift, power, up):
    # Powers of two change no mantissa: scaling either variable changes no bit of the run. A shift
    # rounds the inputs once.
    x, y = wiggle(20)
    a, b = 2.0**power, 2.0**up
    plain = ss.StepSizeRegressor(0.3, width=20, steps=1000).fit(x, y)
    scaled = ss.StepSizeRegressor(0.3, width=20, steps=1000).fit(a * x, b * y)
    np.testing.assert_array_equal(scaled.trajectory_.loss, plain.trajectory_.loss)
    np.testing.assert_allclose(scaled.predict(a * x) / b, plain.predict(x), rtol=1e-12, atol=1e-13)
    moved = ss.StepSizeRegressor(0.3, width=20, steps=1000).fit(x + shift, y - shift)
    tolerance = 1e7 * EPS * (1.0 + abs(shift))  # one rounding of size eps·|shift|, amplified by 1000 steps
    np.testing.assert_allclose(moved.predict(x + shift) + shift, plain.predict(x), rtol=0, atol=tolerance)


def test_weights_are_repeats_bit_for_bit():
    x, y = wiggle(25)
    counts = np.random.default_rng(1).integers(0, 4, x.size)
    weighted = ss.StepSizeRegressor(step_sizes=[0.5, 0.1], n_splits=3, **QUICK)
    repeated = clone(weighted).fit(np.repeat(x, counts), np.repeat(y, counts))
    weighted.fit(x, y, sample_weight=counts)
    np.testing.assert_array_equal(weighted.predict(x), repeated.predict(x))
    np.testing.assert_array_equal(weighted.path_["cv_error"], repeated.path_["cv_error"])


def test_a_weight_that_vanishes_beside_the_largest_is_0():
    x, y = wiggle()
    for small in (0.0, 1e-300):
        weights = np.where(np.arange(x.size) % 3, 1e300, small)
        model = ss.StepSizeRegressor(0.3, **QUICK).fit(x, y, sample_weight=weights)
        np.testing.assert_array_equal(model.problem_.size, np.count_nonzero(weights == 1e300))


@pytest.mark.parametrize("step_size", [1.99, 0.5, 1e-3])
@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e149, 1e-149])
def test_constant_labels_are_fitted_by_their_constant_at_every_step_size(value, step_size):
    model = ss.StepSizeRegressor(step_size, width=30, steps=40).fit(np.arange(12.0), np.full(12, value))
    np.testing.assert_allclose(model.predict([-99.0, 0.0, 5.5, 1e6]), value, rtol=8 * EPS)
    assert (model.stop_, model.trajectory_.sharpness[-1]) == ("stationary", pytest.approx(1.0))


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e149, 1e-149])
def test_constant_labels_are_one_piece_in_their_own_unit(value):

    x = np.arange(12.0) // 2
    given_ = {"step_sizes": [0.5, 0.2], "n_splits": 2, "width": 30, "steps": 400}
    model = ss.StepSizeRegressor(**given_).fit(x, np.full(12, value))
    unit = abs(value) or 1.0

    assert not model.problem_.labels.any()
    assert model.pieces_ == 1
    assert model.units_[1].deviation == unit
    assert not model.trajectory_.loss.any()
    assert model.path_["cv_error"].tolist() == [0.0, 0.0]
    assert model.step_size_ == 0.5


def test_a_fold_of_constant_labels_is_predicted_by_their_constant():
    # Of labels (-1, 0, 0, 0, 0, 0, 0, 1) a fold without both ends sees only 0; the error is that of the ends.
    x, y = np.arange(8.0), np.array([-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    data = Standardized.of(x, y, np.ones(8))
    inner = np.array([0, 1, 1, 1, 1, 1, 1, 0])
    run = descend(data.part(inner).problem(), 1.99, Schedule(30, 40))
    assert run.trajectory.outcome == "finished"
    assert not run.trajectory.predict(data.x).any()


@pytest.mark.parametrize("power", [490, -480])
def test_errors_of_the_path_have_the_squared_unit_of_the_labels(power):
    # A power of two changes no mantissa, up to labels of 1e147.
    x, y = wiggle(20)
    given_ = {"step_sizes": [0.5, 0.2], "n_splits": 2, "width": 20, "steps": 400}
    usual, scaled = (ss.StepSizeRegressor(**given_).fit(x, y * unit) for unit in (1.0, 2.0**power))
    unit = 4.0**power
    np.testing.assert_array_equal(scaled.path_["cv_error"], usual.path_["cv_error"] * unit)
    np.testing.assert_array_equal(scaled.path_["standard_error"], usual.path_["standard_error"] * unit)
    np.testing.assert_array_equal(scaled.folds_["cv_error"], usual.folds_["cv_error"] * unit)


def test_same_bits_for_any_number_of_threads(fitted):
    x, y = wiggle()
    for jobs in (None, 1, 3):
        again = clone(fitted).set_params(n_jobs=jobs).fit(x, y)
        np.testing.assert_array_equal(again.folds_["cv_error"], fitted.folds_["cv_error"])
        np.testing.assert_array_equal(again.predict(x), fitted.predict(x))


def test_random_states_are_understood():
    x, y = wiggle(15)
    one = ss.StepSizeRegressor(0.3, random_state=np.random.RandomState(5), width=20, steps=2000).fit(x, y)
    two = ss.StepSizeRegressor(0.3, random_state=np.random.RandomState(5), width=20, steps=2000).fit(x, y)
    three = ss.StepSizeRegressor(0.3, random_state=7, width=20, steps=2000).fit(x, y)
    np.testing.assert_array_equal(one.predict(x), two.predict(x))
    assert np.abs(one.predict(x) - three.predict(x)).max() > 1e-6


def test_recovers_a_tent():
    x = np.linspace(0.0, 10.0, 60)
    y = 100.0 - 20.0 * np.abs(x - 4.0)
    model = ss.StepSizeRegressor(0.05, width=100, steps=8000).fit(x, y)
    assert np.abs(model.predict(x) - y).max() < 0.1 * y.std()


def test_larger_steps_leave_fewer_pieces():
    x, y = wiggle(60, seed=2)
    small, large = (ss.StepSizeRegressor(eta, width=100, steps=20_000).fit(x, y) for eta in (0.02, 0.8))
    assert large.pieces_ < small.pieces_
    assert large.trajectory_.sharpness[-1] < small.trajectory_.sharpness[-1]


def test_certificates_hold(fitted):
    assert fitted.certificates_["sharpness_loss"].verdict == "holds"
    assert "violated" not in {c.verdict for c in fitted.certificates_.values()}


def test_path_reports_every_fold(fitted):
    path, folds = fitted.path_, fitted.folds_
    assert list(path["step_size"]) == sorted(path["step_size"], reverse=True)
    assert fitted.step_size_ == path["step_size"][path["chosen"]][0]
    for i, eta in enumerate(path["step_size"]):
        rows = folds.where(step_size=eta)
        share = rows["share"]
        assert share.sum() == pytest.approx(1.0)
        mean = share @ rows["cv_error"]
        assert path["cv_error"][i] == pytest.approx(mean, rel=1e-12)
        expected = np.sqrt(share @ (rows["cv_error"] - mean) ** 2 / 3)
        assert path["standard_error"][i] == pytest.approx(expected, rel=1e-12)
        assert set(rows["stop"]) <= {"edge", "stationary", "budget"}
        assert np.all(rows["time"] < eta * rows["steps"])  # warm-up included in Σ η
        assert np.all(np.isfinite(rows["edge_ratio"]))


def test_works_inside_scikit_learn():
    x, y = wiggle()
    model = ss.StepSizeRegressor(0.1, width=60, steps=3000)
    assert cross_val_score(model, x, y, cv=3).mean() > 0.6
    fit = model.fit(x, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fit)).predict(x), fit.predict(x))


def test_progress_reaches_the_end():
    seen = []
    x, y = wiggle(20)
    small = {"step_sizes": [0.5], "n_splits": 2, "width": 10, "steps": 2000}
    ss.StepSizeRegressor(**small, progress=lambda *report: seen.append(report)).fit(x, y)
    assert seen[-1] == (1.0, "done")
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {what for _, what in seen} == {"cross-validation", "final fit", "done"}


def test_an_interrupt_leaves_at_once():
    x, y = wiggle(60)

    def press(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ss.StepSizeRegressor(steps=10**9, progress=press).fit(x, y)


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"step_size": -1.0}, r"step_size must lie in \(0, 2\), .*, got -1.0"),
        ({"step_size": 2.0}, r"step_size must lie in \(0, 2\), .*, got 2.0"),
        ({"step_size": float("nan")}, r"step_size must lie in \(0, 2\), .*, got nan"),
        ({"step_size": "best"}, r"step_size must be a number in \(0, 2\) or \"cv\", got 'best'"),
        ({"step_size": None}, r"step_size must be numbers in \(0, 2\), got None"),
        ({"step_size": [object()]}, r"step_size must be numbers in \(0, 2\), got"),
        ({"step_sizes": []}, r"step_sizes must be numbers in \(0, 2\), got \[\]"),
        ({"step_sizes": [0.1, 3.0]}, r"step_sizes must lie in \(0, 2\), .*, got 3.0"),
        ({"rule": "2se"}, "unknown rule '2se'; did you mean '1se'"),
        ({"width": 0}, "width must be a whole number of at least 1, got 0"),
        ({"steps": 0}, "steps must be a whole number of at least 2, got 0"),
        ({"steps": 10.5}, "steps must be a whole number of at least 2, got 10.5"),
        ({"n_splits": 1}, "n_splits must be a whole number of at least 2, got 1"),
        ({"n_jobs": 0}, "n_jobs must be None, -1 or a positive whole number, got 0"),
        ({"random_state": -3}, "random_state must not be negative, got -3"),
    ],
)
def test_bad_parameters_are_named(given_, sentence):
    with pytest.raises(InputError, match=sentence):
        ss.StepSizeRegressor(**given_).fit([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("x", "y", "weights", "sentence"),
    [
        ([1.0], [1.0], None, "at least two distinct inputs of positive weight, got n_samples=1"),
        ([3.0, 3.0], [1.0, 2.0], None, "at least two distinct inputs .* got 3.0 in all 2 rows"),
        ([1e300, np.nextafter(1e300, np.inf)], [0.0, 1.0], None, "inputs too close together"),
        ([0.0, np.nan], [1.0, 2.0], None, "Input X contains NaN"),
        ([0.0, 1.0], [1.0, 2.0, 3.0], None, "inconsistent numbers of samples"),
        ([0.0, 1.0], [1.0, np.inf], None, "Input y contains infinity"),
        ([0.0, 1.0], [1.0, 2.0], [1.0, -1.0], "Negative values in data"),
        (
            [0.0, 1.0],
            [0.0, 1e300],
            None,
            r"labels must be 0 or have .* 1e-150 and 1e\+150.* got 1e\+300; resc",
        ),
        ([0.0, 1.0], [1e300, 1e300], None, "labels must be 0 or have a magnitude between"),
        ([0.0, 1.0], [1e-310, 0.0], None, "labels must be 0 or have .* got 1e-310; rescale them"),
        ([0.0, 1.0], [1.7e308, -1.7e308], None, "labels must be 0 or have .* got 1.7e"),
    ],
)
def test_bad_data_are_refused(x, y, weights, sentence):
    with pytest.raises(ValueError, match=sentence):
        ss.StepSizeRegressor(0.1, width=5, steps=10).fit(x, y, sample_weight=weights)


def test_weights_that_are_all_zero_are_refused():
    with pytest.raises(InputError, match="sample_weight must not be 0 everywhere, got no positive weight"):
        Standardized.of(np.arange(3.0), np.ones(3), np.zeros(3))


def test_predicting_more_features_is_refused():
    model = ss.StepSizeRegressor(0.1, width=5, steps=20).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(ValueError, match="X has 2 features, but StepSizeRegressor is expecting 1"):
        model.predict([[0.0, 1.0]])


def test_a_given_step_size_that_diverges_says_what_to_do(monkeypatch):
    monkeypatch.setattr("stepscape.estimators.start.SCALE", 100.0)
    x, y = wiggle()
    with pytest.raises(
        InputError, match=r"diverged at step_size 1.9 with steps=4; give a smaller step_size, or more"
    ):
        ss.StepSizeRegressor(1.9, width=50, steps=4).fit(x, y)
