"""Whether descent is chaotic: on the network, on a bowl with ripples, and in a double well."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.edge.chaos_runs import (
    FULL,
    QUICK,
    NetworkRun,
    RippleRun,
    WellRun,
    begin,
    grid,
    work,
)
from stepscape.experiments.edge.step_cells import CELLS, lost, step_cells
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import EDGE, MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.result import tag
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NETWORK, RIPPLES, WELL = ({"kind": tag(kind)} for kind in (NetworkRun, RippleRun, WellRun))
SATURATED = 1e-3  # of the way of the run: a change that large has nowhere to grow
TINY = 5.0  # decades of growth below which a change counts as tiny
DOUBLING = float(np.sqrt(5.0) - 1.0)  # step size at which the swing of the double well loses its stability
_EDGE = (
    f"The runs are those that finish with {BENT}, and whose median λ_max over the last half is at least "
    f"{EDGE[0]:g}·2/η."
)


def at_the_edge(table: Table) -> Table:
    """Rows of the runs of the network that count."""
    if "edge_reached" not in table:
        return table.rows(np.zeros(len(table), bool))
    return table.rows(np.asarray(STEP_SIZES.counts(table) & (table["edge_reached"] == 1)))


def lacks(table: Table) -> str:
    """Say that no run is at the edge; "" if one is."""
    return "" if len(at_the_edge(table)) else "no run reached the edge"


def growth(table: Table) -> Array:
    """Growth of the logarithm of the change per step; 0 for a change that vanished.

    A change that ends as large as a thousandth of the way of the run has nowhere to grow, and its slope says
    nothing: then it is at least the mean growth over all steps.
    """
    rate = np.where(np.isfinite(table["rate"]), table["rate"], 0.0)
    full = np.log10(table["size"]) + table["decades"] >= np.log10(SATURATED * table["moved"])
    return np.where(full, np.fmax(rate, table["decades"] * np.log(10.0) / table["steps"]), rate)


def grows(result: Result, least: float, saturated: float) -> Finding:  # noqa: ARG001
    """Whether a tiny change of the start grows exponentially at the edge, over the step sizes."""
    table, rows = result.table, at_the_edge(result.table)
    cells = step_cells(
        table, np.asarray(STEP_SIZES.counts(table) & (table["edge_reached"] == 1)), growth(table)
    )
    if not cells:
        return lacking("at no step size most runs reach the edge")
    says = Says("a tiny change of the start", "grow", "exponentially at the edge")
    found = decide.signs(cells, says, "growth of its logarithm per step", least)
    return in_part(found, lost(table)).with_numbers(
        {"runs": len(rows), "largest growth in decades": float(rows["most_decades"].max())}
    )


def stays_tiny(result: Result, decades: float) -> Finding:
    """Whether the change never grows by more than some powers of ten."""
    rows = at_the_edge(result.table)
    says = Says("runs at the edge", "keep", f"the change below {decades:g} decades", plural=True)
    found = decide.share(rows["most_decades"] < decades, says, groups=rows["seed"])
    return in_part(found, lost(result.table))


def limit_of_ripples(result: Result, column: str, within: float) -> Finding:
    """Whether all narrow ripples have the exponent, or the variance, of the limit."""
    rows = _narrow(result.table)
    if not len(rows):
        return lacking("no ripple is narrow against the step size")
    off = np.abs(rows[column] / rows[f"{column}_limit"] - 1.0)
    worst = np.array([np.max(off[rows["seed"] == seed]) for seed in np.unique(rows["seed"])])
    says = Says(f"the {column} of descent on narrow ripples", "be", "that of the limit")
    what = f"{within:g} minus the largest relative distance of the {column} from its limit"
    return decide.sign(within - worst, says, what)


def wide_ripples(result: Result) -> Finding:
    """Whether descent on ripples that are wide against its step is not chaotic."""
    rows = result.table.rows(result.table["ripple"] >= 0.5 * result.table["step_size"])
    says = Says("runs on wide ripples", "have", "a negative exponent", plural=True)
    return decide.share(rows["exponent"] < 0.0, says, groups=rows["seed"])


def doubles(result: Result, doubling: float, chaos: float, tolerance: float) -> Finding:
    """Whether the double well has a swing below the first doubling, and chaos beyond."""
    table = result.table
    eta, alive = table["step_size"], table["outcome"] == "finished"
    swing, beyond = (eta > 1.0) & (eta < doubling - 0.01), eta >= chaos
    if not ((eta < 1.0).any() and swing.any() and beyond.any()):
        return lacking("the step sizes of the double well do not span a fixed point, a swing and chaos")
    calm = alive & (table["exponent"] < 0.0)
    right = np.where(swing, calm & (table["swing_error"] < tolerance), calm)
    keep, seeds = (eta < 1.0) | swing, table["seed"]
    says = Says("runs below the doubling", "be", "periodic as derived", plural=True)
    wild = Says("runs beyond", "have", "a positive exponent", plural=True)
    chaotic = (alive & (table["exponent"] > 0.0))[beyond]
    return together({
        "below": decide.share(right[keep], says, groups=seeds[keep]),
        "beyond": decide.share(chaotic, wild, nearly_all=MOST, groups=seeds[beyond]),
    }, named=False)  # fmt: skip


def _narrow(table: Table) -> Table:
    return table.rows(np.asarray(table["ripple"] <= 1e-3 * table["step_size"]))


def numbers(result: Result) -> Table:
    """One row per step size of the network: medians of the growth of the change."""
    return medians(
        result.where(**NETWORK).table, ("step_size",),
        ("edge_ratio", "rate", "decades", "most_decades", "bent_neurons"), ("edge_reached",),
        STEP_SIZES.counts,
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Growth of the change on the network; exponents and density on ripples; orbits in the double well."""
    from stepscape.experiments.edge import chaos_figures as figures

    return {"network": figures.network(result), "toys": figures.toys(result)}


