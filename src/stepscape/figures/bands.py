"""Statistics over seeds: median and quartiles as a ribbon, intervals as capped bars, seeds as faint dots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.figures.colors import eta_color
from stepscape.figures.style import MAIN, SECONDARY
from stepscape.tables.interval import Interval
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Array = NDArray[np.float64]
RIBBON = 0.2  # opacity
MOST_DOTS, MOST_MARKERS = 20, 12  # seeds that are drawn one by one; markers on a curve
DOTS: dict[str, Any] = {"marker": "o", "ms": 3.0, "alpha": 0.35, "mew": 0, "linestyle": "none", "zorder": 1.8}


def ribbon(
    ax: Axes,
    table: Table,
    x: str,
    y: str,
    look: dict[str, Any],
    dots: bool = False,
    keep_dead: bool = False,
    width: float = MAIN,
    label: str | None = None,
) -> Line2D | None:
    """Draw the median of column `y` at each value of column `x`, and shade from quartile to quartile.

    Rows that were not measured are left out; unless `keep_dead`, networks without a bent neuron too, because
    they have learned nothing.

    Parameters
    ----------
    look : color, and a marker where there is one, as `Look.line` or `Look.both`.
    dots : whether every row is drawn, faintly, where there are at most 20 of them at each x.
    label : for a legend; a name at its end is better, see `name_at_end`.

    Returns
    -------
    Line2D or None
        The median; None where nothing was measured.
    """
    at, values = usable(table, x, y, keep_dead)
    if not at.size:
        return None
    places, (low, middle, high) = quartiles(at, values)
    color = look["color"]
    ax.fill_between(places, low, high, color=color, alpha=RIBBON, linewidth=0, zorder=1.5)
    if dots:
        seed_dots(ax, at, values, color)
    shown = np.unique(np.linspace(0, places.size - 1, min(places.size, MOST_MARKERS)).astype(int))
    (line,) = ax.plot(places, middle, lw=width, label=label, markevery=shown.tolist(), zorder=4, **look)
    return line


def usable(table: Table, x: str, y: str, keep_dead: bool = False) -> tuple[Array, Array]:
    """Two columns where both were measured, without networks that learned nothing unless `keep_dead`."""
    keep = np.isfinite(table[y].astype(float))
    if "bent_neurons" in table and not keep_dead:
        keep &= table["bent_neurons"] > 0
    return table[x][keep].astype(float), table[y][keep].astype(float)


def quartiles(at: Array, values: Array) -> tuple[Array, Array]:
    """Return the places, and lower quartile, median, upper quartile (3, m) of the values there."""
    places = np.unique(at)
    return places, np.array([np.quantile(values[at == place], [0.25, 0.5, 0.75]) for place in places]).T


def seed_dots(ax: Axes, at: ArrayLike, values: ArrayLike, color: Any) -> None:
    """Draw every seed as a faint dot, where there are at most 20 of them at each place."""
    across, along = np.asarray(at, float), np.asarray(values, float)
    if across.size and np.unique(across, return_counts=True)[1].max() <= MOST_DOTS:
        ax.plot(across, along, color=color, **DOTS)


def eta_marks(
    ax: Axes, step_sizes: ArrayLike, heights: ArrayLike, large: Sequence[float] = (), marker: str = "o"
) -> None:
    """Mark each step size in its color; those in `large` are drawn larger, as the panels that show them."""
    for eta, height in zip(np.asarray(step_sizes, float), np.asarray(heights, float), strict=True):
        size = 9.0 if np.any(np.isclose(eta, np.asarray(large))) else 6.0
        ax.plot(eta, height, marker, color=eta_color(eta), ms=size, mec="white", mew=0.8, zorder=5)


def interval_bars(
    ax: Axes, at: ArrayLike, intervals: Sequence[Interval], look: dict[str, Any], label: str | None = None
) -> None:
    """Draw means with their 95 % intervals as capped bars: for the numbers of a rule, and nothing else."""
    middle = np.array([each.mean for each in intervals])
    ends = np.array([(each.mean - each.low, each.high - each.mean) for each in intervals]).T.clip(min=0.0)
    ax.errorbar(
        np.asarray(at, float), middle, yerr=ends, elinewidth=SECONDARY, capsize=3.0, capthick=SECONDARY,
        lw=SECONDARY, label=label, **{"linestyle": "none", **look},
    )  # fmt: skip


def failures(rows: Table) -> str:
    """Say in one line at which step sizes most runs diverged or lost every neuron; "" for none.

    The line stands below a figure, see `footnote`, or in a panel without data.
    """
    lost: dict[str, list[float]] = {}
    for eta in np.unique(rows["step_size"]):
        here = rows.where(step_size=eta)
        diverged = np.mean(here["outcome"] == "diverged")
        dead = np.mean(here["bent_neurons"] == 0) if "bent_neurons" in here else 0.0
        if max(diverged, dead) > 0.5:
            word = "most runs diverged" if diverged >= dead else "all neurons died in most runs"
            lost.setdefault(word, []).append(float(eta))
    return "; ".join(f"{word} at η = {', '.join(map(short, etas))}" for word, etas in lost.items())
