"""The fit of a table: what it says about itself, its figures, its refusals."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.estimators import fit_table
from stepscape.figures.fit import figures, path_figure
from stepscape.figures.fit_pictures import fit_picture
from stepscape.figures.output import svg
from stepscape.measures.knots import visible_knots
from stepscape.network import TwoLayerReLU
from stepscape.problems.user.example import load_example

QUICK = {"width": 60, "steps": 3000}


@pytest.fixture(scope="module")
def motorcycle():
    table = load_example()
    settings = {**QUICK, "step_sizes": [0.8, 0.2, 0.05], "n_splits": 3}
    return fit_table(table.x, table.y, x_name="times", y_name="a$b$<c>", **settings)


@pytest.fixture(scope="module")
def given_step():
    table = load_example()
    return fit_table(table.x, table.y, step_size=0.2, seed=3, **QUICK)


def test_predicts_in_the_users_units(motorcycle):
    table = load_example()
    assert np.mean(motorcycle.residuals**2) < 0.4 * table.y.var()
    np.testing.assert_array_equal(motorcycle.residuals, table.y - motorcycle.predict(table.x))
    line = motorcycle.predict([100.0, 200.0, 300.0])  # outside the data the fit is a line
    assert line[2] - line[1] == pytest.approx(line[1] - line[0], rel=1e-9)


def test_outside_is_named(motorcycle):
    np.testing.assert_array_equal(motorcycle.outside([2.3, 2.4, 30.0, 57.6, 57.7]), [1, 0, 0, 0, 1])
    assert motorcycle.outside_warning([10.0]) == ""
    assert "1 of 2 predictions lie outside the data (times from 2.4 to 57.6)" in motorcycle.outside_warning(
        [10.0, 99.0]
    )


def test_summary_is_json_with_every_fold(motorcycle):
    summary = json.loads(json.dumps(motorcycle.summary(), allow_nan=False))
    assert summary["rows"] == 133
    assert summary["distinct_inputs"] == summary["trained_inputs"] == 94
    assert len(summary["path"]) == 3
    assert len(summary["folds"]) == 9
    assert {"stop", "time", "edge_ratio", "steps"} <= set(summary["folds"][0])
    assert summary["certificates"]["sharpness_loss"]["verdict"] == "holds"
    assert summary["certificates"]["noisy"]["right"] is None  # not a number has no place in JSON
    assert "(times - 25.1789)/13.0826" in summary["units"]
    assert "+ 25.5459)/48.14" in summary["units"]
    assert not summary["interpolation"]["possible"]  # times repeat with other accelerations


def test_says_what_was_done(motorcycle, given_step):
    said = " ".join(motorcycle.done)
    assert "133 rows were merged into 94 distinct times, exactly" in said
    assert "chosen by 3-fold cross-validation among 3 (rule min)" in said
    assert not any("cross-validation" in sentence for sentence in given_step.done)
    assert given_step.path is None
    assert given_step.folds is None
    assert given_step.step_size == 0.2
    assert "133 rows, step size 0.2" in repr(given_step)


def test_seed_decides(given_step):
    table = load_example()
    same = fit_table(table.x, table.y, step_size=0.2, seed=3, **QUICK)
    other = fit_table(table.x, table.y, step_size=0.2, seed=4, **QUICK)
    np.testing.assert_array_equal(same.fitted, given_step.fitted)
    assert np.abs(other.fitted - given_step.fitted).max() > 1e-3


def warnings_of(x, y, **settings):
    return " ".join(fit_table(x, y, **{"width": 20, "steps": 100, **settings}).warnings)


def test_warns_where_two_inputs_end_above_the_edge_or_without_neurons():
    x = np.repeat([0.0, 1.0], 20)
    y = np.sin(x) + 0.5 * np.random.default_rng(0).standard_normal(40)
    above = warnings_of(x, y, step_size=0.1, seed=1, width=30, steps=400)
    assert "all of its 400 steps and ended above the edge (edge ratio" in above
    assert "smoothed" not in above
    dead = fit_table(x, y, step_size=1.0, seed=0, steps=100)  # 40 of 40 seeds end so, on any machine
    assert np.ptp(dead.predict(np.linspace(-1, 2, 9))) == 0
    assert "all 200 neurons are active on no input" in " ".join(dead.warnings)
    assert "almost a line" not in " ".join(dead.warnings)


def test_warns_of_what_a_reader_must_know(monkeypatch):
    rng = np.random.default_rng(0)
    x, noise = rng.uniform(size=60), rng.standard_normal(60)
    path = {"step_sizes": [0.5, 0.2, 0.1], "n_splits": 2}
    assert "used all of its 100 steps" in warnings_of(x, x, step_size=0.01)
    assert "stopping early smoothed" in warnings_of(x, x, step_size=0.01)
    assert "no clear gain over predicting the mean" in warnings_of(x, noise, **path)
    assert "the chosen step size is the smallest of the path" in warnings_of(
        x, x, step_sizes=[1e-9, 0.2][::-1]
    ) or "largest of the path" in warnings_of(x, x, step_sizes=[1e-9, 0.2])
    assert "only 0 neurons bend inside the data" in warnings_of(
        [0.0, 1.0], [0.0, 1.0], step_size=0.1, width=1
    )
    assert "all labels are equal (0.1): there is no shape" in warnings_of(x, 0 * x + 0.1, step_size=0.1)
    assert "equal" not in warnings_of(x, 1e-9 * x, step_size=0.1)
    monkeypatch.setattr("stepscape.problems.user.units.MOST_INPUTS", 30)
    assert "the data were binned" in warnings_of(x, x, step_size=0.1)
    monkeypatch.setattr("stepscape.estimators.start.SCALE", 20.0)
    assert "diverged in some fold" in warnings_of(x, noise, step_sizes=[1.9, 1e-4], steps=4, n_splits=2)


def test_figures_draw_hostile_names(motorcycle, given_step):
    drawn = figures(fit_picture(motorcycle))
    assert list(drawn) == ["fit", "path"]
    for figure in drawn.values():
        text = svg(figure)
        assert text.startswith("<svg")
        assert "<c>" not in text
    assert list(figures(fit_picture(given_step))) == ["fit"]
    with pytest.raises(ValueError, match="needs a fit whose step size was chosen along a path"):
        path_figure(fit_picture(given_step))


def test_picture_is_the_fit(motorcycle):
    picture = fit_picture(motorcycle)
    np.testing.assert_array_equal(picture.curve, motorcycle.predict(picture.grid))
    np.testing.assert_allclose(picture.knot_values, motorcycle.predict(picture.knots))
    assert np.all((picture.knots > 2.4) & (picture.knots < 57.6))


def test_visible_knots_of_a_known_function():
    # f = ½|x| + ½|x - 0.25| + 0.001·max(x - 0.5, 0): two kinks, the tiny one does not count.
    w1, b1 = [1.0, -1.0, 1.0, -1.0, 1.0], [0.0, 0.0, -0.25, 0.25, -0.5]
    net = TwoLayerReLU(w1, b1, [0.5, 0.5, 0.5, 0.5, 0.001])
    at, jumps = visible_knots(net, -1.0, 1.0)
    np.testing.assert_allclose(at, [0.0, 0.25], rtol=0, atol=1e-15)
    np.testing.assert_allclose(jumps, [1.0, 1.0])
    empty, none = visible_knots(net, 5.0, 6.0)
    assert empty.size == none.size == 0


@pytest.mark.parametrize("y", [np.zeros(30), np.full(30, 3e149), np.abs(np.linspace(-1e149, 2e149, 30))])
def test_extreme_labels_leave_nothing_infinite(y):
    fit = fit_table(np.linspace(0.0, 1.0, 30), y, step_sizes=[0.1, 0.02], n_splits=2, width=60, steps=4000)
    summary = fit.summary()
    assert math.isfinite(summary["rmse"])
    assert all(math.isfinite(row["cv_error"]) for row in summary["path"])
    assert np.isfinite(fit.fitted).all()


@pytest.mark.parametrize("steps", [4, 400])
def test_constant_labels_are_fitted_however_short_the_warm_up(steps):
    fit = fit_table(np.linspace(0.0, 1.0, 30), np.full(30, 7.0), step_sizes=[1.9, 0.2], steps=steps)
    np.testing.assert_allclose(fit.fitted, 7.0, rtol=1e-15)
    assert [(row["cv_error"], row["diverged"]) for row in fit.summary()["path"]] == [(0.0, 0), (0.0, 0)]
    said = "all labels are equal (7): there is no shape to fit, and the fit is that constant"
    assert fit.warnings == (said,)
    assert len(fit_picture(fit).knots) == 0


def test_a_fold_that_diverges_at_every_step_size_is_one_sentence():
    noise = np.random.default_rng(0).standard_normal(30)
    said = "every step size of the path diverged in some fold; give smaller step_sizes or more steps"
    with pytest.raises(InputError, match=said):
        fit_table(np.linspace(0.0, 1.0, 30), noise, step_sizes=[1.9, 1.5], steps=4, n_splits=2)


def test_survives_pickling(given_step):
    again = pickle.loads(pickle.dumps(given_step))
    np.testing.assert_array_equal(again.predict(given_step.x), given_step.fitted)


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ([1.0, 2.0], [1.0], "x and y must have the same length, got 2 and 1"),
        ([1.0, np.inf], [1.0, 2.0], "x must be finite, got inf at index 1"),
        ([1.0, 2.0], [1.0, np.nan], "y must be finite, got nan at index 1"),
        (["a", "b"], [1.0, 2.0], "x must hold real numbers"),
        ([1.0, 2.0], [1j, 2.0], "y must hold real numbers"),
        ([[1.0, 2.0]], [1.0, 2.0], r"x must have shape \(n,\)"),
        ([2.0, 2.0], [1.0, 2.0], "at least two distinct inputs"),
    ],
)
def test_bad_tables_are_refused(x, y, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_table(x, y, step_size=0.1, **QUICK)


def test_the_figure_marks_as_many_bends_as_the_summary_counts(motorcycle):
    measures, picture = motorcycle.summary()["measures"], fit_picture(motorcycle)
    assert measures["pieces"] == picture.pieces == len(picture.knots) + 1
    assert np.all(np.diff(picture.knots) > 0)
    title = figures(picture)["fit"].get_suptitle()
    assert title.startswith(f"{measures['pieces']} straight pieces fit ")
