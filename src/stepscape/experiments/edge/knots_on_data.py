"""Knots that slide along the inputs, and the curvature that the almost-everywhere Hessian omits there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.edge.knot_runs import FULL, LATE, LOCAL, QUICK, begin, grid, work
from stepscape.experiments.edge.step_cells import at_least_in_cells, lost, step_cells
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.finding import all_of, in_part
from stepscape.experiments.frame.limits import EDGE, MOST
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
FEWEST = 3  # step sizes of a trend
_RUNS = (
    f"Runs count that finish with {BENT}; at least {MOST:.0%} must. Where most runs diverge or die at a step "
    "size, a yes holds in part."
)
_CELLS = (
    "Yes if the mean over the step sizes lies above {least:g} and none lies below it, no if the mean lies "
    f"below it and none above. A step size where fewer than {MOST:.0%} of the runs have such knots is left "
    "out. "
)


def alive(table: Table) -> Table:
    """Rows of the runs that count."""
    return table.rows(STEP_SIZES.counts(table))


def lacks(table: Table) -> str:
    """Say that fewer than half of the runs count; "" if so many do."""
    keep = STEP_SIZES.counts(table)
    return (
        "" if keep.mean() >= MOST else f"only {int(keep.sum())} of {len(table)} runs finish with bent neurons"
    )


def _with_knots(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that count and have a knot on an input."""
    return np.asarray(STEP_SIZES.counts(table) & (table["stuck_share"].astype(float) > 0.0))


def omits(result: Result, least: float) -> Finding:
    """Whether finite differences see more curvature than λ_max of the almost-everywhere Hessian."""
    table = result.table
    says = Says(
        "the Hessian", "omit", f"at least {100 * least:g} % of the curvature along its top eigenvector"
    )
    cells = step_cells(table, _with_knots(table), table["largest_ratio"] - 1.0)
    what = "largest finite difference over λ_max, minus 1"
    return in_part(at_least_in_cells(cells, least, says, what), lost(table))


def agrees_locally(result: Result, tolerance: float, reach: float) -> Finding:  # noqa: ARG001
    """Whether the two agree for a tiny difference, which meets no kink."""
    rows = alive(result.table)
    says = Says("runs", "have", "the same curvature by a tiny difference", plural=True)
    found = decide.share(np.abs(rows["local_ratio"] - 1.0) <= tolerance, says, groups=rows["seed"])
    return in_part(found, lost(result.table))


def stays(result: Result, least: float, late: float) -> Finding:  # noqa: ARG001
    """Whether knots that are on an input stay on it."""
    return _mean_share(result, "stay_share", least, "stay on it until the end")


def attracted(result: Result, least: float) -> Finding:
    """Whether knots on inputs have the sign with which the input attracts them from both sides."""
    return _mean_share(result, "attracted_share", least, "have the sign with which they are attracted")


def _mean_share(result: Result, column: str, least: float, does: str) -> Finding:
    table = result.table
    values = table[column].astype(float) if column in table else np.full(len(table), np.nan)
    if not np.isfinite(values[STEP_SIZES.counts(table)]).any():
        return lacking("no knot is on an input")
    verb, _, rest = does.partition(" ")
    says = Says("knots on an input", verb, rest, plural=True)
    cells = step_cells(table, STEP_SIZES.counts(table), values)
    return in_part(at_least_in_cells(cells, least, says, "share of the knots on inputs"), lost(table))


def fewer(result: Result, least: float) -> Finding:
    """Whether larger steps leave fewer knots on inputs, along the step sizes and at their ends."""
    table, etas = result.table, STEP_SIZES.working(result.table)
    if etas.size < FEWEST:
        return lacking(f"most runs count at only {etas.size} step sizes")
    if not _with_knots(table).any():
        return lacking("no knot is on an input")
    values = STEP_SIZES.values(table, "stuck_share", etas)
    trend = -rank_correlations(values, etas)
    trend[np.isfinite(values).sum(axis=1) < FEWEST] = np.nan
    says = Says("larger steps", "leave", "fewer knots on inputs", plural=True)
    ends = Says("the largest step size", "leave", "fewer than the smallest")
    what = "minus the rank correlation of step size and share of such knots"
    found = all_of({
        "trend": decide.sign(trend, says, what, least),
        "ends": decide.sign(values[:, 0] - values[:, -1], ends, "share at the smallest minus at the largest"),
    })  # fmt: skip
    return in_part(found, lost(table))


