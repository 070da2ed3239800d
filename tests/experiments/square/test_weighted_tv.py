"""The rules of `weighted-tv` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import pytest

from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.weighted_tv import CERTAIN, CLAIM
from stepscape.experiments.square.weighted_tv_figures import sides

NAMES = (*CERTAIN, "noisy", "interpolation", "line")


def rows(**changes: Any) -> list[dict[str, Any]]:
    """Twenty seeds at two step sizes, 10 records each; no interpolation; ∫|f''|g = 1/(4η)."""
    out = []
    for seed in range(20):
        for eta in (0.1, 0.4):
            row: dict[str, Any] = {
                "arm": "warm_up", "half_width": 3.0, "labels": "noisy", "seed": seed,
                "step_size": eta, "outcome": "finished",
                "bent_neurons": 30, "edge_reached": True, "records_checked": 12, "above_checks": 3,
                "above_violations": 0,
            }  # fmt: skip
            for name in NAMES:
                row |= {f"{name}_checks": 10, f"{name}_violations": 0, f"{name}_left": 0.25 / eta,
                        f"{name}_right": 1.0 / eta}  # fmt: skip
            out.append({**row, "interpolation_checks": 0, "line_checks": 7, **changes})
    return out


def result(records: list[dict[str, Any]]) -> Result:
    settings = {**CLAIM.quick, "arms": ("warm_up",)}
    return Result("weighted-tv", settings, tuple(Run(record) for record in records))


def judged(records: list[dict[str, Any]]) -> dict[str, Judged]:
    return CLAIM.judge(result(records))


def words(records: list[dict[str, Any]]) -> dict[str, str]:
    return {name: found.word(CLAIM.kind) for name, found in judged(records).items()}


def test_what_is_not_contradicted_holds() -> None:
    expected = {
        "certain": "holds",
        "two_over_eta": "yes",
        "noisy": "holds",
    }
    assert words(rows()) == expected
    found = judged(rows())["certain"].rows["warm_up"]
    assert found.sentence.startswith(
        "The inequality holds at all 1600 comparisons; the left side is at most 0.25"
    )
    assert found.numbers["left over right, median"] == pytest.approx(0.25)
    assert found.numbers["records left out, with a knot on an input"] == 2 * 40


@pytest.mark.parametrize("name", CERTAIN)
def test_one_violation_makes_it_false(name: str) -> None:
    records = rows()
    records[3] |= {f"{name}_violations": 1}
    found = judged(records)["certain"]
    assert found.word(CLAIM.kind) == "false_as_stated"
    assert found.finding.sentence == "1 of 1600 comparisons violates the inequality."


@pytest.mark.parametrize(("failing", "word"), [(1, "holds"), (4, "holds"), (5, "false_as_stated")])
def test_probability_is_over_the_labels(failing: int, word: str) -> None:
    """P(Binomial(20, 0.05) ≥ 4) = 0.016, ≥ 5 = 0.0026; two step sizes of one seed count once."""
    records = [{**row, "noisy_violations": 3 if row["seed"] < failing else 0} for row in rows()]
    found = judged(records)["noisy"]
    assert found.word(CLAIM.kind) == word
    assert found.finding.effect is not None
    assert found.finding.effect.interval.mean == pytest.approx(failing / 20)


def test_without_a_truth_nothing_is_said_about_noise() -> None:
    assert words(rows(noisy_checks=0))["noisy"] == "premise_not_met"


@pytest.mark.parametrize(("beyond", "word"), [(1, "yes"), (4, "it_depends"), (20, "no")])
def test_the_threshold_in_the_place_of_the_sharpness(beyond: int, word: str) -> None:
    """So many seeds of 20 leave the class at one record: 5, 20 and 100 % of the runs."""
    found = judged([{**row, "above_violations": int(row["seed"] < beyond)} for row in rows()])["two_over_eta"]
    assert found.word(CLAIM.kind) == word
    numbers = found.finding.numbers
    assert numbers["slope of log ∫|f''|g on log 1/η at the edge"] == pytest.approx(1.0)
    assert numbers["∫|f''|g·η at the edge, median"] == pytest.approx(0.25)


def test_where_no_run_swings_above_the_threshold_nothing_is_asked() -> None:
    assert words(rows(above_checks=0))["two_over_eta"] == "premise_not_met"


def test_networks_without_bends_say_nothing() -> None:
    found = words(rows(bent_neurons=0))
    assert (found["certain"], found["two_over_eta"]) == ("vacuous", "premise_not_met")


@pytest.mark.parametrize(("ratio", "top"), [(0.25, 1.08), (2.0, 2.0)])
def test_the_figure_shows_a_bound_that_fails(ratio: float, top: float) -> None:
    _, lower = sides(result(rows(published_left=ratio, published_right=1.0))).figure.axes
    assert lower.get_ylim()[0] == 0.0
    assert top <= lower.get_ylim()[1] <= 1.1 * top
