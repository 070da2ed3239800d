"""Gradient flow and gradient descent from one start: how far apart they are, and when they part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.edge.flow_runs import FULL, QUICK, SHARES, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NEAR = SHARES["parted"]
SOLVED = 0.002
TIME = 2.0  # a run must last that many times its time of crossing to be seen leaving too late
_COUNTS = (
    f"Runs count that begin inside their edge, finish with {BENT}, and whose flow is solved to "
    f"{SOLVED:.1%} of its way; at least {MOST:.0%} must, and a yes holds in part if not nearly all do. A run "
    f"crosses when λ_max of its iterate reaches {EDGE[0]:g}·2/η."
)
_LATER = (
    f"Of the runs that cross, those are followed that last {TIME:g} times as long or more; a yes holds in "
    f"part if fewer than {MOST:.0%} of the seeds have one. "
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that count."""
    if not {"flow_solved", "flow_error", "initial_edge_ratio"} <= set(table.columns):
        return np.zeros(len(table), bool)
    solved = (table["flow_solved"] == 1) & (table["flow_error"].astype(float) <= SOLVED)
    inside = table["initial_edge_ratio"].astype(float) < EDGE[0]
    return np.asarray(STEP_SIZES.counts(table) & solved & inside)


def counted(table: Table, crossed: bool | None = None) -> Table:
    """Rows of the runs that count; of those that crossed the edge, or did not."""
    keep = counts(table)
    if crossed is not None and "edge_reached" in table:
        keep = keep & ((table["edge_reached"] == 1) == crossed)
    return table.rows(keep)


def followed(table: Table) -> Table:
    """Rows of the runs that count and crossed, and last twice as long."""
    rows = counted(table, crossed=True)
    return rows.rows(TIME * rows["crossed"].astype(float) <= rows["time"]) if len(rows) else rows


def few(table: Table) -> str:
    """Say that too few runs count, or that none of them crossed the edge; "" otherwise."""
    keep = counts(table)
    if keep.mean() < MOST:
        return f"only {int(keep.sum())} of {len(table)} runs can be compared with their flow"
    return "" if len(counted(table, crossed=True)) else "no run reached the edge"


def crosses(table: Table) -> str:
    """Say that too few runs count, or that none crossed the edge in time to be followed; "" otherwise."""
    late = "no run reached the edge in the first half of its time"
    return few(table) or ("" if len(followed(table)) else late)


def _whole(found: Finding, table: Table, rows: Table) -> Finding:
    """Say which runs are missing, and which seeds."""
    keep, seeds = counts(table), np.unique(table["seed"]).size
    there, missing = np.unique(rows["seed"]).size, []
    if keep.mean() < NEARLY_ALL:
        missing.append(f"{int((~keep).sum())} of {len(table)} runs cannot be compared with their flow")
    if there < MOST * seeds:
        missing.append(f"only {there} of {seeds} seeds have runs that cross")
    return in_part(found, "; ".join(missing))


def parts_at_the_crossing(result: Result, near: float, factor: float) -> Finding:  # noqa: ARG001
    """Whether descent leaves the flow at the time when its sharpness reaches 2/η."""
    rows = followed(result.table)
    ratio = np.log10(rows["parted"].astype(float) / rows["crossed"].astype(float))
    says = Says(
        "runs that cross", "leave", f"the flow within a factor of {factor:g} of that time", plural=True
    )
    found = decide.share(np.abs(ratio) <= np.log10(factor), says, groups=rows["seed"])
    parted = ratio[np.isfinite(ratio)]
    return _whole(found, result.table, rows).with_numbers({
        "runs that cross": len(rows), "and part": parted.size,
        "part too early": int(np.sum(parted < -np.log10(factor))),
        "part too late": int(np.sum(parted > np.log10(factor))),
        "median time of parting over that of the crossing": 10.0 ** float(np.median(parted))
        if parted.size else None,
    })  # fmt: skip


