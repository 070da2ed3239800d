"""Undecided trials: an answer stands only if it would be the same whichever way they had come out."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.experiments.frame import Says, decide
from stepscape.experiments.recovery.undecided import Tried, agreed_share, more_often

SAYS = Says("trials", "succeed")
SEEDS = np.repeat(np.arange(20), 5)
NONE = np.zeros(100, bool)


def first(count: int) -> np.ndarray:
    """Flags of the first trials; five have the same seed."""
    return np.arange(100) < count


@pytest.mark.parametrize("count", [0, 10, 50, 80, 95, 100])
def test_without_undecided_trials_it_is_the_common_decision(count: int) -> None:
    found = agreed_share(Tried.of(first(count), NONE), SAYS, 0.9, SEEDS)
    plain = decide.share(first(count), SAYS, 0.9, SEEDS)
    assert (found.answer, found.effect, found.sentence) == (plain.answer, plain.effect, plain.sentence)


@pytest.mark.parametrize(
    ("succeeded", "undecided", "answer"),
    [(0, 100, "undecided"), (0, 40, "undecided"), (0, 5, "no"), (95, 5, "yes"), (85, 15, "undecided")],
)
def test_both_ways_must_agree(succeeded: int, undecided: int, answer: str) -> None:
    open_ = first(succeeded + undecided) & ~first(succeeded)
    found = agreed_share(Tried.of(first(succeeded), open_), SAYS, 0.9, SEEDS)
    assert found.answer == answer
    assert found.numbers["undecided"] == undecided


def test_an_undecided_trial_has_not_succeeded() -> None:
    assert not Tried.of(first(100), first(100)).succeeded.any()


def test_one_way_more_often_than_another() -> None:
    every_second = np.arange(100) % 2 == 0
    ask = lambda one, other: more_often(one, other, SEEDS, SAYS, "difference", 0.01)  # noqa: E731
    all_, half = Tried.of(first(100), NONE), Tried.of(every_second, NONE)
    open_half = Tried.of(every_second, ~every_second)
    assert ask(all_, half).answer == "yes"
    assert ask(half, all_).answer == "no"
    assert ask(all_, open_half).answer == "undecided"  # the other may have succeeded everywhere, too
    assert ask(open_half, all_).answer == "no"  # the first cannot have more
    between = ask(open_half, half)
    effect = between.effect
    assert between.answer == "undecided"
    assert effect is not None
    assert effect.interval.low <= 0.0 < 0.4 < effect.interval.high
    assert between.sentence.endswith("50 trials stayed undecided.")


def test_too_few_seeds_or_no_trial_answer_nothing() -> None:
    two = Tried.of([True, False], [False, True])
    other = Tried.of([False, False], [False, False])
    assert more_often(two, other, [0, 1], SAYS, "difference", 0.01).answer == "undecided"
    empty = Tried.of([], [])
    assert more_often(empty, empty, [], SAYS, "difference", 0.01).answer == "premise_not_met"
