"""The figures of fits, outcomes, sweeps and trajectories keep the style."""

from __future__ import annotations

import numpy as np
import pytest

import pictures
import stepscape as ss
from figure_checks import faults
from stepscape.figures import runs
from stepscape.lab.curves import Curve
from stepscape.report.captions import caption

FIGURES = {"fit": ("fit", "fit"), "path": ("fit", "path"), "sweep": ("sweep", "step-size")} | {
    f"{kind}-{name}": (kind, name)
    for kind, names in {
        "outcome": ("fit", "calibration", "path", "times"),
        "complete": ("penalty", "columns"),
    }.items()
    for name in names
}


@pytest.fixture(scope="module")
def figures():
    return pictures.every_figure()


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_fits_and_sweeps_keep_the_style(figures, name):
    assert set(figures) == set(FIGURES)
    assert faults(figures[name], caption(*FIGURES[name])) == []


def test_figures_of_trajectories_keep_the_style():
    problem = ss.problems.tent(n=20, noise=0.3, seed=0)
    made = {
        f"step size {eta}": ss.train(
            problem, ss.TwoLayerReLU.random(20, seed=0), ss.GradientDescent(eta, 200), record_every=20
        )
        for eta in (0.1, 0.3)
    }
    said = "Data are hollow circles, the truth is dashed."
    assert faults(ss.figures.functions(problem, made), said) == []
    assert faults(ss.figures.training(made), "The dashed line is the threshold.") == []


def test_figures_of_kept_arrays_keep_the_style():
    x, steps = np.linspace(-1.0, 1.0, 50), np.arange(0, 100, 10)
    chosen, curves = {}, []
    for i, eta in enumerate((0.05, 0.1, 0.4)):
        chosen[str(i)] = (f"group {i % 2}", eta)
        curves += [
            Curve(str(i), "curve_y", "curve_x", x, eta * x),
            Curve(str(i), "curve_truth", "curve_x", x, np.abs(x)),
            Curve(str(i), "edge_ratio", "at_steps", steps, np.linspace(0.2, 1.0, 10)),
            Curve(str(i), "loss", "at_steps", steps, np.geomspace(1.0, 0.01 * eta, 10)),
        ]
    drawn = runs.figures(chosen, curves)
    assert list(drawn) == ["functions", "training"]
    for name, figure in drawn.items():
        assert faults(figure, caption("sweep", name)) == [], name
