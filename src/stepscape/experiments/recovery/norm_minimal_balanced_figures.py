"""The figure of the claim `norm-minimal-balanced`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.recovery.low_rank import words
from stepscape.experiments.recovery.norm_minimal_balanced import recovered
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import CONTRAST, MEASURED
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import theory
from stepscape.figures.style import TALL, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = ("gaussian", "bilinear", "network")
GAPS = {
    "imbalance": ("imbalance", CONTRAST, "balanced_right", 0.0),
    "excess": ("norm excess", MEASURED, "norm_minimal_right", 1.0),
}  # column → name, look, bound, what is taken off the bound
CAPTION = (
    "How far the flat factors of recovered matrices are from balanced ones (vermilion squares: "
    "‖LᵀL − RᵀR‖_*/‖M‖_*, in a quadratic network 2‖U1ᵀU2‖_*/‖M‖_*) and from norm-minimal ones (blue disks: "
    "½(‖L‖² + ‖R‖²)/‖M‖_* − 1, in a quadratic network without the half), against the number m of "
    "measurements; medians and quartiles. Dashed: the bound of the theorem, q(‖L‖² + ‖R‖²)/‖M‖_* with "
    "q = (κ² − 1)/(κ² + 1) above and κ² − 1 below, both of the first order."
)


def gaps(result: Result) -> Drawn:
    """Draw both gaps against m, one problem per column, the imbalance above and the norm excess below."""
    table = recovered(result)
    figure, axes = canvas(2, len(SHOWN), TALL, sharex="col", sharey="row")
    for column, name in enumerate(SHOWN):
        rows = table.where(problem=name) if len(table) else table
        for ax, gap in zip(axes[:, column], GAPS, strict=True):
            number_ticks(ax)
            number_ticks(ax, "x")
            if len(rows):
                _gap(ax, rows, gap)
            else:
                note(ax, "no matrix was recovered")
        label(axes[0, column], title=words(name))
        label(axes[1, column], x="measurements m", title=" ")
    for ax, (title, *_) in zip(axes[:, 0], GAPS.values(), strict=True):
        ax.set_ylabel(title, fontsize=10)
    sentence = _sentence(table)
    finding(figure, sentence)
    seeds = np.unique(table["seed"]).size if len(table) else 0
    return Drawn(figure, f"{sentence} {CAPTION} {counted(seeds, 'seed')}.")


def _gap(ax: Axes, rows: Table, gap: str) -> None:
    _, look, bound, less = GAPS[gap]
    at = np.unique(rows["m"]).astype(float)
    level = [median(rows[bound][rows["m"] == m] - less) for m in at]
    first = ax.get_subplotspec().is_first_col()  # type: ignore[union-attr]
    theory(ax, at, level, "bound" if first else "", at=0.4)
    shown = Table({"m": rows["m"].astype(float), gap: np.where(rows[gap] > 0.0, rows[gap], np.nan)})
    line = ribbon(ax, shown, "m", gap, look.both)
    if line is not None and first:
        name_at_end(ax, line, "flat")


def _sentence(table: Table) -> str:
    if not len(table):
        return "No matrix was recovered."
    rows = table.where(problem="gaussian") if "gaussian" in table["problem"] else table
    rows = rows.where(m=rows["m"].min())
    excess, imbalance = median(rows["excess"]), median(rows["imbalance"])
    return (
        f"Flat factors are norm-minimal to {number(excess)}, but balanced only to {number(imbalance)}: "
        "the excess is of second order, the imbalance of first."
    )
