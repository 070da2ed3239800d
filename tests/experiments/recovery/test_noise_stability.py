"""The noisy problems of `noise-stability`, and its rules on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.recovery.noise_runs import NOISY, NoiseRun, begin, oracle_penalty, work
from stepscape.experiments.recovery.noise_stability import CLAIM, WAYS
from stepscape.problems.measurements import Measurements

LEVELS = (0.001, 0.01, 0.1)
LIKE = {"flat": 2.0, "nuclear": 2.0, "frobenius": 0.0, "flat_penalized": 1.2, "nuclear_penalized": 1.2}


def noise_run(problem: str, level: float) -> NoiseRun:
    return NoiseRun(
        problem=problem, d=7, rank=1, ratio=3.0, m=21 if problem == "network" else 39, level=level,
        iterations=2000, seed=1000,
    )  # fmt: skip


def truth_of(problem: Measurements) -> NDArray[np.float64]:
    assert problem.truth is not None
    return problem.truth


def test_the_noise_is_a_share_of_the_labels() -> None:
    clean, noisy = (begin(noise_run("bilinear", level)) for level in (1e-12, 0.5))
    noise = noisy.labels - clean.labels
    assert noisy.noise == pytest.approx(0.5 * np.sqrt(np.mean(clean.labels**2)), rel=1e-9)
    assert np.std(noise) == pytest.approx(noisy.noise, rel=0.4)
    np.testing.assert_array_equal(truth_of(noisy), truth_of(clean))


def test_the_penalty_of_the_oracle_is_a_dual_norm_of_the_gradient_at_the_truth() -> None:
    problem = begin(noise_run("gaussian", 0.1))
    A = problem.linear_map.matrices  # type: ignore[attr-defined]
    noise = problem.labels - problem.apply(truth_of(problem))
    gradient = 2.0 * np.tensordot(noise, A, axes=1) / len(A)
    assert oracle_penalty(problem, False) == pytest.approx(np.linalg.norm(gradient, 2), rel=1e-12)
    inverses = []
    for moment in (np.einsum("iab,icb->ac", A, A), np.einsum("iba,ibc->ac", A, A)):
        values, V = np.linalg.eigh(moment / len(A))
        inverses.append((V / np.sqrt(values)) @ V.T)
    weighted = np.linalg.norm(inverses[0] @ gradient @ inverses[1], 2)
    assert oracle_penalty(problem, True) == pytest.approx(weighted, rel=1e-10)


def test_errors_are_relative_and_the_least_frobenius_norm_is_least_squares() -> None:
    run = noise_run("gaussian", 0.01)
    found, problem = work(run, lambda _: None).numbers, begin(run)
    A = problem.linear_map.matrices.reshape(problem.size, -1)  # type: ignore[attr-defined]
    least = np.linalg.lstsq(A, problem.labels, rcond=None)[0]
    truth = truth_of(problem).ravel()
    error = np.linalg.norm(least - truth) / np.linalg.norm(truth)
    assert found["error_frobenius"] == pytest.approx(error, rel=1e-8)
    assert found["error_flat"] < 0.1 * error
    assert set(WAYS) == {name.removeprefix("error_") for name in found if name.startswith("error_")}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"problems": ("covariance",)}, "problems must be among gaussian"),
        ({"levels": (0.0,)}, "levels must be positive"),
        ({"ratio": 9.0}, "ratio must leave fewer measurements than entries"),
        ({"ratio": 0.0}, "ratios must be positive"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})


def result(power: float = 1.0, status: str = "optimal", **factors: float) -> Result:
    """Errors of the ways: a factor times the noise to a power, and 0.6 for the least Frobenius norm."""
    runs, rng = [], np.random.default_rng(2)
    for problem in NOISY:
        for seed in range(10):
            for level in LEVELS:
                line: dict[str, Any] = {
                    "kind": "recovery-noise/1", "problem": problem, "level": level, "m": 50, "seed": seed,
                    "outcome": "finished",
                }  # fmt: skip
                for way, factor in {**LIKE, **factors}.items():
                    spread = np.exp(0.02 * rng.standard_normal())
                    line[f"error_{way}"] = factor * level**power * spread if factor else 0.6
                    line |= {f"status_{way}": status, f"rank_{way}": 1}
                runs.append(Run(line))
    return Result("noise-stability", CLAIM.quick, tuple(runs))


def words(**changes: Any) -> dict[str, str]:
    judged = CLAIM.judge(result(**changes))
    return {name: found.word(CLAIM.kind) for name, found in judged.items()}


def test_as_claimed() -> None:
    assert words() == {
        "proportional": "reproduced", "noise_level": "reproduced", "like_nuclear_norm": "yes",
        "penalty": "yes", "frobenius": "reproduced",
    }  # fmt: skip


@pytest.mark.parametrize("power", [0.5, 1.5])
def test_an_error_that_is_not_proportional_to_the_noise(power: float) -> None:
    assert words(power=power)["proportional"] == "not_reproduced"


def test_each_part_can_fail() -> None:
    found = words(flat=8.0, nuclear=2.0, flat_penalized=8.0, frobenius=2.0)
    assert found == {
        "proportional": "reproduced", "noise_level": "not_reproduced", "like_nuclear_norm": "no",
        "penalty": "no", "frobenius": "not_reproduced",
    }  # fmt: skip


def undecided_from(first_seed: int) -> Result:
    """As claimed, but flattest matrices from a seed on stay undecided and have no error."""
    found = result()
    for run in found.runs:
        if run["seed"] >= first_seed:
            run.row.update(status_flat="undecided", error_flat=None)  # type: ignore[attr-defined]
    return found


def test_undecided_solutions_decide_nothing() -> None:
    for first in (0, 5):  # half of them would have been enough for a word
        judged = CLAIM.judge(undecided_from(first))
        assert judged["noise_level"].word(CLAIM.kind) == "undecided"
        assert judged["proportional"].word(CLAIM.kind) == "premise_not_met"
        assert judged["like_nuclear_norm"].word(CLAIM.kind) == "premise_not_met"
        assert judged["penalty"].word(CLAIM.kind) == "premise_not_met"
    assert CLAIM.judge(undecided_from(9))["proportional"].word(CLAIM.kind) == "reproduced"
