"""Experiments: settings, pool, arms, rules on synthetic tables that come out each way, tiny runs, figures."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.common.arms import ARMS, MARGIN, start
from stepscape.experiments.common.experiment import Experiment, Result, resolve_settings
from stepscape.experiments.edge import sharpness_rule
from stepscape.figures import style
from stepscape.lab.pool import run_all
from stepscape.lab.spec import stream
from stepscape.tables import Table

TINY = {"width": "40", "steps": "300", "records": "6", "step_sizes": "0.02,0.2,0.6", "n": "12", "seeds": "2"}

# Those that are not written in the frame yet; the contract tests have the others.
ON_STEP_SIZES = [
    name
    for name in experiments.names()
    if {"step_sizes", "arms", "noise"} <= set(experiments.get(name).quick)
    and not hasattr(experiments.get(name), "parts")
]


def silent(fraction: float, message: str) -> None:
    assert 0.0 <= fraction <= 1.0
    assert message


def tiny(name: str, workers: int = 0, **overrides: str) -> Result:
    experiment = experiments.get(name)
    return experiments.run(experiment, resolve_settings(experiment, {**TINY, **overrides}), silent, workers)


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return {name: tiny(name) for name in ON_STEP_SIZES}


class TestRegistry:
    def test_every_experiment_says_what_it_is(self) -> None:
        for name in experiments.names():
            experiment = experiments.get(name)
            assert experiment.name == name
            assert experiment.claim.endswith(".")
            assert experiment.setup
            assert experiment.source
            assert set(experiment.quick) == set(experiment.full)

    def test_unknown_name(self) -> None:
        with pytest.raises(
            InputError, match="unknown experiment 'curve-fiting'; did you mean 'curve-fitting'"
        ):
            experiments.get("curve-fiting")

    def test_unknown_kind_of_claim(self) -> None:
        known = experiments.get("curve-fitting")
        with pytest.raises(InputError, match="unknown kind of claim 'picture'"):
            dataclasses.replace(known, kind="picture")


class TestSettings:
    experiment = Experiment(
        "e", "", "", "figure", "", "",
        {"steps": 10, "rate": 0.5, "fast": True, "arm": "a", "etas": (0.1, 0.2), "seeds": (0,)},
        {"steps": 20, "rate": 0.5, "fast": True, "arm": "a", "etas": (0.1, 0.2), "seeds": (0,)},
        specs=list, work=dict, judge=dict, figures=dict,
    )  # fmt: skip

    def test_read_by_the_type_of_the_default(self) -> None:
        given = {"steps": "1e5", "rate": "2", "fast": "no", "arm": "b", "etas": "0.5, 1,", "seeds": "3,4"}
        expected = {
            "steps": 100_000,
            "rate": 2.0,
            "fast": False,
            "arm": "b",
            "etas": (0.5, 1.0),
            "seeds": (3, 4),
        }
        found = resolve_settings(self.experiment, given)
        assert found == expected
        assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]

    def test_full_is_another_start(self) -> None:
        assert resolve_settings(self.experiment, {})["steps"] == 10
        assert resolve_settings(self.experiment, {}, full=True)["steps"] == 20

    @pytest.mark.parametrize(
        ("key", "text", "sentence"),
        [
            (
                "stepz",
                "1",
                r"unknown setting of e 'stepz'; did you mean 'steps'\? known: steps, rate, fast, arm",
            ),
            ("steps", "1.5", "steps must be a whole number, got '1.5'"),
            ("steps", "inf", "steps must be a whole number, got 'inf'"),
            ("rate", "x", "rate must be a finite number, got 'x'"),
            ("rate", "nan", "rate must be a finite number, got 'nan'"),
            ("fast", "maybe", "fast must be yes or no, got 'maybe'"),
            ("etas", " , ", "etas must list at least one value, separated by commas, got ' , '"),
            ("etas", "0.1,b", "etas must be a finite number, got 'b'"),
        ],
    )
    def test_refuse(self, key: str, text: str, sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            resolve_settings(self.experiment, {key: text})

    def test_refuse_what_has_no_text_form(self) -> None:
        odd = Experiment(**{**vars(self.experiment), "quick": {"grid": None}})
        with pytest.raises(InputError, match="grid cannot be set from text"):
            resolve_settings(odd, {"grid": "1"})

    @pytest.mark.parametrize("name", ON_STEP_SIZES)
    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
            ({"steps": "0"}, "steps must be at least 1, got 0"),
            ({"seeds": "0"}, "seeds must be at least 1, got 0"),
            ({"records": "0"}, "records must be at least 1, got 0"),
            ({"width": "0"}, "width must be at least 1, got 0"),
            ({"n": "1"}, "n must be at least 2, got 1"),
            ({"noise": "-1"}, "noise must be finite and not negative, got -1.0"),
            ({"arms": "as_prnted"}, "unknown arm 'as_prnted'; did you mean 'as_printed'"),
        ],
    )
    def test_refused_before_the_first_run(self, name: str, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            tiny(name, **overrides)

    def test_workers_must_not_be_negative(self) -> None:
        with pytest.raises(InputError, match="workers must not be negative, got -1; 0 means one per core"):
            tiny("sharpness-vs-step-size", workers=-1)


def ignore(_: float) -> None:
    """Progress that nobody watches."""


class TestPool:
    def test_keeps_the_order(self) -> None:
        def slow_first(task: int, tick: Any) -> int:
            time.sleep(0.02 * (3 - task))
            tick(1.0)
            return task

        assert run_all(slow_first, [0, 1, 2], 3, ignore) == [0, 1, 2]
        assert run_all(slow_first, [], 2, ignore) == []

    def test_progress_comes_from_the_calling_thread_and_ends_at_one(self) -> None:
        seen: list[tuple[float, int]] = []
        run_all(lambda _, tick: tick(0.5), [1, 2, 3], 2, lambda f: seen.append((f, threading.get_ident())))
        assert seen[-1][0] == 1.0
        assert {thread for _, thread in seen} == {threading.get_ident()}

    def test_an_interruption_stops_running_and_waiting_tasks(self) -> None:
        started: list[int] = []

        def endless(task: int, tick: Any) -> None:
            started.append(task)
            while True:
                tick(0.0)
                time.sleep(0.005)

        def interrupt(_: float) -> None:
            raise KeyboardInterrupt

        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run_all(endless, range(50), 2, interrupt)
        assert time.monotonic() - begin < 30.0  # without stopping it would never return
        assert len(started) <= 2

    def test_the_first_failure_ends_the_rest(self) -> None:
        def fail_or_wait(task: int, tick: Any) -> None:
            if task == 0:
                raise ValueError("task 0 failed")
            while True:
                tick(0.0)
                time.sleep(0.005)

        with pytest.raises(ValueError, match="task 0 failed"):
            run_all(fail_or_wait, [0, 1, 2], 2, ignore)


class TestArms:
    problem = ss.problems.tent(n=20, noise=0.5, seed=0, half_width=3.0)

    def test_small_start_is_inside_the_smallest_threshold_and_hardly_smaller_than_needed(self) -> None:
        for eta in (0.05, 0.5):
            begin = start("small_init", self.problem, 100, 3, eta)
            assert ss.sharpness(self.problem, begin.network).value <= MARGIN * 2.0 / eta
            larger = ss.TwoLayerReLU.random(100, 1.02 * begin.scale, seed=stream(3, "network"))
            assert ss.sharpness(self.problem, larger).value > MARGIN * 2.0 / eta

    def test_as_printed_is_the_default_with_a_constant_step_size(self) -> None:
        begin = start("as_printed", self.problem, 30, 5, 0.5)
        assert np.array_equal(
            begin.network.parameters, ss.TwoLayerReLU.random(30, seed=stream(5, "network")).parameters
        )
        assert begin.method(0.5, 100) == ss.GradientDescent(0.5, 100)

    def test_warm_up_takes_a_tenth(self) -> None:
        assert start("warm_up", self.problem, 30, 5, 0.5).method(0.5, 1000).warmup_steps == 100

    def test_unknown(self) -> None:
        with pytest.raises(InputError, match="unknown arm 'cold'"):
            start("cold", self.problem, 30, 0, 0.5)


ETAS = (0.01, 0.1, 0.4, 0.8)


def edge_rows(ratio: float, reached: float | None = 100.0, outside: float = 0.0, **changes: Any) -> Table:
    rows = [
        {"arm": "a", "seed": seed, "step_size": eta, "outcome": "finished", "bent_neurons": 5, "steps": 1000,
         "median_edge_ratio": ratio, "median_sharpness": 2.0 * ratio / eta, "mean_smoothness_ratio": 1.0,
         "swing": 0.0,
         "reached_at_step": reached, "started_inside": True, "share_outside": outside, **changes}
        for seed in range(3) for eta in ETAS
    ]  # fmt: skip
    return Table.from_records(rows)


class TestSharpnessRule:
    judge_arm = staticmethod(sharpness_rule.judge_arm)

    @pytest.mark.parametrize(
        ("ratio", "word"),
        [(1.0, "reproduced"), (0.951, "reproduced"), (1.099, "reproduced"), (0.949, "not_reproduced"),
         (1.101, "not_reproduced")],
    )  # fmt: skip
    def test_on_the_line(self, ratio: float, word: str) -> None:
        verdict = self.judge_arm(edge_rows(ratio))
        assert verdict.word == word
        assert verdict.numbers["slope of log sharpness on log step size"] == pytest.approx(-1.0, abs=1e-12)

    def test_some_on_the_line(self) -> None:
        rows = edge_rows(1.0).records()
        for row in rows[:4]:
            row["median_edge_ratio"] = 1.4
        assert self.judge_arm(Table.from_records(rows)).word == "partly"

    def test_runs_that_did_not_get_there_are_no_counterexample(self) -> None:
        rows = edge_rows(1.0).records()
        for row in rows:
            if row["step_size"] == 0.8:
                row |= {"reached_at_step": None, "median_edge_ratio": 0.3}
        verdict = self.judge_arm(Table.from_records(rows))
        assert verdict.word == "reproduced"
        assert verdict.numbers["step sizes at the edge"] == "0.01, 0.1, 0.4"

    @pytest.mark.parametrize(
        "table",
        [edge_rows(0.5, reached=None), edge_rows(1.0, reached=501.0), edge_rows(1.0, bent_neurons=0),
         Table.from_records([{"seed": 0, "step_size": eta, "outcome": "diverged"} for eta in ETAS])],
        ids=["never", "too late", "dead", "diverged"],
    )  # fmt: skip
    def test_premises(self, table: Table) -> None:
        assert self.judge_arm(table).word == "premise_not_met"

    @pytest.mark.parametrize(
        ("share", "word"), [(0.04, "reproduced"), (0.2, "partly"), (0.3, "not_reproduced")]
    )
    def test_inside(self, share: float, word: str) -> None:
        assert sharpness_rule.judge_inside(edge_rows(1.0, outside=share)).word == word

    def test_inside_needs_a_start_inside(self) -> None:
        assert sharpness_rule.judge_inside(edge_rows(1.0, started_inside=False)).word == "premise_not_met"
        gone = Table.from_records([{"seed": 0, "step_size": 0.1, "outcome": "diverged"}])
        assert sharpness_rule.judge_inside(gone).word == "premise_not_met"


@pytest.mark.parametrize("name", ON_STEP_SIZES)
class TestRuns:
    def test_every_run_has_its_row(self, name: str, results: dict[str, Result]) -> None:
        table = results[name].table
        assert set(table["arm"]) == set(ARMS)
        finished = table.where(outcome="finished")
        assert len(finished)
        assert np.isfinite(finished["sharpness"]).all()
        assert np.isfinite(finished["risk"]).all()

    def test_verdicts_for_every_arm(self, name: str, results: dict[str, Result]) -> None:
        verdicts = experiments.get(name).judge(results[name])
        assert set(ARMS) < set(verdicts)
        assert all(verdict.sentence for verdict in verdicts.values())

    def test_workers_change_no_bit(self, name: str) -> None:
        one, two = tiny(name, workers=1), tiny(name, workers=2)
        assert repr(one.table.records()) == repr(two.table.records())
        assert one.arrays.keys() == two.arrays.keys()
        assert all(np.array_equal(one.arrays[key], two.arrays[key], equal_nan=True) for key in one.arrays)

    @pytest.mark.usefixtures("nothing_computes")
    def test_figures_read_the_result_and_compute_nothing(self, name: str, results: dict[str, Result]) -> None:
        figures = experiments.get(name).figures(results[name])
        assert figures
        for figure in figures.values():
            text = style.svg(figure)
            assert text.startswith("<?xml")
            assert len(text) < 1_000_000
            for ax in figure.axes:
                assert ax.get_xlabel() or ax.get_shared_x_axes().joined(ax, figure.axes[-1])

    def test_an_arm_alone(self, name: str) -> None:
        """Nothing finishes: every verdict says so, every figure is drawn."""
        result = tiny(name, arms="as_printed", step_sizes="50,100,600")
        assert set(result.table["outcome"]) == {"diverged"}
        assert {verdict.word for verdict in experiments.get(name).judge(result).values()} == {
            "premise_not_met"
        }
        for figure in experiments.get(name).figures(result).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")


def test_sharpness_is_judged_on_both_phases_of_the_oscillation() -> None:
    """At a large step size λ_max alternates between iterates; their mean is nearer to 2/η than either."""
    result = tiny("sharpness-vs-step-size", arms="small_init", step_sizes="0.8", steps="3000", width="100")
    row = result.table.records()[0]
    assert row["swing"] > 0.05
    assert abs(row["median_edge_ratio"] - 1.0) < 0.5 * row["swing"]
    assert row["median_sharpness"] == pytest.approx(row["median_edge_ratio"] * 2.0 / 0.8, rel=1e-12)
