"""Whether the loss rises exactly where the directional smoothness exceeds 2/η, and what it is at the edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.edge.nonmonotone_runs import CLEAR, FULL, QUICK, begin, grid, work
from stepscape.experiments.edge.small_networks import (
    NETWORKS,
    SMOOTH,
    come,
    from_inside,
    left_out,
    with_losses,
    zero_if_diverged,
)
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.finding import every_row, in_part
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

LATE = 0.9  # of 2/η: below it, descent has left the edge
_INSIDE = "Runs count that begin inside the edge and come to it; at least half must, "
_PART = "and a yes holds in part if not nearly all do, in every network."
_COUNTS = (
    "Runs count that begin inside the edge, come to it, and either diverge, and then count as 0, or stay: "
    f"λ_max at the middle of the steps has a median of at least {LATE:g}·2/η over the last half. At least "
    "half must count, " + _PART
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that are at the edge until the end, or diverge there."""
    keep, lost = from_inside(table), np.asarray(table["outcome"] == "diverged")
    if "late_edge_ratio" not in table:
        return np.asarray(keep & lost)
    return np.asarray(keep & (lost | (table["late_edge_ratio"].astype(float) >= LATE)))


def few(table: Table) -> str:
    """Say that too few runs count; "" otherwise."""
    keep = counts(table)
    found = f"only {int(keep.sum())} of {len(table)} runs stay at the edge"
    return "" if keep.mean() >= MOST else found


