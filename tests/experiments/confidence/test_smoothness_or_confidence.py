"""The rule of `smoothness-or-confidence` on rows that come out each way, its runs and its settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.confidence.smoothness_or_confidence import (
    CLAIM,
    less_rough_as_sure,
    less_rough_in_time,
    over_ends,
)
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.tables.records import Table

ETAS = (0.01, 0.1, 0.4, 1.2)
FALLING = (4.0, 3.0, 2.0, 1.0)
RISING = (1.0, 2.0, 3.0, 4.0)
FLAT = (2.0, 2.0, 2.0, 2.0)
LEVELS = ("half", "truth", "twice")


def rows(
    seeds: int = 10,
    cells: tuple[float, ...] = (1.0, 4.0),
    first: int = 3,
    **columns: Any,
) -> list[dict[str, Any]]:
    """One row a cell, seed and step size, with noise that no interval takes for an effect.

    A tuple holds a value for each step size.
    """
    levels = [f"{one}_when_{two}_{level}" for level in LEVELS for one, two in (
        ("weighted_tv", "confidence"), ("confidence", "weighted_tv"), ("tv", "confidence"),
        ("tv_interior", "confidence_interior"), ("weighted_tv", "margin"))]  # fmt: skip
    fixed: dict[str, Any] = dict.fromkeys(levels, FLAT)
    fixed |= {"weighted_tv_equal_time": FLAT, "confidence_growth": 0.0, "largest_growth": 0.0}
    fixed["weighted_tv_growth"] = 0.3
    fixed |= {"weighted_tv": 1.0, "weighted_tv_lost": 0.02, "largest_ends": 3.0, "largest_inside": 3.0}
    fixed |= {"bent_neurons": 90, "margin": 1.0}
    out = []
    for amplitude in cells:
        for seed in range(first, first + seeds):
            for j, eta in enumerate(ETAS):
                row: dict[str, Any] = {
                    name: value[j] if isinstance(value, tuple) else value
                    for name, value in {**fixed, **columns, **columns.get(f"at_{amplitude:g}", {})}.items()
                    if not isinstance(value, dict)
                }
                for name, value in row.items():
                    if isinstance(value, float):
                        row[name] = value + 0.01 * (j + 1) * (-1) ** seed
                out.append({"amplitude": amplitude, "flip_rate": 0.0, "seed": seed,
                            "step_size": eta, "outcome": "finished", **row})  # fmt: skip
    return out


def finding(part: str, *some: list[dict[str, Any]]) -> Finding:
    """Judge runs of one kind or of both."""
    every = tuple(Run(row) for each in some for row in each)
    return CLAIM.judge(Result(CLAIM.name, {}, every))[part].finding


def answer(part: str, *some: list[dict[str, Any]]) -> str:
    return finding(part, *some).answer


def levels_of(one: str, two: str, value: Any) -> dict[str, Any]:
    return {f"{one}_when_{two}_{level}": value for level in LEVELS}


PLANES = (
    ("weighted_tv", "confidence"),
    ("tv_interior", "confidence_interior"),
    ("tv", "confidence"),
    ("weighted_tv", "margin"),
)
MAIN = "weighted_tv_when_confidence_truth"


def in_every_plane(value: Any) -> dict[str, Any]:
    return {name: x for plane in PLANES for name, x in levels_of(*plane, value).items()}


class TestSmoother:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [(FALLING, "yes"), (RISING, "no"), (FLAT, "no"), ((2.0, 8.0, 1.0, 1.5), "yes"),
         ((2.0, 1.0, 1.3, 1.5), "mixed"), ((2.0, 3.0, 4.0, 1.5), "mixed")],
    )  # fmt: skip
    def test_ends_and_trend(self, values: tuple[float, ...], expected: str) -> None:
        assert answer("smoother", rows(**{MAIN: values})) == expected

    @pytest.mark.parametrize(("spread", "expected"), [(0.03, "no"), (0.15, "undecided")])
    def test_what_may_count_is_open(self, spread: float, expected: str) -> None:
        """Around 0 the answer is no only where the interval excludes 0.05."""
        some = rows(**{MAIN: (2.0, 1.9, 2.1, 2.0)})
        for row in some:
            row[MAIN] *= 10.0 ** (spread * (-1) ** (row["seed"] // 2) * (row["step_size"] == ETAS[0]))
        ends = finding("smoother", some).sentence
        assert ("not settled whether a larger step size is less" in ends) == (expected == "undecided")

    def test_only_the_level_of_the_truth_is_asked_about(self) -> None:
        others = {name: RISING for name in in_every_plane(0) if name != MAIN}
        assert answer("smoother", rows(**{MAIN: FALLING}, **others)) == "yes"
        assert answer("smoother_elsewhere", rows(**{MAIN: FALLING}, **others)) == "no"

    def test_step_sizes_that_do_not_come_there_are_not_compared(self) -> None:
        """Of the step sizes that come to a level, 0.01 is the best and 0.4 the worst."""
        found = finding("smoother", rows(**{MAIN: (1.0, 2.0, 3.0, np.nan)}))
        assert found.answer == "no"
        assert found.numbers["amplitude 1: compared"] == "η = 0.01 with 0.4, 10 seeds"

    def test_no_level(self) -> None:
        none = finding("smoother", rows(**{MAIN: (np.nan, np.nan, np.nan, 9.0)}))
        assert (none.answer, none.sentence) == ("premise_not_met", "The question arises in no cell.")


class TestElsewhere:
    @pytest.mark.parametrize(("values", "expected"), [(FALLING, "yes"), (RISING, "no"), (FLAT, "no")])
    def test_in_every_plane_at_every_level(self, values: tuple[float, ...], expected: str) -> None:
        assert answer("smoother_elsewhere", rows(**in_every_plane(values))) == expected

    @pytest.mark.parametrize("plane", PLANES)
    def test_one_plane_is_part(self, plane: tuple[str, str]) -> None:
        assert answer("smoother_elsewhere", rows(**levels_of(*plane, FALLING))) == "mixed"

    def test_one_level_or_one_law_is_part(self) -> None:
        part = "smoother_elsewhere"
        assert answer(part, rows(weighted_tv_when_confidence_half=FALLING)) == "mixed"
        assert answer(part, rows(at_4=in_every_plane(FALLING), at_1=in_every_plane(RISING))) == "mixed"

    def test_a_level_that_one_step_size_reaches_is_not_asked_about(self) -> None:
        lonely = (np.nan, np.nan, np.nan, 9.0)
        changed = in_every_plane(FALLING) | {"weighted_tv_when_confidence_twice": lonely}
        found = finding("smoother_elsewhere", rows(**changed))
        assert found.answer == "yes"
        assert "∫|f''|g, twice: amplitude 1: compared" not in found.numbers

    def test_a_level_that_one_law_reaches_is_asked_there(self) -> None:
        far = dict.fromkeys(levels_of("weighted_tv", "confidence", 0), (np.nan,) * 4)
        found = finding("smoother_elsewhere", rows(**in_every_plane(FALLING), at_1=far))
        assert found.answer == "yes"
        assert "half that of the truth: 0.602 [" in found.sentence

    def test_a_level_that_half_of_the_seeds_reach_is_not_asked_about(self) -> None:
        some = rows(**in_every_plane(FALLING), seeds=10)
        for row in some:
            row["tv_when_confidence_half"] = np.nan if row["seed"] % 2 else row["tv_when_confidence_half"]
        numbers = finding("smoother_elsewhere", some).numbers
        assert not [name for name in numbers if name.startswith("∫|f''| of all inputs, half")]


@pytest.mark.parametrize(("values", "expected"), [(RISING, "yes"), (FALLING, "no"), (FLAT, "no")])
def test_more_confident(values: tuple[float, ...], expected: str) -> None:
    some = rows(**levels_of("confidence", "weighted_tv", values))
    assert answer("more_confident", some) == expected


@pytest.mark.parametrize(
    ("values", "expected"), [(FALLING, "yes"), (RISING, "no"), ((2.0, 1.0, 1.3, 1.5), "mixed")]
)
def test_equal_time(values: tuple[float, ...], expected: str) -> None:
    assert answer("equal_time", rows(weighted_tv_equal_time=values)) == expected


@pytest.mark.parametrize(
    ("part", "question", "column"),
    [("smoother", less_rough_as_sure, MAIN), ("equal_time", less_rough_in_time, "weighted_tv_equal_time")],
)
def test_the_titles_of_the_figures_have_the_intervals_of_the_rules(
    part: str, question: Any, column: str
) -> None:
    some = rows(**{column: FALLING})
    effect = finding(part, some).effect
    assert effect is not None
    assert over_ends(Table.from_records(some), question) == effect.interval


SETTLED: dict[str, Any] = {"confidence_growth": 0.5, "largest_growth": 0.5, "weighted_tv_growth": 0.0,
                           "weighted_tv_lost": 0.2}  # fmt: skip


class TestInTheEnd:
    def test_all_of_it(self) -> None:
        assert answer("in_the_end", rows(**SETTLED)) == "yes"

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"weighted_tv_growth": 0.2}, "does not settle"),
            ({"weighted_tv_growth": -0.2}, "does not settle"),
            ({"weighted_tv_lost": 0.02}, "does not come down"),
            ({"confidence_growth": 0.0}, "median |f| does not grow"),
            ({"largest_growth": -0.5}, "largest |f| does not grow"),
        ],
    )
    def test_each_part_of_it(self, change: dict[str, Any], expected: str) -> None:
        found = finding("in_the_end", rows(**{**SETTLED, **change}))
        assert found.answer == "mixed"
        assert expected in found.sentence

    def test_nothing_of_it(self) -> None:
        none = {
            "confidence_growth": 0.0,
            "largest_growth": 0.0,
            "weighted_tv_growth": 1.0,
            "weighted_tv_lost": 0.0,
        }
        assert answer("in_the_end", rows(**none)) == "no"

    def test_growth_that_may_count_is_open(self) -> None:
        """An interval around 0.05 excludes 0.1, one that holds 0.1 and 0 does not."""
        some = rows(confidence_growth=0.05, largest_growth=0.05)
        for row in some:
            row["confidence_growth"] += 0.15 * (-1) ** (row["seed"] // 2)
        assert "not settled whether the median |f| grows" in finding("in_the_end", some).sentence

    def test_only_the_largest_step_size_is_asked(self) -> None:
        late = (-1.0, -1.0, -1.0, 1.0)
        changed = {**SETTLED, "confidence_growth": late, "largest_growth": late}
        changed["weighted_tv_growth"] = (1.0, 1.0, 1.0, 0.0)
        assert answer("in_the_end", rows(**changed)) == "yes"


class TestEnds:
    @pytest.mark.parametrize(
        ("ends", "expected"),
        [(9.0, "yes"), (1.0, "no"), ((1.0, 1.0, 1.0, 9.0), "mixed"), ((9.0, 1.0, 1.0, 1.0), "mixed")],
    )
    def test_at_both_step_sizes(self, ends: Any, expected: str) -> None:
        assert answer("at_the_ends", rows(largest_ends=ends)) == expected


@pytest.mark.parametrize("lost", [{"bent_neurons": 0}, {"outcome": "diverged"}])
def test_premise(lost: dict[str, Any]) -> None:
    every = tuple(Run(row) for row in rows(**lost))
    judged = CLAIM.judge(Result(CLAIM.name, {}, every))
    assert {each.finding.answer for each in judged.values()} == {"premise_not_met"}


TINY = {"n": "20", "width": "40", "amplitudes": "1,4", "steps": "300", "records": "8", "seeds": "2",
        "step_sizes": "0.02,0.2,1"}  # fmt: skip


@pytest.fixture(scope="module")
def result() -> Result:
    return run(CLAIM, CLAIM.settings(TINY), workers=1)


class TestRuns:
    def test_columns(self, result: Result) -> None:
        table = result.table
        assert len(table) == 12
        assert (np.abs(table["margin"]) <= table["largest"]).all()
        assert table["margin_share"] == pytest.approx(table["margin"] / table["confidence"])
        first = table.where(step_size=0.02)
        assert np.array_equal(first["confidence"], first["confidence_equal_time"])
        assert table["largest"] == pytest.approx(np.maximum(table["largest_ends"], table["largest_inside"]))

    def test_equal_time(self, result: Result) -> None:
        """The largest step size has a fiftieth of the steps: its record there is the sixth of 300."""
        (here,) = result.where(amplitude=1.0, step_size=1.0, seed=0).runs
        at = list(here.arrays["steps"]).index(6.0)
        assert here["weighted_tv_equal_time"] == here.arrays["weighted_tv"][at]

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
         ({"seeds": "0"}, "seeds must be at least 1, got 0"),
         ({"n": "4"}, "n must be at least 5, got 4"),
         ({"amplitudes": "-1"}, "amplitude must be finite and not negative, got -1.0"),
         ({"flip_rates": "0.5"}, r"flip_rate must lie in \[0, 0.5\), got 0.5"),
         ({"truth": "wafe"}, "unknown curve 'wafe'; did you mean 'wave'")],
    )  # fmt: skip
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            CLAIM.specs(CLAIM.settings({**TINY, **overrides}))
