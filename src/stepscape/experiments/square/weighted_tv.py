"""Both sides of each certificate against the step size and over time."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.contrasts import Array
from stepscape.experiments.frame.finding import Number
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import nothing_finished
from stepscape.experiments.square.medians import medians
from stepscape.experiments.square.runs import FULL, QUICK, begin, grid, work
from stepscape.tables.records import Table

CERTAIN = ("gauss_newton", "sharpness", "sharpness_loss", "published")
SIDES = [f"{name}_{side}" for name in (*CERTAIN, "line", "noisy") for side in ("left", "right")]


def holds(result: Result, names: tuple[str, ...], records: str) -> Finding:
    """Whether inequalities hold at every record where their premises do."""
    table = result.table
    checks, violations = (sum(_sum(table, name, what) for name in names) for what in ("checks", "violations"))
    bent = STEP_SIZES.counts(table)
    tightness = np.concatenate([_tightness(table, name)[bent] for name in names])
    return decide.inequality(checks, violations, records, tightness, empty=not bent.any())


def four_inequalities(result: Result) -> Finding:
    """Whether the certain inequalities hold; numbers say how many records have no Hessian."""
    kinks = _sum(result.table, "records", "checked") - _sum(result.table, "published", "checks")
    left_out: dict[str, Number] = {"records left out, with a knot on an input": kinks}
    return holds(result, CERTAIN, "comparisons").with_numbers(left_out)


def stays_in_the_class(result: Result) -> Finding:
    """Whether the bound holds with 2/η where λ_max exceeds it, after the crossing; numbers on its slope."""
    table = result.table
    learning = STEP_SIZES.counts(table)
    above = table.rows(learning & (table["above_checks"] > 0)) if learning.any() else table.rows(learning)
    says = Says("runs that swing above 2/η", "stay", "within the bound with 2/η at every record", plural=True)
    kept = above["above_violations"] == 0 if len(above) else []
    found = decide.share(kept, says, groups=above["seed"] if len(above) else None)
    return found.with_numbers(_slope_at_the_edge(table.rows(learning)) if learning.any() else {})


def _slope_at_the_edge(table: Table) -> dict[str, Number]:
    at_edge = table["edge_reached"] == 1
    etas, variation = table["step_size"][at_edge], table["line_left"][at_edge]
    known = np.isfinite(variation) & (variation > 0.0)
    if np.unique(etas[known]).size < 2:
        return {}
    slope = float(np.polyfit(np.log(1.0 / etas[known]), np.log(variation[known]), 1)[0])
    return {
        "slope of log ∫|f''|g on log 1/η at the edge": slope,
        "∫|f''|g·η at the edge, median": median(variation * etas),
    }


def fails_rarely(result: Result, delta: float) -> Finding:
    """Whether the inequality for noisy labels fails on more draws of the labels than it may."""
    table = result.table
    if not _sum(table, "noisy", "checks"):
        return lacking("truth and noise are known in no run")
    drawn = np.unique(table["seed"][table["noisy_checks"] > 0])
    failed = np.unique(table["seed"][table["noisy_violations"] > 0])
    return decide.rate(failed.size, drawn.size, delta, "draws of the labels")


def _sum(table: Table, name: str, what: str) -> int:
    return int(np.nansum(table[f"{name}_{what}"]))


def _tightness(table: Table, name: str) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(table[f"{name}_left"] / table[f"{name}_right"], np.float64)


def draw(result: Result) -> dict[str, Drawn]:
    """Both sides at the end against the step size, and over time for the first seed."""
    from stepscape.experiments.square import weighted_tv_figures as figures

    return {
        "sides": figures.sides(result),
        "over-time": figures.over_time(result),
        "over-time-all": figures.over_time_everywhere(result),
    }


CLAIM = Claim(
    name="weighted-tv",
    title="Flat networks have small weighted variation: both sides of each bound",
    claim=(
        "A network with λ_max ≤ 2/η has ∫|f''|g ≤ 1/η − ½ + x_max √(2L): flatness bounds the weighted total "
        "variation, at every point of training, interpolating or not, whatever the width."
    ),
    kind="inequality",
    source=(
        "Qiao et al. (2024), Theorem 3.1; Mulayoff et al. (2021), Theorem 1; Fazel and Wang, NeurIPS "
        "tutorial 'Training Instability', part 2 (one slide prints 2/η, the next λ_max/2 − ½: half as much)"
    ),
    setup=(
        "Every certificate is evaluated at the midpoint network of every record of the runs of "
        "risk-vs-step-size. x_max is 3 or 1 here, so that the published bound holds as printed; for max|x| "
        "below 1/√3 it does not. λ_max enters with its error, on the side where an error can only hide "
        "slack, not a violation. It is the Hessian almost everywhere: records whose midpoint has a knot "
        "exactly on an input are left out and counted."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "certain",
            "The four inequalities of the proof",
            "The four inequalities that hold with certainty (Gauss–Newton, sharpness, sharpness with the "
            "loss, published) are checked at the midpoint network of every record of every run that "
            "finished: one violation beyond rounding makes them false. If no network has bends, they say "
            "nothing.",
            four_inequalities,
            primary=True,
            by="arm",
            needs=nothing_finished,
        ),
        Part(
            "two_over_eta",
            "Does descent stay where the bound with 2/η holds?",
            "Where λ_max ≤ 2/η, the bound with 2/η in the place of λ_max, ∫|f''|g ≤ 1/η − ½ + x_max √(2L), "
            "follows from the published one. Here it is asked where nothing proves it: at the records, "
            "after the warm-up and after the edge was first reached, whose λ_max lies above 2/η. Yes if "
            "nearly all runs with such records keep the bound at all of them.",
            stays_in_the_class,
            kind="open question",
            needs=nothing_finished,
        ),
        Part(
            "noisy",
            "The bound for noisy labels",
            "With probability 1 − {delta:g} over the labels the bound holds for all networks at once. A "
            "draw of the labels fails if any record of any run on it does. The bound is false if so many "
            "failures have a probability below 1 % at that rate.",
            fails_rarely,
            {"delta": 0.05},
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: for a dead network every bound holds emptily",
        "above_checks": "λ_max exceeds 2/η at some record, for the bound with 2/η in the place of λ_max",
        "knots_at_data": "no knot lies exactly on an input; these lie within 1e-3 of the range of one",
        "noisy_checks": "truth and noise are known, for the bound on noisy labels",
    },
    numbers=lambda result: medians(result, *SIDES),
    by="arm",
    names=ARM_NAMES,
)
