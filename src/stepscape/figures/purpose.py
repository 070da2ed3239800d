"""A figure for a page, a paper or a talk: its format, its size, the size of its words and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.errors import unknown
from stepscape.figures.elastic import LARGEST
from stepscape.figures.style import TALK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Purpose → the format of its file. A page and a paper show a figure 1 : 1, at most 7.2 inches wide.
FORMATS = {"page": "svg", "paper": "pdf", "talk": "png"}


def prepare(figure: Figure, purpose: str) -> None:
    """Make a figure of `canvas` ready for a purpose; for a talk it fills a slide, all 1.6 times as large."""
    if purpose not in FORMATS:
        raise unknown("purpose", purpose, FORMATS)
    if purpose == "talk":
        figure.set_size_inches(*TALK)  # the layout enlarges words, see `Elastic`
        enlarge(figure, LARGEST)


def enlarge(figure: Figure, factor: float) -> None:
    """Multiply widths of lines, sizes of markers and gaps between names and curves."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Annotation

    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            known = axis.get_tick_params()
            axis.set_tick_params(**{key: factor * known.get(key, usual) for key, usual in _TICKS.items()})
    ticks = {id(line) for ax in figure.axes for line in (*ax.get_xticklines(), *ax.get_yticklines())}
    for line in figure.findobj(Line2D):
        if id(line) not in ticks:
            line.set_linewidth(factor * line.get_linewidth())
            line.set_markersize(factor * line.get_markersize())
            line.set_markeredgewidth(factor * line.get_markeredgewidth())
    for patch in figure.findobj(Patch):
        patch.set_linewidth(factor * patch.get_linewidth())
    for each in figure.findobj(Collection):
        each.set_linewidth((factor * np.atleast_1d(each.get_linewidth())).tolist())
    for text in figure.findobj(Annotation):
        if text.anncoords == "offset points":
            across, along = text.xyann
            text.xyann = (factor * across, factor * along)


_TICKS: dict[str, Any] = {"width": 0.8, "length": 3.5}
