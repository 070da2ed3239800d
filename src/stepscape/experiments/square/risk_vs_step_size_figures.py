"""Figures of the claim `risk-vs-step-size`; they read its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.common.moments import COMPARISONS
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import band, mark_failures
from stepscape.figures.style import (
    COLORS,
    canvas,
    label,
    number_ticks,
    series,
    shared_legend,
    step_size_ticks,
)
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REGIONS = (
    ("risk", "at the inputs"),
    ("risk_interior_grid", "on a grid, interior"),
    ("risk_boundary_grid", "on a grid, boundary"),
)
ITERATES = (
    ("risk", "midpoint network"),
    ("risk_mean", "mean of the last two predictions"),
    ("risk_last", "last iterate"),
)


RISK = (
    "The risk (mean squared error to the truth) against the step size, medians and quartiles over seeds. "
    "Rows: at the inputs, and on a grid in the interior (where the weight g is at least a tenth of its "
    "largest value) and near the boundary. There are three fair ways to stop: at the end of training, at "
    "equal time Σ η, and at the best held-out moment. Dashed: the noise variance, which is the risk of a "
    "curve through every label."
)
AVERAGING = (
    "Above: the risk of the midpoint network, of the mean of the last two predictions, and of the last "
    "iterate. At the edge of stability descent swings, and one iterate alone looks worse. Below: the training "
    "loss. Above the dashed line it is larger than that of the truth, and the theorems on the risk say "
    "nothing."
)


def regions(result: Result) -> Drawn:
    """Risk against the step size for three ways to stop: one row per region, one column per arm."""
    table, arms, noise = result.table, result.settings["arms"], result.settings["noise"]
    figure, axes = canvas(len(REGIONS), len(arms), (3.7 * len(arms) + 0.4, 8.4), sharex=True, sharey="row")
    for row, (quantity, _) in zip(axes, REGIONS, strict=True):
        for ax, arm in zip(row, arms, strict=True):
            rows = table.where(arm=arm)
            for i, (suffix, name) in enumerate(COMPARISONS):
                if quantity + suffix in rows:
                    band(ax, rows, "step_size", quantity + suffix, name, series(i), dodge=0.06 * (i - 1))
            mark_failures(ax, rows)
        if quantity == "risk":
            _level(row, noise**2, "noise variance σ², the risk of an interpolant at the inputs")
    places = [f"risk (squared units of y)\n{place}" for _, place in REGIONS]
    return Drawn(_finished(figure, axes, table, arms, places, columns=2), RISK)


def averaging(result: Result) -> Drawn:
    """Draw the risk of each of the last two iterates and of their mean above the training loss."""
    table, arms, noise = result.table, result.settings["arms"], result.settings["noise"]
    figure, axes = canvas(2, len(arms), (3.7 * len(arms) + 0.4, 6.6), sharex=True, sharey="row")
    for column, arm in enumerate(arms):
        rows = table.where(arm=arm)
        for i, (name, word) in enumerate(ITERATES):
            if name in rows:
                band(axes[0, column], rows, "step_size", name, word, series(i), dodge=0.06 * (i - 1))
        if "loss" in rows:
            band(axes[1, column], rows, "step_size", "loss", "training loss, last iterate", series(3))
        mark_failures(axes[0, column], rows)
    _level(axes[1], noise**2 / 2.0, "half the noise variance, σ²/2: the loss of the truth")
    names = ["risk (squared units of y)\nat the inputs", "training loss 1/(2n) Σ r²\n(squared units of y)"]
    return Drawn(_finished(figure, axes, table, arms, names, columns=3), AVERAGING)


def _level(row: Sequence[Axes], value: float, name: str) -> None:
    for ax in row:
        if value > 0.0:
            ax.axhline(value, color=COLORS["black"], lw=1.0, dashes=(5, 2), label=name)


def _finished(
    figure: Figure,
    axes: NDArray[Any],
    table: Table,
    arms: Sequence[str],
    names: Sequence[str],
    columns: int,
) -> Figure:
    """Name the rows by `names` and the columns by their arms; add ticks and a legend."""
    for ax, arm in zip(axes[0], arms, strict=True):
        label(ax, title=ARM_TITLES.get(arm, arm))
    for ax in axes[-1]:
        step_size_ticks(ax, [float(eta) for eta in np.unique(table["step_size"])])
        ax.set_xlabel("step size η", fontsize=10)
    for row, name in zip(axes, names, strict=True):
        row[0].set_ylabel(name, fontsize=10)
        if any(ax.containers for ax in row):
            number_ticks(row[0])
    shared_legend(figure, axes, columns=columns)
    return figure
