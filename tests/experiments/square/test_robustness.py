"""The members of `robustness`, and its rules on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.frame.sentences import interval
from stepscape.experiments.square.family import pieces
from stepscape.experiments.square.members import FIELDS, every_member, members, name_of, named
from stepscape.experiments.square.robustness import CLAIM, SIDES
from stepscape.experiments.square.robustness_figures import QUESTIONS, _intervals

ETAS = (0.01, 0.05, 0.2, 0.8)
FEWER, U, RISING = (18.0, 12.0, 8.0, 5.0), (0.3, 0.2, 0.1, 0.2), (0.1, 0.2, 0.3, 0.4)
CORNER = {"half_width": 1.0, "truth": "wave", "n": 60, "width": 200, "noise": 0.25}


class TestMembers:
    def test_one_at_a_time_and_all_at_once_in_every_range(self) -> None:
        found = members(CLAIM.full)
        assert len(found) == 12
        base = found[0]
        assert base == {"half_width": 3.0, "truth": "tent", "n": 30, "width": 1000, "noise": 0.5}
        changed = [sum(member[field] != base[field] for field in FIELDS[1:]) for member in found]
        assert changed == [0, 1, 1, 1, 1, 4] * 2
        assert found[-1] == CORNER

    def test_a_member_stands_once(self) -> None:
        only = {**CLAIM.full, "truths": ("tent",), "sizes": (30,), "widths": (1000,)}
        assert [member["noise"] for member in members(only)] == [0.5, 0.25] * 2

    def test_every_member_has_every_start_seed_and_step_size(self) -> None:
        runs = every_member(CLAIM.full)
        assert len(runs) == 12 * 3 * 20 * 4
        assert {run.half_width for run in runs} == {1.0, 3.0}

    def test_names_say_what_differs(self) -> None:
        assert name_of(CORNER, CLAIM.full) == "[−1, 1], all at once"
        names = [name_of(member, CLAIM.full) for member in members(CLAIM.full)]
        assert (len(set(names)), names[0], names[2]) == (12, "[−3, 3]", "[−3, 3], 60 points")

    def test_rows_are_told_apart(self) -> None:
        found = named(result({}).table, CLAIM.full)
        assert [len(rows) for rows in found.values()] == [3 * 8 * 4] * 12

    def test_a_value_given_twice_is_refused(self) -> None:
        with pytest.raises(InputError, match="truths must list different values"):
            CLAIM.specs({**CLAIM.quick, "truths": ("tent", "tent")})


def result(changes: dict[int, dict[str, Any]], seeds: int = 8) -> Result:
    """Runs of all members; `changes`: number of a member → its pieces, risk or outcome."""
    rng, runs = np.random.default_rng(4), []
    for number, member in enumerate(members(CLAIM.full)):
        given = {"pieces": FEWER, "risk": U, "outcome": "finished", **changes.get(number, {})}
        for arm in CLAIM.full["arms"]:
            for seed in range(seeds):
                for j, eta in enumerate(ETAS):
                    noise = 0.002 * rng.standard_normal()
                    runs.append(Run({
                        **member, "arm": arm, "seed": seed, "step_size": eta, "outcome": given["outcome"],
                        "bent_neurons": 10, "pieces": given["pieces"][j] + noise, "edge_reached": True,
                        "knots": 10.0 * given["pieces"][j],
                        **dict.fromkeys(SIDES, given["risk"][j] + noise),
                    }))  # fmt: skip
    return Result("robustness", CLAIM.full, tuple(runs))


def judged(changes: dict[int, dict[str, Any]]) -> dict[str, Judged]:
    return CLAIM.judge(result(changes))


def words(changes: dict[int, dict[str, Any]]) -> dict[str, str]:
    return {name: found.word(CLAIM.kind) for name, found in judged(changes).items()}


def test_general() -> None:
    assert words({}) == dict.fromkeys(
        ("pieces", "knots", "left_side", "right_side", "equal_time", "early_stopping"), "yes"
    )


@pytest.mark.parametrize("pieces", [FEWER[::-1], (9.0,) * 4, (9.0, 5.0, 15.0, 7.0)])
def test_one_member_without_the_effect_is_enough(pieces: Any) -> None:
    """The opposite, nothing, and ends without a trend."""
    found = words({7: {"pieces": pieces}})
    assert (found["pieces"], found["knots"], found["left_side"]) == ("it_depends", "it_depends", "yes")


def test_the_sides_of_the_u_apart() -> None:
    found = words({number: {"risk": RISING} for number in range(12)})
    assert (found["left_side"], found["right_side"]) == ("no", "yes")
    assert words({2: {"risk": RISING}})["left_side"] == "it_depends"


def test_risks_are_in_units_of_the_noise() -> None:
    """The fall of 0.2 is 0.8 variances of noise 0.5, and 3.2 of noise 0.25."""
    numbers = judged({})["left_side"].rows["warm_up"].numbers
    what = "noise variances by which the smallest η lies above the best"
    for member, fall in (("[−3, 3]", 0.8), ("[−3, 3], noise 0.25", 3.2)):
        assert float(str(numbers[f"{member}: {what}"]).split()[0]) == pytest.approx(fall, abs=0.06)


def test_one_member_of_twelve_answers_nothing_about_everywhere() -> None:
    lost = {number: {"outcome": "diverged"} for number in range(1, 12)}
    assert set(words(lost).values()) == {"it_depends"}


def test_a_member_in_which_nothing_works_is_left_out_and_counted() -> None:
    found = judged({0: {"outcome": "diverged"}})["pieces"]
    assert (found.finding.answer, found.word(CLAIM.kind)) == ("some", "it_depends")
    assert found.rows["warm_up"].sentence.endswith("runs work at too few step sizes in 1 other setting.")


def test_the_picture_counts_what_the_rule_counts() -> None:
    """The intervals of the figure are those of the verdict, over as many questions."""
    runs = result({number: {"pieces": (9.0, 8.5, 8.9995, 8.9985)} for number in range(12)})
    found = _intervals(runs, pieces(0.0, 0.0)["ends"], QUESTIONS["pieces lost"])
    numbers = CLAIM.judge(runs)["pieces"].rows["warm_up"].numbers
    assert len(found["warm_up"]) == 12
    for name, one in found["warm_up"].items():
        told = numbers[f"ends: {name}: pieces lost from the smallest to the largest working η"]
        assert interval(one) == told
