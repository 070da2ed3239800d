"""Figures of the claim `sharpness-vs-risk`; they read its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.folklore import ranks
from stepscape.experiments.folklore.solutions import solutions
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.intervals import student
from stepscape.figures.colors import CONTRAST, MEASURED, eta_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, SECONDARY, SMALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import NEAR, finding
from stepscape.tables.interval import Interval
from stepscape.tables.number import fixed, number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = 0.13  # of a row: half the distance of the two marks
LOOKS = {"across": MEASURED, "within": CONTRAST}
WORDS = {"across": "across step sizes", "within": "at one step size"}


def shown(result: Result) -> Table:
    """Rows of the widest range."""
    return result.table.where(half_width=float(np.max(result.table["half_width"])))


def correlations(result: Result) -> Drawn:
    """Draw Kendall's τ of each measure with the risk, one panel per region."""
    table = shown(result)
    figure, axes = canvas(1, 2, DOUBLE, sharex=True, sharey=True)
    for ax, (risk, where) in zip(axes[0], ranks.REGIONS.items(), strict=True):
        for way, ranking in ranks.RANKINGS.items():
            found = [student(ranks.by_seed(table, ranking, measure, risk)) for measure in ranks.MEASURES]
            _bars(ax, found, way)
        guide(ax, 0.0, "no order", at=0.99, above=False, vertical=True)
        ax.set_xlim(-1.05, 1.05)
        label(ax, r"Kendall's $\tau$ with the risk", title=f"risk {where}")
    axes[0, 0].set_yticks(range(len(ranks.MEASURES)), list(ranks.MEASURES.values()), fontsize=SMALL)
    axes[0, 0].set_ylim(len(ranks.MEASURES) - 0.5, -0.9)
    shared_legend(figure, axes, columns=2)
    said, width = _sentence(table), table["half_width"][0]
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Circles: Kendall's τ over all solutions of a data set; squares: over the solutions with one "
        "step size, averaged over the step sizes; both as means over the seeds with 95 % intervals. 1 means "
        "that the measure orders solutions as their risk does. The least sharpness and trace are those over "
        "all rescalings of the neurons; on the dotted line the orders are unrelated. "
        f"Inputs on [−{width:g}, {width:g}]. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def _bars(ax: Axes, found: list[Interval], way: str) -> None:
    look, rows = LOOKS[way], np.arange(len(found)) + (-APART if way == "across" else APART)
    known = [i for i, each in enumerate(found) if each.count > 1]
    middle = np.array([found[i].mean for i in known])
    ends = np.array([(found[i].mean - found[i].low, found[i].high - found[i].mean) for i in known])
    ends = ends.reshape(-1, 2).T.clip(min=0.0)
    ax.errorbar(
        middle, rows[known], xerr=ends, elinewidth=SECONDARY, capsize=3.0, capthick=SECONDARY,
        label=WORDS[way], **look.marks,
    )  # fmt: skip


def _sentence(table: Table) -> str:
    risk = next(iter(ranks.REGIONS))
    found = {
        way: student(ranks.by_seed(table, ranking, "sharpness", risk))
        for way, ranking in ranks.RANKINGS.items()
    }
    if any(not np.isfinite(each.mean) for each in found.values()):
        return "Sharpness ranks the solutions of 0 data sets."
    one, two = (fixed(each.mean, 2) for each in found.values())
    return (
        f"Sharpness follows the risk with τ = {one} across step sizes, and with τ = {two} at one step size."
    )


def solutions_of(result: Result) -> Drawn:
    """Draw the risk of every solution against its sharpness and against its weighted variation."""
    table = _with_relative(solutions(shown(result)))
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    etas = np.unique(table["step_size"]).astype(float).tolist()
    for ax, measure in zip(axes[0], ("sharpness", "weighted_tv"), strict=True):
        for eta in etas:
            _dots(ax, table.where(step_size=eta), measure, eta)
        number_ticks(ax, "x")
        number_ticks(ax)
        label(ax, r"sharpness $\lambda_{\max}$" if measure == "sharpness" else "weighted variation")
    axes[0, 0].set_ylabel("risk over that of the data set")
    if etas:
        shared_legend(figure, axes, columns=6)
    near = int(np.sum(np.abs(table["edge_ratio"].astype(float) - 1.0) <= NEAR)) if len(table) else 0
    said = (
        f"{number(near)} of {number(len(table))} solutions have a sharpness within {100 * NEAR:.0f} % of "
        "2/η: it tells their step size."
    )
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Every mark is a solution; its height is its risk on the whole interval over the median risk "
        "of the solutions of its data set. Left: against its sharpness; right: against its weighted "
        "variation. The color is the step size. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def _dots(ax: Axes, rows: Table, measure: str, eta: float) -> None:
    ax.plot(
        rows[measure], rows["relative"], "o", ms=4.0, alpha=0.6, mew=0, color=eta_color(eta),
        label=f"η = {short(eta)}",
    )  # fmt: skip


def _with_relative(table: Table) -> Table:
    """Add the risk over the median risk of the solutions of the same data set."""
    if not len(table):
        return Table({**table.columns, "relative": np.empty(0)})
    risk = np.asarray(table["risk_grid"], float)
    typical = {seed: np.median(risk[table["seed"] == seed]) for seed in np.unique(table["seed"])}
    return Table({**table.columns, "relative": risk / [typical[seed] for seed in table["seed"]]})
