"""One look for every figure: sizes, widths, type, panels.

Colors stand in `colors`, titles in `titles`, names of curves in `labels` and `legends`, theory and guides in
`references`, statistics over seeds in `bands`, ticks in `ticks`. Only matplotlib's object interface is used:
no pyplot, no global state, any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.figures.colors import COLORS
from stepscape.figures.ticks import plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SINGLE, DOUBLE, TALL, TALK = (4.6, 3.2), (7.2, 3.4), (7.2, 5.4), (13.33, 7.5)  # inches
MAIN, SECONDARY, GUIDE = 2.2, 1.4, 0.8  # points: the only widths of lines
SHORT = 24  # letters of a name that stands above its axis
NAMES, SMALL = 10.0, 9.0  # points: names of axes; everything else but the title


def canvas(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = SINGLE, **layout: Any
) -> tuple[Figure, NDArray[Any]]:
    """Return a figure of `size` inches and its axes (rows, columns); `layout` goes to `subplots`.

    The figure may be drawn at another size, see `Elastic`.
    """
    from matplotlib.figure import Figure

    from stepscape.figures.elastic import Elastic

    figure = Figure(figsize=size, layout=Elastic(size))
    axes = figure.subplots(rows, columns, squeeze=False, **layout)
    for ax in axes.flat:
        plain(ax)
    return figure, axes


def plain(ax: Axes) -> None:
    """Give a panel two spines and plain ticks, at least three an axis."""
    ax.spines[["top", "right"]].set_visible(False)
    for spine in ax.spines.values():
        spine.set_linewidth(GUIDE)
    ax.tick_params(labelsize=SMALL, width=GUIDE)
    plain_ticks(ax)


def label(ax: Axes, x: str = "", y: str = "", title: str = "") -> None:
    """Name the axes (with units where there are any) and the panel.

    A short name of the y axis stands horizontally above it, unless the panel has a title there.
    """
    above = bool(y) and not title and len(y) <= SHORT and "\n" not in y
    ax.set_xlabel(x, fontsize=NAMES)
    ax.set_ylabel("" if above else y, fontsize=NAMES)
    ax.set_title(y if above else title, fontsize=NAMES, loc="left")


def note(ax: Axes, text: str, right: bool = False) -> None:
    """Put a short remark in the upper left, or right, corner of a panel."""
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    at, align = (0.98, "right") if right else (0.03, "left")
    ax.text(at, 0.97, text, transform=ax.transAxes, fontsize=SMALL, va="top", ha=align, bbox=box, zorder=6)


def footnote(figure: Figure, text: str) -> None:
    """Put one gray line below all panels, such as what diverged; for a figure without a legend there."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=SMALL, color=COLORS["gray"])


def evenly_ranked(values: Sequence[float], most: int) -> list[float]:
    """At most so many of the sorted values, ends included, evenly spaced in rank."""
    ordered = sorted(values)
    keep = np.unique(np.round(np.linspace(0, len(ordered) - 1, most)).astype(int))
    return [ordered[i] for i in keep]
