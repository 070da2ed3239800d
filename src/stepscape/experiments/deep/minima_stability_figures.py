"""Figure of the claim `minima-stability`; it reads its rows."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.deep.minima_stability import LEFT, found, is_flatter, wrong_sides
from stepscape.experiments.deep.optimizers import OPTIMIZERS
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label
from stepscape.figures.titles import finding


def rates(result: Result) -> Drawn:
    """Draw the growth of small changes by method, and the sharpness at the end beside it."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    table = result.table.rows(found(result.table))
    names = [name for name in OPTIMIZERS if len(table) and (table["method"] == name).any()]
    for at, name in enumerate(names):
        rows = table.where(method=name)
        for column, look in (("below", MEASURED), ("above", CONTRAST)):
            values = np.exp(rows[f"rate_{column}"])
            expected = float(np.exp(np.median(rows[f"linear_{column}"])))
            left.plot([expected], [-at], "|", ms=16, mew=SECONDARY, color="black", label="on the quadratic")
            left.plot(
                values, np.full(values.size, -at), look.marker, ms=4, mew=0, color=look.color,
                label=f"step size {column} the critical one",
            )  # fmt: skip
        done = rows.rows(rows["outcome"] == "finished")
        if len(done):
            ends = done["left_ratio"]
            right.plot(ends, np.full(ends.size, -at), THIRD.marker, ms=4, mew=0, color=THIRD.color)
    words = [OPTIMIZERS[name].words for name in names]
    for ax in (left, right):
        ax.set_yticks([-at for at in range(len(names))], words)
        ax.set_ylim(-len(names) + 0.4, 0.6)
        theory_level(ax, 1.0, vertical=True)
    right.set_yticklabels([])
    label(left, "factor per step of a small change")
    label(right, "sharpness: end over minimum")
    if names:
        shared_legend(figure, axes, columns=3)
    flat = int(is_flatter(table, LEFT).sum()) if len(table) else 0
    lost = int(np.sum(table["outcome"] == "diverged")) if len(table) else 0
    wrong = int(wrong_sides(table).sum()) if len(table) else 0
    said = f"{flat} of {len(table)} runs just above the threshold end at a flatter point; {lost} diverge."
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Left: factor per step of a change along the top eigenvector, at a step size below the "
        "critical one (blue dots) and above it (red squares); black ticks are the factors on the quadratic "
        "of the same curvature, and the dashed line is a change that neither shrinks nor grows; "
        f"{wrong} of {2 * len(table)} changes are on the wrong side of it. Right, as triangles: sharpness "
        "after training on from a larger change above the critical step size, over that of the minimum "
        f"(dashed line); runs that diverge have none. Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip
