"""The estimators with several features: scale, start, choice, predictions outside the data, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import stepscape as ss
from features_cases import QUICK, hinge, two_classes, wide
from stepscape.errors import InputError
from stepscape.estimators.choice import Path
from stepscape.estimators.descent import Schedule
from stepscape.estimators.prediction import PlanePrediction
from stepscape.estimators.selection import step_size_path
from stepscape.estimators.start import matched_scale, start
from stepscape.problems.user.units import Standardized
from stepscape.training.trajectory import Snapshot

EPS = np.finfo(float).eps


@pytest.fixture(scope="module")
def fitted():
    return ss.StepSizeRegressor(**QUICK).fit(*hinge())


@pytest.fixture(scope="module")
def classified():
    return ss.StepSizeClassifier(**QUICK).fit(*two_classes())


# ---- the start


def gauss_newton(problem, net):
    """Largest eigenvalue of JᵀDJ, J the derivatives of f in (w1, b1, w2, b2), column by column."""
    x, v = problem.points, problem.averaging
    z = x @ net.w1.T + net.b1
    s = z > 0
    inner = (s * net.w2)[:, :, None] * np.concatenate([x, np.ones((len(x), 1))], axis=1)[:, None, :]
    jacobian = np.column_stack([inner.reshape(len(x), -1), np.where(s, z, 0.0), np.ones(len(x))])
    f = net.predict(x)
    curvature = v if problem.loss == "square" else v / (2.0 * np.cosh(f / 2.0)) ** 2
    return float(np.linalg.norm(np.sqrt(curvature)[:, None] * jacobian, 2) ** 2)


@pytest.mark.parametrize(("loss", "flat"), [("square", 1.0), ("logistic", 0.25)])
@pytest.mark.parametrize("step", [0.1, 1.0, 1.5, 1.9])  # times the flattest curvature
def test_a_start_lies_a_tenth_of_the_way_below_the_edge(loss, flat, step):
    x, y = two_classes()
    problem = ss.Problem(x, y, loss)
    eta = step / flat
    scale = matched_scale(problem, 50, 3, eta)
    net = start(problem, 50, 3, scale)
    wanted = flat * (1.0 + 0.9 * (min(2.0 / step, 2.0) - 1.0))
    assert gauss_newton(problem, net) == pytest.approx(wanted, rel=5e-3)
    assert gauss_newton(problem, net) < 2.0 / eta
    assert not net.b1.any()


def test_a_start_that_is_flat_at_scale_1_is_taken_at_scale_1():
    x = np.random.default_rng(0).standard_normal((20, 2))
    assert matched_scale(ss.Problem(1e-9 * x, x[:, 0]), 1, 0, 0.5) == 1.0


def test_all_runs_of_a_path_share_the_start_of_its_largest_step_size(fitted):
    first = fitted.trajectory_
    problem = fitted.problem_
    assert gauss_newton(problem, start(problem, 40, 0, matched_scale(problem, 40, 0, 0.9))) == pytest.approx(
        1.9, rel=5e-3
    )
    assert first.edge_ratio[0] < 1.0
    assert first.time[1] / first.at_steps[1] == pytest.approx(fitted.step_size_)  # no warm-up


@pytest.mark.parametrize("estimator", [ss.StepSizeRegressor, ss.StepSizeClassifier])
def test_no_step_size_of_the_path_kills_neurons(estimator):
    x, y = hinge(80) if estimator is ss.StepSizeRegressor else two_classes(80)
    loss = "square" if estimator is ss.StepSizeRegressor else "logistic"
    for eta in step_size_path(loss, several=True):
        model = estimator(float(eta), stopping="budget", width=60, steps=600).fit(x, y)
        assert 2 * model.trajectory_.dead_neurons[-1] < 60
        assert not [sign for sign in model.warnings_ if "active on no input" in sign]


def test_dead_neurons_are_said():
    x, y = hinge(40)
    model = ss.StepSizeRegressor(0.5, stopping="budget", width=20, steps=60).fit(x, y)
    dead = np.array(model.trajectory_.dead_neurons)
    dead[-1] = 15
    from stepscape.estimators.feature_signs import regression_signs

    model.trajectory_ = replace(model.trajectory_, dead_neurons=dead)
    assert any(sign.startswith("15 of 20 neurons are active on no input") for sign in regression_signs(model))


# ---- what is predicted


def test_predictions_are_those_of_the_midpoint_in_the_users_units(fitted):
    x, y = hinge()
    net = fitted.trajectory_.midpoint
    z = (x - x.mean(axis=0)) / x.std(axis=0) @ net.w1.T + net.b1
    values = np.maximum(z, 0.0) @ net.w2 + net.b2
    np.testing.assert_allclose(fitted.predict(x), y.mean() + y.std() * values, rtol=0, atol=1e-12)


def test_neurons_that_no_example_moves_are_left_out_where_nothing_is_known():
    net = ss.TwoLayerReLU([[1.0, 0.0], [0.0, 1.0]], [0.0, -5.0], [1.0, 7.0], 0.5)
    problem = ss.Problem([[0.0, 0.0], [1.0, 1.0], [2.0, 4.0]], [0.0, 0.0, 0.0])
    predict = PlanePrediction.of(problem, Snapshot(0, 0.0, net, net))
    np.testing.assert_array_equal(predict.kept, [True, False])
    np.testing.assert_array_equal(predict(problem.points), net.predict(problem.points))
    far = np.array([[0.0, 9.0]])
    assert (net.predict(far)[0], predict(far)[0]) == (28.5, 0.5)


def test_held_out_predictions_come_from_folds_that_did_not_see_the_row(fitted):
    # The fold of a row, trained here by hand on the others, predicts what the estimator kept.
    x, y = hinge()
    eta, steps = fitted.step_size_, fitted.steps_
    data = Standardized.of(x, y, np.ones(60))
    [row] = np.flatnonzero(fitted.times_["chosen"])
    assert fitted.times_["steps"][row] == steps
    scale = matched_scale(data.problem(), 40, 0, 0.9)
    from stepscape.estimators.folds import deal

    order = np.lexsort(x.T[::-1])
    for held in deal(data, 3, 0):
        rest = data.part(1 - held).problem()
        method = ss.GradientDescent(eta, steps)
        run = ss.train(rest, start(rest, 40, 0, scale), method, measure_sharpness=False)
        out = order[held > 0]
        z = (x[out] - x.mean(axis=0)) / x.std(axis=0)
        expected = y.mean() + y.std() * run.midpoint.predict(z)
        np.testing.assert_allclose(fitted.out_of_fold_[out], expected, rtol=0, atol=1e-7)


def test_a_large_table_of_equal_rows_is_its_distinct_rows_with_weights():
    x, y = hinge(30)
    counts = np.random.default_rng(1).integers(0, 4, 30)
    weighted = ss.StepSizeRegressor(**QUICK).fit(x, y, sample_weight=counts)
    repeated = ss.StepSizeRegressor(**QUICK).fit(np.repeat(x, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_array_equal(weighted.predict(x), repeated.predict(x))
    np.testing.assert_array_equal(weighted.path_["cv_error"], repeated.path_["cv_error"])
    assert np.isnan(weighted.out_of_fold_[counts == 0]).all()
    assert np.isfinite(weighted.out_of_fold_[counts > 0]).all()


def test_the_order_of_rows_and_the_units_decide_nothing(fitted):
    x, y = hinge()
    other = clone(fitted).fit(x[::-1] * [2.0, 0.3048, 1e150] + [5.0, 7.0, 0.0], 1e-150 * y[::-1])
    np.testing.assert_array_equal(other.trajectory_.loss, fitted.trajectory_.loss)
    np.testing.assert_allclose(
        1e150 * other.predict(x * [2.0, 0.3048, 1e150] + [5.0, 7.0, 0.0]),
        fitted.predict(x),
        rtol=0,
        atol=1e-9,
    )


def test_the_names_of_classes_do_not_count(classified):
    x, y = two_classes()
    turned = clone(classified).fit(x, 1.0 - y)
    np.testing.assert_array_equal(turned.predict_proba(x)[:, 0], classified.predict_proba(x)[:, 1])
    np.testing.assert_allclose(turned.out_of_fold_, 1.0 - classified.out_of_fold_, rtol=0, atol=4 * EPS)


def test_more_features_than_rows_are_trained_along_the_rows_alone():
    # Training moves w1 only along the span of the rows, so that fewer coordinates give the same function.
    x, y = wide()
    data = Standardized.of(x, y, np.ones(len(x)))
    assert data.x.shape == (12, 12)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    order = np.lexsort(x.T[::-1])
    np.testing.assert_allclose(data.x @ data.x.T, z[order] @ z[order].T, rtol=0, atol=1e-12)
    # The run on all 30 coordinates from the same start, turned there.
    turn = data.inputs.turn
    net = start(data.problem(), 30, 0, 0.2)
    method = ss.GradientDescent(0.5, 200)
    few = ss.train(data.problem(), net, method, measure_sharpness=False)
    there = ss.TwoLayerReLU(net.w1 @ turn.T, net.b1, net.w2, net.b2)
    every = ss.train(
        ss.Problem(data.problem().points @ turn.T, data.problem().labels),
        there,
        method,
        measure_sharpness=False,
    )
    np.testing.assert_allclose(every.network.predict(z), few.network.predict(z @ turn), rtol=0, atol=1e-9)


def test_a_constant_column_plays_no_part_and_is_named(fitted):
    x, y = hinge()
    more = pd.DataFrame(np.column_stack([x, np.full(60, 3.0)]), columns=["a", "b", "c", "unit"])
    model = ss.StepSizeRegressor(**QUICK).fit(more, y)
    assert "the column unit is constant and plays no part" in model.warnings_
    moved = more.assign(unit=99.0)
    np.testing.assert_array_equal(model.predict(moved), model.predict(more))
    assert fitted.n_features_in_ == 3


def test_what_is_said_of_wide_and_of_shattered_tables():
    model = ss.StepSizeRegressor(0.9, stopping="budget", width=40, steps=400).fit(*wide())
    assert any(
        s.startswith("there are more features (30) than distinct inputs (12)") for s in model.warnings_
    )
    share = model.shattering_.single_strength
    alone = [s for s in model.warnings_ if "active at one input alone" in s]
    assert bool(alone) is (share > 0.1)
    assert share > 0.1
    for place, row in enumerate(model.first_rows_):
        x = wide()[0]
        np.testing.assert_allclose(
            model.units_[0].standardize(x[[row]])[0],
            Standardized.of(*wide(), np.ones(12)).x[place],
            rtol=0,
            atol=1e-12,
        )


def test_constant_labels_are_their_constant():
    x, _ = hinge(20)
    model = ss.StepSizeRegressor(width=10, steps=60, step_sizes=[0.5], n_splits=2).fit(x, np.full(20, 7.0))
    np.testing.assert_array_equal(model.predict(x), 7.0)
    assert model.warnings_[0].startswith("all labels are equal")
    assert model.path_["cv_error"].tolist() == [0.0]


def test_nothing_gained_is_said():
    rng = np.random.default_rng(0)
    model = ss.StepSizeRegressor(**QUICK).fit(rng.standard_normal((40, 4)), rng.standard_normal(40))
    assert "cross-validation finds no clear gain over predicting the mean" in model.warnings_


def test_the_stopping_time_is_chosen_unless_it_is_asked_otherwise(fitted):
    times = Schedule(40, 400, scale=1.0).stopping_times()
    assert times == [25, 50, 100, 200, 400]
    assert len(fitted.times_) == 2 * len(times)
    assert fitted.steps_ in times
    assert fitted.budget_ == 400
    whole = clone(fitted).set_params(stopping="budget").fit(*hinge())
    assert whole.times_ is None
    assert whole.steps_ >= 200
    errors = fitted.times_.where(chosen=True)["cv_error"]
    assert errors[0] <= whole.path_["cv_error"].min()
    given = ss.StepSizeRegressor(0.3, **{**QUICK, "step_sizes": None}).fit(*hinge())
    assert given.path_["step_size"].tolist() == [0.3]
    assert len(given.times_) == len(times)


def test_one_feature_may_choose_when_to_stop_too():
    x, y = hinge(40)
    model = ss.StepSizeRegressor(stopping="cv", width=20, steps=400, step_sizes=[0.5], n_splits=3).fit(
        x[:, 0], y
    )
    assert model.times_["steps"].tolist() == [100, 200, 400]
    assert model.stop_ in ("validated", "budget", "edge", "stationary")


def test_certificates_hold(fitted, classified):
    for model in (fitted, classified):
        verdicts = {c.verdict for c in model.certificates_.values()}
        assert "holds" in verdicts
        assert "violated" not in verdicts


def test_defaults_of_several_features():
    np.testing.assert_allclose(step_size_path("square", several=True)[[0, -1]], [0.9, 0.03])
    np.testing.assert_allclose(step_size_path("logistic", several=True)[[0, -1]], [3.6, 0.12])
    assert len(step_size_path("square", several=True)) == 4


# ---- refusals


FRAME = pd.DataFrame({"age": [1.0, 2.0, 3.0], "color": ["red", "blue", "red"]})


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (FRAME, r"X must hold numbers, got 'red' in column 'color'; .*OneHotEncoder\(\), \['color'\]\)\]"),
        (
            FRAME.to_numpy(),
            r"got 'red' in column 1; .*OneHotEncoder\(\), \[1\]\)\], remainder='passthrough'\)",
        ),
        (
            np.array([["1", "x"], ["2", "y"], ["3", "z"]]),
            r"got 'x' in column 1; encode categories as numbers",
        ),
        (FRAME.astype({"color": "category"}), "in column 'color'; encode categories as numbers first"),
        ([[[1.0]], [[2.0]], [[3.0]]], "dim 3"),
    ],
)
def test_categories_are_refused_with_the_remedy(x, sentence):
    with pytest.raises(ValueError, match=sentence):
        ss.StepSizeRegressor(0.1, steps=10).fit(x, [0.0, 1.0, 2.0])


def test_the_remedy_works():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.uniform(20, 80, 60), "color": rng.choice(["red", "blue"], 60)})
    y = table["age"] / 10 + 3.0 * (table["color"] == "red")
    encoded = make_column_transformer((OneHotEncoder(), ["color"]), remainder="passthrough")
    model = make_pipeline(encoded, ss.StepSizeRegressor(0.3, steps=800, stopping="budget")).fit(table, y)
    assert model.score(table, y) > 0.9


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ([[0.0, np.nan], [1.0, 2.0]], [0.0, 1.0], "Input X contains NaN"),
        ([[0.0, np.inf], [1.0, 2.0]], [0.0, 1.0], "Input X contains infinity"),
        (
            [[0.0, 1.0], [0.0, 1.0]],
            [0.0, 1.0],
            "at least two distinct inputs .* the same input in all 2 rows",
        ),
        ([[0.0, 1.0]], [0.0], "at least two distinct inputs of positive weight, got n_samples=1"),
        ([[1e300, 1.0], [np.nextafter(1e300, np.inf), 1.0]], [0.0, 1.0], "inputs too close together"),
        ([[0.0, 1.0], [1.0, 2.0]], [0.0, 1e300], "labels must be 0 or have a magnitude"),
    ],
)
def test_bad_tables_are_refused(x, y, sentence):
    with pytest.raises(ValueError, match=sentence):
        ss.StepSizeRegressor(0.1, steps=10).fit(x, y)


def test_other_columns_are_refused_when_predicting(fitted):
    with pytest.raises(ValueError, match="X has 2 features, but StepSizeRegressor is expecting 3"):
        fitted.predict([[0.0, 1.0]])
    with pytest.raises(ValueError, match="Reshape your data"):
        fitted.predict([0.0, 1.0, 2.0])
    x, y = hinge()
    named = ss.StepSizeRegressor(0.3, steps=30, stopping="budget").fit(
        pd.DataFrame(x, columns=list("abc")), y
    )
    with pytest.raises(ValueError, match="feature names should match"):
        named.predict(pd.DataFrame(x, columns=list("abd")))
    tiny = ss.StepSizeRegressor(0.3, steps=30, stopping="budget").fit(1e-150 * x, y)
    with pytest.raises(InputError, match="a prediction so far from the data"):
        tiny.predict([[1e200, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"stopping": "soon"}, "unknown stopping 'soon'"),
        ({"steps": 1}, "steps must be a whole number of at least 2, got 1"),
        ({"step_size": 2.0}, r"step_size must lie in \(0, 2\)"),
        ({"width": 10**9}, "width must fit in memory, got 1000000000"),
    ],
)
def test_bad_parameters_are_named(given_, sentence):
    with pytest.raises(InputError, match=sentence):
        ss.StepSizeRegressor(**given_).fit(*hinge(20))


def test_two_rows_take_the_largest_step_size():
    model = ss.StepSizeRegressor(steps=30, width=10).fit([[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0])
    assert model.step_size_ == pytest.approx(0.9)
    assert model.path_ is None
    assert np.isfinite(model.predict([[0.5, 0.5]])).all()


def test_a_fold_that_held_nothing_out_leaves_nan():
    class Fixed:
        count = 2

        def __iter__(self):
            return iter(np.array([[1, 0, 1], [0, 0, 1]]))

    from stepscape.problems.user.weighted_rows import Rows

    rows = Rows(np.array([0, 1, 2]), np.zeros(3), np.ones(3), np.ones(3, np.int64))
    path = Path(None, None, 0, None, None, (lambda x: x, lambda x: 10.0 * x), Fixed())
    np.testing.assert_array_equal(path.held_out(np.array([1.0, 2.0, 3.0]), rows), [1.0, np.nan, 16.5])
