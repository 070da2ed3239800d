"""The rules of arbitrarily-fast on rows that come out each way, its adaptive steps, and weight decay."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from stepscape.errors import InputError, NotConverged
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.illustrations import adaptive_runs, ridge_runs, runs
from stepscape.experiments.illustrations.adaptive_runs import AdaptiveRun
from stepscape.experiments.illustrations.arbitrarily_fast import ADAPTIVE, CLAIM, RIDGE, RULES
from stepscape.experiments.illustrations.logistic_paths import METHODS
from stepscape.experiments.illustrations.ridge_runs import RidgeRun
from stepscape.experiments.illustrations.runs import LogisticRun
from stepscape.experiments.illustrations.separable_data import data


def rows(rule: str = "", **more: Any) -> list[Run]:
    """Runs of both kinds; `more` changes those of one rule or arm."""
    out = []
    for seed in range(20):
        every = {"data": "planted", "seed": seed, "outcome": "finished"}
        for method in RULES:
            for eta in (10.0, 100.0, 1000.0):
                row = {
                    **ADAPTIVE, **every, "method": method, "factor": eta, "compared": 9, "violations": 0,
                    "log_left": -1.4 * eta * (1.0 + 1e-3 * seed), "log_loss": -2.8 * eta,
                    "share_of_rises": 0.4,
                }  # fmt: skip
                out.append(Run({**row, **(_changed(row, more) if method == rule else {})}))
        for arm, power in (("ridge_large", 0.5), ("ridge_stable", 0.9)):
            for decay in (1e-3, 1e-4, 1e-5, 1e-6):
                taken = decay**-power * (1.0 + 1e-3 * seed)
                row = {**RIDGE, **every, "arm": arm, "decay": decay, "taken": taken, "ridge_steps": 20_000}
                out.append(Run({**row, **(_changed(row, more) if arm == rule else {})}))
    return out


def _changed(row: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {key: x(row) if callable(x) else x for key, x in more.items()}


def _failed(row: dict[str, Any], below: int) -> str:
    return "failed" if row["seed"] < below else "finished"


def word(part: str, rule: str = "", **more: Any) -> str:
    result = Result(CLAIM.name, CLAIM.quick, tuple(rows(rule, **more)))
    return CLAIM.judge(result)[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "rule", "change", "expected"),
    [
        ("bound", "", {}, "holds"),
        ("bound", "exponential", {"violations": 1}, "false_as_stated"),
        ("bound", "adapt", {"violations": 1}, "holds"),
        ("linear", "", {}, "reproduced"),
        ("linear", "exponential", {"log_left": lambda row: -((row["factor"]) ** 1.2)}, "not_reproduced"),
        # Losses above 1, in nearly all seeds or in all, and one that is e^(−η/10⁶).
        (
            "linear",
            "exponential",
            {"log_left": lambda row: (0.3 if row["seed"] else -1.4) * row["factor"]},
            "not_reproduced",
        ),
        ("linear", "exponential", {"log_left": lambda row: 0.3 * row["factor"]}, "not_reproduced"),
        (
            "linear",
            "exponential",
            {"log_left": lambda row: -1e-6 * row["factor"] * (1.0 + 1e-3 * row["seed"])},
            "not_reproduced",
        ),
        ("linear", "exponential", {"outcome": lambda row: _failed(row, 9)}, "partly"),
        ("logistic", "", {}, "yes"),
        ("logistic", "adapt", {"violations": lambda row: int(row["factor"] == 1000.0)}, "no"),
        ("logistic", "adapt", {"violations": lambda row: int(row["factor"] == 10.0)}, "no"),
        ("logistic", "adapt", {"compared": 0}, "premise_not_met"),
        ("logistic", "adapt", {"compared": lambda row: 9 * (row["seed"] > 8)}, "it_depends"),
        ("naive", "", {}, "yes"),
        ("naive", "adapt_naively", {"violations": 3}, "no"),
        ("last", "", {}, "no"),
        ("last", "exponential", {"log_loss": lambda row: -row["factor"]}, "yes"),
        (
            "last",
            "exponential",
            {"log_loss": lambda row: -row["factor"] * (2.0 if row["factor"] < 50.0 else 0.9)},
            "it_depends",
        ),
        ("ridge", "", {}, "consistent"),
        ("ridge", "ridge_large", {"taken": lambda row: row["decay"] ** -0.9}, "contradicted"),
        ("ridge", "ridge_large", {"taken": lambda row: row["decay"] ** -0.74}, "contradicted"),
        # The claim leaves one logarithm open.
        (
            "ridge",
            "ridge_large",
            {"taken": lambda row: row["decay"] ** -0.5 * np.log(1.0 / row["decay"])},
            "consistent",
        ),
        ("ridge", "ridge_large", {"taken": None}, "undecided"),
        # Runs that do not arrive: for small λ, and, in most seeds, for all.
        (
            "ridge",
            "ridge_large",
            {"taken": lambda row: row["decay"] ** -0.5 if row["decay"] > 5e-5 else None},
            "contradicted",
        ),
        ("ridge", "ridge_large", {"taken": lambda row: 1e3 if row["seed"] < 3 else None}, "undecided"),
        # Over three decades the power is ½, over the last one 0.79.
        (
            "ridge",
            "ridge_large",
            {"taken": lambda row: {-3: 204, -4: 422, -5: 940, -6: 5783}[round(np.log10(row["decay"]))]},
            "undecided",
        ),
    ],
)
def test_each_way(part: str, rule: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, rule, **change) == expected


def test_the_number_of_steps_is_that_of_the_margin_that_the_data_have() -> None:
    """In 50 dimensions it is about half of what is asked for; before 1/γ² steps a bound says nothing."""
    run = AdaptiveRun(
        data="wide", margin=0.1, method="adapt", factor=1e4, adaptive_rounds=1.5, seed=1000, drawn=False
    )
    margin = data("wide", 0.1, 1000).margin.value
    descent = adaptive_runs.begin(run)
    assert margin < 0.07
    assert descent.steps == int(np.ceil(1.5 / margin**2))
    found = adaptive_runs.work(run, lambda _: None).numbers
    assert found["compared"] == descent.steps - int(1.0 / margin**2)
    assert found["violations"] > 0


@pytest.mark.parametrize("method", RULES)
def test_adaptive_steps_ascend_what_they_say(method: str) -> None:
    """Each step is η times the gradient, by central differences, of a function of the loss."""
    objective = data("planted", 0.1, 1000)
    score = {
        "exponential": lambda w: -np.log(np.mean(np.exp(-(objective.signed @ w)))),
        "adapt": lambda w: -np.log(np.expm1(objective.loss(w))),
        "adapt_naively": lambda w: -np.log(objective.loss(w)),
    }[method]
    path = METHODS[method](objective, 3.0, 6, lambda _: None)
    for w, after in pairwise(path):
        slope = [(score(w + h) - score(w - h)) / 2e-5 for h in 1e-5 * np.eye(3)]
        np.testing.assert_allclose((after - w) / 3.0, slope, rtol=0, atol=1e-8)


def test_the_bound_is_that_of_the_averaged_iterate() -> None:
    run = LogisticRun(
        data="outnumbered", margin=0.1, method="exponential", unit="plain", factor=5.0, steps=300, seed=1000,
        drawn=True,
    )  # fmt: skip
    objective, _ = runs.begin(run)
    found, path = runs.work(run, lambda _: None), METHODS["exponential"](objective, 5.0, 300, lambda _: None)
    mean = objective.log_loss(path[:-1].mean(axis=0))
    assert found.numbers["log_left"] == pytest.approx(float(mean), rel=1e-12)
    assert found.arrays["average"][-1] == pytest.approx(float(mean), rel=1e-12)
    assert float(mean) <= -2.5 * (objective.margin.value**2 * 300 - 1.0)
    assert found.numbers["violations"] == 0


def test_with_weight_decay_descent_stops_near_the_minimum() -> None:
    run = RidgeRun(
        data="planted", ridge_margin=0.2, decay=1e-3, arm="ridge_large", ridge_steps=5000, seed=1000
    )
    objective, eta = ridge_runs.begin(run)
    assert eta == pytest.approx(objective.margin.value / np.sqrt(1e-3))
    best = minimize(lambda w: objective.loss(w) + 5e-4 * w @ w, np.zeros(3), method="BFGS", tol=1e-10)
    lowest = ridge_runs.penalized(objective, ridge_runs.minimum(objective, 1e-3), 1e-3)
    assert float(lowest) == pytest.approx(best.fun, rel=1e-9)
    w, taken = np.zeros(3), ridge_runs.work(run, lambda _: None).numbers["taken"]
    gaps = []
    for _ in range(taken + 1):
        gaps.append(objective.loss(w) + 5e-4 * w @ w - float(lowest))
        w = w - eta * (objective.gradient(w) + 1e-3 * w)
    assert gaps[-1] <= 1e-5 < gaps[-2]
    # In two pieces, and with too few steps.
    short = ridge_runs.work(
        RidgeRun(data="planted", ridge_margin=0.2, decay=1e-3, arm="ridge_stable", ridge_steps=5, seed=1000),
        lambda _: None,
    )
    assert short.numbers["taken"] is None
    assert not short.numbers["arrived"]


def test_pieces_of_a_descent_are_one_descent(monkeypatch: pytest.MonkeyPatch) -> None:
    run = RidgeRun(
        data="two_points", ridge_margin=0.2, decay=1e-4, arm="ridge_large", ridge_steps=5000, seed=1000
    )
    whole = ridge_runs.work(run, lambda _: None).numbers
    monkeypatch.setattr(ridge_runs, "BLOCK", 50)
    assert ridge_runs.work(run, lambda _: None).numbers == whole


def test_a_minimum_that_is_not_reached_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge_runs, "NEWTON", 2)
    with pytest.raises(NotConverged, match="Newton's method did not reach the minimum in 2 steps"):
        ridge_runs.minimum(data("planted", 0.1, 0), 1e-5)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"ridge_margin": "0"}, "ridge_margin must be positive and at most 0.3, got 0.0"),
        ({"decays": "-1"}, "decays must be finite and positive, got -1.0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
