"""The sharpness of what large steps find lies on 2/η, and rises to it by progressive sharpening."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.arms import ARM_NAMES, ARMS
from stepscape.experiments.common.step_sizes import BENT
from stepscape.experiments.edge.runs import LOGISTIC, begin, grid, work
from stepscape.experiments.edge.settled import by_step_size, by_the_seed, settled, sweep_lacks
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import interval, of_runs, sentence
from stepscape.tables.records import Table

SETTLED = {"near": 0.1, "still": 0.02, "sizes": 3, "span": 4.0}
WITHIN = 0.01
_SETTLED_RULE = (
    f"A run is settled if it finishes with {BENT}, the "
    "directional smoothness over the last half of its steps is on average within {near:.0%} of 2/η, and the "
    "median λ_max of the midpoint differs by less than {still:.0%} between the third and the last quarter; "
    "most runs must be settled at {sizes} or more step sizes that span a factor of {span:g}."
)


def on_the_line(result: Result, within: float, column: str, **rule: float) -> Finding:
    """Whether λ_max·η/2 of settled runs is 1, up to a margin: on average, and for the single run, too."""
    table = result.table
    if reason := sweep_lacks(table, **rule):
        return lacking(reason)
    keep = settled(table, rule["near"], rule["still"])
    off = table[column] - 1.0
    subject = "the midpoint" if column == "median_edge_ratio" else "a single iterate"
    mean = Says(f"the mean sharpness of {subject}", "be", "2/η")
    near = Says(f"the sharpness of {subject}", "be", "near 2/η run by run")
    asked = (
        ("mean", off, mean, "mean of λ_max·η/2 − 1"),
        ("run", np.abs(off), near, "mean of |λ_max·η/2 − 1|"),
    )
    found = {
        name: decide.equivalent(by_the_seed(table, keep, values), within, says, what, at_once=len(asked))
        for name, values, says, what in asked
    }
    return together(found, named=False).with_numbers({
        "runs": len(table), "settled": int(keep.sum()), "λ_max·η/2, median": median(table[column][keep]),
    })  # fmt: skip


def at_every_step_size(result: Result, within: float, **rule: float) -> Finding:
    """Whether λ_max·η/2 is 1 at each step size, by simultaneous intervals."""
    table = result.table
    if reason := sweep_lacks(table, **rule):
        return lacking(reason)
    etas, values = by_step_size(table, settled(table, rule["near"], rule["still"]), "median_edge_ratio")
    found = {}
    for eta, off in zip(etas, values.T - 1.0, strict=True):
        says = Says(f"the sharpness at η = {eta:g}", "be", "2/η")
        found[f"η = {eta:g}"] = decide.equivalent(off, within, says, "λ_max·η/2 − 1", at_once=etas.size)
    whole = together(found)
    off = {name: each.effect.interval for name, each in found.items() if each.effect}
    if not off:
        return whole
    farthest = max(off, key=lambda name: abs(off[name].mean))
    agree = sum(each.answer == "yes" for each in found.values())
    text = of_runs(agree, len(found), Says("step sizes", "have", f"a mean λ_max·η/2 within ±{within:g} of 1"))
    far = f"the farthest from 1 is that at {farthest}, by {interval(off[farthest])}"
    lines = {f"{name}: λ_max·η/2 − 1": interval(each) for name, each in off.items()}
    return Finding(whole.answer, sentence(text, far), found[farthest].effect, lines)


def scales(result: Result, within: float, **rule: float) -> Finding:
    """Whether the sharpness of the settled runs is inversely proportional to the step size."""
    table = result.table
    if reason := sweep_lacks(table, **rule):
        return lacking(reason)
    etas, values = by_step_size(table, settled(table, rule["near"], rule["still"]), "median_sharpness")
    says = Says("the sharpness", "be", "proportional to 1/η")
    found = slopes(values, etas, least_span=rule["span"])
    return decide.equivalent(found + 1.0, within, says, "slope of log sharpness on log η, plus 1")


def stays_inside(result: Result, high: float, at_most: float, column: str) -> Finding:
    """Whether runs that start inside stay below their threshold at nearly all steps of the crossing."""
    table = result.table
    outside = table[column] if column in table else np.full(len(table), np.nan)
    crossed, lost = np.isfinite(outside), diverged_from_inside(table)
    left = crossed | lost
    if not left.any():
        return lacking("no run began inside its threshold and crossed it")
    share = f"{1.0 - at_most:.0%} of the steps".replace("%", " %")
    says = Says("runs that cross", "stay", f"below {high:g}·2/η at {share}")
    found = decide.share((outside <= at_most)[left], says, groups=table["seed"][left])
    which = "crossing_largest" + ("_midpoint" if column.endswith("midpoint") else "")
    largest = table[which][crossed] if crossed.any() else np.empty(0)
    return found.with_numbers({
        "runs that diverged": int(lost.sum()),
        f"steps above {high:g}·2/η, mean share": student(outside[crossed]).mean,
        "largest λ_max·η/2": float(largest.max()) if largest.size else None,
        "largest λ_max·η/2 of a run, median": median(largest),
    })  # fmt: skip


def diverged_from_inside(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that began below the edge and diverged: they left it, and have no crossing."""
    if "initial_sharpness" not in table:
        return np.zeros(len(table), bool)
    inside = table["initial_sharpness"] * table["step_size"] / 2.0 < EDGE[0]
    return np.asarray((table["outcome"] == "diverged") & inside)


