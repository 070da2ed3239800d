"""Contrasts: values (seeds, levels) → one value per seed, nan where a seed lacks what it needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.experiments.frame import limits
from stepscape.experiments.frame.intervals import left_out_best

Array = NDArray[np.float64]
CHOOSERS = 4  # one seed in so many chooses a level for the others


def last_minus_first(values: Array) -> Array:
    """Value at the largest level minus that at the smallest."""
    return np.asarray(values[:, -1] - values[:, 0])


def sides_of_u(values: Array) -> tuple[Array, Array]:
    """Values at the smallest and at the largest level, minus those at the best (smallest) one.

    The best level is chosen for each seed on the other seeds, so that the choice biases nothing; one seed
    alone has none.
    """
    if len(values) < 2:
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    best = left_out_best(values)
    return values[:, 0] - best, values[:, -1] - best


def at_chosen_level(
    values: Array, seeds: ArrayLike, one_in: int = CHOOSERS
) -> tuple[Array, NDArray[np.bool_]]:
    """Values (seeds,) at the best (smallest) level, which one seed in `one_in` chooses for the others.

    Return them, nan for the seeds that choose, and which seeds do: those whose number `one_in` divides. The
    seeds that are judged have no part in the choice and stay independent, so that where all levels are alike
    an interval is as often wrong as it says. The choice of each seed on all others is shared by them, and
    was wrong up to six times as often.
    """
    choosing = np.asarray(seeds) % one_in == 0
    chosen = values[choosing]
    known = np.isfinite(chosen)
    out = np.full(len(values), np.nan)
    if known.any():
        sums, counts = np.where(known, chosen, 0.0).sum(axis=0), known.sum(axis=0)
        best = int(np.argmin(np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)))
        out = np.where(choosing, np.nan, values[:, best])
    return out, choosing


def rank_correlations(values: Array, levels: ArrayLike) -> Array:
    """Spearman's rank correlation of each seed's values with the levels; 0 if the values are all equal."""
    from scipy.stats import rankdata

    at, out = np.asarray(levels, np.float64), np.full(len(values), np.nan)
    for i, row in enumerate(values):
        known = np.isfinite(row)
        if known.sum() > 1:
            flat = np.ptp(row[known]) == 0.0
            out[i] = 0.0 if flat else np.corrcoef(rankdata(at[known]), rankdata(row[known]))[0, 1]
    return out


def slopes(
    values: Array,
    levels: ArrayLike,
    least_values: int = limits.LEAST_VALUES,
    least_span: float = limits.LEAST_SPAN,
) -> Array:
    """Slope of log values on log levels for each seed; nan with too few values, or over too short a range."""
    at, out = np.asarray(levels, np.float64), np.full(len(values), np.nan)
    for i, row in enumerate(values):
        known = np.isfinite(row) & (row > 0.0)
        here = at[known]
        if np.unique(here).size >= least_values and here.max() >= least_span * here.min():
            out[i] = np.polyfit(np.log(here), np.log(row[known]), 1)[0]
    return out


def log_ratio(values: Array) -> Array:
    """log10 of the value at the smallest level over that at the largest: decades that the largest saves."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log10(values[:, 0]) - np.log10(values[:, -1]))
