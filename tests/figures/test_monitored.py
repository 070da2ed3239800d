"""The figure of a monitored run: what it says, and that it keeps to the house."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from figure_checks import faults
from stepscape.figures.monitored import MonitoredRun, draw_monitored
from stepscape.report.captions import caption

STEPS = np.arange(0.0, 4000.0, 100.0)
CAPTION = caption("watch", "run")


def run(ratio=None, loss=None, spikes=()):
    rising = np.minimum(1.0, 0.05 * np.exp(STEPS / 600.0))
    falling = np.exp(-STEPS / 1500.0)
    points = np.array(spikes, dtype=float).reshape(-1, 2)
    sentence = "The run has been at the edge since step 1800: 22 measurements, median edge ratio 1.00."
    return MonitoredRun(
        STEPS, rising if ratio is None else ratio, falling if loss is None else loss, points, sentence
    )


NOTHING = np.full(STEPS.size, np.nan)
CASES = {
    "a run": run(spikes=[(3000.0, 2.0)]),
    "a few points": replace(run(), steps=STEPS[:8], edge_ratio=run().edge_ratio[:8], loss=run().loss[:8]),
    "one point": replace(run(), steps=STEPS[:1], edge_ratio=np.ones(1), loss=np.ones(1)),
    "gaps": run(ratio=np.where(STEPS % 300 == 0, np.nan, 0.9)),
    "no edge ratio": run(ratio=NOTHING),
    "no loss": run(loss=NOTHING),
    "diverged": run(ratio=np.where(STEPS > 2500, np.nan, 0.9), loss=np.where(STEPS > 2500, np.nan, 0.9)),
    "nothing": run(ratio=NOTHING, loss=NOTHING),
    "far beyond the edge": run(ratio=np.exp(STEPS / 500.0)),
    "negative": run(ratio=-np.exp(-STEPS / 500.0), loss=-np.exp(-STEPS / 500.0)),
    "a mathematical title": replace(run(), sentence="λ_max rose from 2 to 10, and costs $5."),
}


@pytest.mark.parametrize("name", CASES)
def test_the_figure_keeps_to_the_house(name):
    assert faults(draw_monitored(CASES[name]), CAPTION, name) == []


def test_the_edge_is_drawn_at_one_and_the_data_where_they_are():
    figure = draw_monitored(CASES["a run"])
    above, below = figure.axes
    drawn = {tuple(line.get_ydata()) for line in above.get_lines()}
    assert (1.0, 1.0) in drawn
    assert tuple(CASES["a run"].edge_ratio) in drawn
    marks = [line for line in below.get_lines() if line.get_marker() == "s"]
    assert [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in marks] == [([3000.0], [2.0])]
    assert above.get_yscale() == "linear"
    assert draw_monitored(CASES["far beyond the edge"]).axes[0].get_yscale() == "log"


@pytest.mark.parametrize(("most", "scale"), [(2.9, "linear"), (3.1, "log")])
def test_edge_ratios_far_beyond_the_edge_have_a_logarithmic_axis(most, scale):
    ratios = np.linspace(0.5, most, STEPS.size)
    assert draw_monitored(run(ratio=ratios)).axes[0].get_yscale() == scale


@pytest.mark.parametrize(("count", "marked"), [(12, True), (13, False)])
def test_twelve_points_have_marks_and_more_are_a_line(count, marked):
    few = replace(run(), steps=STEPS[:count], edge_ratio=run().edge_ratio[:count], loss=run().loss[:count])
    above, below = draw_monitored(few).axes
    drawn = [line for ax in (above, below) for line in ax.get_lines() if len(line.get_xdata()) == count]
    assert [line.get_marker() not in ("None", "", None) for line in drawn] == [marked, marked]


def test_eight_spikes_get_a_line_across_both_panels():
    spikes = [(100.0 * i, 2.0) for i in range(1, 12)]
    for ax in draw_monitored(run(spikes=spikes)).axes:
        upright = [line.get_xdata()[0] for line in ax.get_lines() if len(set(line.get_xdata())) == 1]
        assert upright == [step for step, _ in spikes[:8]]


def test_one_measurement_without_a_loss_is_not_the_end():
    for lost, shaded in ((1, 0), (2, 1)):
        loss = np.where(np.arange(STEPS.size) >= STEPS.size - lost, np.nan, 0.9)
        assert len(draw_monitored(run(loss=loss)).axes[1].patches) == shaded


def test_the_end_of_a_run_that_diverged_is_shaded():
    shaded = draw_monitored(CASES["diverged"]).axes[1].patches
    assert [(patch.get_x(), patch.get_width()) for patch in shaded] == [(2600.0, 1300.0)]
    assert not draw_monitored(CASES["a run"]).axes[1].patches


def test_without_an_edge_ratio_the_loss_stands_alone():
    figure = draw_monitored(CASES["no edge ratio"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["loss"]
