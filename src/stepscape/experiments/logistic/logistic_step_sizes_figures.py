"""Figures of the claim `logistic-step-sizes`; they read its rows, curves and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.moments import MOMENTS
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.logistic.panels import (
    Cell,
    against_step_size,
    apart,
    drawn_cells,
    drawn_run,
    fitting_legend,
    panels,
    ribbon,
    say_diverged,
    shown_step_sizes,
)
from stepscape.figures.style import COLORS, canvas, note, number_ticks, series, shared_legend, step_size_ticks
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REGIONS = (
    ("excess_risk", "all inputs"),
    ("excess_risk_interior", "interior"),
    ("excess_risk_boundary", "boundary"),
)
ITERATES = (
    ("excess_risk", "mean of the last two iterates"),
    ("excess_risk_last", "last iterate"),
    ("excess_risk_before", "iterate before"),
)
POOLED = "step sizes within 10 % are pooled."
# Figure → column, its name on the axis, and what its caption says first.
BY_MOMENT = {
    "loss": (
        "loss_mean",
        "training loss",
        "The training loss of the mean of the last two iterates, one curve per moment, and that of the "
        "truth on the same labels; ",
    ),
    "weighted-tv": (
        "weighted_tv",
        "weighted variation ∫|f''|g",
        "The weighted variation ∫|f″|g, one curve per moment, medians and quartiles; ",
    ),
    "pieces": (
        "pieces",
        "linear pieces",
        "The linear pieces of the learned logit, within 0.2, one curve per moment; ",
    ),
    "excess-interior": (
        "excess_risk_interior",
        "excess risk, interior",
        "The excess risk in the interior, where the weight g is at least a tenth of its largest value, one "
        "curve per moment, medians and quartiles; ",
    ),
    "excess-everywhere": (
        "excess_risk",
        "excess risk, all inputs",
        "The excess risk over all inputs, one curve per moment, medians and quartiles; ",
    ),
}
FUNCTIONS = (
    "Learned logits of the first seed. Columns: step sizes; rows: at most three of the cells. In the gray "
    "band |f| is at most 1. If a curve leaves the axis, the number above says how far it goes."
)
SHARPNESS = (
    "The sharpness over the last half of training against the step size, medians and quartiles; step sizes "
    "within 10 % are pooled. Dashed: the threshold 2/η. Dotted: the untrained network; where it lies above "
    "2/η, runs start beyond the edge."
)
BY_REGION = (
    "The excess risk at the end of training over all inputs, in the interior, which the theory covers, and "
    "near the ends of the data, which it does not cover; "
)
SINGLE = (
    "The excess risk at the end of training of each of the last two iterates and of their mean, the "
    "solution; "
)
HELP = (
    "What the largest step size saves: one panel per moment, one line per cell, and one for all cells "
    "together; 95 % intervals, simultaneous over the cells. Blue marks that point right: the largest step "
    "size has less excess risk in the interior than the smallest; red marks that point left: it has more."
)


def functions(result: Result) -> Drawn:
    """Learned logits of the first seed at the end: one row per cell, one column per step size."""
    found, etas = drawn_cells(result), shown_step_sizes(result)
    size = (2.5 * len(etas) + 0.8, 2.3 * len(found) + 1.0)
    figure, axes = canvas(max(1, len(found)), max(1, len(etas)), size, sharex=True, sharey="row")
    for row, cell in zip(axes, found, strict=False):
        runs = [drawn_run(result, cell, eta) for eta in etas]
        for ax, eta, run in zip(row, etas, runs, strict=True):
            if run is not None:
                _function(ax, run)
            note(ax, _fate(result.table, cell, eta))
        top = 2.5 + 1.8 * max(float(np.abs(run.arrays["truth"]).max()) for run in runs if run is not None)
        row[0].set_ylim(-top, 1.35 * top)
        row[0].set_ylabel(f"amplitude {cell[0]:g}, flip rate {cell[1]:g}\nlogit f(x)", fontsize=10)
    for ax, eta in zip(axes[0], etas, strict=False):
        ax.set_title(f"step size η = {eta:g}", fontsize=10.5)
    for ax in axes[-1]:
        ax.set_xlabel("input x", fontsize=10)
    shared_legend(figure, axes, columns=4)
    return Drawn(figure, FUNCTIONS)


def _function(ax: Axes, run: Run) -> None:
    x = run.arrays["grid"]
    ax.axhspan(-1.0, 1.0, color=COLORS["gray"], alpha=0.15, lw=0, label="uncertain: |f| ≤ 1")
    _labels(ax, run.arrays["inputs"], run.arrays["labels"])
    ax.plot(x, run.arrays["truth"], color=COLORS["black"], lw=1.2, dashes=(4, 2), label="truth f0")
    ax.plot(
        x, run.arrays["f"][-1], color=COLORS["blue"], lw=1.8, label="learned f, mean of the last two iterates"
    )


def _labels(ax: Axes, inputs: NDArray[Any], labels: NDArray[Any]) -> None:
    """Draw ticks at the upper margin for labels +1 and at the lower one for −1."""
    for sign, low, high in ((1.0, 0.8, 0.84), (-1.0, 0.01, 0.05)):
        across = np.repeat(inputs[labels == sign], 3)
        along = np.tile([low, high, np.nan], across.size // 3)
        name = "inputs with label +1 (above), −1 (below)" if sign > 0 else None
        ax.plot(
            across, along, color=COLORS["vermilion"], lw=0.8, transform=ax.get_xaxis_transform(), label=name
        )


def _fate(table: Table, cell: Cell, eta: float) -> str:
    rows = table.where(amplitude=cell[0], flip_rate=cell[1], step_size=eta)
    rows = rows.where(seed=rows["seed"].min()) if len(rows) else rows
    if not len(rows) or rows["outcome"][0] == "diverged":
        return "diverged" if len(rows) else ""
    return f"excess risk {rows['excess_risk'][0]:.3g}\nlargest |f| {rows['largest_logit'][0]:.3g}"


def sharpness(table: Table) -> Drawn:
    """λ_max against η with the line 2/η, and the sharpness of the start."""
    figure, axes, cells = panels(table)
    etas = np.unique(table["step_size"])
    if "edge_ratio" in table:
        table = Table({**table.columns, "at_end": table["edge_ratio"] * 2.0 / table["step_size"]})
    for cell, ax in cells.items():
        rows = table.where(amplitude=cell[0], flip_rate=cell[1])
        ax.plot(etas, 2.0 / etas, color=COLORS["black"], lw=1.2, dashes=(5, 2), label="threshold 2/η")
        start = float(np.median(rows["initial_sharpness"]))
        ax.axhline(start, color=COLORS["gray"], lw=1.1, dashes=(1.5, 1.5), label="sharpness of the start")
        if "at_end" in rows:
            word = r"$\lambda_{\max}$: mean of both iterates over the last half of the steps"
            ribbon(ax, rows, "at_end", word, series(0))
        say_diverged(ax, rows)
        step_size_ticks(ax, apart(etas))
    for row in axes:
        row[0].set_ylabel(r"sharpness $\lambda_{\max}$", fontsize=10)
    number_ticks(axes[0, 0])
    fitting_legend(figure, axes)
    return Drawn(figure, SHARPNESS)


def by_moment(table: Table, name: str) -> Drawn:
    """Draw one quantity against the step size in every cell, one curve per moment."""
    column, axis, caption = BY_MOMENT[name]
    names = {f"{column}{suffix}": moment.words for suffix, moment in MOMENTS.items()}
    columns = [(each, word) for each, word in names.items() if each in table]
    level = ("loss_truth", "loss of the truth") if name == "loss" else ("", "")
    return Drawn(against_step_size(table, columns, axis, *level), caption + POOLED)


def regions(table: Table) -> Drawn:
    """Excess risk at the end by region."""
    return Drawn(against_step_size(table, REGIONS, "excess risk at the end"), BY_REGION + POOLED)


def iterates(table: Table) -> Drawn:
    """Excess risk at the end of each of the last two iterates and of their mean."""
    return Drawn(against_step_size(table, ITERATES, "excess risk at the end"), SINGLE + POOLED)


def helped(found: Mapping[str, Mapping[str, Interval]]) -> Drawn:
    """One panel per moment, one line per cell: interval of what the largest step size saves."""
    names = list(dict.fromkeys(cell for by_cell in found.values() for cell in by_cell))
    columns = max(1, len(found))
    size = (1.75 * columns + 2.6, 0.32 * len(names) + 1.9)
    figure, axes = canvas(1, columns, size, sharey=True)
    for ax, (moment, by_cell) in zip(axes[0], found.items(), strict=False):
        _forest(ax, [by_cell.get(name) for name in names])
        ax.set_title(moment.replace(" at ", "\nat "), fontsize=9.5)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(max(1, len(names)) - 0.5, -0.5)
    axis = (
        "log10 of interior excess risk, smallest over largest step size, 95 % (right of 0: large steps help)"
    )
    figure.supxlabel(axis, fontsize=10)
    return Drawn(figure, HELP)


def _forest(ax: Axes, found: Sequence[Interval | None]) -> None:
    """Draw the intervals; marks are filled where 0 is left out."""
    ax.axvline(0.0, color=COLORS["black"], lw=1.0)
    for place, interval in enumerate(found):
        if interval is None or not np.isfinite(interval.low):
            continue
        color = COLORS[{1: "blue", -1: "vermilion", 0: "gray"}[interval.sign]]
        marker = {1: ">", -1: "<", 0: "o"}[interval.sign]
        ax.plot([interval.low, interval.high], [place, place], color=color, lw=1.5)
        ax.plot(interval.mean, place, marker, color=color, ms=6, mfc=color if interval.sign else "white")
    ax.locator_params(axis="x", nbins=3)
