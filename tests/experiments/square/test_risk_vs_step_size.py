"""The rules of `risk-vs-step-size` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.risk_vs_step_size import CLAIM

ETAS = (0.01, 0.1, 0.4, 0.8)
U, FLAT = (0.3, 0.2, 0.1, 0.25), (0.2,) * 4
RISING, FALLING = (0.1, 0.2, 0.3, 0.4), (0.4, 0.3, 0.2, 0.1)


def rows(arm: str = "warm_up", risk: Any = U, cost: Any = (0.01,) * 4, seeds: int = 8, **other: Any) -> Any:
    """One run per seed and step size; seeds differ by a shift that pairing removes, and a little noise.

    A column not given follows the risk; the single iterates have `cost` more on average.
    """
    rng = np.random.default_rng(1)
    columns = ("interior_grid", "boundary_grid", "equal_time", "held_out")
    for seed in range(seeds):
        shift = rng.uniform(0.0, 0.3)
        for j, eta in enumerate(ETAS):
            level = shift + 0.003 * rng.standard_normal()
            yield Run({
                "arm": arm, "labels": "noisy", "n": 30, "seed": seed, "step_size": eta, "outcome": "finished",
                "bent_neurons": 10, "edge_reached": True, "fits_interior": j < 3, "risk": risk[j] + level,
                "risk_last": risk[j] + cost[j] + level + 0.02 * j,
                "risk_before": risk[j] + cost[j] + level - 0.02 * j,
                **{f"risk_{name}": other.get(name, risk)[j] + level for name in columns},
            })  # fmt: skip


def result(*arms: Any) -> Result:
    return Result("risk-vs-step-size", CLAIM.quick, tuple(run for arm in arms for run in arm))


def judged(*arms: Any) -> dict[str, Judged]:
    return CLAIM.judge(result(*arms))


def word(part: str, *arms: Any) -> str:
    return judged(*arms)[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("risk", "expected"),
    [(U, "reproduced"), (RISING, "partly"), (FALLING, "partly"), (FLAT, "not_reproduced")],
)
def test_the_u_each_way(risk: Any, expected: str) -> None:
    assert word("u_shape", rows(risk=risk)) == expected


def test_a_side_that_is_too_small_to_count_is_none() -> None:
    """The noise of the rows is 0.003; the smallest effect that counts is 0.01."""
    assert word("u_shape", rows(risk=(0.205, 0.2, 0.2, 0.205))) != "reproduced"
    assert word("equal_time", rows(equal_time=(0.203, 0.2, 0.2, 0.2))) == "not_reproduced"


def test_effects_are_the_differences() -> None:
    """The left side falls from 0.3 to 0.1, and that is the effect that stands first."""
    effect = judged(rows())["u_shape"].finding.effect
    assert effect is not None
    assert effect.interval.mean == pytest.approx(0.2, abs=0.01)
    assert effect.what == "η = 0.01 minus the best η"


@pytest.mark.parametrize("flat", ["interior_grid", "boundary_grid"])
def test_regions_apart(flat: str) -> None:
    assert word("regions", rows(**{flat: FLAT})) == "partly"
    assert word("u_shape", rows(**{flat: FLAT})) == "reproduced"
    assert word("regions", rows()) == "reproduced"


@pytest.mark.parametrize(
    ("part", "column", "yes", "no"),
    [
        ("equal_time", "equal_time", "reproduced", "not_reproduced"),
        ("early_stopping", "held_out", "yes", "no"),
    ],
)
def test_fair_comparisons(part: str, column: str, yes: str, no: str) -> None:
    assert word(part, rows(**{column: FALLING})) == yes
    assert word(part, rows(**{column: FLAT})) == no
    assert word(part, rows(**{column: RISING})) == no


def test_arms_that_disagree() -> None:
    found = judged(rows("warm_up"), rows("small_init", held_out=FLAT))["early_stopping"]
    assert found.word(CLAIM.kind) == "it_depends"
    expected = "It is so for the large start with warm-up; it is not so for the small start."
    assert found.finding.sentence == expected


class TestAveraging:
    def test_survives(self) -> None:
        """The mean rises from 0.1 to 0.25, the iterates from 0.11 to 0.31: three quarters are left."""
        found = judged(rows(cost=(0.01, 0.01, 0.01, 0.06)))["averaging"]
        assert found.word(CLAIM.kind) == "reproduced"
        numbers = found.rows["warm_up"].numbers
        assert numbers["share that is left"] == pytest.approx(0.75, abs=0.02)
        assert numbers["rise of the single iterates"] == pytest.approx(0.2, abs=0.01)

    def test_made_by_the_swing(self) -> None:
        """The iterates rise because they swing; their mean does not."""
        found = judged(rows(risk=FALLING, cost=(0.0, 0.0, 0.0, 0.3)))["averaging"]
        assert found.word(CLAIM.kind) == "not_reproduced"
        assert "does not survive" in found.finding.sentence

    def test_without_a_rise_there_is_nothing_to_average(self) -> None:
        found = judged(rows(risk=FALLING))["averaging"]
        assert found.word(CLAIM.kind) == "premise_not_met"
        assert found.finding.sentence.startswith("The risk of the single iterates does not rise")

    def test_two_seeds_settle_neither(self) -> None:
        assert word("averaging", rows(seeds=2)) == "undecided"


def test_numbers_say_how_many_runs_fit() -> None:
    table = CLAIM.numbers(result(rows()))  # type: ignore[misc]
    assert table["step_size"].tolist() == list(ETAS)
    assert table["fits_interior"].tolist() == [1.0, 1.0, 1.0, 0.0]
    assert table["risk"] == pytest.approx(np.array(U) + 0.15, abs=0.15)
