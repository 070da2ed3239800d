"""Figures of the experiment `curve-fitting`; they read its table and arrays and compute no measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.common.moments import COMPARISONS
from stepscape.figures.bands import band, mark_failures
from stepscape.figures.style import (
    COLORS,
    canvas,
    evenly_ranked,
    label,
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

Arrays = Mapping[str, NDArray[Any]]
MOST_COLUMNS = 5


def fits(
    table: Table, arrays: Arrays, labels: str, arms: Sequence[str], step_sizes: Sequence[float]
) -> Figure:
    """One row an arm, one column a step size: data, truth, the learned curve, both iterates, its knots."""
    shown = evenly_ranked(step_sizes, MOST_COLUMNS)
    size = (2.35 * len(shown) + 0.6, 2.25 * len(arms) + 0.9)
    figure, axes = canvas(len(arms), len(shown), size, sharex=True, sharey=True)
    heights = np.concatenate([arrays[f"labels|{labels}"], arrays["truth"]])
    middle, half = 0.5 * (heights.min() + heights.max()), 0.5 * np.ptp(heights)
    for row, arm in zip(axes, arms, strict=True):
        for ax, eta in zip(row, shown, strict=True):
            _fit(ax, arrays, labels, f"{arm}|{labels}|{eta:g}")
            ax.set_ylim(middle - 1.55 * half, middle + 1.3 * half)
            note(ax, _fate(table, arm, labels, eta))
        label(row[0], y=f"{ARM_TITLES.get(arm, arm)}\n\nlabel y")
    for ax, eta in zip(axes[0], shown, strict=True):
        ax.set_title(f"step size η = {eta:g}", fontsize=10.5)
    for ax in axes[-1]:
        ax.set_xlabel("input x", fontsize=10)
    shared_legend(figure, axes, columns=6)
    return figure


def _fit(ax: Axes, arrays: Arrays, labels: str, key: str) -> None:
    x = arrays["grid"]
    ax.plot(
        arrays[f"inputs|{labels}"], arrays[f"labels|{labels}"], "o", ms=3.6, mfc="white", mec=COLORS["gray"],
        mew=0.9, label="data", zorder=3,
    )  # fmt: skip
    ax.plot(x, arrays["truth"], color=COLORS["black"], lw=1.1, dashes=(4, 2), label="truth", zorder=2)
    if f"mean|{key}" not in arrays:
        return
    last, before = arrays[f"last|{key}"], arrays[f"before|{key}"]
    ax.plot(x, last, color=COLORS["orange"], lw=0.9, label="last iterate", zorder=2.5)
    ax.plot(x, before, color=COLORS["sky"], lw=0.9, dashes=(1.5, 1), label="iterate before", zorder=2.5)
    ax.plot(x, arrays[f"mean|{key}"], color=COLORS["blue"], lw=1.7, label="their mean", zorder=4)
    _knots(ax, x, arrays[f"mean|{key}"], arrays[f"knots|{key}"], arrays[f"jumps|{key}"])


def _knots(ax: Axes, x: NDArray[Any], f: NDArray[Any], knots: NDArray[Any], jumps: NDArray[Any]) -> None:
    """All knots as ticks at the bottom; on the curve a mark whose area grows with the change of slope."""
    if not knots.size:
        return
    _rug(ax, x, knots)
    cells = np.floor((knots - x[0]) / (x[-1] - x[0]) * 100).astype(int)
    change = np.bincount(cells, weights=jumps)
    weight = np.bincount(cells, weights=np.abs(jumps))
    where = np.bincount(cells, weights=np.abs(jumps) * knots) / np.where(weight > 0, weight, 1.0)
    keep = np.abs(change) > 0.02 * np.abs(change).sum()
    ax.scatter(
        where[keep], np.interp(where[keep], x, f), s=150 * np.abs(change[keep]) / np.abs(change).sum(),
        marker="D", color=COLORS["vermilion"], zorder=5, linewidths=0, label="knots (area: slope change)",
    )  # fmt: skip


def _rug(ax: Axes, x: NDArray[Any], knots: NDArray[Any]) -> None:
    """One path for all ticks, at most 150 of them: hundreds of markers would make a heavy drawing."""
    width = (x[-1] - x[0]) / 150
    ticks = (np.unique(np.floor((knots - x[0]) / width)) + 0.5) * width + x[0]
    across = np.repeat(ticks, 3)
    along = np.tile([0.02, 0.065, np.nan], ticks.size)
    ax.plot(across, along, color=COLORS["vermilion"], lw=0.5, transform=ax.get_xaxis_transform(), zorder=1.5)


def _fate(table: Table, arm: str, labels: str, eta: float) -> str:
    rows = table.where(arm=arm, labels=labels, step_size=eta)
    seed = rows["seed"] == rows["seed"].min()
    if str(rows["outcome"][seed][0]) == "diverged":
        return (
            f"diverged by step {rows['steps_made'][seed][0]:.0f}"
            if rows["steps_made"][seed][0]
            else "diverged at once"
        )
    if rows["bent_neurons"][seed][0] == 0:
        return "all neurons dead"
    return f"{rows['pieces'][seed][0]:.0f} pieces, risk {rows['risk'][seed][0]:.3g}"


def summary(table: Table, arms: Sequence[str], noise: float) -> Figure:
    """Risk and pieces against the step size, one column an arm, noisy labels; the three fair comparisons."""
    figure, axes = canvas(2, len(arms), (3.7 * len(arms) + 0.4, 6.4), sharex=True, sharey="row")
    for column, arm in enumerate(arms):
        rows = table.where(arm=arm, labels="noisy")
        for i, (suffix, name) in enumerate(COMPARISONS):
            for ax, quantity in zip(axes[:, column], ("risk", "pieces"), strict=True):
                if quantity + suffix in rows:
                    band(
                        ax,
                        rows,
                        "step_size",
                        quantity + suffix,
                        name,
                        series(i),
                        dots=i == 0,
                        dodge=0.06 * (i - 1),
                    )
        mark_failures(axes[0, column], rows)
        step_size_ticks(axes[1, column], [float(eta) for eta in np.unique(table["step_size"])])
        label(axes[0, column], title=ARM_TITLES.get(arm, arm))
        label(axes[1, column], x="step size η")
        if "pieces_truth" in rows:
            axes[1, column].axhline(
                rows["pieces_truth"][0], color=COLORS["black"], lw=1.0, dashes=(4, 2), label="the truth"
            )
    axes[0, 0].set_ylabel(
        f"risk: mean squared error to the truth\n(noise variance {noise**2:g})", fontsize=10
    )
    axes[1, 0].set_ylabel("linear pieces", fontsize=10)
    axes[1, 0].set_ylim(bottom=0)
    axes[1, 0].yaxis.get_major_locator().set_params(integer=True)
    if any(ax.lines for ax in axes[0]):
        number_ticks(axes[0, 0])
    shared_legend(figure, axes, columns=len(COMPARISONS) + 1)
    return figure
