"""Figures of the claim `width`; they read its rows and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.square import drawing
from stepscape.experiments.square.width import FROM, WIDTHS
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import ARM, COLORS, level_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import THEORY, theory_level
from stepscape.figures.style import DOUBLE, MAIN, NAMES, TALL, canvas, evenly_ranked, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = (("weighted_tv", r"$\int|f''|\,g$"), ("pieces", "linear pieces"), ("risk_grid", "risk"),
          ("edge_ratio", "edge ratio"))  # fmt: skip
NONE = "Descent learned a curve at 0 widths of the arms drawn."


def measures(result: Result) -> Drawn:
    """Weighted variation, pieces, risk and edge ratio against the width, one curve per arm."""
    shown = _one_setting(result)
    figure, axes = canvas(2, 2, TALL, sharex=True)
    for ax, (column, words) in zip(axes.flat, PANELS, strict=True):
        for arm in result.settings["arms"]:
            rows = _working(shown.where(arm=arm).table)
            look = ARM[arm].both if arm in ARM else {"color": COLORS["gray"]}
            line = ribbon(ax, rows, "width", column, look) if column in rows else None
            if line is not None:
                name_at_end(ax, line, drawing.arm_name(arm))
        label(ax, y=words)
    eta = max(result.settings["step_sizes"])
    _theory(axes[0, 0], axes[1, 1], eta)
    for ax in axes.flat:
        ax.set_ylim(0.0, 1.1 * ax.get_ylim()[1])
    for ax in axes[1]:
        ax.set_xlabel("neurons k", fontsize=NAMES)
    widths = sorted(result.settings["widths"])
    number_ticks(axes[0, 0], "x")
    axes[0, 0].set_xlim(0.8 * widths[0], 1.25 * widths[-1])
    drawing.say_empty(axes)
    found = _change(shown, eta)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Weighted variation with its bound 1/η − ½ at stationary points on the edge (dashed), "
        "linear pieces, risk on a grid, and λ_max·η/2 with the edge of stability (dashed), against the "
        "number of neurons; default start: disks, blue; small: vermilion; warm-up: green. A start without a "
        f"curve works at too few widths. {drawing.runs_of(result)}"
    ))  # fmt: skip


def _one_setting(result: Result) -> Result:
    """Keep the first range and the largest step size."""
    if not result.runs:
        return result
    return result.where(half_width=drawing.ranges(result)[0], step_size=max(result.settings["step_sizes"]))


def _working(rows: Table) -> Table:
    if not len(rows) or WIDTHS.lacks(rows):
        return Table({})
    there = np.isin(rows["width"], WIDTHS.working(rows))
    return rows.rows(there & WIDTHS.counts(rows))


def _theory(variation: Axes, edge: Axes, eta: float) -> None:
    variation.set_ylim(top=max(variation.get_ylim()[1], 1.0 / eta - 0.5))
    edge.set_ylim(top=1.1)
    theory_level(variation, 1.0 / eta - 0.5, r"$1/\eta - ½$", at=0.02)
    theory_level(edge, 1.0, r"$\lambda_{\max} = 2/\eta$", at=0.98)


def _change(shown: Result, eta: float) -> str:
    rows = _working(drawing.headline(shown).table) if shown.runs else Table({})
    widths = np.unique(rows["width"]) if len(rows) else np.empty(0)
    widths = widths[widths >= FROM]
    if widths.size < 2:
        return NONE
    ends = [rows.where(width=width) for width in widths[[0, -1]]]
    words = [
        f"{name} goes from {number(median(ends[0][column]), 2)} to {number(median(ends[1][column]), 2)}"
        for column, name in (("weighted_tv", "the weighted variation"), ("pieces", "the number of pieces"))
    ]
    return (
        f"With {short(widths[0])} to {short(widths[-1])} neurons, {', and '.join(words)}, at η = "
        f"{short(eta)} with {drawing.headline_name(shown)}."
    )


def curves(result: Result) -> Drawn:
    """Curves of one sample at three widths."""
    shown = drawing.headline(_one_setting(result)) if result.runs else result
    widths = evenly_ranked(sorted(result.settings["widths"]), 3)
    figure, axes = canvas(1, len(widths), DOUBLE, sharey=True)
    told = []
    for ax, width in zip(axes[0], widths, strict=True):
        for run in shown.drawn("solution", width=int(width))[:1]:
            arrays = run.arrays
            ax.plot(arrays["inputs"], arrays["labels"], "o", ms=4.0, mfc="none", mec=COLORS["gray"], mew=0.8)
            ax.plot(arrays["grid"], arrays["truth"], **THEORY)
            color = level_color(float(width), widths)
            ax.plot(arrays["grid"], arrays["solution"], color=color, lw=MAIN)
            told.append(f"{run['pieces']:.0f} pieces with {short(width)}")
        if not ax.lines:
            ax.text(0.5, 0.5, "no curve", transform=ax.transAxes, ha="center", color=COLORS["gray"])
        label(ax, "input x", title=f"k = {short(width)}")
    axes[0, 0].set_ylabel("f(x)", fontsize=NAMES)
    found = f"From one sample, descent learns {', '.join(told)} neurons." if told else NONE
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Circles: labels; dashed: the truth; solid: the solution with k neurons, lighter for more, "
        f"at the largest of the step sizes. {drawing.one_sample(result)}"
    ))  # fmt: skip
