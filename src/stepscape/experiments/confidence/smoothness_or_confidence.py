"""How training trades smoothness for confidence: runs in the plane of ∫|f''|g and median |f|."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.confidence.smoothness_measures import PLANES
from stepscape.experiments.confidence.smoothness_runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    decide,
    together,
)
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.contrasts import log_ratio, rank_correlations
from stepscape.experiments.frame.finding import Number
from stepscape.experiments.frame.intervals import Interval, student
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Question = Callable[[Table], Array | None]
LAWS = {"amplitude": "amplitude {:g}", "flip_rate": "flip rate {:g}"}
AT = {"half": "half that of the truth", "truth": "that of the truth", "twice": "twice that of the truth"}
ROUGHNESS = {
    "weighted": "∫|f''|g",
    "interior": "∫|f''| of the interior",
    "whole": "∫|f''| of all inputs",
    "margin": "∫|f''|g at equal margin",
}
SIZES = dict.fromkeys(PLANES, "median |f|") | {"margin": "median y f"}
MAIN = ("weighted", "truth")
AS_SURE = f"{PLANES[MAIN[0]][1]}_when_{PLANES[MAIN[0]][0]}_{MAIN[1]}"
IN_TIME = "weighted_tv_equal_time"
ELSEWHERE = tuple((plane, level) for plane in PLANES for level in AT if (plane, level) != MAIN)
SHOWN = ("confidence", "largest", "weighted_tv", "tv", "weighted_tv_equal_time", "excess_risk",
         "excess_interior", "edge_ratio", "edge_ratio_last", "budget_used", "largest_ends", "largest_inside",
         "margin", "margin_share", "smallest_margin")  # fmt: skip


def over_laws(table: Table, question: Question, says: Says, what: str, least: float, at_once: int) -> Finding:
    """Ask a question in every law of the labels (amplitude and flip rate) in which it arises."""
    asked = ask(cells(table, LAWS), question, STEP_SIZES.lacks)
    return asked.missing or decide.signs(asked.values, says, what, least, at_once=at_once)


def reaching(table: Table, column: str) -> Array:
    """Working step sizes at which most runs come to a level; none if there is only one."""
    came = np.isfinite(STEP_SIZES.values(table, column)).mean(axis=0) > 0.5
    etas = STEP_SIZES.working(table)[came]
    return np.asarray(etas if etas.size > 1 else etas[:0])


def at_level(table: Table, column: str) -> Array | None:
    """Values (seeds, 2) at the smallest and at the largest step size at which most runs come to a level."""
    etas = reaching(table, column) if column in table else np.empty(0)
    return STEP_SIZES.values(table, column, etas[[0, -1]]) if etas.size else None


def less_rough(table: Table, column: str) -> Array | None:
    """log10 of the roughness at a level, smallest over largest step size."""
    values = at_level(table, column)
    return None if values is None else log_ratio(values)


def less_rough_as_sure(table: Table) -> Array | None:
    """As `less_rough`, where the median |f| comes to that of the truth."""
    return less_rough(table, AS_SURE)


def less_rough_in_time(table: Table) -> Array:
    """log10 of the roughness at equal time, smallest over largest working step size."""
    return log_ratio(STEP_SIZES.at_ends(table, IN_TIME))


def falls(table: Table, column: str) -> Array | None:
    """Minus the rank correlation of the roughness at a level with the step size, over all that come there."""
    etas = reaching(table, column) if column in table else np.empty(0)
    return -rank_correlations(STEP_SIZES.values(table, column, etas), etas) if etas.size else None


def more_sure(table: Table, column: str) -> Array | None:
    """log10 of the confidence at a level, largest over smallest step size."""
    values = at_level(table, column)
    return None if values is None else -log_ratio(values)


def is_smoother(result: Result, least: float, trend: float) -> Finding:
    """Whether a larger step size is less rough where it is as confident as the truth: ends and trend."""
    column = AS_SURE
    says = Says("a larger step size", "be", f"less rough where {SIZES[MAIN[0]]} is {AT[MAIN[1]]}")
    what = f"log10 of the ratio of {ROUGHNESS[MAIN[0]]}"
    falling = Says("the roughness there", "fall", "along the step sizes")
    table = result.table
    found = {
        "ends": over_laws(table, less_rough_as_sure, says, what, least, 2),
        "trend": over_laws(
            table, partial(falls, column=column), falling, "minus its rank correlation", trend, 2
        ),
    }
    return together(found, named=False).with_numbers(compared(table, column))


def is_smoother_elsewhere(result: Result, least: float, questions: int) -> Finding:
    """Whether it is so in the other planes and at the other levels."""
    found: dict[str, Finding] = {}
    for plane, level in ELSEWHERE:
        size, rough = PLANES[plane]
        column = f"{rough}_when_{size}_{level}"
        says = Says("a larger step size", "be", f"less rough where {SIZES[plane]} is {AT[level]}")
        what = f"log10 of the ratio of {ROUGHNESS[plane]}"
        question = partial(less_rough, column=column)
        found[f"{ROUGHNESS[plane]}, {level}"] = over_laws(
            result.table, question, says, what, least, questions
        ).with_numbers(compared(result.table, column))
    return together(found, named=False)


def compared(table: Table, column: str) -> dict[str, Number]:
    """Say which step sizes are compared at a level, by how many seeds."""
    pairs: dict[str, Number] = {}
    for law, rows in cells(table, LAWS).items():
        etas = reaching(rows, column) if column in rows and not STEP_SIZES.lacks(rows) else np.empty(0)
        if etas.size:
            seeds = np.isfinite(STEP_SIZES.values(rows, column, etas[[0, -1]])).all(axis=1).sum()
            pairs[f"{law}: compared"] = f"η = {etas[0]:g} with {etas[-1]:g}, {seeds} seeds"
    return pairs


def is_more_confident(result: Result, least: float, questions: int) -> Finding:
    """Whether a larger step size is more confident at equal smoothness, at each level."""
    size, rough = PLANES["weighted"]
    return together({
        level: over_laws(
            result.table,
            partial(more_sure, column=f"{size}_when_{rough}_{level}"),
            Says("a larger step size", "be", f"more confident where ∫|f''|g is {words}"),
            "log10 of the ratio of median |f|",
            least,
            questions,
        )
        for level, words in AT.items()
    }, named=False)  # fmt: skip


def is_smoother_in_time(result: Result, least: float, trend: float) -> Finding:
    """Whether the largest working step size is less rough than the smallest after the same Σ η, and trend."""
    column = IN_TIME

    def along(rows: Table) -> Array:
        return -rank_correlations(STEP_SIZES.values(rows, column), STEP_SIZES.working(rows))

    says = Says("the largest step size", "be", "less rough at equal time")
    falling = Says("the roughness at equal time", "fall", "along the step sizes")
    table, what = result.table, "log10 of the ratio of ∫|f''|g"
    return together({
        "ends": over_laws(table, less_rough_in_time, says, what, least, 2),
        "trend": over_laws(table, along, falling, "minus its rank correlation", trend, 2),
    }, named=False)  # fmt: skip


def end_of_training(
    result: Result, stopped: float, returned: float, growth: float, questions: int
) -> Finding:
    """Whether confidence still grows at the largest working step size where roughness no longer does."""

    def asked(column: str, turn: Callable[[Array], Array], says: Says, what: str, least: float) -> Finding:
        question = lambda rows: turn(STEP_SIZES.at_ends(rows, column)[:, 1])  # noqa: E731
        return over_laws(result.table, question, says, what, least, questions)

    grow = {"confidence": "median |f|", "largest": "largest |f|"}
    found = {
        words: asked(
            f"{name}_growth", np.asarray, Says(f"the {words}", "grow"), f"{words} per decade", growth
        )
        for name, words in grow.items()
    }
    found["stopped"] = asked(
        "weighted_tv_growth", lambda moved: stopped - np.abs(moved), Says("∫|f''|g", "settle"),
        f"{stopped:g} − |change of log10 ∫|f''|g per decade|", 0.0,
    )  # fmt: skip
    found["returned"] = asked(
        "weighted_tv_lost", lambda lost: lost - returned, Says("∫|f''|g", "come", "down again"),
        f"share lost − {returned:g}", 0.0,
    )  # fmt: skip
    return together(found, named=False)


def is_surest_at_the_ends(result: Result, least: float, questions: int) -> Finding:
    """Whether the largest |f| lies at the ends of the range."""

    def ratio(rows: Table, which: int) -> Array:
        ends, inside = (
            STEP_SIZES.at_ends(rows, f"largest_{where}")[:, which] for where in ("ends", "inside")
        )
        return log_ratio(np.column_stack([ends, inside]))

    return together({
        size: over_laws(
            result.table,
            partial(ratio, which=which),
            Says(f"|f| at the {size} step size", "be", "largest at the ends"),
            "log10 of the largest |f|, ends over the rest",
            least,
            questions,
        )
        for size, which in (("largest", 1), ("smallest", 0))
    }, named=False)  # fmt: skip


def over_ends(table: Table, question: Question) -> Interval:
    """Return the interval of a question in the mean over the laws, one of two, as the rules read it."""
    found = ask(cells(table, LAWS), question, STEP_SIZES.lacks) if len(table) else None
    return student(np.mean(list(found.values.values()), axis=0) if found and found.values else (), 2)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the planes, the comparison at equal levels and at equal time, and both coordinates over time."""
    from stepscape.experiments.confidence import smoothness_or_confidence_figures as figures

    return {
        "planes": figures.planes(result, over_ends(result.table, less_rough_as_sure)),
        "levels": figures.levels(result, over_ends(result.table, less_rough_in_time)),
        "over-time-all": figures.over_time(result),
    }


