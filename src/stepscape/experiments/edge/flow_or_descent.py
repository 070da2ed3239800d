"""Gradient flow and gradient descent from one start: how far apart they are, and when they part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.edge.flow_runs import FULL, QUICK, SHARES, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NEAR = SHARES["parted"]
_COUNTS = (
    f"Runs count that finish with {BENT}, and whose flow is solved to a thousandth of its way. A run crosses "
    f"when λ_max of its iterate reaches {EDGE[0]:g}·2/η."
)


def counted(table: Table, crossed: bool | None = None) -> Table:
    """Rows of the runs that count; of those that crossed the edge, or did not."""
    keep = STEP_SIZES.counts(table)
    if "flow_solved" in table:
        keep = keep & (table["flow_solved"] == 1)
    if crossed is not None and "edge_reached" in table:
        keep = keep & ((table["edge_reached"] == 1) == crossed)
    return table.rows(np.asarray(keep))


def crosses(table: Table) -> str:
    """Say that no run that counts crossed the edge; "" if one did."""
    known = "edge_reached" in table and len(counted(table, crossed=True)) > 0
    return "" if known else "no run reached the edge"


def parts_at_the_crossing(result: Result, near: float, factor: float) -> Finding:
    """Whether descent leaves the flow at the time when its sharpness reaches 2/η."""
    rows = counted(result.table, crossed=True)
    ratio = np.log10(rows["parted"] / rows["crossed"])
    values = _by_seed(rows, ratio)
    if not np.isfinite(values).any():
        return lacking(f"no run that crossed stays farther than {near:.0%} from the flow")
    says = Says("descent", "leave", f"the flow within a factor of {factor:g} of the time of the crossing")
    what = "log10 of the time of parting over that of the crossing"
    found = decide.equivalent(values, float(np.log10(factor)), says, what)
    return found.with_numbers({
        "runs that crossed": len(rows), "and parted": int(np.isfinite(ratio).sum()),
        "parted before they crossed": int(np.sum(ratio < 0.0)),
    })  # fmt: skip


def flows_before(result: Result, near: float) -> Finding:
    """Whether descent is near the flow until its sharpness reaches 2/η."""
    rows = counted(result.table)
    says = Says("runs", "stay", "near the flow until they cross", plural=True)
    return decide.share(rows["gap_before"] <= near, says, groups=rows["seed"])


def differs_after(result: Result, far: float) -> Finding:
    """Whether runs that crossed are far from the flow at some later time."""
    rows = counted(result.table, crossed=True)
    says = Says("runs that cross", "go", "far from the flow", plural=True)
    return decide.share(rows["gap_after"] > far, says, groups=rows["seed"])


def other_function(result: Result, least: float) -> Finding:
    """Whether the function of descent differs from that of the flow at the end."""
    rows = counted(result.table, crossed=True)
    says = Says("descent beyond the crossing", "end", "at another function than the flow")
    what = "distance of the functions at the inputs over the deviation of the labels"
    return decide.at_least(_by_seed(rows, rows["function_gap"]), least, says, what)


def _by_seed(rows: Table, values: Array) -> Array:
    out = []
    for seed in np.unique(rows["seed"]):
        known = values[(rows["seed"] == seed) & np.isfinite(values)]
        out.append(float(np.mean(known)) if known.size else float("nan"))
    return np.array(out)


def numbers(result: Result) -> Table:
    """One row per step size: medians of the distances, the times, and the error of the flow."""
    columns = ("edge_ratio", "crossed", "parted", "far", "gap_before", "gap_after", "parameter_gap",
               "function_gap", "flow_error")  # fmt: skip
    return medians(result.table, ("step_size",), columns, ("edge_reached", "flow_solved"), STEP_SIZES.counts)


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
            "flow is divided by the time of the crossing; the logarithm is averaged over the runs of a "
            "seed that cross and part. Yes if the interval lies within a factor of {factor:g}, no if it lies "
            "outside. " + _COUNTS,
            parts_at_the_crossing,
            {"near": NEAR, "factor": 2.0},
            primary=True,
            needs=crosses,
        ),
        Part(
            "before",
            "Until then it is near the flow",
            "Nearly all runs are within {near:.0%} of the way of the flow at all times before they cross, or "
            "until the end if they do not. " + _COUNTS,
            flows_before,
            {"near": NEAR},
            reads=("gap_before",),
        ),
        Part(
            "after",
            "Then it goes far from it",
            "Nearly all runs that cross are at some later time farther from the flow than {far:.0%} of its "
            "way. " + _COUNTS,
            differs_after,
            {"far": SHARES["far"]},
            needs=crosses,
        ),
        Part(
            "function",
            "It ends at another function",
            "For each seed, the root mean square distance of the two functions at the inputs at the end, "
            "over the standard deviation of the labels, is averaged over the runs that cross. Yes if the "
            "interval lies above {least:g}, no if it lies below. " + _COUNTS,
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