def flows_before(result: Result, near: float) -> Finding:
    """Whether descent is near the flow until its sharpness reaches 2/η, or until the end."""
    found, rows = dict[str, Finding](), counted(result.table, crossed=True)
    for crossed, words in ((True, "runs that cross"), (False, "runs that do not cross")):
        here = counted(result.table, crossed)
        says = Says(words, "stay", "near the flow until they cross" if crossed else "near it", plural=True)
        found[words] = decide.share(here["gap_before"] <= near, says, groups=here["seed"]) if len(here) else (
            lacking(f"there are no {words}")
        )  # fmt: skip
    whole, crossing = together(found, named=False), found["runs that cross"].answer
    if crossing in ("no", "undecided"):  # runs that do not cross cannot answer for those that do
        whole = replace(whole, answer=crossing)
    return _whole(whole, result.table, rows)


def differs_after(result: Result, far: float) -> Finding:
    """Whether runs that crossed are far from the flow at some later time."""
    rows = followed(result.table)
    says = Says("runs that cross", "go", "far from the flow", plural=True)
    return _whole(decide.share(rows["gap_after"] > far, says, groups=rows["seed"]), result.table, rows)


def other_function(result: Result, least: float) -> Finding:
    """Whether the function of descent differs from that of the flow at the end."""
    rows = followed(result.table)
    says = Says("runs that cross", "end", "at another function than the flow", plural=True)
    return _whole(decide.share(rows["function_gap"] > least, says, groups=rows["seed"]), result.table, rows)


def numbers(result: Result) -> Table:
    """One row per step size: medians of the distances, the times, and the error of the flow."""
    columns = ("edge_ratio", "crossed", "parted", "far", "gap_before", "gap_after", "parameter_gap",
               "function_gap", "flow_error")  # fmt: skip
    return medians(result.table, ("step_size",), columns, ("edge_reached", "flow_solved"), counts)


def draw(result: Result) -> dict[str, Drawn]:
    """Distance from the flow over time; times of parting against times of crossing."""
    from stepscape.experiments.edge import flow_or_descent_figures as figures

    return {"distance": figures.distance(result), "parting": figures.parting(result)}


CLAIM = Claim(
    name="flow-or-descent",
    title="Gradient flow or gradient descent: when they part",
    claim=(
        "Gradient descent with a large step size differs qualitatively from gradient flow: it follows the "
        "flow until its sharpness reaches 2/η, and leaves it there."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', 'different from gradient flow'",
    setup=(
        "Noisy tent on [−3, 3] from the small start, so that every run begins inside its edge and all step "
        "sizes start at the same network. The flow is solved by Euler steps, halved until two solutions "
        "agree; descent is the midpoint of its iterates, at equal time. Pilots: seeds from 1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "parts_at_the_crossing",
            "Descent leaves the flow when its sharpness reaches 2/η",
            "The time from which the distance of the parameters stays above {near:.0%} of the way of the "
            "flow is within a factor of {factor:g} of the time of the crossing, either way, for nearly all "
            "runs. One that never parts is not. " + _LATER + _COUNTS,
            parts_at_the_crossing,
            {"near": NEAR, "factor": TIME},
            primary=True,
            needs=crosses,
        ),
        Part(
            "before",
            "Until then it is near the flow",
            "Nearly all runs that cross are within {near:.0%} of the way of the flow at all times before, "
            "and nearly all that do not, if there are any, until the end; the latter alone decide nothing. "
            + _COUNTS,
            flows_before,
            {"near": NEAR},
            reads=("gap_before",),
            needs=few,
        ),
        Part(
            "after",
            "Then it goes far from it",
            "Nearly all runs that cross are at some later time farther from the flow than {far:.0%} of its "
            "way. " + _LATER + _COUNTS,
            differs_after,
            {"far": SHARES["far"]},
            needs=crosses,
        ),
        Part(
            "function",
            "It ends at another function",
            "The root mean square distance of the two functions at the inputs at the end, over the standard "
            "deviation of the labels, is above {least:g} for nearly all runs that cross. " + _LATER + _COUNTS,
            other_function,
            {"least": 0.1},
            needs=crosses,
        ),
    ),
    draw=draw,
    premises={
        STEP_SIZES.alive: "some neurons bend among the data: a dead network moves as the flow does",
        "initial_edge_ratio": "the run begins inside its edge, so that the crossing is its own doing",
        "flow_error": "the flow is solved well: its error is a small share of its way",
    },
    numbers=numbers,
)