def looked_before(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs of which at least one step before the edge was looked at."""
    steps = table["steps_before"].astype(float) if "steps_before" in table else np.zeros(len(table))
    return np.asarray(from_inside(table) & (steps > 0.0), bool)


def none_before(table: Table) -> str:
    """Say that too few runs have a step before the edge; "" otherwise."""
    keep = looked_before(table)
    found = f"only {int(keep.sum())} of {len(table)} runs have a step before the edge that was looked at"
    return "" if keep.mean() >= MOST else found


def _smooth(result: Result) -> Table:
    table = result.table
    finished = table["outcome"] == "finished"
    return table.rows(finished & from_inside(table) & np.isin(table["network"], SMOOTH))


def at_two_over_eta(result: Result, within: float) -> Finding:
    """Whether the weighted mean of the directional smoothness at the edge is 2/η."""
    keep = counts(result.table)
    says = Says("the mean directional smoothness", "be", "2/η")
    off = zero_if_diverged(result.table.rows(keep), "weighted_secant") - 1.0
    found = decide.equivalent(off, within, says, "mean of D·η/2, weighted by ‖Δ‖², minus 1")
    return with_losses(found, result.table, keep)


def sign_of_the_change(result: Result, clear: float) -> Finding:  # noqa: ARG001
    """Whether the loss rises exactly in the steps with M > 2/η, for smooth losses."""
    rows = _smooth(result)
    if not len(rows):
        return lacking("no run with a smooth loss counts")
    checks, wrong = int(rows["clear_steps"].sum()), int(rows["wrong_signs"].sum())
    return decide.inequality(checks, wrong, "steps of smooth losses")


def descent_identity(result: Result, tolerance: float) -> Finding:
    """Whether the change of the loss is −η‖∇L‖²(1 − ½ηM), for smooth losses."""
    return decide.identity(_smooth(result)["identity_error"], tolerance, "runs with a smooth loss")


def rises_often(result: Result, least: float) -> Finding:
    """Whether the loss rises in many steps at the edge."""
    keep = counts(result.table)
    values = zero_if_diverged(result.table.rows(keep), "rising_share")
    says = Says("the loss", "rise", f"in more than {least:.0%} of the steps at the edge")
    found = decide.at_least(values, least, says, "share of the steps that raise it")
    return with_losses(found, result.table, keep)


def falls_in_the_long_run(result: Result) -> Finding:
    """Whether the mean loss falls all the same; not if the run diverges."""
    keep = from_inside(result.table)
    rows = result.table.rows(keep)
    says = Says("runs", "end", "with a smaller mean loss than in the middle", plural=True)
    smaller = zero_if_diverged(rows, "late_over_middle") < 1.0
    found = decide.share(smaller & (rows["outcome"] == "finished"), says, groups=rows["seed"])
    return in_part(found, left_out(keep))


def monotone_before(result: Result) -> Finding:
    """Whether no step before the edge raises the loss."""
    keep = looked_before(result.table)
    rows = result.table.rows(keep)
    says = Says("runs", "have", "no step that raises the loss before the edge", plural=True)
    found = decide.share(rows["rises_before"] == 0, says, groups=rows["seed"])
    return in_part(found, left_out(keep))


def numbers(result: Result) -> Table:
    """One row per network: medians."""
    columns = ("rising_share", "median_secant", "weighted_secant", "mean_secant", "late_over_middle",
               "identity_error", "steps_before")  # fmt: skip
    return medians(result.table, ("network",), columns, (), counts)


def draw(result: Result) -> dict[str, Drawn]:
    """Loss and directional smoothness over the steps, and the change of the loss against it."""
    from stepscape.experiments.edge import nonmonotone_figures as figures

    return {"steps": figures.steps(result)}


CLAIM = Claim(
    name="nonmonotone",
    title="When the loss rises",
    claim=(
        "At the edge of stability the loss rises and falls from step to step and still falls in the long "
        "run; it rises exactly where the curvature along the step exceeds 2/η, and this curvature is 2/η on "
        "average."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'The dynamics is complex'; Mishkin et al. "
        "(2024), directional smoothness; Ahn, Zhang and Sra (2022)"
    ),
    setup=(
        "Descent of five small networks from a random start to the edge, then every step: loss, gradient, "
        "the curvature M along the step by an integral with eight nodes, and the secant D = ⟨∇L' − ∇L, "
        "Δ⟩/‖Δ‖². The last half of the steps counts as the edge. Pilots on seeds from 1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "at_two_over_eta",
            "At the edge the directional smoothness is 2/η, in the mean weighted by squared lengths",
            "The mean of D·η/2 over the last half of the steps, weighted by ‖Δ‖²: the interval of its mean "
            "over the seeds lies within {within:g} of 1. This mean is ½(1 − Σ⟨∇L', ∇L⟩/Σ‖∇L‖²): it is 1 if "
            "every gradient is the opposite of the one before it, and cannot be larger by the inequality of "
            "Cauchy and Schwarz, but for the first and the last step. " + _COUNTS,
            at_two_over_eta,
            {"within": 0.1},
            primary=True,
            by="network",
            needs=few,
            join=every_row,
        ),
        Part(
            "sign_of_the_change",
            "The loss rises exactly where the curvature along the step exceeds 2/η",
            "In no step of a run with a smooth loss that changes the loss by more than {clear:g} of itself "
            "does it rise with M < 2/η, or fall with M > 2/η. An identity, but for the integral. Runs count "
            "that begin inside the edge, come to it, and do not diverge.",
            sign_of_the_change,
            {"clear": CLEAR},
            kind="inequality",
            reads=("wrong_signs",),
        ),
        Part(
            "descent_identity",
            "The change of the loss is −η‖∇L‖²(1 − ½ηM)",
            "In all steps of runs with a smooth loss both sides agree to {tolerance:g} of the loss; eight "
            "nodes are not exact for long swings. With ReLU, the integral does not see the kinks that a step "
            "crosses. Runs count that begin inside the edge, come to it, and do not diverge.",
            descent_identity,
            {"tolerance": 1e-3},
            kind="identity",
            reads=("identity_error",),
        ),
        Part(
            "rises_often",
            "At the edge the loss rises in many steps",
            "The share of the steps that raise the loss has a mean over the seeds above {least:.0%}. "
            + _COUNTS,
            rises_often,
            {"least": 0.1},
            by="network",
            needs=few,
            join=every_row,
        ),
        Part(
            "falls_in_the_long_run",
            "It falls in the long run",
            "The mean loss of the last tenth of the steps is below that of the tenth in their middle in "
            "nearly all runs that count. One that diverges does not fall. " + _INSIDE + _PART,
            falls_in_the_long_run,
            by="network",
            needs=come,
            join=every_row,
        ),
        Part(
            "monotone_before",
            "Before the edge it never rises",
            "No step raises the loss from the start to at least 25 steps before the edge, in nearly all runs "
            "that count: those that begin inside the edge, come to it, and have such a step. At least half "
            "must, or the network is left out, and a yes holds in part if not nearly all do.",
            monotone_before,
            by="network",
            needs=none_before,
        ),
    ),
    draw=draw,
    premises={
        "edge_reached": "the sharpness comes to 2/η",
        "late_edge_ratio": "it stays there: logistic losses in the end become flat",
        "initial_edge_ratio": "the run begins inside the edge",
    },
    numbers=numbers,
    by="network",
    names=NETWORKS,
)
