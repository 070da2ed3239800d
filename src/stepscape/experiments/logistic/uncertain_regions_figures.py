"""Figures of the claim `uncertain-regions`; they read its table and curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.moments import STEP_COUNTS
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.logistic.logistic_step_sizes_figures import POOLED, seeds_of
from stepscape.experiments.logistic.panels import (
    Cell,
    cell_name,
    drawn_cells,
    drawn_run,
    pooled,
    shown_step_sizes,
)
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, eta_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OVER_STEPS = {
    "uncertain_share": "share of inputs with $|f| \\leq 1$",
    "uncertain_overlap": "overlap with the region of the truth",
}
_REGIONS = (
    "Where the midpoint network is uncertain (gray: |f| at most 1; blue: f = 0) as training proceeds upward, "
    "first seed, {cell}, one panel for each step size η; "
    "black at the top and dotted: where the truth is uncertain."
)


def regions(result: Result) -> Drawn:
    """Where |f| ≤ 1 over the steps, first seed, in the last of the cells, one panel per step size."""
    found = drawn_cells(result)[-1:]
    figure = _regions(result, found, (DOUBLE[0], 2.9))
    title = _regions_title(result.table)
    finding(figure, title)
    return Drawn(figure, f"{title}. {_REGIONS.format(cell=cell_name(found[0]) if found else 'no cell')}")


def regions_all(result: Result) -> Drawn:
    """Where |f| ≤ 1 over the steps, first seed, in up to three cells."""
    found = drawn_cells(result)
    figure = _regions(result, found, (DOUBLE[0], 1.7 * max(1, len(found)) + 1.2))
    title = _regions_title(result.table)
    finding(figure, title)
    return Drawn(figure, f"{title}. {_REGIONS.format(cell='one row per cell')}")


def _regions_title(table: Table) -> str:
    works = table.rows(STEP_SIZES.counts(table))
    if "uncertain_share_100" not in works:
        return "No run was measured after 100 steps"
    early, late = median(works["uncertain_share_100"]), median(works["uncertain_share"])
    truth = median(works["uncertain_share_truth"])
    return (
        f"The network is uncertain at {100 * early:.0f} % of the inputs after 100 steps and at "
        f"{100 * late:.0f} % in the end; the truth is so at {100 * truth:.0f} % (medians of all runs)"
    )


def _regions(result: Result, found: list[Cell], size: tuple[float, float]) -> Figure:
    etas = shown_step_sizes(result)
    figure, axes = canvas(max(1, len(found)), max(1, len(etas)), size, sharex=True, sharey=True)
    for row, cell in zip(axes, found, strict=False):
        for ax, eta in zip(row, etas, strict=True):
            run = drawn_run(result, cell, eta)
            if run is not None:
                _region(ax, run)
                _truth(ax, run)
        name = f"{cell_name(cell)}\nsteps".replace(", ", "\n") if len(found) > 1 else "steps"
        row[0].set_ylabel(name, fontsize=10)
    for ax, eta in zip(axes[0], etas, strict=False):
        ax.set_title(f"η = {eta:g}", fontsize=10, loc="left")
    for ax in axes[-1]:
        ax.set_xlabel("input x", fontsize=10)
    return figure


def _region(ax: Axes, run: Run) -> None:
    """Shade |f| ≤ 1 at the recorded steps, each up to the middle of the next on the logarithmic axis.

    A single record after the start is not a region and leaves the panel empty.
    """
    steps, f, x = run.arrays["steps"][1:], run.arrays["f"][1:, ::3], run.arrays["grid"][::3]
    if steps.size < 2:
        return
    ax.contourf(x, steps, f, levels=[-1.0, 1.0], colors=[COLORS["gray"]], alpha=0.55)
    ax.contour(x, steps, f, levels=[0.0], colors=[COLORS["blue"]], linewidths=SECONDARY)
    number_ticks(ax)
    ax.set_ylim(1.0, float(steps[-1]) * 2.2)


def _truth(ax: Axes, run: Run) -> None:
    """Draw a strip at the top where |f0| ≤ 1, and its ends as lines down the panel."""
    x, inside = run.arrays["grid"], np.abs(run.arrays["truth"]) <= 1.0
    top = ax.get_xaxis_transform()
    ax.fill_between(x, 0.93, 1.0, where=inside.tolist(), color=COLORS["black"], lw=0, transform=top)
    for end in x[1:][np.diff(inside.astype(int)) != 0]:
        guide(ax, float(end), vertical=True)


def over_steps(table: Table) -> Drawn:
    """Share of the uncertain inputs and overlap over the steps, one curve per step size, over all cells."""
    figure, axes = canvas(1, len(OVER_STEPS), DOUBLE, sharex=True, sharey=True)
    for ax, (column, name) in zip(axes[0], OVER_STEPS.items(), strict=True):
        rows = _asked(table) if column == "uncertain_overlap" else table
        for eta in np.unique(table["step_size"]):
            stacked = _moments(rows.where(step_size=eta), column)
            line = ribbon(ax, stacked, "at", "value", marks(eta_color(eta))) if len(stacked) else None
            if line is not None:
                name_at_end(ax, line, f"{eta:g}")
        if column == "uncertain_share" and "uncertain_share_truth" in table:
            guide(ax, median(table["uncertain_share_truth"]), "truth, median", above=False)
        number_ticks(ax, "x")
        ax.set_ylim(0.0, 1.05)
        label(ax, "steps", title=name)
    title = _steps_title(table)
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. Left: the share of the inputs at which the midpoint network is uncertain, over the steps, "
        "one curve per step size (at its end). Right: its overlap with the region of the truth (intersection "
        "over union), in the cells where the truth is certain somewhere. Medians over cells and seeds, with "
        f"quartiles as a band; dotted: the share of the truth. {seeds_of(table)}",
    )


def _asked(table: Table) -> Table:
    if "uncertain_share_truth" not in table:
        return table
    return table.rows(~(table["uncertain_share_truth"] >= 1.0 - 1e-9))


def _moments(rows: Table, column: str) -> Table:
    """Values at the step counts and at the end, one row per run and moment."""
    moments = [(count, f"{column}_{count}") for count in STEP_COUNTS if f"{column}_{count}" in rows]
    moments += [(int(rows["steps"][0]), column)] if column in rows and len(rows) else []
    if not moments:
        return Table({"at": np.empty(0), "value": np.empty(0)})
    return Table({
        "at": np.repeat([float(count) for count, _ in moments], len(rows)),
        "value": np.concatenate([rows[each].astype(float) for _, each in moments]),
    })  # fmt: skip


def _steps_title(table: Table) -> str:
    etas = STEP_SIZES.working(table)
    if "uncertain_share" not in table or not etas.size:
        return "No run ended with a curve"
    ends = [median(table["uncertain_share"][table["step_size"] == eta]) for eta in (etas[0], etas[-1])]
    steps = short(median(table["steps"]))
    return (
        f"After {steps} steps the network is uncertain at {100 * ends[0]:.0f} % of the "
        f"inputs at η = {etas[0]:g} and at {100 * ends[1]:.0f} % at η = {etas[-1]:g}"
    )


def bounds(table: Table) -> Drawn:
    """Both sides of step A and of the bound on the variation, at the end of training."""
    figure, axes = canvas(1, 2, DOUBLE)
    sides = {
        "overlap": "share certain where\nthe truth is not",
        "weighted": r"variation $\int|f''|\,g_D$",
    }
    for ax, (name, words) in zip(axes[0], sides.items(), strict=True):
        for side, look in (("right", CONTRAST), ("left", MEASURED)):
            line = pooled(ax, table, "step_size", f"{name}_{side}", look.line)
            if line is not None:
                name_at_end(ax, line, {"left": "measured", "right": "bound"}[side])
        step_size_ticks(ax, np.unique(table["step_size"]).tolist())
        label(ax, "step size η", title=words)
    if "uncertain_share_truth" in table:
        guide(
            axes[0, 0],
            median(table["uncertain_share_truth"]),
            "truth, median: vacuous above",
            at=0.98,
            above=False,
        )
    if axes[0, 1].lines:
        number_ticks(axes[0, 1])
    title = _bounds_title(table)
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. Left: the share of the inputs that are certain where the truth is not, and its bound, the "
        "excess risk over κ; the bound says nothing above the share at which the truth is uncertain "
        "(dotted). Right: the variation of the slope weighted by the curvature of the examples, and its "
        "bound by λ_max. Blue: measured; vermilion: bound." + POOLED.format(seeds=seeds_of(table)),
    )


def _bounds_title(table: Table) -> str:
    works = STEP_SIZES.counts(table)
    if "overlap_right" not in table or not works.any():
        return "No run ended: there is no bound to check"
    speaks = fraction((table["overlap_right"] < table["uncertain_share_truth"])[works])
    loose = median((table["weighted_right"] / table["weighted_left"])[works])
    return (
        f"The bound on the overlap says something in {100 * speaks:.0f} % of the runs; the one on the "
        f"variation is {number(loose, 2)} times what is measured"
    )
