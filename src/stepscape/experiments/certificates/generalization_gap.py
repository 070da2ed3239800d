"""How the generalization gap falls with n where labels have no truth: over a class, and of descent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.certificates.agnostic_runs import QUICK, AgnosticRun, ClassRun, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import Levels
from stepscape.experiments.frame.limits import FEWEST_BENT
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import interval
from stepscape.tables.number import short
from stepscape.tables.records import Table

Array = NDArray[np.float64]
SIZES = Levels("n", "sizes", "n")
DESCENT = replace(
    SIZES, alive="bent_neurons", fewest=FEWEST_BENT
)  # the gap of a dead network is a constant's
NAMES = {"parity": "labels by parity", "branches": "labels on two branches"}
WHAT = "power of n"
SIDES = {"upper": "the bound on the supremum", "attained": "the gap that is attained"}


def classes(result: Result) -> Table:
    """Rows of the suprema."""
    return result.of(ClassRun).table


def by_size(table: Table, column: str) -> tuple[Array, Array]:
    """Values (seeds, sizes) of a column, and the sizes."""
    if not len(table) or column not in table:
        return np.empty((0, 0)), np.empty(0)
    every = np.unique(table["n"]).astype(float)
    return SIZES.values(table, column, every), every


def powers(table: Table, column: str) -> Array:
    """Slope of the logarithm of a column on log n, per seed."""
    return slopes(*by_size(table, column))


def of_descent(result: Result) -> tuple[Array, Array]:
    """Gaps of descent (seeds, sizes), mean over the step sizes, and the sizes; nan where one is dead."""
    table = result.of(AgnosticRun).table
    if not len(table) or "gap" not in table:
        return np.empty((0, 0)), np.empty(0)
    names, rows = ("step_size", "seed", "n"), table.rows(DESCENT.counts(table))
    levels = [np.unique(table[name]) for name in names]
    gaps = np.full([each.size for each in levels], np.nan)
    at = [np.searchsorted(each, rows[name]) for each, name in zip(levels, names, strict=True)]
    gaps[tuple(at)] = rows["gap"]
    return gaps.mean(axis=0), levels[-1].astype(float)


def supremum_falls(result: Result, power: float, logs: float) -> Finding:
    """Whether the bound on the supremum falls like n^power or faster, or the gap that is attained slower."""
    table = classes(result)
    sizes = by_size(table, "upper")[1]
    if not sizes.size:
        return lacking("no run finished")
    beyond = power + logs / np.log(sizes[0])
    found = {}
    for column, what in SIDES.items():
        says = Says(what, "fall", f"like n^({short(power)}) or faster")
        found[column] = decide.slope(powers(table, column), power, says, WHAT, at_once=2, beyond=beyond)
    return between(found)


def is_faster(result: Result, power: float, least: float) -> Finding:
    """Whether the bound on the supremum falls faster than n^power, or the gap that is attained does not."""
    found = {}
    for column, what in SIDES.items():
        says = Says(what, "fall", f"faster than n^({short(power)})")
        rates = power - powers(classes(result), column)
        found[column] = decide.sign(rates, says, f"{short(power)} minus the {WHAT}", least, at_once=2)
    return between(found)


def between(found: Mapping[str, Finding]) -> Finding:
    """Answer about a supremum: yes as its upper bound says, no as a function of the class says.

    An upper bound that does not fall tells nothing of the supremum, nor does a single gap that falls.
    """
    whole = together(found, named=False)
    if found["attained"].answer == "no":
        return replace(whole, answer="no")
    return replace(whole, answer="yes" if found["upper"].answer == "yes" else "undecided")


def descent_falls(result: Result, power: float) -> Finding:
    """Whether the gap of descent times n^(−power) is smaller at the largest size than at the smallest."""
    table = result.of(AgnosticRun).table
    if not len(table) or not DESCENT.counts(table).any():
        return lacking("no network has neurons that bend among the data")
    found, etas = {}, cells(table, {"step_size": "η = {:g}"})
    says = Says(f"the gap of descent times n^{short(-power)}", "fall", "with n")
    what = "gap at the smallest n, minus that at the largest so scaled"
    every = np.unique(table["n"]).astype(float)
    for name, rows in etas.items():
        scaled = DESCENT.values(rows, "gap", every) * (every / every[0]) ** -power
        found[name] = decide.sign(scaled[:, 0] - scaled[:, -1], says, what, at_once=len(etas))
    return together(found)


def share_of_supremum(result: Result, share: float) -> Finding:
    """Whether descent has a large part of the gap that a function of the class has, at the largest size."""
    own, sizes = of_descent(result)
    most, others = by_size(classes(result), "attained")
    if not sizes.size or not others.size or sizes[-1] != others[-1]:
        return lacking("too few runs finished at the largest size")
    at_the_end = student(most[:, -1]).mean
    says = Says("descent", "have", f"at least {share:g} of the gap that a function of the class has")
    what = f"gap of descent over that of the function, n = {sizes[-1]:g}"
    found = decide.at_least(own[:, -1] / at_the_end, share, says, what)
    return found.with_numbers({"gap of descent, power of n": interval(student(slopes(own, sizes)))})


def bounded(result: Result) -> Finding:
    """Whether no network has a larger linear term than the class that it was certified to lie in."""
    table = result.of(AgnosticRun).table
    if not len(table) or "linear_bound" not in table:
        return lacking("no certificate applies to a run")
    left, right, slack = (table[name].astype(float) for name in ("linear", "linear_bound", "rounding"))
    known = np.isfinite(right)
    above = int(np.sum(left[known] > right[known] + slack[known]))
    ratios = left[known] / np.where(right[known] > 0.0, right[known], np.nan)
    return decide.inequality(int(known.sum()), above, "networks", ratios)


def numbers(result: Result) -> Table:
    """Medians of the gaps of descent."""
    return medians(
        result.of(AgnosticRun).table, ("law", "step_size", "n"),
        ("gap", "linear", "linear_bound", "training_error", "height", "edge_ratio"),
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Draw supremum and gap of descent against n."""
    from stepscape.experiments.certificates import generalization_gap_figures as figures

    return {"gaps": figures.gaps(result)}


