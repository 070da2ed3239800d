"""The finding of a figure is its title: bold, on the left, within the width of the figure."""

from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from stepscape.errors import InputError
from stepscape.figures.style import DOUBLE, SINGLE, canvas
from stepscape.figures.titles import finding

SENTENCE = (
    r"Descent ends where the sharpness is $2/\eta \cdot 1$: the median ratio is 1.00 in all 180 runs of it"
)


@pytest.mark.parametrize("size", [SINGLE, DOUBLE, (13.33, 7.5), (5.0, 6.0)])
def test_it_is_wrapped_to_the_width(size):
    figure, axes = canvas(size=SINGLE)
    axes[0, 0].plot([0, 1])
    title = finding(figure, SENTENCE)
    figure.set_size_inches(*size)
    FigureCanvasAgg(figure).draw()
    box = title.get_window_extent()
    assert box.x0 >= 0.0
    assert box.x1 <= figure.bbox.width
    assert box.y0 > axes[0, 0].get_window_extent().y1
    assert title.get_text().replace("\n", " ") == SENTENCE
    assert all(line.count("$") % 2 == 0 for line in title.get_text().split("\n"))
    assert (title.get_fontweight(), title.get_horizontalalignment()) == ("bold", "left")


def test_prices_are_no_formula():
    figure, _ = canvas(size=SINGLE)
    sentence = (
        r"12 straight pieces fit the price in \$ of a house of the old town to within 4200; step size 0.1"
    )
    title = finding(figure, sentence)
    FigureCanvasAgg(figure).draw()
    assert "\n" in title.get_text()
    assert title.get_window_extent().x1 <= figure.bbox.width


def test_a_wide_figure_breaks_less():
    lines = []
    for size in (SINGLE, (12.0, 3.2)):
        figure, _ = canvas(size=size)
        title = finding(figure, SENTENCE)
        FigureCanvasAgg(figure).draw()
        lines.append(title.get_text().count("\n"))
    assert lines[0] > lines[1]


def test_what_has_no_sentence_or_no_layout_is_refused():
    figure, _ = canvas()
    with pytest.raises(InputError, match="finding must be a sentence, got ' '"):
        finding(figure, " ")
    with pytest.raises(InputError, match="figure must be made by `canvas`"):
        finding(Figure(), "It is not.")


def test_a_title_has_no_full_stop_at_its_end():
    figure, _ = canvas(size=SINGLE)
    assert finding(figure, "The risk falls to 0.1.").get_text() == "The risk falls to 0.1"
