"""Medians with quartiles over seeds, and marks where runs diverged or died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.figures.style import COLORS
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def band(
    ax: Axes,
    table: Table,
    x: str,
    y: str,
    name: str,
    look: dict[str, Any],
    dots: bool = False,
    dodge: float = 0.0,
    keep_dead: bool = False,
) -> None:
    """Draw the median of column `y` at each value of column `x`, whiskers from quartile to quartile.

    Rows that were not measured are left out; unless `keep_dead`, networks without a bent neuron too, because
    they have learned nothing. With `dots` every row is drawn, faintly. `dodge` moves the curve to the right
    by that fraction of x, so that curves on top of each other stay apart.
    """
    usable = np.isfinite(table[y].astype(float))
    if "bent_neurons" in table and not keep_dead:
        usable &= table["bent_neurons"] > 0
    at, values = table[x][usable] * (1.0 + dodge), table[y][usable].astype(float)
    if not at.size:
        return
    places = np.unique(at)
    low, middle, high = np.array([np.quantile(values[at == place], [0.25, 0.5, 0.75]) for place in places]).T
    ax.errorbar(
        places,
        middle,
        yerr=[middle - low, high - middle],
        label=name,
        lw=1.6,
        ms=5.5,
        elinewidth=1.0,
        capsize=2.5,
        **look,
    )
    if dots:
        ax.plot(at, values, look["marker"], color=look["color"], ms=3.5, alpha=0.35, mew=0)


def mark_failures(ax: Axes, rows: Table) -> None:
    """Mark the step sizes at which most runs diverged or lost every neuron."""
    for eta in np.unique(rows["step_size"]):
        here = rows.where(step_size=eta)
        diverged = np.mean(here["outcome"] == "diverged")
        dead = np.mean(here["bent_neurons"] == 0) if "bent_neurons" in here else 0.0
        if max(diverged, dead) > 0.5:
            word = "diverged" if diverged >= dead else "all dead"
            ax.text(
                eta, 0.06, word, transform=ax.get_xaxis_transform(), rotation=90, ha="center", va="bottom",
                fontsize=8.5, color=COLORS["gray"], zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )  # fmt: skip
