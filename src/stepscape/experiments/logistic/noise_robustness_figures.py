"""Figures of the claim `noise-robustness`; they read its table and the intervals of its rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.frame import Drawn
from stepscape.figures.bands import band
from stepscape.figures.style import COLORS, canvas, label, number_ticks, series, shared_legend
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ByRate = Mapping[float, Interval]
EXCESS = (
    "Above: the excess risk in the interior against the flip rate of the labels, at three moments. Below: "
    "log10 of the excess risk at each smaller step size over that at the largest, paired by seed, with the "
    "intervals that the rule reads; above 0 the largest step size helps."
)
OVERLAP = (
    "The overlap of the inputs where the network is uncertain and where the truth is, at the end of "
    "training. Black: the overlap of a network that is uncertain everywhere; where that is 1, the question "
    "is empty."
)


def excess(table: Table, saved: Mapping[str, Mapping[str, ByRate]]) -> Drawn:
    """Draw the excess risk against the flip rate, and below it what the largest step size saves.

    The keys of `saved` are the suffixes of the moments' columns.
    """
    columns = max(1, len(saved))
    figure, axes = canvas(2, columns, (3.7 * columns + 0.4, 6.6), sharex=True, sharey="row")
    for (upper, lower), (suffix, comparisons) in zip(axes.T, saved.items(), strict=False):
        column = f"excess_risk_interior{suffix}"
        for i, eta in enumerate(np.unique(table["step_size"])):
            if column in table:
                rows = table.where(step_size=eta)
                shifted = Table({**rows.columns, "at": rows["flip_rate"] + 0.004 * (i - 1)})
                band(upper, shifted, "at", column, f"step size η = {eta:g}", series(i))
        lower.axhline(0.0, color=COLORS["black"], lw=1.0)
        for i, (name, rates) in enumerate(comparisons.items()):
            _intervals(lower, rates, name, i)
        label(upper, title=COMPARED[suffix].words)
        label(lower, x="flip rate of the labels")
    if any(ax.containers for ax in axes[0]):
        number_ticks(axes[0, 0])
    axes[0, 0].set_ylabel("excess risk, interior\n(median, quartiles)", fontsize=10)
    axes[1, 0].set_ylabel("log10 of a ratio, smaller over\nlargest step size (above 0 it helps)", fontsize=10)
    shared_legend(figure, axes, columns=3)
    return Drawn(figure, EXCESS)


def _intervals(ax: Axes, rates: ByRate, name: str, index: int) -> None:
    at = np.array(sorted(rates))
    found = [rates[rate] for rate in at]
    middle = np.array([interval.mean for interval in found])
    ends = np.array([[each.mean - each.low, each.high - each.mean] for each in found]).T
    usable = np.isfinite(ends).all(axis=0)
    if usable.any():
        at, middle, ends = at[usable] + 0.004 * index, middle[usable], ends[:, usable]
        look = series(index + 3)
        ax.errorbar(at, middle, yerr=ends, label=name, lw=1.4, ms=5.0, elinewidth=1.0, capsize=2.5, **look)


def overlap(table: Table) -> Drawn:
    """Overlap of the uncertain regions of network and truth against the flip rate, with the level ½."""
    figure, axes = canvas(1, 1, (5.8, 4.4))
    ax = axes[0, 0]
    for i, eta in enumerate(np.unique(table["step_size"])):
        if "uncertain_overlap" in table:
            rows = table.where(step_size=eta)
            shifted = Table({**rows.columns, "at": rows["flip_rate"] + 0.004 * (i - 1)})
            band(ax, shifted, "at", "uncertain_overlap", f"step size η = {eta:g}", series(i))
    if "uncertain_share_truth" in table:
        word = "share of the inputs where the truth is uncertain"
        band(ax, table, "flip_rate", "uncertain_share_truth", word, series(6))
    ax.axhline(0.5, color=COLORS["black"], lw=1.1, dashes=(5, 2), label="½")
    ax.set_ylim(0.0, 1.05)
    label(
        ax, "flip rate of the labels", "overlap of |f| ≤ 1 and |f0| ≤ 1 at the end\n(intersection over union)"
    )
    shared_legend(figure, axes, columns=2)
    return Drawn(figure, OVERLAP)
