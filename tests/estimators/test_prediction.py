"""Outside its training inputs every fit continues its last inner piece as a straight line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from fit_cases import noisy, wiggle
from stepscape.estimators import fit_outcome, fit_table
from stepscape.estimators.descent import Schedule, descend
from stepscape.estimators.folds import fold_of
from stepscape.estimators.prediction import Prediction, end_slopes
from stepscape.estimators.selection import cross_validate
from stepscape.figures.fit_pictures import fit_picture, outcome_picture
from stepscape.problems.user.units import Standardized, TwoClasses

EPS = np.finfo(float).eps
QUICK = {"width": 60, "steps": 1500}


def continue_straight(network, hull, x):
    """The function under test, of one network."""
    return Prediction(network, network, hull, hull)(x)


def slope_inside(network, low, high):
    """Slopes of the first and the last piece, by differences between the outermost knots and the ends."""
    inner = [low, *network.knots[(network.knots > low) & (network.knots < high)], high]
    (a, b), (c, d) = inner[:2], inner[-2:]
    f = network.predict
    return (f(b) - f(a)) / (b - a), (f(d) - f(c)) / (d - c)


@given(st.integers(0, 10**6), st.integers(1, 40))
@examples(1 / 2)
def test_a_network_continues_its_last_inner_pieces(seed, width):
    net = ss.TwoLayerReLU.random(width, scale=3.0, init="mean_field", seed=seed)
    low, high = np.sort(np.random.default_rng(seed).uniform(-1.5, 1.5, 2))
    beyond = np.array([low - 9.0, low - 5.0, low - 1.0, low, high, high + 1.0, high + 5.0, high + 9.0])
    inside = np.linspace(low, high, 30)
    scale = np.abs(net.w2) @ (np.abs(net.w1) * 11.0 + np.abs(net.b1))
    np.testing.assert_array_equal(continue_straight(net, (low, high), inside), net.predict(inside))
    values = continue_straight(net, (low, high), beyond)
    for sides in (slice(0, 4), slice(4, 8)):
        slopes = np.diff(values[sides]) / np.diff(beyond[sides])
        np.testing.assert_allclose(slopes, slopes[0], rtol=0, atol=64 * EPS * scale)
    gaps = np.diff([low, *net.knots[(net.knots > low) & (net.knots < high)], high])
    if gaps.min() > 1e-3:  # so that differences tell the slope
        expected = slope_inside(net, low, high)
        np.testing.assert_allclose(end_slopes(net, low, high), expected, rtol=0, atol=1e-11 * scale)


@pytest.mark.parametrize("shift", [0.0, 1e-12, -1e-12, 1e-16])
def test_a_knot_on_an_end_belongs_to_the_outside(shift):
    # f = |x| over [-1, 1], beside neurons of both directions whose knots lie on the ends, or nearly there.
    ends = np.array([1.0, 1.0, -1.0, -1.0]) + shift
    w1 = np.array([7.0, -5.0, 3.0, -9.0])
    net = ss.TwoLayerReLU([1.0, -1.0, *w1], [0.0, 0.0, *-w1 * ends], [1.0, 1.0, 1.0, 2.0, 1.0, 1.0])
    left, right = end_slopes(net, -1.0, 1.0)
    # Just inside, -5 and 3 are active at both ends: slope ∓1 or ±1 and their products with w2.
    assert left == -1.0 - 10.0 + 3.0
    assert right == 1.0 - 10.0 + 3.0
    values = continue_straight(net, (-1.0, 1.0), np.array([-3.0, -1.0, 1.0, 3.0]))
    np.testing.assert_allclose(values[[0, 3]], [values[1] + 2.0 * 8.0, values[2] - 2.0 * 6.0], atol=1e-9)


def test_one_input_is_continued_as_a_constant():
    net = ss.TwoLayerReLU([1.0, -1.0], [0.5, 0.0], [1.0, 3.0])
    np.testing.assert_array_equal(continue_straight(net, (0.25, 0.25), np.array([-9.0, 0.25, 9.0])), 0.75)


def straight_beyond(predict, low, high):
    """Assert second differences of 0 on both sides; return the slopes there."""
    width = high - low
    slopes = []
    for points in (low - width * np.arange(1.0, 6.0), high + width * np.arange(1.0, 6.0)):
        values = predict(points)
        assert np.abs(np.diff(values, 2)).max() <= 1e-12 * np.abs(values).max()
        slopes.append((values[1] - values[0]) / (points[1] - points[0]))
    return slopes


@pytest.mark.parametrize("step_size", [0.5, 0.05])
def test_the_regressor_is_straight_outside_with_the_slope_of_its_last_pieces(step_size):
    x, y = wiggle(30)
    x, y = 100.0 + 7.0 * x, 50.0 * y - 3.0
    fit = fit_table(x, y, step_size=step_size, **QUICK)
    slopes = straight_beyond(fit.predict, x.min(), x.max())
    run, (a, b) = fit.regressor.trajectory_, fit.regressor.units_
    inside = slope_inside(run.midpoint, *fit.regressor.problem_.line.hull)
    expected = np.array(inside) * b.deviation / a.deviation
    np.testing.assert_allclose(slopes, expected, rtol=1e-6)
    far = np.array([x.min() - 50.0, x.max() + 50.0])
    assert (
        np.abs(fit.predict(far) - b.restore(run.midpoint.predict(a.standardize(far)))).min() > 1e-3
    )  # knots lie there
    picture = fit_picture(fit)
    np.testing.assert_array_equal(picture.curve, fit.predict(picture.grid))


def test_the_logit_is_straight_outside():
    x, y = noisy(40)
    fit = fit_outcome(x, y, step_size=0.5, **QUICK)
    slopes = straight_beyond(fit.classifier.decision_function, x.min(), x.max())
    knots = fit.classifier.trajectory_.midpoint.knots
    assert np.any(np.abs(knots) > np.abs(fit.classifier.problem_.inputs).max())
    assert np.isfinite(slopes).all()
    np.testing.assert_array_equal(outcome_picture(fit).logit, fit.classifier.decision_function(fit.line[0]))


def test_the_errors_of_folds_are_those_of_the_straight_continuation():
    x, y = wiggle(12)
    data, schedule = Standardized.of(x, y, np.ones(12)), Schedule(40, 600, seed=1)
    folds = fold_of(12, 3, 1)
    path = next(cross_validate(data, [0.3], schedule, n_splits=3, workers=1).paths("min"))
    fold = folds[-1]  # the one without the last input
    out = folds == fold
    rest = data.part(np.where(out, 0, 1))
    run, (low, high) = descend(rest.problem(), 0.3, schedule).trajectory, rest.x[[0, -1]]
    assert data.x[out].max() > high
    beyond = np.clip(data.x[out], low, high)
    slopes = slope_inside(run.midpoint, low, high)
    gap = data.x[out] - beyond
    expected = run.midpoint.predict(beyond) + np.where(gap > 0, slopes[1], slopes[0]) * gap
    assert path.members["cv_error"][fold] == pytest.approx(np.mean((expected - data.y[out]) ** 2), rel=1e-9)


def test_out_of_fold_probabilities_are_those_of_the_straight_continuation():
    x, y = noisy(24)
    model = ss.StepSizeClassifier(step_sizes=[0.5], n_splits=3, width=40, steps=400).fit(x, y)
    data = TwoClasses.of(x, 2.0 * y - 1.0, np.ones(24))
    folds = fold_of(24, 3, 0, data.strata)
    out = folds == folds[-1]
    rest = data.part(np.where(out, 0, 1))
    problem = rest.problem()
    run = descend(problem, 0.5, Schedule(40, 400), until=model.steps_, record_at=[model.steps_])
    logits = Prediction.of(rest, problem, run.states[-1])(data.x[out])
    where = np.searchsorted(data.x[out], model.units_[0].standardize(x[np.isin(x, np.sort(x)[out])]))
    found = model.out_of_fold_[np.isin(x, np.sort(x)[out])]
    both = np.array([1.0 / (1.0 + np.exp(-logits[where])), 1.0 / (1.0 + np.exp(logits[where]))])
    assert np.abs(both - found).max(axis=1).min() < 1e-12  # whichever class the data call +1


@pytest.mark.parametrize("bins", [8])
def test_bins_are_the_training_inputs(monkeypatch, bins):
    monkeypatch.setattr("stepscape.problems.user.units.MOST_INPUTS", bins)
    x, y = wiggle(40)
    model = ss.StepSizeRegressor(0.3, **QUICK).fit(x, y)
    low, high = model.units_[0].restore(np.array(model.problem_.line.hull))
    assert x.min() < low < high < x.max()
    straight_beyond(model.predict, low, high)


def test_a_prediction_beyond_the_range_of_numbers_is_refused():
    x = np.linspace(0.0, 1.0, 20)
    model = ss.StepSizeRegressor(0.3, width=5, steps=60).fit(x, x)
    with pytest.raises(ss.InputError, match="a prediction so far from the data must be finite"):
        model.predict([1e308])
    huge = ss.StepSizeRegressor(0.1, width=20, steps=400).fit(x, 1e149 * x)
    assert end_slopes(huge.prediction_.midpoint, 0.0, 1.0)[1] > 0.0
    with pytest.raises(ss.InputError, match="a prediction in the units of the labels must be finite"):
        huge.predict([1e200])
