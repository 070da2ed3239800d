"""The cells of the logistic claims, and what the largest step size saves in each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Finding, Says, decide, together
from stepscape.experiments.frame.cells import Asked, ask, cells
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.intervals import Interval, simultaneous, student
from stepscape.experiments.frame.sentences import clause, interval, sentence
from stepscape.experiments.logistic.arrival import compared, left_out, without
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Question = Callable[[Table], Array | None]
Lacks = Callable[[Table], str]
StepSizes = Callable[[Table], Sequence[float]]
CELLS = {"amplitude": "amplitude {:g}", "flip_rate": "flip rate {:g}"}
TOGETHER = "all cells together"
NEAR = 1.1
REGIONS = {"interior": "_interior", "everywhere": "", "boundary": "_boundary"}
WHERE = {"interior": "in the interior", "everywhere": "over all inputs", "boundary": "near the boundary"}

# Where excess risks are compared: suffix of the column → words. The claim speaks of the first.
PLACES = {
    "_uncertain": "where the truth is uncertain", "_interior": "in the interior", "": "over all inputs",
}  # fmt: skip
WHEN = {"": "after equally many steps", "_equal_time": "at equal time", "_held_out": "when stopped early"}
ENDS = "log10 of a ratio, smallest over largest step size"
TREND = "the same ratio by the slope over all step sizes"


def asked(
    table: Table, question: Question, lacks: Lacks = STEP_SIZES.lacks, names: Mapping[str, str] = CELLS
) -> Asked:
    """Ask in every cell of amplitude and flip rate."""
    return ask(cells(table, names), question, lacks)


def signs(
    table: Table, question: Question, says: Says, what: str, least: float, at_once: int,
    lacks: Lacks = STEP_SIZES.lacks, names: Mapping[str, str] = CELLS,
) -> Finding:  # fmt: skip
    """Decide in every cell, and over all of them, whether values over the seeds lie above 0."""
    found = asked(table, question, lacks, names)
    return found.missing or decide.signs(found.values, says, what, least, at_once=at_once)


def intervals(found: Asked, at_once: int) -> dict[str, Interval]:
    """Return the intervals that `decide.signs` reads: of every cell, and of the mean of several."""
    each = dict(zip(found.values, simultaneous(list(found.values.values()), at_once), strict=True))
    return {**each, TOGETHER: pooled(found, at_once)} if len(each) > 1 else each


def pooled(found: Asked, at_once: int = 1) -> Interval:
    """Return the interval of the mean over the cells; a seed counts if it has all of them."""
    return student(np.mean(list(found.values.values()), axis=0) if found.values else (), at_once)


def around(table: Table, column: str, step_size: float) -> Array:
    """Values (seeds,) at a step size: the mean over the working ones within 10 % of it.

    At the edge descent is chaotic, and neighboring step sizes are nearly repetitions of each other.
    """
    etas = STEP_SIZES.working(table)
    near = etas[np.maximum(etas / step_size, step_size / etas) <= NEAR * (1.0 + 1e-9)]
    values = STEP_SIZES.values(table, column, near)
    counted = np.isfinite(values)
    sums = np.where(counted, values, 0.0).sum(axis=1)
    return np.where(counted.any(axis=1), sums / np.maximum(counted.sum(axis=1), 1), np.nan)


def drop(table: Table, column: str, ends: Sequence[float] | None = None) -> Array:
    """`column` (seeds,) at the first minus at the last of `ends`, by default of the working step sizes."""
    low, high = (STEP_SIZES.working(table) if ends is None else np.asarray(ends))[[0, -1]]
    return around(table, column, float(low)) - around(table, column, float(high))


def saved(table: Table, column: str, ends: Sequence[float] | None = None) -> Array:
    """As `drop`, for log10 of a positive column: excess risks differ by factors, and so do their errors."""
    return drop(logarithmic(table, column), column, ends)


def by_trend(table: Table, column: str, step_sizes: Sequence[float] | None = None) -> Array:
    """As `saved`, but by the line through log `column` against log η, by default at all working ones."""
    etas = np.asarray(STEP_SIZES.working(table) if step_sizes is None else step_sizes)
    exponents = slopes(STEP_SIZES.values(table, column, etas), etas, least_span=2.0)
    return np.asarray(-exponents * np.log10(etas[-1] / etas[0]))


def saves(
    table: Table, columns: Mapping[str, str], least: float, lacks: Lacks = STEP_SIZES.lacks,
    at: StepSizes = lambda rows: STEP_SIZES.working(rows).tolist(), still: Mapping[str, float] | None = None,
    decides: bool = False,
) -> Finding:  # fmt: skip
    """Decide whether large steps have less of columns than small ones, by the ends and by the trend.

    columns : column → what large steps have, such as "less excess risk at equal time".
    at : rows → the step sizes that are compared; by default those that work.
    still : the limits of `edge.arrived`, if runs must have arrived to count at the end of training.
    decides : whether a yes needs that of the first column; the others then only make it partial.
    """
    found, unasked = {}, ""
    for column, words in columns.items():
        ended = bool(still) and not column.endswith(tuple(filter(None, WHEN)))
        rows = compared(table, "", **still) if still and ended else table
        says = Says("large steps", "have", words, plural=True)
        ends, trend = (
            signs(
                rows, partial(_between, of=of, column=column, at=at), says, what, least, 2 * len(columns),
                lacks,
            )
            for what, of in ((ENDS, saved), (TREND, by_trend))
        )  # fmt: skip
        found[words] = without(_agreed(ends, trend), left_out(table, rows, CELLS) if ended else "")
        if ended and found[words].answer == "premise_not_met":
            unasked = clause(found[words].sentence)
    first = next(iter(found.values()))
    whole = in_part(together(found, named=False), unasked if len(found) > 1 else "")
    if decides and first.answer in ("no", "undecided", "premise_not_met"):
        return replace(whole, answer=first.answer)
    return whole


def _agreed(ends: Finding, trend: Finding) -> Finding:
    """Put both into one sentence; yes only if both say yes."""
    both = together({"ends": ends, "trend": trend})
    if trend.effect is None or ends.effect is None:
        return both
    size = f"by the trend over all step sizes it is {interval(trend.effect.interval)}"
    return replace(both, sentence=sentence(clause(ends.sentence), size))


def _between(
    rows: Table, of: Callable[[Table, str, Sequence[float]], Array], column: str, at: StepSizes
) -> Array:
    return of(rows, column, at(rows))


def logarithmic(table: Table, column: str) -> Table:
    """Replace a column by its log10."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return Table({**table.columns, column: np.log10(table[column])})


def with_iterates(table: Table) -> Table:
    """Add ``excess_risk…_iterates``, the mean of the excess risks of the last two iterates, by region."""
    columns = dict(table.columns)
    for region in REGIONS.values():
        one, other = f"excess_risk{region}_last", f"excess_risk{region}_before"
        if one in table:
            columns[f"excess_risk{region}_iterates"] = 0.5 * (table[one] + table[other])
    return Table(columns)


def with_shares(table: Table) -> Table:
    """Add ``outside_share``, the share of the excess risk that lies at the inputs outside the interior."""
    if "interior_share" not in table:
        return table
    outside = 1.0 - table["interior_share"]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = outside * table["excess_risk_boundary"] / table["excess_risk"]
    return Table({**table.columns, "outside_share": share, "outside_inputs": outside})


def share_at(rows: Table, end: int) -> Array:
    """Share (seeds,) of the excess risk outside the interior at an end of the working step sizes."""
    return around(rows, "outside_share", float(STEP_SIZES.working(rows)[end]))
