"""The rules of training-to-flatness on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.experiments.recovery.training_runs import (
    ARMS,
    TINY,
    Flattest,
    TrainingRun,
    begin,
    trace_fall,
    training,
)
from stepscape.experiments.recovery.training_to_flatness import CLAIM, NOISY
from stepscape.objectives import factors as loss_of
from stepscape.recovery import Training

Row = dict[str, Any]
Change = Callable[[Row], Row]
SCALES = (1.0, 2.0)
SHORT = {**CLAIM.quick, "d": 5, "ratio": 2.4, "steps": 2500, "records": 10, "seeds": 2, "scales": SCALES}


@pytest.fixture(scope="module")
def tiny() -> Result:
    return run(
        CLAIM, {**SHORT, "arms": ("small_steps", "trace_penalty", "weight_decay", "tiny_start")}, workers=1
    )


def row(problem: str, seed: int, arm: str, scale: float) -> Row:
    """Small steps end at twice the trace, all else is better: penalties at their own optimum."""
    trace = {"small_steps": 2.0 * scale, "trace_penalty": 1.0 + 1e-8, "weight_decay": 1.001}.get(arm, 1.005)
    wobble = 1.0 + 0.001 * seed
    return {
        "kind": "recovery-training/1", "problem": problem, "arm": arm, "seed": seed, "outcome": "finished",
        "scale": TINY if arm == "tiny_start" else scale, "recovers": True, "loss": 1e-8,
        "trace_ratio": trace * wobble if arm == "small_steps" else trace, "distance": 1e-4,
        "sharpness_ratio": 1.5 * wobble if arm == "small_steps" else 0.9, "edge_ratio": 0.5,
        "norm_excess": {"weight_decay": 1e-12}.get(arm, 1e-3), "frobenius_ratio": 1.0, "imbalance": 0.1,
        "end_rank": 2.0, "falling": 0.0,
    }  # fmt: skip


def result(change: Change = dict, seeds: int = 5) -> Result:
    pairs = [(arm, 1.0) for arm in ARMS] + [("small_steps", 2.0), ("large_steps", 2.0)]
    rows = [
        row(problem, seed, arm, scale)
        for problem in ("gaussian", "completion")
        for seed in range(seeds)
        for arm, scale in pairs
    ]
    return Result(CLAIM.name, {"scales": SCALES}, tuple(Run(change(each)) for each in rows))


def word(part: str, change: Change = dict, seeds: int = 5) -> str:
    return CLAIM.judge(result(change, seeds))[part].word(CLAIM.kind)


def finding(part: str, change: Change = dict) -> Finding:
    return CLAIM.judge(result(change))[part].finding


def of(arm: str, change: Change) -> Change:
    """Change the rows of one arm."""
    return lambda each: change(each) if each["arm"] == arm else each


def test_as_expected() -> None:
    words = {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(result()).items()}
    assert words.pop("others") == "it_depends"  # small steps do not end there
    assert set(words.values()) == {"yes"}


@pytest.mark.parametrize(
    "miss",
    [
        {"trace_ratio": 1.0002},
        {"distance": 2e-3},
        {"outcome": "diverged", **dict.fromkeys(("recovers", "loss", "trace_ratio", "distance"))},
    ],
)
def test_a_penalty_that_ends_elsewhere(miss: Row) -> None:
    assert word("penalty", of("trace_penalty", lambda each: {**each, **miss})) == "no"
    one_problem = of(
        "trace_penalty", lambda each: {**each, **miss} if each["problem"] == "gaussian" else each
    )
    assert word("penalty", one_problem) == "it_depends"


def test_the_penalty_needs_seeds() -> None:
    assert word("penalty", seeds=3) == "undecided"


def test_all_other_methods_or_none() -> None:
    near = {"trace_ratio": 1.009, "distance": 0.02}
    assert word("others", lambda each: {**each, **near}) == "yes"
    assert word("others", lambda each: {**each, "distance": 0.04}) == "no"
    found = finding("others", of("sam", lambda each: {**each, "trace_ratio": 1.02}))
    assert "SAM: none of 10 runs ends at the flattest solution" in found.sentence


def test_every_start_counts() -> None:
    def wide(each: Row) -> Row:
        return {**each, "distance": 1.0 if each["scale"] == 2.0 else 0.0, "trace_ratio": 1.0}

    assert word("others", wide) == "it_depends"
    extra = [Run({**run.row, "scale": 2.0, "distance": 1.0}) for run in result().runs
             if run["arm"] == "trace_penalty"]  # fmt: skip
    found = CLAIM.judge(Result(CLAIM.name, {"scales": SCALES}, (*result().runs, *extra)))["penalty"]
    assert found.word(CLAIM.kind) == "undecided"  # from half of the starts it does not end there


def test_a_run_under_way_is_neither_there_nor_elsewhere() -> None:
    late = of("trace_penalty", lambda each: {**each, "loss": 1e-2, "trace_ratio": 1.3})
    assert word("penalty", late) == "undecided"


def test_a_trace_that_still_falls_is_neither_there_nor_elsewhere() -> None:
    def far(each: Row, fall: float) -> Row:
        return {**each, "trace_ratio": 1.3, "falling": fall}

    assert word("penalty", of("trace_penalty", lambda each: far(each, 0.02))) == "undecided"
    assert word("penalty", of("trace_penalty", lambda each: far(each, 0.005))) == "no"
    assert word("penalty", of("trace_penalty", lambda each: {**each, "falling": 0.02})) == "yes"


def test_the_fall_of_the_trace_is_that_of_the_middle_fifth_of_the_steps() -> None:
    path = SimpleNamespace(at_steps=np.arange(0.0, 101.0, 10.0), trace_ratio=[2.0 - np.arange(11) / 10.0])
    assert trace_fall(path, 100) == pytest.approx(1.0 - 1.4 / 1.6)  # type: ignore[arg-type]


def test_at_a_solution_the_trace_does_not_fall(tiny: Result) -> None:
    table = tiny.where(outcome="finished").table
    assert np.abs(table.where(arm="small_steps")["falling"]).max() < 5e-3  # at a solution little moves
    assert table.where(arm="trace_penalty")["falling"].max() < 1.0


def test_the_full_size_has_a_family_of_starts() -> None:
    assert min(CLAIM.full["scales"]) < 1.0 < max(CLAIM.full["scales"])
    assert {"small_steps", "large_steps", "trace_penalty"} <= set(CLAIM.full["wide_arms"])


@pytest.mark.parametrize(
    ("arm", "column", "value"),
    [
        ("trace_penalty", "trace_ratio", 1.001),
        ("trace_penalty", "norm_excess", 1e-12),
        ("weight_decay", "norm_excess", 2e-4),
        ("weight_decay", "trace_ratio", 1.0),
    ],
)
def test_penalties_that_cannot_be_told_apart(arm: str, column: str, value: float) -> None:
    assert word("weight_decay", of(arm, lambda each: {**each, column: value})) == "no"


def test_penalties_are_compared_with_the_same_problem_and_seed() -> None:
    gone = of("weight_decay", lambda each: {**each, "loss": 1.0 if each["problem"] == "gaussian" else 1e-9})
    found = finding("weight_decay", gone)
    assert (found.answer, found.numbers["undecided"]) == ("undecided", 5)  # five pairs of ten are not known
    assert word("weight_decay", of("weight_decay", lambda each: {**each, "loss": 1.0})) == "premise_not_met"


@pytest.mark.parametrize(("part", "column"), [("sharpness", "sharpness_ratio"), ("trace", "trace_ratio")])
def test_large_steps(part: str, column: str) -> None:
    assert word(part, of("large_steps", lambda each: {**each, column: 9.0})) == "no"

    def from_one(each: Row) -> Row:
        return {**each, column: 5.0} if each["scale"] == 1.0 else each

    assert word(part, of("large_steps", from_one)) == "it_depends"
    assert word(part, of("large_steps", lambda each: {**each, "loss": 1.0})) == "premise_not_met"
    assert word(part, seeds=2) == "undecided"


def test_noise() -> None:
    assert word("noise", of("sam", lambda each: {**each, "trace_ratio": 2.5})) == "it_depends"
    assert word("noise", lambda each: {**each, "trace_ratio": 3.0} if each["arm"] in NOISY else each) == "no"
    without = word("noise", lambda each: {**each, "arm": "weight_decay"} if each["arm"] in NOISY else each)
    assert without == "premise_not_met"


@pytest.mark.parametrize("part", [part.name for part in CLAIM.parts])
def test_problems_with_another_flattest_solution_do_not_count(part: str) -> None:
    assert word(part, lambda each: {**each, "recovers": False}) == "premise_not_met"


def test_what_comes_out_of_a_tiny_run(tiny: Result) -> None:
    table = tiny.table.where(scale=1.0)
    known = table.rows(table["recovers"] == 1)
    penalty, small = (known.where(arm=arm) for arm in ("trace_penalty", "small_steps"))
    assert (np.abs(penalty["trace_ratio"] - 1.0) < 1e-3).all()
    assert (small["trace_ratio"] > 1.05).all()
    assert set(tiny.table["scale"].tolist()) == {1.0, 2.0, TINY}
    assert {one["seed"] for one in tiny.drawn("trace_ratio")} == {200}


def test_a_row_is_what_it_says(tiny: Result) -> None:
    """The end of one run again, from public functions alone."""
    (one,) = tiny.where(arm="weight_decay", seed=200, scale=1.0).runs
    problem, start = begin(TrainingRun(**{name: one[name] for name in TrainingRun.__struct_fields__}))
    found = ss.recovery.flattest(problem)
    eta = 0.5 * ss.recovery.stable_step_size(problem, found.factors)
    decay = 0.1 * ss.recovery.weight_decay_limit(problem)
    path = ss.recovery.train_factors(
        problem, [start], Training(eta, SHORT["steps"], weight_decay=decay), 1250
    )
    end = path.factors[0]
    f = loss_of(problem, factors=end)
    H = np.array([f.hessian(end.parameters).product(unit) for unit in np.eye(f.size)])
    flat = loss_of(problem, factors=found.factors)
    F = np.array([flat.hessian(found.factors.parameters).product(unit) for unit in np.eye(flat.size)])
    assert one["trace_ratio"] == pytest.approx(np.trace(H) / np.trace(F), rel=1e-6)
    assert one["sharpness_ratio"] == pytest.approx(
        np.linalg.eigvalsh(H)[-1] / np.linalg.eigvalsh(F)[-1], rel=1e-5
    )
    assert one["frobenius_ratio"] == pytest.approx(np.linalg.norm(H) / np.linalg.norm(F), rel=1e-6)
    assert one["edge_ratio"] == pytest.approx(0.5 * eta * np.linalg.eigvalsh(H)[-1], rel=1e-5)
    assert one["error"] == pytest.approx(problem.error(end.matrix), abs=1e-9)


def test_arms_are_what_they_say() -> None:
    flat = Flattest.of(ss.problems.matrix_sensing(5, 5, 1, 40, seed=1))
    made = {name: training(arm, flat, 100) for name, arm in ARMS.items()}
    assert [made[name].batch for name in NOISY] == [1, 2, 5, 5, None]
    assert [name for name, each in made.items() if each.trace_penalty] == ["estimated_trace", "trace_penalty"]
    assert [name for name, each in made.items() if not each.replacement] == ["sgd_reshuffled"]
    assert made["large_steps"].step_size == pytest.approx(1.1 * flat.step_size)
    limit = ss.recovery.trace_penalty_limit(flat.problem)
    assert made["trace_penalty"].trace_penalty == pytest.approx(0.1 * limit)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"arms": "large_step"}, "unknown arm 'large_step'; did you mean 'large_steps'"),
        ({"wide_arms": "sgd"}, "unknown arm 'sgd'"),
        ({"scales": "0"}, "scales must be positive, got 0.0"),
        (
            {"problems": "covariance"},
            "problems must be of gaussian, rademacher, sparse, bilinear, completion",
        ),
        ({"records": "0"}, "records must be at least 1, got 0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))


def test_the_full_run_has_seeds_that_no_quick_run_has_seen() -> None:
    assert CLAIM.full["first_seed"] + CLAIM.full["seeds"] <= CLAIM.quick["first_seed"]


def test_a_problem_in_which_few_pairs_arrive_is_not_asked() -> None:
    def lost(each: Row) -> Row:
        return {**each, "loss": 1.0} if each["problem"] == "gaussian" and each["seed"] > 1 else each

    cells = " ".join(finding("trace", of("large_steps", lost)).numbers)
    assert "matrix completion" in cells
    assert "Gaussian" not in cells
