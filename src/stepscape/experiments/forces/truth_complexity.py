"""Where large steps cannot express the truth: variation of the truth × step size × range of the inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.forces.truth_runs import begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.contrasts import CHOOSERS, at_chosen_level
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import LEAST_SEEDS
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
RISK = "risk_held_out"
RANGES = {"half_width": "on [−{0:g}, {0:g}]"}
TEETH = {"teeth": "teeth {:g}"}
QUICK = {
    "teeth": (1, 2, 3),
    "n": 40,
    "noise": 0.25,
    "half_widths": (3.0,),
    "width": 100,
    "step_sizes": (0.05, 0.2, 0.8),
    "steps": 3000,
    "seeds": 8,
    "first_seed": 0,
    "records": 6,
}
FULL = {
    **QUICK,
    "teeth": (1, 2, 3, 4),
    "n": 60,
    "half_widths": (3.0, 1.0),
    "width": 400,
    "step_sizes": (0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.0),
    "steps": 50_000,
    "seeds": 20,
    "first_seed": 100,
    "records": 20,
}
PARTLY = " Partly if the ranges of the inputs differ."


def in_each_range(result: Result, question: Callable[..., Finding], **constants: float) -> Finding:
    """Ask on every range; intervals are simultaneous over the ranges."""
    found = cells(result.table, RANGES)
    return together({
        name: question(rows, at_once=len(found), **constants) for name, rows in found.items()
    })  # fmt: skip


def missed(rows: Table, at_once: int, least: float) -> Finding:
    """Whether the largest step size has more risk than the best smaller one, at every number of teeth."""
    found = factors(rows)
    if not found:
        return lacking("runs work at too few step sizes")
    says = Says("the largest step size", "have", "more risk than the best smaller one")
    what = "log10 of the risk, largest over best smaller step size"
    total = at_once * len(found)
    return together(
        {
            name: decide.sign(each, says, f"{what}, {name}", least, at_once=total)
            for name, each in found.items()
        },
        named=False,
    )


def factors(rows: Table) -> dict[str, Array]:
    """log10 (seeds,) of the risk at the largest step size over that at the best smaller one, by teeth."""
    return ask(cells(rows, TEETH), _factor, STEP_SIZES.lacks).values


def _factor(rows: Table) -> Array:
    values = np.log10(STEP_SIZES.values(rows, RISK))
    best, _ = at_chosen_level(values[:, :-1], np.unique(rows["seed"]))
    return np.asarray(values[:, -1] - best)


def grows(rows: Table, at_once: int, least: float) -> Finding:
    """Whether what the largest step size loses grows with the weighted variation of the truth."""
    found = factors(rows)
    if len(found) < LEAST_SEEDS:
        return lacking("truths of too few variations can be compared")
    there = cells(rows, TEETH)
    size = np.log10([median(there[name]["truth_weighted_variation"]) for name in found])
    centered = size - size.mean()
    slopes = np.asarray(centered @ np.array(list(found.values())) / (centered @ centered))
    says = Says("the factor", "grow", "with ∫|f0″|g")
    return decide.sign(slopes, says, "slope of its log10 on that of ∫|f0″|g", least, at_once=at_once)


def where(rows: Table, at_once: int, factor: float, noises: float) -> Finding:
    """Whether the fit is lost near the step size that theory names."""
    found = [
        losses(rows.where(seed=seed), noises) for seed in np.unique(rows["seed"])
    ]  # by seed, the teeth at which the fit is lost
    values = np.array([each.mean() if each.size else np.nan for each in found])
    if np.isfinite(values).sum() < LEAST_SEEDS:
        return lacking("the fit is lost within the grid at too few seeds")
    says = Says("the fit", "be", f"lost within a factor of {factor:g} of 2/(1 + 2∫|f0″|g)")
    what = "log10 of the step size that loses it over that one"
    return decide.equivalent(values, float(np.log10(factor)), says, what, at_once=at_once)


def losses(rows: Table, noises: float) -> Array:
    """log10 of the step size that loses the fit over that of the theory, for each number of teeth of a seed.

    The fit is lost from the smallest step size on, beyond the best one, whose risk exceeds the smallest risk
    by `noises` variances of the noise; the geometric mean of it and of the step size below stands for where.
    """
    out = []
    for here in cells(rows, TEETH).values():
        counts = STEP_SIZES.counts(here)
        if not counts.any():
            continue
        order = np.argsort(here["step_size"][counts])
        etas, risks = here["step_size"][counts][order], here[RISK][counts][order]
        best = int(np.argmin(risks))
        beyond = np.flatnonzero(risks > risks[best] + noises * float(here["noise"][0]) ** 2)
        if (beyond := beyond[beyond > best]).size:
            eta = np.sqrt(etas[beyond[0]] * etas[beyond[0] - 1])
            out.append(np.log10(eta / float(here["largest_stable"][0])))
    return np.array(out)


def bound(result: Result) -> Finding:
    """Whether ∫|f''|g stays below what the sharpness allows."""
    rows = result.table.where(outcome="finished")
    if not len(rows):
        return lacking("no run finished")
    return decide.inequality(int(rows["bound_checks"].sum()), int(rows["bound_violations"].sum()), "networks")


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the risk against the step size, and against the step size over that of the theory."""
    from stepscape.experiments.forces import truth_complexity_figures as figures

    drawn = {"risk": figures.risk(result)}
    return drawn | ({"curves-all": figures.curves(result)} if result.drawn("solution") else {})


