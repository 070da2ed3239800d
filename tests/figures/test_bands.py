"""Statistics over seeds are drawn as they are: medians, quartiles, intervals, nothing moved aside."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.figures import bands
from stepscape.figures.colors import MEASURED, MOMENT, eta_color
from stepscape.figures.style import canvas
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table


def table(seeds=5, etas=(0.1, 0.2, 0.4), **changes):
    rows = [
        {"step_size": eta, "risk": eta * (1 + seed**2), "outcome": "finished", "bent_neurons": 3, **changes}
        for eta in etas
        for seed in range(seeds)
    ]
    return Table.from_records(rows)


@pytest.fixture
def ax():
    return canvas()[1][0, 0]


def test_a_ribbon_is_the_median_between_the_quartiles_at_its_place(ax):
    line = bands.ribbon(ax, table(), "step_size", "risk", MOMENT[""].both)
    np.testing.assert_array_equal(line.get_xdata(), [0.1, 0.2, 0.4])
    np.testing.assert_allclose(line.get_ydata(), np.array([0.1, 0.2, 0.4]) * 5.0)
    assert line.get_linestyle() == "-"
    (shade,) = ax.collections
    corners = shade.get_paths()[0].vertices
    at = corners[np.isclose(corners[:, 0], 0.2), 1]
    assert (at.min(), at.max()) == pytest.approx((0.2 * 2.0, 0.2 * 10.0))
    assert shade.get_alpha() == 0.2


def test_what_was_not_measured_and_dead_networks_are_left_out(ax):
    assert bands.ribbon(ax, table(risk=np.nan), "step_size", "risk", MEASURED.line) is None
    dead = table(bent_neurons=0)
    assert bands.ribbon(ax, dead, "step_size", "risk", MEASURED.line) is None
    assert bands.ribbon(ax, dead, "step_size", "risk", MEASURED.line, keep_dead=True) is not None


@pytest.mark.parametrize(("seeds", "dots"), [(20, 1), (21, 0)])
def test_seeds_are_drawn_one_by_one_up_to_twenty(ax, seeds, dots):
    bands.ribbon(ax, table(seeds), "step_size", "risk", MEASURED.both, dots=True)
    assert len(ax.lines) == 1 + dots


def test_a_curve_has_at_most_twelve_markers(ax):
    line = bands.ribbon(ax, table(etas=np.geomspace(0.1, 1, 50)), "step_size", "risk", MEASURED.both)
    assert len(line.get_markevery()) == 12
    assert {0, 49} <= set(line.get_markevery())


def test_marks_have_the_colors_of_their_step_sizes(ax):
    bands.eta_marks(ax, [0.1, 0.4], [1.0, 2.0], large=[0.4])
    assert [(line.get_color(), line.get_markersize()) for line in ax.lines] == [
        (eta_color(0.1), 6.0),
        (eta_color(0.4), 9.0),
    ]


def test_bars_are_the_intervals(ax):
    found = [Interval(0.5, 0.2, 0.9, 20), Interval(1.0, 0.9, 1.1, 20)]
    bands.interval_bars(ax, [1.0, 2.0], found, MEASURED.marks)
    (bars,) = ax.collections
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([0.2, 0.9]), pytest.approx([0.9, 1.1])]


def test_failures_are_said_in_one_line():
    rows = Table.from_records(
        [
            {"step_size": eta, "outcome": outcome, "bent_neurons": bent}
            for eta, outcome, bent in [
                (0.1, "finished", 3), (1.2, "diverged", np.nan), (1.6, "diverged", np.nan),
                (2.0, "finished", 0),
            ]
        ]
    )  # fmt: skip
    assert bands.failures(rows) == (
        "most runs diverged at η = 1.2, 1.6; all neurons died in most runs at η = 2"
    )
    assert bands.failures(table()) == ""
