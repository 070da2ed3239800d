"""One look for every figure: colors that color-blind eyes tell apart, shapes that survive black and white.

Only matplotlib's object interface is used: no pyplot, no global state, any thread.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.arguments import whole
from stepscape.errors import bad, expect
from stepscape.figures.text import legible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MOST_DOTS = 2400  # per inch: a figure of 4 by 3 inches then takes a third of a gigabyte while it is drawn
# Okabe and Ito (2008).
COLORS = {
    "black": "#000000",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "gray": "#6E6E6E",
}
SIMPLIFIED = 0.4  # points by which a drawn line may leave its curve
_CYCLE = ("blue", "vermilion", "green", "purple", "orange", "sky", "black")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (9, 3)),
    (0, (3, 1)),
    "-",
)


@contextmanager
def house() -> Iterator[None]:
    """Draw with matplotlib's own defaults, whatever the user has set for other pictures.

    As a decorator, ``@house()``, it holds for a whole function that draws.
    """
    import matplotlib

    with matplotlib.rc_context(), np.errstate(all="ignore"):  # ticks of numbers near the largest overflow
        matplotlib.rcdefaults()
        yield


def series(index: int) -> dict[str, Any]:
    """Color, marker and dashes of the index-th of several curves; each alone tells them apart."""
    i = index % len(_CYCLE)
    return {"color": COLORS[_CYCLE[i]], "marker": _MARKERS[i], "linestyle": _DASHES[i]}


def line(index: int) -> dict[str, Any]:
    """As `series`, without the marker."""
    look = series(index)
    look.pop("marker")
    return look


def canvas(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.4, 4.2), **layout: Any
) -> tuple[Figure, NDArray[Any]]:
    """Return a figure of `size` inches and its axes (rows, columns); `layout` goes to `subplots`.

    The figure may be drawn at another size, see `Elastic`.
    """
    from matplotlib.figure import Figure

    from stepscape.figures.elastic import Elastic

    figure = Figure(figsize=size, layout=Elastic(size))
    axes = figure.subplots(rows, columns, squeeze=False, **layout)
    for ax in axes.flat:
        _plain(ax)
    return figure, axes


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#E4E4E4", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=9)


def label(ax: Axes, x: str = "", y: str = "", title: str = "") -> None:
    """Name the axes (with units where there are any) and the panel."""
    ax.set_xlabel(x, fontsize=10)
    ax.set_ylabel(y, fontsize=10)
    ax.set_title(title, fontsize=10.5, loc="left")


def legend(ax: Axes, **options: Any) -> None:
    """Legend in the style of the house."""
    ax.legend(**{"fontsize": 8.5, "frameon": True, "framealpha": 0.85, "edgecolor": "none", **options})


def shared_legend(figure: Figure, axes: NDArray[Any], columns: int) -> None:
    """One legend below all panels; a name that occurs in several panels stands once."""
    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    _below(figure, list(handles.values()), list(handles), columns)


def _below(figure: Figure, handles: list[Any], names: list[str], columns: int, fixed: bool = False) -> None:
    from stepscape.figures.elastic import Below, Elastic

    engine = figure.get_layout_engine()
    if not isinstance(engine, Elastic):
        raise bad("figure", "be made by `canvas`", f"one with {engine!r}")
    engine.legend(figure, Below(handles, names, columns, fixed))


def row_legend(figure: Figure, axes: NDArray[Any], names: Sequence[str]) -> None:
    """One legend below all panels, with one column per row of panels, headed by its name."""
    from matplotlib.lines import Line2D

    blank = Line2D([], [], linestyle="none")
    columns = []
    for row, name in zip(axes, names, strict=True):
        found = {word: h for ax in row for h, word in zip(*ax.get_legend_handles_labels(), strict=True)}
        columns.append([(blank, name), *((handle, word) for word, handle in found.items())])
    longest = max(map(len, columns))
    entries = [entry for c in columns for entry in c + [(blank, "")] * (longest - len(c))]
    handles, words = map(list, zip(*entries, strict=True))
    _below(figure, handles, words, len(columns), fixed=True)


def note(ax: Axes, text: str, right: bool = False) -> None:
    """Put a short remark in the upper left, or right, corner of a panel."""
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    at, align = (0.98, "right") if right else (0.03, "left")
    ax.text(at, 0.97, text, transform=ax.transAxes, fontsize=8.5, va="top", ha=align, bbox=box, zorder=6)


def step_size_ticks(ax: Axes, step_sizes: Sequence[float]) -> None:
    """Logarithmic x axis with a tick at each step size that has room for its name, the ends first."""
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    from stepscape.figures.ticks import Among

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(Among(ax, step_sizes))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())


def evenly_ranked(values: Sequence[float], most: int) -> list[float]:
    """At most so many of the sorted values, ends included, evenly spaced in rank."""
    ordered = sorted(values)
    keep = np.unique(np.round(np.linspace(0, len(ordered) - 1, most)).astype(int))
    return [ordered[i] for i in keep]


def number_ticks(ax: Axes, axis: str = "y") -> None:
    """Make the y (or x) axis logarithmic, with plain numbers like 0.1, 0.2, 0.5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set(**{f"{axis}scale": "log"})
    ticks = {"x": ax.xaxis, "y": ax.yaxis}[axis]
    ticks.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ticks.set_minor_formatter(NullFormatter())


def require_figure(figure: object) -> None:
    """Refuse what is not a figure of matplotlib."""
    from matplotlib.figure import Figure

    expect("figure", figure, Figure)


def svg(figure: Figure) -> str:
    """Return the figure as a compact SVG document; the same figure gives the same bytes."""
    import matplotlib

    from stepscape.figures.compact_svg import compact

    require_figure(figure)
    text = io.StringIO()
    with (
        house(),
        matplotlib.rc_context(
            {"svg.hashsalt": "stepscape", "svg.fonttype": "path", "path.simplify_threshold": SIMPLIFIED}
        ),
        legible(figure),
    ):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return compact(text.getvalue())


def png(figure: Figure, dots_per_inch: int = 150) -> bytes:
    """Return the figure as PNG bytes."""
    require_figure(figure)
    dots_per_inch = whole("dots_per_inch", dots_per_inch, 1, MOST_DOTS)
    data = io.BytesIO()
    with house(), legible(figure):
        figure.savefig(data, format="png", dpi=dots_per_inch)
    return data.getvalue()


def small_png(figure: Figure) -> bytes:
    """Return the figure as PNG of at most 256 colors: a third of the bytes, and lines look the same."""
    from PIL import Image

    data = io.BytesIO()
    with Image.open(io.BytesIO(png(figure))) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(data, "PNG")
    return data.getvalue()
