"""The figure of a user's sweep: what was measured, against the step size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.arguments import each_of, mapping, texts
from stepscape.figures.bands import failures, quartiles, ribbon, usable
from stepscape.figures.house import house
from stepscape.figures.legends import line, series, shared_legend
from stepscape.figures.references import THEORY
from stepscape.figures.style import SECONDARY, canvas, label
from stepscape.figures.text import LONGEST, shown
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import at_the_edge, finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_GROUPS = 7  # looks that can be told apart
WIDTHS = (4.6, 7.2, 7.2)  # inches, by columns of panels
PANELS = (  # column, the one it stands in for where that is missing, name of the axis, logarithmic?
    ("sharpness", "", "sharpness λ_max", True),
    ("median_edge_ratio", "edge_ratio", "edge ratio", False),
    ("loss", "", "training loss", True),
    ("risk", "", "risk", True),
    ("excess_risk", "", "excess risk", True),
    ("test_error", "", "error on held-out rows", True),
    ("pieces", "", "pieces", False),
    ("risk_population", "", "risk, fresh inputs", True),
    ("excess_risk_population", "", "excess risk, fresh inputs", True),
    ("path_rate", "", "path-weighted rate", False),
    ("dead_share", "", "share of dead neurons", False),
    ("trace", "", "trace of the Hessian", True),
    ("bent_neurons", "", "bent neurons", False),
)
MOST_PANELS = 6
PRECONDITIONED = "preconditioned_sharpness"  # what the thresholds of adaptive methods are about


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
    panels = [(column, text, log) for column, text, log in panels if column][:MOST_PANELS]
    if not panels or "step_size" not in every:
        return None
    wide = min(3, len(panels))
    high = -(-len(panels) // wide)
    figure, axes = canvas(high, wide, (WIDTHS[wide - 1], 2.3 * high + 1.0), sharex=True)
    etas = [float(eta) for eta in np.unique(every["step_size"])]
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, (column, text, log) in zip(axes.flat, panels, strict=False):
        _panel(ax, drawn, column)
        _limits(ax, drawn, column)
        step_size_ticks(ax, etas)
        if log:
            number_ticks(ax)
        ax.tick_params(labelbottom=True)
        label(ax, "step size η", "", text.replace("λ_max", r"$\lambda_{\max}$"))
    shared_legend(figure, axes, columns=min(3, len(drawn) + 1))
    finding(figure, _title(every, panels[0]))
    return figure


def _title(table: Table, panel: tuple[str, str, bool]) -> str:
    """Say how many runs came to the edge of stability; without it, what the first panel shows."""
    runs = f"{len(table)} runs"
    lost = failures(table) if "outcome" in table and np.any(table["outcome"] == "finished") else ""
    after = f"; {lost}" if lost else ""
    if ratios := _column(table, "median_edge_ratio", "edge_ratio"):
        return at_the_edge(table[ratios].astype(float)) + after
    places, (_, middle, _) = quartiles(*usable(table, "step_size", panel[0], keep_dead=True))
    ends = f"from {number(float(middle[0]))} at η = {short(places[0])} to {number(float(middle[-1]))}"
    return f"The median {panel[1]} of {runs} goes {ends} at η = {short(places[-1])}{after}"


def _column(table: Table, *names: str) -> str:
    """Return the first of these columns that holds a number anywhere."""
    return next((n for n in names if n in table and np.isfinite(table[n].astype(float)).any()), "")


def _panel(ax: Axes, drawn: Mapping[str, Table], column: str) -> None:
    for i, (name, table) in enumerate(drawn.items()):
        if column in table:
            ribbon(
                ax,
                table,
                "step_size",
                column,
                series(i),
                dots=True,
                keep_dead=True,
                width=SECONDARY,
                label=name,
            )
            _hollow(ax, table, column, series(i))


def _hollow(ax: Axes, table: Table, column: str, look: Mapping[str, Any]) -> None:
    """Draw hollow marks where runs were lost: those medians are over the runs that survived."""
    for eta in np.unique(table["step_size"][table["outcome"] != "finished"]):
        values = table.where(step_size=eta)[column].astype(float)
        if np.isfinite(values).any():
            left = {"marker": look["marker"], "color": look["color"], "mfc": "white", "ms": 6.0, "zorder": 5}
            ax.plot(eta, np.nanmedian(values), linestyle="none", **left)


def _limits(ax: Axes, drawn: Mapping[str, Table], column: str) -> None:
    """Draw what the theory says: the threshold of each group where they differ, 2/η where they do not.

    Thresholds of adaptive methods are about the preconditioned sharpness, and are not drawn.
    """
    if column.endswith("edge_ratio"):
        ax.axhline(1.0, label="threshold", **THEORY)
    plain = {i: table for i, table in enumerate(drawn.values()) if not _column(table, PRECONDITIONED)}
    if column != "sharpness" or not plain:
        return
    etas = np.concatenate([table["step_size"].astype(float) for table in plain.values()])
    fine = np.geomspace(0.8 * etas.min(), 1.25 * etas.max(), 50)
    factors = {i: _factor(table) for i, table in plain.items()}
    if all(factor is None or abs(factor - 2.0) < 1e-9 for factor in factors.values()):
        ax.plot(fine, 2.0 / fine, label="threshold", **THEORY)
        return
    for i, factor in factors.items():
        if factor is not None:
            ax.plot(fine, factor / fine, **{**THEORY, **line(i), "linestyle": THEORY["linestyle"]})


def _factor(table: Table) -> float | None:
    """Threshold times step size: the number that all runs of a group share, or None."""
    if "threshold" not in table:
        return None
    known = table["threshold"] * table["step_size"]
    known = known[np.isfinite(known)]
    return float(known[0]) if known.size and np.ptp(known) <= 1e-9 * abs(known[0]) else None
