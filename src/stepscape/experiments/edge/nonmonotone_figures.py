"""Figures of the claim `nonmonotone`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.edge.nonmonotone import counts
from stepscape.experiments.edge.small_networks import NETWORKS
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.colors import COLORS
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, GUIDE, canvas, label
from stepscape.figures.ticks import number_ticks, plain_ticks
from stepscape.figures.titles import finding

MOST = 3.0  # of 2/η: curvatures beyond are drawn there
DOTS = 600  # steps that are drawn as dots at most, evenly spread


def steps(result: Result) -> Drawn:
    """Draw the loss and the directional smoothness over the steps, and relative progress against it."""
    figure, axes = canvas(1, 3, DOUBLE)
    left, middle, right = axes[0]
    runs = result.drawn("loss")
    if runs:
        arrays, eta = runs[0].arrays, float(runs[0].arrays["eta"][0])
        ratio, secants = arrays["curvature"] * eta / 2.0, arrays["secant"] * eta / 2.0
        left.plot(arrays["loss"], color=COLORS["black"], lw=GUIDE)
        number_ticks(left)
        dots = {"ms": 2.0, "mew": 0, "alpha": 0.5}
        every = np.unique(np.linspace(0, secants.size - 1, DOTS).astype(int))
        middle.plot(every, np.clip(secants[every], -MOST, MOST), "o", color=COLORS["blue"], **dots)
        change = np.diff(arrays["loss"]) / arrays["loss"][:-1]
        right.plot(np.clip(ratio[every], -MOST, MOST), change[every], "o", color=COLORS["vermilion"], **dots)
        plain_ticks(right)
    theory_level(middle, 1.0, r"$2/\eta$")
    theory_level(right, 1.0, r"$2/\eta$", at=0.6, vertical=True)
    right.axhline(0.0, color=COLORS["gray"], lw=GUIDE)
    label(left, "step", "loss")
    label(middle, "step", r"secant curvature $D\,\eta/2$")
    label(right, r"curvature $M\,\eta/2$", "relative change of the loss")
    table = result.table
    keep = counts(table) & (table["outcome"] == "finished")
    middle_of = float(np.median(table["weighted_secant"][keep].astype(float))) if keep.any() else float("nan")
    share = float(np.median(table["rising_share"][keep].astype(float))) if keep.any() else float("nan")
    said = (
        f"{100 * share:.0f} % of the steps at the edge raise the loss; the curvature along a step is "
        f"{middle_of:.2f}·2/η in the weighted mean." if keep.any() else "No run counts."
    )  # fmt: skip
    finding(figure, said)
    name = NETWORKS[runs[0]["network"]] if runs else "no run"
    return Drawn(figure, (
        f"{said} First seed, {name}, from just before the edge on, or from the start. Left: the loss. "
        "Middle: the secant curvature D of a step over 2/η; the title has its mean weighted by the squared "
        "lengths of the steps, which cannot exceed 2/η. Right: one dot for a step, the relative change of "
        "the loss against M·η/2; right of the dashed line it rises, left of it it falls, where the loss is "
        f"smooth. Curvatures beyond {MOST:g} times 2/η are drawn there; of long runs {DOTS} steps are dots. "
        "The title has medians over the runs that stay at the edge. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip
