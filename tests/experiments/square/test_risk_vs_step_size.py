"""The rule of `risk-vs-step-size` on synthetic tables that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.common.experiment import Result
from stepscape.experiments.square.risk_rule import judge
from stepscape.tables import Table, Verdict

ETAS = (0.01, 0.1, 0.4, 0.8)
U = (0.3, 0.2, 0.1, 0.25)
FLAT = (0.2, 0.2, 0.2, 0.2)
RISING = (0.1, 0.2, 0.3, 0.4)
FALLING = (0.4, 0.3, 0.2, 0.1)


def rows(arm: str = "a", seeds: int = 10, risk: tuple[float, ...] = U, **other: Any) -> list[dict[str, Any]]:
    """One row a seed and step size; seeds differ by a shift that pairing removes, and a little noise.

    A column not given follows the risk; the single iterates have `cost` (0.01) more.
    """
    rng = np.random.default_rng(1)
    levels = {
        "risk": risk,
        "risk_interior_grid": other.get("interior", risk),
        "risk_boundary_grid": other.get("boundary", risk),
        "risk_equal_time": other.get("in_time", risk),
        "risk_held_out": other.get("held_out", risk),
    }
    cost = other.get("cost", (0.01,) * 4)
    out = []
    for seed in range(seeds):
        shift = rng.uniform(0.0, 0.3)
        for j, eta in enumerate(ETAS):
            noise = shift + 0.003 * rng.standard_normal()
            row = {name: values[j] + noise for name, values in levels.items()}
            out.append({
                "arm": arm, "seed": seed, "step_size": eta, "outcome": other.get("outcome", "finished"),
                "bent_neurons": other.get("bent", 10), "edge_reached": True, "loss": 0.1 * (j + 1),
                "fits_interior": other.get("fit", True), **row,
                "risk_last": row["risk"] + cost[j] + 0.05, "risk_before": row["risk"] + cost[j] - 0.05,
            })  # fmt: skip
    return out


def judged(*arms: list[dict[str, Any]]) -> dict[str, Verdict]:
    table = Table.from_records([row for arm in arms for row in arm])
    names = list(dict.fromkeys(str(name) for name in table["arm"]))
    return judge(Result("risk-vs-step-size", {"arms": names}, table))


class TestU:
    @pytest.mark.parametrize(
        ("risk", "word"),
        [(U, "reproduced"), (RISING, "partly"), (FALLING, "partly"), (FLAT, "not_reproduced")],
    )
    def test_each_way(self, risk: tuple[float, ...], word: str) -> None:
        assert judged(rows(risk=risk))["a"].word == word

    def test_few_seeds_do_not_speak_against_it(self) -> None:
        assert judged(rows(risk=FLAT, seeds=9))["a"].word == "undecided"
        assert judged(rows(risk=U, seeds=2))["a"].word == "undecided"
        assert {v.word for v in judged(rows(risk=U, seeds=2)).values()} == {"undecided"}

    def test_numbers_are_the_differences(self) -> None:
        verdict = judged(rows())["a"]
        for name, expected in (("smallest", 0.2), ("largest", 0.15)):
            found = str(verdict.numbers[f"{name} minus best"]).split()[0]
            assert float(found) == pytest.approx(expected, abs=0.01)
        assert "the risk falls: yes, and rises again: yes" in verdict.sentence
        assert verdict.numbers["step sizes at which most runs reached the edge"] == "0.01, 0.1, 0.4, 0.8"

    @pytest.mark.parametrize("lost", [{"bent": 0}, {"outcome": "diverged"}])
    def test_premise(self, lost: dict[str, Any]) -> None:
        verdicts = judged(rows(**lost))
        assert {verdict.word for verdict in verdicts.values()} == {"premise_not_met"}
        assert "too few step sizes" in verdicts["a"].sentence
        assert verdicts["interior"].sentence == "no arm learns a curve at enough step sizes"


class TestParts:
    @pytest.mark.parametrize(("part", "column"), [("interior", "interior"), ("boundary", "boundary")])
    def test_regions_apart(self, part: str, column: str) -> None:
        verdicts = judged(rows(**{column: FLAT}))
        assert verdicts["a"].word == "reproduced"
        assert verdicts[part].word == "not_reproduced"
        assert {"interior", "boundary"} - {part} == {
            name for name in ("interior", "boundary") if verdicts[name].word == "reproduced"
        }

    @pytest.mark.parametrize(("part", "column"), [("equal_time", "in_time"), ("early_stopping", "held_out")])
    def test_fair_comparisons(self, part: str, column: str) -> None:
        assert judged(rows())[part].word == "reproduced"
        assert judged(rows(**{column: RISING}))[part].word == "not_reproduced"
        assert judged(rows(seeds=5, **{column: RISING}))[part].word == "undecided"

    def test_arms_that_disagree(self) -> None:
        verdict = judged(rows("a"), rows("b", held_out=FLAT))["early_stopping"]
        assert verdict.word == "partly"
        assert verdict.sentence == "arm a – it falls: yes; arm b – it falls: no"
        assert "b: smallest minus best" in verdict.numbers

    def test_an_arm_that_cannot_be_judged_does_not_count(self) -> None:
        verdict = judged(rows("small_init"), rows("b", outcome="diverged"))["interior"]
        assert verdict.word == "reproduced"
        assert verdict.sentence == "arm small init – the risk falls: yes, and rises again: yes"
        assert all(name.startswith("small init: ") for name in verdict.numbers)


class TestAveraging:
    def test_survives(self) -> None:
        verdict = judged(rows(cost=(0.0, 0.0, 0.0, 0.05)))["two_step_averaging"]
        assert verdict.word == "reproduced"
        # The mean rises from 0.1 to 0.25, the iterates from 0.1 to 0.3.
        assert verdict.numbers["a: share of the rise that is left"] == pytest.approx(0.75, abs=0.02)

    def test_made_by_the_swing(self) -> None:
        """The iterates rise because they swing; their mean does not."""
        verdicts = judged(rows(risk=FALLING, cost=(0.0, 0.0, 0.0, 0.3)))
        assert verdicts["two_step_averaging"].word == "not_reproduced"
        assert "the rise survives: no" in verdicts["two_step_averaging"].sentence

    def test_no_rise_at_all(self) -> None:
        verdict = judged(rows(risk=FALLING))["two_step_averaging"]
        assert (verdict.word, verdict.sentence) == (
            "premise_not_met",
            "the single iterates' risk rises in no arm",
        )


@pytest.mark.parametrize(("fit", "word"), [(True, "reproduced"), (False, "not_reproduced")])
def test_the_premise_of_the_theorems(fit: bool, word: str) -> None:
    verdict = judged(rows(fit=fit))["fits_the_interior"]
    assert verdict.word == word
    assert verdict.numbers["a: best step size"] == 0.4
    assert verdict.numbers["a: share of its runs that fit at the best"] == float(fit)
