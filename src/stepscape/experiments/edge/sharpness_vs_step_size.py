"""The sharpness of what large steps find lies on 2/η, and rises to it by progressive sharpening."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES, ARMS
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.edge.runs import begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.levels import Levels, median
from stepscape.experiments.frame.limits import EDGE
from stepscape.tables.records import Table

IN_TIME = 0.5
ARRIVAL = {"in_time": IN_TIME, "sizes": 3, "span": 10.0}


def with_arrivals(table: Table, in_time: float) -> Table:
    """Add the column `arrived`: the network is alive and reached the edge early enough to be judged there."""
    early = np.zeros(len(table), bool)
    if "reached_at_step" in table:  # nan, never reached, compares false
        early = STEP_SIZES.counts(table) & (table["reached_at_step"] <= in_time * table["steps"])
    return Table({**table.columns, "arrived": early})


def arrivals(sizes: int, span: float) -> Levels:
    """Return the sweep over step sizes in which a run counts if it arrived."""
    return Levels(
        "step_size", "step sizes", "η", alive="arrived", lives="reaches the edge",
        dies="it does not get there", least=sizes, span=span,
    )  # fmt: skip


def stays_on_the_line(
    result: Result, low: float, high: float, in_time: float, sizes: int, span: float
) -> Finding:
    """Whether nearly all runs that reached the edge have a median edge ratio near 1."""
    table, levels = with_arrivals(result.table, in_time), arrivals(sizes, span)
    if reason := levels.lacks(table):
        return lacking(reason)
    ratio = table["median_edge_ratio"][levels.counts(table)]
    says = Says("runs that reach the edge", "stay", "on it")
    return decide.share((ratio >= low) & (ratio <= high), says).with_numbers({
        "runs": len(table), "edge ratio, median": median(ratio),
    })  # fmt: skip


def scales(result: Result, within: float, in_time: float, sizes: int, span: float) -> Finding:
    """Whether the sharpness of the runs at the edge is inversely proportional to the step size."""
    table, levels = with_arrivals(result.table, in_time), arrivals(sizes, span)
    if reason := levels.lacks(table):
        return lacking(reason)
    found = slopes(levels.values(table, "median_sharpness"), levels.working(table))
    says = Says("the sharpness", "be", "proportional to 1/η")
    return decide.equivalent(found + 1.0, within, says, "slope of log sharpness on log η, plus 1")


def stays_inside(result: Result, high: float, at_most: float) -> Finding:
    """Whether runs that start inside their threshold stay there at nearly all records."""
    table = result.table
    inside = STEP_SIZES.counts(table) & (table["started_inside"] == 1)
    beyond = table["share_outside"][inside]
    says = Says("runs that start inside", "stay", f"below {high:g}·2/η")
    found = decide.share(beyond <= at_most, says)
    if found.answer == "premise_not_met":
        return found
    return found.with_numbers({f"records above {high:g}·2/η, mean share": float(np.mean(beyond))})


def numbers(result: Result) -> Table:
    """One row per arm and step size: how many runs reached the edge, and where these were."""
    return Table.from_records(_numbers(with_arrivals(result.table, IN_TIME)))


def _numbers(table: Table) -> Iterator[dict[str, Any]]:
    for arm, eta in dict.fromkeys(zip(table["arm"].tolist(), table["step_size"].tolist(), strict=True)):
        rows = table.where(arm=arm, step_size=eta)
        there = rows.rows(rows["arrived"])
        row = {
            "arm": arm,
            "step_size": eta,
            "runs": len(rows),
            "diverged": int(np.sum(rows["outcome"] == "diverged")),
            "at_the_edge": len(there),
        }
        for column in ("median_edge_ratio", "swing", "mean_smoothness_ratio", "bent_neurons"):
            row[column] = median(there[column]) if column in there else None
        yield row


def draw(result: Result) -> dict[str, Drawn]:
    """Sharpness against the step size with the line 2/η, and over time with each threshold."""
    from stepscape.experiments.edge import sharpness_vs_step_size_figures as figures

    return {"edge": figures.edge(result), "sharpening": figures.sharpening(result)}


_QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_width": 3.0,
    "width": 200,
    "step_sizes": (0.08, 0.2, 0.4, 0.8),
    "steps": 25_000,
    "arms": tuple(ARMS),
    "seeds": 4,
    "first_seed": 0,
    "records": 60,
}

CLAIM = Claim(
    name="sharpness-vs-step-size",
    title="The edge of stability: sharpness against step size",
    claim=(
        "Gradient descent with step size η sharpens until λ_max reaches 2/η and stays there: 2/η predicts "
        "the sharpness of the solution very precisely."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Cohen et al. (2021)",
    setup=(
        "The problem and the arms of curve-fitting, with noisy labels and 150,000 steps, because small step "
        "sizes take that long to reach the edge from a small initialization. The sharpness is that of the "
        "midpoint of two consecutive iterates, because descent alternates with period two at the edge. With "
        "warm-up, a run comes down to its threshold from a sharper start; only the small initialization "
        "shows progressive sharpening."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "width": 1000,
        "step_sizes": (0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8),
        "steps": 150_000,
        "seeds": 3,
        "records": 250,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "on_the_line",
            "At the edge, the sharpness stays on 2/η",
            "Of the runs whose λ_max·η/2 reaches {low:g} after the warm-up and within the first "
            "{in_time:.0%} of their steps, nearly all have a median λ_max·η/2 between {low:g} and {high:g} "
            "over the last half of their steps. Most runs must reach the edge at {sizes} or more step sizes "
            "that span a factor of {span:g}.",
            stays_on_the_line,
            {"low": EDGE[0], "high": EDGE[1], **ARRIVAL},
            primary=True,
            by="arm",
        ),
        Part(
            "scaling",
            "The sharpness is proportional to 1/η",
            "For each seed, log λ_max (the median over the last half of the steps) is fitted as a line in "
            "log η, over the runs that reach the edge within the first {in_time:.0%} of their steps, at "
            "{sizes} or more step sizes that span a factor of {span:g}. Yes if the interval of the slope "
            "plus 1 lies within ±{within:g}, no if all of it lies outside.",
            scales,
            {"within": 0.05, **ARRIVAL},
            by="arm",
        ),
        Part(
            "stays_inside",
            "From a small start, the whole trajectory stays below the threshold",
            "Of the runs with a small initialization that start below their threshold, nearly all have at "
            "most {at_most:.0%} of their records above {high:g}·2/η.",
            stays_inside,
            {"high": EDGE[1], "at_most": 0.05},
            where={"arm": "small_init"},
            reads=("started_inside", "share_outside"),
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: the sharpness of a dead network is 1 whatever η",
        "started_inside": (
            "the run started with a sharpness below 2/η, as the claim that it stays there supposes"
        ),
        "reached_at_step": "the run reached the edge early enough for the rest of it to be judged",
        "knots_at_data": "few neurons have their kink stuck to an input, where the Hessian does not see it",
    },
    numbers=numbers,
    by="arm",
    names=ARM_NAMES,
)
