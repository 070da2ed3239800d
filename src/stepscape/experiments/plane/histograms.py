"""The tutorial's histogram: on which share of the examples the neurons of a network are active."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Run
from stepscape.figures.colors import eta_color
from stepscape.figures.references import guide
from stepscape.figures.style import GUIDE, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = np.linspace(0.0, 100.0, 26)


def bars(ax: Axes, run: Run) -> None:
    """Draw the rates of the live neurons of a run and their mean, and write the share of the dead ones."""
    rates = 100.0 * run.arrays["rates"]
    live = rates[rates > 0.0]
    if live.size:
        heights, edges = np.histogram(live, BINS)
        shares = 100.0 * heights / rates.size
        ax.stairs(shares, edges, fill=True, color=eta_color(run["step_size"]), linewidth=GUIDE)
        guide(ax, float(live.mean()), vertical=True)
    note(ax, f"dead: {100 * np.mean(rates == 0.0):.0f} %", right=True)
