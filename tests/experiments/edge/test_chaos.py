"""The rules of `chaos` on rows that come out each way, and its toys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.edge.chaos import CLAIM, NETWORK, RIPPLES, WELL
from stepscape.experiments.edge.chaos_runs import RippleRun, WellRun, work
from stepscape.experiments.frame import Result, Run


def rows(**more: Any) -> list[Run]:
    """Runs of the three kinds; `more` changes them all."""
    out = []
    for seed in range(6):
        every = {"seed": seed, "outcome": "finished"}
        out.append({
            **NETWORK, **every, "step_size": 0.4, "width": 50, "bent_neurons": 20, "edge_reached": True,
            "rate": 0.0001 * (seed - 2.5), "most_decades": 2.0, "decades": 1.0, "edge_ratio": 1.0,
            "size": 1e-12, "moved": 5.0, "steps": 3000,
        })  # fmt: skip
        bowl = {
            **RIPPLES, **every, "step_size": 0.2, "exponent_limit": 11.513,
            "variance": 0.0555 + 1e-5 * seed, "variance_limit": 0.05556,
        }  # fmt: skip
        out += [
            {**bowl, "ripple": 1e-6, "exponent": 11.5 + 0.01 * seed},
            {**bowl, "ripple": 1.0, "exponent": -0.2},
        ]
        wells = ((0.8, -0.5), (1.2, -0.4), (1.4, 0.3))
        out += [{**WELL, **every, "step_size": eta, "exponent": x, "swing_error": 1e-12} for eta, x in wells]
    return [Run({**row, **{key: x for key, x in more.items() if key in row}}) for row in out]


def word(part: str, **more: Any) -> str:
    return CLAIM.judge(Result("chaos", CLAIM.quick, tuple(rows(**more))))[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("network", {}, "not_reproduced"),
        ("network", {"rate": 0.01}, "reproduced"),
        ("network", {"edge_reached": False}, "premise_not_met"),
        ("network", {"bent_neurons": 0}, "premise_not_met"),
        ("stays_tiny", {}, "yes"),
        ("stays_tiny", {"most_decades": 5.1}, "no"),
        ("ripples_exponent", {}, "reproduced"),
        ("ripples_exponent", {"exponent": 11.3}, "not_reproduced"),
        ("ripples_exponent", {"ripple": 0.1}, "premise_not_met"),
        ("ripples_variance", {}, "reproduced"),
        ("ripples_variance", {"variance": 0.06}, "not_reproduced"),
        ("wide_ripples", {}, "reproduced"),
        ("wide_ripples", {"exponent": 0.1}, "not_reproduced"),
        ("double_well", {}, "reproduced"),
        ("double_well", {"swing_error": 1e-3}, "partly"),
        ("double_well", {"exponent": -0.1}, "partly"),
        ("double_well", {"step_size": 0.8}, "premise_not_met"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, **change) == expected


def judged(part: str, runs: list[dict[str, Any]]) -> str:
    return CLAIM.judge(Result("chaos", CLAIM.quick, tuple(map(Run, runs))))[part].word(CLAIM.kind)


def at(eta: float, seeds: int = 12, **more: Any) -> list[dict[str, Any]]:
    """Runs of the network at one step size."""
    row = next(run.row for run in rows() if run.is_(**NETWORK))
    return [
        {**row, "seed": seed, "step_size": eta, "rate": 1e-5 * (-1) ** seed, **more} for seed in range(seeds)
    ]


def test_growth_at_one_step_size_and_decay_at_another_is_not_no_growth() -> None:
    assert judged("network", at(0.1) + at(0.4)) == "not_reproduced"
    assert judged("network", at(0.1, rate=-0.01) + at(0.4, rate=0.01)) == "partly"


def test_a_change_as_large_as_the_way_has_nowhere_to_grow() -> None:
    """The slope over the last half is then 0, though it grew by twelve decades."""
    full: dict[str, Any] = {"rate": 0.0, "decades": 12.0, "most_decades": 12.5}
    assert judged("network", at(0.4, **full)) == "reproduced"
    assert judged("network", at(0.4, **{**full, "decades": -1.0})) == "not_reproduced"
    assert judged("network", at(0.4, **{**full, "decades": 6.0, "rate": -0.01})) == "not_reproduced"
    assert judged("network", at(0.4, rate=np.nan, decades=-300.0)) == "not_reproduced"


@pytest.mark.parametrize("change", [{"bent_neurons": 0}, {"outcome": "diverged"}])
def test_a_step_size_that_is_lost_makes_a_yes_partial(change: dict[str, Any]) -> None:
    assert judged("network", at(0.1, rate=0.01) + at(0.4, rate=0.01)) == "reproduced"
    assert judged("network", at(0.1, rate=0.01) + at(0.4, rate=0.01, **change)) == "partly"
    assert judged("stays_tiny", at(0.1) + at(0.4, **change)) == "it_depends"


def test_few_runs_at_the_edge_say_nothing() -> None:
    calm = [{**row, "edge_reached": row["seed"] < 5} for row in at(0.4, rate=0.01)]
    assert judged("network", calm) == "premise_not_met"


@pytest.mark.parametrize(
    ("part", "column"), [("ripples_exponent", "exponent"), ("ripples_variance", "variance")]
)
def test_errors_of_opposite_sign_are_not_the_limit(part: str, column: str) -> None:
    narrow = [run.row for run in rows() if run.is_(**RIPPLES) and run["ripple"] < 1e-3]
    off = [
        {**row, "ripple": ripple, column: row[f"{column}_limit"] * (1.0 + way * 0.1)}
        for row in narrow for ripple, way in ((1e-6, 1.0), (1e-5, -1.0))
    ]  # fmt: skip
    assert judged(part, off) == "not_reproduced"


def test_runs_of_the_double_well_that_diverge_are_not_chaotic_and_a_swing_is_needed() -> None:
    wells = [dict(run.row) for run in rows() if run.is_(**WELL)]
    lost = [
        {**row, "outcome": "diverged"} if row["step_size"] == 1.4 and row["seed"] else row for row in wells
    ]
    assert judged("double_well", lost) == "partly"
    assert judged("double_well", [row for row in wells if row["step_size"] != 1.2]) == "premise_not_met"


def test_narrow_ripples_have_the_variance_and_the_exponent_of_the_limit() -> None:
    found = work(RippleRun(1e-7, 2000, 300, 3, 0.3, True), lambda _: None)
    assert found.numbers["exponent_limit"] == pytest.approx(np.log(0.3 / 2e-7))
    assert found.numbers["variance_limit"] == pytest.approx(0.3 / 3.4)
    assert found.numbers["exponent"] == pytest.approx(found.numbers["exponent_limit"], rel=0.01)
    assert found.numbers["variance"] == pytest.approx(found.numbers["variance_limit"], rel=0.02)
    assert found.arrays["density"].sum() * 0.15 == pytest.approx(1.0, abs=0.02)


def test_the_double_well_swings_where_derived_and_is_chaotic_later() -> None:
    swing, chaotic, calm = (work(WellRun(2000, 1, eta, True), lambda _: None) for eta in (1.2, 1.4, 0.8))
    assert swing.numbers["swing_error"] < 1e-9
    assert swing.numbers["exponent"] == pytest.approx(0.5 * np.log(abs(9.0 - 2.0 * 2.2**2)), abs=0.01)
    assert chaotic.numbers["exponent"] > 0.1
    assert calm.numbers["exponent"] == pytest.approx(np.log(0.6), abs=0.01)
    assert work(WellRun(500, 1, 3.0, False), lambda _: None).outcome == "diverged"
