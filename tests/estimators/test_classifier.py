"""The classifier: scikit-learn's own checks, invariances, choice of step size and time, signs of failure."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logsumexp
from sklearn.base import clone
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

import stepscape as ss
from stepscape.errors import InputError
from stepscape.estimators.descent import Schedule, descend
from stepscape.estimators.failure_signs import failure_signs
from stepscape.estimators.selection import choose, cross_validate, fold_of, step_size_path
from stepscape.measures.calibration import calibration_curve, wilson
from stepscape.problems.user.units import TwoClasses
from stepscape.tables.records import Table

EPS = np.finfo(float).eps
QUICK = {"width": 30, "steps": 800, "n_splits": 3, "step_sizes": [2.0, 0.5, 0.1]}


class FirstFeature(ss.StepSizeClassifier):
    """Many columns in, the first one fitted: scikit-learn's suite skips estimators of a single column."""

    def _training_data(self, X, y, sample_weight):
        X, y = validate_data(self, X, y, dtype=np.float64)
        return X[:, 0], y, _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _inputs(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False)[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, True
        tags.classifier_tags.poor_score = True  # the first of ten columns need not be the informative one
        return tags


@parametrize_with_checks(
    [
        FirstFeature(step_size=0.5, stopping="budget", width=20, steps=400),
        FirstFeature(width=10, steps=400, n_splits=2, step_sizes=[1.0, 0.2], rule="1se"),
    ]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def noisy(n=60, seed=0):
    """Labels of P(1 | x) = s(2x)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 3.0, n)
    return x, (rng.uniform(size=n) < expit(2.0 * x)).astype(int)


@pytest.fixture(scope="module")
def fitted():
    return ss.StepSizeClassifier(**QUICK).fit(*noisy())


def test_shapes_one_column_or_none(fitted):
    x, y = noisy()
    column = ss.StepSizeClassifier(**QUICK).fit(x[:, None], y)
    np.testing.assert_array_equal(column.predict_proba(x[:, None]), fitted.predict_proba(x))
    assert column.n_features_in_ == 1


def test_probabilities_come_from_the_mean_of_the_last_two_logits(fitted):
    x, y = noisy()
    run = fitted.trajectory_
    standard = (x - x.mean()) / x.std()
    logit = 0.5 * (run.network.predict(standard) + run.network_before.predict(standard))
    np.testing.assert_allclose(fitted.decision_function(x), logit, rtol=0, atol=1e4 * EPS)
    shares = fitted.predict_proba(x)
    np.testing.assert_allclose(shares[:, 1], expit(logit), rtol=1e5 * EPS)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=4 * EPS)
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
@settings(max_examples=6, deadline=None)
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


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_rows_of_equal_input_and_class_merge_without_loss(seed):
    # Σ w log(1 + e^{-yf}) over rows = the same over at most two examples an input; so for log-loss and Brier.
    rng = np.random.default_rng(seed)
    x, y, w = rng.integers(0, 7, 40) / 4.0, rng.integers(0, 2, 40), rng.uniform(0.1, 2.0, 40)
    y[:2], x[0], x[1] = [0, 1], 0.0, 1.0
    data = TwoClasses.of(x, 2.0 * y - 1.0, w)
    problem = data.problem()
    assert problem.size <= 2 * data.size
    assert problem.size == len(set(zip(x, y, strict=True)))
    distinct, where = np.unique(x, return_inverse=True)
    f = 3.0 * rng.standard_normal(distinct.size)
    at = np.searchsorted(data.x, problem.inputs)
    expected = log_loss(y, expit(f[where]), sample_weight=w)
    assert problem.training_loss(f[at]) == pytest.approx(expected, rel=1e-12)
    rows = np.arange(distinct.size) % 2 == 0
    inside = rows[where]
    found = data.errors(f[rows], rows)
    p = expit(f[where][inside])
    assert found["cv_error"] == pytest.approx(log_loss(y[inside], p, sample_weight=w[inside], labels=[0, 1]))
    assert found["brier"] == pytest.approx(
        brier_score_loss(y[inside], p, sample_weight=w[inside], labels=[0, 1])
    )
    share = np.average(y, weights=w)
    constant = log_loss(y[inside], np.full(inside.sum(), share), sample_weight=w[inside], labels=[0, 1])
    assert found["base_error"] == pytest.approx(constant)
    assert data.base_log_loss == pytest.approx(-share * np.log(share) - (1 - share) * np.log(1 - share))


def test_beyond_ten_thousand_inputs_training_bins(monkeypatch):
    monkeypatch.setattr("stepscape.problems.user.units.MOST_INPUTS", 50)
    x = np.linspace(-1.0, 1.0, 1000)
    labels = np.where(np.sin(40 * x) + x > 0, 1.0, -1.0)
    data = TwoClasses.of(x, labels, np.ones(1000))
    problem = data.problem()
    assert data.binned
    assert 50 < problem.size <= 100
    assert np.unique(problem.inputs).size == 50
    mean = problem.averaging @ problem.labels
    assert mean == pytest.approx(labels.mean(), abs=1e-12)  # shares of the classes are kept


def test_same_bits_for_any_number_of_threads(fitted):
    x, y = noisy()
    for jobs in (None, 1, 3):
        again = clone(fitted).set_params(n_jobs=jobs).fit(x, y)
        np.testing.assert_array_equal(again.times_["cv_error"], fitted.times_["cv_error"])
        np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))


@given(
    labels=st.lists(st.integers(0, 1), min_size=4, max_size=90),
    splits=st.integers(2, 10),
    seed=st.integers(0, 99),
)
def test_folds_hold_alike_shares_of_the_classes(labels, splits, seed):
    share = np.array(labels, float)
    folds = fold_of(share.size, splits, seed, share)
    sizes = np.bincount(folds)
    assert sizes.size == min(splits, share.size)
    assert sizes.max() - sizes.min() <= 1
    # Dealt in order of the share: of every class each fold gets its even part, give or take one.
    for value in (0.0, 1.0):
        got = np.bincount(folds[share == value], minlength=sizes.size)
        assert np.all(np.abs(got - (share == value).sum() / sizes.size) < 2)


def test_every_fold_and_time_is_a_fit_without_the_fold():
    x, y = noisy(30)
    data = TwoClasses.of(x, 2.0 * y - 1.0, np.ones(30))
    schedule = Schedule(20, 800, seed=4)
    times = schedule.stopping_times()
    assert times == [100, 200, 400, 800]
    path = cross_validate(data, [0.9, 0.2], schedule, n_splits=3, workers=1, stopping_times=times)
    folds = fold_of(30, 3, 4, data.strata)
    for eta in (0.9, 0.2):
        for steps in times:
            logits, ends = np.empty(30), []
            for fold in range(3):
                out = folds == fold
                problem = data.problem(~out)
                net = ss.TwoLayerReLU.random(20, 1.0, "mean_field", 4)
                run = ss.train(problem, net, ss.GradientDescent(eta, steps, warmup_steps=100))
                logits[out] = run.predict(data.x[out])
                ends.append(run.time[-1])
            row = path.times.where(step_size=eta, steps=steps)
            assert row["cv_error"] == pytest.approx(log_loss(data.plus > 0, expit(logits)), rel=1e-9)
            assert row["time"] == pytest.approx(np.median(ends), rel=1e-12)


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
    assert choose(times["cv_error"], times["standard_error"], "1se") == (best, first)


def test_the_path_ends_below_eight():
    # Of the output bias alone: L'' = Σ v s(f)(1 - s(f)) ≤ 1/4, attained at f = 0, so that 2/L'' ≥ 8.
    assert max(step_size_path("logistic")) == 6.0
    problem = TwoClasses.of(np.arange(4.0), np.array([-1.0, 1.0, -1.0, 1.0]), np.ones(4)).problem()
    bias = ss.TwoLayerReLU([0.0], [-1.0], [0.0], 0.3, trainable=("b2",))
    assert ss.sharpness(problem, bias).value < 0.25
    for eta, ends in ((7.9, True), (8.1, False)):  # near f = 0: 2/η on either side of 1/4
        run = ss.train(problem, bias, ss.GradientDescent(eta, 4000), record_every=500)
        assert (abs(run.network.b2) < 1e-6) is ends


def test_longer_training_of_noise_is_worse_and_said_so():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-3, 3, 40), rng.integers(0, 2, 40)
    model = ss.StepSizeClassifier(step_sizes=[1.0, 0.03], width=100, steps=8000).fit(x, y)
    assert model.path_["budget_error"][0] > model.base_log_loss_
    assert model.log_loss_ < model.path_["budget_error"].max()
    said = " ".join(model.warnings_)
    assert "held-out labels worse than a constant does" in said
    assert f"stopped after {model.steps_} steps has {model.log_loss_:.3g}" in said
    assert model.log_loss_ > model.base_log_loss_
    assert "cross-validation finds the fit worse than predicting the share of the classes" in said


def test_each_stop_is_reached():
    # Two inputs with labels of both classes: the least loss is the entropy given the input, a proper minimum.
    mixed = ss.Problem([-1.0, -1.0, 1.0, 1.0], [0, 1, 0, 1], "logistic", weights=[3.0, 1.0, 1.0, 3.0])
    settled = descend(mixed, 0.1, Schedule(20, 10_000))
    assert settled.stop == "stationary"
    assert settled.trajectory.loss[-1] == pytest.approx(0.75 * np.log(4 / 3) + 0.25 * np.log(4), rel=1e-5)
    x, _ = noisy(100)
    # The swing at the edge is chaotic, and now and then a start is still on its way: one of five arrives.
    assert "edge" in {descend(mixed, 4.0, Schedule(60, 8000, seed)).stop for seed in range(5)}
    # Most of the loss of noisy labels stays whatever is learned, so that slow is not level.
    coin = TwoClasses.of(x, np.random.default_rng(0).choice([-1.0, 1.0], 100), np.ones(100)).problem()
    assert descend(coin, 1e-3, Schedule(60, 2000)).stop == "budget"
    stopped = descend(mixed, 0.1, Schedule(20, 10_000), until=2500)
    assert stopped.stop == "validated"
    assert stopped.trajectory.at_steps[-1] == 2500
    alone = ss.Problem([-1.0, 1.0], [-1, 1], "logistic")
    assert descend(alone, 1.0, Schedule(20, 300)).stop == "interpolating"


def test_a_little_worse_than_a_constant_is_no_trap():
    # Coins: the whole budget, still short, is worse than a constant by a fraction of the standard error.
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1.0, 1.0, 200), rng.integers(0, 2, 200)
    model = ss.StepSizeClassifier(width=30, steps=400, n_splits=4, step_sizes=[0.5, 0.02]).fit(x, y)
    assert 0.0 < model.path_["budget_error"].max() - model.base_log_loss_ < 0.006
    assert not [sentence for sentence in model.warnings_ if "worse than a constant" in sentence]
    assert any("no clear gain" in sentence for sentence in model.warnings_)


def test_the_interpolation_trap_is_named():
    # Alternating labels: nothing can be learned, and a network that is given time fits all of them.
    x, y = np.linspace(0.0, 1.0, 12), np.arange(12) % 2
    model = ss.StepSizeClassifier(step_sizes=[0.5, 0.02], n_splits=3, steps=40_000).fit(x, y)
    trap = [
        sentence for sentence in model.warnings_ if sentence.startswith("interpolation trap: after all 40000")
    ]
    assert len(trap) == 1
    assert "predict held-out labels worse than a constant does (log-loss up to" in trap[0]
    assert "with every training label fitted and 0.0" in trap[0]  # of the sharpness allowed
    long = ss.StepSizeClassifier(0.5, stopping="budget", steps=40_000).fit(x, y)
    assert long.stop_ == "interpolating"
    assert np.array_equal(long.predict(x), y)
    last = long.trajectory_
    assert long.warnings_[0].startswith(
        f"every label is fitted (loss {last.loss[-1]:.2g}, sharpness {last.sharpness[-1]:.2g} where the step "
        "size allows 4): no minimum"
    )
    assert 'stopping="cv" stops where held-out' in long.warnings_[0]
    # No stationary point: along (w2, b2) the derivative of the loss is Σ v f ∂ℓ/∂f = -Σ v m s(-m) < 0.
    margins = (2 * y - 1) * long.decision_function(x)
    assert np.sum(margins * expit(-margins)) > 0


def signs(
    gains=(0.2, 0.1),
    shares=(0.5, 0.5),
    budget=(0.8, 0.5),
    spread=(0.05, 0.05),
    diverged=(0, 0, 0, 0),
    chosen=0,
    stop="validated 2",
    trapped=(2, 0),
    overshot=(0, 0, 0, 0),
    stopping="cv",
    sharpness=9.0,
):
    """Say what is wrong with a fit of two step sizes, 1 and 0.1, two stopping times and two folds."""
    times = Table(
        {
            "step_size": np.array([1.0, 1.0, 0.1, 0.1]),
            "time": np.array([50.0, 100.0, 5.0, 10.0]),
            "cv_error": np.array([0.45, budget[0], 0.5, budget[1]]),
            "standard_error": np.array([9.0, spread[0], 9.0, spread[1]]),  # of the budget: the last of each
            "edge_ratio": np.array([1.0, 0.125, 1.0, 0.25]),
            "diverged": np.array(diverged),
            "trapped": np.array([2, trapped[0], 2, trapped[1]]),
            "overshot": np.array(overshot),
            "chosen": np.arange(4) == chosen,
            "stop": np.array([stop] * 4),
        }
    )
    folds = Table(
        {
            "step_size": np.full(2, [1.0, 0.1][chosen // 2]),
            "fold": np.arange(2),
            "share": np.array(shares),
            "cv_error": 0.6 - np.array(gains),
            "base_error": np.full(2, 0.6),
        }
    )
    run = SimpleNamespace(
        loss=np.array([0.7, 0.5]), sharpness=np.array([sharpness, 1.0]), dead_neurons=np.array([1, 2]),
        network=SimpleNamespace(width=9),
    )  # fmt: skip
    return failure_signs(
        SimpleNamespace(
            separable_=None, stop_="validated", stopping=stopping, path_=[1.0, 0.1], times_=times,
            folds_=folds, base_log_loss_=0.6, log_loss_=0.45, step_size_=[1.0, 0.1][chosen // 2], steps=100,
            steps_=50, trajectory_=run, problem_=ss.Problem([0.0, 1.0], [0, 1], "logistic"),
        )
    )  # fmt: skip


def test_a_gain_counts_beyond_two_standard_errors_of_its_mean_over_the_folds():
    # Mean m and standard error e of gains a and b of equal shares: (a + b)/2 and |a - b|/2.
    no_gain = ("cross-validation finds no clear gain over predicting the share of the classes (log-loss 0.45 "
               "against 0.6)")  # fmt: skip
    assert no_gain not in signs(gains=(0.2, 0.1))  # 0.15 against 2 · 0.05
    assert no_gain in signs(gains=(0.2, 0.06))  # 0.13 against 2 · 0.07
    assert no_gain in signs(gains=(-0.1, 0.1))
    assert no_gain.replace("no clear gain over", "the fit worse than") in signs(gains=(-0.1, 0.05))
    # Shares 0.8 and 0.2: m = 0.8 a + 0.2 b and e = 0.4 |a - b|. First 0.1602 against 2 · 0.0796.
    assert no_gain not in signs(gains=(0.2, 0.001), shares=(0.8, 0.2), budget=(0.1, 0.1))
    assert no_gain in signs(gains=(0.2, -0.001), shares=(0.8, 0.2), budget=(0.1, 0.1))  # 2 · 0.0804
    assert no_gain in signs(gains=(0.0, 0.2), shares=(0.8, 0.2))  # 0.04 against 2 · 0.08


def test_a_trap_is_a_budget_worse_than_a_constant_by_more_than_its_standard_error():
    [trap] = [sign for sign in signs() if "worse than a constant" in sign]
    assert trap == (
        "interpolation trap: after all 100 steps 1 of 2 step sizes predict held-out labels worse than a "
        "constant does (log-loss up to 0.8 against 0.6, with every training label fitted and 0.12 of the "
        "sharpness that the step size allows); step size 1 stopped after 50 steps has 0.45"
    )
    assert not [sign for sign in signs(spread=(0.21, 9.0)) if "worse than a constant" in sign]
    [second] = [sign for sign in signs(budget=(0.8, 0.9)) if "worse than a constant" in sign]
    assert second.startswith("interpolation trap: after all 100 steps 2 of 2 step sizes")
    assert "(log-loss up to 0.8 against 0.6, with" in second
    # Not in most folds: 1 of 2 is no trap.
    [worst] = [s for s in signs(budget=(0.8, 0.9), trapped=(1, 1)) if "worse than a constant" in s]
    assert worst.startswith("confidence outruns knowledge: after all 100 steps 2 of 2 step sizes")
    assert "(log-loss up to 0.9 against 0.6); step size" in worst
    assert [s for s in signs(budget=(0.7, 0.99), spread=(0.0, 0.5)) if "up to 0.7 against" in s]


def test_the_ends_of_what_was_tried_and_what_was_lost_are_said():
    assert not [sign for sign in signs() if "training tried" in sign]
    beyond = "training tried was chosen: the error may be smaller beyond it"
    assert f"the most {beyond}" in signs(chosen=1, stop="edge 1, budget 1")
    assert f"the least {beyond}" in signs(chosen=2)
    assert f"the longest {beyond}" in signs(chosen=3, stop="budget 2")
    assert not [sign for sign in signs(chosen=3, stop="edge 2") if "training tried" in sign]
    assert not [s for s in signs(chosen=3, stop="budget 2", stopping="budget") if "training tried" in s]
    assert not [sign for sign in signs(chosen=1, stop="edge 2") if "training tried" in sign]
    said = signs(diverged=(0, 1, 0, 1))
    lost = "step sizes diverged in some fold, the smallest at"
    assert (
        f"2 of 2 {lost} 0.1; these were left out: descent cannot stay where the sharpness "
        "exceeds 2/0.1 = 20, and it was 9 at the start, but grew on the way" in said
    )
    [first] = [sign for sign in signs(diverged=(0, 1, 0, 0)) if "diverged" in sign]
    assert first.startswith(f"1 of 2 {lost} 1; ")
    assert first.endswith("2/1 = 2, and it was 9 at the start")
    assert not [sign for sign in signs() if "diverged" in sign]


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


def test_a_choice_at_the_end_of_the_path_is_said():
    x, y = noisy()
    short = ss.StepSizeClassifier(step_sizes=[1e-4], width=20, steps=200, n_splits=3).fit(x, y)
    assert "the most training tried was chosen: the error may be smaller beyond it" in short.warnings_


def test_divergence_of_a_member_is_recorded_and_said(monkeypatch):
    x, y = noisy(30)
    data = TwoClasses.of(x, 2.0 * y - 1.0, np.ones(30))
    # Unstandardized by hand: inputs that much wider diverge at step sizes that are fine otherwise.
    wide = TwoClasses(1e4 * data.x, data.plus, data.minus, data.inputs)
    path = cross_validate(wide, [7.9, 1e-9], Schedule(30, 400), n_splits=2, stopping_times=[100, 400])
    assert path.table["diverged"][0] > 0
    assert np.isnan(path.table["cv_error"][0])
    assert path.step_size == 1e-9
    monkeypatch.setattr(TwoClasses, "of", lambda *_: wide)
    model = ss.StepSizeClassifier(width=30, steps=400, n_splits=2, step_sizes=[7.9, 1e-9]).fit(x, y)
    said = "1 of 2 step sizes diverged in some fold, the smallest at 7.9; these were left out: "
    assert [sign for sign in model.warnings_ if sign.startswith(said)]
    with pytest.raises(
        InputError, match=r"the fit diverged at step_size 7.9 with steps=400; give a smaller step_size"
    ):
        ss.StepSizeClassifier(7.9, stopping="budget", width=30, steps=400).fit(x, y)


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


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 1), st.integers(1, 3)), min_size=1, max_size=60
    ),
    bins=st.integers(1, 12),
)
def test_calibration_keeps_totals_and_order(rows, bins):
    p, y, w = (np.array(column, float) for column in zip(*rows, strict=True))
    p /= 20.0
    curve = calibration_curve(p, y, w, bins)
    assert len(curve) <= min(bins, np.unique(p).size)
    assert np.all(np.diff(curve["predicted"]) > 0)
    assert curve["rows"].sum() == pytest.approx(w.sum() ** 2 / (w @ w))
    assert curve["rows"] @ curve["observed"] / curve["rows"].sum() == pytest.approx(np.average(y, weights=w))
    assert curve["rows"] @ curve["predicted"] / curve["rows"].sum() == pytest.approx(np.average(p, weights=w))
    assert np.all((curve["low"] <= curve["observed"] + EPS) & (curve["observed"] <= curve["high"] + EPS))
    assert np.all((curve["low"] >= 0) & (curve["high"] <= 1))


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_calibration_does_not_depend_on_the_unit_of_weights(unit):
    p, y, w = np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0, 2.0])
    one, other = calibration_curve(p, y, w), calibration_curve(p, y, unit * w)
    for name in one.columns:
        np.testing.assert_allclose(other[name], one[name], rtol=64 * EPS)


def test_wilson_interval_inverts_the_score_test():
    # Its ends are the probabilities q at which (share - q)² = z² q (1 - q)/n.
    shares, n = np.array([0.0, 0.1, 0.5, 1.0]), np.array([3.0, 40.0, 7.5, 11.0])
    for q in wilson(shares, n):
        np.testing.assert_allclose(
            (shares - q) ** 2, 1.959963984540054**2 * q * (1 - q) / n, rtol=1e-9, atol=1e-15
        )


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        (
            ([0.5], [1.0, 0.0]),
            "probabilities, outcomes and weights must have the same length, at least 1, got 1, 2, 1",
        ),
        (([], []), "must have the same length, at least 1, got 0, 0, 0"),
        (([1.5], [1.0]), r"probabilities and outcomes must lie in \[0, 1\], outcomes at its ends"),
        (([0.5], [0.5]), r"probabilities and outcomes must lie in \[0, 1\], outcomes at its ends"),
        (([0.5], [1.0], [0.0]), "weights must be positive, got a minimum of 0"),
    ],
)
def test_bad_calibration_data_are_refused(given_, sentence):
    with pytest.raises(InputError, match=sentence):
        calibration_curve(*given_)


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
        ([[0.0, 1.0], [1.0, 2.0]], [0, 1], None, r"X must hold one feature.*got shape \(2, 2\); fit one"),
        ([0.0, 1.0], [0, 1, 1], None, "inconsistent numbers of samples"),
    ],
)
def test_bad_data_are_refused(x, y, weights, sentence):
    with pytest.raises(ValueError, match=sentence):
        ss.StepSizeClassifier(0.1, width=5, steps=10).fit(x, y, sample_weight=weights)