def numbers(result: Result) -> Table:
    """One row per arm and step size: how many runs finished and settled, and where these were."""
    table = with_flag(result.table)
    return medians(
        table, ("arm", "step_size"),
        ("median_edge_ratio", "last_edge_ratio", "smoothness_ratio", "bent_neurons", "knots_at_data",
         "crossing_largest", "crossing_outside", "crossing_largest_midpoint"),
        ("diverged", "settled"),
    )  # fmt: skip


def with_flag(table: Table) -> Table:
    """Add the column `settled`."""
    flag: NDArray[np.bool_] = settled(table, SETTLED["near"], SETTLED["still"])
    return Table({**table.columns, "settled": flag})


def draw(result: Result) -> dict[str, Drawn]:
    """Sharpness against the step size with the line 2/η; each crossing; sharpness over time; neurons."""
    from stepscape.experiments.edge import sharpness_vs_step_size_figures as figures

    return {
        "edge": figures.edge(result),
        "crossing": figures.crossing(result),
        "sharpening": figures.sharpening(result),
        "neurons": figures.neurons(result),
    }


_QUICK: dict[str, Any] = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_width": 3.0,
    "width": 200,
    "step_sizes": (0.08, 0.2, 0.4, 0.8),
    "steps": 12_000,
    "arms": tuple(ARMS),
    "logistic_truth": "wave",
    "logistic_n": 100,
    "logistic_half_width": 1.0,
    "logistic_width": 200,
    "logistic_step_sizes": (0.3, 0.6, 1.2),
    "logistic_steps": 3000,
    "amplitudes": (2.0,),
    "flip_rates": (0.1,),
    "seeds": 4,
    "first_seed": 0,
    "records": 30,
    "crossing_steps": 60,
}
NAMES: Mapping[str, str] = {**ARM_NAMES, LOGISTIC: "the logistic loss"}

