"""Figures of the claim `same-tv`; they read its rows and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import median
from stepscape.experiments.square import drawing
from stepscape.experiments.square.same_tv import SETTLED
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import DOTS
from stepscape.figures.style import DOUBLE, GUIDE, MAIN, NAMES, SECONDARY, TALL, canvas, evenly_ranked, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TWIN: dict[str, Any] = {"color": "black", "linestyle": (0, (4, 2)), "lw": SECONDARY, "zorder": 5}
NONE = "At 0 step sizes enough runs have settled to compare descent with its twin"
DISTANCES = (("twin", "to the twin", CONTRAST), ("starts", "to another start", MEASURED),
             ("truth", "to the truth", THIRD))  # fmt: skip


def overlay(result: Result) -> Drawn:
    """Descent and its twin at three step sizes, from one sample on the first range."""
    shown = drawing.headline(result).where(half_width=drawing.ranges(result)[0] if result.runs else 0.0)
    etas = evenly_ranked(sorted(result.settings["step_sizes"]), 3)
    figure, axes = canvas(1, len(etas), DOUBLE, sharey=True)
    told = []
    for ax, eta in zip(axes[0], etas, strict=True):
        runs = shown.drawn("twin", step_size=eta)
        for run in runs[:1]:
            _overlaid(ax, run)
            told.append(run)
        if not runs:
            ax.text(0.5, 0.5, "no curve", transform=ax.transAxes, ha="center", color=COLORS["gray"])
        label(ax, "input x", title=f"η = {short(eta)}")
    axes[0, 0].set_ylabel("f(x)", fontsize=NAMES)
    shared_legend(figure, axes, columns=4)
    found = _one_sample(told)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Circles: labels; solid: descent, in the color of its step size η; dashed: "
        "its twin, the function of least training loss with the same ∫|f''|g, which bends at inputs only; "
        f"dotted: the truth. With {drawing.headline_name(result)}. {drawing.one_sample(result)}"
    ))  # fmt: skip


def _overlaid(ax: Axes, run: Run) -> None:
    arrays = run.arrays
    ax.plot(arrays["inputs"], arrays["labels"], "o", ms=4.0, mfc="none", mec=COLORS["gray"], mew=0.8,
            label="labels")  # fmt: skip
    ax.plot(arrays["grid"], arrays["truth"], color=COLORS["gray"], lw=GUIDE, linestyle=DOTS, label="truth")
    ax.plot(arrays["grid"], arrays["solution"], color=eta_color(run["step_size"]), lw=MAIN, label="descent")
    ax.plot(arrays["grid"], arrays["twin"], label="twin", **TWIN)


def _one_sample(runs: list[Run]) -> str:
    if not runs:
        return f"{NONE}."
    low, high = runs[0], runs[-1]
    words = ", and ".join(
        f"{run['pieces']:.0f} where its twin has {run['pieces_twin']:.0f} at η = {short(run['step_size'])}"
        for run in ((low,) if low is high else (low, high))
    )
    return f"At equal weighted variation, descent from one sample has {words} linear pieces."


def distances(result: Result) -> Drawn:
    """Distances, risk, pieces and training loss of both against the step size, on the first range."""
    arm = drawing.headline(result)
    rows = arm.where(half_width=drawing.ranges(result)[0]).table if arm.runs else Table({})
    rows = _settled(rows)
    figure, axes = canvas(2, 2, TALL, sharex=True)
    for name, words, look in DISTANCES:
        _named(axes[0, 0], rows, f"distance_{name}", look.both, words)
    pairs = (
        (axes[0, 1], "risk_grid", "risk_twin", "risk, all inputs"),
        (axes[1, 0], "pieces", "pieces_twin", "linear pieces"),
        (axes[1, 1], "loss_midpoint", "loss_twin", "training loss"),
    )
    for ax, own, its, words in pairs:
        _named(ax, rows, own, MEASURED.both, "descent")
        _named(ax, rows, its, CONTRAST.both, "twin")
        label(ax, y=words)
    label(axes[0, 0], y="distance")
    for ax in (axes[0, 0], axes[1, 1]):
        if ax.lines:
            number_ticks(ax)
    for ax in axes[1]:
        label(ax, "step size η", ax.get_title(loc="left"))
        drawing.step_sizes(ax, result)
    drawing.say_empty(axes)
    found = _compared(rows, result)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Root mean square distances on a grid (to the twin: squares, vermilion; to the solution "
        "from another start on the same labels: disks, blue; to the truth: triangles, green); risk, linear "
        "pieces and training loss of descent (disks, blue) and of its twin (squares, vermilion), whose loss "
        "no function with the same ∫|f''|g undercuts. With "
        f"{drawing.headline_name(result)}, settled runs only. {drawing.runs_of(result)}"
    ))  # fmt: skip


def _settled(rows: Table) -> Table:
    if not len(rows) or SETTLED.lacks(rows):
        return Table({})
    there = np.isin(rows["step_size"], SETTLED.working(rows))
    return rows.rows(there & SETTLED.counts(rows))


def _named(ax: Axes, rows: Table, column: str, look: dict[str, Any], words: str) -> None:
    line = ribbon(ax, rows, "step_size", column, look) if column in rows else None
    if line is not None:
        name_at_end(ax, line, words)


def _compared(rows: Table, result: Result) -> str:
    if not len(rows):
        return f"{NONE}."
    twin, starts, truth = (
        rows[f"distance_{name}"] for name, _, _ in DISTANCES
    )  # fmt: skip
    return (
        f"The twin is {number(median(twin / starts), 2)} times as far from descent as another start is, and "
        f"{number(median(twin / truth), 2)} times as far as the truth, with {drawing.headline_name(result)} "
        f"on {drawing.range_name(drawing.ranges(result)[0])}."
    )
