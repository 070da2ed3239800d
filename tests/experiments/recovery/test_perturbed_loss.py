"""The rules of perturbed-loss on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.experiments.recovery.perturbed_loss import CLAIM
from stepscape.experiments.recovery.perturbed_runs import POINTS, PerturbedRun, begin
from stepscape.objectives import factors as loss_of
from stepscape.theory.low_rank import flat_factors, flattest_trace

Row = dict[str, Any]
Change = Callable[[Row], Row]
TRACES = {"flattest": 2.0, "stretched": 4.0, "other": 3.0}
TINY = {**CLAIM.quick, "d": 5, "rank": 1, "ratio": 2.0, "sizes": (0.1, 1.0), "draws": 40, "seeds": 2}


@pytest.fixture(scope="module")
def tiny() -> Result:
    return run(CLAIM, {**TINY, "problems": ("gaussian", "network", "covariance")}, workers=1)


def row(seed: int, point: str, size: float, quartic: float = 1e-4) -> Row:
    """½ s² tr + c s⁴, measured half a standard error too high."""
    exact, least = (0.5 * trace * size**2 + quartic * size**4 for trace in (TRACES[point], 2.0))
    error = 1e-3 * size**2
    return {
        "kind": "perturbed-loss/2", "problem": "gaussian", "point": point, "size": size, "seed": seed,
        "outcome": "finished", "flattest_status": "optimal",
        "zero_loss": 1e-28, "trace_ratio": TRACES[point] / 2.0, "equal_size": 100.0,
        "exact": exact, "printed": 0.5 * TRACES[point] * size**2, "mean": exact + 0.5 * error,
        "mean_error": error, "exact_difference": exact - least, "difference": exact - least + 0.5 * error,
        "difference_error": error,
    }  # fmt: skip


def result(change: Change = dict, seeds: int = 5, quartic: float = 1e-4) -> Result:
    rows = [
        row(seed, point, size, quartic)
        for seed in range(seeds)
        for point in POINTS
        for size in (0.1, 1.0, 3.0)
    ]
    return Result(CLAIM.name, {}, tuple(Run(change(each)) for each in rows))


def finding(part: str, change: Change = dict, **options: Any) -> Finding:
    return CLAIM.judge(result(change, **options))[part].finding


def word(part: str, change: Change = dict, **options: Any) -> str:
    return CLAIM.judge(result(change, **options))[part].word(CLAIM.kind)


def test_as_claimed() -> None:
    words = {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(result()).items()}
    assert words == {"exact": "holds", "flattest": "holds", "second_order": "reproduced"}


@pytest.mark.parametrize("column", ["mean", "difference"])
def test_an_average_that_is_not_the_polynomial_makes_it_false(column: str) -> None:
    def off(each: Row, errors: float) -> Row:
        return {**each, column: each[column] + errors * each[f"{column}_error"]}

    assert word("exact", lambda each: off(each, 3.9)) == "holds"
    assert word("exact", lambda each: off(each, 4.2)) == "false_as_stated"


def test_one_problem_of_many_may_fail_by_chance() -> None:
    def off(each: Row, failed: int) -> Row:
        return {**each, "mean": each["mean"] + (each["seed"] < failed) * 9.0 * each["mean_error"]}

    assert word("exact", lambda each: off(each, 1), seeds=100) == "holds"
    assert word("exact", lambda each: off(each, 4), seeds=100) == "false_as_stated"


def test_one_point_below_the_flattest_makes_it_false() -> None:
    def below(each: Row, errors: float) -> Row:
        alone = (each["seed"], each["point"], each["size"]) == (2, "other", 3.0)
        return {**each, "difference": -errors * each["difference_error"]} if alone else each

    assert word("flattest", lambda each: below(each, 4.4)) == "holds"
    assert word("flattest", lambda each: below(each, 4.6)) == "false_as_stated"
    assert finding("flattest", lambda each: below(each, 4.6)).numbers["violations"] == 1


def test_a_solution_that_is_not_proved_to_be_the_flattest_is_no_counterexample() -> None:
    def below(each: Row) -> Row:
        lower = {"difference": -0.1, "flattest_status": "undecided"}
        return {**each, **lower} if each["point"] == "other" and each["seed"] == 0 else each

    assert word("flattest", below) == "holds"
    assert word("flattest", lambda each: {**each, "flattest_status": "undecided"}) == "premise_not_met"


def test_noise_that_hides_every_difference_makes_it_vacuous() -> None:
    assert word("flattest", lambda each: {**each, "difference_error": 1e3}) == "vacuous"


def test_it_says_how_many_points_are_seen_above_the_flattest() -> None:
    found = finding("flattest")
    assert found.numbers["share of points with a larger trace whose loss is seen to be larger"] == 1.0
    assert found.numbers["size 1: loss over that of the flattest, median"] == pytest.approx(1.75, abs=0.01)


def test_the_second_order_fails_where_the_fourth_is_large() -> None:
    assert word("second_order", quartic=0.01) == "reproduced"
    assert word("second_order", quartic=0.1) == "partly"  # 3 entries alone
    assert word("second_order", lambda each: {**each, "mean": 2.0 * each["printed"]}) == "not_reproduced"
    assert word("second_order", seeds=2) == "undecided"


@pytest.mark.parametrize("broken", [{"zero_loss": 1e-6}, {"outcome": "failed"}])
def test_points_with_a_loss_do_not_count(broken: Row) -> None:
    judged = CLAIM.judge(result(lambda each: {**each, **broken}))
    assert {each.word(CLAIM.kind) for each in judged.values()} == {"premise_not_met"}


def test_the_flattest_alone_is_compared_with_nothing() -> None:
    assert word("flattest", lambda each: {**each, "point": "flattest"}) == "premise_not_met"


def test_what_comes_out_of_a_tiny_run(tiny: Result) -> None:
    words = {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(tiny).items()}
    assert (words["exact"], words["flattest"]) == ("holds", "holds")
    table = tiny.table
    assert (table["zero_loss"] <= 1e-12).all()
    assert (table["trace_ratio"] >= 1.0 - 1e-8).all()
    constant = table.where(problem="covariance")["trace_ratio"]  # every semidefinite solution is as flat
    assert constant == pytest.approx(np.ones(constant.size), abs=1e-6)
    others = table.rows((table["problem"] != "covariance") & (table["point"] != "flattest"))
    assert (others["trace_ratio"] > 1.01).all()


def test_a_row_is_what_it_says(tiny: Result) -> None:
    """The columns of the flattest point from the objective itself, with other noise."""
    (one,) = tiny.where(problem="gaussian", point="flattest", size=1.0, seed=200).runs
    problem = begin(PerturbedRun(**{name: one[name] for name in PerturbedRun.__struct_fields__}))
    assert problem.truth is not None
    flat, unit = flat_factors(problem, problem.truth), np.mean(problem.labels**2)
    assert one["trace"] == pytest.approx(flattest_trace(problem, problem.truth), rel=1e-6)
    s = np.sqrt(np.mean(flat.parameters**2))
    assert one["noise_size"] == pytest.approx(s, rel=1e-6)
    rng, f = np.random.default_rng(7), loss_of(problem, factors=flat)
    losses = [f.loss(flat.parameters + s * rng.standard_normal(f.size)) for _ in range(400)]
    assert np.mean(losses) / unit == pytest.approx(one["exact"], rel=0.2)
    assert one["printed"] == pytest.approx(0.5 * s**2 * one["trace"] / unit)


def test_both_orders_are_equal_at_that_size(tiny: Result) -> None:
    table = tiny.table
    excess = table["exact"] / table["printed"] - 1.0
    assert excess == pytest.approx((table["size"] / table["equal_size"]) ** 2, rel=1e-6)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"draws": "5"}, "draws must be at least 10, got 5"),
        ({"points": "flattes"}, "unknown point 'flattes'; did you mean 'flattest'"),
        ({"sizes": "0"}, "sizes must be positive, got 0.0"),
        ({"problems": "robust_pca"}, "problems must be measured linearly, got 'robust_pca'"),
        ({"problems": "gausian"}, "unknown problem 'gausian'; did you mean 'gaussian'"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))


def test_problems_are_public() -> None:
    assert ss.problems.matrix_sensing(5, 5, 1, 18, seed=200).labels == pytest.approx(
        begin(next(iter(CLAIM.specs(TINY)))).labels  # type: ignore[arg-type]
    )


def test_the_full_run_has_seeds_that_no_quick_run_has_seen() -> None:
    assert CLAIM.full["first_seed"] + CLAIM.full["seeds"] <= CLAIM.quick["first_seed"]
