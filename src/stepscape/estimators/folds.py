"""Which rows each fold of a cross-validation holds out: those of whole inputs, or a share at each input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.problems.user.units import Standardized, TwoClasses
from stepscape.problems.user.weighted_rows import Rows, Whole

Array = NDArray[np.float64]
# Up to here a fold that leaves out whole inputs says nothing of the error: it measures leaps beyond the rest.
FEW_INPUTS = 7
MOST_DEALT = 1_000_000  # rows that are dealt one by one


@dataclass(frozen=True, eq=False)
class Folds:
    """The rows that each of `count` folds holds out.

    Attributes
    ----------
    count : int
        Number of folds, at least 2.
    within : bool
        Whether every fold holds out rows at all inputs that have two or more; otherwise whole inputs.
    base : (r,)
        How many of the equal rows every fold holds out.
    extra, fold, number : (p,)
        Of which row, in which fold, how many more are held out.
    """

    count: int
    within: bool
    base: Whole
    extra: NDArray[np.intp]
    fold: NDArray[np.int64]
    number: Whole

    def held(self, fold: int) -> Whole:
        """How many (r,) of the equal rows one fold holds out."""
        out = self.base.copy()
        mine = self.fold == fold
        np.add.at(out, self.extra[mine], self.number[mine])
        return out

    def __iter__(self) -> Iterator[Whole]:
        """Go through what the folds hold out."""
        return (self.held(fold) for fold in range(self.count))


def deal(data: Standardized | TwoClasses, n_splits: int, seed: int) -> Folds:
    """Assign rows to folds, so that none trains on fewer than two inputs.

    Folds leave out whole inputs, so that errors are those at new inputs. Two exceptions:

    - of three inputs each is a fold of its own, whatever `n_splits` says;
    - with at most seven distinct inputs, if at least half of the rows share their input with another row,
      every fold holds out a share of the rows at each input, and errors are those of new rows at the same
      inputs. A row that stands alone at its input is then always trained on, and never measured.

    Raises
    ------
    InputError
        Two rows at two inputs: whichever is held out, one input is left.
    """
    rows = data.rows
    if holds_within(rows, data.size):
        return _within(rows, n_splits, seed, data.strata is not None)
    if not can_hold_out(rows, data.size):
        must = "hold at least three distinct inputs, or repeat one of two, to be cross-validated"
        raise bad("X", must, "two rows")
    fold = fold_of(data.size, 3 if data.size == 3 else n_splits, seed, data.strata)
    every = np.arange(rows.count.size)
    none = np.zeros_like(rows.count)
    return Folds(int(fold.max()) + 1, False, none, every, fold[rows.at], rows.count)


def can_hold_out(rows: Rows, inputs: int) -> bool:
    """Whether two inputs are left to train on, whatever is held out: not of two rows at two inputs."""
    return inputs > 2 or holds_within(rows, inputs)


def holds_within(rows: Rows, inputs: int) -> bool:
    """Whether folds of these rows at so many distinct inputs hold out rows within each input."""
    total = _totals(rows, inputs)
    return inputs <= FEW_INPUTS and 2 * int(total[total > 1].sum()) >= int(total.sum())


def fold_of(distinct: int, n_splits: int, seed: int, strata: Array | None = None) -> NDArray[np.int64]:
    """Fold (m,) of each distinct input: shuffled, of even sizes; rows of one input stay together.

    With `strata` (m,) inputs are dealt out in the order of those values, ties shuffled: one of each run of
    `n_splits` neighbors to every fold.
    """
    count = min(n_splits, distinct)
    folds, rng = np.arange(distinct) % count, np.random.default_rng(seed)
    if strata is None:
        return rng.permutation(folds)
    order = rng.permutation(distinct)
    order = order[np.argsort(strata[order], kind="stable")]
    rounds = [rng.permutation(count) for _ in range(0, distinct, count)]
    folds[order] = np.concatenate(rounds)[:distinct]
    return folds


def _within(rows: Rows, n_splits: int, seed: int, by_label: bool) -> Folds:
    """Deal the rows of each input to the folds in turn, shuffled; those of one class together.

    Neighbors in this order go to different folds, so that no fold holds out all rows of an input that has
    two. Of more than a million rows every fold gets the same number of equal ones, and the rest is dealt so.
    """
    repeated = _totals(rows, int(rows.at.max()) + 1)[rows.at] > 1
    dealt = np.where(repeated, rows.count, 0)
    count = min(n_splits, int(dealt.sum()))
    base = dealt // count if dealt.sum() > MOST_DEALT else np.zeros_like(dealt)
    rest = np.repeat(np.arange(dealt.size), dealt - count * base)
    rng = np.random.default_rng(seed)
    rest = rest[rng.permutation(rest.size)]
    keys = (rows.labels[rest], rows.at[rest]) if by_label else (rows.at[rest],)
    rest = rest[np.lexsort(keys)]
    fold = rng.permutation(count)[np.arange(rest.size) % count]
    return Folds(count, True, base, rest, fold, np.ones(rest.size, np.int64))


def _totals(rows: Rows, inputs: int) -> Whole:
    totals = np.zeros(inputs, np.int64)
    np.add.at(totals, rows.at, rows.count)
    return totals
