"""Whether the loss rises exactly where the directional smoothness exceeds 2/η, and what it is at the edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.edge.nonmonotone_runs import CLEAR, FULL, QUICK, begin, grid, work
from stepscape.experiments.edge.small_networks import NETWORKS, SMOOTH
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

LATE = 0.9  # of 2/η: below it, descent has left the edge
_COUNTS = (
    "Runs count that begin inside the edge, do not diverge, and whose λ_max at the middle of the steps has "
    f"a median of at least {LATE:g}·2/η over the last half; at least {MOST:.0%} must."
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that count."""
    if not {"edge_reached", "rising_share", "late_edge_ratio"} <= set(table.columns):
        return np.zeros(len(table), bool)
    inside = table["initial_edge_ratio"].astype(float) < 1.0
    late = table["late_edge_ratio"].astype(float) >= LATE
    return np.asarray((table["outcome"] == "finished") & (table["edge_reached"] == 1) & inside & late)


def few(table: Table) -> str:
    """Say that too few runs count; "" otherwise."""
    keep = counts(table)
    found = f"only {int(keep.sum())} of {len(table)} runs stay at the edge"
    return "" if keep.mean() >= MOST else found


def _rows(result: Result, smooth: bool = False) -> Table:
    table = result.table
    keep = counts(table)
    if smooth:
        keep = keep & np.isin(table["network"], SMOOTH)
    return table.rows(keep)


def at_two_over_eta(result: Result, within: float) -> Finding:
    """Whether the mean directional smoothness at the edge is 2/η."""
    says = Says("the mean directional smoothness", "be", "2/η")
    off = _rows(result)["weighted_secant"].astype(float) - 1.0
    return decide.equivalent(off, within, says, "mean of D·η/2, weighted by ‖Δ‖², minus 1")


def sign_of_the_change(result: Result, clear: float) -> Finding:  # noqa: ARG001
    """Whether the loss rises exactly in the steps with M > 2/η, for smooth losses."""
    rows = _rows(result, smooth=True)
    if not len(rows):
        return lacking("no run with a smooth loss counts")
    checks, wrong = int(rows["clear_steps"].sum()), int(rows["wrong_signs"].sum())
    return decide.inequality(checks, wrong, "steps of smooth losses")


def descent_identity(result: Result, tolerance: float) -> Finding:
    """Whether the change of the loss is −η‖∇L‖²(1 − ½ηM), for smooth losses."""
    rows = _rows(result, smooth=True)
    return decide.identity(rows["identity_error"], tolerance, "runs with a smooth loss")


def rises_often(result: Result, least: float) -> Finding:
    """Whether the loss rises in many steps at the edge."""
    rows = _rows(result)
    says = Says("the loss", "rise", f"in more than {least:.0%} of the steps at the edge")
    return decide.at_least(
        rows["rising_share"].astype(float), least, says, "share of the steps that raise it"
    )


def falls_in_the_long_run(result: Result) -> Finding:
    """Whether the mean loss falls all the same."""
    rows = _rows(result)
    says = Says("runs", "end", "with a smaller mean loss than in the middle", plural=True)
    return decide.share(rows["late_over_middle"] < 1.0, says, groups=rows["seed"])


def monotone_before(result: Result) -> Finding:
    """Whether no step before the edge raises the loss."""
    rows = _rows(result)
    says = Says("runs", "have", "no step that raises the loss before the edge", plural=True)
    return decide.share(rows["rises_before"] == 0, says, groups=rows["seed"])


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
            "At the edge the directional smoothness is 2/η",
            "The median over the last half of the steps of D·η/2: the interval of its mean over the seeds "
            "lies "
            "within {within:g} of 1. " + _COUNTS,
            at_two_over_eta,
            {"within": 0.1},
            primary=True,
            by="network",
            reads=("weighted_secant",),
            needs=few,
        ),
        Part(
            "sign_of_the_change",
            "The loss rises exactly where the curvature along the step exceeds 2/η",
            "In no step of a run with a smooth loss that changes the loss by more than {clear:g} of itself "
            "does "
            "it rise with M < 2/η, or fall with M > 2/η. An identity, but for the integral. " + _COUNTS,
            sign_of_the_change,
            {"clear": CLEAR},
            kind="inequality",
            reads=("wrong_signs",),
            needs=few,
        ),
        Part(
            "descent_identity",
            "The change of the loss is −η‖∇L‖²(1 − ½ηM)",
            "In all steps of runs with a smooth loss both sides agree to {tolerance:g} of the loss; eight "
            "nodes are not exact for long swings. With ReLU, "
            "the integral does not see the kinks that a step crosses. " + _COUNTS,
            descent_identity,
            {"tolerance": 1e-3},
            kind="identity",
            reads=("identity_error",),
            needs=few,
        ),
        Part(
            "rises_often",
            "At the edge the loss rises in many steps",
            "The share of the steps that raise the loss has a mean over the seeds above {least:.0%}. "
            + _COUNTS,
            rises_often,
            {"least": 0.1},
            by="network",
            reads=("rising_share",),
            needs=few,
        ),
        Part(
            "falls_in_the_long_run",
            "It falls in the long run",
            "The mean loss of the last tenth of the steps is below that of the tenth in their middle in "
            "nearly "
            "all runs that count. " + _COUNTS,
            falls_in_the_long_run,
            by="network",
            reads=("late_over_middle",),
            needs=few,
        ),
        Part(
            "monotone_before",
            "Before the edge it never rises",
            "No step before the sharpness reaches the edge raises the loss, in nearly all runs that count. "
            + _COUNTS,
            monotone_before,
            by="network",
            reads=("rises_before",),
            needs=few,
        ),
    ),
    draw=draw,
    premises={
        "edge_reached": "the sharpness reaches 2/η: inside, no step raises the loss",
        "late_edge_ratio": "it stays there: logistic losses in the end become flat",
        "initial_edge_ratio": "the run begins inside the edge",
    },
    numbers=numbers,
    by="network",
    names=NETWORKS,
)
