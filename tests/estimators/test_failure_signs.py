"""Signs that a fit of two classes failed are said where they are, and only there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

import stepscape as ss
from fit_cases import noisy
from stepscape.cli.json_documents import stopping_rule
from stepscape.estimators.descent import overshot
from stepscape.estimators.failure_signs import failure_signs
from stepscape.tables.records import Table


def coins(draw: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(60) if draw == "normal" else rng.standard_t(2, 60)
    return x, rng.integers(0, 2, 60)


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
    dead=(1, 2),
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
        loss=np.array([0.7, 0.5]), sharpness=np.array([sharpness, 1.0]), dead_neurons=np.array(dead),
        network=SimpleNamespace(width=9),
    )  # fmt: skip
    return failure_signs(
        SimpleNamespace(
            separable_=None, stop_="validated", stopping=stopping, path_=[1.0, 0.1], times_=times,
            folds_=folds, base_log_loss_=0.6, log_loss_=0.45, step_size_=[1.0, 0.1][chosen // 2], budget_=100,
            steps_=50, trajectory_=run, problem_=ss.Problem([0.0, 1.0], [0, 1], "logistic"),
        )
    )  # fmt: skip


def test_dead_neurons_are_said_where_most_are_dead_and_more_than_twice_as_many_as_before():
    for dead, are_said in (((2, 5), True), ((2, 4), False), ((3, 6), False), ((3, 7), True)):  # of 9
        assert bool([sign for sign in signs(dead=dead) if "active on no input" in sign]) is are_said


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


def test_a_choice_at_the_end_of_the_path_is_said():
    x, y = noisy()
    short = ss.StepSizeClassifier(step_sizes=[1e-4], width=20, steps=200, n_splits=3).fit(x, y)
    assert "the most training tried was chosen: the error may be smaller beyond it" in short.warnings_
