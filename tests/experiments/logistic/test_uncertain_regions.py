"""The rules of uncertain-regions on rows that come out each way."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import logistic_rows
from logistic_rows import ETAS, FALLING, FLAT, MOMENTS, RISING, rows
from stepscape.experiments.logistic.logistic_step_sizes import CLAIM as STEP_SIZES
from stepscape.experiments.logistic.uncertain_regions import CLAIM
from stepscape.lab.spec import identity

words = partial(logistic_rows.words, CLAIM)
BOUNDS = ("gauss_newton", "weighted", "uncertain", "uncertain_best")


def regional(cell: tuple[float, float] = (4.0, 0.0), **levels: Any) -> list[dict[str, Any]]:
    """Rows with uncertain shares, overlaps and the sides of the inequalities."""
    rng, out = np.random.default_rng(3), []
    for row in rows(cell, levels.get("seeds", 6)):
        j = ETAS.index(row["step_size"])
        for column in ("uncertain_overlap", "uncertain_share"):
            for suffix in MOMENTS:
                level = levels.get(f"{column}{suffix}", FLAT)[j]
                row[f"{column}{suffix}"] = level + 0.005 * rng.standard_normal()
        row["uncertain_share_truth"] = levels.get("truth", 0.3)
        for name in ("overlap", *BOUNDS):
            row |= {f"{name}_left": 0.1, f"{name}_right": levels.get("right", 0.2), f"{name}_checks": 3}
            row[f"{name}_violations"] = levels.get("violations", {}).get(name, 0)
        out.append(row)
    return out


def finding(part: str, *parts: Any) -> Any:
    return CLAIM.judge(logistic_rows.result(CLAIM, *parts))[part].finding


def test_its_runs_are_among_those_of_logistic_step_sizes() -> None:
    whole, some = ({identity(run) for run in claim.grid(claim.full)} for claim in (STEP_SIZES, CLAIM))
    assert some < whole
    assert len(some) == 4 * 3 * 3 * 20


class TestInequalities:
    def test_each_is_told_from_the_other(self) -> None:
        for broken, other in (("overlap", "flat_bounds"), ("weighted", "step_a")):
            found = words(regional(violations={broken: 1}))
            hurt = {"flat_bounds", "step_a"} - {other}
            assert (found[other], found[hurt.pop()]) == ("holds", "false_as_stated")

    def test_numbers(self) -> None:
        found = finding("step_a", regional())
        assert (found.numbers["checks"], found.numbers["left over right, median"]) == (72, 0.5)
        found = finding("flat_bounds", regional(violations={"uncertain": 1}))
        assert (found.numbers["checks"], found.numbers["violations"]) == (288, 24)
        assert found.numbers["uncertain: left over right, median"] == 0.5

    @pytest.mark.parametrize(("right", "word"), [(0.31, "vacuous"), (0.29, "holds")])
    def test_a_bound_above_what_there_is_says_nothing(self, right: float, word: str) -> None:
        assert words(regional(right=right))["step_a"] == word

    def test_where_it_says_something(self) -> None:
        """A bound that is silent in half of the runs is vacuous, and the sentence says how many it has."""
        both = [regional(right=0.4), regional((1.0, 0.0), truth=1.0, right=0.4)]
        found = finding("step_a", *both)
        assert found.answer == "vacuous"
        assert "24 of 48 runs have a bound below the uncertain share of the truth" in found.sentence
        for row in both[0][:1]:
            row["overlap_right"] = 0.2
        found = finding("step_a", *both)
        assert found.answer == "yes"
        assert found.numbers["share of the runs in which it says something"] == 25 / 48
        assert found.numbers["of those at the largest step size"] == 0.5

    def test_nothing_finished(self) -> None:
        lost = [{**row, "outcome": "diverged"} for row in regional()]
        assert set(words(lost).values()) == {"premise_not_met"}

    def test_the_table_has_both_sides_at_every_step_size(self) -> None:
        table = CLAIM.numbers(logistic_rows.result(CLAIM, regional()))
        assert len(table) == 5 * 4
        assert table.where(bound="weighted")["right"].tolist() == [0.2] * 4


class TestMoves:
    def test_each_way(self) -> None:
        assert words(regional(uncertain_overlap_100=(0.05,) * 4))["moves"] == "reproduced"
        assert words(regional(uncertain_overlap_100=(0.05, 0.2, 0.2, 0.3)))["moves"] == "partly"
        assert words(regional(uncertain_overlap_100=(0.3,) * 4))["moves"] == "not_reproduced"

    def test_a_truth_that_is_uncertain_everywhere_is_left_out(self) -> None:
        early = {"uncertain_overlap_100": (0.05,) * 4}
        opposite = regional((1.0, 0.0), truth=1.0 - 1e-12, uncertain_overlap_100=(0.3,) * 4)
        assert words(regional(**early), opposite)["moves"] == "reproduced"
        found = finding("moves", opposite)
        assert (found.answer, found.sentence) == (
            "premise_not_met", "The truth is uncertain at every input.",
        )  # fmt: skip

    def test_a_run_that_ends_before_step_100_does_not_show_it(self) -> None:
        short = [{key: value for key, value in row.items() if not key.endswith("_100")} for row in regional()]
        assert words(short)["moves"] == "premise_not_met"


class TestKeeps:
    def test_each_way(self) -> None:
        both = ("uncertain_overlap", "uncertain_share")
        names = [f"{column}{suffix}" for column in both for suffix in ("", "_equal_time", "_held_out")]
        assert words(regional(**dict.fromkeys(names, RISING)))["large_steps_keep"] == "reproduced"
        assert words(regional(**dict.fromkeys(names, FALLING)))["large_steps_keep"] == "not_reproduced"
        for name in names:
            assert words(regional(**{name: RISING}))["large_steps_keep"] == "partly"

    def test_the_overlap_is_not_asked_twice_where_the_truth_is_uncertain_everywhere(self) -> None:
        parts = (
            regional((4.0, 0.0), uncertain_share=RISING),
            regional((1.0, 0.0), truth=1.0, uncertain_overlap=FALLING),
        )
        names = finding("large_steps_keep", *parts).numbers
        assert not [name for name in names if name.startswith("overlap") and "amplitude 1" in name]
        assert [name for name in names if name.startswith("region") and "amplitude 1" in name]
