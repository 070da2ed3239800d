"""How training trades smoothness for confidence: runs in the plane of ∫|f''|g and median |f|."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.confidence.smoothness_measures import LEVELS, MARGIN_PLANES, PLANES
from stepscape.experiments.confidence.smoothness_runs import (
    FULL,
    QUICK,
    FollowedRun,
    MarginRun,
    begin,
    grid,
    work,
)
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.contrasts import log_ratio
from stepscape.experiments.frame.finding import Number
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.result import tag
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Question = Callable[[Table], Array | None]
FOLLOWED, MARGINS = {"kind": tag(FollowedRun)}, {"kind": tag(MarginRun)}
LAWS = {"amplitude": "amplitude {:g}", "flip_rate": "flip rate {:g}"}
AT = {"half": "half that of the truth", "truth": "that of the truth", "twice": "twice that of the truth"}
ROUGHNESS = {
    "weighted": "∫|f''|g",
    "interior": "∫|f''| of the interior",
    "whole": "∫|f''| of all inputs",
    "margin": "∫|f''|g",
}
SIZES = dict.fromkeys(PLANES, "median |f|") | {"margin": "median y f"}
SEEN = (0, 1, 2)  # seeds
SHOWN = ("confidence", "largest", "weighted_tv", "tv", "weighted_tv_equal_time", "excess_risk",
         "excess_interior", "edge_ratio", "budget_used", "largest_ends", "largest_inside", "margin",
         "margin_share", "smallest_margin")  # fmt: skip


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


def more_sure(table: Table, column: str) -> Array | None:
    """log10 of the confidence at a level, largest over smallest step size."""
    values = at_level(table, column)
    return None if values is None else -log_ratio(values)


def is_smoother(result: Result, planes: tuple[str, ...], least: float, questions: int) -> Finding:
    """Whether a larger step size is less rough at equal confidence, in each plane at each level."""
    found: dict[str, Finding] = {}
    for plane in planes:
        size, rough = MARGIN_PLANES[plane]
        for level, words in AT.items():
            column = f"{rough}_when_{size}_{level}"
            says = Says("a larger step size", "be", f"less rough where {SIZES[plane]} is {words}")
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


def is_smoother_in_time(result: Result, least: float) -> Finding:
    """Whether the largest working step size is less rough than the smallest after the same Σ η."""
    question = lambda rows: log_ratio(STEP_SIZES.at_ends(rows, "weighted_tv_equal_time"))  # noqa: E731
    says = Says("the largest step size", "be", "less rough at equal time")
    what = "log10 of the ratio of ∫|f''|g"
    return over_laws(result.table, question, says, what, least, 1)


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


def is_surest_at_the_ends(result: Result, seen: tuple[int, ...], least: float, questions: int) -> Finding:
    """Whether the largest |f| lies at the ends of the range, on the seeds that were not seen before."""
    table = result.table
    fresh = table.rows(~np.isin(table["seed"], seen))
    if not len(fresh):
        return lacking("every seed was seen before this question was asked")

    def ratio(rows: Table, which: int) -> Array:
        ends, inside = (
            STEP_SIZES.at_ends(rows, f"largest_{where}")[:, which] for where in ("ends", "inside")
        )
        return log_ratio(np.column_stack([ends, inside]))

    return together({
        size: over_laws(
            fresh,
            partial(ratio, which=which),
            Says(f"|f| at the {size} step size", "be", "largest at the ends"),
            "log10 of the largest |f|, ends over the rest",
            least,
            questions,
        )
        for size, which in (("largest", 1), ("smallest", 0))
    }, named=False)  # fmt: skip


def margins_agree(result: Result, least: float, within: float, questions: int) -> Finding:
    """Whether the margin shows what |f| shows: roughness at equal margin, and the margin's share of |f|."""
    smoother = is_smoother(result, ("margin",), least, questions)
    asked = ask(cells(result.table, LAWS), share_gained, STEP_SIZES.lacks)
    says = Says("median y f", "keep", "its share of median |f| at equal median |f|")
    what = "share at the largest minus at the smallest η"
    shares = {law: decide.equivalent(values, within, says, what) for law, values in asked.values.items()}
    follows = asked.missing or together(shares)
    return together({"equal margin": smoother, "share of |f|": follows})


