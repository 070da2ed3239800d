"""Figures of the experiment `sharpness-vs-step-size`; they read its table and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.figures.bands import band, mark_failures
from stepscape.figures.style import (
    COLORS,
    canvas,
    evenly_ranked,
    label,
    line,
    note,
    number_ticks,
    series,
    shared_legend,
    step_size_ticks,
)
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 5
CURVATURES = (
    ("median_sharpness", r"$\lambda_{\max}$, mean of two iterates, median of last half"),
    ("median_smoothness", "directional smoothness"),
)
NEURONS = (
    ("bent_neurons", "neurons bent inside the data"),
    ("dead_neurons", "dead neurons"),
    ("knots_at_data", "neurons with a knot on an input"),
)


def edge(table: Table, arms: Sequence[str]) -> Figure:
    """λ_max against η with the line 2/η; below, neurons that bend the curve and knots stuck to data."""
    figure, axes = canvas(2, len(arms), (3.7 * len(arms) + 0.4, 6.9), sharex=True, sharey="row")
    etas = np.unique(table["step_size"])
    fine = np.geomspace(0.8 * etas[0], 1.25 * etas[-1], 50)
    for column, arm in enumerate(arms):
        rows = table.where(arm=arm)
        upper, lower = axes[:, column]
        upper.plot(fine, 2.0 / fine, color=COLORS["black"], lw=1.2, dashes=(5, 2), label="threshold 2/η")
        _swings(upper, rows)
        for i, (name, word) in enumerate(CURVATURES):
            if name in rows:
                band(upper, rows, "step_size", name, word, series(i), dots=i == 0, dodge=0.06 * i)
        for i, (name, word) in enumerate(NEURONS):
            if name in rows:
                look, dodge = series(i + 2), 0.06 * (i - 1)
                band(lower, rows, "step_size", name, word, look, keep_dead=True, dodge=dodge)
        mark_failures(upper, rows)
        step_size_ticks(lower, [float(eta) for eta in etas])
        label(upper, title=ARM_TITLES.get(arm, arm))
        label(lower, x="step size η")
    number_ticks(axes[0, 0])
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max}$ of the loss Hessian", fontsize=10)
    axes[1, 0].set_ylabel("number of neurons", fontsize=10)
    axes[1, 0].set_ylim(bottom=0)
    shared_legend(figure, axes, columns=4)
    return figure


def _swings(ax: Axes, rows: Table) -> None:
    """Gray bars from one phase of the period-two oscillation to the other, medians over the seeds."""
    if "swing" not in rows:
        return
    rows = Table({name: rows[name][rows["bent_neurons"] > 0] for name in rows.columns})
    for eta in np.unique(rows["step_size"]):
        here = rows.where(step_size=eta)
        middle, swing = np.median(here["median_sharpness"]), np.median(here["swing"]) * 2.0 / eta
        look: dict[str, Any] = {"color": COLORS["gray"], "lw": 5.0, "alpha": 0.35, "solid_capstyle": "butt"}
        ax.plot([eta, eta], [middle - swing, middle + swing], label="between two iterates", **look)


def sharpening(
    arrays: Mapping[str, NDArray[Any]], arms: Sequence[str], step_sizes: Sequence[float]
) -> Figure:
    """Sharpness over the steps (above) and over time Σ η (below), with each threshold as a thin line."""
    figure, axes = canvas(2, len(arms), (3.7 * len(arms) + 0.4, 6.4), sharey=True, sharex="row")
    shown = evenly_ranked(step_sizes, MOST_CURVES)
    for column, arm in enumerate(arms):
        for row, across in enumerate(("steps", "time")):
            ax = axes[row, column]
            for i, eta in enumerate(shown):
                _follow(ax, arrays, f"{arm}|{eta:g}", across, eta, i)
        axes[0, column].xaxis.get_major_locator().set_params(nbins=4)
        label(axes[0, column], x="steps", title=ARM_TITLES.get(arm, arm))
        label(axes[1, column], x="time Σ η")
        if any((arrays[f"time|{arm}|{eta:g}"] > 0).any() for eta in shown):
            axes[1, column].set_xscale("log")
    number_ticks(axes[0, 0])
    said = [_say_lost(ax, arrays, arm, shown) for ax, arm in zip(axes[0], arms, strict=True)]
    if any(said):  # room above every curve and threshold
        axes[0, 0].set_ylim(top=axes[0, 0].get_ylim()[1] * 1.4 ** max(said))
    for row in axes:
        row[0].set_ylabel(r"sharpness $\lambda_{\max}$ of the loss Hessian", fontsize=10)
    axes[0, 0].plot([], [], color=COLORS["gray"], lw=0.9, linestyle=(0, (1, 1)), label="thresholds 2/η")
    shared_legend(figure, axes, columns=len(shown) + 1)
    return figure


def _follow(
    ax: Axes, arrays: Mapping[str, NDArray[Any]], key: str, across: str, eta: float, index: int
) -> None:
    look = line(index)
    threshold = ax.axhline(2.0 / eta, color=look["color"], lw=0.8, alpha=0.7, zorder=1)
    threshold.set_linestyle((0, (1, 1)))
    x, sharpness, bent = (arrays[f"{name}|{key}"] for name in (across, "sharpness", "bent"))
    keep = x > 0 if across == "time" else x >= 0
    ax.plot(x[keep], sharpness[keep], lw=1.2, label=f"η = {eta:g}", **look)
    if bent[-1] == 0:
        ax.plot(x[keep][-1:], sharpness[keep][-1:], "X", color=look["color"], ms=8, mec="white")


def _say_lost(ax: Axes, arrays: Mapping[str, NDArray[Any]], arm: str, step_sizes: Sequence[float]) -> int:
    """Name the step sizes whose first seed diverged at once, or lost all its neurons (×); how many lines."""
    gone = [f"{eta:g}" for eta in step_sizes if arrays[f"steps|{arm}|{eta:g}"].size == 1]
    dead = [f"{eta:g}" for eta in step_sizes if arrays[f"bent|{arm}|{eta:g}"][-1] == 0]
    lines = [f"diverged: η = {', '.join(gone)}"] if gone else []
    if gone:
        start = arrays[f"sharpness|{arm}|{gone[0]}"][0]
        lines.append(rf"(initial $\lambda_{{\max}}$ = {start:.0f})")
    lines += [f"× all neurons dead: η = {', '.join(dead)}"] if dead else []
    if lines:
        note(ax, "\n".join(lines), right=True)
    return len(lines)