def _table(result: Result) -> Table:
    return medians(
        result.table,
        ("half_width", "teeth", "step_size"),
        (
            "truth_weighted_variation",
            "over_stable",
            "weighted_tv",
            "risk",
            RISK,
            "edge_ratio",
            "bent_neurons",
        ),
        ("edge_reached",),
        STEP_SIZES.counts,
    )


CLAIM = Claim(
    name="truth-complexity",
    title="Truths that large steps cannot express",
    claim=(
        "Large steps keep the weighted variation of the curve small, so that they cannot express a truth "
        "whose own variation is large: from about η = 2/(1 + 2∫|f0″|g) on, descent with the square loss "
        "misses it."
    ),
    kind="figure",
    source=(
        "Summary of Yu et al. (2025), arXiv 2512.01473: large step sizes “may fail to express complex ground "
        "truths”; the step size is that of the theorem for stable stationary points, see THEORY §1.5"
    ),
    setup=(
        "A zigzag with 1 to 4 teeth between −1 and 1, so that ∫|f0″| grows like the square of their "
        "number; little noise. Small start, equal steps, every run at its best held-out moment. Chosen in "
        "trials on seeds 1000 to 1002 (width 200, six step sizes, both ranges), before the rules; fewer "
        "points were not tried."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "missed",
            "The largest step size misses the truths",
            "log10 of the risk at the largest step size over that at the best smaller one, which one seed "
            f"in {CHOOSERS} chooses for the others, which alone are judged, lies above 0 for every number "
            "of teeth; no if the interval excludes {least:g} or more. Every run is taken at its best "
            f"held-out moment. Intervals are simultaneous. A run counts that leaves {BENT}." + PARTLY,
            partial(in_each_range, question=missed),
            constants={"least": 0.1},
            primary=True,
            reads=(RISK,),
        ),
        Part(
            "grows",
            "It misses them by more if they vary more",
            "Slope of that factor on log10 of ∫|f0″|g over the numbers of teeth, seed by seed, above 0; no "
            "if the interval excludes {least:g} or more." + PARTLY,
            partial(in_each_range, question=grows),
            constants={"least": 0.1},
            reads=(RISK,),
        ),
        Part(
            "where",
            "The fit is lost at the step size that theory names",
            "A fit is lost at the smallest step size beyond the best one whose risk exceeds the smallest "
            "by {noises:g} of the variance of the noise. The mean over the teeth of log10 of that step "
            "size over 2/(1 + 2∫|f0″|g) lies within a factor of {factor:g}. Where no fit is lost, nothing "
            "counts." + PARTLY,
            partial(in_each_range, question=where),
            constants={"factor": 2.0, "noises": 0.25},
            reads=(RISK,),
        ),
        Part(
            "bound",
            "The weighted variation stays below its bound",
            "At the end and at the best held-out moment of every run ∫|f″|g is at most λ/2 − ½ plus the "
            "residual term of the theorem.",
            bound,
            kind="inequality",
            reads=("bound_checks",),
        ),
    ),
    draw=draw,
    premises={
        "edge_reached": "the sharpness reached 2/η, so that the step size shaped the curve",
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
    },
    numbers=_table,
)
