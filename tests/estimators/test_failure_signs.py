"""Fits of two classes: names of labels change nothing, and signs of instability are said where it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import stepscape as ss
from stepscape.cli.json_documents import stopping_rule
from stepscape.cli.pictures import outcome_picture
from stepscape.estimators import fit_outcome
from stepscape.estimators.descent import overshot
from stepscape.problems.user.units import TwoClasses

# Launches of the space shuttle before 1986: temperature of the joints (F), and whether an O-ring was damaged.
LAUNCHES = np.array(
    [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58], float
)
DAMAGED = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1])
QUICK = {"width": 20, "steps": 400, "n_splits": 3, "step_sizes": [1.0, 0.1]}
MEASURED = ("cv_error", "standard_error", "brier", "time", "edge_ratio", "bent_neurons", "stop")


def coins(draw: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(60) if draw == "normal" else rng.standard_t(2, 60)
    return x, rng.integers(0, 2, 60)


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
    np.testing.assert_array_equal(run.predict(standard), model.decision_function(LAUNCHES))
    held_out = -np.mean(np.log(np.where(y, model.out_of_fold_, 1.0 - model.out_of_fold_)))
    assert held_out == pytest.approx(model.log_loss_)
    curve = model.calibration_
    assert curve["rows"] @ curve["observed"] == pytest.approx(y.sum())
    fit = fit_outcome(LAUNCHES, y, step_size=0.1, **{**QUICK, "step_sizes": None})
    np.testing.assert_allclose(sum(outcome_picture(fit).iterates) / 2, outcome_picture(fit).logit, atol=1e-12)
    low, high = fit.predict([LAUNCHES.min(), LAUNCHES.max()])
    assert (low > high) is not exchanged


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(1, 3)), min_size=2, max_size=30
    ),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
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


def test_a_loss_raised_above_start_and_constant_is_the_work_of_steps_too_large():
    problem = ss.Problem([-1.0, 1.0], [0, 1], "logistic", weights=[3.0, 1.0])
    constant = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    for start in (0.9, 0.1):
        limit = 1.01 * max(start, constant)
        assert overshot(problem, np.array([start, 1.001 * limit, 0.1]))
        assert not overshot(problem, np.array([start, 0.999 * limit, 0.1]))


@pytest.mark.parametrize(("draw", "seed"), [("t2", 0), ("normal", 1), ("t2", 2)])
def test_an_unstable_run_is_said_to_be_one(draw, seed):
    x, y = coins(draw, seed)
    model = ss.StepSizeClassifier(7.9, stopping="budget", steps=3000, width=100).fit(x, y)
    run = model.trajectory_
    [said] = [sign for sign in model.warnings_ if sign.startswith("training was unstable: at step")]
    assert f"training loss was {run.loss.max():.3g}, against {run.loss[0]:.3g} at the start" in said
    # The descent lemma: a step below 2/λ along it lowers the loss; this one did not.
    assert run.loss.max() > run.loss[0]
    assert run.sharpness[0] > 2 / 7.9
    assert f"exceeds 2/7.9 = 0.253, and it was {run.sharpness[0]:.3g} at the start; a smaller" in said
    calm = ss.StepSizeClassifier(0.3, stopping="budget", steps=3000, width=100).fit(x, y)
    assert not [sign for sign in calm.warnings_ if "unstable" in sign or "neurons" in sign]


def test_an_unstable_fold_is_said_where_the_final_run_is_calm():
    x, y = coins("t2", 0)
    model = ss.StepSizeClassifier(step_sizes=[7.9, 0.1], steps=800, width=100, n_splits=3).fit(x, y)
    assert model.step_size_ == 0.1
    thrown = model.times_["overshot"]
    assert thrown[3] > 0
    assert np.all(np.diff(thrown[:4]) >= 0)  # what was once thrown up stays so
    assert not thrown[4:].any()
    [said] = [sign for sign in model.warnings_ if "unstable" in sign]
    assert said.startswith(
        "training was unstable in some fold at 1 of 2 step sizes, the smallest 7.9: its loss"
    )


def test_neurons_that_a_catapult_killed_are_counted():
    x, y = coins("normal", 2)
    model = ss.StepSizeClassifier(7.9, stopping="budget", steps=3000, width=100).fit(x, y)
    run, low, high = model.trajectory_, model.problem_.inputs.min(), model.problem_.inputs.max()
    net = run.network
    dead = int(np.sum(np.maximum(net.w1 * low + net.b1, net.w1 * high + net.b1) <= 0.0))
    assert dead > 50
    [said] = [sign for sign in model.warnings_ if "active on no input" in sign]
    assert said.startswith(
        f"{dead} of 100 neurons are active on no input ({run.dead_neurons[0]} at the start)"
    )
    assert "exceeds 2/7.9 = 0.253" in said


def test_a_healthy_fit_shows_no_sign_of_instability():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2.0, 3.0, 60)
    y = (rng.uniform(size=60) < expit(2.0 * x)).astype(int)
    model = ss.StepSizeClassifier(steps=800, width=60, n_splits=3, step_sizes=[6.0, 1.0, 0.05]).fit(x, y)
    assert not [sign for sign in model.warnings_ if "unstable" in sign or "active on no" in sign]
    assert not model.times_["overshot"].any()


def test_labels_fitted_at_the_edge_are_no_trap():
    # Every fitted label is not enough: in the trap the curvature is gone, that is λ η/2 is small as well.
    x, y = np.linspace(0.0, 1.0, 12), np.arange(12) % 2
    long = {"step_sizes": [0.5], "n_splits": 3}
    sharp, flat = (ss.StepSizeClassifier(steps=steps, **long).fit(x, y) for steps in (1500, 40_000))
    assert str(sharp.path_["budget_stop"][0]) == "interpolating 3" == str(flat.path_["budget_stop"][0])
    assert sharp.times_["edge_ratio"][-1] > 0.5 > flat.times_["edge_ratio"][-1]
    assert (sharp.times_["trapped"][-1], flat.times_["trapped"][-1]) == (0, 3)
    assert any(sign.startswith("confidence outruns knowledge") for sign in sharp.warnings_)
    assert any(sign.startswith("interpolation trap") for sign in flat.warnings_)


def test_the_rule_that_ends_runs_names_moments_of_the_budget_and_what_was_chosen():
    tried = {
        "loss": "logistic",
        "stopping": "cv",
        "budget": 10_000,
        "times": [{"steps": 156}, {"steps": 5000}],
    }
    both, given = (stopping_rule(tried | {"path": [{}] * count}) for count in (12, 1))
    said = "every fold is measured at several moments, from step 156 to step 10000 or until its loss"
    assert both.startswith(said)
    assert both.endswith("which of them is used together with the step size")
    assert given == both.removesuffix(" together with the step size")
