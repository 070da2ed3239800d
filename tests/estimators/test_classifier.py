"""The classifier: scikit-learn's own checks, invariances, choice of step size and time, refusals."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logsumexp
from sklearn.base import clone
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import stepscape as ss
from budget import examples
from fit_cases import noisy
from stepscape.errors import InputError
from stepscape.estimators.choice import choose
from stepscape.problems.user.units import TwoClasses

EPS = np.finfo(float).eps
QUICK = {"width": 30, "steps": 800, "n_splits": 3, "step_sizes": [2.0, 0.5, 0.1]}


# One feature may be a plain column, which other estimators refuse.
COLUMN = {"check_fit1d": "X of shape (n,) is one feature"}


@parametrize_with_checks(
    [
        ss.StepSizeClassifier(step_size=0.5, stopping="budget", width=20, steps=200),
        ss.StepSizeClassifier(width=10, steps=200, n_splits=2, step_sizes=[1.0, 0.2], rule="1se"),
    ],
    expected_failed_checks=lambda _: COLUMN,
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    return ss.StepSizeClassifier(**QUICK).fit(*noisy())


def test_shapes_one_column_or_none(fitted):
    x, y = noisy()
    column = ss.StepSizeClassifier(**QUICK).fit(x[:, None], y)
    np.testing.assert_array_equal(column.predict_proba(x[:, None]), fitted.predict_proba(x))
    assert column.n_features_in_ == 1


def test_probabilities_come_from_the_logit_of_the_midpoint(fitted):
    x, y = noisy()
    run = fitted.trajectory_
    standard = (x - x.mean()) / x.std()
    mean = (run.network.parameters + run.network_before.parameters) / 2.0
    logit = run.network.with_parameters(mean).predict(standard)
    np.testing.assert_allclose(fitted.decision_function(x), logit, rtol=0, atol=1e4 * EPS)
    shares = fitted.predict_proba(x)
    np.testing.assert_allclose(shares[:, 1], expit(logit), rtol=1e5 * EPS)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=0, atol=4 * EPS)
    np.testing.assert_array_equal(fitted.predict(x), fitted.classes_[(logit > 0).astype(int)])
    both = np.stack([np.zeros_like(logit), logit])
    np.testing.assert_allclose(fitted.predict_log_proba(x), (both - logsumexp(both, axis=0)).T, rtol=1e-11)
    assert fitted.score(x, y) > 0.7


def test_log_probabilities_keep_what_probabilities_round():
    model = ss.StepSizeClassifier(0.5, stopping="budget", width=20, steps=2000).fit([0.0, 1.0], [0, 1])
    far = model.predict_log_proba([-1e4])[0]
    assert model.predict_proba([-1e4])[0, 1] < 1e-300
    assert far[1] == model.decision_function([-1e4])[0]
    assert far[0] == 0.0


@pytest.mark.parametrize(
    "names",
    [(False, True), ("no", "yes"), (-3, 7), (2.0, 5.0), (np.datetime64("2020"), np.datetime64("2021"))],
)
def test_labels_of_any_type(fitted, names):
    x, y = noisy()
    labels = np.array(names)[y]
    model = clone(fitted).fit(x, labels)
    assert model.classes_.tolist() == np.array(names).tolist()
    np.testing.assert_array_equal(model.predict_proba(x), fitted.predict_proba(x))
    np.testing.assert_array_equal(model.predict(x), np.array(names)[fitted.predict(x)])


def test_exchanging_the_classes_exchanges_probabilities():
    # L(f; y) = L(-f; -y), and (w2, b2) → (-w2, -b2) is f → -f: so do the runs from both starts.
    x, y = noisy()
    one, other = (TwoClasses.of(x, labels, np.ones(x.size)) for labels in (2.0 * y - 1, 1 - 2.0 * y))
    np.testing.assert_array_equal(one.plus, other.minus)
    assert one.base_log_loss == pytest.approx(other.base_log_loss, rel=4 * EPS)
    net = ss.TwoLayerReLU.random(20, 1.0, "mean_field")
    turned = ss.TwoLayerReLU(net.w1, net.b1, -net.w2, -net.b2)
    method = ss.GradientDescent(0.5, 300)
    a, b = ss.train(one.problem(), net, method), ss.train(other.problem(), turned, method)
    np.testing.assert_allclose(a.network.predict(x), -b.network.predict(x), rtol=1e-9, atol=1e-12)


@given(shift=st.floats(-1e3, 1e3), power=st.integers(-300, 300))
@examples(1 / 10)
def test_units_of_the_input_do_not_matter(shift, power):
    x, y = noisy(20)
    unit = 2.0**power  # changes no mantissa
    fits = [
        ss.StepSizeClassifier(0.3, stopping="budget", width=20, steps=400).fit(inputs, y)
        for inputs in (x, unit * x, x + shift)
    ]
    np.testing.assert_array_equal(fits[1].decision_function(unit * x), fits[0].decision_function(x))
    tolerance = 1e7 * EPS * (1.0 + abs(shift))
    moved = fits[2].decision_function(x + shift)
    np.testing.assert_allclose(moved, fits[0].decision_function(x), rtol=0, atol=tolerance)


def test_weights_are_repeats_bit_for_bit():
    x, y = noisy(40)
    x = np.round(2 * x) / 2  # inputs with labels of both classes
    counts = np.random.default_rng(1).integers(0, 4, x.size)
    weighted = ss.StepSizeClassifier(**QUICK).fit(x, y, sample_weight=counts)
    repeated = ss.StepSizeClassifier(**QUICK).fit(np.repeat(x, counts), np.repeat(y, counts))
    np.testing.assert_array_equal(weighted.predict_proba(x), repeated.predict_proba(x))
    np.testing.assert_array_equal(weighted.times_["cv_error"], repeated.times_["cv_error"])
    np.testing.assert_array_equal(
        weighted.out_of_fold_[counts > 0].repeat(counts[counts > 0]), repeated.out_of_fold_
    )
    assert np.isnan(weighted.out_of_fold_[~np.isin(x, x[counts > 0])]).all()


@pytest.mark.parametrize(("large", "small"), [(1e300, 1e-300), (1.0, 1e-160), (1e308, 1.0), (1.0, 5e-324)])
def test_a_weight_that_vanishes_beside_the_largest_is_0(large, small):
    x, y = noisy(40)
    counted = np.arange(40) % 3 > 0
    one, other = (
        ss.StepSizeClassifier(0.5, width=10, steps=200, n_splits=3).fit(
            x, y, sample_weight=np.where(counted, large, rest)
        )
        for rest in (small, 0.0)
    )
    np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(x))
    np.testing.assert_array_equal(one.out_of_fold_, other.out_of_fold_)
    np.testing.assert_array_equal(np.isnan(one.out_of_fold_), ~counted)
    with pytest.raises(InputError, match="one class, 1, in all rows that count"):
        ss.StepSizeClassifier(0.5).fit(x, y, sample_weight=np.where(y == 1, large, small))


def test_same_bits_for_any_number_of_threads(fitted):
    x, y = noisy()
    for jobs in (None, 1, 3):
        again = clone(fitted).set_params(n_jobs=jobs).fit(x, y)
        np.testing.assert_array_equal(again.times_["cv_error"], fitted.times_["cv_error"])
        np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))


def test_the_choice_is_the_least_log_loss_of_step_size_and_time(fitted):
    path, times = fitted.path_, fitted.times_
    assert len(times) == 3 * 4
    row = int(np.argmin(times["cv_error"]))
    assert times["chosen"].nonzero()[0].tolist() == [row]
    assert (fitted.step_size_, fitted.steps_) == (times["step_size"][row], times["steps"][row])
    assert fitted.log_loss_ == times["cv_error"][row]
    assert fitted.brier_ == times["brier"][row]
    of_folds = fitted.folds_.where(step_size=fitted.step_size_)
    share, errors = of_folds["share"], of_folds["cv_error"]
    spread = np.sqrt(np.cov(errors, aweights=share, ddof=0) / (errors.size - 1))  # of the mean
    assert fitted.standard_error_ == pytest.approx(spread, rel=1e-12)
    for i, eta in enumerate(path["step_size"]):
        of_it = times.where(step_size=eta)
        assert path["cv_error"][i] == of_it["cv_error"].min()
        assert path["budget_error"][i] == of_it["cv_error"][-1]
        members = fitted.folds_.where(step_size=eta)
        assert path["cv_error"][i] == pytest.approx(members["share"] @ members["cv_error"], rel=1e-12)
        assert path["brier"][i] == pytest.approx(members["share"] @ members["brier"], rel=1e-12)
    assert fitted.stop_ == "validated" if fitted.steps_ < 800 else fitted.stop_ != "validated"


def test_out_of_fold_probabilities_give_the_cross_validated_errors(fitted):
    x, y = noisy()
    p = fitted.out_of_fold_
    assert log_loss(y, p) == pytest.approx(fitted.log_loss_, rel=1e-9)
    assert brier_score_loss(y, p) == pytest.approx(fitted.brier_, rel=1e-9)
    curve = fitted.calibration_
    assert curve["rows"].sum() == pytest.approx(x.size)
    assert curve["rows"] @ curve["observed"] == pytest.approx(y.sum())
    assert curve["rows"] @ curve["predicted"] == pytest.approx(p.sum())


def test_one_standard_error_takes_the_largest_step_size_and_the_earliest_stop():
    x, y = noisy()
    model = ss.StepSizeClassifier(rule="1se", **QUICK).fit(x, y)
    times = model.times_
    best = np.argmin(times["cv_error"])
    within = times["cv_error"] <= times["cv_error"][best] + times["standard_error"][best]
    first = np.flatnonzero(within)[0]
    assert (model.step_size_, model.steps_) == (times["step_size"][first], times["steps"][first])
    assert choose(times["cv_error"], times["standard_error"], "1se") == first


def test_separable_classes_are_said_and_keep_finite_probabilities():
    x = np.arange(30.0)
    model = ss.StepSizeClassifier(width=50, step_sizes=[6.0, 1.0, 0.1], steps=4000).fit(x, x > 11)
    assert model.separable_ == pytest.approx((11.0, 12.0), rel=16 * EPS)
    assert model.warnings_[0].startswith("a threshold between 11 and 12 separates the classes: any jump")
    assert np.isfinite(model.predict_log_proba(x)).all()
    # In all inputs one nat of held-out loss is as good as none: the first of the path that has it.
    enough = model.times_["cv_error"] <= 1 / 30
    assert model.times_["chosen"].nonzero()[0].tolist() == [np.flatnonzero(enough)[0]]
    assert model.steps_ < 4000
    down = ss.StepSizeClassifier(0.5, **{**QUICK, "step_sizes": None}).fit(x, x < 12)
    assert down.separable_ == pytest.approx((11.0, 12.0), rel=16 * EPS)
    assert ss.StepSizeClassifier(0.5, stopping="budget", steps=10).fit(x, x % 2).separable_ is None


def test_works_inside_scikit_learn(fitted):
    x, y = noisy()
    assert (
        cross_val_score(ss.StepSizeClassifier(0.5, **{**QUICK, "step_sizes": None}), x, y, cv=3).mean() > 0.6
    )
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))


def test_certificates_hold(fitted):
    assert fitted.certificates_["weighted"].verdict == "holds"
    assert "violated" not in {c.verdict for c in fitted.certificates_.values()}


def test_progress_reaches_the_end():
    seen = []
    ss.StepSizeClassifier(**QUICK, progress=lambda *report: seen.append(report)).fit(*noisy(20))
    assert seen[-1] == (1.0, "done")
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {what for _, what in seen} == {"cross-validation", "final fit", "done"}


def test_uncertain_inputs_are_between_those_reported(fitted):
    x, _ = noisy()
    low, high = fitted.uncertain_
    uncertain = x[np.abs(fitted.decision_function(x)) <= 1.0]
    assert (low, high) == pytest.approx((uncertain.min(), uncertain.max()), rel=16 * EPS)
    assert np.all(np.abs(fitted.predict_proba(x)[(x < low) | (x > high), 1] - 0.5) > expit(1.0) - 0.5)


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        (
            {"step_size": 8.0},
            r"step_size must lie in \(0, 8\), where descent on standardized data .*, got 8.0",
        ),
        ({"step_size": "best"}, r"step_size must be a number in \(0, 8\) or \"cv\", got 'best'"),
        ({"step_sizes": []}, r"step_sizes must be numbers in \(0, 8\), got \[\]"),
        ({"stopping": "late"}, "unknown stopping 'late'; known: cv, budget"),
        ({"rule": "2se"}, "unknown rule '2se'; did you mean '1se'"),
        ({"steps": 0}, "steps must be a whole number of at least 2, got 0"),
    ],
)
def test_bad_parameters_are_named(given_, sentence):
    with pytest.raises(InputError, match=sentence):
        ss.StepSizeClassifier(**given_).fit([0.0, 1.0, 2.0], [0, 1, 0])


@pytest.mark.parametrize(
    ("x", "y", "weights", "sentence"),
    [
        ([0.0, 1.0], ["a", "a"], None, "y must hold two classes, got one class, 'a', in all rows that count"),
        ([0.0, 1.0], [1, 2], [1.0, 0.0], "y must hold two classes, got one class, 1, in all rows that count"),
        ([0.0, 1.0, 2.0], ["a", "b", "c"], None, r"Only binary .* two classes, got 3 \('a', 'b', 'c'\)"),
        (np.arange(4.0), range(4), None, r"must hold two classes, got 4 \(0, 1, 2, 3\)$"),
        (np.arange(5.0), range(5), None, r"must hold two classes, got 5 \(0, 1, 2, 3, …\)"),
        ([0.0, 1.0, 2.0], [0.1, 0.2, 0.3], None, "Unknown label type: continuous"),
        ([0.0, 1.0], [0.0, np.nan], None, "Input y contains NaN"),
        (
            [0.0, 1.0],
            np.array([0, "a"], object),
            None,
            "y must hold labels that can be sorted, got labels of several",
        ),
        ([0.0, np.inf], [0, 1], None, "Input X contains infinity"),
        ([0.0, 1.0], [0, 1], [0.0, 0.0], "Sample weights must contain at least one non-zero"),
        ([0.0, 1.0], [0, 1], [1.0, -1.0], "Negative values in data"),
        ([3.0, 3.0], [0, 1], None, "at least two distinct inputs of positive weight, got 3.0 in all 2 rows"),
        ([0.0, 1.0], [0, 1, 1], None, "inconsistent numbers of samples"),
    ],
)
def test_bad_data_are_refused(x, y, weights, sentence):
    with pytest.raises(ValueError, match=sentence):
        ss.StepSizeClassifier(0.1, width=5, steps=10).fit(x, y, sample_weight=weights)
