"""The rules of `minima-stability` on rows that come out each way; minima and rates against closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError, NotConverged
from stepscape.experiments.deep import minimum as minima
from stepscape.experiments.deep.minima_stability import CLAIM
from stepscape.experiments.deep.minimum import critical_step_size, linear_rate, rate_at
from stepscape.experiments.deep.networks import network
from stepscape.experiments.frame import Result, Run
from stepscape.methods import Adam, RMSProp


def word(part: str, **more: Any) -> str:
    out = []
    for method, adaptive in (("descent", False), ("rmsprop", True), ("adam", True)):
        for seed in range(12):
            row = {
                "method": method, "adaptive": adaptive, "seed": seed, "outcome": "finished",
                "rate_below": -0.04, "linear_below": -0.04, "rate_above": 0.04, "linear_above": 0.04,
                "left_ratio": 0.9,
            }  # fmt: skip
            own = {key.partition(":")[2]: x for key, x in more.items() if key.startswith(f"{method}:")}
            out.append(Run({**row, **{key: x for key, x in more.items() if ":" not in key}, **own}))
    return CLAIM.judge(Result("minima-stability", CLAIM.quick, tuple(out)))[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("right_side", {}, "reproduced"),
        ("right_side", {"rate_above": -0.01}, "undecided"),
        ("right_side", {"rate_below": 0.01, "rate_above": -0.01}, "not_reproduced"),
        ("linear", {}, "holds"),
        ("linear", {"adam:rate_below": -0.045}, "false_as_stated"),
        ("leaves", {}, "yes"),
        ("leaves", {"descent:left_ratio": 1.0}, "no"),
        ("leaves", {"outcome": "diverged"}, "premise_not_met"),
        ("adaptive_leaves", {}, "yes"),
        ("adaptive_leaves", {"rmsprop:left_ratio": 1.0}, "it_depends"),
        ("adaptive_leaves", {"left_ratio": 0.995}, "no"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, **change) == expected


def test_at_a_minimum_descent_multiplies_a_change_by_one_minus_eta_lambda() -> None:
    objective = network(8, 2, (20, 20), "tanh")
    at = minima.minimum(objective, objective.start(1.0, 1001))
    assert at.loss < 1e-20
    assert at.gradient == pytest.approx(np.linalg.norm(objective.gradient(at.theta)))
    assert at.gradient < 1e-13
    h = np.array([objective.hessian(at.theta).product(row) for row in np.eye(objective.size)])
    assert at.top.value == pytest.approx(np.linalg.eigvalsh(h)[-1], rel=1e-9)
    for share in (0.9, 1.1):
        method = ss.GradientDescent(share * 2.0 / at.top.value, 1)
        expected = np.log(abs(1.0 - 2.0 * share))
        found, steps = linear_rate(method, at.top.value, 1e-8)
        assert found == pytest.approx(expected, rel=1e-9)
        assert steps == int(np.ceil(4.0 / abs(expected)))
        assert rate_at(objective, method, at, 1e-8, steps) == pytest.approx(expected, abs=1e-4)


def test_the_preconditioner_of_an_adaptive_method_at_a_minimum_is_epsilon() -> None:
    assert critical_step_size(ss.GradientDescent(7.0, 1, momentum=0.5), 6.0) == pytest.approx(0.5)
    assert critical_step_size(RMSProp(7.0, 1, epsilon=0.3), 6.0) == pytest.approx(0.1)
    adam = Adam(7.0, 1, epsilon=0.3)
    critical = critical_step_size(adam, 6.0)
    assert critical == pytest.approx(38.0 * 0.3 / 6.0)
    for share, sign in ((0.99, -1.0), (1.01, 1.0)):
        rate, _ = linear_rate(minima.with_step_size(adam, share * critical), 6.0, 1e-12)
        assert np.sign(rate) == sign


def test_what_cannot_be_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for change, match in (
        ({"below": 1.1}, r"below and above must lie on the two sides of 1, got \(1.1, 1.02\)"),
        ({"size": 2.0}, r"size must lie strictly between 0 and 1, got 2.0"),
    ):
        with pytest.raises(InputError, match=match):
            CLAIM.specs({**CLAIM.quick, **change})
    monkeypatch.setattr(minima, "ROUNDS", 1)
    objective = network(8, 2, (20, 20), "tanh")
    with pytest.raises(NotConverged, match="no minimum was found within 1 steps; widen it"):
        minima.minimum(objective, objective.start(1.0, 1001))
