"""Theory is black and dashed with its formula, a guide gray and dotted; the silent ground is shaded."""

from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle

from stepscape.errors import InputError
from stepscape.figures import references as ref
from stepscape.figures.strips import clip, ratio_strip, with_strip
from stepscape.figures.style import SINGLE, canvas


@pytest.fixture
def ax():
    return canvas()[1][0, 0]


def test_theory_is_black_and_dashed_and_says_its_formula(ax):
    line = ref.theory(ax, [1.0, 2.0, 3.0], [2.0, 1.0, 0.5], r"$2/\eta$", at=0.5)
    assert (line.get_color(), line.get_linewidth(), line.is_dashed()) == ("#000000", 1.4, True)
    assert line._unscaled_dash_pattern == (0, (4, 2))
    (text,) = ax.texts
    assert (text.get_text(), text.xy) == (r"$2/\eta$", (2.0, 1.0))
    level = ref.theory_level(ax, 1.0)
    assert level.is_dashed()
    assert len(ax.texts) == 1


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("at", [0.05, 0.95])
@pytest.mark.parametrize("above", [True, False])
def test_a_guide_is_gray_and_dotted_and_named_inside_the_panel(ax, vertical, at, above):
    ax.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    line = ref.guide(ax, 0.5, "noise", at=at, above=above, vertical=vertical)
    assert (line.get_color(), line.get_linewidth()) == ("#6E6E6E", 0.8)
    FigureCanvasAgg(ax.figure).draw()
    box, panel = ax.texts[0].get_window_extent(), ax.bbox
    assert panel.x0 <= box.x0 < box.x1 <= panel.x1
    assert panel.y0 <= box.y0 < box.y1 <= panel.y1
    place = ax.transData.transform((0.5, 0.5))[0 if vertical else 1]
    low = box.x0 if vertical else box.y0
    assert (low >= place) == above


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_where_a_theorem_is_silent_the_ground_says_so(ax, scale):
    ax.set(xlim=(0.1, 10.0), xscale=scale)
    ref.silent(ax, 1.0, 4.0)
    (shade,) = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    assert (shade.get_x(), shade.get_width()) == (1.0, 3.0)
    assert ax.texts[0].get_text() == "theorem silent"
    assert ax.texts[0].xy[0] == (2.0 if scale == "log" else 2.5)
    with pytest.raises(InputError, match="low and high must be increasing, got 2 and 1"):
        ref.silent(ax, 2.0, 1.0)


def test_a_strip_is_a_third_as_high_and_centered_on_one():
    figure, axes = with_strip(1, SINGLE)
    upper, lower = axes[:, 0]
    ratio_strip(lower, "ratio", 1.5)
    FigureCanvasAgg(figure).draw()
    assert upper.bbox.height == pytest.approx(3.0 * lower.bbox.height, rel=1e-6)
    low, high = lower.get_ylim()
    assert low * high == pytest.approx(1.0)
    assert [text.get_text() for text in lower.get_yticklabels()] == ["0.667", "1", "1.5"]
    assert lower.lines[0].is_dashed()
    assert clip([0.1, 1.0, 3.0], 1.5).tolist() == pytest.approx([2 / 3, 1.0, 1.5])
    with pytest.raises(InputError, match="most must be larger than 1, got 1"):
        ratio_strip(lower, "ratio", 1.0)
