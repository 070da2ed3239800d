"""The rules of accelerated on rows that come out each way, and Nesterov's method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.illustrations.accelerated import ARMS, CLAIM
from stepscape.experiments.illustrations.runs import LogisticRun, begin, work

LOSSES = {"large": 1e-4, "stable": 1e-2, "nesterov": 1e-6, "far": 1e-9}


def rows(arm: str = "", **more: Any) -> list[Run]:
    """Runs of all arms; `more` changes those of one of them."""
    out = []
    for seed in range(20):
        for name, fields in ARMS.items():
            for budget in (400, 1600, 6400, 25_600, 102_400):
                row = {
                    "data": "planted", **fields, "steps": budget, "seed": seed, "outcome": "finished",
                    "law": 0.3 / budget**0.5 * (1.0 + 0.01 * seed), "compared": 10, "violations": 0,
                    "slack": 1.0, "over_threshold": 3.0,
                    "log_loss": np.log(LOSSES[name] * (1.0 + 0.01 * seed)),
                }  # fmt: skip
                changes = {key: x(row) if callable(x) else x for key, x in more.items()}
                out.append(Run({**row, **(changes if name == arm else {})}))
    return out


def word(part: str, arm: str = "", **more: Any) -> str:
    result = Result(CLAIM.name, CLAIM.quick, tuple(rows(arm, **more)))
    return CLAIM.judge(result)[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "arm", "change", "expected"),
    [
        ("large", "", {}, "reproduced"),
        # Five times the law is of its order; T^(−1.66) is not, though it ends within a factor of 2.
        ("large", "large", {"law": lambda row: np.log10(5.0) + 1e-4 * row["seed"]}, "reproduced"),
        ("constants", "large", {"law": np.log10(5.0)}, "not_reproduced"),
        (
            "large",
            "large",
            {"law": lambda row: np.log10(0.3) + 0.34 * np.log10(row["steps"] / 400.0) + 1e-4 * row["seed"]},
            "not_reproduced",
        ),
        # Steps that are not beyond the stable one are not large.
        (
            "large",
            "large",
            {"over_threshold": lambda row: 0.6 if row["steps"] < 50_000 else 2.0},
            "premise_not_met",
        ),
        ("large", "large", {"over_threshold": lambda row: 0.6 if row["seed"] < 9 else 2.0}, "partly"),
        ("large", "large", {"outcome": "diverged"}, "premise_not_met"),
        ("large", "stable", {"law": 0.4}, "reproduced"),
        ("stable", "", {}, "reproduced"),
        ("stable", "stable", {"law": lambda row: 0.2 * np.log10(row["steps"])}, "not_reproduced"),
        ("stable", "stable", {"log_loss": np.log(1e-4)}, "not_reproduced"),
        ("constants", "", {}, "reproduced"),
        ("constants", "stable", {"law": -0.4}, "not_reproduced"),
        (
            "constants",
            "large",
            {"law": lambda row: 0.25 if row["steps"] > 50_000 else 0.26},
            "not_reproduced",
        ),
        ("nesterov", "", {}, "holds"),
        ("nesterov", "nesterov", {"violations": 1}, "false_as_stated"),
        ("nesterov", "large", {"violations": 1}, "holds"),
        ("ahead", "", {}, "no"),
        ("ahead", "nesterov", {"log_loss": lambda row: np.log(1e-3) + 0.01 * row["seed"]}, "yes"),
        ("best", "", {}, "no"),
        ("best", "far", {"log_loss": 0.0}, "yes"),
    ],
)
def test_each_way(part: str, arm: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, arm, **change) == expected


def test_nesterov_has_the_textbook_iterates_and_the_budget_its_step_size() -> None:
    fields: dict[str, Any] = {"data": "planted", "margin": 0.1, "steps": 30, "seed": 1001, "drawn": False}
    run = LogisticRun(**fields, **ARMS["nesterov"])
    objective, eta = begin(run)
    assert eta == pytest.approx(1.0 / objective.smoothness)
    x = y = np.zeros(3)
    t = 1.0
    for _ in range(30):  # Beck and Teboulle: x_k = p(y_k), t_{k+1}, y_{k+1}
        new, following = y - eta * objective.gradient(y), (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
        y, x, t = new + (t - 1.0) / following * (new - x), new, following
    found = work(run, lambda _: None).numbers
    assert found["log_loss"] == pytest.approx(np.log(objective.loss(x)), rel=1e-12)
    assert found["violations"] == 0
    assert found["compared"] > 0
    large = begin(LogisticRun(**fields, **ARMS["large"]))[1]
    assert large == pytest.approx(2.0 * objective.margin.value**2 * 30)


def test_short_budgets_are_refused() -> None:
    with pytest.raises(InputError, match="budgets must be at least 10, got 5"):
        CLAIM.specs(CLAIM.settings({"budgets": "400,5"}))
