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
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.result import tag
from stepscape.tables.records import Table

Array = NDArray[np.float64]
NETWORK, RIPPLES, WELL = ({"kind": tag(kind)} for kind in (NetworkRun, RippleRun, WellRun))
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


def grows(result: Result, least: float) -> Finding:
    """Whether a tiny change of the start grows exponentially at the edge."""
    rows = at_the_edge(result.table)
    says = Says("a tiny change of the start", "grow", "exponentially at the edge")
    found = decide.sign(_by_seed(rows, rows["rate"]), says, "growth of its logarithm per step", least)
    return found.with_numbers(
        {"runs": len(rows), "largest growth in decades": float(rows["most_decades"].max())}
    )


def stays_tiny(result: Result, decades: float) -> Finding:
    """Whether the change never grows by more than some powers of ten."""
    rows = at_the_edge(result.table)
    says = Says("runs at the edge", "keep", f"the change below {decades:g} decades", plural=True)
    return decide.share(rows["most_decades"] < decades, says, groups=rows["seed"])


def limit_of_ripples(result: Result, column: str, within: float) -> Finding:
    """Whether narrow ripples have the exponent, or the variance, of the limit."""
    rows = _narrow(result.table)
    if not len(rows):
        return lacking("no ripple is narrow against the step size")
    off = rows[column] / rows[f"{column}_limit"] - 1.0
    says = Says(f"the {column} of descent on narrow ripples", "be", "that of the limit")
    return decide.equivalent(_by_seed(rows, off), within, says, f"{column} over that of the limit, minus 1")


def wide_ripples(result: Result) -> Finding:
    """Whether descent on ripples that are wide against its step is not chaotic."""
    rows = result.table.rows(result.table["ripple"] >= 0.5 * result.table["step_size"])
    says = Says("runs on wide ripples", "have", "a negative exponent", plural=True)
    return decide.share(rows["exponent"] < 0.0, says, groups=rows["seed"])


def doubles(result: Result, doubling: float, chaos: float, tolerance: float) -> Finding:
    """Whether the double well has a swing below the first doubling, and chaos beyond."""
    table = result.table.rows(result.table["outcome"] == "finished")
    eta = table["step_size"]
    swing = (eta > 1.0) & (eta < doubling - 0.01)
    right = np.where(swing, (table["swing_error"] < tolerance) & (table["exponent"] < 0.0), True)
    right = np.where(eta < 1.0, table["exponent"] < 0.0, right)
    keep = (eta < 1.0) | swing
    if not keep.any() or not (eta >= chaos).any():
        return lacking("the step sizes of the double well do not span from a fixed point to chaos")
    says = Says("runs below the doubling", "be", "periodic as derived", plural=True)
    beyond = Says("runs beyond", "have", "a positive exponent", plural=True)
    return together({
        "below": decide.share(right[keep], says, groups=table["seed"][keep]),
        "beyond": decide.share(table["exponent"][eta >= chaos] > 0.0, beyond, nearly_all=0.5,
                               groups=table["seed"][eta >= chaos]),
    }, named=False)  # fmt: skip


def _narrow(table: Table) -> Table:
    return table.rows(np.asarray(table["ripple"] <= 1e-3 * table["step_size"]))


def _by_seed(rows: Table, values: Array) -> Array:
    return np.array([np.mean(values[rows["seed"] == seed]) for seed in np.unique(rows["seed"])])


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
            "half, and its slope averaged over the runs of a seed. Yes if the interval lies above 0, no if "
            "it excludes {least:g} per step or more. " + _EDGE,
            grows,
            {"least": 1e-3},
            primary=True,
            where=NETWORK,
            needs=lacks,
        ),
        Part(
            "stays_tiny",
            "Does the change stay tiny?",
            "Yes if nearly all runs at the edge keep the distance below 10 to the power {decades:g} times "
            "that of the starts at all records, no if fewer than half do. " + _EDGE,
            stays_tiny,
            {"decades": 5.0},
            kind="open question",
            where=NETWORK,
            needs=lacks,
        ),
        Part(
            "ripples_exponent",
            "Narrow ripples make descent chaotic, with the exponent ln(η/2ε)",
            "For ripples of width ε up to a thousandth of η, the exponent over its limit, averaged over the "
            "runs of a seed, is 1 within ±{within:g}.",
            partial(limit_of_ripples, column="exponent"),
            {"within": 0.01},
            where=RIPPLES,
            reads=("exponent",),
        ),
        Part(
            "ripples_variance",
            "It spreads like noise of the variance η/(2(2 − η))",
            "For the same runs, the variance over its limit is 1 within ±{within:g}.",
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
            "η ≥ {chaos:g} have a positive one.",
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
