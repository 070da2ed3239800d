"""The figure of the claim `noise-robustness`; it reads its table and the intervals of its rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn
from stepscape.experiments.logistic.cells import WHEN
from stepscape.experiments.logistic.logistic_step_sizes_figures import seeds_of
from stepscape.experiments.logistic.panels import factor_bars, factor_ticks
from stepscape.figures.bands import failures, ribbon
from stepscape.figures.colors import eta_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide
from stepscape.figures.style import TALL, canvas, footnote, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Gains = Mapping[float, Mapping[float, Interval]]  # smaller step size → flip rate → interval
WORDS = {
    "_equal_time": "at equal time", "_held_out": "when stopped early", "": "after equally many steps",
}  # fmt: skip


def gain(table: Table, saved: Mapping[str, Gains]) -> Drawn:
    """Draw the excess risk against the flip rate, and below it what the largest step size saves.

    The keys of `saved` are the suffixes of the moments' columns.
    """
    figure, axes = canvas(2, len(WHEN), TALL, sharex=True, sharey="row")
    compares = {suffix: any(gains.values()) for suffix, gains in saved.items()}
    for (above, below), suffix in zip(axes.T, WHEN, strict=True):
        _risks(above, table, f"excess_risk_interior{suffix}")
        guide(below, 1.0)
        for eta, rates in saved.get(suffix, {}).items():
            look = marks(eta_color(eta), "o" if eta == min(saved[suffix]) else "s")
            factor_bars(below, list(rates), list(rates.values()), {**look, "linestyle": "-"})
        if not compares.get(suffix, True):
            note(below, "most runs still move:\nnothing is compared")
        label(above, title=WHEN[suffix])
        label(below, x="flip rate of the labels")
    if any(ax.lines for ax in axes[0]):
        number_ticks(axes[0, 0])
    factor_ticks(axes[1, 0])
    axes[0, 0].set_ylabel("excess risk, interior", fontsize=10)
    axes[1, 0].set_ylabel("excess risk at a smaller η\nover that at the largest", fontsize=10)
    if lost := failures(table):
        footnote(figure, lost)
    title = _title(saved, float(table["step_size"].max()))
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. Above: the excess risk in the interior against the flip rate of the labels, one color per "
        "step size; medians, and quartiles as a band. Below: the excess risk at each smaller step size (in "
        "its color) over that at the largest, with 95 % intervals, simultaneous over rates and comparisons; "
        "above ×1 (dotted) the largest step size helps; disks: the smallest step size, squares: the others. "
        f"Pairs of a seed are compared; {seeds_of(table)}",
    )


def _risks(ax: Axes, table: Table, column: str) -> None:
    if column not in table:
        return
    for eta in np.unique(table["step_size"]):
        line = ribbon(ax, table.where(step_size=eta), "flip_rate", column, marks(eta_color(eta)))
        if line is not None:
            name_at_end(ax, line, f"{eta:g}")


def _title(saved: Mapping[str, Gains], largest: float) -> str:
    """Say at how many flip rates the largest step size helps, and where it does harm, moment by moment."""
    wins, most, still = [], 0, ""
    for suffix, gains in saved.items():
        found = [each for rates in gains.values() for each in rates.values()]
        if not found:
            still = f"; {WORDS[suffix]} most runs still move"
            continue
        loses = sum(each.sign < 0 for each in found)
        lost = f" (and loses {loses})" if loses else ""
        wins.append(f"{sum(each.sign > 0 for each in found) or 'none'} {WORDS[suffix]}{lost}")
        most = max(most, len(found))
    says = f"{', '.join(wins[:-1])} and {wins[-1]}" if len(wins) > 1 else "".join(wins) or "none"
    return f"Of {most} comparisons with smaller steps η = {largest:g} wins {says}{still}"