def share_gained(table: Table) -> Array | None:
    """Share of the margin in |f| at the largest minus at the smallest step size, mean over the levels."""
    size, share = MARGIN_PLANES["share"]
    found = [at_level(table, f"{share}_when_{size}_{level}") for level in LEVELS]
    gained = np.array([values[:, 1] - values[:, 0] for values in found if values is not None])
    if not gained.size:
        return None
    known = np.isfinite(gained)
    sums = np.where(known, gained, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the planes, both coordinates over time, and the comparison at equal levels."""
    from stepscape.experiments.confidence import smoothness_or_confidence_figures as figures

    runs, with_margins = result.of(FollowedRun), result.of(MarginRun)
    return {
        "planes": figures.planes(runs),
        "margins": figures.margins(with_margins),
        "over-time": figures.over_time(runs),
        "equal-levels": figures.equal_levels(runs),
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
        "Separate runs keep the margin y f, too."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "smoother",
            "At equal confidence a larger step is smoother",
            "When median |f| comes to half, once and twice that of the truth, ∫|f''|g at the smallest of "
            "the step sizes at which most runs come there is divided by that at the largest, over all laws "
            "of the labels. The same is asked with median |f| and ∫|f''| of the interior, and with ∫|f''| "
            "of all inputs. A log10 of {least:g} counts, and intervals are simultaneous for the {questions} "
            "questions.",
            partial(is_smoother, planes=tuple(PLANES)),
            {"least": 0.05, "questions": len(PLANES) * len(LEVELS)},
            primary=True,
            where=FOLLOWED,
            reads=("weighted_tv",),
        ),
        Part(
            "more_confident",
            "At equal smoothness a larger step is more confident",
            "When ∫|f''|g comes to half, once and twice that of the truth, median |f| at the largest of the "
            "step sizes at which most runs come there is divided by that at the smallest. A log10 of "
            "{least:g} counts, and intervals are simultaneous for the {questions} questions.",
            is_more_confident,
            {"least": 0.05, "questions": len(LEVELS)},
            where=FOLLOWED,
            reads=("weighted_tv",),
        ),
        Part(
            "equal_time",
            "At equal time a larger step is smoother",
            "∫|f''|g at the smallest working step size is divided by that at the largest, after the "
            "training time Σ η that the smallest, which is close to gradient flow, has in the end. A log10 "
            "of {least:g} counts.",
            is_smoother_in_time,
            {"least": 0.05},
            where=FOLLOWED,
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
            where=FOLLOWED,
            reads=("weighted_tv_growth",),
        ),
        Part(
            "at_the_ends",
            "The surest examples lie at the ends",
            "The largest |f| at the inputs of the outer tenths of the range is divided by that at the other "
            "inputs, at the largest and at the smallest working step size, on seeds other than {seen[0]} to "
            "{seen[2]}, which were seen before this question was asked. A log10 of {least:g} counts, and "
            "intervals are simultaneous for the {questions} questions.",
            is_surest_at_the_ends,
            {"seen": SEEN, "least": 0.05, "questions": 2},
            where=FOLLOWED,
            reads=("largest_ends",),
        ),
        Part(
            "margins",
            "The margin tells the same story",
            "In runs that keep the margin y f, ∫|f''|g is compared as in the first part when median y f "
            "comes to half, once and twice that of the truth, with {questions} questions and a log10 of "
            "{least:g}. In every law median y f is also the same share of median |f|, within {within:g}, at "
            "the largest and at the smallest of the step sizes at which most runs come to these levels of "
            "median |f|, on average over the levels.",
            margins_agree,
            {"least": 0.05, "within": 0.1, "questions": len(LEVELS)},
            where=MARGINS,
            reads=("margin",),
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is smooth for another reason",
        "edge_ratio": "λ_max·η/2 over the last decade of steps is near 1: the step size limits flatness",
        "smallest_margin": "not every label is fitted (least y f below 0): otherwise |f| grows forever",
    },
    numbers=lambda result: medians(result.table, ("kind", "amplitude", "flip_rate", "step_size"), SHOWN),
)
