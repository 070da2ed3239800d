"""Descent beside its explicit twin: least squares with the same weighted total variation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES, ARMS
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import at_chosen_level
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.levels import Levels
from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.square.arrival import ARRIVED, Mask, arrived
from stepscape.experiments.square.family import ANSWERS, Array, Asks, by_range, in_every_member
from stepscape.experiments.square.twin_runs import begin, grid, work
from stepscape.tables.records import Table

STILL = 0.1  # of the distance to the truth: a solution that moves more in the last quarter has not settled
SMALLEST = 1e-12  # below it a distance is rounding
EVERYWHERE, INTERIOR = "", "_interior"
PLACES = {EVERYWHERE: "everywhere", INTERIOR: "in the interior"}
COLUMNS = ("weighted_tv", "loss_midpoint", "loss_twin", "pieces", "pieces_twin", "kinks_twin", "risk_grid",
           "risk_twin", "risk_interior_grid", "risk_twin_interior", "distance_twin", "distance_starts",
           "distance_truth", "distance_drift", "distance_twin_interior", "distance_starts_interior",
           "distance_truth_interior", "edge_ratio")  # fmt: skip
QUICK = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_widths": (3.0,),
    "width": 100,
    "step_sizes": (0.05, 0.2, 0.8),
    "steps": 4000,
    "arms": tuple(ARMS),
    "seeds": 4,
    "first_seed": 0,
}
FULL = {
    **QUICK,
    "half_widths": (3.0, 1.0),
    "width": 1000,
    "step_sizes": (0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
    "steps": 50_000,
    "seeds": 20,
    "first_seed": 100,
}


def settled(table: Table) -> Mask:
    """Mask of the runs that have arrived and whose curve stood still in the last quarter of the steps."""
    if "distance_drift" not in table:
        return np.zeros(len(table), bool)
    return arrived(table) & (table["distance_drift"] <= STILL * table["distance_truth"])


SETTLED = replace(ARRIVED, arrives=settled)
WORKING = (
    f" {ANSWERS} Step sizes count if most of their runs finish with neurons that bend among the data, have "
    "arrived (they reached the edge, or fit the labels at least as well as the truth does), and have "
    f"settled: in the last quarter of the steps the curve moved by at most {STILL:g} of its distance to the "
    "truth. Three or more must count, over a factor of ten; where nothing else is said, each seed enters "
    "with its mean over them."
)


def told_apart(table: Table, apart: float) -> Mask:
    """Mask of the settled runs whose two starts end near each other: within a share of the way to the truth.

    Where they do not, "as near as another start" says nothing.
    """
    if "distance_starts" not in table:
        return np.zeros(len(table), bool)
    near = [table[f"distance_starts{place}"] <= apart * table[f"distance_truth{place}"] for place in PLACES]
    return np.asarray(settled(table) & np.all(near, axis=0))


def comparable(apart: float) -> Levels:
    """Step sizes at which most runs have settled, and their two starts end near each other."""
    return replace(
        SETTLED,
        arrives=partial(told_apart, apart=apart),
        late=(
            "two starts end too far apart, or have not settled, at",
            "most runs have not settled there, or their two starts end too far apart",
        ),
    )


def asked(result: Result, questions: dict[str, Asks], levels: Levels = SETTLED) -> Finding:
    """Ask in every range, at the step sizes at which runs have settled."""
    return in_every_member(by_range(result.table), questions, levels=levels)


def ratios(rows: Table, above: str, below: str, levels: Levels = SETTLED) -> Array:
    """log10 of one column over another (seeds, settled step sizes)."""
    top, bottom = (np.maximum(levels.values(rows, column), SMALLEST) for column in (above, below))
    return np.asarray(np.log10(top / bottom))


def decades(rows: Table, above: str, below: str) -> Array:
    """log10 of one column over another, its mean over the settled step sizes that a seed has."""
    return mean_known(ratios(rows, above, below))


def largest(values: Array, rows: Table) -> Array:
    """Values at the step size where they are largest, which one seed in four chooses for the others."""
    return -at_chosen_level(-values, np.unique(rows["seed"]))[0]


def mean_known(values: Array) -> Array:
    """Mean of the finite values of each row; nan where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def near(result: Result, within: float, column: str, words: str, levels: Levels = SETTLED) -> Finding:
    """Whether the twin lies nearer to the solution than a multiple of another distance, in both places.

    On average over the step sizes, and at the one where it is farthest.
    """
    limit = float(np.log10(within))

    def question(place: str, of: Callable[[Array, Table], Array], where: str) -> Asks:
        says = Says("the twin", "lie", f"within {within:g} times the distance {words} {PLACES[place]}{where}")
        return Asks(
            lambda rows: limit - of(ratios(rows, f"distance_twin{place}", f"{column}{place}", levels), rows),
            says, "decades below that limit",
        )  # fmt: skip

    return asked(
        result,
        {
            f"{PLACES[place]}{where}": question(place, of, where)
            for where, of in (
                ("", lambda values, _: mean_known(values)),
                (" at the step size where it is farthest", largest),
            )
            for place in PLACES
        },
        levels,
    )


def as_near_as_a_start(result: Result, within: float, apart: float) -> Finding:
    """Whether the twin lies as near as the solution from a second start, where that is near itself."""
    return near(result, within, "distance_starts", "between two starts", comparable(apart))


