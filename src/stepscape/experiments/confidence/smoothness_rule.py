"""The rule that judges `smoothness-or-confidence`; what was changed in it after looking is told in its setup.

The question is open; each part turns guesses about it into questions, answered in every cell (amplitude of
the true logit, flip rate) and over all together by a 95 % interval over the seeds, paired where two step
sizes are compared. Which cells can be judged, and how their answers make a word: as in `logistic-step-sizes`.
A run *comes to* a level where it last rises through it, once its loss stays below that of the start.

``smoother``: at equal confidence a larger step is smoother. Runs are compared where their median |f| over the
inputs comes to half, once and twice that of the truth; of the step sizes at which most runs come there, the
largest has less ∫|f''|g than the smallest. A level that fewer than two step sizes reach is not asked about.
``smoother_interior``, ``smoother_unweighted``: the same with median |f| and ∫|f''| of the interior
(g ≥ sup g/10), and with ∫|f''| over all inputs.
``more_confident``: at equal smoothness a larger step is more confident: where ∫|f''|g comes to half, once and
twice that of the truth, the largest of the step sizes has a larger median |f| than the smallest.
``smoother_at_equal_time``: after the Σ η that the smallest step size, close to gradient flow, has in the end,
the largest working step size has less ∫|f''|g than it.
``confidence_outlives_smoothness``: at the largest working step size, over the last decade of steps, the
median and the largest |f| grow (slopes in log10 of the steps above 0) while ∫|f''|g has stopped (it changes
by less than a factor of 10^0.1 a decade: the interval of 0.1 − |slope of log10 ∫|f''|g| lies above 0).
``smoothness_returns``: at the largest working step size ∫|f''|g, as a running median of five records, ends at
least a tenth below its largest value: the interval of the share lost, minus 0.1, lies above 0.
``confident_at_the_ends``: the largest |f| at the inputs of the outer tenths of the range exceeds that of the
rest, at the largest and at the smallest working step size: the log-ratio lies above 0. Seeds 0 to 2 had been
seen when this was asked; it is judged on the others, and ``undecided`` without any.

The margin y f is not |f| where labels are noise. Runs of their own, on fresh seeds, keep it too.
``smoother_at_equal_margin``: as ``smoother``, at half, once and twice the median y f of the truth; beside it
stand the intervals at equal median |f| of the same runs.
``margin_follows_confidence``: at half, once and twice the truth's median |f|, the share median y f/median |f|
of the largest of the step sizes that most runs come there with is within a tenth of that of the smallest: the
intervals of 0.1 − difference and of 0.1 + difference both lie above 0. Then margin and size of f tell one
story.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import (
    Numbers,
    by_seed,
    listed,
    median,
    usable,
    working_step_sizes,
)
from stepscape.experiments.confidence.smoothness_measures import LEVELS, MARGIN_PLANES
from stepscape.experiments.logistic.grid import Answers, asked, cells, spoken
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

Array = NDArray[np.float64]
STOPPED = 0.1
RETURNED = 0.1
SPOKEN = {"half": "half the truth's", "truth": "the truth's", "twice": "twice the truth's"}
NAMES = dict.fromkeys(MARGIN_PLANES, "median |f|") | {"margin": "median y f"}
SHOWN = {
    "confidence": "median |f| at the end",
    "weighted_tv_when_confidence_half": "∫|f''|g where median |f| is half the truth's",
    "tv": "∫|f''| at the end",
    "excess_risk": "excess risk at the end",
    "excess_interior": "excess risk of the interior at the end",
    "weighted_tv_equal_time": "∫|f''|g at equal time",
    "weighted_tv": "∫|f''|g at the end",
    "edge_ratio": "λ·η/2 over the last decade of steps",
    "budget_used": "D̄ (1 + 2 ∫|f''|g_D) over 2/η at the end",
    "margin_share": "median y f over median |f| at the end",
    "margin": "median y f at the end",
    "smallest_margin": "smallest y f at the end",
    "largest_ends": "largest |f| at the ends",
    "largest_inside": "largest |f| of the rest",
}
SAME = 0.1
SEEN = (0, 1, 2)  # seeds
NOWHERE = "no level is reached at two step sizes"


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict a part."""
    table, with_margins = parted(result.table)
    return {
        "smoother": judge_plane(table, "weighted", ("confidence", "weighted_tv_when_confidence_half")),
        "smoother_interior": judge_plane(table, "interior"),
        "smoother_unweighted": judge_plane(table, "whole", ("tv", "excess_risk", "excess_interior")),
        "more_confident": asked(table, more_confident, NOWHERE),
        "smoother_at_equal_time": beside(
            asked(table, smoother_at_equal_time), medians(table, ("weighted_tv_equal_time", "weighted_tv"))
        ),
        "confidence_outlives_smoothness": beside(
            asked(table, outlives), medians(table, ("edge_ratio", "budget_used"))
        ),
        "smoothness_returns": asked(table, returns),
        "confident_at_the_ends": judge_ends(table),
        "smoother_at_equal_margin": judge_margin(with_margins),
        "margin_follows_confidence": beside(
            asked(with_margins, follows, NOWHERE),
            medians(with_margins, ("margin_share", "margin", "smallest_margin")),
        ),
    }


