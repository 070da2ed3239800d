"""A figure may be drawn at any size: the data keep half of it, no words touch, and nothing is warned of."""

from __future__ import annotations

import warnings

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import pictures
from figure_checks import outside, overlaps
from stepscape.errors import InputError
from stepscape.figures import legends, output, style

SIZES = [(3, 2), (6, 3), (3, 6), (10, 4), (16, 10)]
KINDS = [
    "fit",
    "path",
    "outcome-fit",
    "outcome-calibration",
    "outcome-path",
    "outcome-times",
    "sweep",
    "complete-penalty",
    "complete-columns",
]


@pytest.fixture(scope="module")
def figures():
    drawn = pictures.every_figure()
    assert list(drawn) == KINDS
    return drawn


def draw(figure, size):
    """Lay out and draw at a size, without painting; a warning is a failure."""
    figure.set_size_inches(*size)
    FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.draw_without_rendering()


def share(figure):
    panels = {ax.get_position().bounds for ax in figure.axes if ax.get_visible()}
    return sum(width * height for _, _, width, height in panels)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_drawn_at_any_size(figures, kind, size):
    figure = figures[kind]
    draw(figure, size)
    assert share(figure) >= 0.5
    assert overlaps(figure) == []
    assert outside(figure) == []


def test_overlaps_and_texts_outside_would_be_seen():
    figure, axes = style.canvas()
    axes[0, 0].text(0.5, 0.5, "one")
    axes[0, 0].text(0.51, 0.5, "other")
    axes[0, 0].text(1.2, 0.2, "far away").set_in_layout(False)
    draw(figure, (6.4, 4.2))
    assert overlaps(figure) == [("one", "other")]
    assert outside(figure) == ["far away"]


@pytest.mark.parametrize("kind", ["fit", "path"])
def test_the_picture_of_a_size_does_not_depend_on_sizes_before(kind):
    one, other = pictures.every_figure()[kind], pictures.every_figure()[kind]
    size = tuple(one.get_size_inches())
    for between in ((3, 2), (16, 10), size):
        draw(one, between)
    draw(other, size)
    assert output.svg(one) == output.svg(other)


def test_a_size_that_somebody_set_is_kept():
    figure, axes = style.canvas(size=(6.0, 4.0))
    style.label(axes[0, 0], "x")
    draw(figure, (6.0, 4.0))
    axes[0, 0].xaxis.label.set_fontsize(20.0)
    draw(figure, (6.0, 4.0))
    assert axes[0, 0].xaxis.label.get_fontsize() == 20.0
    draw(figure, (3.0, 2.0))
    assert axes[0, 0].xaxis.label.get_fontsize() == 10.0


def test_a_large_picture_has_large_words():
    figure, axes = style.canvas(size=(6.0, 4.0))
    style.label(axes[0, 0], "x")
    draw(figure, (9.0, 6.0))
    assert axes[0, 0].xaxis.label.get_fontsize() == 15.0


def test_a_legend_below_needs_a_canvas():
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots(1, 1, squeeze=False)
    with pytest.raises(InputError, match="figure must be made by `canvas`"):
        legends.shared_legend(figure, axes, columns=1)
