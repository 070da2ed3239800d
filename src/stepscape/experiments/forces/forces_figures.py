"""Figures of the claim `forces`; they read its rows and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.forces.forces import contrasts
from stepscape.experiments.forces.runs import NAMES
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.intervals import simultaneous
from stepscape.figures.colors import COLORS
from stepscape.figures.references import GUIDES, theory_level
from stepscape.figures.style import GUIDE, SECONDARY, SMALL, canvas, label
from stepscape.figures.titles import finding
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = {"pieces": "pieces", "weighted_tv": "decades of ∫|f″|g", "risk": "risk / noise variance"}


def effects(result: Result) -> Drawn:
    """One row per force: the edge ratio of every run, and what changes against plain descent."""
    table, forces = result.table, list(result.settings["forces"])
    figure, axes = canvas(1, 1 + len(PANELS), (7.2, 0.3 * len(forces) + 1.5), sharey=True)
    _ratios(axes[0, 0], table, forces)
    for ax, (column, title) in zip(axes[0, 1:], PANELS.items(), strict=True):
        found = contrasts(table, column)
        intervals = simultaneous(list(found.values()))
        _bars(ax, dict(zip(found, intervals, strict=True)), forces)
        label(ax, "change", title=title)
    axes[0, 0].set_yticks(range(len(forces)), [NAMES[name] for name in forces], fontsize=SMALL)
    axes[0, 0].set_ylim(len(forces) - 0.4, -0.6)
    sentence = _sentence(table)
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} Left: every faint dot is a run, its median edge ratio over the last half: the "
        "sharpness over the threshold of its own method; dashed: 1, the edge. Others: the mean change "
        "against plain descent with the same threshold 2/η and the same time, with intervals that hold "
        "together; vermilion: fewer or less, blue: more, gray: the change may be 0; dotted: no change. A "
        "force without a mark never finishes alive. Repeat it with “stepscape run forces --full”."
    ))  # fmt: skip


def _ratios(ax: Axes, table: Table, forces: list[str]) -> None:
    if "edge_ratio" in table:
        rows = table.rows(STEP_SIZES.counts(table))
        rank = np.array([forces.index(name) for name in rows["force"]], float)
        ax.plot(rows["edge_ratio"], rank, "o", ms=4.0, alpha=0.35, mew=0, color=COLORS["blue"])
    theory_level(ax, 1.0, vertical=True)
    ax.set_xlim(left=0.0)
    label(ax, "edge ratio", title="own threshold")
    ax.tick_params(axis="y", length=0)


def _bars(ax: Axes, intervals: dict[str, Interval], forces: list[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.axvline(0.0, **GUIDES)
    ax.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=3))
    for name, one in intervals.items():
        if np.isfinite(one.high - one.low):
            color = {-1: COLORS["vermilion"], 0: COLORS["gray"], 1: COLORS["blue"]}[one.sign]
            ax.errorbar(
                one.mean, forces.index(name), xerr=[[one.mean - one.low], [one.high - one.mean]], color=color,
                linestyle="none", marker="o", ms=5.0, mec="white", mew=0.5, elinewidth=SECONDARY, capsize=2.0,
                capthick=SECONDARY,
            )  # fmt: skip


def _sentence(table: Table) -> str:
    if "edge_ratio" not in table:
        return "0 runs finished."
    rows = table.rows(STEP_SIZES.counts(table))
    reach = [
        name
        for name in dict.fromkeys(rows["force"].tolist())
        if np.median(rows["edge_ratio"][rows["force"] == name]) >= 0.95
    ]
    count = len(dict.fromkeys(table["force"].tolist()))
    return f"With {len(reach)} of {count} forces, most runs end at the threshold of their own method."


def curves(result: Result) -> Drawn:
    """Draw the curve of the first seed under every force, at the largest step size with a curve."""
    forces = list(result.settings["forces"])
    figure, axes = canvas(3, 3, (7.2, 6.2), sharex=True, sharey=True)
    range_ = result.settings["half_widths"][0]
    for ax, name in zip(axes.flat, forces, strict=False):
        runs = result.where(half_width=range_).drawn("solution", force=name)
        if runs:
            ax.plot(
                runs[0].arrays["inputs"],
                runs[0].arrays["labels"],
                "o",
                ms=3.0,
                alpha=0.35,
                mew=0,
                color="black",
            )
            ax.plot(runs[0].arrays["grid"], runs[0].arrays["truth"], color=COLORS["gray"], lw=GUIDE)
        for run, color in zip(runs, ("blue", "green", "vermilion"), strict=False):
            ax.plot(run.arrays["grid"], run.arrays["solution"], color=COLORS[color], lw=SECONDARY)
        label(ax, title=NAMES[name])
    for ax in axes.flat[len(forces) :]:
        ax.set_visible(False)
    etas = ", ".join(f"{eta:g}" for eta in sorted(result.settings["step_sizes"])[:3])
    sentence = f"One sample is fitted under {len(forces)} forces, with η = {etas}."
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} Faint dots: the labels; gray: the truth; blue, green and vermilion: the learned curves "
        "at these step sizes of plain descent, in this order, those that finished."
    ))  # fmt: skip
