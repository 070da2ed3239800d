"""What is compared in the cells of the logistic claims, and which runs are at the edge."""

from __future__ import annotations

import numpy as np
import pytest

from logistic_rows import FALLING, rows
from stepscape.experiments.frame.cells import Asked
from stepscape.experiments.logistic.cells import (
    TOGETHER,
    around,
    drop,
    intervals,
    pooled,
    saved,
    with_iterates,
    with_shares,
)
from stepscape.experiments.logistic.edge import arrived, at_edge, on_line, started_beyond
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
        assert not arrived(table).any()
        assert at_edge(table) == [0.1, 0.4]

    @pytest.mark.parametrize(("start", "beyond"), [(1.66, False), (1.67, True)])
    def test_beyond_is_above_2_over_the_step_size(self, start: float, beyond: bool) -> None:
        assert started_beyond(Table.from_records(rows(start=start))).any() == beyond

    @pytest.mark.parametrize(("at", "there"), [(500.0, True), (501.0, False), (np.nan, False)])
    def test_to_arrive_takes_at_most_half_of_the_steps(self, at: float, there: bool) -> None:
        assert arrived(Table.from_records(rows(start=0.1, reached_at=(at,) * 4))).any() == there

    @pytest.mark.parametrize("change", [{"outcome": "diverged"}, {"bent": 0}])
    def test_runs_that_learned_nothing_are_nowhere(self, change: dict[str, object]) -> None:
        table = Table.from_records(rows(**change))
        assert not (on_line(table) | started_beyond(table) | arrived(table)).any()