def parted(table: Table) -> tuple[Table, Table]:
    """Rows of the runs that the parts on |f| are about, and of those with margins."""
    with_margins = table["margins"] != "" if "margins" in table else np.zeros(len(table), bool)
    return table.rows(~with_margins), table.rows(with_margins)


def beside(verdict: Verdict, numbers: Numbers) -> Verdict:
    """Add numbers that decide nothing."""
    return replace(verdict, numbers={**verdict.numbers, **numbers})


def judge_plane(table: Table, plane: str, columns: Sequence[str] = ()) -> Verdict:
    """Judge roughness at equal confidence; which step sizes are compared and some medians stand beside."""
    verdict = asked(table, partial(smoother, plane=plane), NOWHERE)
    return beside(verdict, {**compared(table, plane), **medians(table, columns)})


def judge_margin(table: Table) -> Verdict:
    """Judge roughness at equal median y f; that at equal median |f| of the same runs stands beside."""
    by_size = asked(table, partial(smoother, plane="weighted"), NOWHERE)
    same = {f"not judged: {name}": x for name, x in by_size.numbers.items() if "median |f|" in name}
    return beside(judge_plane(table, "margin"), same)


def compared(table: Table, plane: str) -> Numbers:
    """Step sizes and number of seeds compared at each level."""
    confidence, roughness = MARGIN_PLANES[plane]
    return {
        f"{spoken(cell)}: compared where {NAMES[plane]} is {SPOKEN[level]}": (
            f"η = {etas[0]:g} with {etas[-1]:g}, "
            f"{np.isfinite(_first_minus_last(rows, column, etas)).sum()} seeds"
        )
        for cell, rows in cells(table).items()
        if "bent_neurons" in rows
        for level, column, etas in _levels(rows, roughness, confidence)
    }


def medians(table: Table, columns: Sequence[str]) -> Numbers:
    """Medians over the runs that count at each step size, of each cell and column."""
    found: Numbers = {}
    for cell, rows in cells(table.rows(usable(table))).items():
        etas = np.unique(rows["step_size"])
        for column in columns:
            values = [median(rows[column][rows["step_size"] == eta]) for eta in etas]
            name = f"{spoken(cell)}: {SHOWN[column]}, medians at η = {listed(etas)}"
            found[name] = ", ".join(f"{value:.3g}" for value in values)
    return found


def judge_ends(table: Table) -> Verdict:
    """Judge on the seeds that had not been seen when it was asked."""
    fresh = table.rows(~np.isin(table["seed"], SEEN))
    if not len(fresh):
        return Verdict("undecided", "every seed was looked at before this was asked")
    return beside(asked(fresh, at_the_ends), medians(fresh, ("largest_ends", "largest_inside")))


