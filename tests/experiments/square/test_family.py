"""A question in every member of a family: the answers, what they say, and how often nothing is found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from stepscape.experiments.frame import Says
from stepscape.experiments.square.family import everywhere

Array = NDArray[np.float64]
FALLS = Says("the risk", "fall")
SEEDS = np.random.default_rng(5).standard_normal(20)


def cell(mean: float) -> Array:
    """Twenty seeds with this mean and standard deviation 1."""
    return mean + (SEEDS - SEEDS.mean()) / SEEDS.std(ddof=1)


def asked(values: Mapping[str, Array], least: float = 1.0, at_once: int = 1) -> tuple[str, str]:
    found = everywhere(values, FALLS, "fall", least, at_once)
    return found.answer, found.sentence


@pytest.mark.parametrize(
    ("means", "answer", "says"),
    [
        ((3.0, 2.0, 4.0), "yes", "The risk falls in all 3 settings; mean 3.00 [2.53, 3.47]"),
        ((3.0, -2.0, 4.0), "mixed", "The risk falls in 2 of 3 settings; the opposite is so in 1; mean 1.67"),
        ((3.0, 0.0, 4.0), "mixed", "The risk falls in 2 of 3 settings; mean"),
        ((3.0, 0.5, 4.0), "undecided", "The risk falls in 2 of 3 settings; it is not settled in 1; mean"),
        ((-3.0, -2.0), "no", "The risk falls in none of 2 settings; the opposite is so in 2; mean −2.50"),
        ((0.5, 0.0), "no", "The risk falls in none of 2 settings; it is not settled in 1; mean"),
        ((0.5, 0.5), "undecided", "The risk falls in none of 2 settings; it is not settled in 2; mean"),
        ((3.0, 2.0), "yes", "The risk falls in both settings; mean"),
    ],
)
def test_answers(means: tuple[float, ...], answer: str, says: str) -> None:
    found = asked({str(i): cell(mean) for i, mean in enumerate(means)})
    assert found[0] == answer
    assert found[1].startswith(says)


def test_one_member_is_asked_as_alone() -> None:
    assert asked({"": cell(3.0)}) == ("yes", "The risk falls: 3.00 [2.53, 3.47] (fall; 20 seeds).")


def test_intervals_are_simultaneous_over_members_and_questions() -> None:
    """Members decide at 5 % / (members · questions): P just above and just below that decides each way."""
    for members, questions in ((4, 1), (4, 3), (1, 5)):
        at = 0.05 / (members * questions)
        low, high = 0.0, 3.0
        for _ in range(60):  # the mean whose two-sided P is exactly at
            middle = 0.5 * (low + high)
            low, high = (low, middle) if ttest_1samp(cell(middle), 0.0).pvalue < at else (middle, high)
        for mean, answer in ((1.001 * high, "yes"), (0.999 * high, "undecided")):
            values = {str(i): cell(mean) for i in range(members)}
            assert asked(values, least=0.0, at_once=questions)[0] == answer


def test_seeds_that_a_member_lacks_do_not_enter_its_numbers() -> None:
    """The mean takes of each seed the members that have it; too few seeds decide nothing."""
    lacking = np.where(np.arange(20) < 10, np.nan, cell(3.0))
    found = everywhere({"a": cell(3.0), "b": lacking}, FALLS, "fall", 1.0)
    assert found.effect is not None
    assert found.effect.interval.mean == pytest.approx(3.0)
    assert (found.effect.interval.count, found.answer) == (20, "yes")
    assert set(found.numbers) == {"a: fall", "b: fall"}
    few = np.where(np.arange(20) < 2, cell(3.0), np.nan)
    assert asked({"a": few, "b": few})[0] == "undecided"


def test_nothing_is_seldom_found_everywhere_or_anywhere() -> None:
    """Over 400 simulated families of 6 members without an effect, some member says yes in at most 5 %."""
    rng = np.random.default_rng(0)
    answers = [
        everywhere({str(i): rng.standard_normal(12) for i in range(6)}, FALLS, "fall", 0.0).sentence
        for _ in range(400)
    ]
    some = [not answer.startswith("The risk falls in none") for answer in answers]
    assert np.mean(some) <= 0.05
