"""Teachers and students of `quadratic-teacher`, and its rules on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.recovery.failure_runs import BlockRun
from stepscape.experiments.recovery.quadratic_teacher import CLAIM
from stepscape.experiments.recovery.teacher_runs import (
    Teacher,
    TeacherRun,
    begin,
    drawn_of,
    grid,
    weight_error,
    work,
)
from stepscape.problems import Measurements

RNG = np.random.default_rng(5)


def teacher_run(teacher: str, m: int) -> TeacherRun:
    positive, negative = map(int, teacher.split("+"))
    return TeacherRun(
        teacher=teacher, positive=positive, negative=negative, d=8, ratio=2.5, m=m, fresh=200,
        iterations=3000, seed=1000,
    )  # fmt: skip


class TestTeachers:
    def test_the_function_is_the_quadratic_form_of_the_matrix(self) -> None:
        drawn = drawn_of(teacher_run("2+1", 30))
        x = drawn.fresh
        expected = np.einsum("ij,jk,ik->i", x, drawn.teacher.matrix, x)
        np.testing.assert_allclose(drawn.teacher(x), expected, rtol=1e-12, atol=1e-12)
        u, v, w = drawn.teacher.neurons.T
        np.testing.assert_allclose(drawn.teacher(x), (x @ u) ** 2 + (x @ v) ** 2 - (x @ w) ** 2)
        np.testing.assert_allclose(drawn.examples.labels, drawn.examples.apply(drawn.teacher.matrix))

    def test_order_and_signs_of_neurons_make_no_other_weights(self) -> None:
        teacher = Teacher(RNG.standard_normal((6, 4)), np.array([1.0, 1.0, -1.0, -1.0]))
        same = Teacher(teacher.neurons[:, [1, 0, 3, 2]] * [-1.0, 1.0, 1.0, -1.0], teacher.signs)
        assert weight_error(same, teacher) <= 1e-7
        moved = Teacher(teacher.neurons + 0.01 * RNG.standard_normal((6, 4)), teacher.signs)
        error = np.linalg.norm(moved.neurons - teacher.neurons) / np.linalg.norm(teacher.neurons)
        assert weight_error(moved, teacher) == pytest.approx(error, rel=1e-6)

    def test_a_rotation_of_neurons_is_the_same_function_with_other_weights(self) -> None:
        teacher = Teacher(RNG.standard_normal((6, 2)), np.ones(2))
        turned = Teacher(teacher.neurons @ np.array([[0.6, -0.8], [0.8, 0.6]]), teacher.signs)
        np.testing.assert_allclose(turned.matrix, teacher.matrix, rtol=0, atol=1e-12)
        assert weight_error(turned, teacher) > 0.1

    def test_one_neuron_is_learned_with_its_weights(self) -> None:
        found = work(teacher_run("1+0", 24), lambda _: None).numbers
        assert found["test_flat"] <= 1e-12
        assert found["weights"] <= 1e-6
        assert abs(found["reduction"]) <= 1e-12

    def test_the_least_frobenius_norm_is_the_interpolant_of_the_quadratic_kernel(self) -> None:
        run = teacher_run("1+1", 24)
        drawn, found = drawn_of(run), work(run, lambda _: None).numbers
        x = drawn.examples.linear_map.left  # type: ignore[attr-defined]
        weights = np.linalg.solve((x @ x.T) ** 2, drawn.examples.labels)
        here, labels = (drawn.fresh @ x.T) ** 2 @ weights, drawn.teacher(drawn.fresh)
        error = np.mean((here - labels) ** 2) / np.mean(labels**2)
        assert found["test_frobenius"] == pytest.approx(error, rel=1e-6)

    def test_no_run_has_so_many_examples_that_every_quadratic_function_is_determined(self) -> None:
        runs = [run for run in grid(CLAIM.full) if isinstance(run, TeacherRun)]
        assert max(run.m for run in runs) < 210
        assert {run.teacher for run in runs if run.ratio == 2.5} == set(CLAIM.full["teachers"])

    def test_blocks_have_examples_in_proportion_to_the_size(self) -> None:
        runs = [run for run in grid(CLAIM.full) if isinstance(run, BlockRun)]
        assert {(run.problem, run.d, run.m) for run in runs} == {
            ("network", 10, 26), ("network", 20, 52), ("network", 30, 78),
        }  # fmt: skip
        first = begin(runs[0])
        assert isinstance(first, Measurements)
        assert (first.structure, first.size) == ("symmetric", 26)
        found = work(replace(runs[0], trials=2), lambda _: None).numbers
        assert sum(found.values()) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teachers": ("2",)}, "teachers must give the neurons of either sign"),
        ({"teachers": ("5+0",)}, "teachers must give the neurons of either sign"),
        ({"teachers": ("0+0",)}, "teachers must give the neurons of either sign"),
        ({"ratios": (0.0,)}, "ratios must be positive"),
        ({"block_d": (1, 8)}, "block_d must be at least 2"),
        ({"block_ratio": 0.5}, "block_ratio must be at least 1"),
        ({"blocks": 0}, "blocks must be at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})


def result(fails: tuple[int, ...] = (12, 6, 3), undecided: int = 0, **changes: Any) -> Result:
    """Twenty seeds of two teachers; a test error, distance or difference for all, or by seed.

    And ten blocks of 250 trials, with so many failures at d = 10, 20 and 30.
    """
    given = {
        "test_flat": 1e-30, "test_nuclear": 1e-30, "test_frobenius": 0.3, "weights": 0.2, "reduction": 1e-16,
        **{f"status_{way}": "optimal" for way in ("flat", "nuclear", "frobenius")},
        **changes,
    }  # fmt: skip
    runs = []
    for teacher in ("1+1", "2+0"):
        for ratio in (1.8, 2.5):
            for seed in range(20):
                values = {name: each(seed) if callable(each) else each for name, each in given.items()}
                runs.append(Run({
                    "kind": "recovery-teacher/1", "teacher": teacher, "positive": int(teacher[0]),
                    "negative": int(teacher[2]), "ratio": ratio, "m": 40, "seed": seed,
                    "outcome": "finished", "train_flat": 1e-20, **values,
                }))  # fmt: skip
    for d, failed in zip((10, 20, 30), fails, strict=True):
        block = {
            "kind": "recovery-block/2", "problem": "network", "d": d, "m": 26, "trials": 250,
            "outcome": "finished", "undecided": undecided if d == 30 else 0,
        }  # fmt: skip
        runs += [Run({**block, "block": i, "seed": i, "failed": failed + i % 2}) for i in range(10)]
    return Result("quadratic-teacher", CLAIM.quick, tuple(runs))


def words(**changes: Any) -> dict[str, str]:
    judged = CLAIM.judge(result(**changes))
    return {name: found.word(CLAIM.kind) for name, found in judged.items()}


def test_as_claimed() -> None:
    assert words() == {
        "function": "reproduced", "weights": "no", "reduction": "holds", "kernel": "reproduced",
        "against_nuclear_norm": "undecided", "failure_rate": "yes",
    }  # fmt: skip


def test_each_part_can_come_out_the_other_way() -> None:
    assert words(test_flat=0.1)["function"] == "not_reproduced"
    assert words(test_flat=lambda seed: 0.1 if seed == 0 or seed > 16 else 0.0)["function"] == "partly"
    assert words(weights=1e-6)["weights"] == "yes"
    assert words(test_flat=0.1)["weights"] == "premise_not_met"
    assert words(reduction=1e-9)["reduction"] == "false_as_stated"
    assert words(test_frobenius=1e-12)["kernel"] == "not_reproduced"


def test_flatness_against_the_nuclear_norm() -> None:
    some = {"test_nuclear": lambda seed: 0.1 if seed % 2 else 0.0}
    assert words(**some)["against_nuclear_norm"] == "yes"
    assert words(test_flat=some["test_nuclear"])["against_nuclear_norm"] == "no"


def test_undecided_solutions_leave_the_answers_open() -> None:
    found = words(test_flat=0.1, test_nuclear=0.1, status_flat="undecided")
    assert found["function"] == found["against_nuclear_norm"] == "undecided"
    assert found["weights"] == "premise_not_met"
    assert words(test_frobenius=1e-12, status_frobenius="undecided")["kernel"] == "undecided"


@pytest.mark.parametrize(
    ("fails", "word", "with_undecided"),
    [
        ((12, 6, 3), "yes", "undecided"),
        ((60, 20, 20), "yes", "yes"),
        ((3, 6, 12), "no", "no"),
        ((6, 2, 6), "no", "no"),
    ],
)
def test_the_failure_rate_falls_with_d_or_not(fails: tuple[int, ...], word: str, with_undecided: str) -> None:
    assert words(fails=fails)["failure_rate"] == word
    assert words(fails=fails, undecided=20)["failure_rate"] == with_undecided


def test_the_decay_is_that_of_the_logarithm_per_unit_of_d() -> None:
    found = CLAIM.judge(result(fails=(12, 6, 3)))["failure_rate"].finding
    pairs = [np.log((12.5 + i) / (3.5 + i)) / 20.0 for i in (0, 1)]  # rates (f + ½)/251
    assert found.effect is not None
    assert found.effect.interval.mean == pytest.approx(np.mean(pairs))


def test_few_runs_in_which_the_two_never_differ_prove_nothing() -> None:
    assert words()["against_nuclear_norm"] == "undecided"
    again = [Run({**run.row, "ratio": ratio}) for run in result().runs for ratio in range(10)]
    judged = CLAIM.judge(Result("quadratic-teacher", CLAIM.quick, tuple(again)))["against_nuclear_norm"]
    assert judged.word(CLAIM.kind, "1+1") == "no"


def test_the_constants_of_a_rule_are_in_its_fingerprint() -> None:
    parts = {part.name: part for part in CLAIM.parts}
    assert all(parts[name].constants["exact"] == 1e-8 for name in ("function", "against_nuclear_norm"))
