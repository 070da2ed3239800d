"""The rules of `catapult` on rows that come out each way, and its runs in the three regimes."""

from __future__ import annotations

from typing import Any

import pytest

from stepscape.experiments.edge.catapult import CLAIM
from stepscape.experiments.edge.catapult_figures import steps
from stepscape.experiments.edge.catapult_runs import CatapultRun, work
from stepscape.experiments.frame import Result, Run


def result(**more: Any) -> Result:
    """Eight seeds; `more` changes the runs from between 2/η and 4/η, or all if it is a product."""
    rows = []
    for seed in range(8):
        for k in (100, 1000, 10_000):
            for product, outcome, rises in ((1.5, "finished", 0), (3.0, "finished", 5), (4.3, "diverged", 9)):
                row = {
                    "catapult_width": k, "product": product, "seed": seed, "outcome": outcome, "growth": 9.0,
                    "largest_loss": 0.3 * k * (1.0 + 0.01 * seed), "last_loss": 1e-9, "last_product": 1.0,
                    "rises": rises, "recursion_error": 1e-15,
                }  # fmt: skip
                rows.append(Run({**row, **more}))
    return Result("catapult", CLAIM.quick, tuple(rows))


def word(part: str, **more: Any) -> str:
    return CLAIM.judge(result(**more))[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("is_caught", {}, "reproduced"),
        ("is_caught", {"last_product": 2.1}, "not_reproduced"),
        ("is_caught", {"product": 5.0}, "premise_not_met"),
        ("is_monotone", {}, "reproduced"),
        ("is_monotone", {"rises": 1}, "not_reproduced"),
        ("is_monotone", {"product": 5.0}, "premise_not_met"),
        ("diverges", {}, "reproduced"),
        ("diverges", {"outcome": "finished"}, "not_reproduced"),
        ("diverges", {"product": 1.0}, "premise_not_met"),
        ("width", {}, "reproduced"),
        ("width", {"largest_loss": 3.0}, "not_reproduced"),
        ("width", {"catapult_width": 100}, "premise_not_met"),
        ("recursion", {}, "holds"),
        ("recursion", {"recursion_error": 1e-9}, "false_as_stated"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, **change) == expected


@pytest.mark.parametrize(
    ("change", "count"),
    [({}, "24 of 24"), ({"catapult_width": 30}, "0 of 0"), ({"last_loss": 1e-3}, "0 of 24")],
)
def test_the_title_counts_what_the_rule_counts(change: dict[str, Any], count: str) -> None:
    assert steps(result(**change)).caption.startswith(f"{count} runs that begin between 2/η and 4/η grow")


@pytest.mark.parametrize(("product", "outcome"), [(1.5, "finished"), (2.8, "finished"), (4.3, "diverged")])
def test_the_three_regimes(product: float, outcome: str) -> None:
    found = work(CatapultRun(1000, product, 0.5, 300, 1000, True), lambda _: None)
    assert found.outcome == outcome
    assert found.numbers["recursion_error"] < 1e-13
    assert (found.numbers["rises"] > 0) == (product > 2.0)
    if product == 2.8:
        assert found.numbers["last_product"] < 2.0
        assert 10.0 < found.numbers["largest_loss"] < 1000.0