def swings(result: Result, within: float) -> Finding:
    """Whether the curvature along the steps of runs at the edge is 2/η, kinks included."""
    rows = alive(result.table)
    rows = rows.rows(np.asarray(rows["edge_reached"] == 1))
    known = np.isfinite(rows["smoothness_ratio"].astype(float))
    if not len(rows) or known.mean() < MOST:
        return lacking("no run is at the edge, or the smoothness of most of them was not measured")
    rows = rows.rows(known)
    says = Says("runs at the edge", "have", "a directional smoothness of 2/η", plural=True)
    found = decide.share(np.abs(rows["smoothness_ratio"] - 1.0) <= within, says, groups=rows["seed"])
    return in_part(found, lost(result.table))


def numbers(result: Result) -> Table:
    """One row per start and step size: medians of shares and of curvatures over λ_max."""
    columns = ("stuck_share", "stay_share", "attracted_share", "weights_moved", "local_ratio", "wide_ratio",
               "largest_ratio", "edge_ratio", "smoothness_ratio", "bent_neurons")  # fmt: skip
    return medians(result.table, ("arm", "step_size"), columns, ("edge_reached",), STEP_SIZES.counts)


def draw(result: Result) -> dict[str, Drawn]:
    """Knots over the steps; finite differences over λ_max against their size."""
    from stepscape.experiments.edge import knots_on_data_figures as figures

    return {"curvature": figures.curvature(result), "knots": figures.knots(result)}


CLAIM = Claim(
    name="knots-on-data",
    title="Knots on data: sliding kinks and the curvature that the Hessian omits",
    claim=(
        "Knots stick to the inputs and slide along with them; there the almost-everywhere Hessian omits "
        "curvature that finite differences see."
    ),
    kind="figure",
    source=(
        "observed on these networks; the condition under which an input attracts a knot is derived here. It "
        "answers 'characterize the dynamics' of the NeurIPS tutorial 'Training Instability' in part"
    ),
    setup=(
        "Noisy tent on [−3, 3], from the small start and from the large start with warm-up. A knot is on an "
        "input if it is within a thousandth of the range. The midpoint is measured. A pilot on seed 1000 "
        "showed what there is to ask; the rules were written after it, for other seeds."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "omitted",
            "Finite differences see curvature that the Hessian omits",
            "Along the top eigenvector of the Hessian the curvature is taken by symmetric differences of the "
            "gradient, for thirteen sizes from 1e-8 to 0.01; asked of the runs with knots on inputs is the "
            "largest over λ_max, minus 1. " + _CELLS + _RUNS,
            omits,
            {"least": 0.01},
            primary=True,
            by="arm",
            needs=lacks,
        ),
        Part(
            "local",
            "Tiny differences see what the Hessian sees",
            "Nearly all runs have a curvature by differences of size {reach:g} within {tolerance:g} of "
            "λ_max, relatively. " + _RUNS,
            agrees_locally,
            {"tolerance": 1e-4, "reach": LOCAL},
            reads=("local_ratio",),
            needs=lacks,
        ),
        Part(
            "stay",
            "Knots on an input stay on it",
            "The share of the knots on an input after {late:.0%} of the steps that are on the same input at "
            "the end is taken for each run. " + _CELLS + _RUNS,
            stays,
            {"least": 0.5, "late": LATE},
            by="arm",
            needs=lacks,
        ),
        Part(
            "attracted",
            "They have the sign with which the input attracts them",
            "Gradient flow slides along an input only if w2 (f − y) > 0 there. The share of the knots on "
            "inputs with that sign is taken for each run. " + _CELLS + _RUNS,
            attracted,
            {"least": 0.8},
            by="arm",
            needs=lacks,
        ),
        Part(
            "fewer_with_large_steps",
            "Larger steps leave fewer knots on inputs",
            "For each seed, over the step sizes at which most runs count, three or more, the rank "
            "correlation of the step size with the share of bent neurons whose knot is on an input, and the "
            "share at the smallest minus that at the largest. Yes if the means of the latter and of minus "
            "the former lie above 0, no if the latter lies below or minus the former excludes {least:g} or "
            "more. " + _RUNS,
            fewer,
            {"least": 0.1},
            by="arm",
            reads=("stuck_share",),
            needs=lacks,
        ),
        Part(
            "smoothness",
            "At the edge the curvature along the steps is 2/η all the same",
            "Nearly all runs whose median λ_max over the last half is at least "
            f"{EDGE[0]:g}·2/η have a median directional smoothness within {{within:.0%}} of 2/η. " + _RUNS,
            swings,
            {"within": 0.05},
            reads=("smoothness_ratio", "edge_reached"),
            needs=lacks,
        ),
    ),
    draw=draw,
    premises={
        STEP_SIZES.alive: "some neurons bend among the data: only these have knots that can meet an input",
        "stuck_share": "some knots are on inputs: without them the Hessian omits nothing",
    },
    numbers=numbers,
    by="arm",
    names=ARM_NAMES,
)
