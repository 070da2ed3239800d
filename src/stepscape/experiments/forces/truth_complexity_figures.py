"""Figures of the claim `truth-complexity`; they read its rows and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.forces.truth_complexity import RISK
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, level_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, GUIDE, NAMES, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^v*"


def risk(result: Result) -> Drawn:
    """Draw the best held-out risk against η over the step size that theory names, one panel per range."""
    table = result.table
    ranges = sorted(np.unique(table["half_width"]), reverse=True)
    figure, axes = canvas(1, len(ranges), DOUBLE, sharex=True, sharey=True)
    for ax, half_width in zip(axes[0], ranges, strict=True):
        _range(ax, table.where(half_width=half_width))
        label(ax, "step size over the limit", title=f"x in [−{half_width:g}, {half_width:g}]")
    axes[0, 0].set_ylabel("risk / noise variance", fontsize=NAMES)
    shared_legend(figure, axes, columns=6)
    sentence = _sentence(table)
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} Curves: the median risk over {np.unique(table['seed']).size} seeds at the best "
        "held-out moment, in variances of the noise, with a band from quartile to quartile, against η over "
        "the largest step size 2/(1 + 2∫|f0″|g) at which a curve with the variation of the truth can be "
        "stable (dashed: 1). One curve per number of teeth of the truth: 1 disk, 2 square, 3 diamond, 4 "
        "triangle. Left of the line small steps may not have been given the time. Repeat it with "
        "“stepscape run truth-complexity --full”."
    ))  # fmt: skip


def _range(ax: Axes, rows: Table) -> None:
    teeth = [int(each) for each in np.unique(rows["teeth"])]
    number_ticks(ax, "x")
    number_ticks(ax)
    if RISK in rows:
        counts = STEP_SIZES.counts(rows)
        shown = {name: values[counts] for name, values in rows.columns.items()}
        shown["relative"] = shown[RISK] / np.where(shown["noise"] > 0.0, shown["noise"] ** 2, 1.0)
        for each, marker in zip(teeth, MARKERS, strict=False):
            here = Table(shown).where(teeth=each)
            if not len(here):
                continue
            etas = here["step_size"]  # the weight of every seed's inputs differs a little: one place per η
            at = [np.median(here["over_stable"][etas == eta]) for eta in etas]
            look = {"color": level_color(each, teeth), "marker": marker, "ms": 5.0}
            name = f"{each} teeth" if each > 1 else "1 tooth"
            ribbon(
                ax,
                Table({**here.columns, "at": np.array(at)}),
                "at",
                "relative",
                look,
                width=SECONDARY,
                label=name,
            )
    theory_level(ax, 1.0, "limit", at=0.98, vertical=True)


def _sentence(table: Table) -> str:
    if RISK not in table:
        return "0 runs finished."
    rows = table.rows(STEP_SIZES.counts(table))
    relative = rows[RISK] / np.where(rows["noise"] > 0.0, rows["noise"] ** 2, 1.0)
    far = relative[rows["over_stable"] > 2.0]
    if not far.size:
        return f"Of {number(len(rows))} runs none lies far beyond the limit of the theory."
    middle = number(float(np.median(far)))
    return f"Beyond twice the limit of the theory the median risk is {middle} noise variances."


def curves(result: Result) -> Drawn:
    """Draw the curves of the first seed: one row per number of teeth, three step sizes."""
    half_width, teeth = result.settings["half_widths"][0], sorted(result.settings["teeth"])
    every = sorted(result.settings["step_sizes"])
    etas = [every[0], every[len(every) // 2], every[-1]]
    figure, axes = canvas(len(teeth), 3, (7.2, 1.7 * len(teeth) + 0.6), sharex=True, sharey=True)
    for row, each in zip(axes, teeth, strict=True):
        for ax, eta in zip(row, etas, strict=True):
            for run in result.where(half_width=half_width, teeth=each, step_size=eta).drawn("solution"):
                _fit(ax, run.arrays)
            if not ax.lines:
                ax.set_visible(False)
            label(ax, title=f"η = {eta:g}" if each == teeth[0] else "")
    sentence = f"One sample of every truth is fitted with η = {', '.join(f'{eta:g}' for eta in etas)}."
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} From top to bottom the truth has {', '.join(map(str, teeth))} teeth. Faint dots: "
        "labels; gray: the truth; blue: the curve at the end of training."
    ))  # fmt: skip


def _fit(ax: Axes, arrays: Mapping[str, np.ndarray]) -> None:
    ax.plot(arrays["inputs"], arrays["labels"], "o", ms=2.5, alpha=0.35, mew=0, color="black")
    ax.plot(arrays["grid"], arrays["truth"], color=COLORS["gray"], lw=GUIDE)
    ax.plot(arrays["grid"], arrays["solution"], color=COLORS["blue"], lw=SECONDARY)
