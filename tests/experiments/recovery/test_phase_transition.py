"""The trials of `phase-transition`, and its rules on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.recovery.failure_runs import APART, BlockRun
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.experiments.recovery.phase_transition import CLAIM, sign_test
from stepscape.experiments.recovery.runs import TrialRun, begin, grid, work

RATIOS = (1.2, 2.0, 3.4)
NONE = {"flat": "beaten", "nuclear": "beaten", "frobenius": "beaten"}
BOTH = NONE | {"flat": "recovered", "nuclear": "recovered"}


def never(_: float) -> None:
    pass


def trial(problem: str, rank: int, ratio: float, seed: int) -> TrialRun:
    m = PROBLEMS[problem].measurements(8, rank, ratio)
    return TrialRun(
        part="grid", problem=problem, d=8, rank=rank, ratio=ratio, m=m, iterations=3000, seed=seed
    )


class TestRuns:
    def test_no_run_has_so_many_measurements_that_every_matrix_is_determined(self) -> None:
        for run in grid(CLAIM.full):
            if isinstance(run, TrialRun):
                symmetric = run.problem in ("covariance", "network")
                assert run.m < (run.d * (run.d + 1) // 2 if symmetric else run.d**2)

    def test_the_theorem_is_tried_at_c_r_times_the_rows_and_columns(self) -> None:
        runs = [run for run in grid(CLAIM.full) if isinstance(run, TrialRun) and run.part == "theorem"]
        assert {(run.d, run.rank, run.m) for run in runs} == {(20, 1, 160), (20, 2, 320), (30, 3, 720)}
        assert len(runs) == 300

    def test_no_two_blocks_and_no_trial_share_a_seed_at_the_same_m(self) -> None:
        runs = grid(CLAIM.full)
        blocks = [run for run in runs if isinstance(run, BlockRun) and run.m == CLAIM.full["block_m"][0]]
        used = np.concatenate([np.arange(run.seed, run.seed + run.trials) for run in blocks])
        assert np.unique(used).size == used.size == 2000
        assert used.min() == APART * 100 > max(run.seed for run in runs if isinstance(run, TrialRun))

    @pytest.mark.parametrize("problem", PROBLEMS)
    def test_the_degrees_of_freedom_are_those_of_the_problem(self, problem: str) -> None:
        made = begin(trial(problem, 2, 1.5, 1000))
        kind = PROBLEMS[problem]
        if problem == "robust_pca":
            right = np.sum(made.observed == made.truth)  # type: ignore[union-attr]
            assert right == kind.measurements(8, 2, 1.5)
        else:
            assert kind.degrees_of_freedom(8, 2) == made.degrees_of_freedom(2)  # type: ignore[union-attr]
            assert made.size == kind.measurements(8, 2, 1.5)

    def test_a_flattest_matrix_that_is_the_truth_is_as_flat_as_it_and_the_least_square_one_is_not(
        self,
    ) -> None:
        found = work(trial("gaussian", 1, 3.4, 1000), never).numbers
        assert (found["verdict_flat"], found["verdict_frobenius"]) == ("recovered", "beaten")
        assert found["error_flat"] <= 1e-5
        assert found["ratio_flat"] == pytest.approx(1.0, abs=1e-4)
        problem = begin(trial("gaussian", 1, 3.4, 1000))
        assert isinstance(problem.truth, np.ndarray)
        A = problem.linear_map.matrices.reshape(problem.size, -1)  # type: ignore[union-attr]
        least = np.linalg.lstsq(A, problem.labels, rcond=None)[0]  # type: ignore[union-attr]
        error = np.linalg.norm(least - problem.truth.ravel()) / np.linalg.norm(problem.truth)
        assert found["error_frobenius"] == pytest.approx(error, rel=1e-8)

    def test_robust_pca_has_no_other_objective_and_covariance_says_that_its_trace_is_constant(self) -> None:
        robust = work(trial("robust_pca", 1, 3.4, 1000), never).numbers
        assert "verdict_flat" in robust
        assert "verdict_nuclear" not in robust
        assert work(trial("covariance", 1, 2.0, 1000), never).numbers["constant"] <= 1e-12

    def test_a_block_counts_its_trials(self) -> None:
        run = BlockRun(
            problem="gaussian", d=6, rank=1, m=18, trials=5, iterations=2000, block=0, seed=100_000
        )
        found = work(run, never).numbers
        assert sum(found.values()) == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems": ("gausian",)}, "unknown problem 'gausian'; did you mean 'gaussian'"),
        ({"ranks": (1, 9)}, "ranks must lie between 1 and d = 8"),
        ({"ratios": (0.0,)}, "ratios must be positive"),
        ({"c": 0.0}, "c must be positive"),
        ({"block_m": (0,)}, "block_m must be at least 1"),
        ({"trials": 0}, "trials must be at least 1"),
        ({"cases": ("20",)}, "cases must be pairs of a size d and a rank"),
        ({"cases": ("10 2",)}, "cases must leave m below d²"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})


def result(
    changes: dict[tuple[str, float], Any], theorem: Any = "recovered", fails: Any = (24, 12, 5)
) -> Result:
    """Twenty seeds of each problem; `changes`: (problem, ratio) → verdicts, or seed → verdicts."""
    runs = []
    for problem in PROBLEMS:
        for ratio in RATIOS:
            for seed in range(20):
                given = changes.get((problem, ratio), BOTH if ratio > 1.5 else NONE)
                verdicts = given(seed) if callable(given) else given
                runs.append(Run(row("grid", problem, ratio, seed, verdicts)))
    for seed in range(100):
        verdict = theorem(seed) if callable(theorem) else theorem
        runs.append(Run(row("theorem", "gaussian", 4.1, seed, BOTH | {"flat": verdict})))
    for m, failed in zip((26, 29, 32), fails, strict=True):
        runs += [Run(block_row(m, block, failed + block % 2)) for block in range(10)]
    return Result("phase-transition", CLAIM.quick, tuple(runs))


def block_row(m: int, block: int, failed: int) -> dict[str, Any]:
    return {
        "kind": "recovery-block/2", "m": m, "block": block, "trials": 48, "outcome": "finished",
        "failed": failed, "undecided": 0, "seed": block,
    }  # fmt: skip


def row(part: str, problem: str, ratio: float, seed: int, verdicts: dict[str, str]) -> dict[str, Any]:
    line = {
        "kind": "recovery-trial/1", "part": part, "problem": problem, "d": 8, "rank": 1, "ratio": ratio,
        "m": PROBLEMS[problem].measurements(8, 1, ratio), "seed": seed, "outcome": "finished",
    }  # fmt: skip
    for name, verdict in verdicts.items():
        if name == "flat" or problem != "robust_pca":
            line |= {f"verdict_{name}": verdict, f"ratio_{name}": 1.0}
            line |= {f"{word}_{name}": verdict == word for word in ("recovered", "undecided")}
    return line | ({"constant": 1e-15} if problem == "covariance" else {})


def words(*given: Any, **more: Any) -> dict[str, str]:
    judged = CLAIM.judge(result(*given, **more))
    return {name: found.word(CLAIM.kind) for name, found in judged.items()}


def test_as_claimed() -> None:
    assert words({}) == {
        "theorem": "reproduced", "every_problem": "reproduced", "against_nuclear_norm": "undecided",
        "selects_nothing": "holds", "failure_rate": "consistent", "frobenius": "reproduced",
    }  # fmt: skip


def test_the_theorem_counts_undecided_trials_against_the_answer() -> None:
    assert words({}, theorem=lambda seed: "undecided" if seed < 10 else "recovered")["theorem"] == "undecided"
    assert (
        words({}, theorem=lambda seed: "beaten" if seed < 20 else "recovered")["theorem"] == "not_reproduced"
    )
    judged = CLAIM.judge(result({}, theorem=lambda seed: "undecided" if seed < 2 else "recovered"))["theorem"]
    assert judged.finding.sentence.endswith("2 trials stayed undecided.")


def test_a_problem_that_does_not_recover() -> None:
    assert words({("completion", 3.4): NONE})["every_problem"] == "partly"
    assert words({(problem, 3.4): NONE for problem in PROBLEMS})["every_problem"] == "not_reproduced"


def test_so_many_measurements_that_nearly_everything_is_determined_say_nothing() -> None:
    rows = result({("gaussian", 3.4): NONE})
    for run in rows.runs:
        if run.row.get("problem") == "gaussian" and run.row.get("ratio") == 3.4:
            run.row.update(m=52)  # type: ignore[attr-defined]
    judged = CLAIM.judge(rows)["every_problem"]
    assert judged.word(CLAIM.kind, "gaussian") == "reproduced"  # 52 of 64: the next smaller m counts
    for run in rows.runs:
        if run.row.get("m") == 52:
            run.row.update(m=51)  # type: ignore[attr-defined]
    judged = CLAIM.judge(Result(rows.claim, rows.settings, rows.runs))["every_problem"]
    assert judged.word(CLAIM.kind, "gaussian") == "not_reproduced"


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ("recovered", "beaten", "yes"),
        ("beaten", "recovered", "no"),
        ("undecided", "recovered", "no"),
        ("recovered", "undecided", "undecided"),
        ("undecided", "beaten", "undecided"),
    ],
)
def test_flatness_against_the_nuclear_norm(first: str, second: str, word: str) -> None:
    def verdicts(seed: int) -> dict[str, str]:
        return BOTH | {"flat": first, "nuclear": second} if seed % 2 else BOTH

    found = CLAIM.judge(result({("network", 2.0): verdicts}))["against_nuclear_norm"]
    assert found.word(CLAIM.kind, "network") == word
    assert found.word(CLAIM.kind, "robust_pca") == "premise_not_met"


OPEN = dict.fromkeys(NONE, "undecided")


def test_trials_that_all_stay_undecided_say_nothing() -> None:
    found = words({(problem, ratio): OPEN for problem in PROBLEMS for ratio in RATIOS}, theorem="undecided")
    for part in ("theorem", "every_problem", "against_nuclear_norm", "frobenius"):
        assert found[part] == "undecided"


def test_undecided_trials_that_could_turn_an_answer_leave_it_open() -> None:
    def some(seed: int, first: int = 4) -> dict[str, str]:
        return OPEN if seed < first else BOTH

    most = {(problem, 3.4): lambda seed: some(seed, 16) for problem in PROBLEMS}
    assert words(most)["every_problem"] == "undecided"
    rows: dict[tuple[str, float], Any] = {(problem, 2.0): some for problem in PROBLEMS}
    rows |= {(problem, 3.4): BOTH | {"nuclear": "beaten"} for problem in PROBLEMS}
    assert CLAIM.judge(result(rows))["against_nuclear_norm"].word(CLAIM.kind, "gaussian") == "yes"
    rows |= {(problem, 3.4): BOTH for problem in PROBLEMS}
    assert CLAIM.judge(result(rows))["against_nuclear_norm"].word(CLAIM.kind, "gaussian") == "undecided"


def test_two_that_never_differ_need_many_trials() -> None:
    rows = result({}).runs
    many = [Run({**run.row, "rank": rank}) for run in rows for rank in range(1, 20)]
    judged = CLAIM.judge(Result("phase-transition", CLAIM.quick, tuple(many)))["against_nuclear_norm"]
    assert judged.word(CLAIM.kind, "gaussian") == "no"


def test_the_sign_test() -> None:
    assert sign_test(26, 0) == pytest.approx(2 * 0.5**26)


def test_one_solution_that_is_less_flat_is_enough() -> None:
    hurt = result({("covariance", 1.2): NONE | {"flat": "tied"}})
    assert CLAIM.judge(hurt)["selects_nothing"].finding.numbers[
        "trials that end at another solution, as flat as the truth"
    ] == 20  # fmt: skip
    for verdict, ratio in (("tied", 1.00001), ("beaten", 0.999)):
        for run in hurt.runs:
            if run.row["kind"] == "recovery-trial/1" and (run["problem"], run["ratio"]) == (
                "covariance",
                1.2,
            ):
                run.row.update(verdict_flat=verdict, ratio_flat=ratio)  # type: ignore[attr-defined]
        fresh = Result(hurt.claim, hurt.settings, hurt.runs)
        assert CLAIM.judge(fresh)["selects_nothing"].word(CLAIM.kind) == "false_as_stated"


@pytest.mark.parametrize(
    ("fails", "word"),
    [
        ((24, 12, 2), "consistent"),
        ((40, 10, 4), "consistent"),
        ((24, 3, 3), "contradicted"),
        ((24, 24, 24), "contradicted"),
    ],
)
def test_a_failure_rate_that_stops_falling_contradicts_the_rate(fails: tuple[int, ...], word: str) -> None:
    assert words({}, fails=fails)["failure_rate"] == word


def test_blocks_of_undecided_trials_leave_the_failure_rate_open() -> None:
    rows = result({}, fails=(24, 12, 2))
    for run in rows.runs:
        if run.row.get("m") == 32 and "block" in run.row:
            run.row.update(undecided=10)  # type: ignore[attr-defined]
    assert CLAIM.judge(rows)["failure_rate"].word(CLAIM.kind) == "undecided"


def test_a_least_frobenius_norm_that_recovers() -> None:
    better = {(problem, ratio): BOTH | {"frobenius": "recovered"} for problem in PROBLEMS for ratio in RATIOS}
    assert words(better)["frobenius"] == "not_reproduced"
