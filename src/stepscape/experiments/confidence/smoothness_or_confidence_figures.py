"""Figures of the claim `smoothness-or-confidence`; they read its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import band, mark_failures
from stepscape.figures.style import (
    COLORS,
    canvas,
    label,
    line,
    number_ticks,
    row_legend,
    series,
    shared_legend,
    step_size_ticks,
)
from stepscape.measures.transient import after_transient
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cell = tuple[float, float]
PLANES = (
    "Above: roughness against confidence during training, medians over seeds; the star is the truth. Below: "
    "the two factors that flatness bounds together, with the limit 2/η of each step size (thin). Curves "
    "begin when the loss has come to stay below that of the start."
)
TIME = (
    "Median and largest |f| over the inputs, roughness, and the edge ratio λ_max·η/2 against the steps; "
    "medians and quartiles over seeds."
)
EQUAL_LEVELS = (
    "Roughness when the runs come to equal confidence, confidence when they come to equal roughness, and "
    "the largest |f| at the end of training among the outer tenths of the inputs and among the others; "
    "medians and quartiles of the runs that come there."
)
MARKED = 10.0 ** np.arange(2, 9)  # steps at which a trajectory bears a mark
OVER_TIME = (
    ("confidence", "median |f|"),
    ("largest", "largest |f|"),
    ("weighted_tv", "∫|f''|g"),
    ("edge", "λ_max·η/2"),
)
LEVELS = (
    ("half", "half that of the truth"),
    ("truth", "that of the truth"),
    ("twice", "twice that of the truth"),
)


def cells_of(result: Result) -> list[Cell]:
    """Amplitudes and flip rates of the settings."""
    return [
        (a, rate)
        for a in sorted(result.settings["amplitudes"])
        for rate in sorted(result.settings["flip_rates"])
    ]


def planes(result: Result) -> Drawn:
    """Draw ∫|f''|g against median |f|, and below it the two sides that flatness trades."""
    table, cells, step_sizes = result.table, cells_of(result), sorted(result.settings["step_sizes"])
    figure, axes = canvas(2, len(cells), (3.8 * len(cells) + 0.6, 8.2), sharey="row")
    highest = 1.0
    for (upper, lower), cell in zip(axes.T, cells, strict=True):
        label(upper, x="confidence: median |f|", title=f"{title(cell)}\nmarks at 100, 1000, … steps")
        label(
            lower,
            x="1/D̄, D̄ = mean of s(f)(1 − s(f))",
            title="thin: 2/η over D̄, the limit at\nflat stationary points",
        )
        _truth(upper, within(table, cell))
        for i, eta in enumerate(step_sizes):
            path = {name: middle(result, name, cell, eta) for name in _PLANE}
            if path["steps"].size:
                highest = max(highest, _trajectories(upper, lower, path, eta, i))
        for ax in (upper, lower):
            number_ticks(ax, "x")
    for row, name in zip(axes, ("roughness: ∫|f''|g", "1 + 2 ∫|f''|g_D"), strict=True):
        row[0].set_ylabel(name, fontsize=10)
        if any(ax.lines for ax in row):
            number_ticks(row[0])
    axes[1, 0].set_ylim(0.9, 4.0 * highest)
    shared_legend(figure, axes, columns=3)
    return Drawn(figure, PLANES)


_PLANE = ("steps", "loss_mean", "confidence", "weighted_tv", "curvature", "curved_tv")


def _trajectories(upper: Axes, lower: Axes, path: Mapping[str, NDArray[Any]], eta: float, i: int) -> float:
    """Draw medians over seeds from where the loss stays below its start; return the top 1 + 2 ∫|f''|g_D."""
    path = after_transient(path)
    steps = path["steps"]
    if not steps.size:
        return 1.0
    look = marks(steps, i)
    upper.plot(path["confidence"], path["weighted_tv"], label=f"η = {eta:g}", **look)
    left = 1.0 + 2.0 * path["curved_tv"]
    curved = np.isfinite(left)
    if not curved.any():
        return 1.0
    over = 1.0 / np.where(curved, path["curvature"], np.nan)
    lower.plot(over, left, label=f"η = {eta:g}", **look)
    ends = np.array([np.nanmin(over), np.nanmax(over)])
    # From L1 at a stationary point: D̄ (1 + 2 ∫|f''|g_D) ≤ λ_max ≤ 2/η.
    lower.plot(ends, 2.0 / eta * ends, lw=0.9, **line(i))
    return float(left[curved].max())


def _truth(ax: Axes, rows: Table) -> None:
    if "confidence_truth" not in rows:
        return
    at, rough = _star(ax, rows, "confidence", "weighted_tv", "; dotted: half, once, twice")
    for factor in (0.5, 1.0, 2.0):
        ax.axvline(factor * at, color=COLORS["gray"], lw=0.8, dashes=(1, 2))
        ax.axhline(factor * rough, color=COLORS["gray"], lw=0.8, dashes=(1, 2))


def _star(ax: Axes, rows: Table, x: str, y: str, more: str = "") -> tuple[float, float]:
    """Mark the truth, in the median over the runs."""
    if f"{x}_truth" not in rows or f"{y}_truth" not in rows:
        return float("nan"), float("nan")
    at, high = (float(np.nanmedian(rows[f"{name}_truth"])) for name in (x, y))
    ax.plot([at], [high], "*", ms=13, color=COLORS["black"], label=f"the truth{more}", zorder=5, ls="none")
    return at, high


def title(cell: Cell) -> str:
    """Name the law of the labels."""
    flips = f", {cell[1]:g} flipped" if cell[1] else ""
    return f"true logit {cell[0]:g}·wave{flips}"


def within(table: Table, cell: Cell) -> Table:
    """Keep the rows of an amplitude and a flip rate."""
    if not len(table):
        return table
    return table.where(amplitude=cell[0], flip_rate=cell[1])


def marks(steps: NDArray[Any], index: int) -> dict[str, Any]:
    """Return the look of a curve with marks at round numbers of steps."""
    reached = MARKED[(steps[0] <= MARKED) & (steps[-1] >= MARKED)]
    return {**series(index), "lw": 1.4, "ms": 5.0, "markevery": np.searchsorted(steps, reached).tolist()}


def runs(result: Result, name: str, cell: Cell, step_size: float) -> NDArray[Any]:
    """One row per seed that finished, one column per record; empty if none did."""
    found = result.curves(name, amplitude=cell[0], flip_rate=cell[1], step_size=step_size)
    return np.array(found) if found else np.empty((0, 0))


def middle(result: Result, name: str, cell: Cell, step_size: float) -> NDArray[Any]:
    """Medians over seeds at each record."""
    found = runs(result, name, cell, step_size)
    return np.median(found, axis=0) if found.size else np.empty(0)


def over_time(result: Result) -> Drawn:
    """Draw confidence, largest |f|, roughness and edge ratio against the steps; medians and quartiles."""
    table, cells, step_sizes = result.table, cells_of(result), sorted(result.settings["step_sizes"])
    size = (3.7 * len(cells) + 0.6, 2.1 * len(OVER_TIME) + 1.0)
    figure, axes = canvas(len(OVER_TIME), len(cells), size, sharex=True, sharey="row")
    for column, cell in zip(axes.T, cells, strict=True):
        label(column[0], title=title(cell))
        for ax, (name, _) in zip(column, OVER_TIME, strict=True):
            for i, eta in enumerate(step_sizes):
                _follow(ax, result, name, cell, eta, line(i))
            _level(ax, within(table, cell), name)
        label(column[-1], x="steps")
    for row, (name, word) in zip(axes, OVER_TIME, strict=True):
        row[0].set_ylabel(word, fontsize=10)
        if name != "edge" and any(ax.lines for ax in row):
            number_ticks(row[0])
    axes[-1, 0].set_ylim(0.0, 2.0)
    axes[-1, 0].set_xscale("log")
    shared_legend(figure, axes, columns=4)
    return Drawn(figure, TIME)


def _follow(ax: Axes, result: Result, name: str, cell: Cell, eta: float, look: dict[str, Any]) -> None:
    values, steps = runs(result, name, cell, eta), middle(result, "steps", cell, eta)
    keep = steps >= 10
    if not keep.any():
        return
    low, center, high = np.quantile(values[:, keep], [0.25, 0.5, 0.75], axis=0)
    ax.plot(steps[keep], center, lw=1.4, label=f"η = {eta:g}", **look)
    ax.fill_between(steps[keep], low, high, color=look["color"], alpha=0.13, lw=0)


def _level(ax: Axes, rows: Table, name: str) -> None:
    if name == "edge":
        ax.axhline(1.0, color=COLORS["black"], lw=1.0, dashes=(1, 1), label="the edge, λ_max = 2/η")
    elif f"{name}_truth" in rows:
        at = np.nanmedian(rows[f"{name}_truth"])
        ax.axhline(at, color=COLORS["black"], lw=1.0, dashes=(5, 2), label="the truth")


def equal_levels(result: Result) -> Drawn:
    """Draw roughness at equal confidence, confidence at equal roughness, and the largest |f|."""
    table, cells = result.table, cells_of(result)
    figure, axes = canvas(3, len(cells), (3.7 * len(cells) + 0.6, 9.2), sharex=True, sharey="row")
    etas = [float(eta) for eta in np.unique(table["step_size"])]
    for column, cell in zip(axes.T, cells, strict=True):
        rows = within(table, cell)
        for i, (level, word) in enumerate(LEVELS):
            for ax, name in zip(
                column, ("weighted_tv_when_confidence", "confidence_when_weighted_tv"), strict=False
            ):
                if f"{name}_{level}" in rows:
                    band(ax, rows, "step_size", f"{name}_{level}", word, series(i), dodge=0.06 * (i - 1))
        for i, (name, word) in enumerate(
            (("largest_ends", "outer tenths"), ("largest_inside", ("other inputs")))
        ):
            if name in rows:
                band(column[2], rows, "step_size", name, word, series(i + 3), dodge=0.06 * i)
        mark_failures(column[0], rows)
        step_size_ticks(column[2], etas)
        label(column[0], title=title(cell))
        label(column[2], x="step size η")
    names = (
        "∫|f''|g when median |f|\ncomes to …",
        "median |f| when ∫|f''|g\ncomes to …",
        "largest |f| at the end,\namong …",
    )
    for row, name in zip(axes, names, strict=True):
        row[0].set_ylabel(name, fontsize=10)
        if any(ax.containers for ax in row):
            number_ticks(row[0])
    row_legend(figure, axes, names)
    return Drawn(figure, EQUAL_LEVELS)
