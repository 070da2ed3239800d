"""Figures of the claim `logistic-arms`; they read its table, and the intervals of its rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.frame import Drawn
from stepscape.experiments.frame.sentences import interval
from stepscape.experiments.logistic.panels import say_diverged
from stepscape.figures.bands import band
from stepscape.figures.style import (
    COLORS,
    canvas,
    label,
    note,
    number_ticks,
    series,
    shared_legend,
    step_size_ticks,
)
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE: dict[str, Any] = {"color": COLORS["black"], "lw": 1.1, "dashes": (5, 2)}
START = {"color": COLORS["gray"], "marker": "x", "linestyle": (0, (1.5, 1.5))}

EDGE = (
    "The edge ratio λ_max·η/2 against the step size, medians and quartiles over all cells: of the untrained "
    "network, and averaged over the last half of the steps. Columns: arms."
)
EXCESS = {
    "excess_risk_interior": (
        "excess risk, interior",
        "The excess risk in the interior, where the weight g is at least a tenth of its largest value, at "
        "three moments; medians and quartiles over seeds on the narrowest interval. Rows: amplitudes of the "
        "truth; columns: arms.",
    ),
    "excess_risk": (
        "excess risk, all inputs",
        "The excess risk over all inputs at three moments; medians and quartiles over seeds on the "
        "narrowest interval. Rows: amplitudes of the truth; columns: arms.",
    ),
}
HELP = (
    "The intervals that the rule reads, simultaneous over cells and questions; thick: the mean over all "
    "cells, which decides. Blue marks that point right: the largest step size has less excess risk than the "
    "smallest; red marks that point left: it has more."
)
COMPLEX = (
    "What the largest step size loses against the best smaller one, each at its best held-out moment, "
    "against the variation of the truth's slope: unweighted above, weighted by g below. Above the dashed "
    "line the largest step size is worse."
)
SHARES = (
    "The share of the excess risk that lies at the inputs outside the interior, medians and quartiles over "
    "seeds; dashed: the share of the inputs that lie there."
)


def excess(table: Table, arms: Sequence[str], column: str) -> Drawn:
    """Excess risk against the step size: one row per amplitude, one column per arm, one curve per moment."""
    name, caption = EXCESS[column]
    amplitudes = np.unique(table["amplitude"])
    figure, axes = _panels(table, arms, amplitudes.size)
    for row, amplitude in zip(axes, amplitudes, strict=True):
        for ax, arm in zip(row, arms, strict=True):
            rows = table.where(arm=arm, amplitude=amplitude)
            for i, (suffix, moment) in enumerate(COMPARED.items()):
                if column + suffix in rows:
                    each = column + suffix
                    band(ax, rows, "step_size", each, moment.words, series(i), dodge=0.06 * (i - 1))
            say_diverged(ax, rows)
        row[0].set_ylabel(f"{name}\namplitude {amplitude:g}", fontsize=10)
        if any(ax.containers for ax in row):
            number_ticks(row[0])
    shared_legend(figure, axes, columns=3)
    return Drawn(figure, caption)


def edge(table: Table, arms: Sequence[str], limits: tuple[float, float]) -> Drawn:
    """λ_max·η/2 at the start and over the last half of the steps in all cells; one column per arm."""
    figure, axes = _panels(table, arms, 1)
    for ax, arm in zip(axes[0], arms, strict=True):
        rows = table.where(arm=arm)
        ax.axhspan(
            *limits,
            color=COLORS["gray"],
            alpha=0.2,
            lw=0,
            label=f"on the line: {limits[0]:g} to {limits[1]:g}",
        )
        ax.axhline(1.0, label="threshold", **LINE)
        if "initial_sharpness" in rows:
            start = rows["initial_sharpness"] * rows["step_size"] / 2.0
            whole = Table({**rows.columns, "start": start})
            band(ax, whole, "step_size", "start", "untrained network", START, keep_dead=True)
        if "edge_ratio" in rows:
            band(ax, rows, "step_size", "edge_ratio", "mean over the last half of the steps", series(0))
        say_diverged(ax, rows)
    axes[0, 0].set_ylabel(r"$\lambda_{\max}\,\eta/2$", fontsize=10)
    number_ticks(axes[0, 0])
    shared_legend(figure, axes, columns=4)
    return Drawn(figure, EDGE)


def shares(table: Table, arms: Sequence[str]) -> Drawn:
    """Share of the excess risk outside the interior against the step size; one curve per amplitude."""
    figure, axes = _panels(table, arms, 1)
    for ax, arm in zip(axes[0], arms, strict=True):
        rows = table.where(arm=arm)
        if "outside_share" in rows:
            for i, amplitude in enumerate(np.unique(rows["amplitude"])):
                some = rows.where(amplitude=amplitude)
                word = f"amplitude {amplitude:g}"
                band(ax, some, "step_size", "outside_share", word, series(i), dodge=0.06 * (i - 1))
            there = rows["outside_inputs"][np.isfinite(rows["outside_inputs"])]
            if there.size:
                ax.axhline(float(np.median(there)), label="share of the inputs there", **LINE)
        say_diverged(ax, rows)
    axes[0, 0].set_ylim(0.0, 1.0)
    axes[0, 0].set_ylabel("share of the excess risk\noutside the interior at the end", fontsize=10)
    shared_legend(figure, axes, columns=4)
    return Drawn(figure, SHARES)


def helped(found: Table, arms: Sequence[str]) -> Drawn:
    """Intervals of the cells and of their mean: one column per arm, one row per region and moment."""
    rows, cells = _known(found, "region", "moment") or [("", "")], _known(found, "cell")
    size = (2.9 * len(arms) + 2.0, (0.2 * len(cells) + 0.35) * len(rows) + 1.0)
    figure, axes = canvas(len(rows), len(arms), size, sharex=True, sharey=True)
    for row, (region, moment) in zip(axes, rows, strict=True):
        for ax, arm in zip(row, arms, strict=True):
            ax.axvline(0.0, color=COLORS["black"], lw=1.0)
            some = found.where(arm=arm, region=region, moment=moment) if len(found) else found
            for entry in some.records():
                _interval(ax, cells.index(entry["cell"]), entry)
        row[0].set_ylabel(
            f"{region}\n{moment}", fontsize=8.5, rotation=0, ha="right", va="center", labelpad=12
        )
    for ax, arm in zip(axes[0], arms, strict=True):
        ax.set_title(ARM_TITLES.get(arm, arm), fontsize=10.5, loc="left")
    axes[0, 0].set_yticks(range(len(cells)), cells)
    axes[0, 0].set_ylim(max(1, len(cells)) - 0.5, -0.5)
    axis_name = "log10 of excess risk, smallest over largest step size, 95 % (right of 0: large steps help)"
    figure.supxlabel(axis_name, fontsize=10)
    return Drawn(figure, HELP)


def _interval(ax: Axes, place: int, entry: Mapping[str, Any]) -> None:
    """Draw an interval; its mark points to the side that it lies on, and is hollow when it covers 0."""
    if entry["low"] is None:
        return
    sign = int(entry["low"] > 0.0) - int(entry["high"] < 0.0)
    color = COLORS[{1: "blue", -1: "vermilion", 0: "gray"}[sign]]
    width = 2.6 if entry["together"] else 1.2
    ax.plot([entry["low"], entry["high"]], [place, place], color=color, lw=width)
    ax.plot(
        entry["mean"],
        place,
        {1: ">", -1: "<", 0: "o"}[sign],
        color=color,
        ms=6,
        mfc=color if sign else "white",
    )


def _known(table: Table, *names: str) -> list[Any]:
    """Values of a column, or tuples of several, as they first occur."""
    if not len(table):
        return []
    values = list(zip(*(table[name].tolist() for name in names), strict=True))
    return list(dict.fromkeys(value if len(names) > 1 else value[0] for value in values))


def complex_truths(
    found: Table, slopes: Mapping[tuple[str, str], Interval], arms: Sequence[str], measures: Mapping[str, str]
) -> Drawn:
    """log10 of a factor against the variation of the truth: one column per arm, one row per measure."""
    figure, axes = canvas(
        len(measures),
        len(arms),
        (3.5 * len(arms) + 0.6, 2.7 * len(measures) + 1.0),
        sharex="row",
        sharey=True,
    )
    for row, (column, name) in zip(axes, measures.items(), strict=True):
        for ax, arm in zip(row, arms, strict=True):
            ax.axhline(0.0, label="as much as the best smaller step size", **LINE)
            some = found.where(arm=arm) if len(found) else found
            for i, width in enumerate(_known(found, "half_width")):
                _factors(ax, some.where(half_width=width), column, f"half width {width:g}", series(i))
            if (arm, column) in slopes:
                note(ax, f"slope {interval(slopes[arm, column])}")
            ax.set_xlabel(f"{name} of the truth", fontsize=10)
        if len(found):
            number_ticks(row[0], "x")
        row[0].set_ylabel("log10 of interior excess risk,\nlargest over best smaller step size", fontsize=10)
    for ax, arm in zip(axes[0], arms, strict=True):
        ax.set_title(ARM_TITLES.get(arm, arm), fontsize=10.5, loc="left")
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(low, high + 0.15 * (high - low))  # room for the slopes
    shared_legend(figure, axes, columns=3)
    return Drawn(figure, COMPLEX)


def _factors(ax: Axes, rows: Table, column: str, name: str, look: dict[str, Any]) -> None:
    rows = rows.rows(np.isfinite(rows["low"]))
    rows = rows.rows(np.argsort(rows[column]))
    ends = [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]
    ax.errorbar(rows[column], rows["mean"], yerr=ends, label=name, lw=1.2, ms=6, capsize=3, **look)


def _panels(table: Table, arms: Sequence[str], rows: int) -> tuple[Figure, NDArray[Any]]:
    """Lay out one column per arm, against the step size."""
    size = (3.4 * len(arms) + 0.6, 2.4 * rows + 1.3)
    figure, axes = canvas(rows, len(arms), size, sharex=True, sharey="row")
    for ax, arm in zip(axes[0], arms, strict=True):
        label(ax, title=ARM_TITLES.get(arm, arm))
    for ax in axes[-1]:
        step_size_ticks(ax, [float(eta) for eta in np.unique(table["step_size"])])
        ax.set_xlabel("step size η", fontsize=10)
    return figure, axes
