"""Figures of the claim `thresholds`; they read its rows and arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.deep.optimizers import OPTIMIZERS
from stepscape.experiments.deep.thresholds import counts
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.colors import CONTRAST, MEASURED, level_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number

Array = NDArray[np.float64]
LATE = 4  # records at the end of a path
NEAR = 0.1  # of the threshold


def settled(result: Result) -> Drawn:
    """Draw the edge ratio of every run by method, and the plain sharpness over 2/η beside it."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    table = result.table.rows(counts(result.table) & (result.table["outcome"] == "finished"))
    names = [name for name in OPTIMIZERS if (table["method"] == name).any()]
    for at, name in enumerate(names):
        rows = table.where(method=name)
        for ax, column, look in ((left, "edge_ratio", MEASURED), (right, "plain_ratio", CONTRAST)):
            values = rows[column]
            ax.plot(values, np.full(values.size, -at), look.marker, ms=3, mew=0, alpha=0.6, color=look.color)
            ax.plot([np.median(values)], [-at], "|", ms=14, mew=MAIN, color=look.color)
    for ax, words in ((left, "threshold"), (right, r"$2/\eta$")):
        theory_level(ax, 1.0, words, vertical=True)
        ax.set_yticks([-at for at in range(len(names))], [OPTIMIZERS[name].words for name in names])
        ax.set_ylim(-len(names) + 0.4, 0.6)
    right.set_yticklabels([])
    right.set_xscale("log")
    number_ticks(right, "x")
    label(left, "own sharpness over own threshold")
    label(right, r"plain $\lambda_{\max}\cdot\eta/2$")
    spans = [float(np.median(table.where(method=name)["edge_ratio"])) for name in names]
    ends = f"{number(min(spans))} to {number(max(spans))}" if spans else "no number"
    said = f"The median edge ratios of the methods are {ends}."
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Left: largest eigenvalue of the preconditioned Hessian at the midpoint over the threshold "
        "of the method (dashed line), median over the last half of each run; dots are runs, ticks medians. "
        "Right, as squares: the largest eigenvalue of the Hessian itself over 2/η for the same runs; for "
        "methods without preconditioner it is the left number times a constant. Runs that diverge, and those "
        f"that are on their way to the threshold or at rest before it, are left out. {_repeat(result)}"
    ))  # fmt: skip


def paths(result: Result) -> Drawn:
    """Draw the edge ratio over the steps for the first seed."""
    figure, axes = canvas(1, 1, DOUBLE)
    ax, runs = axes[0, 0], result.drawn("path")
    last = {run["method"]: run for run in runs}  # one step size per method
    for at, (name, run) in enumerate(last.items()):
        ax.plot(
            run.arrays["at_steps"], run.arrays["path"], lw=SECONDARY, label=OPTIMIZERS[name].words,
            color=level_color(float(at), [float(i) for i in range(max(2, len(last)))]),
            marker="osv^D<>p"[at % 8], ms=4, markevery=max(1, run.arrays["path"].size // 8),
        )  # fmt: skip
    ax.set_yscale("log")
    number_ticks(ax)
    theory_level(ax, 1.0, "threshold", at=0.98)
    label(ax, "steps", "edge ratio")
    if last:
        shared_legend(figure, axes, columns=3)
    said = _ends({name: run.arrays["path"] for name, run in last.items()})
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Drawn is the sharpness of each method over its threshold at the midpoints over the steps, "
        "for the first seed, each method at the last of its step sizes; the dashed line is the threshold. "
        f"The title counts medians over the last {LATE} records. {_repeat(result)}"
    ))  # fmt: skip


def _ends(paths: Mapping[str, Array]) -> str:
    """Say how many methods end near their thresholds, and how far above it the highest begins."""
    if not paths:
        return "No path was drawn of 0 runs."
    near = sum(abs(float(np.median(path[-LATE:])) - 1.0) <= NEAR for path in paths.values())
    ends = f"{near} of {len(paths)} methods end within {100 * NEAR:.0f} % of their own thresholds"
    above = sum(path[0] > 1.0 for path in paths.values())
    if not above:
        return f"{ends}; none begins above."
    highest = max(paths, key=lambda name: float(paths[name][0]))
    begun = f"{above} begin{'s' if above == 1 else ''} above"
    return f"{ends}; {begun}, {OPTIMIZERS[highest].words} at {number(paths[highest][0], 2)} times its own."


def _repeat(result: Result) -> str:
    return f"Repeat it with “stepscape run {result.claim} --full”."
