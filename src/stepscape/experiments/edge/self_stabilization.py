"""Whether the swing of descent pushes the sharpness back: Damian, Nichani and Lee's toy, and networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.edge.small_networks import NETWORKS
from stepscape.experiments.edge.stabilization_runs import (
    CLEAR,
    FEWEST,
    FULL,
    QUICK,
    StabilizationRun,
    ToyRun,
    begin,
    grid,
    work,
)
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import EDGE, MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.result import tag
from stepscape.tables.records import Table

NETWORK, TOY = ({"kind": tag(kind)} for kind in (StabilizationRun, ToyRun))
GENTLE = 0.01  # slope of the toy up to which its cycles last
_COUNTS = (
    "The steps are those from the first one on in which ½βx² reaches a tenth of α. Runs count that begin "
    f"inside the edge, whose descent reaches {EDGE[0]:g}·2/η and does not diverge, and that have {FEWEST} "
    f"such steps; at least {MOST:.0%} must."
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs of networks that count."""
    if not {"edge_reached", "explained"} <= set(table.columns):
        return np.zeros(len(table), bool)
    inside = table["initial_edge_ratio"].astype(float) < 1.0
    known = np.isfinite(table["explained"].astype(float))
    return np.asarray((table["outcome"] == "finished") & (table["edge_reached"] == 1) & inside & known)


def few(table: Table) -> str:
    """Say that too few runs count; "" otherwise."""
    keep = counts(table)
    found = f"only {int(keep.sum())} of {len(table)} runs swing at the edge"
    return "" if keep.mean() >= MOST else found


def change(result: Result, least: float) -> Finding:
    """Whether two forces explain the change of the sharpness from step to step."""
    rows = result.table.rows(counts(result.table))
    says = Says("the two forces", "explain", "the change of the sharpness", plural=True)
    return decide.at_least(rows["explained"].astype(float), least, says, "share of the variance explained")


def growth(result: Result, least: float, clear: float) -> Finding:  # noqa: ARG001
    """Whether the swing grows while the sharpness is above 2/η, and shrinks below."""
    rows = result.table.rows(counts(result.table))
    says = Says("the swing", "grow", "above 2/η and shrinks below")
    what = "share of the steps in which it does"
    return decide.at_least(rows["growth_agrees"].astype(float), least, says, what)


def balance(result: Result, within: float) -> Finding:
    """Whether both forces are equal on average."""
    rows = result.table.rows(counts(result.table))
    says = Says("the mean force of the swing", "be", "equal to that of the slope")
    return decide.equivalent(
        rows["balance"].astype(float) - 1.0, within, says, "mean of ½βx² over that of α, minus 1"
    )


def toy_mean(result: Result, within: float, gentle: float) -> Finding:
    """Whether the mean of x² is 2α in the toy, for gentle slopes."""
    table = result.table.rows(result.table["slope"] <= gentle)
    if "mean_square" not in table or not len(table):
        return lacking("no run of the toy with a gentle slope finished")
    off = np.abs(table["mean_square"].astype(float) - 1.0)
    off = np.where(np.isfinite(off), off, np.inf)
    worst = np.array([np.max(off[table["seed"] == seed]) for seed in np.unique(table["seed"])])
    lost = int(np.sum(~np.isfinite(worst)))
    says = Says("the mean of x²", "be", "2α")
    what = f"{within:g} minus the largest relative distance of the mean of x² from 2α"
    found = decide.sign(within - worst[np.isfinite(worst)], says, what)
    return in_part(found, f"{lost} of {worst.size} seeds have a run that diverged" if lost else "")


def toy_grows(result: Result) -> Finding:
    """Whether the cycles of the toy grow."""
    rows = result.table
    grown = rows["energy_growth"].astype(float) > 1.0
    says = Says("runs of the toy", "have", "cycles that grow, or diverge", plural=True)
    return decide.share(grown | (rows["outcome"] == "diverged"), says, groups=rows["seed"])


def numbers(result: Result) -> Table:
    """One row per network: medians."""
    columns = ("explained", "growth_agrees", "balance", "late_edge_ratio", "steps_with_swing")
    return medians(result.where(**NETWORK).table, ("network",), columns, (), counts)


def draw(result: Result) -> dict[str, Drawn]:
    """Sharpness, swing and forces on a network; cycles of the toy."""
    from stepscape.experiments.edge import self_stabilization_figures as figures

    return {"network": figures.network(result), "toy": figures.toy(result)}


CLAIM = Claim(
    name="self-stabilization",
    title="The swing pushes the sharpness back",
    claim=(
        "Gradient descent stabilizes itself: while the sharpness is above 2/η the swing along the sharpest "
        "direction grows, and a large swing moves the parameters to where the sharpness is smaller."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'Entire GD trajectory stays inside'; "
        "Damian, Nichani and Lee (2023)"
    ),
    setup=(
        "Descent of small smooth networks from just before the edge, measured at the middle of every step: "
        "sharpness λ with its vector u, swing x along u, α = −⟨∇L, ∇λ⟩, β = ‖∇λ‖². And descent on the toy "
        "of the source, whose slope and curvature are these forces and nothing else. Pilots on seeds from "
        "1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "change",
            "The slope and the swing explain how the sharpness changes",
            "The share of the variance of the change of λ_max in one step that η(α − ½βx²) explains, "
            "1 − Σ(change − predicted)²/Σ(change − mean)², has a mean over the seeds above {least:.0%}. "
            + _COUNTS,
            change,
            {"least": 0.8},
            primary=True,
            where=NETWORK,
            by="network",
            reads=("explained",),
            needs=few,
        ),
        Part(
            "growth",
            "The swing grows above 2/η and shrinks below",
            "The share of the steps in which |x| grows exactly if λ_max > 2/η, those left out whose λ_max is "
            "within {clear:.0%} of 2/η, has a mean over the seeds above {least:.0%}. " + _COUNTS,
            growth,
            {"least": 0.9, "clear": CLEAR},
            where=NETWORK,
            by="network",
            reads=("growth_agrees",),
            needs=few,
        ),
        Part(
            "balance",
            "On average, both forces are equal",
            "The mean of ½βx² over the mean of α: the interval of its mean over the seeds lies within "
            "{within:g} of 1. " + _COUNTS,
            balance,
            {"within": 0.25},
            where=NETWORK,
            by="network",
            reads=("balance",),
            needs=few,
        ),
        Part(
            "toy_mean",
            "In the toy, the mean of x² is 2α",
            "For slopes α up to {gentle:g}, the largest distance over the runs of a seed of the mean of x² "
            "over 2α from 1: yes if {within:g} minus it lies above 0, no if below. A seed with a run that "
            "diverges is left out, and then a yes holds in part.",
            toy_mean,
            {"within": 0.05, "gentle": GENTLE},
            where=TOY,
            reads=("mean_square",),
        ),
        Part(
            "toy_grows",
            "In the toy, the cycles of descent do not die out",
            "The energy ½y² + ¼x² − ½α log x², less that of the point where both forces are equal, is "
            "larger at the end than at the start in nearly all runs, or the run diverges.",
            toy_grows,
            where=TOY,
            reads=("energy_growth",),
        ),
    ),
    draw=draw,
    premises={
        "edge_reached": "the sharpness reaches 2/η: before, there is no swing",
        "initial_edge_ratio": "the run begins inside the edge",
        "swings": "the swing has grown enough to push: at the edge it first grows from nothing",
    },
    numbers=numbers,
    by="network",
    names=NETWORKS,
)
