"""The rules of noise-robustness on rows that come out each way."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import logistic_rows
from logistic_rows import FALLING, FLAT, RISING, Rows, rows
from stepscape.experiments.frame import Finding
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.logistic.cells import WHEN
from stepscape.experiments.logistic.noise_robustness import CLAIM, benefits
from stepscape.lab.spec import identity

words = partial(logistic_rows.words, CLAIM)
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.45)
MOMENTS = {"at_equal_steps": "", "at_equal_time": "_equal_time", "stopped_early": "_held_out"}
Levels = tuple[float, ...]


def noisy(quiet: Levels, loud: Levels, seeds: int = 6, **more: Any) -> Rows:
    """Rows at six flip rates, with excess risks in the interior below and from a rate of 0.3 on."""
    return [
        row
        for rate in RATES
        for row in rows((2.0, rate), seeds, interior=loud if rate >= 0.3 else quiet, **more)
    ]


def finding(part: str, made: Rows) -> Finding:
    return CLAIM.judge(logistic_rows.result(CLAIM, made))[part].finding


def test_full_size() -> None:
    runs = CLAIM.grid(CLAIM.full)
    assert (len({identity(run) for run in runs}), {run.steps for run in runs}) == (10 * 3 * 20, {100_000})
    assert {run.seed for run in runs} == set(range(100, 120))


class TestBreaks:
    @pytest.mark.parametrize(
        ("quiet", "loud", "word"),
        [
            (FALLING, FALLING, "no"),
            (FALLING, FLAT, "yes"),
            (FALLING, RISING, "yes"),
            (FLAT, FLAT, "premise_not_met"),
            (RISING, RISING, "premise_not_met"),
            (FLAT, FALLING, "no"),
        ],
    )
    def test_what_is_there_must_be_gone(self, quiet: Levels, loud: Levels, word: str) -> None:
        assert words(noisy(quiet, loud))["at_equal_steps"] == word

    @pytest.mark.parametrize(
        ("decades", "word"),
        [((0.5, 0.0, -0.2), "yes"), ((0.5, 0.5, 0.0), "yes"), ((0.5, 0.0, 0.5), "undecided"),
         ((0.5, 0.2, 0.1), "no"), ((0.022, 0.022, 0.022), "yes"), ((0.2, 0.2, 0.03), "yes")],
    )  # fmt: skip
    def test_a_gain_is_gone_nowhere_only_if_it_is_there_at_every_high_rate(
        self, decades: tuple[float, ...], word: str
    ) -> None:
        """A rule that asked the mean over the three alone said "nowhere" of all but the fifth of these."""
        risks = {rate: 0.2 * 10.0**-gain for rate, gain in zip((0.3, 0.4, 0.45), decades, strict=True)}
        made = [
            row
            for rate in RATES
            for row in rows((2.0, rate), interior=(*[0.2] * 3, risks[rate]) if rate in risks else FALLING)
        ]
        assert words(made)["at_equal_steps"] == word

    def test_the_sentence_says_where_it_is_gone(self) -> None:
        made = [
            row for rate in RATES for row in rows((2.0, rate), interior=FLAT if rate == 0.45 else FALLING)
        ]
        sentence = finding("stopped_early", made).sentence
        assert "η = 0.01 in the interior when stopped early is gone at the flip rate 0.450: " in sentence

    def test_the_answer_nowhere_is_a_sentence(self) -> None:
        sentence = finding("at_equal_time", noisy(FALLING, FALLING)).sentence
        assert "at equal time is gone nowhere up to a flip rate of 0.450: 0.6" in sentence
        assert "on average at flip rates 0.3, 0.4, 0.45, 0.6" in sentence

    def test_a_wide_interval_settles_nothing(self) -> None:
        made = [
            {**row, "excess_risk_interior": row["excess_risk_interior"] * 2.0 ** (-1) ** row["seed"]}
            if row["step_size"] == 1.2 and row["flip_rate"] >= 0.3
            else row
            for row in noisy(FALLING, FLAT)
        ]
        found = finding("at_equal_steps", made)
        assert found.answer == "undecided"
        assert "is gone at flip rates 0.3, 0.4, 0.45" in found.sentence

    def test_a_gain_below_a_twentieth_counts_as_gone(self) -> None:
        little, more = ((0.2, 0.2, 0.2, 0.2 * 10.0**-size) for size in (0.03, 0.08))
        wide = {"at_equal_steps": "yes"}
        noise = [
            {**row, "excess_risk_interior": row["excess_risk_interior"] * 1.05 ** (-1) ** row["seed"]}
            if row["step_size"] == 1.2
            else row
            for row in noisy(FALLING, (0.2, 0.2, 0.2, 0.2))
        ]
        assert words(noise)["at_equal_steps"] == wide["at_equal_steps"]
        assert words(noisy(FALLING, little))["at_equal_steps"] == "yes"
        assert words(noisy(FALLING, more))["at_equal_steps"] == "no"

    def test_every_smaller_step_size_is_compared(self) -> None:
        """Against 0.4 the gain is gone, and against the smaller ones it is not."""
        assert words(noisy(FALLING, (0.4, 0.4, 0.2, 0.2)))["at_equal_steps"] == "it_depends"

    def test_the_three_highest_and_the_three_lowest_rates_decide(self) -> None:
        effect = finding("at_equal_steps", noisy(FLAT, FALLING)).effect
        assert effect is not None
        assert effect.interval.mean == pytest.approx(np.log10(4.0), abs=0.02)
        assert effect.what.endswith("mean over flip rates 0.3, 0.4, 0.45")


class TestArrival:
    def test_after_equally_many_steps_an_unfinished_step_size_compares_with_nothing(self) -> None:
        """The others have a gain that noise breaks, and it is so in part; other moments do not ask."""
        made = noisy(FALLING, FLAT)
        moving = noisy(FALLING, FLAT, moved=(0.2, 0.01, 0.01, 0.01))
        found = finding("at_equal_steps", moving)
        assert (finding("at_equal_steps", made).answer, found.answer) == ("yes", "some")
        assert "over η = 0.01 " not in found.sentence
        assert "ost runs still move at 0.01 in 6 of 6 cells and are left out" in found.sentence
        for part in ("at_equal_time", "stopped_early"):
            assert finding(part, moving) == finding(part, made)

    def test_where_the_largest_still_moves_there_is_nothing_to_compare(self) -> None:
        found = finding("at_equal_steps", noisy(FALLING, FLAT, moved=(0.01, 0.01, 0.01, 0.2)))
        assert found.answer == "premise_not_met"
        assert found.sentence.startswith(
            "Too few step sizes are left to compare; most runs still move at 1.2"
        )


@pytest.mark.parametrize("part", list(MOMENTS))
def test_each_moment_reads_its_own_column(part: str) -> None:
    others = {f"interior{suffix}": RISING for name, suffix in MOMENTS.items() if name != part and suffix}
    base = FALLING if part == "at_equal_steps" else RISING
    own = {} if part == "at_equal_steps" else {f"interior{MOMENTS[part]}": FALLING}
    found = words(noisy(base, base, **others, **own))
    assert {name for name in MOMENTS if found[name] == "no"} == {part}


def test_all_inputs_are_another_question() -> None:
    found = words(noisy(RISING, RISING, everywhere=FALLING))
    assert (found["all_inputs"], found["stopped_early"]) == ("no", "premise_not_met")


def test_the_intervals_of_the_figure_are_simultaneous_over_rates_and_comparisons() -> None:
    table = logistic_rows.result(CLAIM, noisy(FALLING, FALLING)).table
    rows_at = table.where(flip_rate=0.1)
    risk = [rows_at.where(step_size=eta)["excess_risk_interior"] for eta in (0.01, 1.2)]
    expected = student(np.log10(risk[0] / risk[1]), together=6 * 3)
    shown = benefits(table, "excess_risk_interior")[0.01][0.1]
    assert (shown.low, shown.high) == pytest.approx((expected.low, expected.high))


def test_a_step_size_at_which_runs_fail_is_not_compared() -> None:
    def without(lost: float, made: Rows) -> Rows:
        return [{**row, "outcome": "diverged"} if row["step_size"] == lost else row for row in made]

    made = without(0.1, noisy(FALLING, FALLING))
    assert words(made)["at_equal_steps"] == "no"
    assert "η = 0.1 " not in finding("at_equal_steps", made).sentence
    assert words(without(1.2, made))["at_equal_steps"] == "premise_not_met"


def test_two_seeds_decide_nothing() -> None:
    assert set(words(noisy(FALLING, FALLING, seeds=2)).values()) == {"undecided"}


def test_the_title_of_the_figure_counts_what_its_bars_show() -> None:
    """Six flip rates times three smaller step sizes; without a gain at half of the rates it is half."""
    for loud, wins in ((FALLING, "18"), (RISING, "9")):
        title = CLAIM.draw(logistic_rows.result(CLAIM, noisy(FALLING, loud)))["gain"].caption
        lost = " (and loses 9)" if loud == RISING else ""
        first, *rest = (f"{wins} {when}{lost}" for when in WHEN.values())
        counts = f"{first}, {rest[0]} and {rest[1]}"
        assert title.startswith(f"Of 18 comparisons with smaller steps η = 1.2 wins {counts}.")


def test_the_title_says_where_most_runs_still_move() -> None:
    rows = [{**row, "function_moved": 1.0} for row in noisy(FALLING, FALLING)]
    title = CLAIM.draw(logistic_rows.result(CLAIM, rows))["gain"].caption
    counts = "18 at equal time and 18 when stopped early; after equally many steps most runs still move"
    assert title.startswith(f"Of 18 comparisons with smaller steps η = 1.2 wins {counts}.")
