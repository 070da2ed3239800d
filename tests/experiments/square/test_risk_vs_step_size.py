"""The rules of `risk-vs-step-size` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.risk_vs_step_size import CLAIM
from stepscape.experiments.square.risk_vs_step_size_figures import moments_in_arms

ETAS = (0.01, 0.1, 0.4, 0.8)
U, FLAT = (0.3, 0.2, 0.1, 0.25), (0.2,) * 4
RISING, FALLING = (0.1, 0.2, 0.3, 0.4), (0.4, 0.3, 0.2, 0.1)


def rows(arm: str = "warm_up", risk: Any = U, cost: Any = (0.01,) * 4, seeds: int = 8, **other: Any) -> Any:
    """One run per seed and step size; seeds differ by a shift that pairing removes, and a little noise.

    A column not given follows the risk; the last iterate has `cost` more.
    """
    rng = np.random.default_rng(1)
    columns = ("interior_grid", "boundary_grid", "equal_time", "held_out")
    for seed in range(seeds):
        shift = rng.uniform(0.0, 0.3)
        for j, eta in enumerate(ETAS):
            level = shift + 0.003 * rng.standard_normal()
            yield Run({
                "arm": arm, "half_width": 3.0, "labels": "noisy",
                "n": 30, "seed": seed, "step_size": eta, "outcome": "finished",
                "bent_neurons": 10, "edge_reached": True, "fits_interior": j < 3, "risk": risk[j] + level,
                "risk_last": risk[j] + cost[j] + level,
                "risk_mean": other.get("mean", risk)[j] + level,
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


def test_small_steps_that_underfit_are_no_side_of_the_u() -> None:
    """Their risk is large because they are under way, not because they fit the noise."""
    for error, expected in ((0.4, "premise_not_met"), (0.2, "reproduced")):
        late = {"edge_reached": False, "training_error": error, "training_error_truth": 0.25}
        found = [Run({**run.row, **(late if run["step_size"] < 0.05 else {})}) for run in rows()]
        assert word("u_shape", found) == expected
    assert word("u_shape", [Run({**run.row, "edge_reached": False}) for run in rows()]) == "premise_not_met"


def test_a_side_that_is_too_small_to_count_is_none() -> None:
    """The noise of the rows is 0.003; the smallest effect that counts is 0.01."""
    assert word("u_shape", rows(risk=(0.205, 0.2, 0.2, 0.205))) != "reproduced"
    assert word("equal_time", rows(equal_time=(0.203, 0.2, 0.2, 0.2))) == "not_reproduced"


def test_effects_are_the_differences() -> None:
    """The left side falls from 0.3 to 0.1, and that is the effect that stands first."""
    effect = judged(rows())["u_shape"].finding.effect
    assert effect is not None
    assert effect.interval.mean == pytest.approx(0.2, abs=0.01)
    assert effect.what == "the smallest η minus the best"


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
        """The midpoint rises from 0.1 to 0.25, the last iterate from 0.11 to 0.31: three quarters."""
        found = judged(rows(cost=(0.01, 0.01, 0.01, 0.06)))["averaging"]
        assert found.word(CLAIM.kind) == "reproduced"
        numbers = found.rows["warm_up"].numbers
        share = numbers["rise of the risk at the inputs over that of the last iterate"]
        assert share == pytest.approx(0.75, abs=0.02)

    @pytest.mark.parametrize("flat", ["risk", "mean"])
    def test_made_by_the_swing(self, flat: str) -> None:
        """The last iterate rises because it swings; another function does not."""
        found = judged(rows(**{flat: FALLING}, cost=(0.0, 0.0, 0.0, 0.3)))["averaging"]
        assert found.word(CLAIM.kind) == "partly"

    def test_without_any_u_it_does_not_survive(self) -> None:
        found = judged(rows(risk=FLAT))["averaging"]
        assert found.word(CLAIM.kind) == "not_reproduced"

    def test_two_seeds_settle_nothing(self) -> None:
        assert word("averaging", rows(seeds=2)) == "undecided"


def test_intervals_of_a_part_are_simultaneous_over_all_its_questions() -> None:
    """Regions and functions ask four and six questions, the U two: the same numbers, wider intervals."""
    found = judged(rows())
    widths = {}
    for part in ("u_shape", "regions", "averaging"):
        effect = found[part].finding.effect
        assert effect is not None
        widths[part] = effect.interval.high - effect.interval.low
    assert widths["u_shape"] < widths["regions"] < widths["averaging"]
    # Student's quantiles with 7 degrees of freedom at 0.025/2, 0.025/4 and 0.025/6.
    assert widths["regions"] / widths["u_shape"] == pytest.approx(3.3353 / 2.8412, rel=1e-3)
    assert widths["averaging"] / widths["u_shape"] == pytest.approx(3.6358 / 2.8412, rel=1e-3)


def test_numbers_say_how_many_runs_fit() -> None:
    table = CLAIM.numbers(result(rows()))  # type: ignore[misc]
    assert table["step_size"].tolist() == list(ETAS)
    assert table["fits_interior"].tolist() == [1.0, 1.0, 1.0, 0.0]
    assert table["risk"] == pytest.approx(np.array(U) + 0.15, abs=0.15)


@pytest.mark.parametrize(("risk", "count"), [(U, 1), (RISING, 0), (FALLING, 0), (FLAT, 0)])
def test_the_title_calls_a_u_what_the_rule_does(risk: Any, count: int) -> None:
    title = moments_in_arms(result(rows(risk=risk))).caption
    assert title.startswith(f"The risk forms a U in {count} of 1 setting;")
