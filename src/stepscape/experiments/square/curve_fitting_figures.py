"""Figures of the claim `curve-fitting`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.common.moments import COMPARISONS
from stepscape.experiments.frame import Drawn, Result, Run
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

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 5


FITS = {
    "noisy": (
        "Curves learned from noisy labels (first seed). Columns: step sizes, increasing to the right; rows: "
        "the arms. Dashed: the truth. At the edge of stability descent swings between two functions; the "
        "solution is the midpoint network."
    ),
    "clean": (
        "The same without noise: many functions pass through these points, and the step size decides "
        "between them."
    ),
}
SUMMARY = (
    "Above: the risk (mean squared error to the truth) against the step size, compared in three fair ways: "
    "at the end of training, at equal time Σ η, and at the best held-out moment of every run. Below: the "
    "linear pieces of the learned curve, within 5 % of the standard deviation of the labels. Faint marks "
    "show every run."
)


def fits(result: Result, labels: str) -> Drawn:
    """One row per arm, one column per step size: data, truth, and the learned curve."""
    arms, shown = result.settings["arms"], evenly_ranked(sorted(result.settings["step_sizes"]), MOST_COLUMNS)
    size = (2.35 * len(shown) + 0.6, 2.25 * len(arms) + 0.9)
    figure, axes = canvas(len(arms), len(shown), size, sharex=True, sharey=True)
    data = result.drawn("solution")[0].arrays
    heights = np.concatenate([data["labels"], data["truth"]])
    middle, half = 0.5 * (heights.min() + heights.max()), 0.5 * np.ptp(heights)
    first = min(run["seed"] for run in result.runs)
    for row, arm in zip(axes, arms, strict=True):
        for ax, eta in zip(row, shown, strict=True):
            _data(ax, data)
            ax.set_ylim(middle - 1.55 * half, middle + 1.3 * half)
            for run in result.where(arm=arm, step_size=eta, seed=first).runs:  # none if it failed
                _fit(ax, run)
                note(ax, _fate(run))
        label(row[0], y=f"{ARM_TITLES.get(arm, arm)}\n\nlabel y")
    for ax, eta in zip(axes[0], shown, strict=True):
        ax.set_title(f"step size η = {eta:g}", fontsize=10.5)
    for ax in axes[-1]:
        ax.set_xlabel("input x", fontsize=10)
    shared_legend(figure, axes, columns=6 if len(shown) > 3 else 3)
    return Drawn(figure, FITS[labels])


def _data(ax: Axes, data: Any) -> None:
    ax.plot(
        data["inputs"], data["labels"], "o", ms=3.6, mfc="white", mec=COLORS["gray"], mew=0.9, label="data",
        zorder=3,
    )  # fmt: skip
    ax.plot(
        data["grid"], data["truth"], color=COLORS["black"], lw=1.1, dashes=(4, 2), label="truth", zorder=2
    )


def _fit(ax: Axes, run: Run) -> None:
    if "solution" in run.arrays:
        ax.plot(
            run.arrays["grid"], run.arrays["solution"], color=COLORS["blue"], lw=1.7, label="the solution",
            zorder=4,
        )  # fmt: skip


def _fate(run: Run) -> str:
    if run["outcome"] == "diverged":
        return f"diverged by step {run['steps_made']:.0f}" if run["steps_made"] else "diverged at once"
    if run["bent_neurons"] == 0:
        return "all neurons dead"
    return f"{run['pieces']:.0f} pieces, risk {run['risk']:.3g}"


def summary(result: Result) -> Drawn:
    """Risk and pieces with noisy labels against the step size: one column per arm, three comparisons."""
    table, arms, noise = result.table, result.settings["arms"], result.settings["noise"]
    figure, axes = canvas(2, len(arms), (3.7 * len(arms) + 0.4, 6.4), sharex=True, sharey="row")
    for column, arm in enumerate(arms):
        rows = table.where(arm=arm)
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
    return Drawn(figure, SUMMARY)
