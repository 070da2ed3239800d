"""The catapult of a linear network: loss that first grows, and a curvature that falls below 2/η."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.edge.catapult_runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
WIDE = 100  # hidden units from which a network counts as wide
SOLVED = 1e-6  # loss


def between(table: Table, low: float, high: float) -> Table:
    """Keep the runs of wide networks that begin with ηλ between two numbers."""
    product = table["product"].astype(float)
    return table.rows(np.asarray((product > low) & (product < high) & (table["catapult_width"] >= WIDE)))


def caught(rows: Table, solved: float) -> NDArray[np.bool_]:
    """Mask of the runs whose loss grows at first, and that end solved at a curvature below 2/η."""
    ends = (rows["outcome"] == "finished") & (rows["last_loss"] < solved) & (rows["last_product"] < 2.0)
    return np.asarray(ends & (rows["growth"] > 1.0))


def recursion(result: Result, tolerance: float) -> Finding:
    """Whether f and λ obey the recursion in all steps of all runs."""
    return decide.identity(result.table["recursion_error"], tolerance, "runs")


def is_caught(result: Result, solved: float) -> Finding:
    """Whether the loss grows at first between 2/η and 4/η, and ends solved with λ below 2/η."""
    rows = between(result.table, 2.0, 4.0)
    if not len(rows):
        return lacking("no start lies between 2/η and 4/η")
    says = Says("runs from between 2/η and 4/η", "grow", "at first and end at a flat minimum", plural=True)
    return decide.share(caught(rows, solved), says, groups=rows["seed"])


def is_monotone(result: Result) -> Finding:
    """Whether no step raises the loss from a start below 2/η."""
    rows = between(result.table, 0.0, 2.0)
    if not len(rows):
        return lacking("no start lies below 2/η")
    says = Says("runs from below 2/η", "have", "a loss that never rises", plural=True)
    return decide.share(rows["rises"] == 0, says, groups=rows["seed"])


def diverges(result: Result) -> Finding:
    """Whether descent diverges from starts beyond 4/η."""
    rows = between(result.table, 4.0, np.inf)
    if not len(rows):
        return lacking("no start lies beyond 4/η")
    says = Says("runs from beyond 4/η", "diverge", "", plural=True)
    return decide.share(rows["outcome"] == "diverged", says, groups=rows["seed"])


def grows_with_the_width(result: Result, exponent: float, within: float) -> Finding:
    """Whether the largest loss of a catapult is proportional to the width."""
    rows, found = between(result.table, 2.2, 4.0), []
    rows = rows.rows(rows["outcome"] == "finished") if len(rows) else rows
    for seed in np.unique(rows["seed"]) if len(rows) else ():
        mine = rows.rows(rows["seed"] == seed)
        widths = np.unique(mine["catapult_width"])
        if widths.size >= 3:
            peaks = [np.median(np.log(mine["largest_loss"][mine["catapult_width"] == k])) for k in widths]
            found.append(float(np.polyfit(np.log(widths.astype(float)), peaks, 1)[0]))
    if not found:
        return lacking("there are fewer than three widths with a catapult")
    says = Says("the largest loss", "be", "proportional to the width")
    return decide.equivalent(
        np.array(found) - exponent, within, says, f"exponent of the width minus {exponent:g}"
    )


def numbers(result: Result) -> Table:
    """One row per product: medians over widths and seeds."""
    columns = ("growth", "largest_loss", "last_loss", "last_product", "rises")
    return medians(result.table, ("product",), columns, ("diverged",))


def draw(result: Result) -> dict[str, Drawn]:
    """Loss and curvature over the steps."""
    from stepscape.experiments.edge import catapult_figures as figures

    return {"steps": figures.steps(result)}


CLAIM = Claim(
    name="catapult",
    title="The catapult",
    claim=(
        "From a start between 2/η and 4/η the loss of a wide network first grows, its curvature falls, and "
        "descent ends at a minimum flatter than 2/η; beyond 4/η it diverges."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'GD tend to diverge at sharp minima'; "
        "Lewkowycz, Bahri, Dyer, Sohl-Dickstein and Gur-Ari (2020), section 2.1"
    ),
    setup=(
        "The model of the source: a linear network with k hidden units, one example 1 with the label 0, from "
        "a random start with a given curvature and an output drawn from N(0, 1). Its output and its "
        "curvature obey a closed recursion. Widths and step sizes were chosen without pilots."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "is_caught",
            "Between 2/η and 4/η the loss grows at first, and descent ends at a flat minimum",
            f"In nearly all runs with at least {WIDE} hidden units and 2 < ηλ < 4 at the start, the largest "
            "loss exceeds the first, the last is below {solved:g}, and ηλ < 2 at the end.",
            is_caught,
            {"solved": SOLVED},
            reads=("growth",),
            primary=True,
        ),
        Part(
            "is_monotone",
            "Below 2/η the loss never rises",
            f"No step raises it above 1e-20 in nearly all runs with at least {WIDE} hidden units and ηλ < 2 "
            "at the start. Below that it is rounding.",
            is_monotone,
            reads=("rises",),
        ),
        Part(
            "diverges",
            "Beyond 4/η descent diverges",
            f"Nearly all runs with at least {WIDE} hidden units and ηλ > 4 at the start do.",
            diverges,
        ),
        Part(
            "width",
            "The largest loss is proportional to the width",
            "The exponent of the width in the median largest loss of runs with 2.2 < ηλ < 4, by least "
            "squares on logarithms: the interval of its mean over the seeds lies within {within:g} of "
            "{exponent:g}.",
            grows_with_the_width,
            {"exponent": 1.0, "within": 0.15},
            reads=("largest_loss",),
        ),
        Part(
            "recursion",
            "Output and curvature obey the recursion",
            "In all steps f ← f(1 − ηλ + η²f²/k) and λ ← λ + (ηf²/k)(ηλ − 4) up to {tolerance:g} of their "
            "terms.",
            recursion,
            {"tolerance": 1e-12},
            kind="identity",
            reads=("recursion_error",),
        ),
    ),
    draw=draw,
    premises={"product": "ηλ of the start tells which of the three regimes a run is in"},
    numbers=numbers,
)
