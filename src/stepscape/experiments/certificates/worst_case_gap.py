"""The largest generalization gap in a certified class, against the step size and beside descent."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.certificates.gap_runs import QUICK, begin, grid, work
from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import STEP_SIZES, WORKS
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.intervals import design_effect, student
from stepscape.experiments.frame.levels import fraction
from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.experiments.frame.sentences import clause, interval, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
MOMENTS = {"at equal steps": "", "at equal time": "_equal_time"}
FEW_SIZES = f"A number of points at which too few step sizes work leaves a yes open. {WORKS}"


def no_class(table: Table) -> str:
    """Say that no run was certified; "" if one was."""
    if missing := nothing_finished(table):
        return missing
    known = "supremum" in table and np.isfinite(table["supremum"].astype(float)).any()
    return "" if known else "no certificate applies to a run"


def no_working_class(table: Table) -> str:
    """Say that no run was certified, or that runs work at too few step sizes for every number of points."""
    sizes = cells(table, {"n": "n = {:g}"})
    few = [STEP_SIZES.lacks(rows) for rows in sizes.values()]
    return no_class(table) or (few[0] if all(few) else "")


def falls(result: Result, least: float, least_correlation: float) -> Finding:
    """Whether the largest gap falls along the step sizes, and from the smallest to the largest."""
    sizes, found = cells(result.table, {"n": "n = {:g}"}), {}
    for moment, suffix in MOMENTS.items():
        column = f"supremum{suffix}"
        says = Says("the largest gap in the class", "fall", f"with the step size {moment}")
        drops = ask(sizes, partial(_drop, column=column), STEP_SIZES.lacks)
        ranks = ask(sizes, partial(_order, column=column), STEP_SIZES.lacks)
        what = "decades, smallest over largest η"
        found[moment] = decide.signs(drops.values, says, what, least, at_once=4)
        along = Says("it", "fall", "along the way")
        found[f"{moment}, along the way"] = decide.signs(
            ranks.values, along, "minus the rank correlation with η", least_correlation, at_once=4
        )
        left_out = list(drops.left_out)
    whole = together(found, primary="at equal steps", named=False)
    return in_part(
        whole, f"left out {', '.join(left_out)}: runs work at too few step sizes" if left_out else ""
    )


def _drop(rows: Table, column: str) -> Array:
    """Decades from the smallest to the largest working step size, per seed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.log10(STEP_SIZES.at_ends(rows, column)).T
        return np.asarray(low - high)


def _order(rows: Table, column: str) -> Array:
    """Minus the rank correlation with the working step sizes, per seed."""
    return -rank_correlations(STEP_SIZES.values(rows, column), STEP_SIZES.working(rows))


def explains(result: Result, share: float) -> Finding:
    """Whether the gap of descent is a large part of the largest in its class."""
    table = result.table
    known = STEP_SIZES.counts(table) & np.isfinite(table["supremum"].astype(float))
    rows = table.rows(known)
    if not len(rows):
        return lacking("no certified network has neurons that bend among the data")
    seeds = np.unique(rows["seed"])
    ratios = [
        rows["gap"][rows["seed"] == s].mean() / rows["supremum"][rows["seed"] == s].mean() for s in seeds
    ]
    says = Says("descent", "have", f"a gap of at least {share:g} of the largest in its class")
    return decide.at_least(ratios, share, says, "gap of descent over the supremum, means per seed")


def signs_stand_in(result: Result, least: float) -> Finding:
    """Whether random signs of the size of the noise give no smaller supremum than the noise itself."""
    rows = result.table.rows(np.isfinite(result.table["with_noise"].astype(float)))
    excess = {name: per_seed(rows, name) for name in ("with_signs", "with_fresh_noise")}
    says = Says("the supremum with random signs", "be", "at least that with the noise of the labels")
    what = "decades, random signs over the noise"
    found = decide.at_least(excess["with_signs"], -least, says, what)
    fresh = interval(student(excess["with_fresh_noise"]))
    return found.with_numbers({"decades, fresh noise over the noise of the labels": fresh})


def per_seed(rows: Table, column: str) -> Array:
    """Mean over the runs of a seed of log10 of a column over the supremum with the true noise."""
    ratio = np.log10(rows[column].astype(float) / rows["with_noise"].astype(float))
    return np.array([ratio[rows["seed"] == seed].mean() for seed in np.unique(rows["seed"])])


def table_speaks(result: Result, delta: float) -> Finding:
    """Whether what the table alone proves is true as often as it says; vacuous if it proves nothing."""
    table = result.table
    if "proved_gain" not in table:
        return lacking("no certificate applies to a run")
    proved, true = (table[name].astype(float) for name in ("proved_gain", "true_gain"))
    known = np.isfinite(proved)
    speaks = known & (proved > 0.0)
    numbers = {
        "share of runs that prove a gain": fraction(proved[known] > 0.0),
        "largest gain that is proved": float(proved[known].max(initial=-np.inf)),
        "share with a gain in the mean over labels": fraction(table["mean_gain"][known] > 0.0),
    }
    wrong = proved[known] > true[known]
    # The certificates of a seed are about the same labels: they fail together.
    design = design_effect(wrong, table["seed"][known]) if wrong.size else 1.0
    found = decide.rate(int(wrong.sum()), wrong.size, delta, "certificates", design)
    if known.any() and not speaks.any() and found.answer == "yes":
        text = sentence(clause(found.sentence), "none of them proves a gain")
        found = Finding("vacuous", text, found.effect, found.numbers)
    return found.with_numbers(numbers)


