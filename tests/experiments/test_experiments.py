"""Experiments: settings, pool, arms, rules on synthetic tables that come out each way, tiny runs, figures."""

from __future__ import annotations

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
from stepscape.experiments.frame.legacy import Legacy
from stepscape.experiments.square import curve_fitting_rule
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
    and isinstance(experiments.get(name), Legacy)
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
            Experiment(**{**vars(known), "kind": "picture"})


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

    def test_clean_seeds_may_be_none_but_not_fewer(self) -> None:
        with pytest.raises(InputError, match="clean_seeds must be at least 0, got -1"):
            tiny("curve-fitting", clean_seeds="-1")


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


def curve_rows(
    risk: dict[float, float],
    piece: dict[float, float],
    in_time: dict[float, float] | None = None,
    outcome: str = "finished",
    bent: int = 10,
    seeds: int = 6,
) -> Table:
    """Rows of one arm: each seed shifts every risk by the same amount, and adds a little noise of its own."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        shift = rng.uniform(0.0, 0.2)
        for eta in ETAS:
            noise = 0.002 * rng.standard_normal()
            at = {"risk": risk[eta], "risk_equal_time": (in_time or risk)[eta], "risk_held_out": 0.1}
            values = {name: value + shift + noise for name, value in at.items()}
            rows.append(
                {"arm": "a", "labels": "noisy", "seed": seed, "step_size": eta, "outcome": outcome,
                 "bent_neurons": bent, "pieces": piece[eta] + seed % 2, "risk_grid": risk[eta] + noise,
                 **values}
            )  # fmt: skip
    return Table.from_records(rows)


U_SHAPE = dict(zip(ETAS, (0.3, 0.2, 0.1, 0.2), strict=True))
FLAT = dict.fromkeys(ETAS, 0.2)
RISING = dict(zip(ETAS, (0.1, 0.2, 0.3, 0.4), strict=True))
FALLING_PIECES = dict(zip(ETAS, (18.0, 12.0, 8.0, 5.0), strict=True))
SAME_PIECES = dict.fromkeys(ETAS, 7.0)


class TestCurveFittingRule:
    judge_arm = staticmethod(curve_fitting_rule.judge_arm)

    def test_reproduced(self) -> None:
        verdict = self.judge_arm(curve_rows(U_SHAPE, FALLING_PIECES))
        assert verdict.word == "reproduced"
        assert (
            "fewer pieces: yes, the risk falls: yes, and rises again: yes, it falls at equal time: yes"
            in verdict.sentence
        )
        assert verdict.numbers["pieces, median at the largest"] == 5.5

    def test_only_by_time(self) -> None:
        verdict = self.judge_arm(curve_rows(U_SHAPE, FALLING_PIECES, in_time=RISING))
        assert verdict.word == "partly"
        assert "it falls at equal time: no" in verdict.sentence

    def test_pieces_without_a_u(self) -> None:
        assert self.judge_arm(curve_rows(FLAT, FALLING_PIECES)).word == "partly"

    def test_more_pieces_do_not_count(self) -> None:
        rising = dict(zip(ETAS, (5.0, 8.0, 12.0, 18.0), strict=True))
        assert "fewer pieces: no" in self.judge_arm(curve_rows(U_SHAPE, rising)).sentence

    @pytest.mark.parametrize(("seeds", "word"), [(10, "not_reproduced"), (9, "undecided")])
    def test_nothing(self, seeds: int, word: str) -> None:
        assert self.judge_arm(curve_rows(FLAT, SAME_PIECES, seeds=seeds)).word == word

    def test_a_risk_that_only_rises(self) -> None:
        verdict = self.judge_arm(curve_rows(RISING, SAME_PIECES))
        assert verdict.word == "partly"
        assert "the risk falls: no, and rises again: yes" in verdict.sentence

    def test_dead_networks_fail_the_premise(self) -> None:
        assert self.judge_arm(curve_rows(U_SHAPE, FALLING_PIECES, bent=0)).word == "premise_not_met"

    def test_diverged_runs_fail_the_premise(self) -> None:
        table = Table.from_records(
            [{"seed": s, "step_size": eta, "outcome": "diverged"} for s in range(3) for eta in ETAS]
        )
        verdict = self.judge_arm(table)
        assert verdict.word == "premise_not_met"
        assert "diverges at 0.01, 0.1, 0.4, 0.8" in verdict.sentence

    def test_two_seeds_decide_nothing(self) -> None:
        verdict = self.judge_arm(curve_rows(U_SHAPE, FALLING_PIECES, seeds=2))
        assert verdict.word == "undecided"
        assert "2 seeds give no usable interval" in verdict.sentence

    @pytest.mark.parametrize(
        ("risk", "word"), [(U_SHAPE, "reproduced"), (RISING, "not_reproduced"), (FLAT, "undecided")]
    )
    def test_clean_labels(self, risk: dict[float, float], word: str) -> None:
        assert curve_fitting_rule.judge_clean(curve_rows(risk, SAME_PIECES), ["a"]).word == word

    def test_clean_labels_need_seeds_and_a_working_arm(self) -> None:
        one = curve_fitting_rule.judge_clean(curve_rows(U_SHAPE, SAME_PIECES, seeds=1), ["a"])
        assert (one.word, "1 seed gives" in one.sentence) == ("undecided", True)
        dead = curve_fitting_rule.judge_clean(curve_rows(U_SHAPE, SAME_PIECES, bent=0), ["a"])
        assert dead.word == "premise_not_met"


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


class TestMoments:
    def test_equal_time_is_the_time_of_the_smallest_step_size(self, results: dict[str, Result]) -> None:
        result = results["curve-fitting"]
        table = result.table.where(arm="small_init", outcome="finished")
        wanted = min(result.settings["step_sizes"]) * result.settings["steps"]
        assert table["time_equal_time"] == pytest.approx(wanted, rel=0.1)
        first = table.where(step_size=min(result.settings["step_sizes"]))
        assert np.array_equal(first["risk_equal_time"], first["risk"])
        assert np.array_equal(first["pieces_equal_time"], first["pieces"])

    def test_held_out_moment_is_a_trained_network_of_the_run(self, results: dict[str, Result]) -> None:
        table = results["curve-fitting"].table.where(outcome="finished")
        assert (table["steps_held_out"] >= 1).all()
        assert (table["steps_held_out"] <= table["steps"]).all()

    def test_clean_and_noisy_labels_share_their_inputs(self, results: dict[str, Result]) -> None:
        arrays = results["curve-fitting"].arrays
        assert np.array_equal(arrays["inputs|noisy"], arrays["inputs|clean"])
        assert not np.array_equal(arrays["labels|noisy"], arrays["labels|clean"])