CLAIM = Claim(
    name="smoothness-or-confidence",
    title="Smoothness or confidence: which one training gives up for the other",
    claim=(
        "Flatness can come from smoothness or from confidence; the paper leaves open how training trades "
        "one for the other. The guess here is that a larger step size is smoother at equal confidence and "
        "more confident at equal smoothness, and that confidence continues to grow when roughness has "
        "stopped."
    ),
    kind="open question",
    source="Qiao and Wang (2025), open question on training dynamics",
    setup=(
        "The logit is 1, 2 or 4 times a wave, without flips. There are 100 inputs and 400 neurons from "
        "PyTorch's default start. The smallest step size stays far below its threshold and stands for "
        "gradient flow. A run comes to a level where it last rises through it, while its loss stays below "
        "that of the start, because a step size far above the threshold of the start overshoots first. "
        "All is measured on the midpoint network."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "smoother",
            "As confident as the truth, a larger step is smoother",
            "When median |f| comes to that of the truth, ∫|f''|g at the smallest of the step sizes at which "
            "most runs come there is divided by that at the largest, on average over all laws of the labels; "
            "a log10 of {least:g} counts. The rank correlation of ∫|f''|g with all these step sizes must be "
            "negative, too, where {trend:g} counts. The two intervals are simultaneous.",
            is_smoother,
            {"least": 0.05, "trend": 0.2},
            primary=True,
            reads=("weighted_tv",),
        ),
        Part(
            "smoother_elsewhere",
            "It is smoother by other measures, and at other levels",
            "The same ratio is asked for at half, once and twice the value of the truth, in four planes: "
            "∫|f''|g and median |f|, both measured in the interior, ∫|f''| of all inputs, and ∫|f''|g where "
            "the median margin y f comes to that of the truth. A log10 of {least:g} counts, and intervals "
            "are simultaneous for the {questions} questions.",
            is_smoother_elsewhere,
            {"least": 0.05, "questions": len(ELSEWHERE)},
            reads=("weighted_tv",),
        ),
        Part(
            "more_confident",
            "At equal smoothness a larger step is more confident",
            "When ∫|f''|g comes to half, once and twice that of the truth, median |f| at the largest of the "
            "step sizes at which most runs come there is divided by that at the smallest. A log10 of "
            "{least:g} counts, and intervals are simultaneous for the {questions} questions.",
            is_more_confident,
            {"least": 0.05, "questions": len(AT)},
            reads=("weighted_tv",),
        ),
        Part(
            "equal_time",
            "At equal time a larger step is smoother",
            "∫|f''|g at the smallest working step size is divided by that at the largest, after the "
            "training time Σ η that the smallest, which is close to gradient flow, has in the end; a log10 "
            "of {least:g} counts. The rank correlation of ∫|f''|g with the step size must be negative, too, "
            "where {trend:g} counts. The two intervals are simultaneous.",
            is_smoother_in_time,
            {"least": 0.05, "trend": 0.2},
            reads=("weighted_tv_equal_time",),
        ),
        Part(
            "in_the_end",
            "Confidence still grows when roughness has stopped, and smoothness returns",
            "At the largest working step size, the median and the largest |f| grow over the last decade of "
            "steps, where {growth:g} per decade counts; ∫|f''|g settles, which means that its log10 changes "
            "by less than {stopped:g} per decade; and ∫|f''|g has come down by more than {returned:.0%} "
            "from its largest value. Intervals are simultaneous for the {questions} questions.",
            end_of_training,
            {"stopped": 0.1, "returned": 0.1, "growth": 0.1, "questions": 4},
            reads=("weighted_tv_growth",),
        ),
        Part(
            "at_the_ends",
            "The surest examples lie at the ends",
            "At the end of training the largest |f| at the inputs of the outer tenths of the range is "
            "divided by that at the other inputs, at the largest and at the smallest working step size; "
            "runs are compared with themselves, whether or not they have arrived. A log10 of {least:g} "
            "counts, and intervals are simultaneous for the {questions} questions.",
            is_surest_at_the_ends,
            {"least": 0.05, "questions": 2},
            reads=("largest_ends",),
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is smooth for another reason",
        "edge_ratio": "λ_max·η/2 over the last decade of steps is near 1: the step size limits flatness",
        "smallest_margin": "not every label is fitted (least y f below 0): otherwise |f| grows forever",
    },
    numbers=lambda result: medians(result.table, ("amplitude", "flip_rate", "step_size"), SHOWN),
)
