"""The rules of `sharp-but-good` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.folklore.sharp_but_good import CLAIM, compared
from stepscape.experiments.frame import Judged, Result, Run

ETAS = (0.1, 0.2, 0.4)


def rows(best: float = 0.9, others: float = 1.5, seeds: int = 12, **more: Any) -> list[Run]:
    """Flat solutions have risks 1 and 3, median 2; one sharp one has `best` times that, the others more."""
    return [
        Run({
            "half_width": 3.0, "arm": arm, "scale": 1.0, "seed": seed, "step_size": eta, "width": 50,
            "outcome": "finished", "bent_neurons": 20, "drift": 0.0, "weighted_tv": 1.0,
            "sharpness": 2.0 / eta, "least_sharpness": 1.9 / eta, "residual_norm": 0.01,
            "stretched_sharpness": 90.0 / eta, "function_moved": 0.0,
            "risk_grid": risk, "risk_interior_grid": risk / 7.0,
            **more,
        })
        for seed in range(seeds)
        for arm, risks in (("one", (2.0 * best, 2.0 * others, 1.0)), ("two", (2.0 * others,) * 2 + (3.0,)))
        for eta, risk in zip(ETAS, risks, strict=True)
    ]  # fmt: skip


def judged(runs: list[Run]) -> dict[str, Judged]:
    return CLAIM.judge(Result("sharp-but-good", CLAIM.quick, tuple(runs)))


def word(part: str, *args: Any, **more: Any) -> str:
    return judged(rows(*args, **more))[part].word(CLAIM.kind)


@pytest.mark.parametrize("part", ["trained", "in_the_interior", "sharp_function"])
def test_one_good_sharp_solution_per_data_set_is_enough(part: str) -> None:
    assert word(part) == word(part, 1.0) == "reproduced"
    assert word(part, 1.01) == "not_reproduced"
    some = rows()[:54] + [Run({**run.row}) for run in rows(1.2)[54:]]  # 9 of 12 data sets
    assert judged(some)[part].word(CLAIM.kind) in ("undecided", "partly")
    assert (
        judged(rows() + [Run({**run.row, "seed": run["seed"] + 12}) for run in rows(1.2, seeds=3)])[
            part
        ].word(CLAIM.kind)
        == "partly"
    )


def test_a_solution_near_the_edge_is_not_sharp() -> None:
    assert word("trained", sharpness=5.49) == "not_reproduced"
    assert word("trained", sharpness=5.51) == "reproduced"
    assert word("sharp_function", least_sharpness=5.5) == "not_reproduced"
    assert word("sharp_function", residual_norm=100.0) == "not_reproduced"


def test_most_sharp_ones() -> None:
    assert word("most_sharp_ones") == "no"  # 1 of 4 per data set
    assert word("most_sharp_ones", 0.9, 0.9) == "yes"
    assert word("most_sharp_ones", sharpness=1.0) == "premise_not_met"


def test_stretched_ones() -> None:
    assert word("stretched") == "reproduced"
    assert word("stretched", stretched_sharpness=4.9) == "not_reproduced"


def test_without_flat_solutions_there_is_no_yardstick() -> None:
    small = [run for run in rows() if run["step_size"] < 0.4]
    lost = [Run({**run.row, "drift": np.nan}) for run in rows() if run["step_size"] == 0.4]
    assert judged(small + lost)["trained"].word(CLAIM.kind) == "premise_not_met"
    assert judged([Run({**run.row, "bent_neurons": 0}) for run in rows()])["trained"].word(
        CLAIM.kind
    ) == "premise_not_met"  # fmt: skip


def test_risks_are_over_the_median_of_the_flat_ones_of_the_same_data() -> None:
    runs = rows(seeds=1) + [Run({**run.row, "seed": 5, "risk_grid": 8.0}) for run in rows(seeds=1)]
    found = compared(Result("", {}, tuple(runs)).table)
    np.testing.assert_allclose(found.where(seed=5)["relative_risk_grid"], 1.0)
    np.testing.assert_allclose(found.where(seed=0, step_size=0.4)["relative_risk_grid"], [0.5, 1.5])
    np.testing.assert_allclose(found.where(step_size=0.1)["over"], 4.0)


def test_the_table_lists_the_sharpest_good_ones_first() -> None:
    found = CLAIM.numbers(Result("", {}, tuple(rows(0.9, 0.8))))  # type: ignore[misc]
    assert len(found) == 20
    assert (np.diff(found["over"]) <= 0.0).all()
