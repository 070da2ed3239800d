"""The rules of `sharpness-vs-risk` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from stepscape.experiments.folklore import ranks
from stepscape.experiments.folklore.sharpness_vs_risk import CLAIM
from stepscape.experiments.folklore.solutions import counts
from stepscape.experiments.frame import Judged, Result, Run
from stepscape.tables.records import Table

ETAS, SCALES = (0.1, 0.2, 0.4), (1.0, 2.0, 4.0, 6.0)


def rows(across: float, within: float, seeds: int = 8, **more: Any) -> list[Run]:
    """Runs whose risk follows the step size with one sign and the start with another."""
    rng = np.random.default_rng(7)
    return [
        Run({
            "half_width": 3.0, "arm": "mean_field", "scale": scale, "seed": seed, "step_size": eta,
            "width": 50, "outcome": "finished", "bent_neurons": 20, "drift": 0.0,
            "risk_grid": 5.0 + across / eta + within * scale / 10 + 1e-3 * rng.standard_normal(),
            "risk_interior_grid": 5.0 + across / eta + within * scale / 10 + 1e-3 * rng.standard_normal(),
            **dict.fromkeys(ranks.MEASURES, 2.0 / eta + scale / 10),
            **more,
        })
        for seed in range(seeds)
        for eta in ETAS
        for scale in SCALES
    ]  # fmt: skip


def judged(runs: list[Run]) -> dict[str, Judged]:
    return CLAIM.judge(Result("sharpness-vs-risk", CLAIM.quick, tuple(runs)))


def words(runs: list[Run]) -> tuple[str, str]:
    found = judged(runs)
    return tuple(found[f"sharpness_{way}"].word(CLAIM.kind) for way in ranks.RANKINGS)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("across", "within", "expected"),
    [
        (1.0, 1.0, ("reproduced", "reproduced")),
        (-1.0, -1.0, ("not_reproduced", "not_reproduced")),
        (1.0, -1.0, ("reproduced", "not_reproduced")),
        (0.0, 0.0, ("undecided", "undecided")),
    ],
)
def test_each_way(across: float, within: float, expected: tuple[str, str]) -> None:
    assert words(rows(across, within)) == expected


def test_a_region_that_says_the_opposite_makes_it_partly() -> None:
    runs = [Run({**run.row, "risk_interior_grid": -run.row["risk_grid"] / 10}) for run in rows(1.0, 1.0)]
    assert judged(runs)["sharpness_across"].word(CLAIM.kind) == "partly"


def test_runs_that_found_no_solution_do_not_enter() -> None:
    moving = {"drift": -0.06}, {"drift": np.nan}, {"bent_neurons": 2}, {"outcome": "diverged"}
    for change in moving:
        lost = rows(-1.0, -1.0, **change)
        assert not counts(Result("", {}, tuple(lost)).table).any()
        assert words(lost) == ("premise_not_met", "premise_not_met")
        assert words(rows(1.0, 1.0) + lost)[0] == "reproduced"
    assert counts(Result("", {}, tuple(rows(1.0, 1.0, drift=0.049))).table).all()


def test_a_range_without_solutions_makes_a_yes_partial() -> None:
    lost = rows(1.0, 1.0, half_width=1.0, drift=1.0)
    found = judged(rows(1.0, 1.0) + lost)["sharpness_across"]
    assert found.word(CLAIM.kind) == "partly"
    assert "[−1, 1]" in found.finding.sentence
    no = judged(rows(-1.0, -1.0) + lost)["sharpness_across"]
    assert no.word(CLAIM.kind) == "not_reproduced"


def test_seeds_with_few_solutions_do_not_count() -> None:
    """Three solutions of twelve are ranked the other way by seven of eight seeds."""
    few = [
        Run({**run.row, "drift": 0.0 if run["scale"] == 1.0 else 1.0}) if run["seed"] else run
        for run in rows(1.0, 1.0)
    ]
    assert words(few) == ("premise_not_met", "premise_not_met")
    half = [run if run["seed"] % 2 else Run({**run.row, "drift": 1.0}) for run in rows(1.0, 1.0)]
    assert words(half)[0] == "reproduced"
    assert np.isnan(
        ranks.by_seed(Result("", {}, tuple(few)).table, ranks.across, "sharpness", "risk_grid")[1:]
    ).all()


def test_tau_is_that_of_scipy_over_the_rows_it_names() -> None:
    rng = np.random.default_rng(3)
    table = Table.from_records(
        {"step_size": eta, "sharpness": rng.normal(), "risk_grid": rng.normal()}
        for eta in ETAS
        for _ in SCALES
    )
    x, y = table["sharpness"], table["risk_grid"]
    assert ranks.across(table, "sharpness", "risk_grid") == pytest.approx(kendalltau(x, y).statistic)
    each = [kendalltau(x[i : i + 4], y[i : i + 4]).statistic for i in (0, 4, 8)]
    assert ranks.within(table, "sharpness", "risk_grid") == pytest.approx(np.mean(each))
    few = table.rows(np.arange(12) < 2)
    assert np.isnan(ranks.across(few, "sharpness", "risk_grid"))


def test_the_summary_has_every_measure_and_its_interval() -> None:
    found = CLAIM.numbers(Result("", {}, tuple(rows(1.0, 1.0))))  # type: ignore[misc]
    assert set(found["measure"]) == set(ranks.MEASURES.values())
    assert (found["low"] <= found["tau"]).all()
    assert set(found["seeds"]) == {8}
