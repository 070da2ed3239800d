"""Figures of the claim `flow-or-descent`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.edge.flow_or_descent import NEAR, counted
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.colors import eta_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, SINGLE, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short

FLOOR = 1e-5


def distance(result: Result) -> Drawn:
    """Draw sharpness and distance from the flow over time, for the first seed."""
    runs = result.drawn("relative")
    figure, axes = canvas(1, 2, DOUBLE, sharex=True)
    left, right = axes[0]
    for run in runs:
        time, look = run.arrays["time"], {"color": eta_color(run["step_size"])}
        left.plot(time, run.arrays["edge_ratio_over_time"], lw=SECONDARY, **look)
        right.plot(
            time[1:], np.maximum(run.arrays["relative"][1:], FLOOR), lw=MAIN,
            label=f"η = {short(run['step_size'])}", **look,
        )  # fmt: skip
    theory_level(left, 1.0, r"$2/\eta$")
    guide(right, NEAR, "near", at=0.98, above=False)
    number_ticks(right)
    label(left, r"time $\eta t$", r"$\lambda_{\max}\,\eta/2$")
    label(right, r"time $\eta t$", "distance over the way")
    if runs:
        shared_legend(figure, axes, columns=5)
    table = counted(result.table, crossed=True)
    gaps = table["gap_after"].astype(float) if len(table) else np.empty(0)
    typical = f"{100 * float(np.median(gaps)):.0f} %" if gaps.size else "0 %"
    said = f"Descent that crosses 2/η goes {typical} of the way away from gradient flow, in the median."
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Left: λ_max·η/2 of the iterates over the time η t, with the edge as a dashed line. Right: "
        "the distance of the parameters of descent (midpoints) from those of gradient flow at the same time, "
        f"over the way of the flow; below the dotted line, {100 * NEAR:g} %, they are near. First seed; "
        f"colors are step sizes η. Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def parting(result: Result) -> Drawn:
    """Draw the time of parting against that of the crossing, one mark per run."""
    table = counted(result.table, crossed=True)
    figure, axes = canvas(1, 1, SINGLE)
    ax, known = axes[0, 0], np.zeros(0, bool)
    if len(table):
        known = np.isfinite(table["parted"].astype(float))
        for eta in np.unique(table["step_size"]):
            here = known & (table["step_size"] == eta)
            ax.plot(
                table["crossed"][here], table["parted"][here], "o", ms=4.0, alpha=0.6, mew=0,
                color=eta_color(float(eta)), label=f"η = {short(float(eta))}",
            )  # fmt: skip
    ends = table["crossed"][known].astype(float) if known.any() else np.array([1.0, 10.0])
    # The name stands where it ends, left of the upper end: the lower end is at the axis.
    theory(ax, [ends.min(), ends.max()], [ends.min(), ends.max()], "at the crossing", at=1.0, left=True)
    number_ticks(ax, "x")
    number_ticks(ax)
    label(ax, r"time when $\lambda_{\max}$ reaches $2/\eta$", "time of parting")
    if known.any():
        shared_legend(figure, axes, columns=3)
    late = int(np.sum(table["parted"][known] >= table["crossed"][known])) if known.any() else 0
    said = f"{number(late)} of {number(int(known.sum()))} runs leave the flow after they cross 2/η."
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Every mark is a run that crossed and parted: the time when λ_max of its iterate reaches "
        f"2/η, and the time from which it stays farther than {100 * NEAR:g} % of the way from gradient flow. "
        "On the dashed line both are the same. Colors are step sizes η. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip
