"""Where large steps cannot express the truth: variation of the truth × step size × range of the inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES, WORKS
from stepscape.experiments.forces.truth_runs import begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import Asked, ask, cells
from stepscape.experiments.frame.contrasts import CHOOSERS, at_chosen_level
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import LEAST_SEEDS, NEARLY_ALL
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
PARTLY = " Partly if numbers of teeth or ranges of the inputs differ."
LEFT_OUT = (
    " A number of teeth at which the largest step size of the grid does not work is left out, and a yes "
    "becomes partly."
)


def in_each_range(result: Result, question: Callable[..., Finding], **constants: float) -> Finding:
    """Ask on every range; intervals are simultaneous over the ranges."""
    found = cells(result.table, RANGES)
    return together({
        name: question(rows, at_once=len(found), **constants) for name, rows in found.items()
    })  # fmt: skip


def missed(rows: Table, at_once: int, least: float) -> Finding:
    """Whether the largest step size has more risk than the best smaller one, at every number of teeth."""
    asked = factors(rows)
    if asked.missing:
        return asked.missing
    says = Says("the largest step size", "have", "more risk than the best smaller one")
    what = "log10 of the risk, largest over best smaller step size"
    total = at_once * len(asked.values)
    found = {
        name: decide.sign(each, says, f"{what}, {name}", least, at_once=total)
        for name, each in asked.values.items()
    }
    return in_part(together(found, named=False), _left_out(asked))


def factors(rows: Table) -> Asked:
    """log10 (seeds,) of the risk at the largest step size over that at the best smaller one, by teeth.

    Numbers of teeth at which runs do not work at the largest step size of the grid are left out.
    """
    largest = float(rows["step_size"].max())
    return ask(cells(rows, TEETH), _factor, partial(_lacks, largest=largest))


def _factor(rows: Table) -> Array:
    values = np.log10(STEP_SIZES.values(rows, RISK))
    best, _ = at_chosen_level(values[:, :-1], np.unique(rows["seed"]))
    return np.asarray(values[:, -1] - best)


def _lacks(rows: Table, largest: float) -> str:
    if reason := STEP_SIZES.lacks(rows):
        return reason
    works = STEP_SIZES.working(rows)
    return "" if largest in works else f"runs do not work at the largest step size: {STEP_SIZES.fates(rows)}"


def _left_out(asked: Asked) -> str:
    return "; ".join(f"left out {name}: {reason}" for name, reason in asked.left_out.items())


def grows(rows: Table, at_once: int, least: float) -> Finding:
    """Whether what the largest step size loses grows with the weighted variation of the truth."""
    asked, there = factors(rows), cells(rows, TEETH)
    if len(asked.values) < LEAST_SEEDS:
        return lacking("truths of too few variations can be compared")
    size = np.log10([median(there[name]["truth_weighted_variation"]) for name in asked.values])
    centered = size - size.mean()
    slopes = np.asarray(centered @ np.array(list(asked.values.values())) / (centered @ centered))
    says = Says("the factor", "grow", "with ∫|f0″|g")
    found = decide.sign(slopes, says, "slope of its log10 on that of ∫|f0″|g", least, at_once=at_once)
    return in_part(found, _left_out(asked))


def where(rows: Table, at_once: int, factor: float, noises: float) -> Finding:
    """Whether the fit is lost near the step size that theory names, at every number of teeth."""
    places = partial(losses, noises=noises, factor=factor)
    asked = ask(cells(rows, TEETH), places, partial(_hidden, places=places))
    if asked.missing:
        return asked.missing
    says = Says("the fit", "be", f"lost within a factor of {factor:g} of 2/(1 + 2∫|f0″|g)")
    what = "log10 of the step size that loses it over that one"
    total, within = at_once * len(asked.values), float(np.log10(factor))
    found = {
        name: decide.equivalent(values, within, says, f"{what}, {name}", at_once=total)
        for name, values in asked.values.items()
    }
    return in_part(together(found, named=False), _left_out(asked))


def _hidden(rows: Table, places: Callable[[Table], Array]) -> str:
    """Say that the place is known for too few seeds; "" if it is known for nearly all."""
    known = np.isfinite(places(rows))
    if known.mean() >= NEARLY_ALL:
        return ""
    return f"the grid shows where the fit is lost for {known.sum()} of {known.size} seeds"


def losses(rows: Table, noises: float, factor: float) -> Array:
    """log10 (seeds,) of the step size that loses the fit over that of the theory, at one number of teeth.

    The fit is lost from the smallest step size on, beyond the best one, whose risk exceeds the smallest risk
    by `noises` variances of the noise; the geometric mean of it and of the step size below stands for where.
    A fit that is not lost puts the place beyond its largest step size, which stands for it if it lies beyond
    the theory's by more than `factor`, and runs below the theory's worked too; otherwise the place is unknown
    (nan), as it is without a fit: a run with less risk than the variance of the noise.
    """
    counts = STEP_SIZES.counts(rows)
    every = np.unique(rows["seed"])
    return np.array([_place(rows.rows(counts & (rows["seed"] == seed)), noises, factor) for seed in every])


def _place(rows: Table, noises: float, factor: float) -> float:
    if not len(rows):
        return float("nan")
    order = np.argsort(rows["step_size"])
    etas, risks = rows["step_size"][order] / float(rows["largest_stable"][0]), rows[RISK][order]
    variance, best = float(rows["noise"][0]) ** 2, int(np.argmin(risks))
    beyond = np.flatnonzero(risks > risks[best] + noises * variance)
    if not risks[best] < variance:
        return float("nan")
    if (beyond := beyond[beyond > best]).size:
        return float(0.5 * np.log10(etas[beyond[0]] * etas[beyond[0] - 1]))
    shown = etas[0] <= 1.0 and etas[-1] > factor
    return float(np.log10(etas[-1])) if shown else float("nan")


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
            "log10 of the risk at the largest step size of the grid over that at the best smaller one that "
            f"works, which one seed in {CHOOSERS} chooses for the others, which alone are judged, lies above "
            "0 for every number of teeth; no if the interval excludes {least:g} or more. Every run is taken "
            f"at its best held-out moment. Intervals are simultaneous. {WORKS}" + LEFT_OUT + PARTLY,
            partial(in_each_range, question=missed),
            constants={"least": 0.1},
            primary=True,
            reads=(RISK,),
        ),
        Part(
            "grows",
            "It misses them by more if they vary more",
            "Slope of that factor on log10 of ∫|f0″|g over the numbers of teeth, seed by seed, above 0; no "
            f"if the interval excludes {{least:g}} or more. It needs {LEAST_SEEDS} numbers of teeth."
            + LEFT_OUT
            + PARTLY,
            partial(in_each_range, question=grows),
            constants={"least": 0.1},
            reads=(RISK,),
        ),
        Part(
            "where",
            "The fit is lost at the step size that theory names",
            "A fit is lost at the smallest step size beyond the best one whose risk exceeds the smallest "
            "by {noises:g} of the variance of the noise; its geometric mean with the next smaller one is the "
            "place. Yes if the place lies within a factor of {factor:g} of 2/(1 + 2∫|f0″|g), with intervals "
            "of log10 of their ratio that are simultaneous over the numbers of teeth. A fit that is not lost "
            "up to a step size beyond that factor counts with the largest one, against yes. The place is "
            "unknown if the grid ends before, begins beyond 2/(1 + 2∫|f0″|g), or has no risk below the "
            f"variance of the noise; where it is known for fewer than {NEARLY_ALL:.0%} of the seeds, the "
            "number of teeth is left out, and a yes becomes partly. A run counts that leaves "
            f"{BENT}." + PARTLY,
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
