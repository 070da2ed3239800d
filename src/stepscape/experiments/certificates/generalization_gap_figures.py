"""The figure of the claim `generalization-gap`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.certificates.agnostic_runs import AgnosticRun, ClassRun
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import theory
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {"parity": "labels by parity", "branches": "labels on two branches"}
LEAST = 3e-4
CAPTION = (
    "The gap between the error on fresh pairs and that on the sample, on the middle half of the inputs, "
    "against the number of pairs n. Black: an upper bound on the largest gap in a class of flat functions, "
    "and the gap of the function in it that follows the labels best; the supremum lies between the two. "
    "Colors: the gap of networks that descent found with step size η. Dashed: a fall like n^(−2/5), from "
    "the first point of the upper bound. Lines are medians over the seeds, ribbons quartiles; what is "
    "negative is not drawn. Repeat it with “stepscape run generalization-gap --full”."
)


def gaps(result: Result) -> Drawn:
    """Supremum and gap of descent against n, one panel per law."""
    laws = list(result.settings["laws"])
    figure, axes = canvas(1, len(laws), DOUBLE, sharex=True, sharey=True)
    done = result.where(outcome="finished")
    for ax, law in zip(axes[0], laws, strict=True):
        number_ticks(ax)
        number_ticks(ax, "x")
        here = done.where(law=law)
        _suprema(ax, here.of(ClassRun).table)
        _descent(ax, here.of(AgnosticRun).table)
        label(ax, x="pairs n", title=TITLES[law])
    axes[0, 0].set_ylabel("gap", fontsize=10)
    axes[0, 0].set_ylim(bottom=LEAST)
    said = _sentence(done)
    finding(figure, said)
    return Drawn(figure, f"{said} {CAPTION}")


def _suprema(ax: Axes, table: Table) -> None:
    if "upper" not in table or not len(table):
        note(ax, "no run finished")
        return
    look = {"color": COLORS["black"]}
    for column, words in (("upper", "upper bound"), ("attained", "attained")):
        line = ribbon(ax, table, "n", column, look, width=SECONDARY)
        if line is not None:
            name_at_end(ax, line, words)
    n = np.unique(table["n"]).astype(float)
    first = float(np.median(table.where(n=n[0])["upper"].astype(float)))
    if n.size > 1:
        theory(ax, n, first * (n / n[0]) ** -0.4, r"$n^{-2/5}$", at=0.7)


def _descent(ax: Axes, table: Table) -> None:
    if "gap" not in table or not len(table):
        return
    for eta in np.unique(table["step_size"]):
        rows = table.where(step_size=eta)
        shown = Table({"n": rows["n"], "gap": np.where(rows["gap"] > 0.0, rows["gap"], np.nan)})
        line = ribbon(ax, shown, "n", "gap", {"color": eta_color(float(eta))}, width=SECONDARY)
        if line is not None:
            name_at_end(ax, line, f"η = {short(float(eta))}")


def _sentence(done: Result) -> str:
    table, own = done.of(ClassRun).table, done.of(AgnosticRun).table
    if "upper" not in table or "gap" not in own or len(np.unique(table["n"])) < 2:
        return "No supremum of at least 2 sizes is known."
    n = np.unique(table["n"]).astype(float)
    ends = [float(np.median(table.where(n=at)["upper"].astype(float))) for at in n[[0, -1]]]
    power = np.log(ends[1] / ends[0]) / np.log(n[-1] / n[0])
    attained = float(np.median(table.where(n=n[-1])["attained"].astype(float)))
    factor = attained / max(float(np.median(own.where(n=n[-1])["gap"].astype(float))), 1e-12)
    times = short(float(f"{factor:.1g}"))
    words = f"{power:.2f}".replace("-", "−")
    return (
        f"The largest gap of a class falls like n to the power {words}, and is {times} times that of "
        f"descent at n = {n[-1]:.0f}."
    )
