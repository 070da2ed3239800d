"""Decisions about trials of which some stayed undecided: a word needs that no outcome of these changes it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.experiments.frame import Effect, Finding, Says, decide, lacking
from stepscape.experiments.frame.intervals import Interval, wilson
from stepscape.experiments.frame.sentences import clause, counted, interval, percent, sentence

Mask = NDArray[np.bool_]


class Tried(NamedTuple):
    """Trials: which of them succeeded, and which stayed undecided."""

    succeeded: Mask
    undecided: Mask

    @classmethod
    def of(cls, succeeded: ArrayLike, undecided: ArrayLike) -> Tried:
        """Take undecided trials out of those that succeeded, whatever their numbers say."""
        open_ = np.asarray(undecided, bool)
        return cls(np.asarray(succeeded, bool) & ~open_, open_)

    @property
    def possible(self) -> Mask:
        """Trials that succeeded or may yet."""
        return self.succeeded | self.undecided


def agreed_share(tried: Tried, says: Says, nearly_all: float, groups: ArrayLike) -> Finding:
    """Decide as `decide.share`, with the undecided trials as failures and as successes: both must agree."""
    least, most = (
        decide.share(flags, says, nearly_all, groups) for flags in (tried.succeeded, tried.possible)
    )
    return _agreed(least, most, tried)


def _agreed(least: Finding, most: Finding, tried: Tried) -> Finding:
    count = int(tried.undecided.sum())
    if not count:
        return least.with_numbers({"undecided": 0})
    answer = least.answer if least.answer == most.answer else "undecided"
    text = sentence(clause(least.sentence), f"{counted(count, 'trial')} stayed undecided")
    return replace(least, answer=answer, sentence=text).with_numbers({"undecided": count})


def more_often(
    one: Tried, other: Tried, groups: ArrayLike, says: Says, what: str, least: float, at_once: int = 1
) -> Finding:
    """Decide whether one way succeeds more often than another, with one mean difference for each seed.

    Yes as in `decide.sign` where every undecided trial is counted for the other way, and no where it is
    counted for the first. If no trial differs, the largest share that can have been missed decides.
    """
    if not one.succeeded.size:
        return lacking("no trial compares the two")
    open_ = one.undecided | other.undecided
    if not open_.any() and (one.succeeded == other.succeeded).all():
        return _never_differ(one.succeeded.size, least, at_once)
    worst = _by_seed(one.succeeded, other.possible, groups)
    best = _by_seed(one.possible, other.succeeded, groups)
    low, high = (decide.sign(values, says, what, least, at_once=at_once) for values in (worst, best))
    found = low if low.answer == "yes" else high if high.answer == "no" else _between(low, high, says, what)
    left = f"{counted(int(open_.sum()), 'trial')} stayed undecided" if open_.any() else ""
    return replace(found, sentence=sentence(clause(found.sentence), left)).with_numbers({
        "only the first succeeds": int((~open_ & one.succeeded & ~other.succeeded).sum()),
        "only the second succeeds": int((~open_ & other.succeeded & ~one.succeeded).sum()),
        "undecided": int(open_.sum()),
    })  # fmt: skip


def _between(low: Finding, high: Finding, says: Says, what: str) -> Finding:
    """Say that the answer is open, with an interval that holds every outcome of the undecided trials."""
    if low.effect is None or high.effect is None:
        return low  # too few seeds
    ends = low.effect.interval, high.effect.interval
    size = Interval(0.5 * (ends[0].mean + ends[1].mean), ends[0].low, ends[1].high, ends[0].count)
    text = f"{says.open}: {interval(size)} ({what}; {counted(size.count, 'seed')})"
    return Finding("undecided", sentence(text), Effect(what, size))


def _by_seed(first: Mask, second: Mask, groups: ArrayLike) -> NDArray[np.float64]:
    at = np.unique(np.asarray(groups), return_inverse=True)[1]
    gain = first.astype(float) - second
    return np.asarray(np.bincount(at, gain) / np.bincount(at), np.float64)


def _never_differ(trials: int, least: float, at_once: int) -> Finding:
    """Decide by the largest share of trials that can have been missed: no spread over seeds can be seen."""
    size = wilson(0, trials, together=at_once)
    text = f"the two differ in none of {counted(trials, 'trial')}: {percent(size)}"
    return Finding(
        "no" if size.high < least else "undecided",
        sentence(text),
        Effect("share of trials in which they differ", size),
        {"undecided": 0},
    )
