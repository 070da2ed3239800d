"""Observed entries that are held out of a table: which, and how well the others predict them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.tables.penalized_path import PenalizedProblem, follow
from stepscape.recovery.tables.units import Units, is_constant

Array = NDArray[np.float64]
Measured = Callable[[Array, NDArray[np.bool_]], Units]
Tick = Callable[[float], None]
TOLERANCE = 1e-4  # relative gap inside the folds: errors then have three digits
POOLED = 4  # entries of an average column that count beside a column's own in its standard error


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What cross-validation measured.

    Attributes
    ----------
    counts : (p,)
        Number of entries of each column that were held out.
    squares : (k, p)
        Sum over them of (observed − predicted)² at each penalty, in units of the whole table.
    standard_errors : (k,)
        Of `errors`, over folds.
    """

    counts: NDArray[np.int64]
    squares: Array
    standard_errors: Array

    @property
    def errors(self) -> Array:
        """Mean squared error (k,) over all entries that were held out."""
        return np.asarray(self.squares.sum(axis=1) / self.counts.sum())


def deal(seen: NDArray[np.bool_], folds: int, seed: int) -> NDArray[np.int64]:
    """Assign observed entries to folds, so that each training set has one in every row and column.

    Entries are dealt out row by row, shuffled within the row: neighbors go to different folds. Where the
    entries of a row or of a column are all in one fold, one of them is never held out (−1): so is an entry
    that stands alone. Missing entries are −1, too.
    """
    rng = np.random.default_rng(seed)
    row, column = np.nonzero(seen)
    order = rng.permutation(row.size)
    order = order[np.argsort(row[order], kind="stable")]
    fold = np.full(seen.shape, -1, dtype=np.int64)
    fold[row[order], column[order]] = rng.permutation(folds)[np.arange(row.size) % folds]
    for dealt, observed in ((fold, seen), (fold.T, seen.T)):
        _keep_one(dealt, observed, rng)
    return fold


def _keep_one(fold: NDArray[np.int64], seen: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Take one entry out of the folds in each row all of whose entries are in one fold, in place."""
    for row in range(fold.shape[0]):
        places = np.flatnonzero(seen[row])
        first = fold[row, places[0]]
        if first >= 0 and (fold[row, places] == first).all():
            fold[row, rng.choice(places)] = -1


def cross_validate(
    values: Array,
    fold: NDArray[np.int64],
    whole: Units,
    measured: Measured,
    norm: str,
    penalties: Array,
    tick: Tick,
) -> HeldOut:
    """Predict the entries that each fold holds out, at every penalty.

    Every fold has units of its own, of what it trains on; residuals are in units of the whole table.
    """
    seen = ~np.isnan(values)
    folds = np.unique(fold[fold >= 0]).tolist()
    squares = np.zeros((penalties.size, values.shape[1]))
    means = np.zeros((len(folds), penalties.size))
    for place, each in enumerate(folds):
        out = fold == each
        train = seen & ~out
        units = measured(values, train)
        problem = PenalizedProblem.of(units.applied(values), train, norm)
        for at, solution in enumerate(follow(problem, penalties, TOLERANCE)):
            missed = np.where(out, (values - units.undone(solution.matrix)) / whole.scale, 0.0) ** 2
            squares[at] += missed.sum(axis=0)
            means[place, at] = missed.sum() / out.sum()
            tick((place + (at + 1) / penalties.size) / len(folds))
    spread = means.std(axis=0, ddof=1) / np.sqrt(len(folds))
    return HeldOut((fold >= 0).sum(axis=0), squares, spread)


def choose(errors: Array, standard_errors: Array, rule: str) -> int:
    """Place of the chosen penalty among falling ones.

    "min": the least held-out error. "1se": the first, of the largest penalty, whose error exceeds the least
    by no more than the standard error of that.

    Source: Breiman et al. (1984), section 3.4.3 (the one-standard-error rule).
    """
    best = int(np.argmin(errors))
    if rule == "min":
        return best
    allowed = errors[best] + np.nan_to_num(standard_errors[best])
    return int(np.flatnonzero(errors <= allowed)[0])


def column_errors(values: Array, held_out: HeldOut, at: int, whole: Units) -> Array:
    """Estimate the standard error (p,) of a filled entry of each column, in its own units.

    It is the root mean square of the residuals of held-out entries, as if the column had four further ones
    with the mean square of all columns: s_j² = (Σ r_ij² + 4 v)/(m_j + 4). It is nan for a column of one
    number, which says nothing of its spread.
    """
    constant = is_constant(values, ~np.isnan(values))
    total, count = held_out.squares[at], held_out.counts
    if not count[~constant].any():
        return np.full(values.shape[1], np.nan)
    typical = total[~constant].sum() / count[~constant].sum()
    found = whole.scale * np.sqrt((total + POOLED * typical) / (count + POOLED))
    return np.where(constant, np.nan, found)
