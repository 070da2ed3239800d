"""Fits of two classes: the names of the labels change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from stepscape.estimators import fit_outcome
from stepscape.figures.fit_pictures import outcome_picture
from stepscape.problems.user.units import TwoClasses

# Launches of the space shuttle before 1986: temperature of the joints (F), and whether an O-ring was damaged.
LAUNCHES = np.array(
    [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58], float
)
DAMAGED = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1])
QUICK = {"width": 20, "steps": 400, "n_splits": 3, "step_sizes": [1.0, 0.1]}
MEASURED = ("cv_error", "standard_error", "brier", "time", "edge_ratio", "bent_neurons", "stop")


@pytest.fixture(scope="module")
def plain():
    return ss.StepSizeClassifier(**QUICK).fit(LAUNCHES, DAMAGED)


@pytest.mark.parametrize("names", [("damaged", "intact"), ("worn", "intact")])
def test_names_of_the_labels_do_not_matter(plain, names):
    # L(-f, -y) = L(f, y): exchanging the names exchanges the probabilities, and nothing else.
    named = ss.StepSizeClassifier(**QUICK).fit(LAUNCHES, np.where(DAMAGED, *names))
    at = np.linspace(40.0, 90.0, 101)
    worn = named.classes_.tolist().index(names[0])
    np.testing.assert_array_equal(named.predict_proba(at)[:, worn], plain.predict_proba(at)[:, 1])
    np.testing.assert_array_equal(named.predict_log_proba(at)[:, worn], plain.predict_log_proba(at)[:, 1])
    of_worn = named.out_of_fold_ if worn else 1.0 - named.out_of_fold_
    np.testing.assert_allclose(of_worn, plain.out_of_fold_, rtol=0, atol=np.finfo(float).eps)
    for name in MEASURED:
        np.testing.assert_array_equal(named.times_[name], plain.times_[name])
    for name in (
        "step_size_",
        "steps_",
        "log_loss_",
        "brier_",
        "base_log_loss_",
        "edge_ratio_",
        "uncertain_",
    ):
        assert getattr(named, name) == getattr(plain, name)
    assert named.warnings_ == plain.warnings_


@pytest.mark.parametrize("exchanged", [False, True])
def test_what_a_fit_leaves_behind_is_about_the_second_class(exchanged):
    y = 1 - DAMAGED if exchanged else DAMAGED
    model = ss.StepSizeClassifier(**QUICK).fit(LAUNCHES, y)
    problem, run = model.problem_, model.trajectory_
    assert problem.averaging @ problem.labels == pytest.approx(2.0 * y.mean() - 1.0)
    assert problem.training_loss(run.network.predict(problem.inputs)) == pytest.approx(run.loss[-1])
    standard = model.units_[0].standardize(LAUNCHES)
    np.testing.assert_array_equal(run.midpoint.predict(standard), model.decision_function(LAUNCHES))
    held_out = -np.mean(np.log(np.where(y, model.out_of_fold_, 1.0 - model.out_of_fold_)))
    assert held_out == pytest.approx(model.log_loss_)
    curve = model.calibration_
    assert curve["rows"] @ curve["observed"] == pytest.approx(y.sum())
    fit = fit_outcome(LAUNCHES, y, step_size=0.1, **{**QUICK, "step_sizes": None})
    picture = outcome_picture(fit)
    np.testing.assert_array_equal(picture.logit, fit.classifier.decision_function(picture.grid))
    low, high = fit.predict([LAUNCHES.min(), LAUNCHES.max()])
    assert (low > high) is not exchanged


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(1, 3)), min_size=2, max_size=30
    ),
    seed=st.integers(0, 99),
)
def test_exactly_one_of_two_names_is_turned_whatever_the_order_of_rows(rows, seed):
    x, y, w = (np.array(column, float) for column in zip(*rows, strict=True))
    if np.unique(x).size < 2:
        return
    data, other = (TwoClasses.of(x, sign * (2.0 * y - 1.0), w / 10.0) for sign in (1.0, -1.0))
    net = [np.sum(w[x == at] * (2.0 * y[x == at] - 1.0)) for at in np.unique(x)]
    expected = not data.needs_mirror if any(net) else False
    assert other.needs_mirror is expected
    assert any(net) or not data.needs_mirror
    order = np.random.default_rng(seed).permutation(x.size)
    assert TwoClasses.of(x[order], 2.0 * y[order] - 1.0, w[order] / 10.0).needs_mirror is data.needs_mirror
    assert TwoClasses.of(np.exp(x), 2.0 * y - 1.0, w).needs_mirror is data.needs_mirror
    again = data.swap_labels()
    np.testing.assert_array_equal((again.plus, again.minus), (other.plus, other.minus))
