"""The rules of lambda-max-is-not-trace on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.experiments.recovery.departure_runs import DepartureRun, begin
from stepscape.experiments.recovery.lambda_max_is_not_trace import CLAIM
from stepscape.theory.low_rank import flattest_trace

Row = dict[str, Any]
Change = Callable[[Row], Row]
MULTIPLES = (0.95, 1.05, 1.1, 1.2)
TINY = {
    **CLAIM.quick, "d": 5, "ratio": 2.4, "multiples": (0.9, 1.1), "far_multiples": (0.9,), "steps": 3000,
    "records": 3, "seeds": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny() -> Result:
    return run(CLAIM, TINY, workers=1)


def row(problem: str, seed: int, multiple: float, offset: float) -> Row:
    """Above the threshold λ_max is 2/η, and the trace and the error grow with η."""
    beyond = multiple > 1.0
    return {
        "kind": "recovery-departure/1", "problem": problem, "multiple": multiple, "offset": offset,
        "seed": seed, "outcome": "finished", "recovers": True, "loss": 1e-6,
        "distance": (multiple - 0.9) * (1.0 + 0.01 * seed) if beyond else 0.01 * offset,
        "sharpness_ratio": (1.0 - 0.001 * seed) / multiple if beyond else 1.0,
        "trace_ratio": multiple**2 + 0.01 * seed if beyond else 1.0, "edge_ratio": min(multiple, 1.0),
        "end_rank": 2.0, "norm_excess": 0.0,
    }  # fmt: skip


def result(change: Change = dict, seeds: int = 5) -> Result:
    rows = [
        row(problem, seed, multiple, offset)
        for problem in ("gaussian", "completion")
        for seed in range(seeds)
        for offset in (1e-3, 0.1)
        for multiple in MULTIPLES
    ]
    return Result(CLAIM.name, {}, tuple(Run(change(each)) for each in rows))


def finding(part: str, change: Change = dict, seeds: int = 5) -> Finding:
    return CLAIM.judge(result(change, seeds))[part].finding


def word(part: str, change: Change = dict, seeds: int = 5) -> str:
    return CLAIM.judge(result(change, seeds))[part].word(CLAIM.kind)


@pytest.mark.parametrize("part", ["stays", "leaves", "sharpness", "trace", "error"])
def test_as_expected_every_answer_is_yes(part: str) -> None:
    assert word(part) == "yes"


def test_descent_that_does_not_return() -> None:
    assert word("stays", lambda each: {**each, "distance": 0.2 * each["offset"]}) == "no"
    far = CLAIM.judge(result(lambda each: {**each, "distance": each["offset"] ** 2}))["stays"]
    assert far.finding.answer == "yes"  # 0.1² is a tenth of the offset
    assert CLAIM.judge(result(lambda each: {**each, "distance": 0.02}))["stays"].rows["0.001"].answer == "no"
    assert word("stays", lambda each: {**each, "distance": 0.005}) == "it_depends"


def test_descent_that_stays_above_the_threshold() -> None:
    assert word("leaves", lambda each: {**each, "distance": 0.029}) == "no"
    assert word("leaves", lambda each: {**each, "distance": 0.031}) == "yes"
    assert word("leaves", seeds=3) == "undecided"


def test_a_descent_under_way_has_not_left() -> None:
    assert word("leaves", lambda each: {**each, "loss": 2e-3}) == "premise_not_met"
    found = finding("leaves", lambda each: {**each, "loss": 2e-3 if each["multiple"] == 1.2 else 1e-9})
    assert found.numbers["arrived above the threshold"] == 40
    assert found.numbers["not arrived"] == 20


@pytest.mark.parametrize("lost", [{"loss": 1.0}, {"outcome": "diverged", "recovers": None, "loss": None}])
def test_a_few_descents_that_arrive_do_not_speak_for_the_others(lost: Row) -> None:
    found = finding("leaves", lambda each: {**each, **lost} if each["multiple"] > 1.07 else each)
    assert found.answer == "premise_not_met"
    assert "20 of 60 runs above the threshold arrived" in found.sentence


def test_the_question_of_the_claim_is_that_of_its_primary_part() -> None:
    assert CLAIM.claim.endswith("do large steps leave the truth?")
    assert CLAIM.primary.name == "leaves"


@pytest.mark.parametrize(("part", "column"), [("sharpness", "sharpness_ratio"), ("trace", "trace_ratio")])
def test_the_other_side(part: str, column: str) -> None:
    assert word(part, lambda each: {**each, column: 1.0 / each[column]}) == "no"
    assert word(part, lambda each: {**each, column: 1.0}) == "no"

    def only_sensing(each: Row) -> Row:
        return {**each, column: each[column] if each["problem"] == "gaussian" else 1.0 / each[column]}

    assert word(part, only_sensing) == "it_depends"
    assert word(part, seeds=2) == "undecided"


def test_the_smallest_offset_decides() -> None:
    assert (
        word("trace", lambda each: {**each, "trace_ratio": 0.5} if each["offset"] == 0.1 else each) == "yes"
    )


def test_the_error_that_does_not_grow() -> None:
    assert word("error", lambda each: {**each, "distance": 1.0}) == "no"
    assert word("error", lambda each: {**each, "distance": 1.0 / each["multiple"]}) == "no"
    one = {1.1: 1.0, 1.2: 1.0}
    lost = word("error", lambda each: {**each, "loss": one.get(each["multiple"], 1e-6)})
    assert lost == "premise_not_met"


@pytest.mark.parametrize("part", [part.name for part in CLAIM.parts])
@pytest.mark.parametrize("broken", [{"recovers": False}, {"outcome": "failed"}, {"outcome": "diverged"}])
def test_only_finished_runs_whose_flattest_solution_is_the_truth_count(part: str, broken: Row) -> None:
    assert word(part, lambda each: {**each, **broken}) == "premise_not_met"


def test_what_comes_out_of_a_tiny_run(tiny: Result) -> None:
    table = tiny.table
    inside = table.rows(table["multiple"] < 1.0)
    assert (inside["distance"] <= 0.1 * inside["offset"]).all()
    beyond = table.rows((table["multiple"] > 1.0) & (table["recovers"] == 1))
    assert (beyond["distance"] > 0.03).all()
    assert {one["multiple"] for one in tiny.drawn("trace_ratio")} == {0.9, 1.1}


def test_a_row_is_what_it_says(tiny: Result) -> None:
    """The end of a run again, from public functions alone."""
    (one,) = tiny.where(multiple=0.9, offset=0.1, seed=200).runs
    problem = begin(DepartureRun(**{name: one[name] for name in DepartureRun.__struct_fields__}))
    flat = ss.recovery.flattest(problem)
    eta = ss.recovery.stable_step_size(problem, flat.factors)
    assert one["sharpness_ratio"] == pytest.approx(1.0, abs=0.1)
    assert one["edge_ratio"] == pytest.approx(0.9 * one["sharpness_ratio"])
    assert one["sharpness"] == pytest.approx(2.0 * one["sharpness_ratio"] / eta)
    assert one["error"] == pytest.approx(one["distance"], abs=1e-5)
    least = flattest_trace(problem, flat.matrix)
    assert flat.objective * 4.0 == pytest.approx(least, rel=1e-6)
    assert one["trace_ratio"] >= 1.0 - 1e-6


def test_the_same_direction_at_every_offset() -> None:
    from stepscape.experiments.recovery.departure_runs import _beside

    fields = {
        **{n: TINY[n] for n in ("d", "rank", "ratio", "steps", "records")},
        "problem": "gaussian",
        "m": 22,
    }
    factors = ss.Factorization.random((5, 5), 5, seed=1)
    near, far = (
        _beside(factors, DepartureRun(**fields, multiple=1.0, offset=size, seed=3, drawn=False)).parameters
        - factors.parameters
        for size in (0.01, 0.1)
    )
    assert far == pytest.approx(10.0 * near, rel=1e-10)
    assert np.linalg.norm(near) == pytest.approx(0.01 * np.linalg.norm(factors.parameters))


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"multiples": "0"}, "multiples must be positive, got 0.0"),
        ({"offsets": "-1"}, "offsets must be positive, got -1.0"),
        ({"problems": "network"}, "problems must be of gaussian, rademacher, sparse, bilinear, completion"),
        ({"steps": "10"}, "steps must be at least 100, got 10"),
        ({"rank": "11"}, "rank must lie between 1 and d = 10, got 11"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))


def test_the_full_run_has_seeds_that_no_quick_run_has_seen() -> None:
    assert CLAIM.full["first_seed"] + CLAIM.full["seeds"] <= CLAIM.quick["first_seed"]
