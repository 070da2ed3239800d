"""The regressor: scikit-learn's own checks, invariances, the choice along the path, refusals."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

import stepscape as ss
from stepscape.errors import InputError
from stepscape.estimators.descent import FLOOR, Schedule, descend, join
from stepscape.estimators.selection import choose, cross_validate, fold_of
from stepscape.problems.user.units import Affine, Standardized
from stepscape.training.train import train

EPS = np.finfo(float).eps
QUICK = {"width": 40, "steps": 2000}


class FirstFeature(ss.StepSizeRegressor):
    """Many columns in, the first one fitted: scikit-learn's suite skips estimators of a single column."""

    def _training_data(self, X, y, sample_weight):
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        return X[:, 0], y, _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _inputs(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False)[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, True
        tags.regressor_tags.poor_score = True  # the first of ten columns need not be the informative one
        return tags


@parametrize_with_checks(
    [
        FirstFeature(step_size=0.2, width=20, steps=2000),
        FirstFeature(width=10, steps=2000, n_splits=2, step_sizes=[0.3, 0.1], rule="1se"),
    ]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def wiggle(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 3.0, n)
    return x, np.abs(x) + 0.2 * rng.standard_normal(n)


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


def test_predicts_the_mean_of_the_last_two_iterates_in_the_users_units(fitted):
    x, y = wiggle()
    run = fitted.trajectory_
    standard = (x - x.mean()) / x.std()
    both = 0.5 * (run.network.predict(standard) + run.network_before.predict(standard))
    scale = np.abs(y).max() * fitted.width
    np.testing.assert_allclose(fitted.predict(x), y.mean() + y.std() * both, rtol=0, atol=64 * EPS * scale)


@given(
    shift=st.floats(-1e3, 1e3),
    power=st.integers(-300, 300),
    up=st.integers(-200, 200),
)
@settings(max_examples=15, deadline=None)
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


def test_repeated_inputs_merge_without_loss():
    # Σ w (f - y)² = Σ W (f - ȳ)² + Σ w (y - ȳ)², for any f and any set of inputs.
    rng = np.random.default_rng(3)
    x, y, w = rng.integers(0, 9, 60) / 4.0, rng.standard_normal(60), rng.uniform(0.1, 2.0, 60)
    data = Standardized.of(x, y, w)
    f = rng.standard_normal(data.size)
    rows = np.arange(data.size) % 2 == 0
    where = np.searchsorted(np.unique(x), x)
    inside = rows[where]
    squares = (f[where] - (y - np.average(y, weights=w)) / np.sqrt(np.cov(y, aweights=w, ddof=0))) ** 2
    expected = np.average(squares[inside], weights=w[inside])
    assert data.error(f[rows], rows) == pytest.approx(expected, rel=1e-12)
    assert data.labels.mean == pytest.approx(np.average(y, weights=w), abs=16 * EPS)
    assert data.inputs.deviation == pytest.approx(np.sqrt(np.cov(x, aweights=w, ddof=0)), rel=16 * EPS)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e308])
def test_units_survive_any_magnitude(size):
    values = size * np.array([0.5, 0.75, 1.0])
    unit = Affine.of(values, np.ones(3))
    np.testing.assert_allclose(unit.standardize(values), [-(1.5**0.5), 0.0, 1.5**0.5], atol=8 * EPS)
    np.testing.assert_allclose(unit.restore(unit.standardize(values)), values, rtol=8 * EPS)


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
    inner = np.arange(1, 7)
    run = descend(data.problem(np.isin(np.arange(8), inner)), 1.99, Schedule(30, 40))
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


@given(
    errors=st.lists(st.floats(0.1, 10.0) | st.just(float("nan")), min_size=1, max_size=12),
    spread=st.floats(0.0, 3.0),
)
def test_one_standard_error_rule_takes_the_largest_step_size(errors, spread):
    values = np.array(errors)
    if np.all(np.isnan(values)):
        with pytest.raises(InputError, match="every step size of the path diverged"):
            choose(values, np.full(values.size, spread), "1se")
        return
    best, chosen = choose(values, np.full(values.size, spread), "1se")
    assert values[best] == np.nanmin(values)
    assert values[chosen] <= values[best] + spread
    assert not np.any(values[:chosen] <= values[best] + spread)  # step sizes decrease along the path
    assert choose(values, np.full(values.size, spread), "min") == (best, best)


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


@given(distinct=st.integers(2, 80), splits=st.integers(2, 12), seed=st.integers(0, 99))
def test_folds_are_even(distinct, splits, seed):
    sizes = np.bincount(fold_of(distinct, splits, seed))
    assert sizes.size == min(splits, distinct)
    assert sizes.max() - sizes.min() <= 1


