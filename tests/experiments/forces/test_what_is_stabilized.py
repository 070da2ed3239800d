"""The rules of `what-is-stabilized` on rows that come out each way, and its runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape import methods
from stepscape.errors import InputError
from stepscape.experiments.forces.matched import apart, pair
from stepscape.experiments.forces.method_runs import MethodRun, begin, grid, work
from stepscape.experiments.forces.what_is_stabilized import CLAIM
from stepscape.experiments.frame import Result, Run

GRID = np.linspace(-1.0, 1.0, 5)
SPEC: dict[str, Any] = {
    "truth": "tent", "n": 12, "noise": 0.5, "half_width": 3.0, "width": 20, "steps": 40, "records": 4,
    "step_size": 0.1, "largest_step_size": 0.4, "method": "sgd", "strength": 3.0, "rank": 1, "seed": 2,
}  # fmt: skip


def rows(
    method: str, seeds: int = 8, shift: float = 0.0, noise: float = 0.0, falling: bool = True, **more: Any
) -> list[Run]:
    """Runs of a method at three strengths; curves lie `shift` from those of descent, ± `noise`."""
    found = []
    for rank in range(3):
        for seed in range(seeds):
            wiggle = noise * (-1) ** seed
            tv = 4.0 / 2.0**rank
            row = {
                "kind": "method/1", "half_width": 3.0, "noise": 0.5, "width": 50, "method": method,
                "rank": rank, "strength": float(rank), "seed": seed, "outcome": "finished",
                "bent_neurons": 30,
                "weighted_tv": tv * 1.1 if method != "descent" else tv, "edge_ratio": 1.0, "batch_ratio": 1.0,
                "trace": 10.0 / 2.0 ** (rank if falling else 0), "risk": 0.1 + 0.25 * wiggle,
                "start_ratio": 0.5, **more,
            }  # fmt: skip
            found.append(Run(row, {"grid": GRID, "solution": np.sin(GRID) * tv + 0.5 * (shift + wiggle)}))
    return found


def words(**of: Mapping[str, Any]) -> dict[str, str]:
    """Words with descent from two starts, and the methods given."""
    every = {"descent": {}, "other_start": {}, **of}
    runs = tuple(run for name, more in every.items() for run in rows(name, **more))  # type: ignore[arg-type]
    judged = CLAIM.judge(Result("what-is-stabilized", CLAIM.quick, runs))
    return {name: each.word(CLAIM.kind) for name, each in judged.items()}


def test_methods_that_are_descent() -> None:
    assert set(words(sgd={}, sgd_replacement={}, sam={}).values()) == {"yes", "no"}
    found = words(sgd={}, sgd_replacement={}, sam={})
    assert found.pop("risk") == "no"
    assert set(found.values()) == {"yes"}


def test_methods_that_are_not() -> None:
    other = {"edge_ratio": 0.4, "batch_ratio": 0.5, "shift": 1.0, "risk": 0.3, "falling": False}
    found = words(sgd=other, sgd_replacement=other)
    assert found == {
        "sharpness": "it_depends", "batch_sharpness": "no", "trace": "it_depends", "same_trace": "no",
        "same_curve": "no", "risk": "yes",
    }  # fmt: skip


def test_what_the_seeds_do_not_settle() -> None:
    found = words(sam={"noise": 0.5})
    assert (found["same_curve"], found["risk"]) == ("no", "undecided")  # 0.5 away, on either side
    assert found["batch_sharpness"] == "premise_not_met"


def test_one_method_without_effect_does_not_settle_the_others() -> None:
    assert words(sgd={}, sam={"noise": 0.5})["risk"] == "undecided"


def test_another_start_of_descent_is_the_yardstick() -> None:
    assert words(other_start={"shift": 0.5}, sam={"shift": 0.55})["same_curve"] == "yes"
    assert words(other_start={"shift": 0.5}, sam={"shift": 0.7})["same_curve"] == "no"


def test_a_curve_closer_than_that_of_another_start_is_found_too() -> None:
    assert words(other_start={"shift": 0.5}, sam={"shift": 0.0})["same_curve"] == "yes"


def test_two_starts_far_apart_are_no_yardstick() -> None:
    far = words(other_start={"shift": 1.1}, sam={"shift": 1.1})
    assert far["same_curve"] == "premise_not_met"


Change = Callable[[dict[str, Any]], dict[str, Any]]


def changed(of: Mapping[str, Change]) -> dict[str, str]:
    """Words where the rows of methods are overwritten by what a function makes of them."""
    runs = [
        Run({**run.row, **of.get(name, lambda _: {})(dict(run.row))}, run.arrays)
        for name in dict.fromkeys(("descent", "other_start", *of))
        for run in rows(name)
    ]
    judged = CLAIM.judge(Result("what-is-stabilized", CLAIM.quick, tuple(runs)))
    return {name: each.word(CLAIM.kind) for name, each in judged.items()}


def up_and_down(column: str, up: float, down: float) -> Change:
    """Add something at the weakest strength, and something else at the strongest."""
    return lambda row: {column: row[column] + {0: up, 1: 0.0, 2: down}[row["rank"]]}


class TestLostRuns:
    def test_methods_that_die_at_most_strengths_do_not_hold_the_sharpness(self) -> None:
        found = changed({"sam": lambda row: {"bent_neurons": 0} if row["rank"] else {}})
        assert found["sharpness"] == "it_depends"  # descent holds it

    def test_two_strengths_are_no_trend(self) -> None:
        runs = tuple(run for run in rows("sam", bent_neurons=30))
        gone = tuple(Run({**run.row, "bent_neurons": 0 if run["rank"] == 2 else 30}) for run in runs)
        judged = CLAIM.judge(Result("what-is-stabilized", CLAIM.quick, gone))
        assert judged["trace"].word(CLAIM.kind) == "premise_not_met"

    def test_a_trend_up_to_where_runs_die_holds_in_part(self) -> None:
        extra = [Run({**run.row, "rank": 3, "outcome": "diverged"}) for run in rows("sam")[:8]]
        judged = CLAIM.judge(Result("what-is-stabilized", CLAIM.quick, (*rows("sam"), *extra)))
        assert judged["trace"].word(CLAIM.kind) == "it_depends"
        assert "strength 4" in judged["trace"].finding.sentence

    def test_ranges_of_which_one_survives_make_no_trend(self) -> None:
        """The trace is level on both ranges, and lower on the one that survives at the strongest."""
        both = [
            Run({**run.row, "half_width": half, "trace": level + 0.01 * run["rank"] * (-1) ** run["seed"],
                 "outcome": "diverged" if half == 3.0 and run["rank"] == 2 else "finished"})
            for half, level in ((3.0, 100.0), (1.0, 10.0)) for run in rows("sam")
        ]  # fmt: skip
        judged = CLAIM.judge(Result("what-is-stabilized", CLAIM.quick, tuple(both)))
        assert judged["trace"].word(CLAIM.kind) != "yes"
        assert "left out on [−3, 3]" in judged["trace"].finding.sentence

    def test_one_way_of_drawing_batches_is_half_the_question(self) -> None:
        dead = {"sgd": lambda _: {}, "sgd_replacement": lambda _: {"outcome": "diverged"}}
        assert changed(dead)["batch_sharpness"] == "it_depends"
        assert changed({"sgd": lambda _: {}})["batch_sharpness"] == "it_depends"

    def test_methods_without_pairs_are_named(self) -> None:
        found = changed({"sgd": lambda _: {}, "sam": lambda _: {"weighted_tv": 100.0}})
        assert (found["same_trace"], found["same_curve"]) == ("it_depends", "it_depends")

    def test_a_pair_at_few_seeds_decides_nothing(self) -> None:
        found = changed({"sam": lambda row: {"weighted_tv": 100.0} if row["seed"] > 2 else {}})
        assert {found[name] for name in ("same_trace", "same_curve", "risk")} == {"premise_not_met"}

    def test_without_another_start_there_is_no_yardstick(self) -> None:
        found = changed({"sam": lambda _: {}, "other_start": lambda _: {"bent_neurons": 0}})
        assert (found["same_trace"], found["same_curve"]) == ("yes", "premise_not_met")


class TestOppositeSigns:
    def test_of_batch_sizes(self) -> None:
        half_and_double: Change = lambda row: {"batch_ratio": 2.0 ** (row["rank"] - 1.0)}  # noqa: E731
        found = changed({"sgd": half_and_double, "sgd_replacement": half_and_double})
        assert found["batch_sharpness"] == "it_depends"

    def test_a_negative_batch_sharpness_counts_against(self) -> None:
        negative: Change = lambda row: {"batch_ratio": -1.0 if row["seed"] > 2 else 1.0}  # noqa: E731
        assert changed({"sgd": negative, "sgd_replacement": negative})["batch_sharpness"] != "yes"

    def test_of_the_trace(self) -> None:
        def apart(row: dict[str, Any]) -> dict[str, Any]:
            return {"trace": row["trace"] * {0: 3.0, 1: 1.0, 2: 1.0 / 3.0}[row["rank"]]}

        assert changed({"sam": apart})["same_trace"] == "it_depends"

    def test_of_the_risk(self) -> None:
        assert changed({"sam": up_and_down("risk", 0.05, -0.05)})["risk"] == "it_depends"

    def test_of_the_distance(self) -> None:
        """Another start is far where the method is near, and the other way round."""
        runs = [*rows("descent")]
        for name, where in (("other_start", 0), ("sam", 2)):
            runs += [
                Run(
                    run.row, {**run.arrays, "solution": run.arrays["solution"] + 0.4 * (run["rank"] == where)}
                )
                for run in rows(name)
            ]
        judged = CLAIM.judge(Result("what-is-stabilized", CLAIM.quick, tuple(runs)))
        assert judged["same_curve"].word(CLAIM.kind) == "it_depends"


def test_the_batch_sharpness_may_be_off_by_a_quarter() -> None:
    for ratio, word in ((1.2, "yes"), (0.81, "yes"), (1.3, "no"), (0.7, "no")):
        both = {"batch_ratio": ratio}
        assert words(sgd=both, sgd_replacement=both)["batch_sharpness"] == word


class TestMatches:
    def test_distances_have_their_units(self) -> None:
        runs = (*rows("descent"), *rows("sam", shift=3.0, risk=0.6, trace=1.0))
        result = Result("what-is-stabilized", {}, runs)
        np.testing.assert_allclose(apart(result, "curve")["sam"], 3.0, rtol=1e-12)
        np.testing.assert_allclose(apart(result, "risk")["sam"], 2.0, rtol=1e-12)
        expected = np.mean(np.log10(1.0 / np.array([10.0, 5.0, 2.5])))
        np.testing.assert_allclose(apart(result, "trace")["sam"], expected, rtol=1e-12)

    def test_the_nearest_within_the_factor(self) -> None:
        descent, one = rows("descent", seeds=1), rows("sam", seeds=1)
        assert pair(one[1], descent) is descent[1]
        assert pair(one[1], descent, factor=1.05) is None

    def test_only_on_the_same_labels(self) -> None:
        one = rows("sam", seeds=1)[0]
        assert pair(one, rows("descent", seeds=1, half_width=1.0)) is None
        assert pair(one, rows("descent", seeds=2)[1::2]) is None

    def test_a_run_that_died_has_no_pair(self) -> None:
        result = Result("what-is-stabilized", {}, (*rows("descent", bent_neurons=0), *rows("sam")))
        assert not np.isfinite(apart(result, "curve").get("sam", np.array([np.nan]))).any()


class TestRuns:
    def test_strengths_go_from_the_weakest_to_the_strongest(self) -> None:
        specs = grid({**CLAIM.quick, "seeds": 1})
        of = {
            name: [run.strength for run in specs if run.method == name] for name in ("sgd", "sam", "descent")
        }
        assert of == {"sgd": [10.0, 4.0, 1.0], "sam": [0.02, 0.1, 0.3], "descent": [0.1, 0.2, 0.4]}

    def test_all_have_the_same_training_time(self) -> None:
        for run in grid({**CLAIM.quick, "seeds": 1}):
            method = begin(run)[2]
            assert method.steps * method.step_size == pytest.approx(200.0)

    def test_every_method_gets_its_strength(self) -> None:
        cases: dict[str, tuple[float, Any]] = {
            "sgd": (3.0, methods.StochasticGradientDescent), "label_noise": (0.3, methods.LabelNoise),
            "sam": (0.3, methods.SharpnessAware), "trace_penalty": (0.3, methods.TracePenalty),
        }  # fmt: skip
        for name, (strength, kind) in cases.items():
            method = begin(MethodRun(**{**SPEC, "method": name, "strength": strength}))[2]
            assert isinstance(method, kind)
            assert strength in vars(method).values()
        replaced = begin(MethodRun(**{**SPEC, "method": "sgd_replacement"}))[2]
        assert isinstance(replaced, methods.StochasticGradientDescent)
        assert replaced.replacement

    def test_another_start_is_another_network_on_the_same_labels(self) -> None:
        one, other = (begin(MethodRun(**{**SPEC, "method": name})) for name in ("descent", "other_start"))
        assert np.array_equal(one[0].labels, other[0].labels)
        assert not np.array_equal(one[1].parameters, other[1].parameters)

    def test_a_run_that_diverged_is_a_result(self) -> None:
        found = work(MethodRun(**{**SPEC, "step_size": 500.0, "method": "label_noise"}), lambda _: None)
        assert found.outcome == "diverged"

    def test_full_batches_measure_the_curvature_along_the_gradient(self) -> None:
        run = MethodRun(**{**SPEC, "method": "sam", "strength": 0.0, "records": 1})
        problem, network, _ = begin(run)
        end = ss.train(problem, network, ss.GradientDescent(0.1, 40), record_every=40).network
        here = ss.objectives.line(problem, end)
        g = here.gradient(end.parameters)
        along = float(g @ here.hessian(end.parameters).product(g)) / float(g @ g)
        found = work(run, lambda _: None).numbers
        assert found["batch_ratio"] == pytest.approx(0.5 * 0.1 * along, rel=1e-6)

    def test_an_unknown_method_is_refused(self) -> None:
        with pytest.raises(InputError, match="unknown method 'luck'"):
            CLAIM.specs({**CLAIM.quick, "optimizers": ("luck",)})
