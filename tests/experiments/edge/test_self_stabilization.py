"""The rules of `self-stabilization` on rows that come out each way, and what a run measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.edge.self_stabilization import CLAIM, NETWORK, TOY
from stepscape.experiments.edge.stabilization_runs import StabilizationRun, ToyRun, measured, work
from stepscape.experiments.frame import Result, Run


def word(part: str, **more: Any) -> str:
    """Verdict on 20 seeds of a network and of the toy; `more` changes all, or with `nine:` 9 seeds."""
    rows = []
    for seed in range(20):
        every = {"seed": seed, "outcome": "finished"}
        net = {
            **NETWORK, **every, "network": "gelu", "edge_reached": True, "initial_edge_ratio": 0.5,
            "explained": 0.9 + 0.001 * seed, "growth_agrees": 0.95, "balance": 1.0 + 0.001 * seed,
        }  # fmt: skip
        toy = {**TOY, **every, "slope": 0.01, "energy_growth": 3.0}
        new = {key.rpartition(":")[2]: x for key, x in more.items() if ":" not in key or seed < 9}
        rows += [Run({**row, **{key: x for key, x in new.items() if key in row}}) for row in (net, toy)]
    return CLAIM.judge(Result("self-stabilization", CLAIM.quick, tuple(rows)))[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("change", {}, "reproduced"),
        ("change", {"explained": 0.5}, "not_reproduced"),
        ("change", {"edge_reached": False}, "premise_not_met"),
        ("change", {"explained": float("nan")}, "premise_not_met"),
        ("growth", {}, "reproduced"),
        ("growth", {"growth_agrees": 0.7}, "not_reproduced"),
        ("balance", {}, "reproduced"),
        ("balance", {"balance": 1.5}, "not_reproduced"),
        ("change", {"nine:outcome": "diverged"}, "not_reproduced"),
        ("change", {"outcome": "diverged"}, "not_reproduced"),
        ("change", {"nine:explained": float("nan")}, "partly"),
        ("growth", {"nine:outcome": "diverged"}, "not_reproduced"),
        ("balance", {"nine:outcome": "diverged"}, "undecided"),
        ("holds", {}, "reproduced"),
        ("holds", {"nine:outcome": "diverged"}, "undecided"),
        ("holds", {"outcome": "diverged"}, "not_reproduced"),
        ("holds", {"nine:edge_reached": False}, "partly"),
        ("holds", {"edge_reached": False}, "premise_not_met"),
        ("toy_grows", {}, "reproduced"),
        ("toy_grows", {"energy_growth": 0.9}, "not_reproduced"),
        ("toy_grows", {"energy_growth": 0.9, "outcome": "diverged"}, "reproduced"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, **change) == expected


def test_forces_that_are_the_whole_truth_explain_everything() -> None:
    """λ' = η(α − ½βx²) exactly: explained is 1; with the sign of the swing's force turned it is not."""
    eta, rng = 0.5, np.random.default_rng(0)
    swing, force, bend = rng.uniform(0.5, 1.0, 60), rng.uniform(0.1, 0.2, 60), np.full(60, 0.5)
    change = eta * (force - 0.5 * bend * swing**2)
    sharpness = 4.0 + np.concatenate([[0.0], np.cumsum(change)[:-1]])
    found = measured(sharpness, swing, force, bend, eta)
    assert found["explained"] == pytest.approx(1.0, abs=1e-12)
    assert found["balance"] == pytest.approx(np.mean(0.25 * swing**2) / np.mean(force), rel=0.05)
    assert measured(sharpness[::-1], swing, force, bend, eta)["explained"] < 0.5
    assert not measured(sharpness, 1e-9 * swing, force, bend, eta)["swings"]


def test_runs_of_both_kinds() -> None:
    toy = work(ToyRun(0.1, 0.01, 20_000, 1000, True), lambda _: None)
    assert toy.numbers["energy_growth"] > 1.0
    steps, energy = toy.arrays["energy"]
    assert steps[[0, -1]].tolist() == [0.0, 20_000.0]
    assert energy[[0, -1]].tolist() == [1.0, toy.numbers["energy_growth"]]
    lost = work(ToyRun(0.1, 0.1, 20_000, 1000, True), lambda _: None)
    assert lost.outcome == "diverged"
    assert lost.arrays["energy"][1, -1] > 1.0
    net = work(StabilizationRun("gelu", 20, 40, 600, 1001, True), lambda _: None)
    assert net.numbers["edge_reached"]
    assert net.arrays["sharpness"].size == 41
