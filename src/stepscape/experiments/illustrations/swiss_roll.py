"""Two spirals: a good and a bad minimum that both fit every label, and the landscapes around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide
from stepscape.experiments.frame.finding import all_of
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.illustrations.roll_runs import begin, grid, work
from stepscape.experiments.illustrations.shortfall import unless_nearly_all
from stepscape.tables.records import Table

_QUICK: dict[str, Any] = {
    "layers": 3,
    "width": 24,
    "n": 60,
    "wrong": 300,
    "pull": 1.0,
    "distance": 0.06,
    "good_steps": 400,
    "bad_steps": 1600,
    "settle_steps": 200,
    "adam_step_size": 0.01,
    "seeds": 5,
    "first_seed": 0,
}
_FULL = {
    **_QUICK,
    "layers": 4,
    "width": 56,
    "n": 100,
    "wrong": 2000,
    "pull": 0.7,
    "distance": 0.035,
    "good_steps": 2000,
    "bad_steps": 3000,
    "settle_steps": 500,
    "adam_step_size": 0.005,
    "seeds": 20,
    "first_seed": 100,
}


def fitting(table: Table) -> Table:
    """Rows of the runs in which both minima fit every label."""
    if "both_fit" not in table:
        return table.rows(np.zeros(len(table), bool))
    return table.rows(np.asarray((table["outcome"] == "finished") & (table["both_fit"] == 1)))


def lacks(table: Table) -> str:
    """Say that in fewer than half of the runs both minima fit every label; "" otherwise."""
    found = len(fitting(table))
    few = f"both minima fit every label in only {found} of {len(table)} runs"
    return few if found < MOST * len(table) else ""


def of_those_that_fit(result: Result, found: Finding) -> Finding:
    """Qualify a finding about the runs in which both fit, where these are not nearly all."""
    counts = np.isin(result.table["seed"], fitting(result.table)["seed"])
    return unless_nearly_all(found, counts, "runs count, in which both fit every label")


def apart(result: Result, well: float, least: float) -> Finding:
    """Whether the good minimum predicts fresh points well, and the bad one worse than a coin."""
    rows = fitting(result.table)
    good = Says("the good minimum", "predict", f"at least {well:.0%} of fresh points")
    bad = Says("the bad one", "be", "worse than a coin")
    found = all_of({
        "good": decide.at_least(rows["test_good"], well, good, "accuracy of the good one", at_once=2),
        "bad": decide.sign(0.5 - rows["test_bad"], bad, "½ minus accuracy of the bad one", least, at_once=2),
    })  # fmt: skip
    return of_those_that_fit(result, found)


def stays(result: Result, least: float) -> Finding:
    """Whether the bad minimum is still worse than a coin after training on the labels alone."""
    rows = fitting(result.table)
    after = rows["test_after_bad"].astype(float)
    says = Says("the bad minimum", "be", "worse than a coin after training on the labels alone")
    found = decide.sign(0.5 - after, says, "½ minus its accuracy on fresh points then", least)
    return of_those_that_fit(result, found).with_numbers({
        "its accuracy after minus before, median": median(after - rows["test_bad"]),
        "norm of its gradient, median": median(rows["gradient_bad"]),
    })  # fmt: skip


def sharper(result: Result, column: str, least: float, subject: str) -> Finding:
    """Whether the bad minimum has the larger λ_max than the good one, or than the good one faded."""
    rows = fitting(result.table)
    gap = np.log10(rows["sharpness_bad"].astype(float)) - np.log10(rows[column].astype(float))
    says = Says("the bad minimum", "be", f"sharper than {subject}")
    found = decide.sign(gap, says, f"decades of λ_max, bad over {subject}", least)
    return of_those_that_fit(result, found)


def survives(result: Result, column: str, least: float, says: Says, what: str) -> Finding:
    """Whether more of the good minimum's accuracy is left after moves than of the bad one's."""
    rows = fitting(result.table)
    found = decide.sign(rows[f"{column}_good"] - rows[f"{column}_bad"], says, what, least)
    return of_those_that_fit(result, found)


def numbers(result: Result) -> Table:
    """Medians over the runs in which both minima fit."""
    names = ("training", "test", "test_after", "loss", "gradient", "sharpness", "moved", "moved_loss", "held")
    columns = tuple(f"{name}_{which}" for name in names for which in ("good", "bad"))
    return medians(fitting(result.table), ("n",), (*columns, "sharpness_faded", "wrong_kept"))


def draw(result: Result) -> dict[str, Drawn]:
    """Boundaries and landscapes of both minima, and their profiles."""
    from stepscape.experiments.illustrations import swiss_roll_figures as figures

    return {"minima": figures.minima(result), "profiles": figures.profiles(result)}


CLAIM = Claim(
    name="swiss-roll",
    title="The Swiss roll: a good and a bad minimum that both fit every label",
    claim=(
        "The same network has minima with 100 % training accuracy that predict fresh points well, and others "
        "that predict them worse than a coin; the good ones are flat and robust, the bad ones sharp."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'left generalizes well (& more robust)'; "
        "Huang et al. (2020), 'Understanding generalization through visualizations'"
    ),
    setup=(
        "Two spirals, a ReLU network, the logistic loss, Adam. The bad minimum is made on purpose: wrong "
        "labels of fresh points, none close to a training point, are added to its loss, so that it need not "
        "be a minimum of the loss of the training labels, on which everything is measured. Sizes and steps "
        "were looked for on seeds from 1000 on."
    ),
    quick=_QUICK,
    full=_FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "apart",
            "Both fit every label; one predicts fresh points well, the other worse than a coin",
            "Where both have a training accuracy of 1: on fresh points, that of the good one is at least "
            "{well:g}, and ½ minus that of the bad one above 0 (not, if it excludes {least:g}). With fewer "
            "than nine in ten of such runs a yes is one in part, here and below.",
            apart,
            {"well": 0.8, "least": 0.02},
            primary=True,
            needs=lacks,
        ),
        Part(
            "stays",
            "Does the bad one stay bad when it is trained on the labels alone?",
            "After slow steps of Adam on the training labels alone, ½ minus its accuracy on fresh points: "
            "yes if the interval lies above 0, no if it excludes {least:g}.",
            stays,
            {"least": 0.02},
            kind="open question",
            reads=("test_after_bad",),
            needs=lacks,
        ),
        Part(
            "sharper",
            "The bad one is sharper",
            "log10 of λ_max of the loss of the training labels, bad over good: reproduced if its "
            "interval lies "
            "above 0, not if it excludes {least:g}. With the logistic loss λ_max falls with the loss.",
            lambda result, least: sharper(result, "sharpness_good", least, "the good one"),
            {"least": 0.1},
            needs=lacks,
        ),
        Part(
            "same_loss",
            "Is it sharper at the same loss, too?",
            "The last layer of the good one is scaled down until its loss is that of the bad one: yes if "
            "log10 of λ_max, bad over that, has an interval above 0, no if it excludes {least:g}.",
            lambda result, least: sharper(result, "sharpness_faded", least, "the good one at the same loss"),
            {"least": 0.1},
            kind="open question",
            reads=("sharpness_faded",),
            needs=lacks,
        ),
        Part(
            "wider",
            "The good one keeps its accuracy when its weights move",
            "Training accuracy after moves in random directions, a tenth as long as the weights into each "
            "unit, good minus bad: reproduced if its interval lies above 0, not if it excludes {least:g}.",
            lambda result, least: survives(
                result, "moved", least, Says("moves", "leave", "the good one more accuracy", plural=True),
                "accuracy after moves, good minus bad",
            ),
            {"least": 0.05},
            needs=lacks,
        ),
        Part(
            "robust",
            "The good one is more robust to moves of the inputs",
            "Share of training points whose label holds after all moves of 0.05, good minus bad: "
            "reproduced if its interval lies above 0, not if it excludes {least:g}.",
            lambda result, least: survives(
                result, "held", least, Says("the good one", "hold", "more labels when inputs move"),
                "share of points that hold, good minus bad",
            ),
            {"least": 0.05},
            needs=lacks,
        ),
    ),
    draw=draw,
    premises={"both_fit": "both minima have a training accuracy of 1"},
    numbers=numbers,
)  # fmt: skip