def test_out_of_fold_error_is_that_of_a_fit_without_the_fold():
    x, y = wiggle(24)
    data = Standardized.of(x, y, np.ones(24))
    schedule = Schedule(20, 300, seed=4)
    path = cross_validate(data, [0.2], schedule, n_splits=3, workers=1)
    out = fold_of(24, 3, 4) == 1
    run = descend(ss.Problem(data.x[~out], data.y[~out], weights=np.ones(16)), 0.2, schedule)
    expected = np.mean((run.trajectory.predict(data.x[out]) - data.y[out]) ** 2)
    assert path.members["cv_error"][1] == pytest.approx(expected, rel=1e-12)


def test_divergence_of_a_member_is_recorded():
    x, y = wiggle(30)
    data = Standardized.of(x, y, np.ones(30))
    # Unstandardized by hand: inputs ten times wider diverge at step sizes that are fine otherwise.
    wide = Standardized(10.0 * data.x, data.y, data.weights, data.scatter, data.inputs, data.labels)
    path = cross_validate(wide, [1.5, 1e-5], Schedule(30, 200), n_splits=2)
    assert path.table["diverged"][0] > 0
    assert np.isnan(path.table["cv_error"][0])
    assert path.step_size == 1e-5


def test_a_run_in_blocks_is_one_run():
    problem = ss.problems.tent(seed=1)
    net = ss.TwoLayerReLU.random(30, 2.0, "mean_field")
    whole = train(problem, net, ss.GradientDescent(0.3, 400, warmup_steps=50), record_every=50)
    first = train(problem, net, ss.GradientDescent(0.3, 200, warmup_steps=50), record_every=50)
    both = join(first, train(problem, first.network, ss.GradientDescent(0.3, 200), record_every=50))
    np.testing.assert_array_equal(both.network.parameters, whole.network.parameters)
    np.testing.assert_array_equal(both.network_before.parameters, whole.network_before.parameters)
    np.testing.assert_array_equal(both.at_steps, whole.at_steps)
    np.testing.assert_allclose(both.time, whole.time, rtol=1e-13)
    np.testing.assert_array_equal(both.loss, whole.loss)
    assert both.message == whole.message


def test_each_stop_is_reached():
    x, y = wiggle(30)
    problem = Standardized.of(x, y, np.ones(30)).problem()
    at_edge = descend(problem, 0.4, Schedule(60, 20_000))
    assert at_edge.stop == "edge"
    assert at_edge.trajectory.at_steps[-1] < 20_000
    assert at_edge.edge_ratio == pytest.approx(np.mean(at_edge.trajectory.edge_ratio[-4:]), abs=0.1)
    assert at_edge.edge_ratio == pytest.approx(1.0, abs=0.1)
    assert descend(problem, 0.001, Schedule(60, 2000)).stop == "budget"
    line = ss.Problem([-1.0, 1.0], [-1.0, 1.0])
    settled = descend(line, 2e-4, Schedule(20, 20_000))
    assert settled.stop == "stationary"
    assert settled.trajectory.loss[-1] < FLOOR
    ticks = []
    descend(problem, 0.1, Schedule(20, 100), ticks.append)
    assert ticks == sorted(ticks)
    assert ticks[-1] == 1.0


def test_beyond_ten_thousand_inputs_training_bins(monkeypatch):
    monkeypatch.setattr("stepscape.problems.user.units.MOST_INPUTS", 50)
    x = np.linspace(-1.0, 1.0, 1000)
    data = Standardized.of(x, x**2, np.ones(1000))
    problem = data.problem()
    assert data.binned
    assert problem.size == 50
    np.testing.assert_allclose(problem.averaging, 1 / 50, rtol=1e-12)
    assert problem.averaging @ problem.labels == pytest.approx(0.0, abs=1e-12)  # the mean label is kept


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
        ({"step_size": None}, r"step_size must lie in \(0, 2\), .*, got nan"),
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
        ([[0.0, 1.0], [1.0, 2.0]], [0.0, 1.0], None, r"X must hold one feature.*got shape \(2, 2\); fit one"),
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
    monkeypatch.setattr("stepscape.estimators.descent.SCALE", 100.0)
    x, y = wiggle()
    with pytest.raises(
        InputError, match=r"diverged at step_size 1.9 with steps=4; give a smaller step_size, or more"
    ):
        ss.StepSizeRegressor(1.9, width=50, steps=4).fit(x, y)
