"""Which flow describes training at the edge of stability: gradient, central, rod or mirror flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.edge.follow_runs import FLOWS, FULL, QUICK, begin, grid, work
from stepscape.experiments.edge.small_networks import NETWORKS
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide
from stepscape.experiments.frame.finding import every_row, in_part
from stepscape.experiments.frame.limits import EDGE, MOST, NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NEAR, FLOOR, FAR = 0.1, 3.0, 2.0
_WAY = (
    "The error of a flow is its distance from descent, both as means over a window, averaged over the steps, "
    "divided by the largest move of descent. "
)
_COUNTS = (
    "The chaos floor is the error of descent from a start that differs by 1e-6. Runs count that begin inside "
    f"the edge, whose descent reaches {EDGE[0]:g}·2/η and does not diverge, and whose chaos floor is at most "
    f"{NEAR:.0%}. A network is judged if at least {MOST:.0%} of its runs do; a yes holds in part if not "
    "nearly all of them do, or if a network is not judged."
)
_NEAR = (
    _WAY + "A flow is near if its error is at most {near:.0%}, or at most {factor:g} times the chaos floor; "
    "one that could not be solved is not. "
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that count."""
    if not {"edge_reached", "twin_error"} <= set(table.columns):
        return np.zeros(len(table), bool)
    inside = table["initial_edge_ratio"].astype(float) < 1.0
    agrees = table["twin_error"].astype(float) <= NEAR
    return np.asarray((table["outcome"] == "finished") & (table["edge_reached"] == 1) & inside & agrees)


def few(table: Table) -> str:
    """Say that too few runs count; "" otherwise."""
    keep = counts(table)
    found = (
        f"only {int(keep.sum())} of {len(table)} runs reach the edge from inside and agree with their twin"
    )
    return "" if keep.mean() >= MOST else found


def errors_of(table: Table, flow: str) -> Array:
    """Error of a flow run by run, nan where it could not be solved."""
    return table[f"{flow}_error"].astype(float) if f"{flow}_error" in table else np.full(len(table), np.nan)


def limit(table: Table, near: float, factor: float) -> Array:
    """Largest error that counts as near, run by run."""
    return np.maximum(near, factor * errors_of(table, "twin"))


def describes(result: Result, flow: str, near: float, factor: float) -> Finding:
    """Whether a flow is near descent in nearly all runs that count."""
    rows = result.table.rows(counts(result.table))
    says = Says("runs", "stay", f"near the {FLOWS[flow].partition(',')[0]}", plural=True)
    is_near = errors_of(rows, flow) <= limit(rows, near, factor)
    return _whole(decide.share(is_near, says, groups=rows["seed"]), result.table)


def parts_the_flows(result: Result, near: float, factor: float, far: float) -> Finding:
    """Whether the mirror flow is near descent and gradient flow is far from it."""
    rows = result.table.rows(counts(result.table))
    most = limit(rows, near, factor)
    is_near, is_far = errors_of(rows, "mirror") <= most, errors_of(rows, "gradient") > far * most
    says = Says("runs", "stay", "near the mirror flow and go far from gradient flow", plural=True)
    found = decide.share(is_near & is_far, says, groups=rows["seed"])
    return _whole(found, result.table).with_numbers({
        "runs near the mirror flow": int(is_near.sum()), "runs far from gradient flow": int(is_far.sum()),
    })  # fmt: skip


def closest(result: Result, least: float, factor: float) -> Finding:
    """Whether the mirror flow is closer to descent than the closest other flow."""
    rows = result.table.rows(counts(result.table))
    floor = factor * errors_of(rows, "twin")
    sizes = {flow: np.clip(np.nan_to_num(errors_of(rows, flow), nan=1.0), floor, 1.0) for flow in FLOWS}
    mirror = sizes.pop("mirror")
    says = Says("the mirror flow", "be", "closer to descent than every other flow")
    what = "log10 of the least other error over that of the mirror flow"
    return _whole(decide.sign(np.log10(np.min(list(sizes.values()), axis=0) / mirror), says, what, least),
                  result.table)  # fmt: skip


def loss_is_known(result: Result, within: float) -> Finding:
    """Whether the mirror flow predicts the mean loss of the iterates."""
    rows = result.table.rows(counts(result.table))
    says = Says("runs", "have", "the loss that the mirror flow predicts", plural=True)
    return _whole(decide.share(rows["mirror_loss_error"] <= within, says, groups=rows["seed"]), result.table)


def _whole(found: Finding, table: Table) -> Finding:
    """Say how many runs do not count, if not nearly all do."""
    keep = counts(table)
    lost = f"{int((~keep).sum())} of {keep.size} runs do not count" if keep.mean() < NEARLY_ALL else ""
    return in_part(found, lost)


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


def _question(name: str, flow: str, words: str, **where: object) -> Part:
    def judge(result: Result, near: float, factor: float) -> Finding:
        return describes(result, flow, near, factor)

    return Part(
        name, words, _NEAR + "It must be in nearly all runs. " + _COUNTS, judge,
        {"near": NEAR, "factor": FLOOR}, where=where, by="network", reads=("twin_error",), needs=few,
        join=every_row,
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
        "with ReLU, GELU and tanh on polynomials and two spirals. Flows begin at most 25 steps before the "
        "edge, or at the start where descent reaches it sooner. Mirror and central flow with two substeps "
        "for each step, rods with four. Networks are those of earlier measurements, in which the mirror "
        "flow was best; pilots on seeds from 1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "mirror",
            "Does the mirror flow describe training, where gradient flow does not?",
            _NEAR + "In nearly all runs the mirror flow must be near, and gradient flow must be solved and "
            "have more than {far:g} times the error that counts as near. " + _COUNTS,
            parts_the_flows,
            {"near": NEAR, "factor": FLOOR, "far": FAR},
            primary=True,
            by="network",
            reads=("twin_error",),
            needs=few,
            join=every_row,
        ),
        _question("central", "central", "Does the central flow, where the loss is smooth?", smooth=True),
        _question("central_kinks", "central", "Does it where the loss has kinks?", smooth=False),
        _question("rod", "rod", "Does the rod flow, with one rod?"),
        Part(
            "closest",
            "Is the mirror flow the closest?",
            _WAY + "The logarithm (base 10) of the least error of the other flows, over that of the mirror "
            "flow, is averaged over the seeds. Errors below {factor:g} times the chaos floor are raised to "
            "it; a flow that could not be solved has error 1, and none has more. Yes if the interval lies "
            "above 0, no if it excludes {least:g} or more. " + _COUNTS,
            closest,
            {"least": 0.1, "factor": FLOOR},
            by="network",
            reads=("twin_error",),
            needs=few,
            join=every_row,
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
            join=every_row,
        ),
    ),
    draw=draw,
    premises={
        "edge_reached": "the sharpness reaches 2/η: before, all flows are close to descent",
        "initial_edge_ratio": "the run begins inside the edge: a catapult is not the subject of any flow",
        "twin_error": "the chaos floor is low: no flow is expected to be closer to descent than its twin",
    },
    numbers=numbers,
    by="network",
    names=NETWORKS,
)
