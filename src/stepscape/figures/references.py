"""What is not measured: theory (black, dashed), guides (gray, dotted), and where a theorem is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from stepscape.errors import bad
from stepscape.figures.colors import COLORS
from stepscape.figures.style import GUIDE, SECONDARY, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

DASHES = (0, (4, 2))
DOTS = (0, (1, 2))
THEORY: dict[str, Any] = {"color": COLORS["black"], "linewidth": SECONDARY, "linestyle": DASHES}
GUIDES: dict[str, Any] = {"color": COLORS["gray"], "linewidth": GUIDE, "linestyle": DOTS}
_SILENT: dict[str, Any] = {"facecolor": "#F2F2F2", "edgecolor": "none", "zorder": 0.1}
_GAP = 3.0  # points between a line and its name


def theory(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    formula: str = "",
    at: float = 0.5,
    above: bool = True,
    left: bool = False,
) -> Line2D:
    r"""Draw what a theorem says as a black dashed line with its formula on it, in its valid range only.

    Parameters
    ----------
    x, y : (m,)
        The line, over the range in which the theorem holds.
    formula : mathematics in mathtext, such as ``r"$2/\eta$"``; "" for a line that is named elsewhere.
    at : where along the line the formula stands, as a share of its points.
    above : whether it stands above the line or below it.
    left : whether it ends there, left of the line, or begins there.
    """
    across, along = np.asarray(x, float), np.asarray(y, float)
    (line,) = ax.plot(across, along, **THEORY, zorder=3)
    if formula:
        i = round(at * (across.size - 1))
        _name(ax, formula, (across[i], along[i]), above, left)
    return line


def theory_level(
    ax: Axes, value: float, formula: str = "", at: float = 0.02, above: bool = True, vertical: bool = False
) -> Line2D:
    """Draw a level that theory gives, such as an edge ratio of 1, as a dashed line across the panel."""
    return _level(ax, value, formula, at, above, vertical, THEORY)


def guide(
    ax: Axes, value: float, name: str = "", at: float = 0.02, above: bool = True, vertical: bool = False
) -> Line2D:
    """Draw a level to compare with (noise variance, best constant) as a gray dotted line, named on it.

    Parameters
    ----------
    value : where the line stands; on the x axis if `vertical`.
    name : in a few words.
    at : where the name begins, as a share of the panel; from 0.5 on, where it ends.
    above : whether the name stands above the line (right of a vertical one) or below it (left).
    """
    return _level(ax, value, name, at, above, vertical, GUIDES)


def silent(ax: Axes, low: float, high: float, words: str = "theorem silent") -> None:
    """Shade the ground from `low` to `high` on the x axis, where the theorem says nothing."""
    if not low < high:
        raise bad("low and high", "be increasing", f"{low:g} and {high:g}")
    ax.axvspan(low, high, **_SILENT)
    if words:
        middle = np.sqrt(low * high) if ax.get_xscale() == "log" else 0.5 * (low + high)
        ax.annotate(
            words, (middle, 0.0), (0, 4), xycoords=ax.get_xaxis_transform(), textcoords="offset points",
            ha="center", va="bottom", fontsize=SMALL, color=COLORS["gray"],
        )  # fmt: skip


def _level(
    ax: Axes, value: float, name: str, at: float, above: bool, vertical: bool, look: dict[str, Any]
) -> Line2D:
    line = (ax.axvline if vertical else ax.axhline)(value, **look, zorder=1.5)
    if name:
        place, coordinates = (
            ((value, at), ax.get_xaxis_transform()) if vertical else ((at, value), ax.get_yaxis_transform())
        )
        align = "left" if at < 0.5 else "right"
        gap = _GAP if above else -_GAP
        side = ("left" if above else "right") if vertical else align
        upright = ("bottom" if at < 0.5 else "top") if vertical else ("bottom" if above else "top")
        ax.annotate(
            name, place, (gap, 0.0) if vertical else (0.0, gap), xycoords=coordinates,
            textcoords="offset points", ha=side, va=upright, fontsize=SMALL, color=look["color"], zorder=6,
        )  # fmt: skip
    return line


def _name(ax: Axes, words: str, at: tuple[float, float], above: bool, left: bool) -> None:
    ax.annotate(
        words, at, (-_GAP if left else 0, _GAP if above else -_GAP), textcoords="offset points",
        ha="right" if left else "left", va="bottom" if above else "top", fontsize=SMALL, zorder=6,
    )  # fmt: skip
