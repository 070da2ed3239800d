"""Figures of the claim `uncertain-regions`; they read its table and curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.moments import STEP_COUNTS
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.logistic.panels import (
    against_step_size,
    drawn_cells,
    drawn_run,
    fitting_legend,
    panels,
    shown_step_sizes,
)
from stepscape.figures.bands import band
from stepscape.figures.style import COLORS, canvas, series
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP_A = (
    ("overlap_left", "left: share of the inputs with |f0| ≤ 1 and |f| > 2"),
    ("overlap_right", "right: excess risk over κ"),
)
FLAT = (
    ("weighted_left", r"left: $\int|f''|\,g_D$, side form"),
    ("weighted_right", r"right: $(\lambda_{\max}+\|R\|)/(2\bar D) - ½$"),
    ("uncertain_best_left", r"left: $\int|f''|\,g_A$ at the best γ"),
    ("uncertain_best_right", "right: the bound at the best γ"),
)
REGIONS = (
    "Where the network is uncertain (gray) as training proceeds upward; black at the top: where the truth "
    "is uncertain. Columns: step sizes; rows: at most three of the cells; first seed."
)
# Column → its name on the axis, the column with the value of the truth, the caption.
OVER_STEPS = {
    "uncertain_overlap": (
        "overlap of |f| ≤ 1 and |f0| ≤ 1",
        "",
        "The overlap of the uncertain regions of network and truth (intersection over union) during "
        "training. If the truth is uncertain everywhere, it is the share of the network's own region.",
    ),
    "uncertain_share": (
        "share with |f| ≤ 1",
        "uncertain_share_truth",
        "The share of the inputs where the network is uncertain, during training; dashed: that of the truth.",
    ),
}
BOTH_OF_STEP_A = (
    "Both sides of the inequality that turns excess risk into overlap, at the end of training. Above the "
    "dashed line the bound says nothing."
)
BOTH_OF_BOUNDS = (
    "Both sides of two bounds on the variation where the network is uncertain, at the end of training: one "
    "weights each input by its curvature, the other takes the set of uncertain inputs with the best γ."
)


def regions(result: Result) -> Drawn:
    """Where |f| ≤ 1 over the steps, first seed: one row per cell, one column per step size."""
    found, etas = drawn_cells(result), shown_step_sizes(result)
    size = (2.5 * max(1, len(etas)) + 0.8, 2.3 * max(1, len(found)) + 1.0)
    figure, axes = canvas(max(1, len(found)), max(1, len(etas)), size, sharex=True, sharey=True)
    for row, cell in zip(axes, found, strict=False):
        for ax, eta in zip(row, etas, strict=True):
            run = drawn_run(result, cell, eta)
            if run is not None:
                _region(ax, run)
                _truth(ax, run)
        row[0].set_ylabel(f"amplitude {cell[0]:g}, flip rate {cell[1]:g}\nsteps", fontsize=10)
    for ax, eta in zip(axes[0], etas, strict=False):
        ax.set_title(f"step size η = {eta:g}", fontsize=10.5)
    for ax in axes[-1]:
        ax.set_xlabel("input x", fontsize=10)
    _region_legend(figure)
    return Drawn(figure, REGIONS)


def _region(ax: Axes, run: Run) -> None:
    """Shade |f| ≤ 1 at the recorded steps, each up to the middle of the next on the logarithmic axis.

    A single record after the start is not a region and leaves the panel empty.
    """
    steps, f, x = run.arrays["steps"][1:], run.arrays["f"][1:], run.arrays["grid"]
    if steps.size < 2:
        return
    ax.contourf(x, steps, f, levels=[-1.0, 1.0], colors=[COLORS["gray"]], alpha=0.55)
    ax.contour(x, steps, f, levels=[0.0], colors=[COLORS["blue"]], linewidths=1.2)
    ax.set_yscale("log")
    ax.set_ylim(1.0, float(steps[-1]) * 2.2)
    ax.grid(visible=False)


def _truth(ax: Axes, run: Run) -> None:
    """Draw a strip at the top where |f0| ≤ 1, and its ends as lines down the panel."""
    x, f0 = run.arrays["grid"], run.arrays["truth"]
    inside = np.abs(f0) <= 1.0
    ax.fill_between(
        x, 0.93, 1.0, where=inside.tolist(), color=COLORS["black"], lw=0, transform=ax.get_xaxis_transform()
    )
    for end in x[1:][np.diff(inside.astype(int)) != 0]:
        ax.axvline(end, color=COLORS["black"], lw=0.8, dashes=(3, 2))


def _region_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(color=COLORS["gray"], alpha=0.55), Patch(color=COLORS["black"]),
        Line2D([], [], color=COLORS["black"], lw=0.8, dashes=(3, 2)),
        Line2D([], [], color=COLORS["blue"], lw=1.2),
    ]  # fmt: skip
    names = [
        "|f| ≤ 1: the network is uncertain",
        "|f0| ≤ 1: the truth is uncertain",
        "ends of the truth's region",
        "f = 0",
    ]
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=9, frameon=False)


def over_steps(table: Table, column: str) -> Drawn:
    """Draw a column over the steps, one curve per step size, and the value of the truth."""
    name, level, caption = OVER_STEPS[column]
    figure, axes, cells = panels(table, "steps")
    for cell, ax in cells.items():
        rows = table.where(amplitude=cell[0], flip_rate=cell[1])
        for i, eta in enumerate(np.unique(table["step_size"])):
            _over_moments(ax, rows.where(step_size=eta), column, f"η = {eta:g}", i)
        if level and level in rows:
            value = float(np.nanmedian(rows[level]))
            ax.axhline(value, color=COLORS["black"], lw=1.1, dashes=(5, 2), label="truth")
        ax.set_xscale("log")
        ax.set_ylim(-0.02, 1.05)
    for row in axes:
        row[0].set_ylabel(name, fontsize=10)
    fitting_legend(figure, axes)
    return Drawn(figure, caption)


def _over_moments(ax: Axes, rows: Table, column: str, name: str, index: int) -> None:
    """Draw medians and quartiles at the step counts and at the end."""
    moments = [(count, f"{column}_{count}") for count in STEP_COUNTS if f"{column}_{count}" in rows]
    moments += [(int(rows["steps"][0]), column)] if column in rows and len(rows) else []
    stacked: dict[str, NDArray[Any]] = {
        "at": np.repeat([count for count, _ in moments], len(rows)).astype(float),
        "value": np.concatenate([rows[each] for _, each in moments]) if moments else np.empty(0),
    }
    if stacked["at"].size:
        band(ax, Table(stacked), "at", "value", name, series(index), dodge=0.06 * (index - 1))


def step_a(table: Table) -> Drawn:
    """Draw both sides of step A at the end; above the share where the truth is uncertain it says nothing."""
    level = "share where the truth is uncertain: a bound above it says nothing"
    name = "share of the inputs"
    figure = against_step_size(table, STEP_A, name, "uncertain_share_truth", level, log=False)
    return Drawn(figure, BOTH_OF_STEP_A)


def bounds(table: Table) -> Drawn:
    """Draw both sides of the bounds on the variation where the network is uncertain, at the end."""
    return Drawn(against_step_size(table, FLAT, "both sides at the end"), BOTH_OF_BOUNDS)