def bounded(result: Result) -> Finding:
    """Whether no network has a larger gap than its class allows."""
    table = result.table
    gap, most, slack = (table[name].astype(float) for name in ("gap", "supremum", "slack"))
    known = np.isfinite(most)
    above = int(np.sum(gap[known] > most[known] + slack[known]))
    ratios = gap[known] / np.where(most[known] > 0.0, most[known], np.nan)
    return decide.inequality(int(known.sum()), above, "networks", ratios)


def identity(result: Result, tolerance: float) -> Finding:
    """Whether error = training error − σ² + gap, with the gap from the noise alone."""
    if "identity_error" not in result.table:
        return lacking("no run finished")
    return decide.identity(result.table["identity_error"], tolerance, "errors to the truth")


def numbers(result: Result) -> Table:
    """Medians of gaps, suprema and what the table proves."""
    return medians(
        result.table, ("arm", "n", "step_size"),
        ("gap", "supremum", "supremum_equal_time", "variation", "height", "with_noise", "with_signs",
         "with_fresh_noise", "error", "training_error", "proved_gain", "mean_gain", "true_gain",
         "edge_ratio"),
        counts=STEP_SIZES.counts,
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Gap of descent and largest gap against the step size, one panel per arm."""
    from stepscape.experiments.certificates import worst_case_gap_figures as figures

    return {"gaps": figures.gaps(result)}


CLAIM = Claim(
    name="worst-case-gap",
    title="How large can the gap be among all functions that are as flat?",
    claim=(
        "What is studied is the generalization of the whole class of functions that are as flat as what "
        "descent finds: the step size selects the class, and the largest gap in it bounds that of descent."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'We will study the generalization "
        "of the whole class', 'Tune learning rate => select smoothness' and the decomposition of the risk"
    ),
    setup=(
        "Inputs are fixed, on [−3, 3]; the gap is the error on fresh labels minus that on the labels of the "
        "table. The class is that of the midpoint network: its certified variation and its range. The "
        "largest gap in it is a linear program. Looks used seeds from 5000 on and 30 points."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "sizes": (30, 200),
        "width": 200,
        "step_sizes": (0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
        "steps": 20_000,
        "draws": 8,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "selects",
            "A larger step size selects a class with a smaller largest gap",
            "For each number of points, log10 of the supremum of the gap over the class at the smallest "
            "working step size minus that at the largest, and minus its rank correlation with the working "
            "step sizes, per seed, at equal steps and at equal time: yes if the mean over the numbers of "
            "points lies above 0 and none lies below, for all four; no if it excludes {least:g} decades, or "
            "a correlation of {least_correlation:g}, or more. " + FEW_SIZES,
            falls,
            {"least": 0.05, "least_correlation": 0.2},
            primary=True,
            by="arm",
            needs=no_working_class,
        ),
        Part(
            "explains",
            "Is the gap of descent as large as its class allows?",
            "For each seed, the mean gap of the networks that bend among the data over the mean of the "
            "suprema of their classes, all step sizes and numbers of points: yes if the interval lies above "
            "{share:g}, no if it lies below.",
            explains,
            {"share": 0.5},
            kind="open question",
            by="arm",
            needs=no_class,
        ),
        Part(
            "signs",
            "Can random signs stand in for the noise that nobody knows?",
            "The supremum of the noise term with random signs of the noise's standard deviation over that "
            "with the noise of the labels, log10, mean over the runs of a seed: yes if the interval lies "
            "above −{least:g}, so that signs are not smaller by what counts, no if it lies below.",
            signs_stand_in,
            {"least": 0.02},
            kind="open question",
            needs=no_class,
        ),
        Part(
            "table",
            "What the table alone proves is true",
            "From inputs and labels only, with the noise estimated from neighbors, the certificate states "
            "a gain over the mean label that may be wrong with probability {delta:g}: false if so many "
            "certificates exceed the true gain that this has a probability below 1 %, where those of a seed "
            "count as fewer, as far as they fail together; vacuous if none proves a gain above 0.",
            table_speaks,
            {"delta": 0.05},
            kind="inequality",
            needs=no_class,
        ),
        Part(
            "bounded",
            "No network has a larger gap than its class allows",
            "In every run the gap is at most the supremum over the class, up to rounding.",
            bounded,
            kind="inequality",
            needs=no_class,
        ),
        Part(
            "identity",
            "Error to the truth = training error − σ² + gap",
            "With the gap computed from the noise alone, the two sides differ by at most {tolerance:g} of "
            "the sum of their terms.",
            identity,
            {"tolerance": 1e-12},
            kind="identity",
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    premises={
        "supremum": "a certificate applies: no knot of the midpoint network lies exactly on an input",
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
    },
    numbers=numbers,
    by="arm",
    names=ARM_NAMES,
)  # fmt: skip
