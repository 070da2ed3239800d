"""The figure of the claim `worst-case-gap`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import ARM, CONTRAST, MEASURED, THIRD
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label, note
from stepscape.figures.ticks import step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION = (
    "Blue, with disks: the largest gap between the error on fresh labels and that on the labels of the "
    "table, over all functions whose weighted variation and range are as certified for the network that "
    "descent found. Red, with squares: the gap of that network. Green, with triangles: the largest gap if "
    "random signs take the place of the noise. Lines are medians over the seeds, ribbons quartiles. "
    "Dotted: the variance of the noise, half of the gap of a network that memorizes all labels. One panel "
    "per start, {n} points, equal steps. Repeat it with “stepscape run worst-case-gap --full”."
)


def gaps(result: Result) -> Drawn:
    """Largest gap and gap of descent against the step size, for the smallest number of points."""
    n = min(result.settings["sizes"])
    chosen, arms = result.where(n=n), result.settings["arms"]
    noise = result.settings["noise"]
    figure, axes = canvas(1, len(arms), DOUBLE, sharex=True, sharey=True)
    for ax, arm in zip(axes[0], arms, strict=True):
        ax.set_xscale("log")
        step_size_ticks(ax, sorted(result.settings["step_sizes"]))
        _panel(ax, chosen.where(arm=arm, outcome="finished").table, noise, arm == arms[-1])
        label(ax, x="step size η", title=f"start: {ARM[arm].words}")
    axes[0, 0].set_ylabel("gap (squared units of y)", fontsize=10)
    said = _sentence(chosen.where(outcome="finished").table)
    finding(figure, said)
    return Drawn(figure, f"{said} {CAPTION.format(n=n)}")


def _panel(ax: Axes, table: Table, noise: float, named: bool) -> None:
    if "supremum" not in table or not np.isfinite(table["supremum"].astype(float)).any():
        note(ax, "no certificate")
        return
    guide(ax, noise**2, "noise variance")
    drawn = (
        ("supremum", MEASURED, "largest in class"),
        ("with_signs", THIRD, "random signs"),
        ("gap", CONTRAST, "descent"),
    )
    for column, look, words in drawn:
        line = ribbon(ax, table, "step_size", column, look.both, width=SECONDARY)
        if line is not None and named:
            name_at_end(ax, line, words)
    ax.set_ylim(bottom=0.0)


def _sentence(table: Table) -> str:
    if "supremum" not in table or not len(table):
        return "No run has 1 certificate."
    known = np.isfinite(table["supremum"].astype(float)) & (table["bent_neurons"] > 0)
    if not known.any():
        return "No run has 1 certificate."
    factor = float(np.median(table["supremum"][known]) / np.median(table["gap"][known]))
    times = short(float(f"{factor:.2g}"))
    return f"The largest gap in the certified class is {times} times that of descent, in the median."
