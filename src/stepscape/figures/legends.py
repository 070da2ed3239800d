"""Legends, where a panel has more curves than have room for a name at their ends."""

from __future__ import annotations

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
    from stepscape.figures.elastic import Below, elastic

    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    elastic(figure).legend(figure, Below(list(handles.values()), list(handles), columns))
