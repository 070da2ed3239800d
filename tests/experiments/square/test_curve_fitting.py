"""The rule of curve-fitting on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.frame import Result, Run
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.curve_fitting import CLAIM

ETAS = (0.01, 0.1, 0.4, 0.8)
U_SHAPE, FLAT, RISING = (0.3, 0.2, 0.1, 0.2), (0.2,) * 4, (0.1, 0.2, 0.3, 0.4)
FEWER, SAME = (18.0, 12.0, 8.0, 5.0), (7.0,) * 4


def result(risk: Any, pieces: Any, in_time: Any = None, seeds: int = 8, **changes: Any) -> Result:
    """Runs of one arm: each seed shifts every risk by the same amount, and adds a little noise of its own.

    The range is [−3, 3] unless `changes` say another.
    """
    rng = np.random.default_rng(0)
    runs = []
    for seed in range(seeds):
        shift = rng.uniform(0.0, 0.2)
        for eta, level, timed, count in zip(ETAS, risk, in_time or risk, pieces, strict=True):
            noise = 0.002 * rng.standard_normal()
            runs.append(Run({
                "arm": "warm_up", "half_width": 3.0, "labels": "noisy",
                "seed": seed, "step_size": eta, "outcome": "finished",
                "edge_reached": True, "bent_neurons": 10, "pieces": count + seed % 2,
                "risk": level + shift + noise,
                "risk_equal_time": timed + shift + noise, "risk_held_out": 0.1 + shift + noise,
                "risk_grid": level + noise, **changes,
            }))  # fmt: skip
    return Result("curve-fitting", CLAIM.quick, tuple(runs))


def both(one: Result, other: Result) -> Result:
    """The runs of two results, such as those of two ranges."""
    return Result("curve-fitting", CLAIM.quick, one.runs + other.runs)


def words(found: Result) -> dict[str, str]:
    return {name: judged.word(CLAIM.kind) for name, judged in CLAIM.judge(found).items()}


def test_reproduced() -> None:
    found = words(result(U_SHAPE, FEWER))
    assert (found["pieces"], found["u_shape"], found["equal_time"]) == ("reproduced",) * 3
    judged = CLAIM.judge(result(U_SHAPE, FEWER))["pieces"]
    assert judged.finding.sentence.startswith("The curve loses linear pieces: 13 ")


@pytest.mark.parametrize(
    ("risk", "pieces", "word"), [(RISING, FEWER, "partly"), (FLAT, FEWER, "not_reproduced")]
)
def test_what_is_no_u(risk: Any, pieces: Any, word: str) -> None:
    assert words(result(risk, pieces))["u_shape"] == word


def test_no_more_pieces_and_more_pieces_are_no_fewer() -> None:
    assert words(result(U_SHAPE, SAME))["pieces"] == "not_reproduced"
    assert words(result(U_SHAPE, FEWER[::-1]))["pieces"] == "not_reproduced"


def test_only_by_time() -> None:
    found = words(result(U_SHAPE, FEWER, in_time=RISING))
    assert (found["u_shape"], found["equal_time"]) == ("reproduced", "not_reproduced")


def test_early_stopping_is_an_open_question() -> None:
    assert words(result(U_SHAPE, FEWER))["early_stopping"] == "no"


@pytest.mark.parametrize(
    ("risk", "word"),
    [
        ((0.1, 0.01, 0.003, 0.003), "yes"),  # falls, and stays low
        ((0.1, 0.01, 0.05, 0.5), "it_depends"),  # gains a decade, and loses more
        ((0.01, 0.1, 0.5, 0.9), "no"),  # the smallest step size is the best
        ((0.1, 0.09, 0.09, 0.09), "no"),  # less than a tenth of a decade
    ],
)
def test_clean_labels_are_judged_on_the_grid_in_both_directions(risk: Any, word: str) -> None:
    rng = np.random.default_rng(3)
    runs = tuple(
        Run({**run.row, "labels": "clean", "risk_grid": risk[i % 4] * (1.0 + 0.02 * rng.random())})
        for i, run in enumerate(result(U_SHAPE, FEWER).runs)
    )
    found = words(Result("curve-fitting", CLAIM.quick, runs))
    assert (found["clean_labels"], found["pieces"]) == (word, "premise_not_met")


class TestRanges:
    def test_what_is_so_in_both_is_so(self) -> None:
        found = both(result(U_SHAPE, FEWER), result(U_SHAPE, FEWER, half_width=1.0))
        assert words(found)["pieces"] == "reproduced"
        sentence = CLAIM.judge(found)["pieces"].finding.sentence
        assert sentence.startswith("The curve loses linear pieces in both settings; mean 13 [13, 13]")

    def test_one_range_with_the_opposite_makes_it_partly(self) -> None:
        found = both(result(U_SHAPE, FEWER), result(RISING, FEWER[::-1], half_width=1.0))
        assert (words(found)["pieces"], words(found)["u_shape"]) == ("partly", "partly")
        sentence = CLAIM.judge(found)["pieces"].finding.sentence
        assert sentence.startswith(
            "The curve loses linear pieces in 1 of 2 settings; the opposite is so in 1"
        )

    def test_a_range_in_which_nothing_works_is_named_and_leaves_a_yes_open(self) -> None:
        found = both(result(U_SHAPE, FEWER), result(U_SHAPE, FEWER, half_width=1.0, outcome="diverged"))
        judged = CLAIM.judge(found)["pieces"]
        assert (judged.finding.answer, judged.word(CLAIM.kind)) == ("some", "partly")
        assert judged.finding.sentence.endswith("runs work at too few step sizes in 1 other setting.")

    def test_a_range_left_out_changes_no_no(self) -> None:
        found = both(result(U_SHAPE, SAME), result(U_SHAPE, FEWER, half_width=1.0, outcome="diverged"))
        assert words(found)["pieces"] == "not_reproduced"

    def test_ends_without_a_trend_are_partly(self) -> None:
        """Ranks 3, 1, 4, 2 have no correlation with 1, 2, 3, 4: −0.2 falls short of 0.2 where it counts."""
        assert words(result(U_SHAPE, (9.0, 5.0, 15.0, 7.0)))["pieces"] == "partly"


class TestArrival:
    """Step sizes below 0.1 that are under way: they underfit, and the risk seems to fall first."""

    @staticmethod
    def late(**row: Any) -> Result:
        found = result(U_SHAPE, FEWER)
        slow = [Run({**run.row, **row}) if run["step_size"] < 0.05 else run for run in found.runs]
        return Result("curve-fitting", CLAIM.quick, tuple(slow))

    def test_a_step_size_that_has_not_arrived_compares_with_nothing(self) -> None:
        found = self.late(edge_reached=False, training_error=0.4, training_error_truth=0.25)
        assert set(words(found).values()) == {"premise_not_met"}  # from 0.1 to 0.8 there is no factor of 10
        sentence = CLAIM.judge(found)["u_shape"].finding.sentence
        assert sentence.endswith("descent learns a curve at 0.1, 0.4, 0.8; it has not arrived at 0.01.")

    def test_a_run_that_fits_as_well_as_the_truth_has_arrived(self) -> None:
        found = self.late(edge_reached=False, training_error=0.2, training_error_truth=0.25)
        assert words(found)["u_shape"] == "reproduced"

    def test_clean_labels_are_fitted_up_to_what_lies_between_the_inputs(self) -> None:
        risk = result(U_SHAPE, FEWER).runs[0]["risk_grid"]
        for share, late in ((0.09, []), (0.11, [0.01])):
            found = self.late(edge_reached=False, training_error=share * risk, training_error_truth=0.0)
            one = Result(found.claim, found.settings, tuple(run for run in found.runs if run["seed"] == 0))
            assert np.array_equal(ARRIVED.unfinished(one.table), late)

    def test_step_sizes_that_are_left_out_are_named(self) -> None:
        found = self.late(edge_reached=False)
        more = [
            Run({**run.row, "step_size": 0.04, "edge_reached": True})
            for run in found.runs
            if run["step_size"] == 0.1
        ]
        judged = CLAIM.judge(Result(found.claim, found.settings, (*found.runs, *more)))["pieces"]
        assert judged.word(CLAIM.kind) == "reproduced"
        assert judged.finding.sentence.endswith(
            "left out, because most runs have not arrived there: η = 0.01."
        )


def test_what_a_catapult_leaves_of_a_network_is_no_simpler_curve() -> None:
    """Eight pieces at every step size, but for the largest, where two of 1000 neurons are left."""
    found = result(U_SHAPE, (8.0, 8.0, 8.0, 2.0), width=1000)
    thin = [Run({**run.row, "bent_neurons": 2}) if run["step_size"] == 0.8 else run for run in found.runs]
    assert words(Result("curve-fitting", CLAIM.quick, tuple(thin)))["pieces"] == "not_reproduced"
    assert words(found)["pieces"] != "not_reproduced"


def test_where_the_printed_claim_cannot_be_asked_the_headline_says_so() -> None:
    printed = result(U_SHAPE, FEWER, arm="as_printed", outcome="diverged")
    judged = CLAIM.judge(both(printed, result(U_SHAPE, FEWER)))["pieces"]
    assert judged.word(CLAIM.kind) == "reproduced"
    assert judged.finding.sentence == (
        "It is so for the large start with warm-up; the premise is not met for the default start, so that "
        "the claim as it is printed is not tested."
    )
    other = result(U_SHAPE, FEWER, arm="small_init", outcome="diverged")
    assert "printed" not in CLAIM.judge(both(other, result(U_SHAPE, FEWER)))["pieces"].finding.sentence


@pytest.mark.parametrize("change", [{"bent_neurons": 0}, {"outcome": "diverged"}])
def test_dead_and_diverged_runs_fail_the_premise(change: dict[str, Any]) -> None:
    assert words(result(U_SHAPE, FEWER, **change))["pieces"] == "premise_not_met"


def test_two_seeds_decide_nothing() -> None:
    assert words(result(U_SHAPE, FEWER, seeds=2))["pieces"] == "undecided"
