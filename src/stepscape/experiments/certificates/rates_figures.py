"""The figure of the claim `rates`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide, theory
from stepscape.figures.style import SECONDARY, TALL, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOM = 0.1  # of the panel, below the dashed line, for its formula
TITLES = {"bump": "hardest sequence", "tent": "fixed tent"}
LOOKS = {"network": MEASURED, "ntk": CONTRAST, "spline": THIRD}
WORDS = {"network": "network", "ntk": "own NTK", "spline": "cubic spline"}
CAPTION = (
    "Above: mean squared distance to the truth in the interior against the number of labels n, each method "
    "tuned by the same cross-validation: the network (blue, disks), ridge regression with the tangent "
    "kernel of its start, its own NTK (vermilion, squares), and a cubic smoothing spline (green, "
    "triangles). Gray: the zero function. Dashed: a fall like n^(−4/5). Below: the risk of each kernel "
    "over that of the network on the same labels; above the dotted line the network is better. Lines are "
    "medians over the seeds, ribbons quartiles. Left the bump shrinks with n, like n^(−1/4), and lies at a "
    "random place; right the target is the same for all n. Repeat it with “stepscape run rates --full”."
)


def risks(result: Result) -> Drawn:
    """Risks of the three methods against n, and below the paired ratios; one column per target."""
    targets = list(result.settings["targets"])
    figure, axes = canvas(2, len(targets), TALL, sharex=True, sharey="row")
    done = result.where(outcome="finished")
    for column, target in zip(axes.T, targets, strict=True):
        for ax in column:
            number_ticks(ax)
            number_ticks(ax, "x")
        table = done.where(target=target).table
        last = target == targets[-1]
        if "risk_network" not in table or not len(table):
            note(column[0], "no run finished")
            guide(column[1], 1.0, "as good")
            continue
        _risks(column[0], table, last)
        _ratios(column[1], table, last)
        label(column[0], title=TITLES[target])
        label(column[1], x="labels n")
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(low * (low / high) ** ROOM, high)
    axes[0, 0].set_ylabel("risk (squared units of y)", fontsize=10)
    axes[1, 0].set_ylabel("kernel over network", fontsize=10)
    said = _sentence(done)
    finding(figure, said)
    return Drawn(figure, f"{said} {CAPTION}")


def _risks(ax: Axes, table: Table, named: bool) -> None:
    n = np.unique(table["n"]).astype(float)
    for name, look in LOOKS.items():
        line = ribbon(ax, table, "n", f"risk_{name}", look.both, width=SECONDARY)
        if line is not None and named:
            name_at_end(ax, line, WORDS[name])
    line = ribbon(ax, table, "n", "zero", {"color": COLORS["gray"]}, width=SECONDARY)
    if line is not None and named:
        name_at_end(ax, line, "zero")
    first = 0.4 * float(np.median(table.where(n=n[0])["risk_network"].astype(float)))
    theory(ax, n, first * (n / n[0]) ** -0.8, r"$n^{-4/5}$", at=1.0, above=False, left=True)


def _ratios(ax: Axes, table: Table, named: bool) -> None:
    guide(ax, 1.0, "as good", above=False)
    for name in ("ntk", "spline"):
        ratio = Table({"n": table["n"], "ratio": 10.0 ** table[f"ratio_{name}"].astype(float)})
        line = ribbon(ax, ratio, "n", "ratio", LOOKS[name].both, width=SECONDARY)
        if line is not None and named:
            name_at_end(ax, line, WORDS[name])


def _sentence(done: Result) -> str:
    words = []
    for target in dict.fromkeys(run.row["target"] for run in done.runs):
        table = done.where(target=target).table
        if "ratio_ntk" not in table:
            continue
        rows = table.where(n=int(table["n"].max()))
        factor = 10.0 ** float(np.median(rows["ratio_ntk"].astype(float)))
        words.append(f"{short(float(f'{factor:.2g}'))} times that of the network on the {TITLES[target]}")
    n = max((int(run.row["n"]) for run in done.runs), default=0)
    return (
        f"The risk of the tangent kernel is {' and '.join(words)}, at n = {n}."
        if words
        else "0 runs finished."
    )
