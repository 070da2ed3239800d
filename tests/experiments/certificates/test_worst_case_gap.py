"""The rules of worst-case-gap on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.certificates.gap_runs import begin, grid, work
from stepscape.experiments.certificates.worst_case_gap import CLAIM
from stepscape.experiments.frame import Result, Run
from stepscape.measures import tightest_worst_case
from stepscape.training import train

Row = dict[str, Any]
ETAS = (0.02, 0.1, 0.8)


def rows(seeds: int = 6, fall: float = 0.25, **changes: Any) -> list[Row]:
    """Suprema 0.5·η^(−fall), gap a fifth of them, signs 20 % above the noise, proofs that are true."""
    rng, found = np.random.default_rng(0), []
    for arm in ("small_init", "warm_up"):
        for n in (30, 200):
            for seed in range(seeds):
                for eta in ETAS:
                    top = 0.5 * eta**-fall * np.exp(0.05 * rng.standard_normal())
                    row = {
                        "arm": arm, "n": n, "seed": seed, "step_size": eta, "width": 60,
                        "outcome": "finished", "bent_neurons": 20,
                        "supremum": top, "supremum_equal_time": top, "gap": 0.2 * top,
                        "slack": 1e-12, "with_noise": top, "with_signs": 1.2 * top, "with_fresh_noise": top,
                        "proved_gain": 0.1, "mean_gain": 0.2, "true_gain": 0.3, "identity_error": 1e-16,
                    }  # fmt: skip
                    found.append({**row, **{key: change(row) for key, change in changes.items()}})
    return found


def word(part: str, seeds: int = 6, fall: float = 0.25, **changes: Any) -> str:
    result = Result(CLAIM.name, CLAIM.quick, tuple(map(Run, rows(seeds, fall, **changes))))
    return CLAIM.judge(result)[part].word(CLAIM.kind)


def test_as_built() -> None:
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, rows()))))
    assert {part: each.word(CLAIM.kind) for part, each in judged.items()} == {
        "selects": "reproduced",
        "explains": "no",
        "signs": "yes",
        "table": "holds",
        "bounded": "holds",
        "identity": "holds",
    }
    effect = judged["selects"].rows["small_init"].effect
    assert effect is not None
    assert effect.interval.mean == pytest.approx(0.25 * np.log10(40), abs=0.05)


def test_selects_other_words() -> None:
    assert word("selects", fall=-0.25) == "not_reproduced"
    assert word("selects", seeds=2) == "undecided"
    assert word("selects", supremum=lambda _: None) == "premise_not_met"
    assert word("selects", bent_neurons=lambda _: 0) == "premise_not_met"
    assert word("selects", supremum_equal_time=lambda row: row["step_size"]) == "partly"
    only = word("selects", bent_neurons=lambda row: 0 if row["n"] == 30 else 20)
    assert only == "partly"  # a number of points that is left out leaves a yes open


def test_explains_other_words() -> None:
    assert word("explains", gap=lambda row: 0.8 * row["supremum"]) == "yes"
    noisy = {"gap": lambda row: row["supremum"] * (0.1 if row["seed"] % 2 else 0.9)}
    assert word("explains", **noisy) == "undecided"


def test_signs_other_words() -> None:
    assert word("signs", with_signs=lambda row: 0.8 * row["with_noise"]) == "no"
    assert word("signs", with_signs=lambda row: row["with_noise"] * (1.3 if row["seed"] % 2 else 0.8)) == (
        "undecided"
    )


def test_signs_that_are_smaller_by_less_than_counts_stand_in() -> None:
    assert word("signs", with_signs=lambda row: 0.98 * row["with_noise"]) == "yes"


def test_a_supremum_that_falls_at_the_last_step_size_only_does_not_fall_along_them() -> None:
    tops = {0.02: 1.0, 0.05: 1.2, 0.1: 1.4, 0.2: 1.6, 0.4: 1.8, 0.8: 0.8}
    result = []
    for row in rows():
        for eta, top in tops.items():
            if row["step_size"] == ETAS[0]:
                top *= row["supremum"] / (0.5 * ETAS[0] ** -0.25)
                result.append({**row, "step_size": eta, "supremum": top, "supremum_equal_time": top})
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, result))))
    assert judged["selects"].word(CLAIM.kind) == "partly"


def test_numbers_of_points_that_lack_different_seeds_are_compared_seed_by_seed() -> None:
    made = [row for row in rows() if row["seed"] != (0 if row["n"] == 30 else 1) or row["seed"] > 1]
    made = [row for row in made if (row["n"], row["seed"]) != (30, 2)]
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, made))))
    effect = judged["selects"].rows["small_init"].effect
    assert effect is not None
    assert effect.interval.count == 3


def test_dead_networks_have_no_gap_to_explain() -> None:
    assert word("explains", bent_neurons=lambda _: 0) == "premise_not_met"


def test_certificates_about_the_same_labels_fail_as_one() -> None:
    """Three seeds of 20, of which every certificate fails, are no more than a rate of 5 % allows."""
    unlucky = {"proved_gain": lambda row: 0.4 if row["seed"] < 3 else 0.1}
    assert word("table", seeds=20, **unlucky) == "holds"
    assert (
        word("table", seeds=20, proved_gain=lambda row: 0.4 if row["seed"] < 8 else 0.1) == "false_as_stated"
    )


def test_table_other_words() -> None:
    assert word("table", proved_gain=lambda _: 0.4) == "false_as_stated"
    assert word("table", proved_gain=lambda _: -0.4) == "vacuous"
    assert word("table", proved_gain=lambda _: None) == "premise_not_met"


def test_bounded_and_identity_other_words() -> None:
    assert (
        word("bounded", gap=lambda row: 2 * row["supremum"] if row["seed"] == 3 else 0.0) == "false_as_stated"
    )
    assert word("identity", identity_error=lambda _: 1e-9) == "false_as_stated"


def test_a_run_by_hand() -> None:
    """Fresh labels, drawn many times, have the mean error that the gap says."""
    settings = {
        **CLAIM.quick,
        "steps": 300,
        "width": 30,
        "arms": ("small_init",),
        "step_sizes": (0.1, 0.4),
        "seeds": 1,
    }
    spec = grid(settings)[0]
    record = work(spec, lambda _: None)
    problem, origin = begin(spec)
    network = train(problem, origin.network, origin.method(0.1, 300), record_every=300).midpoint
    fitted, rng = network.predict(problem.inputs), np.random.default_rng(0)
    fresh = problem.truth(problem.inputs) + 0.5 * rng.standard_normal((20_000, problem.size))
    gap = np.mean((fresh - fitted) ** 2) - np.mean((problem.labels - fitted) ** 2)
    assert record.numbers["gap"] == pytest.approx(gap, abs=0.01)
    assert record.numbers["error"] == pytest.approx(record.numbers["training_error"] - 0.25 + gap, abs=0.01)
    found = tightest_worst_case(problem, network)
    free = 0.25 - np.mean((problem.labels - problem.truth(problem.inputs)) ** 2)
    assert record.numbers["supremum"] == pytest.approx(found.details["noise"] + free, rel=1e-9)
    assert record.numbers["gap"] <= record.numbers["supremum"]


def test_refused_before_the_first_run() -> None:
    with pytest.raises(InputError, match="sizes must be at least 4, got 3"):
        CLAIM.specs(CLAIM.settings({"sizes": "3"}))
    with pytest.raises(InputError, match="draws must be at least 2, got 1"):
        CLAIM.specs(CLAIM.settings({"draws": "1"}))
