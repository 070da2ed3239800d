"""The rules of `flow-or-descent` on rows that come out each way, and what a run measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape import dynamics
from stepscape.experiments.edge.flow_or_descent import CLAIM
from stepscape.experiments.edge.flow_runs import _before, _partings, grid, work
from stepscape.experiments.frame import Result, Run


def rows(seeds: int = 8, **more: Any) -> list[Run]:
    return [
        Run({
            "seed": seed, "step_size": eta, "width": 50, "outcome": "finished", "bent_neurons": 20,
            "edge_reached": True, "crossed": 10.0, "parted": 12.0 + 0.1 * seed, "gap_before": 0.01,
            "gap_after": 0.5, "function_gap": 0.3 + 0.01 * seed, "initial_edge_ratio": 0.5,
            "flow_error": 1e-3, "flow_solved": True,
            **more,
        })
        for seed in range(seeds)
        for eta in (0.1, 0.4)
    ]  # fmt: skip


def word(part: str, **more: Any) -> str:
    result = Result("flow-or-descent", CLAIM.quick, tuple(rows(**more)))
    return CLAIM.judge(result)[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("parts_at_the_crossing", {}, "reproduced"),
        ("parts_at_the_crossing", {"parted": 21.0}, "not_reproduced"),
        ("parts_at_the_crossing", {"parted": 4.9}, "not_reproduced"),
        ("parts_at_the_crossing", {"parted": np.nan}, "premise_not_met"),
        ("parts_at_the_crossing", {"edge_reached": False}, "premise_not_met"),
        ("parts_at_the_crossing", {"flow_solved": False}, "premise_not_met"),
        ("before", {}, "reproduced"),
        ("before", {"gap_before": 0.021}, "not_reproduced"),
        ("after", {}, "reproduced"),
        ("after", {"gap_after": 0.1}, "not_reproduced"),
        ("function", {}, "reproduced"),
        ("function", {"function_gap": 0.09}, "not_reproduced"),
        ("function", {"bent_neurons": 0}, "premise_not_met"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, **change) == expected


def test_times_of_crossing_and_parting() -> None:
    distance = np.array([0.0, 0.5, 0.1, 0.3, 2.0])
    gap = dynamics.Gap(
        np.arange(5.0), distance, distance, np.array([0.0, 4.0, 6.0, 8.0, 10.0]), 0.0 * distance
    )
    ratio = np.array([0.1, 0.5, 0.96, 0.9, 1.2])
    found = _partings(gap, ratio)
    assert (found["crossed"], found["parted"], found["far"]) == (2.0, 3.0, 4.0)
    assert _before(gap, ratio) == {"gap_before": pytest.approx(0.05), "gap_after": pytest.approx(0.2)}
    inside = _partings(gap, 0.5 * ratio)
    assert not inside["edge_reached"]
    assert np.isnan(inside["crossed"])


def test_small_steps_stay_near_the_flow_and_a_tiny_change_stays_tiny() -> None:
    spec = grid({**CLAIM.quick, "time": 10.0, "records": 20, "width": 12, "step_sizes": (0.01, 0.4)})[0]
    found = work(spec, lambda _: None).numbers
    assert found["gap_before"] < 0.01
    assert found["flow_error"] <= 2e-3
    assert not found["edge_reached"]
    assert found["separation"] < 1e-10