CLAIM = Claim(
    name="chaos",
    title="Is descent at the edge chaotic?",
    claim="With large steps the dynamics of gradient descent is complex and chaotic.",
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'The dynamics is complex and chaotic'; "
        "Kong and Tao (2020) for the ripples"
    ),
    setup=(
        "The network starts small, inside its edge, and again from a start that differs by a random "
        "vector of length 1e-12; its distance is followed. A bowl with ripples, and a double well, are "
        "examples where the answer is known. Pilots on seeds from 1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "network",
            "At the edge of stability, a tiny change of the start grows exponentially",
            "The logarithm of the distance of the two runs is fitted as a line in the steps over the last "
            "half; the slope of a change that vanished is 0, and one that ends as large as {saturated:g} of "
            "the way of the run has at least its mean growth over all steps. Yes if the mean over the step "
            "sizes lies above 0 and no step size below it, no if the mean excludes {least:g} per step or "
            "more and no step size shows one. " + _EDGE + " " + CELLS,
            grows,
            {"least": 1e-3, "saturated": SATURATED},
            primary=True,
            where=NETWORK,
            reads=("rate", "moved"),
            needs=lacks,
        ),
        Part(
            "stays_tiny",
            "Does the change stay tiny?",
            "Yes if nearly all runs at the edge keep the distance below 10 to the power {decades:g} times "
            "that of the starts at all records, no if fewer than half do. Where most runs diverge or die at "
            "a step size, a yes holds in part. " + _EDGE,
            stays_tiny,
            {"decades": TINY},
            kind="open question",
            where=NETWORK,
            needs=lacks,
        ),
        Part(
            "ripples_exponent",
            "Narrow ripples make descent chaotic, with the exponent ln(η/2ε)",
            "For ripples of width ε up to a thousandth of η, the largest distance over the runs of a seed of "
            "the exponent over its limit from 1: yes if {within:g} minus it lies above 0, no if below.",
            partial(limit_of_ripples, column="exponent"),
            {"within": 0.01},
            where=RIPPLES,
            reads=("exponent",),
        ),
        Part(
            "ripples_variance",
            "It spreads like noise of the variance η/(2(2 − η))",
            "For the same runs, the same of the variance over its limit: yes if {within:g} minus the largest "
            "distance of a seed from 1 lies above 0, no if below.",
            partial(limit_of_ripples, column="variance"),
            {"within": 0.02},
            where=RIPPLES,
            reads=("variance",),
        ),
        Part(
            "wide_ripples",
            "Wide ripples do not",
            "Nearly all runs with ε of at least η/2 have a negative exponent.",
            wide_ripples,
            where=RIPPLES,
            reads=("exponent",),
        ),
        Part(
            "double_well",
            "In a double well the period doubles, and descent becomes chaotic",
            "Nearly all runs with η < 1, and with 1 < η < {doubling:.3f} (less 0.01), have a negative "
            "exponent, the latter at the two points of the swing up to {tolerance:g}; most runs with "
            "η ≥ {chaos:g} have a positive one. A run that diverges has neither.",
            doubles,
            {"doubling": DOUBLING, "chaos": 1.35, "tolerance": 1e-6},
            where=WELL,
            reads=("exponent", "swing_error"),
        ),
    ),
    draw=draw,
    premises={
        STEP_SIZES.alive: "some neurons bend among the data: a dead network is linear and not chaotic",
        "edge_reached": "the sharpness is at 2/η: inside the edge nothing grows",
    },
    numbers=numbers,
)
