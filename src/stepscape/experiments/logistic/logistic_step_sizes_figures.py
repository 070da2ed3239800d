"""Figures of the experiment `logistic-step-sizes`; they read its table and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.logistic.panels import (
    Cell,
    against_step_size,
    apart,
    fitting_legend,
    panels,
    ribbon,
    say_diverged,
)
from stepscape.figures.style import COLORS, canvas, note, number_ticks, series, shared_legend, step_size_ticks
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arrays = Mapping[str, NDArray[Any]]
MOST_CELLS = 3
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


def functions(table: Table, arrays: Arrays, shown: Sequence[float]) -> Figure:
    """Learned logits of the first seed at the end: one row a cell, one column a step size."""
    found = drawn_cells(arrays)
    etas = [eta for eta in shown if any(f"f|{key(cell, eta)}" in arrays for cell in found)]
    figure, axes = canvas(
        max(1, len(found)), max(1, len(etas)), (2.5 * len(etas) + 0.8, 2.3 * len(found) + 1.0), sharex=True,
        sharey="row",
    )  # fmt: skip
    for row, cell in zip(axes, found, strict=False):
        for ax, eta in zip(row, etas, strict=True):
            _function(ax, arrays, cell, eta)
            note(ax, _fate(table, cell, eta))
        top = 2.5 + 1.8 * float(np.abs(arrays[f"truth|{key(cell)}"]).max())
        row[0].set_ylim(-top, 1.35 * top)
        row[0].set_ylabel(f"amplitude {cell[0]:g}, flip rate {cell[1]:g}\nlogit f(x)", fontsize=10)
    for ax, eta in zip(axes[0], etas, strict=False):
        ax.set_title(f"step size η = {eta:g}", fontsize=10.5)
    for ax in axes[-1]:
        ax.set_xlabel("input x", fontsize=10)
    shared_legend(figure, axes, columns=4)
    return figure


def drawn_cells(arrays: Arrays) -> list[Cell]:
    """At most three of the cells with curves, ends included."""
    names = [name.split("|")[1:] for name in arrays if name.startswith("truth|")]
    ordered = sorted((float(amplitude), float(rate)) for amplitude, rate in names)
    if not ordered:
        return []
    keep = np.unique(np.round(np.linspace(0, len(ordered) - 1, MOST_CELLS)).astype(int))
    return [ordered[i] for i in keep]


def key(cell: Cell, step_size: float | None = None) -> str:
    """Name a cell, or a drawn run of it, in the arrays."""
    return f"{cell[0]:g}|{cell[1]:g}" + ("" if step_size is None else f"|{step_size:g}")


def _function(ax: Axes, arrays: Arrays, cell: Cell, eta: float) -> None:
    x, inputs, labels = (arrays[f"{name}|{key(cell)}"] for name in ("grid", "inputs", "labels"))
    ax.axhspan(-1.0, 1.0, color=COLORS["gray"], alpha=0.15, lw=0, label="uncertain: |f| ≤ 1")
    _labels(ax, inputs, labels)
    ax.plot(x, arrays[f"truth|{key(cell)}"], color=COLORS["black"], lw=1.2, dashes=(4, 2), label="truth f0")
    if f"f|{key(cell, eta)}" in arrays:
        f = arrays[f"f|{key(cell, eta)}"][-1]
        ax.plot(x, f, color=COLORS["blue"], lw=1.8, label="learned f, mean of the last two iterates")


def _labels(ax: Axes, inputs: NDArray[Any], labels: NDArray[Any]) -> None:
    """Ticks at the upper margin for labels +1 and at the lower one for −1."""
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


def sharpness(table: Table) -> Figure:
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
    return figure


def by_moment(
    table: Table, column: str, words: Mapping[str, str], name: str, level: str = "", level_name: str = ""
) -> Figure:
    """Draw one quantity against the step size in every cell, a curve a moment; `words` go by suffix."""
    columns = [(f"{column}{suffix}", word) for suffix, word in words.items() if f"{column}{suffix}" in table]
    return against_step_size(table, columns, name, level, level_name)


def regions(table: Table) -> Figure:
    """Excess risk at the end by region."""
    return against_step_size(table, REGIONS, "excess risk at the end")


def iterates(table: Table) -> Figure:
    """Excess risk at the end of each of the last two iterates and of their mean."""
    return against_step_size(table, ITERATES, "excess risk at the end")


def intervals(found: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """One panel a moment, one line a cell: interval of the excess risk that the largest step size saves."""
    names = list(dict.fromkeys(cell for by_cell in found.values() for cell in by_cell))
    columns = max(1, len(found))
    size = (1.75 * columns + 2.6, 0.32 * len(names) + 1.9)
    figure, axes = canvas(1, columns, size, sharey=True)
    for ax, (moment, by_cell) in zip(axes[0], found.items(), strict=False):
        _forest(ax, [by_cell.get(name) for name in names])
        ax.set_title(moment.replace("_", " "), fontsize=9.5)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(max(1, len(names)) - 0.5, -0.5)
    said = "log10 of interior excess risk, smallest over largest step size, 95 % (right of 0: large helps)"
    figure.supxlabel(said, fontsize=10)
    return figure


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
