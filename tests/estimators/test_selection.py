"""Cross-validation along the path: folds, their errors, the choice, members that diverge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import log_loss

import stepscape as ss
from fit_cases import noisy, wiggle
from stepscape.errors import InputError
from stepscape.estimators.choice import choose
from stepscape.estimators.descent import Schedule, descend
from stepscape.estimators.folds import fold_of
from stepscape.estimators.prediction import Prediction
from stepscape.estimators.selection import cross_validate, step_size_path
from stepscape.problems.user.units import Standardized, TwoClasses


@given(
    errors=st.lists(st.floats(0.1, 10.0) | st.just(float("nan")), min_size=1, max_size=12),
    spread=st.floats(0.0, 3.0),
)
@example(errors=[1.5625, 1.4375, 1.0], spread=0.5)
@example(errors=[1.125, 1.0625, 1.0], spread=1.0)
def test_the_largest_step_size_wins_a_tie(errors, spread):
    # Ties are errors within a tenth of a standard error of the smallest; within one by the rule "1se".
    values = np.array(errors)
    for rule, ties in (("min", 0.1 * spread), ("1se", spread)):
        if np.all(np.isnan(values)):
            with pytest.raises(InputError, match="every step size of the path diverged"):
                choose(values, np.full(values.size, spread), rule)
            continue
        chosen = choose(values, np.full(values.size, spread), rule)
        least = np.nanmin(values)
        assert values[chosen] <= (least + ties) * (1.0 + 1e-9)
        assert not np.any(values[:chosen] <= least + ties)  # step sizes decrease along the path


def test_without_a_spread_the_smallest_error_wins_but_for_its_last_bits():
    errors, none = np.array([0.2, 0.1 + 1e-12, 0.1, 0.3]), np.zeros(4)
    assert choose(errors, none, "min") == 1
    assert choose(errors, none, "1se") == 1
    assert choose(errors[::-1], none, "min") == 1


@given(distinct=st.integers(2, 80), splits=st.integers(2, 12), seed=st.integers(0, 99))
def test_folds_are_even(distinct, splits, seed):
    sizes = np.bincount(fold_of(distinct, splits, seed))
    assert sizes.size == min(splits, distinct)
    assert sizes.max() - sizes.min() <= 1


def test_out_of_fold_error_is_that_of_a_fit_without_the_fold():
    x, y = wiggle(24)
    data = Standardized.of(x, y, np.ones(24))
    schedule = Schedule(20, 300, seed=4)
    path = next(cross_validate(data, [0.2], schedule, n_splits=3, workers=1).paths("min"))
    out = fold_of(24, 3, 4) == 1
    rest = data.part(np.where(out, 0, 1))
    predict = Prediction.of(rest, rest.problem(), descend(rest.problem(), 0.2, schedule).trajectory)
    expected = np.mean((predict(data.x[out]) - data.y[out]) ** 2)
    assert path.members["cv_error"][1] == pytest.approx(expected, rel=1e-12)


def test_divergence_of_a_member_is_recorded():
    x, y = wiggle(30)
    data = Standardized.of(x, y, np.ones(30))
    # Unstandardized by hand: inputs ten times wider diverge at step sizes that are fine otherwise.
    wide = replace(data, x=10.0 * data.x)
    path = next(cross_validate(wide, [1.5, 1e-5], Schedule(30, 200), n_splits=2).paths("min"))
    assert path.table["diverged"][0] > 0
    assert np.isnan(path.table["cv_error"][0])
    assert path.step_size == 1e-5


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
    found = cross_validate(data, [0.9, 0.2], schedule, n_splits=3, workers=1, stopping_times=times)
    path = next(found.paths("min"))
    folds = fold_of(30, 3, 4, data.strata)
    for eta in (0.9, 0.2):
        for steps in times:
            logits, ends = np.empty(30), []
            for fold in range(3):
                out = folds == fold
                rest = data.part(np.where(out, 0, 1))
                problem = rest.problem()
                net = ss.TwoLayerReLU.random(20, 1.0, "mean_field", 4)
                run = ss.train(problem, net, ss.GradientDescent(eta, steps, warmup_steps=100))
                logits[out] = Prediction.of(rest, problem, run)(data.x[out])
                ends.append(run.time[-1])
            row = path.times.where(step_size=eta, steps=steps)
            assert row["cv_error"] == pytest.approx(log_loss(data.plus > 0, expit(logits)), rel=1e-9)
            assert row["time"] == pytest.approx(np.median(ends), rel=1e-12)


@pytest.mark.parametrize(("loss", "largest", "count"), [("square", 1.5, 14), ("logistic", 6.0, 12)])
def test_a_path_is_logarithmic_between_its_ends(loss, largest, count):
    path = step_size_path(loss)
    assert (path.size, path[0], path[-1]) == (count, largest, 0.003)
    np.testing.assert_allclose(path[1:] / path[:-1], (0.003 / largest) ** (1 / (count - 1)), rtol=1e-12)


def test_the_path_ends_below_eight():
    # Of the output bias alone: L'' = Σ v s(f)(1 - s(f)) ≤ 1/4, attained at f = 0, so that 2/L'' ≥ 8.
    assert max(step_size_path("logistic")) == 6.0
    problem = TwoClasses.of(np.arange(4.0), np.array([-1.0, 1.0, -1.0, 1.0]), np.ones(4)).problem()
    bias = ss.TwoLayerReLU([0.0], [-1.0], [0.0], 0.3, trainable=("b2",))
    assert ss.sharpness(problem, bias).value < 0.25
    for eta, ends in ((7.9, True), (8.1, False)):  # near f = 0: 2/η on either side of 1/4
        run = ss.train(problem, bias, ss.GradientDescent(eta, 4000), record_every=500)
        assert (abs(run.network.b2) < 1e-6) is ends


def test_divergence_of_a_member_is_recorded_and_said(monkeypatch):
    x, y = noisy(30)
    data = TwoClasses.of(x, 2.0 * y - 1.0, np.ones(30))
    # Unstandardized by hand: inputs that much wider diverge at step sizes that are fine otherwise.
    wide = replace(data, x=1e4 * data.x)
    found = cross_validate(wide, [7.9, 1e-9], Schedule(30, 400), n_splits=2, stopping_times=[100, 400])
    path = next(found.paths("min"))
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