def less_risk(result: Result, least: float, place: str) -> Finding:
    """Whether descent has less risk than its twin."""
    own, its = {
        EVERYWHERE: ("risk_grid", "risk_twin"),
        INTERIOR: ("risk_interior_grid", "risk_twin_interior"),
    }[place]
    says = Says("descent", "have", f"less risk than its twin {PLACES[place]}")
    return asked(result, {"risk": Asks(lambda rows: decades(rows, its, own), says, "decades of risk", least)})


def fewer_pieces(result: Result, least: float) -> Finding:
    """Whether the curve of descent has fewer linear pieces than its twin."""
    says = Says("descent", "have", "fewer linear pieces than its twin")

    def saved(rows: Table) -> Array:
        return mean_known(SETTLED.values(rows, "pieces_twin") - SETTLED.values(rows, "pieces"))

    return asked(result, {"pieces": Asks(saved, says, "pieces", least)})


def least_loss(result: Result) -> Finding:
    """Whether any run has less loss than its twin at equal weighted variation."""
    rows = result.table.where(outcome="finished")
    if "best_left" not in rows:
        return lacking("no run finished")
    left, right = rows["best_left"], rows["best_right"]
    known = np.isfinite(left) & np.isfinite(right)
    found = decide.inequality(int(known.sum()), int(np.sum(left > right)), "runs", left / right)
    missing = int(np.sum(~known))
    return in_part(found, f"the bound is missing in {counted(missing, 'run')}" if missing else "")


def draw(result: Result) -> dict[str, Drawn]:
    """Draw descent over its twin in one sample, and what tells them apart against the step size."""
    from stepscape.experiments.square import same_tv_figures as figures

    return {"overlay": figures.overlay(result), "distances": figures.distances(result)}


def _part(name: str, words: str, rule: str, judge: Callable[..., Finding], **more: Any) -> Part:
    return Part(name, words, rule + WORKING, judge, **{"by": "arm", "kind": "open question", **more})


CLAIM = Claim(
    name="same-tv",
    title="Descent beside its explicit twin of equal weighted variation",
    claim=(
        "A step size η bounds the weighted variation ∫|f''|g of what descent finds. Is descent then the same "
        "as least squares under that bound, and if not, what does it add?"
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'Tune learning rate => select smoothness'; "
        "the twin is derived here"
    ),
    setup=(
        "The runs are like those of risk-vs-step-size: 30 points of the tent with noise 0.5 on [−3, 3] and "
        "[−1, 1]. Each has a second start on the same labels, which tells how far apart two solutions of "
        "descent are. The factors 2 and 0.5 were fixed after trials on seeds 1000 and 1001."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "coincide",
            "Does descent coincide with its twin, up to its start?",
            "In every range, everywhere and in the interior, the root mean square distance of the solution "
            "to its twin is compared with {within:g} times its distance to the solution from a second start "
            "on the same labels: by the mean of the logarithm over the step sizes, and by the logarithm at "
            "the step size where it is largest, which one seed in four chooses for the others. Each says "
            "yes if it lies below that, no if it lies above. A step size counts here only if, in most runs "
            "with bent neurons, two starts end within {apart:g} times the distance to the truth of each "
            "other, in both places: otherwise nothing is near.",
            as_near_as_a_start,
            constants={"within": 2.0, "apart": 0.5},
            primary=True,
        ),
        _part(
            "close",
            "Is the twin close, on the scale of the error?",
            "As before, with {within:g} times the distance of the solution to the truth, and at all step "
            "sizes at which runs have settled.",
            partial(near, column="distance_truth", words="to the truth"),
            constants={"within": 0.5},
        ),
        _part(
            "risk",
            "Does descent have less risk than its twin?",
            "In every range, log10 of the risk of the twin over that of the solution, on a grid over all "
            "inputs. Yes if the interval of the mean lies above 0, no if it excludes {least:g} decades or "
            "more.",
            partial(less_risk, place=EVERYWHERE),
            constants={"least": 0.02},
        ),
        _part(
            "risk_interior",
            "Does it have less risk in the interior?",
            "As before, where g is at least a tenth of its largest value; {least:g} decades count.",
            partial(less_risk, place=INTERIOR),
            constants={"least": 0.02},
        ),
        _part(
            "pieces",
            "Does descent have fewer linear pieces than its twin?",
            "In every range, the pieces of the twin minus those of the solution, by the same tolerance; "
            "{least:g} counts.",
            fewer_pieces,
            constants={"least": 0.5},
        ),
        Part(
            "least_loss",
            "No network has less loss than the twin at equal variation: an inequality",
            "The twin minimizes loss + λ ∫|f''|g over all functions, so that this tests the program, not "
            "the claim: at the end of every run the lower bound that comes with the twin is at most "
            "loss + λ ∫|f''|g of the network. A run without that bound leaves a yes open.",
            least_loss,
            kind="inequality",
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: the twin of a dead network is a straight line",
        "edge_reached": "the sharpness reached 2/η, so that the step size set the weighted variation",
        "distance_drift": "the curve stood still: it moved little in the last quarter of the steps",
    },
    numbers=lambda result: medians(
        result.table, ("half_width", "arm", "step_size"), COLUMNS, ("edge_reached",), SETTLED.counts
    ),
    by="arm",
    names=ARM_NAMES,
)
