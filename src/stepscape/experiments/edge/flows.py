"""Which flow describes training at the edge of stability: gradient, central, rod or mirror flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.edge.follow_runs import FLOWS, FULL, QUICK, begin, grid, work
from stepscape.experiments.edge.small_networks import NETWORKS
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NEAR, FLOOR = 0.1, 3.0
_COUNTS = (
    f"Runs count that begin inside the edge and whose descent reaches {EDGE[0]:g}·2/η and does not diverge; "
    f"at least {MOST:.0%} must, and a yes holds in part if not nearly all do."
)
_RULE = (
    "The distance of the flow from descent, both as means over a window, averaged over the steps and over "
    "the largest move of descent, is at most {near:.0%}, or at most {factor:g} times the same distance of "
    "descent from a start that differs by 1e-6 (the chaos floor), in nearly all runs. A flow that could not "
    "be solved is not near. " + _COUNTS
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that count."""
    if not {"edge_reached", "twin_error"} <= set(table.columns):
        return np.zeros(len(table), bool)
    inside = table["initial_edge_ratio"].astype(float) < 1.0
    followed = np.isfinite(table["twin_error"].astype(float))
    return np.asarray((table["outcome"] == "finished") & (table["edge_reached"] == 1) & inside & followed)


def few(table: Table) -> str:
    """Say that too few runs count; "" otherwise."""
    keep = counts(table)
    found = f"only {int(keep.sum())} of {len(table)} runs reach the edge from inside and stay finite"
    return "" if keep.mean() >= MOST else found


def is_near(table: Table, flow: str, near: float, factor: float) -> NDArray[np.bool_]:
    """Whether a flow is near descent, run by run."""
    if f"{flow}_error" not in table:
        return np.zeros(len(table), bool)
    limit = np.maximum(near, factor * table["twin_error"].astype(float))
    return np.asarray(table[f"{flow}_error"].astype(float) <= limit)


def describes(result: Result, flow: str, near: float, factor: float) -> Finding:
    """Whether a flow is near descent in nearly all runs that count."""
    keep = counts(result.table)
    rows = result.table.rows(keep)
    says = Says("runs", "stay", f"near the {FLOWS[flow].partition(',')[0]}", plural=True)
    found = decide.share(is_near(rows, flow, near, factor), says, groups=rows["seed"])
    lost = f"{int((~keep).sum())} of {keep.size} runs do not count" if keep.mean() < NEARLY_ALL else ""
    return in_part(found, lost)


def closest(result: Result, least: float) -> Finding:
    """Whether the mirror flow is closer to descent than each other flow, over the networks."""
    table, cells = result.table, dict[str, Array]()
    keep, seeds = counts(table), np.unique(table["seed"])
    for network in dict.fromkeys(table["network"]):
        here = keep & (table["network"] == network)
        for flow in FLOWS:
            column = f"{flow}_error"
            if flow == "mirror" or column not in table or here.sum() < MOST * seeds.size:
                continue
            values = np.full(seeds.size, np.nan)
            ratio = table[column][here].astype(float) / table["mirror_error"][here].astype(float)
            values[np.searchsorted(seeds, table["seed"][here])] = np.log10(ratio)
            if np.isfinite(values).sum() >= MOST * seeds.size:
                cells[f"{NETWORKS[network]}: {FLOWS[flow]}"] = values
    if not cells:
        return lacking("no network has enough runs that count")
    says = Says("the mirror flow", "be", "closer to descent than the other flows")
    return decide.signs(cells, says, "log10 of the other error over that of the mirror flow", least)


def loss_is_known(result: Result, within: float) -> Finding:
    """Whether the mirror flow predicts the mean loss of the iterates."""
    rows = result.table.rows(counts(result.table))
    says = Says("runs", "have", "the loss that the mirror flow predicts", plural=True)
    return decide.share(rows["mirror_loss_error"] <= within, says, groups=rows["seed"])


def numbers(result: Result) -> Table:
    """One row per network: medians of the errors, of the losses' errors, and of the amplitudes."""
    columns = ["twin_error", *(f"{flow}_error" for flow in FLOWS)]
    more = [f"{flow}_{what}" for what in ("loss_error", "amplitude") for flow in ("mirror", "central")]
    return medians(
        result.table, ("network",), [*columns, *more, "late_edge_ratio", "steps_before"], (), counts
    )


def draw(result: Result) -> dict[str, Drawn]:
    """Errors of all flows beside the floor; distance, loss and sharpness over the steps of one run."""
    from stepscape.experiments.edge import flows_figures as figures

    return {"over-time": figures.over_time(result), "errors": figures.errors(result)}


def _question(flow: str, words: str, primary: bool = False) -> Part:
    def judge(result: Result, near: float, factor: float) -> Finding:
        return describes(result, flow, near, factor)

    return Part(
        flow, words, _RULE, judge, {"near": NEAR, "factor": FLOOR}, primary=primary, by="network",
        reads=("twin_error",), needs=few,
    )  # fmt: skip


CLAIM = Claim(
    name="flows",
    title="Which flow describes training at the edge?",
    claim=(
        "Gradient flow does not describe training with large steps; a flow that knows of the swing does: the "
        "central flow, the rod flow, or the mirror flow."
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'How can we characterize the dynamics?'; "
        "Cohen et al. (2025), Regis and Chewi (2026), Marion (2026) for the flows"
    ),
    setup=(
        "Small networks whose descent reaches the edge soon: the project's on a noisy tent, and deeper ones "
        "with ReLU, GELU and tanh on polynomials and two spirals. Flows begin just before the edge. Mirror "
        "and central flow with two substeps for each step, rods with four. Networks and step sizes are those "
        "of earlier measurements, in which the mirror flow was best; pilots on seeds from 1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _question("mirror", "Does the mirror flow describe training?", primary=True),
        _question("central", "Does the central flow?"),
        _question("rod", "Does the rod flow, with one rod?"),
        _question("gradient", "Does gradient flow?"),
        Part(
            "closest",
            "Is the mirror flow the closest?",
            "For every network and every other flow the logarithm of its error over that of the mirror flow "
            "is averaged over the seeds. Yes if the mean over these cells lies above 0 and no cell below "
            "it, no if the mean excludes {least:g} or more. Cells with fewer than half of the seeds are left "
            "out. " + _COUNTS,
            closest,
            {"least": 0.1},
            reads=("mirror_error",),
            needs=few,
        ),
        Part(
            "loss",
            "Does the mirror flow predict the loss?",
            "The median over the steps of |log| of the predicted mean loss over that of the iterates, both "
            "over a window, is at most {within:g} in nearly all runs that count. " + _COUNTS,
            loss_is_known,
            {"within": 0.1},
            by="network",
            reads=("mirror_loss_error",),
            needs=few,
        ),
    ),
    draw=draw,
    premises={
        "edge_reached": "the sharpness reaches 2/η: before, all flows are close to descent",
        "initial_edge_ratio": "the run begins inside the edge: a catapult is not the subject of any flow",
        "twin_error": "the chaos floor is known: no flow can be closer to descent than its twin is",
    },
    numbers=numbers,
    by="network",
    names=NETWORKS,
)
