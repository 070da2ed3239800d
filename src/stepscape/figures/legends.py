"""Legends, where a panel has more curves than have room for a name at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stepscape.figures.colors import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_CYCLE = ("blue", "vermilion", "green", "black")
_MARKERS = ("o", "s", "^", "D")


def series(index: int) -> dict[str, Any]:
    """Color and marker of the index-th of several curves; each alone tells them apart. Measured is solid."""
    i = index % len(_CYCLE)
    return {"color": COLORS[_CYCLE[i]], "marker": _MARKERS[i], "linestyle": "-"}


def line(index: int) -> dict[str, Any]:
    """As `series`, without the marker."""
    look = series(index)
    look.pop("marker")
    return look


def legend(ax: Axes, **options: Any) -> None:
    """Legend in the style of the house."""
    ax.legend(**{"fontsize": 9.0, "frameon": True, "framealpha": 0.85, "edgecolor": "none", **options})


def shared_legend(figure: Figure, axes: NDArray[Any], columns: int) -> None:
    """One legend below all panels; a name that occurs in several panels stands once."""
    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    _below(figure, list(handles.values()), list(handles), columns)


def _below(figure: Figure, handles: list[Any], names: list[str], columns: int, fixed: bool = False) -> None:
    from stepscape.figures.elastic import Below, elastic

    elastic(figure).legend(figure, Below(handles, names, columns, fixed))


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
