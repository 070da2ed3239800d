"""The rules of `sharp-but-good` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.folklore.sharp_but_good import CLAIM, compared, of_best_constant
from stepscape.experiments.frame import Judged, Result, Run
from stepscape.problems import curve

ETAS = (0.1, 0.2, 0.4)


def rows(best: float = 0.9, others: float = 1.5, seeds: int = 12, **more: Any) -> list[Run]:
    """Flat solutions have risks 0.1 and 0.3, median 0.2; one sharp one is `best` times that."""
    return [
        Run({
            "half_width": 3.0, "arm": arm, "scale": 1.0, "seed": seed, "step_size": eta, "width": 50,
            "outcome": "finished", "bent_neurons": 20, "drift": 0.0, "weighted_tv": 1.0,
            "sharpness": 2.0 / eta, "least_sharpness": 1.9 / eta, "residual_norm": 0.01,
            "stretched_sharpness": 90.0 / eta, "function_moved": 0.0,
            "risk_grid": risk / 10.0, "risk_interior_grid": risk / 70.0,
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


PARTS = ("trained", "in_the_interior", "sharp_function")


@pytest.mark.parametrize("part", PARTS)
def test_data_sets_without_flat_solutions_are_not_dropped_silently(part: str) -> None:
    for lost, word in ((1, "reproduced"), (3, "partly"), (7, "premise_not_met")):
        runs = [
            Run({**run.row, "drift": 1.0}) if run["step_size"] == 0.4 and run["seed"] < lost else run
            for run in rows()
        ]
        assert judged(runs)[part].word(CLAIM.kind) == word


@pytest.mark.parametrize("part", [*PARTS, "most_sharp_ones"])
def test_bad_flat_solutions_are_no_yardstick(part: str) -> None:
    bad = [Run({**run.row, "risk_grid": 50.0, "risk_interior_grid": 50.0}) for run in rows()]
    assert judged(bad)[part].word(CLAIM.kind) == "premise_not_met"


@pytest.mark.parametrize("part", [*PARTS, "most_sharp_ones"])
def test_a_range_without_a_yardstick_makes_a_yes_partial(part: str) -> None:
    other = [Run({**run.row, "half_width": 1.0, "drift": 1.0}) for run in rows()]
    found = judged(rows(0.9, 0.9) + other)[part]
    assert found.word(CLAIM.kind) == ("it_depends" if part == "most_sharp_ones" else "partly")
    assert "[−1, 1]" in found.finding.sentence


def test_ranges_that_disagree_make_it_partly() -> None:
    other = [Run({**run.row, "half_width": 1.0}) for run in rows(1.2)]
    assert judged(rows() + other)["trained"].word(CLAIM.kind) == "partly"


def test_the_yardstick_is_the_variance_of_the_tent() -> None:
    """A tent of height 1 over the whole line of points has values that are uniform between its ends."""
    x = np.linspace(*curve("tent", n=30, noise=0.5, seed=3, half_width=3.0).line.hull, 401)
    expected = np.var(curve("tent", n=30, noise=0.5, seed=3, half_width=3.0).truth(x))  # type: ignore[misc]
    assert of_best_constant(CLAIM.quick, 3.0, 3)["risk_grid"] == pytest.approx(expected)


def test_risks_are_over_the_median_of_the_flat_ones_of_the_same_data() -> None:
    runs = rows(seeds=1) + [Run({**run.row, "seed": 5, "risk_grid": 8.0}) for run in rows(seeds=1)]
    found = compared(Result("", CLAIM.quick, tuple(runs)))
    np.testing.assert_allclose(found.where(seed=5)["relative_risk_grid"], 1.0)
    np.testing.assert_allclose(found.where(seed=0, step_size=0.4)["relative_risk_grid"], [0.5, 1.5])
    np.testing.assert_allclose(found.where(step_size=0.1)["over"], 4.0)


def test_the_table_lists_the_sharpest_good_ones_first() -> None:
    found = CLAIM.numbers(Result("", CLAIM.quick, tuple(rows(0.9, 0.8))))  # type: ignore[misc]
    assert len(found) == 20
    assert (np.diff(found["over"]) <= 0.0).all()
