"""The runs of `shattering-logistic` against the library, and its rules on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepscape as ss
from plane_rows import row
from stepscape.experiments.frame import Result
from stepscape.experiments.plane.logistic_runs import ClassifierRun, LogisticRun, work
from stepscape.experiments.plane.runs import begin
from stepscape.experiments.plane.shattering_logistic import CLAIM

TINY = {**CLAIM.quick, "n": 25, "width": 16, "dimension": 3, "steps": 50, "seeds": 1, "fresh": 300}


def test_a_run_ends_with_its_certificate() -> None:
    run = next(each for each in CLAIM.grid(TINY) if isinstance(each, LogisticRun))
    found = work(run, lambda _: None).numbers
    setup = begin(run)
    problem = setup.samples.problem
    assert problem.loss == "logistic"
    net = ss.train(problem, setup.start, setup.method, record_every=40).midpoint
    certificate = ss.certify(problem, net)["weighted"]
    assert found["bending"] == pytest.approx(certificate.left, rel=1e-6)
    assert found["bound"] == pytest.approx(certificate.right, rel=1e-6)
    assert found["verdict"] == "holds"
    assert found["train_error"] == pytest.approx(problem.training_loss(net.predict(problem.inputs)), rel=1e-9)


def test_a_classifier_has_its_logits_and_is_flat() -> None:
    run = next(each for each in CLAIM.grid(TINY) if isinstance(each, ClassifierRun))
    found = work(run, lambda _: None).numbers
    assert found["train_error"] == pytest.approx(np.log1p(np.exp(-4.0)), rel=1e-9)
    assert found["uniform_bound"] == pytest.approx(0.25 + (2 * 0.22387161 + 1) * 2**0.5 / 25)
    assert found["sharpness"] <= found["uniform_bound"]


def result(
    falls: float = 0.2, train: float = 1e-4, risk: float = 0.5, decay: float = 0.1, **changes: Any
) -> Result:
    """Rates that fall by `falls` over the step sizes; risks times `risk`, and `decay` with weight decay."""
    runs, rng = [], np.random.default_rng(6)
    for seed in range(8):
        for wd in (0.0, 0.01):
            for i, eta in enumerate((0.3, 1.0, 3.0)):
                noise = float(np.exp(0.01 * rng.standard_normal()))
                rate = 0.5 - falls * i / 2 + (0.2 if wd and falls > 0 else 0.0) + 0.01 * noise
                error = (decay if wd else risk**i) * noise
                line = {
                    "kind": "plane-logistic/1", "geometry": "ball", "weight_decay": wd, "step_size": eta,
                    "seed": seed, "train_error": train * noise, "edge_ratio": 0.1, "arrived": False,
                    "live_path_rate": rate, "live_path_rate_equal_time": rate,
                    "population_error": error, "population_error_equal_time": error,
                    "population_error_held_out": error, "null_population": 0.2,
                    "bending": 1.0, "bound": 2.0, "verdict": "holds", **changes,
                }  # fmt: skip
                runs.append(row(**line))
        sharp = 0.3 if changes.get("verdict") != "violated" else 0.9
        runs.append(
            row(
                kind="sphere-classifier/1", geometry="sphere", weight_decay=0.0, step_size=0.0, seed=seed,
                sharpness=sharp, sharpness_residual=0.0, uniform_bound=0.4,
            )
        )  # fmt: skip
    return Result("shattering-logistic", CLAIM.quick, tuple(runs))


def words(found: Result) -> dict[str, str]:
    return {name: judged.word(CLAIM.kind) for name, judged in CLAIM.judge(found).items()}


def test_as_claimed() -> None:
    assert words(result()) == {
        "shattered": "yes", "memorized": "yes", "large_steps_help": "yes", "decay_helps": "yes",
        "bound": "holds", "sphere": "holds",
    }  # fmt: skip


def test_each_part_can_fail() -> None:
    found = result(falls=-0.1, train=0.9, risk=2.0, decay=9.0, verdict="violated")
    assert words(found) == {
        "shattered": "no", "memorized": "no", "large_steps_help": "no", "decay_helps": "no",
        "bound": "false_as_stated", "sphere": "false_as_stated",
    }  # fmt: skip


def test_sharp_networks_are_not_asked_whether_flat_ones_memorize() -> None:
    assert words(result(edge_ratio=0.9))["memorized"] == "premise_not_met"
