"""Whether the swing of descent pushes the sharpness back: Damian, Nichani and Lee's toy, and networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.edge.small_networks import (
    NETWORKS,
    come,
    from_inside,
    left_out,
    with_losses,
    zero_if_diverged,
)
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
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide
from stepscape.experiments.frame.finding import every_row, in_part
from stepscape.experiments.frame.limits import EDGE, MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.result import tag
from stepscape.tables.records import Table

NETWORK, TOY = ({"kind": tag(kind)} for kind in (StabilizationRun, ToyRun))
_COUNTS = (
    "The steps are those from the first one on in which ½βx² reaches a tenth of α. Runs count that begin "
    f"inside the edge, come to {EDGE[0]:g}·2/η, and either diverge, and then count as 0, or have {FEWEST} "
    f"such steps. At least {MOST:.0%} must, and a yes holds in part if not nearly all do, in every network."
)


def counts(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs of networks that swing at the edge, or diverge there."""
    keep, lost = from_inside(table), np.asarray(table["outcome"] == "diverged")
    if "explained" not in table:
        return np.asarray(keep & lost)
    return np.asarray(keep & (lost | np.isfinite(table["explained"].astype(float))))


def few(table: Table) -> str:
    """Say that too few runs count; "" otherwise."""
    keep = counts(table)
    found = f"only {int(keep.sum())} of {len(table)} runs swing at the edge"
    return "" if keep.mean() >= MOST else found


def change(result: Result, least: float) -> Finding:
    """Whether two forces explain the change of the sharpness from step to step."""
    keep = counts(result.table)
    values = zero_if_diverged(result.table.rows(keep), "explained")
    says = Says("the two forces", "explain", "the change of the sharpness", plural=True)
    found = decide.at_least(values, least, says, "share of the variance explained")
    return with_losses(found, result.table, keep)


def growth(result: Result, least: float, clear: float) -> Finding:  # noqa: ARG001
    """Whether the swing grows while the sharpness is above 2/η, and shrinks below."""
    keep = counts(result.table)
    values = zero_if_diverged(result.table.rows(keep), "growth_agrees")
    says = Says("the swing", "grow", "above 2/η and shrinks below")
    found = decide.at_least(values, least, says, "share of the steps in which it does")
    return with_losses(found, result.table, keep)


def balance(result: Result, within: float) -> Finding:
    """Whether both forces are equal on average."""
    keep = counts(result.table)
    values = zero_if_diverged(result.table.rows(keep), "balance")
    says = Says("the mean force of the swing", "be", "equal to that of the slope")
    found = decide.equivalent(values - 1.0, within, says, "mean of ½βx² over that of α, minus 1")
    return with_losses(found, result.table, keep)


def holds(result: Result) -> Finding:
    """Whether descent stays finite at the edge."""
    keep = from_inside(result.table)
    rows = result.table.rows(keep)
    says = Says("runs that come to the edge", "stay", "finite there", plural=True)
    return in_part(decide.share(rows["outcome"] == "finished", says, groups=rows["seed"]), left_out(keep))


def grows(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs of the toy that end with a larger energy."""
    if "energy_growth" not in table:
        return np.zeros(len(table), bool)
    return np.asarray(table["energy_growth"].astype(float) > 1.0)


def toy_grows(result: Result) -> Finding:
    """Whether the cycles of the toy grow."""
    rows = result.table
    says = Says("runs of the toy", "have", "cycles that grow, or diverge", plural=True)
    return decide.share(grows(rows) | (rows["outcome"] == "diverged"), says, groups=rows["seed"])


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
        "Descent of small smooth networks from before the edge on, measured at the middle of every step: "
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
            needs=few,
            join=every_row,
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
            needs=few,
            join=every_row,
        ),
        Part(
            "balance",
            "On average, both forces are equal",
            "The mean of ½βx² over the mean of α: the interval of its mean over the seeds lies within "
            "{within:g} of 1. In a long run this must be so where the first part is true and λ_max stays "
            "bounded, because the changes of λ_max add up. " + _COUNTS,
            balance,
            {"within": 0.25},
            where=NETWORK,
            by="network",
            needs=few,
            join=every_row,
        ),
        Part(
            "holds",
            "Descent that comes to the edge does not diverge",
            "Nearly all runs end finite that begin inside the edge and come to it. At least half of the runs "
            "must do that, and a yes holds in part if not nearly all do, in every network.",
            holds,
            where=NETWORK,
            by="network",
            needs=come,
            join=every_row,
        ),
        Part(
            "toy_grows",
            "In the toy, the cycles of descent do not die out",
            "The energy ½y² + ¼x² − ½α log x², less that of the point where both forces are equal, is "
            "larger at the end than at the start in nearly all runs, or the run diverges.",
            toy_grows,
            where=TOY,
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
