"""The figure of a user's sweep: what was measured, against the step size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.arguments import each_of, mapping, texts
from stepscape.figures.bands import band, mark_failures
from stepscape.figures.style import (
    COLORS,
    canvas,
    house,
    label,
    line,
    number_ticks,
    series,
    shared_legend,
    step_size_ticks,
)
from stepscape.figures.text import LONGEST, shown
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_GROUPS = 7  # looks that can be told apart
PANELS = (  # column, the one it stands in for where that is missing, name of the axis, logarithmic?
    ("sharpness", "", r"sharpness $\lambda_{\max}$ of the loss Hessian", True),
    ("median_edge_ratio", "edge_ratio", "edge ratio: sharpness / threshold", False),
    ("loss", "", "training loss", True),
    ("risk", "", "risk: mean squared error to the truth", True),
    ("excess_risk", "", "excess risk: log-loss over the truth", True),
    ("pieces", "", "linear pieces", False),
    ("bent_neurons", "", "bent neurons: knot among the data", False),
)


@house()
def against_step_size(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure | None:
    """Draw medians with quartiles: one panel per measure, one curve per group. None without numbers."""
    texts("names of groups", list(mapping("groups", groups)))
    for rows in groups.values():
        each_of("each of groups", rows, dict)
    drawn = {
        shown(name, 3 * LONGEST): Table.from_records(rows)
        for name, rows in list(groups.items())[:MOST_GROUPS]
    }
    every = Table.from_records([row for rows in groups.values() for row in rows])
    panels = [(_column(every, *names), text, log) for *names, text, log in PANELS]
    panels = [(column, text, log) for column, text, log in panels if column]
    if not panels or "step_size" not in every:
        return None
    wide = min(3, len(panels))
    high = -(-len(panels) // wide)
    figure, axes = canvas(high, wide, (4.0 * wide, 3.2 * high + 0.6), sharex=True)
    etas = [float(eta) for eta in np.unique(every["step_size"])]
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, (column, text, log) in zip(axes.flat, panels, strict=False):
        _panel(ax, drawn, column)
        _limits(ax, drawn, column, etas)
        _ticks(ax, etas)
        if log:
            number_ticks(ax)
        ax.tick_params(labelbottom=True)
        label(ax, "step size η", text)
    if len(drawn) == 1:
        mark_failures(axes.flat[0], every)
    shared_legend(figure, axes, columns=min(3, len(drawn) + 1))
    return figure


def _column(table: Table, *names: str) -> str:
    """Return the first of these columns that holds a number anywhere."""
    return next((n for n in names if n in table and np.isfinite(table[n].astype(float)).any()), "")


def _panel(ax: Axes, drawn: Mapping[str, Table], column: str) -> None:
    for i, (name, table) in enumerate(drawn.items()):
        if column in table:
            dodge = 0.03 * (i - 0.5 * (len(drawn) - 1))
            words = shown(name, 3 * LONGEST)
            band(ax, table, "step_size", column, words, series(i), dots=True, dodge=dodge, keep_dead=True)
            _hollow(ax, table, column, series(i), dodge)


def _hollow(ax: Axes, table: Table, column: str, look: Mapping[str, Any], dodge: float) -> None:
    """Draw hollow marks where runs were lost: those medians are over the runs that survived."""
    for eta in np.unique(table["step_size"][table["outcome"] != "finished"]):
        values = table.where(step_size=eta)[column].astype(float)
        if np.isfinite(values).any():
            left = {"marker": look["marker"], "color": look["color"], "mfc": "white", "ms": 5.5, "zorder": 4}
            ax.plot(eta * (1.0 + dodge), np.nanmedian(values), **left)


def _ticks(ax: Axes, etas: Sequence[float]) -> None:
    """Place a tick at each step size where their names are short, otherwise at round numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if max(len(f"{eta:g}") for eta in etas) <= 4:
        step_size_ticks(ax, etas)
        return
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=7))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _limits(ax: Axes, drawn: Mapping[str, Table], column: str, etas: Sequence[float]) -> None:
    """Draw what the theory says: the threshold of each group where they differ, 2/η where they do not."""
    look: dict[str, Any] = {"color": COLORS["black"], "lw": 1.2, "dashes": (5, 2)}
    if column.endswith("edge_ratio"):
        ax.axhline(1.0, label="threshold", **look)
    if column != "sharpness":
        return
    fine = np.geomspace(0.8 * etas[0], 1.25 * etas[-1], 50)
    factors = {name: _factor(table) for name, table in drawn.items()}
    if all(factor is None or abs(factor - 2.0) < 1e-9 for factor in factors.values()):
        ax.plot(fine, 2.0 / fine, label="threshold", **look)
        return
    for i, factor in enumerate(factors.values()):
        if factor is not None:
            ax.plot(fine, factor / fine, lw=0.9, color=line(i)["color"], dashes=(5, 2))


def _factor(table: Table) -> float | None:
    """Threshold times step size: the number that all runs of a group share, or None."""
    if "threshold" not in table:
        return None
    known = table["threshold"] * table["step_size"]
    known = known[np.isfinite(known)]
    return float(known[0]) if known.size and np.ptp(known) <= 1e-9 * abs(known[0]) else None
