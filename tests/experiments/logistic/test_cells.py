"""What is compared in the cells of the logistic claims, and which runs are at the edge."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from logistic_rows import ETAS, FALLING, FLAT, RISING, rows
from stepscape.experiments.frame.cells import Asked
from stepscape.experiments.logistic.cells import (
    TOGETHER,
    around,
    by_trend,
    drop,
    intervals,
    pooled,
    saved,
    saves,
    with_iterates,
    with_shares,
)
from stepscape.experiments.logistic.edge import arrived, at_edge, came_up, on_line, started_beyond
from stepscape.tables.records import Table

TABLE = Table.from_records(rows(interior=FALLING))


def test_step_sizes_near_the_end_are_repetitions() -> None:
    near = [{**row, "step_size": 1.1, "excess_risk": 9.0} for row in rows() if row["step_size"] == 1.2]
    table = Table.from_records([*rows(), *near])
    single = around(Table.from_records(rows()), "excess_risk", 1.2)
    assert around(table, "excess_risk", 1.2) == pytest.approx(0.5 * (single + 9.0))
    far = [{**row, "step_size": 1.05} for row in near]
    assert around(Table.from_records([*rows(), *far]), "excess_risk", 1.2) == pytest.approx(single)


def test_differences_and_factors() -> None:
    column = "excess_risk_interior"
    one, other = (TABLE.where(step_size=eta)[column] for eta in (0.01, 1.2))
    assert drop(TABLE, column) == pytest.approx(one - other)
    assert saved(TABLE, column) == pytest.approx(np.log10(one / other))
    assert saved(TABLE, column, (0.4, 1.2)) == pytest.approx(np.log10(0.2 / 0.1), abs=0.03)


def test_the_trend_is_the_line_through_the_logarithms() -> None:
    """A power law has the ratio of its ends, and a hump with equal ends has less than nothing."""
    power = Table.from_records(rows(interior=tuple(eta**-0.3 for eta in ETAS)))
    column = "excess_risk_interior"
    assert by_trend(power, column) == pytest.approx(0.3 * np.log10(120.0), abs=0.02)
    some = by_trend(power, column, (0.1, 0.4, 1.2))
    assert some == pytest.approx(0.3 * np.log10(12.0), abs=0.02)
    steep = Table.from_records(rows(interior=(0.1, 0.1, 0.1, 0.1 * 10.0**0.5)))
    x = np.log10(ETAS) - np.mean(np.log10(ETAS))
    expected = -0.5 * x[-1] / (x @ x) * np.log10(120.0)
    assert by_trend(steep, column) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("values", "answer"),
    [(FALLING, "yes"), (RISING, "no"), ((0.1, 0.5, 0.2, 0.09), "mixed"), (FLAT, "no")],
)
def test_the_ends_and_the_trend_must_agree(values: tuple[float, ...], answer: str) -> None:
    table = Table.from_records(rows(interior=values))
    found = saves(table, {"excess_risk_interior": "less excess risk"}, 0.05)
    assert found.answer == answer
    assert "by the trend over all step sizes it is" in found.sentence
    assert {name.partition(":")[0] for name in found.numbers} <= {"ends", "trend"}


def test_questions_of_a_part_are_simultaneous() -> None:
    table = Table.from_records(rows(interior=FALLING, everywhere=FALLING))
    column = "excess_risk_interior"
    one, two = (
        saves(table, dict.fromkeys(columns, "less"), 0.05).effect
        for columns in ([column], [column, "excess_risk"])
    )
    assert one is not None
    assert two is not None
    shown = [each.interval.high - each.interval.low for each in (one, two)]
    assert shown[1] == pytest.approx(shown[0] * _quantile(4) / _quantile(2))


def _quantile(questions: int, seeds: int = 6) -> float:
    return float(scipy.stats.t.ppf(1.0 - 0.025 / questions, seeds - 1))


def test_the_mean_over_cells_stands_last_and_needs_every_cell() -> None:
    found = Asked({"one": np.array([1.0, 2.0, 3.0, np.nan]), "other": np.array([5.0, 6.0, np.nan, 8.0])})
    shown = intervals(found, 1)
    assert list(shown) == ["one", "other", TOGETHER]
    assert [each.count for each in shown.values()] == [3, 3, 2]
    assert shown[TOGETHER].mean == pooled(found).mean == 3.5
    assert list(intervals(Asked({"one": np.arange(3.0)}), 1)) == ["one"]
    assert pooled(Asked({})).count == 0


def test_the_share_outside_the_interior() -> None:
    """0.6 of the inputs inside with 0.1 of excess risk, 0.4 outside with 0.35: 0.2 in the mean."""
    row = {"interior_share": 0.6, "excess_risk": 0.2, "excess_risk_boundary": 0.35}
    table = with_shares(Table.from_records([row]))
    assert table["outside_share"][0] == pytest.approx(0.4 * 0.35 / 0.2)
    assert table["outside_inputs"][0] == pytest.approx(0.4)
    assert "outside_share" not in with_shares(TABLE)


def test_single_iterates_are_the_mean_of_two() -> None:
    table = with_iterates(TABLE)
    for region in ("", "_interior", "_boundary"):
        assert table[f"excess_risk{region}_iterates"] == pytest.approx(TABLE[f"excess_risk{region}"])


class TestEdge:
    def test_at_the_edge_is_where_most_runs_end(self) -> None:
        assert at_edge(TABLE) == [0.1, 0.4, 1.2]
        some = [{**row, "edge_ratio": 1.0 if row["seed"] < 3 else 1.11} for row in rows()]
        assert at_edge(Table.from_records(some)) == []

    def test_to_start_beyond_is_not_to_be_at_it(self) -> None:
        table = Table.from_records(rows(start=1e4, reached_at=(0.0,) * 4, ratio=(0.94, 1.0, 1.1, 1.3)))
        assert started_beyond(table).all()
        assert not came_up(table).any()
        assert at_edge(table) == [0.1, 0.4]

    @pytest.mark.parametrize(("start", "beyond"), [(1.66, False), (1.67, True)])
    def test_beyond_is_above_2_over_the_step_size(self, start: float, beyond: bool) -> None:
        assert started_beyond(Table.from_records(rows(start=start))).any() == beyond

    @pytest.mark.parametrize(("at", "there"), [(500.0, True), (501.0, False), (np.nan, False)])
    def test_to_arrive_takes_at_most_half_of_the_steps(self, at: float, there: bool) -> None:
        assert came_up(Table.from_records(rows(start=0.1, reached_at=(at,) * 4))).any() == there

    @pytest.mark.parametrize("change", [{"outcome": "diverged"}, {"bent": 0}])
    def test_runs_that_learned_nothing_are_nowhere(self, change: dict[str, object]) -> None:
        table = Table.from_records(rows(**change))
        assert not (on_line(table) | started_beyond(table) | came_up(table)).any()


class TestArrived:
    @pytest.mark.parametrize(
        ("function", "ratio", "there"),
        [(0.05, 0.05, True), (0.051, 0.0, False), (0.0, 0.051, False), (np.nan, 0.0, False)],
    )
    def test_neither_f_nor_the_ratio_moves(self, function: float, ratio: float, there: bool) -> None:
        moved = [{**row, "function_moved": function, "edge_moved": ratio} for row in rows()]
        assert arrived(Table.from_records(moved), 0.05, 0.05).all() == there

    def test_runs_that_learned_nothing_have_not_arrived(self) -> None:
        dead = [{**row, "function_moved": 0.0, "edge_moved": 0.0} for row in rows(bent=0)]
        assert not arrived(Table.from_records(dead), 0.05, 0.05).any()
        assert not arrived(Table.from_records(rows(outcome="diverged")), 0.05, 0.05).any()
