"""Arrays of runs as figures: one run per step size and group, each array along its axis."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.figures import runs
from stepscape.lab.curves import Curve

GROUPS = {
    name: [
        {"identity": f"{name} {eta} {seed}", "outcome": outcome, "step_size": eta, "seed": seed}
        for eta, outcome in ((0.1, "finished"), (0.5, "finished"), (2.0, "diverged"))
        for seed in (1, 0)  # a seed has its own noise: only runs of the same seed compare
    ]
    for name in ("momentum 0", "momentum $0.5$")
}


def curve(identity, name, size=50):
    at = np.linspace(-1.0, 1.0, size) if name.startswith("curve") else np.arange(size) * 10
    return Curve(identity, name, "curve_x" if name.startswith("curve") else "at_steps", at, 1.0 + at**2)


def test_the_run_of_the_smallest_seed_stands_for_each_step_size():
    chosen = runs.examples(GROUPS)
    assert chosen["momentum 0 0.1 0"] == ("momentum 0", 0.1)
    assert list(chosen) == [f"{group} {eta} 0" for group in GROUPS for eta in (0.1, 0.5)]


def test_of_many_step_sizes_the_ends_are_kept():
    many = [{"identity": str(i), "outcome": "finished", "step_size": 0.1 * 1.1**i} for i in range(100)]
    chosen = runs.examples({"all runs": many})
    assert len(chosen) == runs.MOST_STEP_SIZES
    assert {"0", "99"} <= set(chosen)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), []),
        (("time",), []),
        (("curve_y", "curve_truth"), ["functions"]),
        (("loss",), ["training"]),
        (("curve_y", "loss", "edge_ratio"), ["functions", "training"]),
    ],
)
def test_a_figure_is_drawn_of_what_the_runs_keep(names, expected):
    chosen = runs.examples(GROUPS)
    drawn = runs.figures(chosen, [curve(run, name) for run in chosen for name in names])
    assert list(drawn) == expected
    for figure in drawn.values():
        figure.draw_without_rendering()


def test_the_lines_are_the_arrays_and_colors_follow_the_step_size():
    chosen = runs.examples(GROUPS)
    kept = [curve(run, name, 5000) for run in chosen for name in ("curve_y", "curve_truth")]
    figure = runs.figures(chosen, kept)["functions"]
    first, second = figure.axes
    lines = [line for line in first.lines if line.get_xdata().size]
    assert len(lines) == 3  # two step sizes and the truth
    for line in lines:
        np.testing.assert_allclose(line.get_ydata(), 1.0 + line.get_xdata() ** 2)
        assert line.get_xdata().size <= runs.MOST_POINTS
        np.testing.assert_array_equal(line.get_xdata()[[0, -1]], [-1.0, 1.0])
    assert lines[0].get_color() != lines[1].get_color()
    assert [line.get_color() for line in second.lines] == [line.get_color() for line in first.lines]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["step size 0.1", "step size 0.5", "truth"]


def test_an_array_of_nothing_but_nan_is_not_drawn():
    chosen = runs.examples(GROUPS)
    nothing = [Curve(run, "edge_ratio", "at_steps", np.arange(3), np.full(3, np.nan)) for run in chosen]
    assert runs.figures(chosen, nothing) == {}
