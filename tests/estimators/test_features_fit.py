"""The fit of several columns: held rows in the user's units, predictions, sentences, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from features_cases import hinge, two_classes, wide
from stepscape.errors import InputError
from stepscape.estimators import fit_features

QUICK = {"width": 40, "steps": 300, "n_jobs": 1}


@pytest.fixture(scope="module")
def shattered():
    x, y = wide()
    return fit_features(x, 100.0 * y + 7.0, step_size=0.9, stopping="budget", **QUICK)


def test_held_rows_are_what_their_own_neurons_add_in_units_of_the_labels(shattered):
    # Without the neurons that are active on a row alone its prediction moves by what they add, no other's.
    model, found = shattered.model, shattered.held
    assert found
    holds = model.shattering_.holds
    for one in found:
        place = int(np.flatnonzero(model.first_rows_ == one["row"])[0])
        net = model.prediction_.midpoint
        z = model.units_[0].standardize(shattered.x)
        mine = np.maximum(z @ net.w1.T + net.b1, 0.0)[:, holds == place] @ net.w2[holds == place]
        expected = mine[one["row"]] * model.units_[1].deviation
        assert one["adds"] == pytest.approx(expected, rel=1e-4)  # inputs are rounded to 2⁻²⁰ in training
        np.testing.assert_allclose(np.delete(mine, one["row"]), 0.0, rtol=0, atol=1e-5)
        assert one["label"] == shattered.y[one["row"]]
        assert one["prediction"] == pytest.approx(shattered.predict(shattered.x[[one["row"]]])[0])


def test_rows_outside_are_those_with_a_feature_beyond_its_range():
    x, y = hinge(30)
    fit = fit_features(x, y, x_names=["a", "b", "c"], step_size=0.3, stopping="budget", **QUICK)
    asked = np.array([x[0], x.max(axis=0), x.max(axis=0) + np.array([0.0, 0.1, 0.0])])
    np.testing.assert_array_equal(fit.outside(asked), [False, False, True])
    assert fit.outside_warning(asked).startswith("1 of 3 predictions are for inputs with a feature outside")
    assert fit.outside_warning(x) == ""
    assert repr(fit) == (
        f"FeaturesFit(y against a, b and c: 30 rows, step size 0.3, {fit.model.steps_} steps, "
        f"{len(fit.warnings)} warnings)"
    )


def test_an_outcome_has_probabilities_and_classes():
    x, y = two_classes(40)
    fit = fit_features(
        x, y, loss="logistic", classes=("no", "yes"), step_size=1.0, stopping="budget", **QUICK
    )
    found = fit.predictions(x)
    np.testing.assert_allclose(found["prediction"], fit.model.predict_proba(x)[:, 1])
    assert found["predicted_class"] == ["yes" if p > 0.5 else "no" for p in found["prediction"]]
    assert fit.of == "y = 'yes'"
    assert fit.summary()["class_rows"] == [int((y == 0).sum()), int((y == 1).sum())]


def test_repeated_rows_and_constant_columns_are_said_by_name():
    x, y = hinge(30)
    x = np.column_stack([np.concatenate([x[:20], x[:10]]), np.ones(30)])
    fit = fit_features(x, y, x_names=["a", "b", "c", "unit"], step_size=0.3, stopping="budget", **QUICK)
    assert fit.done[0] == "30 rows were merged into 20 distinct inputs, exactly, through weights"
    assert "the column unit is constant and plays no part" in fit.warnings
    assert not any("column 3" in warning for warning in fit.warnings)


X, Y = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [0.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("x", "y", "more", "sentence"),
    [
        ([0.0, 1.0], [0.0, 1.0], {}, r"x must have shape \(n, d\) with d of at least 2, got \(2,\)"),
        ([[0.0], [1.0]], [0.0, 1.0], {}, r"x must have shape \(n, d\) with d of at least 2, got \(2, 1\)"),
        ([[0.0, np.nan], [1.0, 2.0]], [0.0, 1.0], {}, "x must be finite, got nan in it"),
        (X, [0.0, 1.0], {}, "x and y must have the same length, got 3 and 2"),
        (X, Y, {"x_names": ["a"]}, "x_names must name 2 features, got 1 names"),
        (X, Y, {"loss": "hinge"}, "unknown loss 'hinge'"),
        (X, Y, {"loss": "logistic"}, "y must hold 0 and 1, both of them and nothing else, got 0, 0.5, 1"),
        (X, Y, {"classes": ("a",)}, "classes must be the names of two classes"),
    ],
)
def test_wrong_data_are_refused(x, y, more, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_features(x, y, **more)


def test_predicting_other_columns_is_refused(shattered):
    with pytest.raises(InputError, match=r"x must have shape \(m, 30\), got \(1, 2\)"):
        shattered.predict([[0.0, 1.0]])
