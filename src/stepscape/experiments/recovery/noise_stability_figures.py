"""The figure of the claim `noise-stability`; it reads its runs and computes no measurement."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.recovery.low_rank import words
from stepscape.experiments.recovery.noise_runs import NOISY
from stepscape.experiments.recovery.noise_stability import WAYS, errors, finished
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, Look
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory
from stepscape.figures.style import MAIN, NAMES, SECONDARY, TALL, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

LOOKS = {
    "nuclear": (CONTRAST, MAIN),
    "flat": (MEASURED, SECONDARY),
    "frobenius": (THIRD, SECONDARY),
    "flat_penalized": (Look("penalized", COLORS["black"], "D"), SECONDARY),
}
CAPTION = (
    "Relative error of the recovered matrix against the noise of the labels, as a share of their root mean "
    "square: the flattest matrix (blue disks), that of least nuclear norm (vermilion squares) and that of "
    "least Frobenius norm (green triangles), which all fit the noisy labels, and the flattest one with the "
    "penalty of an oracle (black diamonds), which does not. Medians and quartiles. Dashed: an error equal to "
    "the noise."
)


def draw_errors(result: Result) -> Drawn:
    """Draw the relative errors against the level of the noise, one panel per problem."""
    table = finished(result)
    figure, axes = canvas(2, 2, TALL, sharex=True, sharey=True)
    for ax, name in zip(axes.flat, NOISY, strict=True):
        number_ticks(ax)
        number_ticks(ax, "x")
        rows = table.where(problem=name) if len(table) else table
        if len(rows):
            levels = np.unique(rows["level"])
            theory(ax, levels, levels, "error = noise", at=0.4, above=False)
            for way, (look, width) in LOOKS.items():
                shown = Table({"level": rows["level"], "error": rows[f"error_{way}"].astype(float)})
                ribbon(ax, shown, "level", "error", look.both, width=width, label=WAYS[way])
        else:
            note(ax, "no matrix was recovered")
        label(ax, title=words(name))
    for ax in axes[1]:
        label(ax, x="noise of the labels", title=ax.get_title(loc="left"))
    for ax in axes[:, 0]:
        ax.set_ylabel("relative error", fontsize=NAMES)
    shared_legend(figure, axes, columns=2)
    sentence = _sentence(table)
    finding(figure, sentence)
    seeds = np.unique(table["seed"]).size if len(table) else 0
    return Drawn(figure, f"{sentence} {CAPTION} {counted(seeds, 'seed')}.")


def _sentence(table: Table) -> str:
    if not len(table):
        return "No matrix was recovered."
    ratios = []
    for name in NOISY:
        if name in table["problem"]:
            at, seen = errors(table.where(problem=name), "flat")
            ratios.append(median(seen / at))
    return (
        f"In the median flat solutions are off by {number(min(ratios))} to {number(max(ratios))} times the "
        "noise, at every level."
    )