def smoother(table: Table, plane: str) -> Answers | None:
    """Roughness of the smallest step size minus that of the largest, at each level of confidence."""
    confidence, roughness = MARGIN_PLANES[plane]
    return {
        f"less rough where {NAMES[plane]} is {SPOKEN[level]}": _first_minus_last(table, column, etas)
        for level, column, etas in _levels(table, roughness, confidence)
    } or None


def more_confident(table: Table) -> Answers | None:
    """Confidence of the largest step size minus that of the smallest, at each level of ∫|f''|g."""
    confidence, roughness = MARGIN_PLANES["weighted"]
    return {
        f"more confident where ∫|f''|g is {SPOKEN[level]}": -_first_minus_last(table, column, etas)
        for level, column, etas in _levels(table, confidence, roughness)
    } or None


def _levels(table: Table, column: str, at: str) -> list[tuple[str, str, Array]]:
    """Levels that most runs reach at two step sizes or more, with the column and these step sizes."""
    names = [(level, f"{column}_when_{at}_{level}") for level in LEVELS]
    found = [(level, name, reaching(table, name)) for level, name in names]
    return [(level, name, etas) for level, name, etas in found if etas.size > 1]


def reaching(table: Table, column: str) -> Array:
    """Working step sizes at which most runs came to a level."""
    etas = working_step_sizes(table)
    return np.asarray(etas[np.isfinite(by_seed(table, column, etas)).mean(axis=0) > 0.5])


def follows(table: Table) -> Answers | None:
    """How far the shares of y f in |f| are from differing by a tenth, at equal median |f|."""
    confidence, share = MARGIN_PLANES["share"]
    found: dict[str, Array] = {}
    for level, column, etas in _levels(table, share, confidence):
        more = -_first_minus_last(table, column, etas)
        where = f"where median |f| is {SPOKEN[level]}"
        found[f"median y f is not more by a tenth of it {where}"] = SAME - more
        found[f"median y f is not less by a tenth of it {where}"] = SAME + more
    return found or None


def smoother_at_equal_time(table: Table) -> Answers:
    """∫|f''|g of the smallest step size minus that of the largest after equal Σ η."""
    etas = working_step_sizes(table)
    return {"less rough at equal time": _first_minus_last(table, "weighted_tv_equal_time", etas)}


def outlives(table: Table) -> Answers:
    """Growth of confidence, and how far the growth of ∫|f''|g is from a factor of 10^0.1 a decade."""
    moving = np.abs(_largest(table, "weighted_tv_growth"))
    return {
        "median |f| still grows": _largest(table, "confidence_growth"),
        "largest |f| still grows": _largest(table, "largest_growth"),
        "∫|f''|g has stopped": STOPPED - moving,
    }


def returns(table: Table) -> Answers:
    """Share of ∫|f''|g lost since its largest value, beyond a tenth."""
    lost = _largest(table, "weighted_tv_lost")
    return {"∫|f''|g loses a tenth of its largest value": lost - RETURNED}


def at_the_ends(table: Table) -> Answers:
    """Log-ratio of the largest |f| in the outer tenths to that of the rest."""
    etas = working_step_sizes(table)[[-1, 0]]
    ratio = np.log(by_seed(table, "largest_ends", etas) / by_seed(table, "largest_inside", etas))
    return {
        "most confident at the ends, at the largest step size": ratio[:, 0],
        "most confident at the ends, at the smallest step size": ratio[:, 1],
    }


def _first_minus_last(table: Table, column: str, step_sizes: Array) -> Array:
    """Differences (seeds,) between the smallest and the largest of the step sizes."""
    values = by_seed(table, column, step_sizes[[0, -1]])
    return np.asarray(values[:, 0] - values[:, 1])


def _largest(table: Table, column: str) -> Array:
    """Values (seeds,) at the largest working step size."""
    return by_seed(table, column, working_step_sizes(table)[-1:])[:, 0]
