"""One question about a mean over cells, where effects of opposite sign must not pass for none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.finding import Finding, together
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.sentences import clause, sentence

Array = NDArray[np.float64]
Question = Callable[[Array, int], Finding]  # values (seeds,), questions at once → finding
# The last sentences of a rule that asks so.
CELLWISE = (
    "The same is asked in every cell, a range with a step size or a strength, with intervals that are "
    "simultaneous over the cells as well: it depends if only single cells show a difference, and no "
    "difference is found only if the mean of each cell lies within that bound."
)


def over_cells(
    values: Array, names: Sequence[str], question: Question, none: Answer, bound: float, at_once: int
) -> Finding:
    """Ask about the mean of values (seeds, cells) over the cells that a seed has, and in every cell.

    none : the answer of `question` that finds no difference. It becomes mixed if a cell alone finds one, and
        undecided if the mean of a cell lies outside ±`bound`.
    """
    whole = question(mean_over_cells(values), at_once)
    if whole.answer not in (none, "undecided"):
        return whole
    each = [question(column, at_once * len(names)) for column in values.T]
    other = [name for name, one in zip(names, each, strict=True) if one.answer in {"yes", "no"} - {none}]
    if other:
        return _but(whole, "mixed", f"but it is otherwise at {', '.join(other)}")
    large = [
        name for name, column in zip(names, values.T, strict=True)
        if np.isfinite(column).any() and abs(np.nanmean(column)) >= bound
    ]  # fmt: skip
    if whole.answer == none and large:
        return _but(whole, "undecided", f"but the mean at {', '.join(large)} is too large to say so")
    return whole


def any_differs(found: Mapping[str, Finding]) -> Finding:
    """Put the answers about several methods into one, which is "no" only if none of them is open."""
    whole = together(found)
    unsettled = whole.answer == "no" and any(each.answer == "undecided" for each in found.values())
    return replace(whole, answer="undecided") if unsettled else whole


def mean_over_cells(values: Array) -> Array:
    """Mean (seeds,) of values (seeds, cells) over the cells that a seed has; nan if it has none."""
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _but(found: Finding, answer: Answer, why: str) -> Finding:
    return replace(found, answer=answer, sentence=sentence(clause(found.sentence), why))
