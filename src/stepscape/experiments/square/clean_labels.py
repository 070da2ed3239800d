"""Many functions pass through clean labels: whether large steps find one that generalizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.contrasts import log_ratio
from stepscape.experiments.frame.levels import fraction
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.square.arrival import Mask
from stepscape.experiments.square.clean_runs import KEYS, REFERENCES, ReferenceRun, begin, grid, work
from stepscape.experiments.square.family import ANSWERS, Array, Asks, in_every_member
from stepscape.experiments.square.members import plain
from stepscape.experiments.square.runs import FULL, QUICK, StepSizeRun
from stepscape.experiments.square.same_tv import mean_known
from stepscape.problems import curve
from stepscape.tables.records import Table

SMALLEST = 1e-30  # below it a risk is rounding
MISSED = 1e-4  # of the variance of the truth: 1 % of its standard deviation
BASE = {key: value for key, value in QUICK.items() if key not in ("truth", "noise")}
COLUMNS = ("risk_grid", "risk_grid_equal_time", "training_error", "weighted_tv", "pieces", "edge_ratio",
           "interpolation_left", "risk_dots", "risk_spline", "risk_kernel")  # fmt: skip


def fitted(table: Table) -> Mask:
    """Mask of the runs that interpolate: their error at the inputs is a small share of the truth's variance.

    The level does not depend on the risk, which is what is compared.
    """
    if "training_error" not in table:
        return np.zeros(len(table), bool)
    truths, which = np.unique(table["truth"], return_inverse=True)
    most = MISSED * np.array([variance(str(truth)) for truth in truths])
    return np.asarray(table["training_error"] <= most[which])


def variance(truth: str) -> float:
    """Variance of a truth over the range of the inputs, on which it is stretched.

    >>> round(variance("wave"), 3)
    0.5
    """
    f0 = curve(truth, n=2, noise=0.0).truth
    assert f0 is not None  # every truth of a run has a name
    return float(np.var(f0(np.linspace(-1.0, 1.0, 4001))))


FITTED = replace(STEP_SIZES, arrives=fitted, least=2, span=4.0)
WHERE = (
    f" {ANSWERS} Asked for every truth and range. Step sizes count if at least {MOST:.0%} of their runs "
    f"finish with {BENT}, and most of these have arrived, which here means that they interpolate: their mean "
    f"squared error at the inputs is at most {MISSED:g} of the variance of the truth. {FITTED.least} or more "
    f"must count, over a factor of {FITTED.span:g}."
)


def with_references(result: Result) -> Table:
    """Rows of descent, with the risks of the other interpolants of the same sample beside them."""
    table = result.of(StepSizeRun).table
    others = {
        tuple(run[key] for key in KEYS): run.row
        for run in result.of(ReferenceRun).runs
        if "risk_dots" in run.row
    }
    if not len(table) or not others:
        return table
    keys = list(zip(*(table[key].tolist() for key in KEYS), strict=True))
    risks = {
        f"risk_{name}": np.array([others.get(key, {}).get(f"risk_{name}", np.nan) for key in keys])
        for name in REFERENCES
    }
    return Table({**table.columns, **risks})


def members(result: Result) -> dict[str, Table]:
    """Rows of descent for every truth and range."""
    table = with_references(result)
    names = cells(table, {"truth": "{}", "half_width": "[−{0:g}, {0:g}]"})
    return {plain(name) if "#" not in name else name.partition("#")[0]: rows for name, rows in names.items()}


def asked(result: Result, contrast: Callable[[Table], Array], says: Says, what: str, least: float) -> Finding:
    """Ask in every member, at the step sizes at which runs interpolate."""
    found = members(result)
    if not any("training_error" in rows for rows in found.values()):
        return lacking("no run finished")
    return in_every_member(found, {"": Asks(contrast, says, what, least)}, levels=FITTED)


def larger_steps(result: Result, least: float, column: str = "risk_grid", when: str = "") -> Finding:
    """Whether the largest step size that interpolates has less risk than the smallest."""

    def saved(rows: Table) -> Array:
        return log_ratio(np.maximum(FITTED.at_ends(rows, column), SMALLEST))

    says = Says("the largest step size that interpolates", "have", f"less risk than the smallest{when}")
    return asked(result, saved, says, "decades of risk, smallest η over largest", least)


def better_than(result: Result, least: float, name: str) -> Finding:
    """Whether descent has less risk than another interpolant, at the step sizes at which it interpolates."""

    def saved(rows: Table) -> Array:
        if f"risk_{name}" not in rows:
            return np.full(np.unique(rows["seed"]).size, np.nan)
        own, its = (
            np.maximum(FITTED.values(rows, column), SMALLEST) for column in ("risk_grid", f"risk_{name}")
        )
        return mean_known(np.log10(its / own))

    says = Says("descent", "have", f"less risk than the {REFERENCES[name]} interpolant")
    return asked(result, saved, says, "decades of risk", least)


def beyond_the_bound(result: Result, below: float) -> Finding:
    """Whether small steps interpolate, and steps beyond the bound of the data do not."""
    table = result.of(StepSizeRun).table
    if "interpolation_left" not in table:
        return lacking("no run finished")
    counts = STEP_SIZES.counts(table)
    over = table["step_size"] * table["interpolation_left"] / 2.0
    if not np.any(counts & (over > 1.0)):
        return lacking("no run beyond the bound learns a curve")
    small = fitted(table)[counts & (over <= below)]
    if not fraction(small) >= MOST:
        return lacking("within the budget, small steps do not interpolate either")
    beyond = counts & (over > 1.0)
    says = Says("runs beyond the bound", "miss", "the labels", plural=True)
    return decide.share(~fitted(table)[beyond], says, groups=table["seed"][beyond])


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the risk of every interpolant, and their curves for one sample."""
    from stepscape.experiments.square import clean_labels_figures as figures

    return {"risk": figures.risk(result), "curves": figures.curves(result)}


