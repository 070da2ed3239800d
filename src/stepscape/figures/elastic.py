"""A layout that lets a figure be drawn at any size."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine, LayoutEngine
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text

from stepscape.errors import bad
from stepscape.figures.labels import spread
from stepscape.figures.text import extent
from stepscape.figures.titles import wrap

SMALLEST, LARGEST, TINY = 0.5, 1.6, 0.2  # factors of the sizes of words; the last where nothing else helps
DATA = 0.54  # share of the canvas that the axes keep; ticks that come and go may take some of it
TICK_LABELS = LEGEND = 9.0  # points
PAD = 0.04  # inches around panels
MOST_HIDDEN = 0.2  # share of a panel behind its own legend


@dataclass(frozen=True)
class Below:
    """The legend below all panels, in so many columns; in more where a flat picture has room for them."""

    handles: Sequence[Any]
    names: Sequence[str]
    columns: int

    def draw(self, figure: Figure) -> Legend:
        """Draw it as designed."""
        return figure.legend(list(self.handles), list(self.names), **self._look(self.columns, 1.0))

    def redraw(self, drawn: Legend, figure: Figure, factor: float) -> None:
        """Set it in words of that size, or in smaller ones if it is wider than the figure.

        A figure that is being drawn has already listed its artists: the legend must stay the same object.
        """
        for columns in self._choices(factor):
            look = self._look(columns, factor)
            Legend.__init__(drawn, figure, list(self.handles), list(self.names), **look)
            wide = extent(drawn).width / figure.bbox.width
            if wide <= 1.0:
                return
        if factor > TINY:
            self.redraw(drawn, figure, factor * min(0.95 / wide, 0.95))

    def clear(self, drawn: Legend, figure: Figure) -> None:
        """Leave it out: the layout keeps a place for any legend outside of the panels, seen or not."""
        Legend.__init__(drawn, figure, [], [], loc="lower center")
        drawn.set_visible(False)

    def _look(self, columns: int, factor: float) -> dict[str, Any]:
        return {
            "loc": "outside lower center",
            "frameon": False,
            "ncols": columns,
            "fontsize": factor * LEGEND,
            "markerscale": min(1.0, factor),
        }

    def _choices(self, factor: float) -> Sequence[int]:
        if factor >= 1.0:
            return [self.columns]
        return range(len(self.names), 0, -1)


class Elastic(LayoutEngine):
    """Constrained layout in which words grow and shrink with the picture, and go before the data do.

    At `size` inches words have the sizes that were set. Where a smaller picture would leave less than half
    of it to the axes, it loses the legend below it, then its finding, then titles of panels, then names of
    axes. So does a legend inside a panel that hides much of it. A title that is too long for its place is
    set smaller; the finding is wrapped, and names at the ends of curves are moved apart.
    """

    _adjust_compatible = False  # matplotlib asks every engine for these two
    _colorbar_gridspec = False

    def __init__(self, size: tuple[float, float]) -> None:
        self._params: dict[str, Any] = {}
        self._size = size
        self._inner = ConstrainedLayoutEngine()
        self._points: WeakKeyDictionary[Text, tuple[float, float]] = WeakKeyDictionary()  # as set, as drawn
        self._gone: list[Artist] = []
        self._below: tuple[Below, Legend] | None = None
        self._named = True  # whether there is room for the legend below
        self._title: tuple[Text, str] | None = None
        self.ends: list[Annotation] = []  # names at the ends of curves

    def legend(self, figure: Figure, below: Below) -> None:
        """Draw a legend below all panels, and again for every other size."""
        self._below = below, below.draw(figure)

    def title(self, text: Text, sentence: str) -> None:
        """Break a title anew for every size."""
        self._title = text, sentence

    def execute(self, fig: Figure) -> None:
        """Lay out a figure for the size that it has."""
        self._named = True
        while self._gone:
            _show(self._gone.pop(), True)
        width, height = fig.get_size_inches() / self._size
        least = min(width, height, LARGEST)
        share = self._share(fig, min(max((width * height) ** 0.5, SMALLEST), LARGEST))
        if least < 1.0 and share < DATA:
            self._shrink(fig, least)
        if least < 1.0:
            self._drop([legend for ax in _panels(fig) if (legend := ax.get_legend()) and _covers(ax, legend)])
        self._shorten(fig)
        for ax in _panels(fig):
            spread([text for text in self.ends if text.axes is ax and text.get_visible()])

    def _shrink(self, figure: Figure, factor: float) -> None:
        """Give half of the canvas to the data: first by smaller words, then by fewer."""
        share = self._share(figure, max(factor, SMALLEST))
        if share < DATA:
            self._named = False
            share = self._share(figure, max(factor, SMALLEST))
        for words in _least_needed(figure):
            if share >= DATA:
                return
            self._drop(words)
            share = self._share(figure, max(factor, SMALLEST))
        while share < DATA and factor > TINY:
            share = self._share(figure, factor)
            factor *= 0.8

    def _share(self, figure: Figure, factor: float) -> float:
        """Lay out with words of that size; return the share of the canvas that the axes have."""
        for ax in _panels(figure):  # a layout depends a little on where an earlier one has left them
            if (place := ax.get_subplotspec()) is not None:
                ax.set_subplotspec(place)
                ax.set_in_layout(True)
        self._inner.set(w_pad=factor * PAD, h_pad=factor * PAD)
        self._scale(figure, factor)
        if self._title is not None:
            self._title[0].set_x(PAD / figure.get_figwidth())
            wrap(*self._title, figure.bbox.width - 2.0 * PAD * figure.dpi)
        if self._below is not None:
            below, drawn = self._below
            below.redraw(drawn, figure, factor) if self._named else below.clear(drawn, figure)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self._inner.execute(figure)
        if any("collapsed" in str(each.message) for each in caught):
            return 0.0
        return float(sum(w * h for _, _, w, h in {ax.get_position().bounds for ax in _panels(figure)}))

    def _scale(self, figure: Figure, factor: float) -> None:
        for axis in _axis(figure):
            axis.set_tick_params(labelsize=factor * TICK_LABELS, pad=3.5 * factor)
        ticks = {text for axis in _axis(figure) for text in axis.get_majorticklabels()}
        below = {text for legend in figure.legends for text in legend.get_texts()}
        for text in figure.findobj(Text):
            if text not in ticks and text not in below:
                self._resize(text, factor)

    def _resize(self, text: Any, factor: float) -> None:
        size = text.get_fontsize()
        before, drawn = self._points.get(text, (size, size))
        if size != drawn:  # somebody has set another size meanwhile
            before = size
        text.set_fontsize(factor * before)
        self._points[text] = before, text.get_fontsize()

    def _drop(self, words: list[Artist]) -> None:
        for each in words:
            if each.get_visible():
                _show(each, False)
                self._gone.append(each)

    def _shorten(self, figure: Figure) -> None:
        """Set what is longer than its place smaller; on a screen lengths come in steps of whole pixels."""
        for _ in range(4):
            for text, length, room in _lengths(figure):
                if length > room > 0.0:
                    before, drawn = self._points[text]
                    text.set_fontsize(0.95 * drawn * room / length)
                    self._points[text] = before, float(text.get_fontsize())


def elastic(figure: Any) -> Elastic:
    """Return the layout of a figure that `canvas` made."""
    engine = figure.get_layout_engine()
    if not isinstance(engine, Elastic):
        raise bad("figure", "be made by `canvas`", f"one with {engine!r}")
    return engine


def _show(artist: Artist, visible: bool) -> None:
    artist.set_visible(visible)
    artist.set_in_layout(visible)


def _panels(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_visible()]


def _covers(ax: Axes, legend: Legend) -> bool:
    """Whether a legend inside a panel hides much of it."""
    frame, panel = extent(legend), extent(ax)
    return bool(frame.width * frame.height > MOST_HIDDEN * panel.width * panel.height)


def _axis(figure: Figure) -> list[Axis]:
    return [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]


def _least_needed(figure: Figure) -> Iterator[list[Artist]]:
    """Words beside the data, in the order in which a small picture can do without them."""
    yield [text for text in figure.texts if text is getattr(figure, "_suptitle", None)]
    yield [title for ax in figure.axes for title in _titles(ax)]
    yield [axis.label for axis in _axis(figure)]


def _titles(ax: Axes) -> list[Text]:
    return [each for each in ax.get_children() if isinstance(each, Text) and each not in ax.texts]


def _lengths(figure: Figure) -> Iterator[tuple[Text, float, float]]:
    """Titles and names of axes with their lengths and the room that each has, in pixels."""
    boxes = {ax: extent(ax) for ax in _panels(figure)}
    whole = figure.bbox
    for ax, box in boxes.items():
        right = [other.x0 for other in boxes.values() if other.x0 > box.x1]
        for title in _titles(ax):
            yield title, extent(title).width, min([*right, whole.width]) - box.x0
        across, along = box.x0 + 0.5 * box.width, box.y0 + 0.5 * box.height
        others = boxes.values()
        beside = [o.x0 + 0.5 * o.width for o in others if min(o.y1, box.y1) > max(o.y0, box.y0)]
        above = [o.y0 + 0.5 * o.height for o in others if min(o.x1, box.x1) > max(o.x0, box.x0)]
        name = ax.xaxis.label
        yield name, extent(name).width, _room(across, beside, whole.width)
        name = ax.yaxis.label
        yield name, extent(name).height, _room(along, above, whole.height)


def _room(center: float, others: Sequence[float], whole: float) -> float:
    """Return how long a text around `center` may be, up to the ends of the canvas, half way to others."""
    apart = [abs(other - center) for other in others if abs(other - center) > 1.0]
    return min([*apart, 2.0 * center, 2.0 * (whole - center)])