CLAIM = Claim(
    name="sharpness-vs-step-size",
    title="The edge of stability: sharpness against step size",
    claim=(
        "Gradient descent with step size η sharpens until λ_max reaches 2/η and stays there: 2/η predicts "
        "the sharpness of the solution very precisely."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2; Cohen et al. (2021)",
    setup=(
        "Square loss: the problem and the arms of curve-fitting, with 150,000 steps, because small step "
        "sizes take that long to reach the edge from a small initialization. Logistic loss: nine laws, "
        "amplitude times flip rate, from PyTorch's start. The sharpness is that of the midpoint of two "
        "consecutive iterates, because descent alternates with period two. Warm-up comes down to 2/η from a "
        "sharper start; only the small start shows progressive sharpening. Trials: seeds 1000 to 1009."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "width": 1000,
        "step_sizes": (0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8),
        "steps": 150_000,
        "logistic_width": 400,
        "logistic_steps": 30_000,
        "amplitudes": (1.0, 2.0, 4.0),
        "flip_rates": (0.0, 0.1, 0.3),
        "seeds": 20,
        "first_seed": 100,
        "records": 100,
        "crossing_steps": 500,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "on_the_line",
            "At the edge, the sharpness of the midpoint is 2/η",
            "For each seed, λ_max·η/2 (`{column}`, over the last half of the steps) minus 1 is averaged over "
            "its settled runs, and so is its absolute value, in which deviations do not cancel. Yes if both "
            "intervals, simultaneous, lie within ±{within:g}, partly if one does, no if none does and one "
            "lies wholly outside. " + _SETTLED_RULE,
            on_the_line,
            {"within": WITHIN, "column": "median_edge_ratio", **SETTLED},
            primary=True,
            by="arm",
        ),
        Part(
            "at_every_step_size",
            "It is 2/η at every step size",
            "As above for each step size at which most runs are settled, with simultaneous intervals within "
            "±{within:g}: yes if all lie inside, partly if some do. " + _SETTLED_RULE,
            at_every_step_size,
            {"within": WITHIN, **SETTLED},
            by="arm",
        ),
        Part(
            "scaling",
            "The sharpness is proportional to 1/η",
            "For each seed, log λ_max of the midpoint (the median over the last half of the steps) is fitted "
            "as a line in log η. Yes if the interval of the slope plus 1 lies within ±{within:g}, no if all "
            "of it lies outside. " + _SETTLED_RULE,
            scales,
            {"within": WITHIN, **SETTLED},
            by="arm",
        ),
        Part(
            "single_iterates",
            "The sharpness of a single iterate is 2/η, too",
            "As the first part, for the last of the two iterates (`{column}`), within ±{within:g}. "
            + _SETTLED_RULE,
            on_the_line,
            {"within": WITHIN, "column": "last_edge_ratio", **SETTLED},
            by="arm",
        ),
        Part(
            "stays_inside",
            "From a small start, nearly every step through the crossing stays near the threshold or below",
            "Of the runs from a small start that begin below 2/η and reach it, nearly all have an iterate "
            "above {high:g}·2/η (`{column}`) in at most {at_most:.0%} of the steps that follow the crossing. "
            "A run that begins there and diverges has not stayed. Partly if more than half stay.",
            stays_inside,
            {"high": EDGE[1], "at_most": 0.05, "column": "crossing_outside"},
            where={"arm": "small_init"},
        ),
        Part(
            "midpoint_stays_inside",
            "So does the midpoint",
            "As above for the midpoint of each two iterates: above {high:g}·2/η (`{column}`) in at most "
            "{at_most:.0%} of the steps; a run that diverges has not stayed.",
            stays_inside,
            {"high": EDGE[1], "at_most": 0.05, "column": "crossing_outside_midpoint"},
            where={"arm": "small_init"},
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: the sharpness of a dead network is 1 whatever η",
        "smoothness_ratio": "descent swings with period two, where the curvature along its steps is 2/η",
        "drift": "the sharpness has stopped to move: the run is finished, not under way",
        "crossed_at_step": "the run began below 2/η and reached it, so that its crossing can be followed",
        "knots_at_data": "few neurons have their kink stuck to an input, where the Hessian does not see it",
    },
    numbers=numbers,
    by="arm",
    names=NAMES,
)
