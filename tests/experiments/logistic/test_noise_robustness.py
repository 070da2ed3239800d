"""The rules of noise-robustness on rows that come out each way."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import logistic_rows
from logistic_rows import FALLING, FLAT, RISING, rows
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.logistic.noise_robustness import CLAIM, benefits
from stepscape.lab.spec import identity

words = partial(logistic_rows.words, CLAIM)
RATES = {0.0: FALLING, 0.1: FALLING, 0.4: FALLING}
MOMENTS = {"at_the_end": "", "at_equal_time": "_equal_time", "stopped_early": "_held_out"}


def noisy(levels: dict[float, Any], overlap: Any = None, truth: Any = None, **more: Any) -> list[Any]:
    """Rows at each flip rate with interior excess risks by step size; overlaps by flip rate."""
    rng, out = np.random.default_rng(5), []
    for rate, values in levels.items():
        for row in rows((2.0, rate), interior=values, **more):
            level = (overlap or {}).get(rate, 0.7) + 0.01 * rng.standard_normal()
            share = (truth or {}).get(rate, 0.4)
            out.append({**row, "uncertain_overlap": level, "uncertain_share_truth": share})
    return out


def row_words(part: str, made: Any) -> dict[str, str]:
    judged = CLAIM.judge(logistic_rows.result(CLAIM, made))[part]
    return {row: judged.word(CLAIM.kind, row) for row in judged.rows}


def test_full_size() -> None:
    runs = CLAIM.grid(CLAIM.full)
    assert (len({identity(run) for run in runs}), {run.steps for run in runs}) == (10 * 3 * 20, {100_000})


def test_each_flip_rate_has_its_word() -> None:
    levels = {0.0: FALLING, 0.1: FLAT, 0.4: RISING}
    assert row_words("at_the_end", noisy(levels)) == {"0.0": "yes", "0.1": "no", "0.4": "no"}
    judged = CLAIM.judge(logistic_rows.result(CLAIM, noisy(levels)))["at_the_end"]
    assert judged.finding.sentence == "It is so for 0 % flips; it is not so for 10 % flips and 40 % flips."
    assert words(noisy(RATES))["at_the_end"] == "yes"


def test_every_smaller_step_size_is_compared() -> None:
    """The largest does better than the second largest alone."""
    some = (0.2, 0.2, 0.4, 0.2)
    assert row_words("at_the_end", noisy({0.0: some})) == {"0.0": "it_depends"}


@pytest.mark.parametrize("part", list(MOMENTS))
def test_each_moment_reads_its_own_column(part: str) -> None:
    others = {f"interior{suffix}": RISING for name, suffix in MOMENTS.items() if name != part and suffix}
    base = FALLING if part == "at_the_end" else RISING
    own = {} if part == "at_the_end" else {f"interior{MOMENTS[part]}": FALLING}
    found = words(noisy(dict.fromkeys(RATES, base), **others, **own))
    assert {name for name in MOMENTS if found[name] == "yes"} == {part}


def test_intervals_are_simultaneous_over_rates_and_comparisons() -> None:
    made = noisy({0.1: FALLING})
    found = CLAIM.judge(logistic_rows.result(CLAIM, made))["at_the_end"].rows["0.1"].effect
    table = logistic_rows.result(CLAIM, made).table
    risk = [table.where(step_size=eta)["excess_risk_interior"] for eta in (0.01, 1.2)]
    expected = student(np.log10(risk[0] / risk[1]), together=10 * 3)
    assert found is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((expected.low, expected.high))
    shown = benefits(logistic_rows.result(CLAIM, made), "")["0.01 against 1.2"][0.1]
    assert (shown.low, shown.high) == pytest.approx((expected.low, expected.high))


def test_overlap() -> None:
    levels = {0.0: FLAT, 0.2: FLAT, 0.4: FLAT}
    made = noisy(levels, overlap={0.0: 0.9, 0.2: 0.65, 0.4: 0.4})
    assert row_words("overlap", made) == {"0.0": "yes", "0.2": "yes", "0.4": "no"}
    empty = noisy(levels, truth={0.2: 1.0, 0.4: 1.0 - 1e-12})
    assert row_words("overlap", empty) == {"0.0": "yes", "0.2": "premise_not_met", "0.4": "premise_not_met"}


def test_an_overlap_is_refused_only_when_a_tenth_more_is_excluded() -> None:
    assert row_words("overlap", noisy({0.0: FLAT}, overlap={0.0: 0.49})) == {"0.0": "no"}
    wide = [{**row, "uncertain_overlap": 0.45 + 0.2 * (-1) ** row["seed"]} for row in noisy({0.0: FLAT})]
    assert row_words("overlap", wide) == {"0.0": "undecided"}


def test_a_step_size_at_which_runs_fail_is_not_compared() -> None:
    lost = [
        {**row, "outcome": "diverged"} if row["step_size"] == 0.1 else row for row in noisy({0.0: FALLING})
    ]
    assert row_words("at_the_end", lost) == {"0.0": "yes"}
    largest = [{**row, "outcome": "diverged"} if row["step_size"] == 1.2 else row for row in lost]
    assert row_words("at_the_end", largest) == {"0.0": "premise_not_met"}


def test_two_seeds_decide_nothing() -> None:
    assert set(row_words("at_the_end", noisy(RATES, seeds=2)).values()) == {"undecided"}
