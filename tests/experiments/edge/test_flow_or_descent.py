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
            "flow_error": 1e-3, "flow_solved": True, "time": 60.0,
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
        ("parts_at_the_crossing", {"parted": np.nan}, "not_reproduced"),
        ("parts_at_the_crossing", {"crossed": 31.0, "parted": 40.0}, "premise_not_met"),
        ("parts_at_the_crossing", {"flow_error": 0.003}, "premise_not_met"),
        ("parts_at_the_crossing", {"initial_edge_ratio": 0.95}, "premise_not_met"),
        ("parts_at_the_crossing", {"edge_reached": False}, "premise_not_met"),
        ("parts_at_the_crossing", {"flow_solved": False}, "premise_not_met"),
        ("before", {}, "reproduced"),
        ("before", {"gap_before": 0.021}, "not_reproduced"),
        ("before", {"edge_reached": False}, "premise_not_met"),
        ("after", {}, "reproduced"),
        ("after", {"gap_after": 0.1}, "not_reproduced"),
        ("function", {}, "reproduced"),
        ("function", {"function_gap": 0.09}, "not_reproduced"),
        ("function", {"bent_neurons": 0}, "premise_not_met"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, **change) == expected


def judged(part: str, runs: list[dict[str, Any]]) -> str:
    result = Result("flow-or-descent", CLAIM.quick, tuple(map(Run, runs)))
    return CLAIM.judge(result)[part].word(CLAIM.kind)


def test_leaving_early_and_late_is_not_leaving_on_time() -> None:
    """At one step size ten times too early, at the other ten times too late: the mean logarithm is 0."""
    runs = [{**run.row, "time": 600.0, "parted": 1.0 if run["step_size"] == 0.1 else 100.0} for run in rows()]
    assert judged("parts_at_the_crossing", runs) == "not_reproduced"
    one = [{**row, "parted": 10.0} if row["step_size"] == 0.1 else row for row in runs]
    assert judged("parts_at_the_crossing", one) == "undecided"


def test_one_run_that_parts_does_not_speak_for_those_that_never_do() -> None:
    runs = [{**run.row, "parted": 12.0 if run["seed"] < 3 else np.nan} for run in rows(seeds=20)]
    assert judged("parts_at_the_crossing", runs) == "not_reproduced"


@pytest.mark.parametrize("part", ["parts_at_the_crossing", "before", "after", "function"])
@pytest.mark.parametrize("change", [{"flow_solved": False}, {"bent_neurons": 0}, {"outcome": "diverged"}])
def test_runs_without_a_flow_make_a_yes_partial_and_then_none(part: str, change: dict[str, Any]) -> None:
    for lost, word in ((1, "reproduced"), (6, "partly"), (12, "premise_not_met")):
        runs = [{**run.row, **(change if run["seed"] < lost else {})} for run in rows(seeds=20)]
        assert judged(part, runs) == word


@pytest.mark.parametrize("part", ["parts_at_the_crossing", "before", "after", "function"])
def test_a_few_seeds_that_cross_do_not_speak_for_all(part: str) -> None:
    runs = [{**run.row, "edge_reached": run["seed"] < 5} for run in rows(seeds=20)]
    assert judged(part, runs) == "partly"


def test_runs_that_never_cross_do_not_hide_those_that_leave_before_they_cross() -> None:
    calm = [
        {**run.row, "edge_reached": False, "step_size": eta, "crossed": np.nan}
        for run in rows(seeds=20) if run["step_size"] == 0.1 for eta in np.linspace(0.01, 0.09, 10)
    ]  # fmt: skip
    early = [{**run.row, "gap_before": 0.5} for run in rows(seeds=20) if run["step_size"] == 0.4]
    assert judged("before", calm + early) == "not_reproduced"
    open_ = [{**row, "gap_before": 0.5 if row["seed"] % 2 else 0.0} for row in early]
    assert judged("before", calm + open_) == "undecided"
    lost = [{**row, "gap_before": 0.5} for row in calm]
    assert judged("before", lost + [run.row for run in rows(seeds=20)]) == "partly"
    assert judged("before", calm) == "premise_not_met"


def test_another_function_at_one_step_size_is_not_one_at_all() -> None:
    runs = [{**run.row, "function_gap": 2.0 if run["step_size"] == 0.4 else 0.0} for run in rows(seeds=20)]
    assert judged("function", runs) == "undecided"


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
