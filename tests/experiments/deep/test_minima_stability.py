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
from stepscape.experiments.deep.minimum_runs import work
from stepscape.experiments.deep.networks import network
from stepscape.experiments.frame import Result, Run
from stepscape.methods import Adam, RMSProp

FROM = {"one": 11, "some": 8, "most": 5}  # the first seed whose run is changed


def word(part: str, **more: Any) -> str:
    """Verdict on twelve seeds; `more` changes a column of all runs, of a method's, or of some seeds'."""
    out = []
    for method in ("descent", "rmsprop", "adam"):
        for seed in range(12):
            row = {
                "method": method, "seed": seed, "outcome": "finished",
                "rate_below": -0.04, "linear_below": -0.04, "rate_above": 0.04, "linear_above": 0.04,
                "left_ratio": 0.9,
            }  # fmt: skip
            whose = {"", method, *(name for name, least in FROM.items() if seed >= least)}
            changes = {
                key.rpartition(":")[2]: x for key, x in more.items() if key.rpartition(":")[0] in whose
            }
            out.append(Run({**row, **changes}))
    return CLAIM.judge(Result("minima-stability", CLAIM.quick, tuple(out)))[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("right_side", {}, "holds"),
        ("right_side", {"rate_above": -0.01}, "false_as_stated"),
        ("right_side", {"adam:rate_above": -0.01}, "false_as_stated"),
        ("right_side", {"one:rate_below": 0.01}, "false_as_stated"),
        ("right_side", {"one:rate_below": None, "one:rate_above": None}, "holds"),
        ("linear", {}, "holds"),
        ("linear", {"adam:rate_below": -0.045}, "false_as_stated"),
        ("leaves", {}, "yes"),
        ("leaves", {"rmsprop:left_ratio": 1.0}, "it_depends"),
        ("leaves", {"left_ratio": 0.995}, "no"),
        ("leaves", {"outcome": "diverged"}, "no"),
        ("leaves", {"most:outcome": "diverged"}, "undecided"),
        ("leaves", {"some:rate_below": None}, "it_depends"),
        ("leaves", {"rate_below": None}, "premise_not_met"),
        ("diverges", {}, "no"),
        ("diverges", {"descent:outcome": "diverged"}, "it_depends"),
        ("diverges", {"outcome": "diverged"}, "yes"),
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
    lost = work(CLAIM.specs(CLAIM.quick)[0], lambda _: None)
    assert (lost.outcome, lost.numbers) == ("finished", {"minimum": False})
