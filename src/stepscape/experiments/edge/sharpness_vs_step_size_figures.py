"""Figures of the claim `sharpness-vs-step-size`; they read its runs and compute no measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.frame import Drawn, Result, Run
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

MOST_CURVES = 5
CURVATURES = (
    ("median_sharpness", r"$\lambda_{\max}$ of the midpoint, median of last half"),
    ("median_smoothness", "directional smoothness"),
)
NEURONS = (
    ("bent_neurons", "neurons bent inside the data"),
    ("dead_neurons", "dead neurons"),
    ("knots_at_data", "neurons with a knot on an input"),
)
EDGE = (
    "Above: the sharpness at the end of training against the step size. The dashed line is 2/η; nothing is "
    "fitted. Faint marks show every run. Below: how many of the neurons bend among the data, are dead, or "
    "have their kink stuck to an input, where the Hessian does not see it."
)
SHARPENING = (
    "Sharpness during training, over steps and over training time Σ η, with the threshold 2/η of each step "
    "size as a thin line. From a small initialization the sharpness rises until it meets its threshold: "
    "progressive sharpening. With warm-up it starts above and follows the falling threshold down. Either "
    "way it then stays there."
)


def edge(result: Result) -> Drawn:
    """λ_max against η with the line 2/η; below, neurons that bend the curve and knots stuck to data."""
    table, arms = result.table, result.settings["arms"]
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
    return Drawn(figure, EDGE)


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


def sharpening(result: Result) -> Drawn:
    """Sharpness over the steps (above) and over time Σ η (below), with each threshold as a thin line."""
    arms = result.settings["arms"]
    shown = evenly_ranked(sorted(result.settings["step_sizes"]), MOST_CURVES)
    figure, axes = canvas(2, len(arms), (3.7 * len(arms) + 0.4, 6.4), sharey=True, sharex="row")
    room = 0
    for column, arm in enumerate(arms):
        runs = {run["step_size"]: run for run in reversed(result.drawn("sharpness", arm=arm))}
        for ax, across in zip(axes[:, column], ("steps", "time"), strict=True):
            for i, eta in enumerate(shown):
                _threshold(ax, eta, i)
                if eta in runs:
                    _follow(ax, runs[eta], across, eta, i)
        axes[0, column].xaxis.get_major_locator().set_params(nbins=4)
        label(axes[0, column], x="steps", title=ARM_TITLES.get(arm, arm))
        label(axes[1, column], x="time Σ η")
        if any((run.arrays["time"] > 0).any() for eta, run in runs.items() if eta in shown):
            axes[1, column].set_xscale("log")
        room = max(room, _say_lost(axes[0, column], {eta: runs[eta] for eta in shown if eta in runs}))
    number_ticks(axes[0, 0])
    if room:  # above every curve and threshold
        axes[0, 0].set_ylim(top=axes[0, 0].get_ylim()[1] * 1.4**room)
    for row in axes:
        row[0].set_ylabel(r"sharpness $\lambda_{\max}$ of the loss Hessian", fontsize=10)
    axes[0, 0].plot([], [], color=COLORS["gray"], lw=0.9, linestyle=(0, (1, 1)), label="thresholds 2/η")
    shared_legend(figure, axes, columns=len(shown) + 1)
    return Drawn(figure, SHARPENING)


def _threshold(ax: Axes, eta: float, index: int) -> None:
    threshold = ax.axhline(2.0 / eta, color=line(index)["color"], lw=0.8, alpha=0.7, zorder=1)
    threshold.set_linestyle((0, (1, 1)))


def _follow(ax: Axes, run: Run, across: str, eta: float, index: int) -> None:
    look = line(index)
    x, sharpness = run.arrays[across], run.arrays["sharpness"]
    keep = x > 0 if across == "time" else x >= 0
    ax.plot(x[keep], sharpness[keep], lw=1.2, label=f"η = {eta:g}", **look)
    if run.arrays["bent"][-1] == 0:
        ax.plot(x[keep][-1:], sharpness[keep][-1:], "X", color=look["color"], ms=8, mec="white")


def _say_lost(ax: Axes, runs: Mapping[float, Run]) -> int:
    """Name the step sizes whose first seed diverged at once or lost all its neurons (×); count the lines."""
    unstable = [eta for eta, run in runs.items() if run.arrays["steps"].size == 1]
    dead = [eta for eta, run in runs.items() if run.arrays["bent"][-1] == 0]
    lines = [f"diverged: η = {_listed(unstable)}"] if unstable else []
    if unstable:
        start = runs[unstable[0]].arrays["sharpness"][0]
        lines.append(rf"(initial $\lambda_{{\max}}$ = {start:.0f})")
    lines += [f"× all neurons dead: η = {_listed(dead)}"] if dead else []
    if lines:
        note(ax, "\n".join(lines), right=True)
    return len(lines)


def _listed(step_sizes: Sequence[float]) -> str:
    return ", ".join(f"{eta:g}" for eta in step_sizes)
