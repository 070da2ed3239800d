"""A figure may be drawn at any size: the data keep half of it, no words touch, and nothing is warned of."""

from __future__ import annotations

import itertools
import warnings

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import pictures
from stepscape.errors import InputError
from stepscape.figures import output, style

SIZES = [(3, 2), (6, 3), (3, 6), (10, 4), (16, 10)]
KINDS = [
    "fit",
    "residuals",
    "path",
    "outcome-fit",
    "outcome-calibration",
    "outcome-path",
    "outcome-times",
    "sweep",
]


@pytest.fixture(scope="module")
def figures():
    drawn = pictures.every_figure()
    assert list(drawn) == KINDS
    return drawn


def draw(figure, size):
    """Draw at a size; a warning is a failure."""
    figure.set_size_inches(*size)
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas.draw()


def share(figure):
    panels = {ax.get_position().bounds for ax in figure.axes if ax.get_visible()}
    return sum(width * height for _, _, width, height in panels)


def words(figure):
    """Every text that is drawn, with its box."""
    ticks = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    named = {
        label for axis in ticks for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)
    }
    out = [text for text in figure.findobj(Text) if text not in named]
    for axis in ticks:
        low, high = sorted(axis.get_view_interval())
        if axis.axes.get_visible():
            out += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    hidden = [text for part in _hidden(figure) for text in part.findobj(Text)]
    drawn = [text for text in out if text.get_visible() and text.get_text().strip() and text not in hidden]
    return [(text, text.get_window_extent()) for text in drawn]


def _hidden(figure):
    own = [ax.legend_ for ax in figure.axes if ax.legend_ is not None]
    return [part for part in [*figure.legends, *own, *figure.axes] if not part.get_visible()]


def overlaps(figure):
    """Pairs of texts whose boxes share more than a point in both directions."""
    point = figure.dpi / 72.0
    found = []
    for (one, a), (other, b) in itertools.combinations(words(figure), 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > point and high > point:
            found.append((one.get_text(), other.get_text()))
    return found


def outside(figure):
    """Texts that leave the canvas by more than a point."""
    point, canvas = figure.dpi / 72.0, figure.bbox
    return [
        text.get_text()
        for text, box in words(figure)
        if min(box.x0, box.y0, canvas.width - box.x1, canvas.height - box.y1) < -point
    ]


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
        style.shared_legend(figure, axes, columns=1)
