"""Figures of the claim `catapult`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.edge.catapult import SOLVED, WIDE, between, caught
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.colors import level_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short

SHOWN = 60  # steps
LEAST = 1e-12  # loss


def steps(result: Result) -> Drawn:
    """Draw loss and curvature over the first steps, for the largest width of the first seed."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    runs = result.drawn("loss")
    widest = max((run["catapult_width"] for run in runs), default=0)
    runs = [run for run in runs if run["catapult_width"] == widest]
    products = sorted({float(run["product"]) for run in runs})
    for run in runs:
        look = {"color": level_color(float(run["product"]), products), "lw": SECONDARY}
        name = f"ηλ = {short(run['product'])}"
        # A run that diverges leaves the picture.
        loss = np.clip(run.arrays["loss"][:SHOWN], LEAST, 1e12)
        left.plot(loss, label=name, **look)
        right.plot(np.minimum(run.arrays["edge_ratio"][:SHOWN], 2.5), **look)
    number_ticks(left)
    theory_level(right, 1.0, r"$2/\eta$", at=0.98)
    theory_level(right, 2.0, r"$4/\eta$", at=0.98)
    label(left, "step", "loss")
    label(right, "step", r"$\lambda\,\eta/2$")
    if runs:
        shared_legend(figure, axes, columns=6)
    rows = between(result.table, 2.0, 4.0)
    found = int(caught(rows, SOLVED).sum()) if len(rows) and "growth" in rows else 0
    said = (
        f"{number(found)} of {number(len(rows))} runs that begin between 2/η and 4/η grow at first and end "
        "solved below 2/η."
    )
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Loss (left) and curvature λ over 2/η (right) of descent on a linear network with "
        f"{number(widest)} hidden units and one example, for the first seed; colors are ηλ of the start; "
        "dashed lines are 2/η and 4/η. The title counts networks of at least "
        f"{WIDE} hidden units, and a last loss below {number(SOLVED)}. Runs beyond 4/η leave the picture. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip
