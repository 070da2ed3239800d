"""Repeated cross-validation of paths of bent lines, until the choice stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.estimators.bent_lines import BentLines
from stepscape.estimators.folds import Folds, deal
from stepscape.estimators.paired_choice import HeldOutErrors
from stepscape.problems.user.units import Standardized

Array = NDArray[np.float64]
EVIDENCE = 2.0  # standard errors of the differences by which another path must be better than the first
STANDS = 3  # repeats in a row after which the choice is the same


class Place(NamedTuple):
    """Which path, and which of its penalties."""

    path: int
    penalty: int


class Chosen(NamedTuple):
    """The choice.

    Attributes
    ----------
    place : Place
    of_repeats : tuple of Place
        What each repeat alone would have chosen.
    errors : list of HeldOutErrors
        Of each path, over all repeats.
    within : bool
        Whether folds held out rows at all inputs, see `Folds`.
    """

    place: Place
    of_repeats: tuple[Place, ...]
    errors: list[HeldOutErrors]
    within: bool


class _Sums:
    """Sums over folds and repeats of the squared errors of one path at each distinct row."""

    def __init__(self, fits: int, rows: int) -> None:
        self.total, self.times = np.zeros((fits, rows)), np.zeros(rows)

    def add(self, other: _Sums) -> None:
        self.total += other.total
        self.times += other.times

    def errors(self, data: Standardized) -> HeldOutErrors:
        """Mean errors at the rows that were held out at all."""
        seen = self.times > 0.0
        weights = data.rows.weights[seen]
        errors = self.total[:, seen] / self.times[seen]
        return HeldOutErrors(errors, weights / weights.sum(), data.rows.count[seen].astype(np.float64))


def choose(data: Standardized, paths: Sequence[BentLines], n_splits: int, repeats: int, seed: int) -> Chosen:
    """Cross-validate until three repeats leave the choice as it is, at most `repeats` times.

    Repeat k deals the folds of seed + k. Where every input is a fold of its own, one repeat is all there are.
    """
    sums = [_Sums(path.penalties.size, data.rows.count.size) for path in paths]
    places: list[Place] = []
    alone: list[Place] = []
    for repeat in range(repeats):
        folds = deal(data, n_splits, seed + repeat)
        new = [_held_out(data, path, folds) for path in paths]
        for sum_, one in zip(sums, new, strict=True):
            sum_.add(one)
        alone.append(best_of([one.errors(data) for one in new]))
        places.append(best_of([sum_.errors(data) for sum_ in sums]))
        only = not folds.within and folds.count == data.size
        if only or (len(places) >= STANDS and len(set(places[-STANDS:])) == 1):
            break
    return Chosen(places[-1], tuple(alone), [sum_.errors(data) for sum_ in sums], folds.within)


def _held_out(data: Standardized, path: BentLines, folds: Folds) -> _Sums:
    """Errors of one path at every row, by the fold that held it out."""
    sums = _Sums(path.penalties.size, data.rows.count.size)
    for held in folds:
        part, rest = data.part(held), data.part(data.rows.count - held)
        predictions = BentLines.of(rest, path.alpha, path.penalties).predict(part.x)
        rows = held > 0
        squares = (predictions[:, part.rows.at] - part.rows.labels) ** 2
        sums.total[:, rows] += held[rows] * squares
        sums.times += held
    return sums


def best_of(errors: Sequence[HeldOutErrors]) -> Place:
    """Take the simplest of the first path, unless that of another is better by two standard errors."""
    best = Place(0, errors[0].simplest())
    for path in range(1, len(errors)):
        other = errors[path].simplest()
        pair = HeldOutErrors(
            np.stack([errors[best.path].errors[best.penalty], errors[path].errors[other]]),
            errors[path].shares,
            errors[path].counts,
        )
        if pair.better(1, 0) > EVIDENCE:
            best = Place(path, other)
    return best