def _part(name: str, words: str, rule: str, judge: Callable[..., Finding], **more: Any) -> Part:
    return Part(name, words, rule + WHERE, judge, {"least": 0.05}, by="arm", **more)


def _against(name: str, words: str, other: str) -> Part:
    rule = (
        f"log10 of the risk of {other} over that of descent on the grid, its mean over the step sizes that "
        "count; {least:g} decades count."
    )
    return _part(name, words, rule, partial(better_than, name=name))


CLAIM = Claim(
    name="clean-labels",
    title="Clean labels: which of the many interpolants descent finds",
    claim=(
        "Through clean labels there are many interpolating functions. Does descent with a large step size "
        "find the one that generalizes?"
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'Let's say the labels are clean', "
        "Question 1"
    ),
    setup=(
        "20 inputs, no noise, three truths: a tent, a smooth wave, and two steep ramps. Runs are of the kind "
        "of risk-vs-step-size. In trials on seeds 1000 to 1002 with 30 points and half the steps, runs "
        "interpolated in half of the settings only; and no interpolant of 30 points resolves a fourth truth, "
        "doppler. Risk is the mean squared error on a grid."
    ),
    quick={
        **BASE,
        "n": 10,
        "truths": ("tent",),
        "half_widths": (1.0,),
        "step_sizes": (0.02, 0.1, 0.4),
        "steps": 4000,
    },
    full={
        **BASE,
        "truths": ("tent", "wave", "steps"),
        **{name: FULL[name] for name in ("width", "half_widths", "seeds", "first_seed")},
        "n": 20,
        "steps": 100_000,
        "step_sizes": (0.01, 0.03, 0.1, 0.2, 0.4),
        "records": 4,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "larger_steps",
            "Does the largest step size that interpolates generalize better than the smallest?",
            "log10 of the risk on the grid at the smallest step size that counts over that at the largest; "
            "{least:g} decades count.",
            larger_steps,
            primary=True,
        ),
        _part(
            "equal_time",
            "Does it at equal time?",
            "As before, with every run stopped at the same training time Σ η; {least:g} decades count.",
            partial(larger_steps, column="risk_grid_equal_time", when=" at equal time"),
        ),
        Part(
            "beyond_the_bound",
            "Do steps beyond the bound of the data miss clean labels, too?",
            "No network through the labels is flatter than a bound λ that the data give. If at least half of "
            "the runs up to {below:g} times 2/λ interpolate: yes if nearly all beyond 2/λ do not, over all "
            "truths and ranges, among the runs that keep bent neurons. A run interpolates if its mean "
            f"squared error at the inputs is at most {MISSED:g} of the variance of the truth.",
            beyond_the_bound,
            {"below": 0.5},
            by="arm",
        ),
        _against(
            "kernel",
            "Does descent beat lazy training from its own start?",
            "kernel regression with the tangent kernel of the start",
        ),
        _against("dots", "Does descent beat connecting the dots?", "the line that connects the dots"),
        _against("spline", "Does descent beat a cubic spline?", "the natural cubic spline"),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network interpolates nothing",
        "training_error": "the error at the inputs is small: what is compared lies between them",
    },
    numbers=lambda result: medians(
        with_references(result), ("truth", "half_width", "arm", "step_size"), COLUMNS, (), FITTED.counts
    ),
    by="arm",
    names=ARM_NAMES,
)
