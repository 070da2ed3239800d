"""Figures of trajectories show their numbers, and refuse what they cannot show."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError


@pytest.fixture(scope="module")
def runs():
    problem = ss.problems.tent(n=20, noise=0.3, seed=0)
    net = ss.TwoLayerReLU.random(20, seed=0)
    made = {
        f"η = {eta} in $": ss.train(problem, net, ss.GradientDescent(eta, 200), record_every=20)
        for eta in (0.1, 0.3)
    }
    return problem, made


def curves(ax):
    return {line.get_label(): line for line in ax.lines}


def test_training_shows_edge_ratio_and_loss_against_time(runs):
    _, made = runs
    left, right = ss.figures.training(made).axes
    for i, run in enumerate(made.values()):
        line = left.lines[1 + i]
        np.testing.assert_array_equal(line.get_xdata(), run.time)
        np.testing.assert_array_equal(line.get_ydata(), run.edge_ratio)
        np.testing.assert_array_equal(right.lines[i].get_ydata(), run.loss)
    assert list(left.lines[0].get_ydata()) == [1.0, 1.0]


def test_functions_shows_data_truth_and_predictions(runs):
    problem, made = runs
    figure = ss.figures.functions(problem, made)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["data", "truth", *(name.replace("$", "\\$") for name in made)]
    data, truth, *fits = figure.axes[0].lines
    np.testing.assert_array_equal(data.get_ydata(), problem.labels)
    np.testing.assert_array_equal(truth.get_ydata(), problem.truth(truth.get_xdata()))
    for line, run in zip(fits, made.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), run.midpoint.predict(line.get_xdata()))


def test_what_cannot_be_shown_is_refused(runs):
    problem, made = runs
    (run, _) = made.values()
    with pytest.raises(InputError, match="runs must hold 1 to 7 trajectories by name, got 0 of them"):
        ss.figures.training({})
    with pytest.raises(InputError, match="runs must hold 1 to 7 trajectories by name, got 8 of them"):
        ss.figures.functions(problem, {str(i): run for i in range(8)})
    blind = ss.train(problem, ss.TwoLayerReLU.random(20), ss.GradientDescent(0.1, 9), measure_sharpness=False)
    with pytest.raises(
        InputError, match="the sharpness of 'blind' was not measured; train with measure_sharpness"
    ):
        ss.figures.training({"blind": blind})


def test_they_are_drawn_at_any_size(runs):
    problem, made = runs
    for figure in (ss.figures.training(made), ss.figures.functions(problem, made)):
        for size in ((3.0, 2.0), (12.0, 8.0)):
            figure.set_size_inches(*size)
            ss.figures.png(figure)
            panels = [ax.get_position() for ax in figure.axes]
            assert sum(box.width * box.height for box in panels) >= 0.5


def test_a_fit_is_drawn_as_the_command_draws_it():
    x = np.linspace(0.0, 1.0, 30)
    fit = ss.estimators.fit_table(x, np.abs(x - 0.5), step_size=0.1, width=20, steps=200)
    assert list(ss.figures.of_fit(fit)) == ["fit"]
    event = ss.estimators.fit_outcome(
        x, (x > 0.4).astype(float), step_size=0.5, stopping="budget", width=20, steps=50
    )
    assert list(ss.figures.of_fit(event)) == ["fit"]
