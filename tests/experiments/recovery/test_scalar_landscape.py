"""The rules of scalar-landscape on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run, run
from stepscape.experiments.recovery.scalar_landscape import CLAIM
from stepscape.experiments.recovery.scalar_runs import FactorsRun, ScalarRun, begin
from stepscape.objectives import scalar_product

Row = dict[str, Any]
Change = Callable[[Row], Row]
TINY = {**CLAIM.quick, "step_sizes": (0.1, 0.45, 0.55), "steps": 800, "stretches": (0.0, 0.5), "seeds": 3}


@pytest.fixture(scope="module")
def tiny() -> Result:
    return run(CLAIM, TINY, workers=1)


def descent(seed: int, eta: float) -> Row:
    """λ_max at 90 % of 2/η below ½, the swing beyond."""
    return {
        "kind": "scalar-descent/1", "step_size": eta, "seed": seed, "outcome": "finished",
        "loss": 1e-20 if eta < 0.5 else 0.3, "sharpness": 1.8 / eta * (1.0 + 0.01 * seed),
        "threshold": 2.0 / eta, "from_norm": 1e-15, "swing_error": 1e-15 if eta > 0.5 else 1.0,
        "low": 0.8, "high": 1.1,
    }  # fmt: skip


def stretched(seed: int, gauge: str, t: float) -> Row:
    excess = np.cosh(2.0 * t) - 1.0
    return {
        "kind": "scalar-factors/1", "gauge": gauge, "stretch": t, "seed": seed, "outcome": "finished",
        "trace_excess": excess + 1e-15, "norm_excess": excess, "imbalance": 2.0 * np.sinh(2.0 * t),
        "sharpness_excess": excess, "sharpness_error": 1e-15,
    }  # fmt: skip


def word(part: str, change: Change = dict, seeds: int = 5) -> str:
    return CLAIM.judge(result(change, seeds))[part].word(CLAIM.kind)


def result(change: Change = dict, seeds: int = 5) -> Result:
    rows = [descent(seed, eta) for seed in range(seeds) for eta in (0.05, 0.2, 0.45, 0.55, 0.6)]
    rows += [
        stretched(seed, gauge, t) for seed in range(seeds) for gauge in ("all", "second") for t in (0.0, 0.1)
    ]
    return Result(CLAIM.name, {}, tuple(Run(change(each)) for each in rows))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("flat_points", "holds"),
        ("threshold", "holds"),
        ("flatter", "reproduced"),
        ("swing", "holds"),
        ("warm_up", "holds"),
        ("sharpness", "yes"),
    ],
)
def test_as_claimed(part: str, expected: str) -> None:
    assert word(part) == expected


def alone(row: Row, **changes: Any) -> Row:
    """Change one of all descents, or one of all factors."""
    picked = row["seed"] == 2 and (row.get("step_size") in (0.2, 0.55) or row.get("stretch") == 0.1)
    return {**row, **{name: value for name, value in changes.items() if name in row}} if picked else row


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("flat_points", {"from_norm": 2e-5}),
        ("threshold", {"sharpness": 10.02}),
        ("swing", {"swing_error": 2e-6}),
        ("warm_up", {"trace_excess": 1.0}),
        ("warm_up", {"norm_excess": 0.3, "trace_excess": 0.3}),
        ("warm_up", {"imbalance": 5.0}),
        ("sharpness", {"sharpness_excess": 0.0}),
    ],
)
def test_one_counterexample_makes_it_false(part: str, changes: Row) -> None:
    expected = "no" if part == "sharpness" else "false_as_stated"
    assert word(part, lambda row: alone(row, **changes)) == expected


def test_a_minimum_at_the_threshold_is_none_above_it() -> None:
    assert word("threshold", lambda row: alone(row, sharpness=10.005)) == "holds"


def test_larger_steps_that_end_as_sharp() -> None:
    def sharp(row: Row) -> Row:
        return {**row, "sharpness": 5.0 + 1e-3 * row["seed"]} if "step_size" in row else row

    assert word("flatter", sharp) == "not_reproduced"
    assert word("flatter", seeds=2) == "undecided"


def test_a_step_size_at_which_few_descents_arrive_is_no_end() -> None:
    def lost(row: Row) -> Row:
        gone = row.get("step_size") == 0.45 and row["seed"] >= 4
        return {**row, "outcome": "diverged", "loss": 1e9} if gone else row

    found = CLAIM.judge(result(lost, seeds=12))["flatter"].finding
    assert "to 0.2" in found.sentence
    assert "12 seeds" in found.sentence


@pytest.mark.parametrize("part", ["flat_points", "threshold", "flatter"])
def test_descents_on_their_way_do_not_count(part: str) -> None:
    assert word(part, lambda row: {**row, "loss": 1e-6} if "loss" in row else row) == "premise_not_met"


@pytest.mark.parametrize("part", [part.name for part in CLAIM.parts])
def test_nothing_that_diverged_or_failed_counts(part: str) -> None:
    assert word(part, lambda row: {**row, "outcome": "failed"}) == "premise_not_met"


def test_the_swing_is_judged_where_its_period_is_two() -> None:
    def moved(row: Row) -> Row:
        far = row.get("step_size") == 0.6
        return {**row, "step_size": 0.65, "swing_error": 1.0} if far else row

    assert word("swing", moved) == "holds"


def test_what_comes_out_of_a_tiny_run(tiny: Result) -> None:
    words = {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(tiny).items()}
    del words["flatter"]
    assert words.pop("sharpness") == "no"
    assert set(words.values()) == {"holds"}


def test_a_descent_is_what_it_says(tiny: Result) -> None:
    f = scalar_product()
    for one in tiny.where(kind="scalar-descent/1", outcome="finished").runs:
        theta = np.asarray(begin(ScalarRun(**{name: one[name] for name in ScalarRun.__struct_fields__})))
        for _ in range(TINY["steps"]):
            before, theta = theta, theta - one["step_size"] * f.gradient(theta)
        assert (one["x"], one["y"]) == tuple(theta)
        assert one["loss"] == f.loss(theta)
        assert one["low"] == min(np.abs([before, theta]).ravel())
    drawn = tiny.drawn("path")
    assert {one["seed"] for one in drawn} == {200, 201, 202}


def test_factors_are_what_they_say(tiny: Result) -> None:
    table = tiny.of(FactorsRun).table
    balanced = table.where(stretch=0.0)
    assert balanced["trace_excess"] == pytest.approx(np.zeros(len(balanced)), abs=1e-12)
    second = table.where(stretch=0.5, gauge="second")
    assert second["sharpness_excess"] == pytest.approx(np.zeros(len(second)), abs=1e-12)
    assert (second["trace_excess"] > 1e-6).all()
    assert (table["sharpness_error"] < 1e-12).all()
    assert {one["trace_excess"] for one in tiny.where(stretch=0.5, gauge="all").runs} > set()


def test_stretched_factors_make_the_same_matrix() -> None:
    fields = {"d1": 6, "d2": 4, "rank": 2, "gauge": "all", "seed": 7}
    one, other = (begin(FactorsRun(stretch=t, **fields)) for t in (0.0, 1.0))
    assert other.matrix == pytest.approx(one.matrix, abs=1e-12)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"rank": "1"}, "rank must lie between 2 and the smaller of d1 and d2, got 1"),
        ({"reach": "0"}, "reach must be finite and positive, got 0.0"),
        ({"swing_reach": "-1"}, "swing_reach must be finite and positive, got -1.0"),
        ({"step_sizes": "0"}, "step_sizes must be finite and positive, got 0.0"),
        ({"stretches": "-1"}, "stretches must be finite and not negative, got -1.0"),
        ({"gauges": "secnd"}, "unknown gauge 'secnd'; did you mean 'second'"),
        ({"steps": "10"}, "steps must be at least 100, got 10"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))


def test_the_full_run_has_seeds_that_no_quick_run_has_seen() -> None:
    assert CLAIM.full["first_seed"] + CLAIM.full["seeds"] <= CLAIM.quick["first_seed"]
