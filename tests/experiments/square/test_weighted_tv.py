"""The rule of `weighted-tv` on synthetic tables that come out each way."""

from __future__ import annotations

from typing import Any

import pytest

from stepscape.experiments.common.experiment import Result
from stepscape.experiments.square.weighted_tv_figures import sides
from stepscape.experiments.square.weighted_tv_rule import CERTAIN, judge
from stepscape.tables import Table, Verdict

NAMES = (*CERTAIN, "noisy", "interpolation", "line")


def rows(**changes: Any) -> list[dict[str, Any]]:
    """Twenty seeds at two step sizes, 10 records each; no interpolation; ∫|f''|g = 1/(4η)."""
    out = []
    for seed in range(20):
        for eta in (0.1, 0.4):
            row: dict[str, Any] = {
                "arm": "a", "seed": seed, "step_size": eta, "outcome": "finished", "bent_neurons": 30,
                "edge_reached": True, "knots_at_data": 3, "records_checked": 10, "records_without_bends": 1,
                "line_beyond": 0,
            }  # fmt: skip
            for name in NAMES:
                row |= {f"{name}_checks": 10, f"{name}_violations": 0, f"{name}_least_slack": 0.5,
                        f"{name}_left": 0.25 / eta, f"{name}_right": 1.0 / eta}  # fmt: skip
            row |= {"interpolation_checks": 0, "interpolation_least_slack": None, "line_checks": 7}
            out.append({**row, **changes})
    return out


def judged(records: list[dict[str, Any]]) -> dict[str, Verdict]:
    return judge(Result("weighted-tv", {"arms": ["a"]}, Table.from_records(records)))


def test_what_is_not_contradicted_is_consistent_and_never_reproduced() -> None:
    verdicts = judged(rows())
    words = {name: verdict.word for name, verdict in verdicts.items()}
    assert words == {
        "a": "consistent",
        "two_over_eta": "consistent",
        "noisy": "consistent",
        "interpolation": "premise_not_met",
    }
    numbers = verdicts["a"].numbers
    assert "holds in all 1600 checks; the least slack is 0.5" in verdicts["a"].sentence
    assert numbers["records"] == 400.0
    assert numbers["records left out, a knot lies exactly on an input"] == 0.0
    assert numbers["records of networks without bends"] == 40.0
    assert numbers["published: left/right at the end, median"] == pytest.approx(0.25)


@pytest.mark.parametrize("name", CERTAIN)
def test_one_violation_contradicts(name: str) -> None:
    records = rows()
    records[3] |= {f"{name}_violations": 1, f"{name}_least_slack": -0.01}
    verdict = judged(records)["a"]
    assert verdict.word == "not_reproduced"
    assert "violated in 1 of 1600 checks; the least slack is -0.01" in verdict.sentence


def test_an_interpolant_is_judged() -> None:
    records = rows()
    records[0] |= {"interpolation_checks": 2, "interpolation_least_slack": 0.1}
    assert judged(records)["interpolation"].word == "consistent"
    records[0] |= {"interpolation_violations": 1}
    assert judged(records)["interpolation"].word == "not_reproduced"


@pytest.mark.parametrize(("failing", "word"), [(1, "consistent"), (4, "consistent"), (5, "not_reproduced")])
def test_probability_is_over_the_labels(failing: int, word: str) -> None:
    """P(Binomial(20, 0.05) ≥ 4) = 0.016, ≥ 5 = 0.0026; two step sizes of one seed count once."""
    records = [{**row, "noisy_violations": 3 if row["seed"] < failing else 0} for row in rows()]
    verdict = judged(records)["noisy"]
    assert verdict.word == word
    assert verdict.numbers["seeds with a violation"] == failing


def test_the_line() -> None:
    verdict = judged(rows(line_beyond=1))["two_over_eta"]
    assert verdict.word == "consistent"
    assert verdict.numbers["records with λ_max above 2/η"] == 120.0
    assert verdict.numbers["of them beyond the line"] == 40.0
    assert verdict.numbers["slope of log ∫|f''|g on log 1/η at the edge"] == pytest.approx(1.0)
    assert verdict.numbers["∫|f''|g·η at the edge, median"] == pytest.approx(0.25)
    assert judged(rows(line_violations=1))["two_over_eta"].word == "not_reproduced"


@pytest.mark.parametrize(("ratio", "top"), [(0.25, 1.08), (2.0, 2.0)])
def test_the_figure_shows_a_bound_that_fails(ratio: float, top: float) -> None:
    table = Table.from_records(rows(published_left=ratio, published_right=1.0))
    _, lower = sides(table, ["a"]).axes
    assert lower.get_ylim()[0] == 0.0
    assert top <= lower.get_ylim()[1] <= 1.1 * top


@pytest.mark.parametrize("lost", [{"bent_neurons": 0}, {"outcome": "diverged"}])
def test_a_bound_for_dead_networks_says_nothing(lost: dict[str, Any]) -> None:
    assert {verdict.word for verdict in judged(rows(**lost)).values()} == {"premise_not_met"}