_POWER = {"power": -0.4}
CLAIM = Claim(
    name="generalization-gap",
    title="The generalization gap where labels have no truth to find",
    claim=(
        "In the agnostic case, whatever the labels are, the gap between fresh and training error of flat "
        "networks is at most of the order n^(−2/5) in the interior."
    ),
    kind="one-sided rate",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Agnostic case'; Qiao et al. (2024)"
    ),
    setup=(
        "Inputs are uniform on [−1, 1], and the gap is that on the middle half. Labels are the parity of a "
        "million cells, or lie on two branches with equal chance. The class has variation 3, as for a step "
        "size of 0.4, and heights up to 1. Looks used seeds 9000 to 9003."
    ),
    quick=QUICK,
    full={
        **QUICK, "n_largest": 6400, "draws": 8, "width": 100, "steps": 10_000, "seeds": 20, "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "supremum",
            "The largest gap in a class falls like n^(−2/5) or faster",
            "The slope of log on log n, of an upper bound on the supremum of the gap over the class and of "
            "the gap of one of its functions, per seed: contradicted if the interval of that function lies "
            "wholly above {power:g}, plus {logs:g}/ln(smallest n) for a logarithm; consistent if not, and "
            "that of the bound does not, and lies below 0.",
            supremum_falls,
            {**_POWER, "logs": 1.0},
            primary=True,
            by="law",
        ),
        Part(
            "faster",
            "Does it fall faster than that?",
            "{power:g} minus the slope: yes if the interval of the bound on the supremum lies above 0, no "
            "if that of the gap that is attained excludes {least:g} or more.",
            is_faster,
            {**_POWER, "least": 0.02},
            kind="open question",
            by="law",
        ),
        Part(
            "descent",
            "The gap of descent falls like n^(−2/5) or faster",
            "For each step size, the gap of descent times n^0.4 (power {power:g}) at the smallest size "
            "minus that at the largest, of networks that bend among the data: consistent if all intervals, "
            "simultaneous, lie above 0, contradicted if one lies below.",
            descent_falls,
            _POWER,
            by="law",
        ),
        Part(
            "share",
            "Is descent as bad as its class?",
            "At the largest size, the gap of descent, mean over the step sizes, over that of the function "
            "of the class that follows the labels best: yes if the interval lies above {share:g}, no if it "
            "lies below.",
            share_of_supremum,
            {"share": 0.5},
            kind="open question",
            by="law",
        ),
        Part(
            "bounded",
            "No network follows its labels more closely than its class allows",
            "In every run (2/n) Σ y f on the middle is at most its supremum over the class that the "
            "network was certified to lie in, up to rounding.",
            bounded,
            kind="inequality",
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data",
        "linear_bound": "a certificate applies: no knot of the midpoint network lies exactly on an input",
    },
    numbers=numbers,
    by="law",
    names=NAMES,
)  # fmt: skip
