"""Whether the largest step size misses truths, and by more if they vary more."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Finding, Result, Says, decide, together
from stepscape.experiments.frame.cells import Asked, cells
from stepscape.experiments.frame.contrasts import CHOOSERS, Array, at_chosen_level
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import clause, of_runs, sentence
from stepscape.experiments.logistic.cells import CELLS, asked, logarithmic
from stepscape.tables.records import Table

ALL_CELLS = {"half_width": "half width {:g}", **CELLS}
SIZES = {"truth_variation": "∫|f0″|", "truth_weighted_variation": "∫|f0″|g"}
LEAST_VARIATIONS = 3
RULE = (
    "With every run stopped at its best held-out moment, log10 of the excess risk in the interior at the "
    f"largest step size over that at the best smaller one, which one seed in {CHOOSERS} chooses, cell by "
    "cell, for the others, which alone are judged, lies above 0 in every cell of all intervals; the mean "
    "over the cells stands beside it. If the truths have {variations:d} different variations or more, its "
    "slope on log10 of ∫|f0″| and on log10 of ∫|f0″|g, seed by seed, lies above 0, too. Intervals are "
    "simultaneous; no if they exclude {least:g} or more. If it is so in some cells or for some of the "
    "questions, it is so in part."
)


def complex_truths(result: Result, least: float, variations: int) -> Finding:
    """Whether the largest step size misses truths, and misses them by more if they vary more."""
    found, at_once = missed(result.table), 1 + len(SIZES)
    if found.missing:
        return found.missing
    says = Says("the largest step size", "have", "more excess risk in the interior than the best smaller one")
    what = "log10 of a ratio, largest over best smaller step size"
    grows = {
        f"slope on {SIZES[column]}": decide.sign(
            slopes, Says("the factor", "grow", f"with {SIZES[column]}"), f"slope on log10 of {SIZES[column]}",
            least, at_once=at_once,
        )
        for column, slopes in slopes_of(result.table, found, variations).items()
    }  # fmt: skip
    more = in_every_cell(found.values, says, what, least, at_once)
    return together({"more": more, **grows}, named=False)


def in_every_cell(values: dict[str, Array], says: Says, what: str, least: float, at_once: int) -> Finding:
    """Decide in every cell, with simultaneous intervals; the mean over the cells stands beside it."""
    total = at_once * len(values)
    found = {cell: decide.sign(each, says, what, least, at_once=total) for cell, each in values.items()}
    mean = decide.signs(values, says, what, least, at_once=at_once)
    answer = together(found).answer
    if answer == "yes" or len(found) == 1:
        return replace(mean, answer=answer)
    yes = sum(each.answer == "yes" for each in found.values())
    text = of_runs(yes, len(found), Says("cells", says.verb, f"{says.rest} at the largest step size"))
    return replace(mean, answer=answer, sentence=sentence(text, clause(mean.sentence)))


def missed(table: Table) -> Asked:
    """log10 of the excess risk at the largest step size over that at the best smaller one, cell by cell."""
    return asked(table, partial(over_smaller, column="excess_risk_interior_held_out"), names=ALL_CELLS)


def over_smaller(rows: Table, column: str) -> Array:
    """log10 of `column` (seeds,) at the largest working step size over that at the best smaller one.

    Some seeds choose it for the others, which alone are judged.
    """
    values = STEP_SIZES.values(logarithmic(rows, column), column)
    best, _ = at_chosen_level(values[:, :-1], np.unique(rows["seed"]))
    return np.asarray(values[:, -1] - best)


def slopes_of(table: Table, found: Asked, variations: int = LEAST_VARIATIONS) -> dict[str, Array]:
    """Slope (seeds,) of the factors on log10 of each variation that takes enough values."""
    sizes, factors = sizes_of(table, found), np.array(list(found.values.values()))
    return {
        column: slopes(np.log10(each), factors)
        for column, each in sizes.items()
        if each.min() > 0.0 and np.unique(each.round(9)).size >= variations
    }


def slopes(sizes: Array, factors: Array) -> Array:
    """Slope (seeds,) of the factors (cells, seeds) on the sizes (cells,)."""
    centered = sizes - sizes.mean()
    return np.asarray(centered @ factors / (centered @ centered))


def sizes_of(table: Table, found: Asked) -> dict[str, Array]:
    """How much the truth of each cell that was asked varies, (cells,), by the names of `SIZES`."""
    there = cells(table, ALL_CELLS)
    return {column: np.array([median(there[cell][column]) for cell in found.values]) for column in SIZES}
