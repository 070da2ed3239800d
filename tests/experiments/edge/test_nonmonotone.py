"""The rules of `nonmonotone` on rows that come out each way, and what a run measures."""

from __future__ import annotations

from typing import Any

import pytest

from stepscape.experiments.edge import nonmonotone_runs
from stepscape.experiments.edge.nonmonotone import CLAIM
from stepscape.experiments.edge.nonmonotone_runs import StepsRun, work
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.frame.part import Judged


def judged(part: str, **more: Any) -> Judged:
    """Verdict on 20 seeds of two networks; `more` changes all runs, or with `nine:` 9 of 20 seeds."""
    rows = []
    for network in ("gelu", "relu"):
        for seed in range(20):
            row = {
                "network": network, "seed": seed, "outcome": "finished", "edge_reached": True,
                "initial_edge_ratio": 0.5, "late_edge_ratio": 1.0, "weighted_secant": 0.98 + 0.001 * seed,
                "wrong_signs": 0, "clear_steps": 100, "identity_error": 1e-9, "median_secant": 0.1,
                "rising_share": 0.4 + 0.01 * seed, "late_over_middle": 0.8, "rises_before": 0,
                "steps_before": 100,
            }  # fmt: skip
            for key, value in more.items():
                who, _, column = key.rpartition(":")
                if who in ("", network) or (who == "nine" and seed < 9):
                    row[column] = value
            rows.append(Run(row))
    return CLAIM.judge(Result("nonmonotone", CLAIM.quick, tuple(rows)))[part]


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("at_two_over_eta", {}, "reproduced"),
        ("at_two_over_eta", {"weighted_secant": 0.7}, "not_reproduced"),
        ("at_two_over_eta", {"late_edge_ratio": 0.5}, "premise_not_met"),
        ("at_two_over_eta", {"edge_reached": False}, "premise_not_met"),
        ("at_two_over_eta", {"initial_edge_ratio": 1.5}, "premise_not_met"),
        ("at_two_over_eta", {"nine:late_edge_ratio": 0.85, "nine:weighted_secant": 0.6}, "partly"),
        ("at_two_over_eta", {"nine:outcome": "diverged"}, "not_reproduced"),
        ("at_two_over_eta", {"outcome": "diverged"}, "not_reproduced"),
        ("sign_of_the_change", {}, "holds"),
        ("sign_of_the_change", {"wrong_signs": 1}, "false_as_stated"),
        ("sign_of_the_change", {"network": "relu"}, "premise_not_met"),
        ("descent_identity", {}, "holds"),
        ("descent_identity", {"identity_error": 0.1}, "false_as_stated"),
        ("rises_often", {}, "reproduced"),
        ("rises_often", {"rising_share": 0.01}, "not_reproduced"),
        ("rises_often", {"nine:edge_reached": False}, "partly"),
        ("falls_in_the_long_run", {}, "reproduced"),
        ("falls_in_the_long_run", {"late_over_middle": 1.1}, "not_reproduced"),
        ("falls_in_the_long_run", {"nine:outcome": "diverged"}, "undecided"),
        ("falls_in_the_long_run", {"outcome": "diverged"}, "not_reproduced"),
        ("falls_in_the_long_run", {"nine:late_edge_ratio": 0.5, "nine:late_over_middle": 2.0}, "undecided"),
        ("monotone_before", {}, "reproduced"),
        ("monotone_before", {"rises_before": 3}, "not_reproduced"),
        ("monotone_before", {"steps_before": 0}, "premise_not_met"),
        ("monotone_before", {"nine:steps_before": 0}, "partly"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert judged(part, **change).word(CLAIM.kind) == expected


def test_a_verdict_says_how_many_runs_diverge() -> None:
    found = judged("at_two_over_eta", **{"nine:outcome": "diverged"}).rows["gelu"]
    assert found.sentence.endswith("; 9 of 20 runs that count diverge.")
    assert "diverge" not in judged("at_two_over_eta").rows["gelu"].sentence


def test_the_steps_of_a_smooth_run_obey_the_identity() -> None:
    found = work(StepsRun("gelu", 20, 40, 600, 1001, True), lambda _: None)
    assert found.numbers["identity_error"] < 1e-9
    assert found.numbers["wrong_signs"] == 0
    assert found.numbers["rises_before"] == 0
    assert 0.9 < found.numbers["late_edge_ratio"] < 1.1
    assert found.arrays["loss"].size == 41


def test_a_run_that_diverges_at_the_edge_says_what_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonmonotone_runs, "LARGEST", 0.0)
    lost = work(StepsRun("gelu", 20, 40, 600, 1001, True), lambda _: None)
    assert lost.outcome == "diverged"
    assert lost.numbers["edge_reached"]
    assert lost.numbers["rises_before"] == 0
    assert lost.numbers["steps_before"] > 0
