"""The run on all data keeps what its folds promised, or another step size is taken."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import stepscape as ss
from fit_cases import noisy, wiggle
from stepscape.errors import InputError
from stepscape.estimators import fit_outcome, fit_table, step_size_estimator
from stepscape.estimators.descent import Schedule
from stepscape.estimators.selection import cross_validate
from stepscape.problems.user.units import Standardized

PATH = {"width": 30, "steps": 600, "step_sizes": [0.8, 0.3, 0.1], "n_splits": 3}


@pytest.fixture(scope="module")
def validated():
    x, y = wiggle(30)
    data = Standardized.of(x, y, np.ones(30))
    return data, cross_validate(data, PATH["step_sizes"], Schedule(30, 600), 3)


def test_a_dead_network_is_not_as_good_as_live_folds(validated):
    data, found = validated
    path = next(found.paths("min"))
    live = path.predictions[0]
    dead = ss.TwoLayerReLU(0.0 * live.network.w1, live.network.b1, 0.0 * live.network.w2, 0.0)
    assert step_size_estimator._as_good(data, live, path)
    assert not step_size_estimator._as_good(data, replace(live, network=dead, network_before=dead), path)


def test_every_step_size_is_offered_once_the_best_first(validated):
    _, found = validated
    offered = [path.step_size for path in found.paths("min")]
    assert sorted(offered) == sorted(PATH["step_sizes"])
    errors = {row["step_size"]: row["cv_error"] for row in found.rows}
    spread = max(row["standard_error"] for row in found.rows)
    for one, next_one in pairwise(offered):
        assert errors[one] <= errors[next_one] + 0.1 * spread
    for path in found.paths("1se"):
        assert path.table["step_size"][path.table["chosen"]].tolist() == [path.step_size]


@pytest.mark.parametrize("broken", [1, 2])
def test_a_broken_promise_passes_the_choice_on_and_is_said(monkeypatch, broken):
    x, y = wiggle(30)
    monkeypatch.setattr(step_size_estimator, "_as_good", lambda *_: True)
    usual = fit_table(x, y, **PATH)
    answers = iter([False] * broken + [True])
    monkeypatch.setattr(step_size_estimator, "_as_good", lambda *_: next(answers))
    fit = fit_table(x, y, **PATH)
    passed = fit.regressor.passed_over_
    assert len(passed) == broken
    assert passed[0] == usual.step_size != fit.step_size
    assert fit.summary()["passed_over"] == list(passed)
    many = "step size" if broken == 1 else "step sizes"
    said = f"step size {fit.step_size:.3g} was taken because at the {many} {passed[0]:.3g}"
    assert any(warning.startswith(said) for warning in fit.warnings)


def test_where_all_break_their_promise_the_first_choice_stands(monkeypatch):
    x, y = wiggle(30)
    monkeypatch.setattr(step_size_estimator, "_as_good", lambda *_: True)
    usual = fit_table(x, y, **PATH)
    monkeypatch.setattr(step_size_estimator, "_as_good", lambda *_: False)
    fit = fit_table(x, y, **PATH)
    assert fit.step_size == usual.step_size
    assert set(fit.regressor.passed_over_) == set(PATH["step_sizes"]) - {usual.step_size}
    np.testing.assert_array_equal(fit.fitted, usual.fitted)


def test_the_classifier_keeps_its_promise_too(monkeypatch):
    x, y = noisy(40)
    answers = iter([False, True])
    monkeypatch.setattr(step_size_estimator, "_as_good", lambda *_: next(answers))
    fit = fit_outcome(x, y, width=30, steps=400, step_sizes=[2.0, 0.5], n_splits=3)
    assert len(fit.classifier.passed_over_) == 1
    assert any("chosen before the run on all data ended far worse" in warning for warning in fit.warnings)


def test_without_folds_the_largest_step_size_that_does_not_diverge_is_taken(monkeypatch):
    monkeypatch.setattr("stepscape.estimators.start.SCALE", 100.0)
    given_ = {"width": 50, "steps": 4}
    fit = fit_table([0.0, 1.0], [0.0, 1.0], step_sizes=[1.9, 1e-6], **given_)
    assert fit.step_size == 1e-6
    with pytest.raises(InputError, match=r"diverged at step_size 1.9 with steps=4; give a smaller step_size"):
        fit_table([0.0, 1.0], [0.0, 1.0], step_sizes=[1.9], **given_)
