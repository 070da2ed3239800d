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


def test_full_size_is_what_the_paper_prints() -> None:
    full = CLAIM.full
    assert list(full["step_sizes"]) == [round(0.01 * i, 2) for i in range(1, 121)]
    assert (full["width"], full["steps"], full["n"]) == (400, 30_000, 100)


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
        assert numbers["runs that start beyond 2/η"] == 12
        assert numbers["of these, share that ends on it"] == 0.0
        assert numbers["of these, share that ends above it"] == 1.0
        assert (numbers["runs that come up to it"], numbers["of these, share on it"]) == (6, 1.0)
        assert numbers["share on it, η above 0.6 up to 1.2"] == 0.0
        assert numbers["share on it, η above 0.075 up to 0.15"] == 1.0

    def test_a_late_arrival_is_no_counterexample(self) -> None:
        late = {"start": 0.1, "ratio": (0.5,) * 4}
        assert words(rows((1.0, 0.0)), rows(reached_at=(900.0,) * 4, **late))["edge"] == "reproduced"
        early = rows(reached_at=(np.nan, 100.0, 100.0, 100.0), **late)
        assert finding("edge", rows((1.0, 0.0)), early).effect.interval.mean == 0.5

    def test_late_arrivals_alone_say_nothing(self) -> None:
        assert words(rows(reached_at=(900.0,) * 4, start=0.1))["edge"] == "premise_not_met"


class TestSimpler:
    def test_each_way(self) -> None:
        assert words(rows())["simpler"] == "reproduced"
        assert words(rows(pieces=RISING))["simpler"] == "partly"
        rising = dict.fromkeys(("weighted_tv", "tv_interior", "pieces"), RISING)
        assert words(rows(**rising))["simpler"] == "not_reproduced"

    def test_only_step_sizes_at_the_edge_are_compared(self) -> None:
        hump = dict.fromkeys(("weighted_tv", "tv_interior", "pieces"), (0.1, 0.4, 0.3, 0.2))
        assert words(rows(**hump))["simpler"] == "reproduced"
        assert words(rows(ratio=(0.5, 1.0, 1.0, 1.2), **hump))["simpler"] == "premise_not_met"


class TestU:
    @pytest.mark.parametrize("region", ["interior", "everywhere", "boundary"])
    def test_of_one_region_is_part(self, region: str) -> None:
        assert words(rows(**{region: U}))["u_shape"] == "partly"
        assert words(rows(interior=U, everywhere=U, boundary=U))["u_shape"] == "reproduced"

    @pytest.mark.parametrize("half", [FALLING, RISING, FLAT])
    def test_half_a_u_is_none(self, half: tuple[float, ...]) -> None:
        assert words(rows(interior=half, everywhere=half, boundary=half))["u_shape"] == "not_reproduced"

    def test_halves_in_different_cells_are_none(self) -> None:
        one, other = (
            dict.fromkeys(("interior", "everywhere", "boundary"), half) for half in (FALLING, RISING)
        )
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
        when = {"": "in the end", "_equal_time": "at equal time", "_held_out": "when stopped early"}
        assert f"arge steps have less excess risk {when[suffix]}" in said.sentence

    def test_an_effect_of_a_twentieth_is_excluded_and_a_smaller_one_is_not(self) -> None:
        """log10 of 0.2/0.185 is 0.034, of which no interval of rounding's width says no before 0.05."""
        little = (0.2, 0.2, 0.2, 0.2 * 10**0.06)
        assert words(rows(interior=little))["help"] == "not_reproduced"
        assert finding("help", rows(interior=FLAT)).answer == "no"
        more = (0.2, 0.2, 0.2, 0.2 * 10**-0.06)
        assert words(rows(interior=more))["help"] == "reproduced"

    def test_the_table_has_every_moment_and_the_edge(self) -> None:
        hump = (0.1, 0.4, 0.3, 0.2)
        table = CLAIM.numbers(result(rows(interior=hump, interior_100=FALLING)))
        at_end = table.where(moment="end of training", region="interior")
        saved = dict(zip(at_end["step sizes"].tolist(), at_end["saved"].tolist(), strict=True))
        assert saved["all"] == pytest.approx(np.log10(0.1 / 0.2), abs=0.02)
        assert saved["at the edge"] == pytest.approx(np.log10(0.4 / 0.2), abs=0.02)
        early = table.where(moment="after 100 steps", region="interior")
        assert early["saved"] == pytest.approx(np.log10(0.4 / 0.1), abs=0.02)

    def test_the_figure_shows_the_intervals_of_the_rule(self) -> None:
        """Where runs failed, too: a seed counts together when it has every cell."""
        kept = [row for row in rows() if row["seed"]] + [row for row in rows((4.0, 0.0)) if row["seed"] != 5]
        found = help_intervals(result(kept))["end of training"]
        assert [interval.count for interval in found.values()] == [5, 5, 4]
        cell = "amplitude 2, flip rate 0.1"
        said = finding("help", kept).numbers[
            f"in the end: {cell}: log10 of a ratio, smallest over largest step size"
        ]
        assert said.split(" ")[0] == f"{found[cell].mean:.3f}".replace("-", "−")[: len(said.split(" ")[0])]


class TestAveraging:
    def test_each_way(self) -> None:
        three = dict.fromkeys(("interior", "everywhere", "boundary"), U)
        assert words(rows(**three))["averaging"] == "reproduced"
        gone = {f"iterates_{region}": U for region in three}
        falling = dict.fromkeys(three, FALLING)
        assert words(rows(**falling, **gone))["averaging"] == "not_reproduced"
        assert words(rows(**{**falling, "boundary": U}, **gone))["averaging"] == "partly"

    def test_without_a_rise_there_is_nothing_to_survive(self) -> None:
        found = finding("averaging", rows(interior=FALLING, everywhere=FALLING, boundary=FALLING))
        assert found.answer == "premise_not_met"
        assert "does not rise in the interior" in found.sentence


class TestBoundaryShare:
    INSIDE, OUTSIDE = (0.3, 0.2, 0.1, 0.1), (0.1, 0.2, 0.3, 0.3)

    def rows(self, interior: Any, boundary: Any, inside: float = 0.5) -> list[dict[str, Any]]:
        """The mean over all inputs is the mixture of both regions."""
        every = tuple(inside * a + (1.0 - inside) * b for a, b in zip(interior, boundary, strict=True))
        made = rows(interior=interior, boundary=boundary, everywhere=every)
        return [{**row, "interior_share": inside} for row in made]

    def test_each_way(self) -> None:
        assert words(self.rows(self.INSIDE, self.OUTSIDE))["boundary_share"] == "reproduced"
        assert words(self.rows(self.OUTSIDE, self.INSIDE))["boundary_share"] == "not_reproduced"
        assert words(self.rows(self.OUTSIDE, self.OUTSIDE, 0.3))["boundary_share"] == "partly"
        assert words(rows())["boundary_share"] == "premise_not_met"

    def test_shares_by_hand(self) -> None:
        numbers = finding("boundary_share", self.rows(self.INSIDE, self.OUTSIDE, 0.6)).numbers
        assert numbers["share of the inputs outside, median"] == pytest.approx(0.4)
        small, large = 0.4 * 0.1 / (0.6 * 0.3 + 0.4 * 0.1), 0.4 * 0.3 / (0.6 * 0.1 + 0.4 * 0.3)
        for name, share in (("smallest", small), ("largest", large)):
            said = str(numbers[f"share at the {name} step size"])
            assert float(said.split(" ")[0]) == pytest.approx(share, rel=1e-2)
