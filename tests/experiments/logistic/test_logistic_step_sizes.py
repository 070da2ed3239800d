"""The rules of logistic-step-sizes on rows that come out each way."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import logistic_rows
from logistic_rows import FALLING, FLAT, RISING, U, rows
from stepscape.experiments.logistic.logistic_step_sizes import CLAIM, help_intervals

words = partial(logistic_rows.words, CLAIM)
result = partial(logistic_rows.result, CLAIM)


def finding(part: str, *parts: Any) -> Any:
    return CLAIM.judge(result(*parts))[part].finding


def test_full_size_is_a_part_of_what_the_paper_prints() -> None:
    full = CLAIM.full
    assert set(full["step_sizes"]) < {round(0.01 * i, 2) for i in range(1, 121)}
    assert (len(full["step_sizes"]), min(full["step_sizes"]), max(full["step_sizes"])) == (30, 0.01, 1.2)
    assert set(full["shown"]) < set(full["step_sizes"])
    assert (full["width"], full["steps"], full["n"]) == (400, 30_000, 100)
    assert (full["seeds"], full["first_seed"]) == (20, 100)


class TestEdge:
    @pytest.mark.parametrize(
        ("ratio", "word"),
        [(1.0, "reproduced"), (0.94, "not_reproduced"), (1.11, "not_reproduced"), (1.09, "reproduced")],
    )
    def test_on_the_line(self, ratio: float, word: str) -> None:
        assert words(rows(ratio=(0.5, ratio, ratio, ratio)))["edge"] == word

    def test_four_fifths_are_not_nearly_all(self) -> None:
        some = [
            {**row, "edge_ratio": 1.2 if (row["seed"] + round(10 * row["step_size"])) % 5 == 0 else 1.0}
            for row in rows(seeds=20)
        ]
        assert words(some)["edge"] == "partly"

    def test_seeds_are_drawn_and_not_runs(self) -> None:
        """All runs of three seeds of five: an interval of five draws, not of fifteen."""
        some = [{**row, "edge_ratio": 1.0 if row["seed"] < 3 else 2.0} for row in rows(seeds=5)]
        interval = finding("edge", some).effect.interval
        assert interval.mean == pytest.approx(0.6)
        assert interval.high - interval.low > 0.6

    def test_those_from_beyond_and_from_below_are_counted_apart(self) -> None:
        """At 0.1 all come up from below and stay; at 0.4 and 1.2 they start beyond, and end above."""
        numbers = finding("edge", rows(ratio=(0.5, 1.0, 1.2, 1.2))).numbers
        assert numbers["of those that start beyond 2/η, share on it"] == 0.0
        assert numbers["of those that come up to it, share on it"] == 1.0
        assert numbers["share that ends above it"] == pytest.approx(2 / 3)

    def test_the_midpoint_decides_and_the_iterate_stands_beside_it(self) -> None:
        found = finding("edge", rows(last=(0.5, 1.0, 1.2, 1.2)))
        assert found.answer == "yes"
        assert found.numbers["share on it by the single iterate"] == pytest.approx(1 / 3)

    def test_a_late_arrival_is_no_counterexample(self) -> None:
        late = {"start": 0.1, "ratio": (0.5,) * 4}
        assert words(rows((1.0, 0.0)), rows(reached_at=(900.0,) * 4, **late))["edge"] == "reproduced"
        early = rows(reached_at=(np.nan, 100.0, 100.0, 100.0), **late)
        assert finding("edge", rows((1.0, 0.0)), early).effect.interval.mean == 0.5

    def test_late_arrivals_alone_say_nothing(self) -> None:
        assert words(rows(reached_at=(900.0,) * 4, start=0.1))["edge"] == "premise_not_met"


class TestPrecise:
    @pytest.mark.parametrize(
        ("ratio", "word"),
        [(1.009, "reproduced"), (0.991, "reproduced"), (1.011, "not_reproduced"), (0.989, "not_reproduced")],
    )
    def test_one_per_cent_either_way(self, ratio: float, word: str) -> None:
        assert words(rows(ratio=(0.5, ratio, ratio, ratio)))["precise"] == word

    def test_errors_do_not_cancel(self) -> None:
        """The mean over the runs of a seed is 1 where one is 5 % above and another 5 % below."""
        assert words(rows(ratio=(0.5, 0.95, 1.0, 1.05)))["precise"] == "not_reproduced"
        assert words(rows(ratio=(0.5, 0.995, 1.0, 1.005)))["precise"] == "reproduced"
        assert words(rows(ratio=(0.5, 1.0, 1.0, 3.0)))["precise"] == "not_reproduced"

    def test_seeds_that_disagree_decide_nothing(self) -> None:
        some = [{**row, "edge_ratio": 1.0 + 0.02 * (row["seed"] % 2)} for row in rows()]
        assert words(some)["precise"] == "undecided"

    def test_late_arrivals_alone_say_nothing(self) -> None:
        assert words(rows(reached_at=(900.0,) * 4, start=0.1))["precise"] == "premise_not_met"


class TestSimpler:
    def test_each_way(self) -> None:
        assert words(rows())["simpler"] == "reproduced"
        assert words(rows(pieces=RISING))["simpler"] == "partly"
        rising = dict.fromkeys(("weighted_tv", "pieces"), RISING)
        assert words(rows(**rising))["simpler"] == "not_reproduced"

    def test_only_step_sizes_at_the_edge_are_compared(self) -> None:
        hump = dict.fromkeys(("weighted_tv", "pieces"), (0.1, 0.4, 0.3, 0.2))
        assert words(rows(**hump))["simpler"] == "reproduced"
        assert words(rows(ratio=(0.5, 1.0, 1.0, 1.2), **hump))["simpler"] == "premise_not_met"


class TestU:
    @pytest.mark.parametrize("region", ["interior", "everywhere"])
    def test_of_one_region_is_part(self, region: str) -> None:
        assert words(rows(**{region: U}))["u_shape"] == "partly"
        assert words(rows(interior=U, everywhere=U))["u_shape"] == "reproduced"

    @pytest.mark.parametrize("half", [FALLING, RISING, FLAT])
    def test_half_a_u_is_none(self, half: tuple[float, ...]) -> None:
        assert words(rows(interior=half, everywhere=half))["u_shape"] == "not_reproduced"

    @staticmethod
    def noisy(left: float, right: float, spread: float) -> list[dict[str, Any]]:
        """Nine cells with log10 of the excess risk a parabola on each side; every run has noise."""
        rng, made = np.random.default_rng(3), list[dict[str, Any]]()
        for amplitude in (1.0, 2.0, 4.0):
            for flips in (0.0, 0.1, 0.2):
                for row in rows((amplitude, flips), 20):
                    x = np.interp(np.log(row["step_size"]), np.log([0.01, 0.1, 1.2]), [-1.0, 0.0, 1.0])
                    height = (left if x < 0.0 else right) * x**2 + spread * rng.standard_normal()
                    risks = dict.fromkeys(("excess_risk_interior", "excess_risk"), 10.0 ** (height - 2.0))
                    made.append({**row, **risks})
        return made

    def test_noise_of_single_runs_does_not_undo_it(self) -> None:
        """The mean of the smaller side of each seed is far below both sides, and was called no U."""
        found = finding("u_shape", self.noisy(0.25, 0.25, 0.3))
        assert found.answer == "yes"
        assert "larger at" not in found.sentence

    @pytest.mark.parametrize(("left", "right"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.3)])
    def test_noise_does_not_make_one(self, left: float, right: float) -> None:
        assert finding("u_shape", self.noisy(left, right, 0.3)).answer in ("no", "undecided")

    def test_an_unfinished_step_size_has_no_side(self) -> None:
        """What the smallest step size has more of is training time: three are left, and they rise."""
        moving = rows(interior=U, everywhere=U, moved=(0.2, 0.01, 0.01, 0.01))
        found = finding("u_shape", moving)
        assert found.answer == "no"
        assert "ost runs still move at 0.01 and are left out" in found.sentence
        whole = rows(interior=(0.5, *U), everywhere=U, moved=(0.2, 0.2, 0.01, 0.01))
        assert finding("u_shape", whole).answer == "premise_not_met"

    def test_halves_in_different_cells_are_none(self) -> None:
        one, other = (dict.fromkeys(("interior", "everywhere"), half) for half in (FALLING, RISING))
        assert words(rows((2.0, 0.0), **one), rows((2.0, 0.1), **other))["u_shape"] == "not_reproduced"


class TestHelp:
    def test_each_way(self) -> None:
        assert words(rows(interior=FALLING))["help"] == "reproduced"
        assert words(rows(interior=RISING))["help"] == "not_reproduced"
        assert words(rows(interior=RISING, interior_held_out=FALLING))["help"] == "partly"
        assert words(rows(interior=FALLING, seeds=2))["help"] == "undecided"

    @pytest.mark.parametrize("suffix", ["", "_equal_time", "_held_out"])
    def test_each_moment_reads_its_own_column(self, suffix: str) -> None:
        moments = {f"interior{each}": RISING for each in ("", "_equal_time", "_held_out") if each != suffix}
        said = finding("help", rows(**{"interior": RISING, **moments, f"interior{suffix}": FALLING}))
        assert said.answer == "mixed"
        when = {
            "": "after equally many steps",
            "_equal_time": "at equal time",
            "_held_out": "when stopped early",
        }
        assert f"arge steps have less excess risk in the interior {when[suffix]}" in said.sentence

    def test_an_effect_of_a_twentieth_is_excluded_and_a_smaller_one_is_not(self) -> None:
        """log10 of 0.2/0.185 is 0.034, of which no interval of rounding's width says no before 0.05."""
        little = (0.2, 0.2, 0.2, 0.2 * 10**0.06)
        assert words(rows(interior=little))["help"] == "not_reproduced"
        assert finding("help", rows(interior=FLAT)).answer == "no"
        more = (0.2, 0.2, 0.2, 0.2 * 10**-0.06)
        assert words(rows(interior=more))["help"] == "reproduced"

    def test_a_hump_has_no_trend(self) -> None:
        """The ends say that large steps help, and the line through all step sizes does not."""
        hump = (0.2, 0.05, 0.5, 0.1)
        assert words(rows(interior=hump))["help"] == "partly"

    def test_the_table_has_every_moment(self) -> None:
        hump = (0.1, 0.4, 0.3, 0.2)
        table = CLAIM.numbers(result(rows(interior=hump, interior_100=FALLING)))
        for moment, expected in {"end of training": 0.1 / 0.2, "after 100 steps": 0.4 / 0.1}.items():
            (row,) = table.where(moment=moment, region="interior").records()
            assert row["saved"] == pytest.approx(np.log10(expected), abs=0.02)

    def test_the_title_of_the_figure_has_the_interval_of_the_rule(self) -> None:
        """Where runs failed, too: a seed counts if it has every cell."""
        kept = [row for row in rows() if row["seed"]] + [row for row in rows((4.0, 0.0)) if row["seed"] != 5]
        found = help_intervals(result(kept), "")["in the interior"]
        effect = finding("help", kept).effect
        assert found == effect.interval
        assert found.count == 4
        title = CLAIM.draw(result(rows(interior=FALLING)))["excess"].caption
        assert "η = 1.2 has 0.25 times in the interior and 0.99 times (not significant) over all" in title
        moving = [{**row, "function_moved": 1.0} for row in rows(interior=FALLING)]
        assert help_intervals(result(moving), "") == {}
        title = CLAIM.draw(result(moving))["excess"].caption
        assert title.startswith(
            "After all steps most runs still move; at equal time, η = 1.2 has 0.25 times in"
        )
