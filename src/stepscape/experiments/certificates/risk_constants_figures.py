"""The figure of the claim `risk-constants`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.certificates.risk_constants import counts
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import ARM
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import theory
from stepscape.figures.style import DOUBLE, canvas, label, note
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = {"step_size": "step size η", "noise": "noise σ", "half_width": r"largest input $x_{\max}$"}
CAPTION = (
    "Mean squared error at the inputs of the interior against step size η, noise σ and largest input "
    "x_max, the others at their base; colors are starts. Only runs are drawn that end at the edge of "
    "stability and fit the labels of the interior at least as well as the truth. Dashed: the rate "
    "(σ²/n)^(4/5) (x_max/η + σ x_max²)^(2/5) itself, without a constant. Lines are medians over the seeds, "
    "ribbons quartiles. Repeat it with “stepscape run risk-constants --full”."
)


def axes(result: Result) -> Drawn:
    """Risk along each axis with the rate, one panel per axis."""
    figure, panels = canvas(1, len(AXES), DOUBLE, sharey=True)
    done = result.where(outcome="finished")
    for ax, (axis, words) in zip(panels[0], AXES.items(), strict=True):
        number_ticks(ax)
        table = done.where(axis=axis).table
        drawn = table.rows(counts(table)) if len(table) else table
        if axis == "step_size":
            etas = sorted(result.settings["step_sizes"])
            step_size_ticks(ax, etas)
            ax.set_xlim(etas[0] / 1.15, etas[-1] * 1.15)
        else:
            number_ticks(ax, "x")
        if not len(drawn):
            note(ax, "no run counts")
        else:
            _panel(ax, drawn, axis, axis == "half_width")
        label(ax, x=words)
    panels[0, 0].set_ylabel("risk (squared units of y)", fontsize=10)
    said = _sentence(done.table)
    finding(figure, said)
    return Drawn(figure, f"{said} {CAPTION}")


def _panel(ax: Axes, table: Table, axis: str, named: bool) -> None:
    for arm in np.unique(table["arm"]):
        line = ribbon(ax, table.where(arm=arm), axis, "risk", ARM[str(arm)].line)
        if line is not None and named:
            name_at_end(ax, line, f"start: {ARM[str(arm)].words}")
    at, first = np.unique(table[axis].astype(float), return_index=True)
    if at.size > 1:
        theory(ax, at, (table["risk"] / table["over_rate"]).astype(float)[first], "rate", at=1.0, left=True)


def _sentence(table: Table) -> str:
    mask = counts(table) if len(table) else np.zeros(0, bool)
    if not mask.any():
        return "0 runs end at the edge and fit as well as the truth."
    low, high = np.quantile(table["over_rate"][mask].astype(float), [0.05, 0.95])
    ends = " to ".join(short(float(f"{each:.2g}")) for each in (low, high))
    return f"The risk is {ends} times the rate in nine of ten runs."
