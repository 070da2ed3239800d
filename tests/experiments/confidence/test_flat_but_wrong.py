"""`flat-but-wrong`: starts on the flat side, the rule each way, its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.flat_but_wrong import CLAIM
from stepscape.experiments.confidence.flat_runs import FLAT_START, flat_margin
from stepscape.experiments.confidence.one_example import PEAK
from stepscape.experiments.frame import Finding, Result, Run, run

PROBLEM = ss.problems.bernoulli("wave", n=14, amplitude=2.0, flip_rate=0.1, seed=7)
Change = Callable[[dict[str, Any]], dict[str, Any]]


def interpolator(margin: float) -> ss.TwoLayerReLU:
    return theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, margin)


class TestStart:
    @pytest.mark.parametrize("eta", [0.05, 1.2])
    def test_the_flat_side_begins_where_the_edge_ratio_is_as_said(self, eta: float) -> None:
        margin = flat_margin(PROBLEM, eta)
        ratio = ss.sharpness(PROBLEM, interpolator(margin)).value * eta / 2.0
        assert ratio == pytest.approx(FLAT_START, rel=1e-4)
        assert margin > PEAK

    def test_where_even_the_peak_is_flat_it_begins_there(self) -> None:
        assert flat_margin(PROBLEM, 1e-5) == PEAK

    def test_the_peak_of_an_interpolator_is_that_of_margin_times_confidence(self) -> None:
        heights = [ss.sharpness(PROBLEM, interpolator(m), gauss_newton=True).value for m in (1.5, PEAK, 1.6)]
        assert heights[1] == max(heights)


def synthetic(change: Change = dict, seeds: int = 12) -> Result:
    """λ = 100 γ e^(1−γ) within a bound, test loss 0.3 γ + 0.2, test error 0.4; descents as claimed."""
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        shared = {"n": 30, "flip_rate": 0.1, "seed": seed, "outcome": "finished", "bayes_error": 0.25,
                  "bayes_loss": 0.5, "test_error": 0.4 + 0.01 * (seed % 2), "steps": 10}  # fmt: skip
        rows += [{
            **shared, "arm": "interpolator", "margin": margin, "step_size": 0.0, "distinct": True,
            "miss": 1.0, "sharpness": 100.0 * margin * np.exp(1.0 - margin), "sharpness_residual": 0.0,
            "bound": 300.0 * margin * np.exp(1.0 - margin), "gradient_norm": np.exp(-margin),
            "loss": np.log1p(np.exp(-margin)), "training_error": 0.0, "test_loss": 0.3 * margin + 0.2,
            "risk_slope": 0.3 * margin, "tv": margin, "least_tv": 0.5 * margin,
        } for margin in (0.5, 1.5, 2.0, 10.0, 20.0, 50.0)]  # fmt: skip
        start = {**shared, "margin_start": 2.0, "test_error_start": 0.41, "training_error": 0.0,
                 "test_loss": 1.0, "moved": 0.001, "edge_ratio": 0.5, "edge_ratio_largest": 0.9,
                 "sharpness": 1.0, "smallest_margin": 2.0, "median_margin": 2.0, "tv": 9.0}  # fmt: skip
        for eta in (0.1, 1.2):
            rows.append({**start, "arm": "flat_start", "step_size": eta, "edge_ratio_start": 0.9})
            rows.append({**start, "arm": "sharp_start", "step_size": eta, "edge_ratio_start": 9.0,
                         "training_error": 0.2, "edge_ratio_largest": 9.0})  # fmt: skip
            rows.append({**start, "arm": "descent", "step_size": eta, "training_error": 0.2})
    return Result(CLAIM.name, {"descents": (0.1, 1.2)}, tuple(Run(change(row)) for row in rows))


def finding(part: str, change: Change = dict, seeds: int = 12) -> Finding:
    return CLAIM.judge(synthetic(change, seeds))[part].finding


def word(part: str, change: Change = dict, seeds: int = 12) -> str:
    return CLAIM.judge(synthetic(change, seeds))[part].word(CLAIM.kind)


def where(arm: str, seeds: int = 99, **values: Any) -> Change:
    """Overwrite columns of the first seeds of an arm."""
    return lambda row: {**row, **values} if row["arm"] == arm and row["seed"] < seeds else row


def test_as_claimed() -> None:
    found = {part: judged.word(CLAIM.kind) for part, judged in CLAIM.judge(synthetic()).items()}
    assert found == {
        "construction": "holds", "flat": "holds", "wrong": "reproduced",
        "sharp_at_moderate_margins": "reproduced", "started_there": "reproduced",
        "descent_goes_elsewhere": "yes",
    }  # fmt: skip


class TestConstruction:
    @pytest.mark.parametrize(("miss", "expected"), [(64.0, "holds"), (65.0, "false_as_stated")])
    def test_one_network_that_misses_is_enough(self, miss: float, expected: str) -> None:
        assert word("construction", where("interpolator", 1, miss=miss)) == expected

    def test_one_network_above_its_bound_is_enough(self) -> None:
        assert word("construction", where("interpolator", 1, bound=1e-30)) == "false_as_stated"

    def test_the_error_of_the_sharpness_is_no_violation(self) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            if row["arm"] != "interpolator":
                return row
            return {**row, "sharpness": row["bound"] * 1.01, "sharpness_residual": row["bound"] * 0.02}

        assert word("construction", change) == "holds"

    def test_risks_are_those_of_a_function_proportional_to_its_margin(self) -> None:
        """The remainder of the test loss is in [0, log 2], its slope and the test error as f ∝ γ gives."""

        def at(margin: float, **more: float) -> Change:
            def change(row: dict[str, Any]) -> dict[str, Any]:
                here = row["arm"] == "interpolator" and row["seed"] == 0 and row["margin"] >= margin
                return {**row, **{name: row[name] + by for name, by in more.items()}} if here else row

            return change

        for kept in (at(0.0, test_loss=0.49), at(50.0, test_error=5e-4), at(0.0, test_error=0.1)):
            assert word("construction", kept) == "holds"
        broken = (
            at(0.0, test_loss=0.5),
            at(0.0, test_loss=-0.201),
            at(50.0, test_loss=0.49),  # 0.49 between the margins 20 and 50: more than 1 % of 0.3 · 30
            at(50.0, test_error=0.01),
        )
        for change in broken:
            assert word("construction", change) == "false_as_stated"
            assert word("wrong", change) == "reproduced"


class TestFlat:
    def test_one_data_set_that_falls_more_slowly_is_enough(self) -> None:
        def slower(row: dict[str, Any], rate: float) -> dict[str, Any]:
            scale = np.exp(rate * row.get("margin", 0.0)) if row["seed"] == 0 else 1.0
            return {**row, "sharpness": row["sharpness"] * scale}

        assert word("flat", lambda row: slower(row, 0.05)) == "false_as_stated"
        assert word("flat", lambda row: slower(row, 0.005)) == "holds"

    @pytest.mark.parametrize("column", ["gradient_norm", "loss", "sharpness"])
    def test_all_three_are_small_in_the_end(self, column: str) -> None:
        def ends(row: dict[str, Any], value: float) -> dict[str, Any]:
            last = row.get("margin") == 50.0 and row["seed"] == 0
            return {**row, column: value} if last else row

        assert word("flat", lambda row: ends(row, 2e-3)) == "false_as_stated"
        if column != "sharpness":  # whose slope is another question
            assert word("flat", lambda row: ends(row, 9e-4)) == "holds"

    def test_slopes_need_two_large_margins(self) -> None:
        few = lambda row: {**row, "margin": min(row.get("margin", 1.0), 10.0)}  # noqa: E731
        assert word("flat", few) == word("wrong", few) == "premise_not_met"


class TestWrong:
    @pytest.mark.parametrize(("excess", "expected"), [(0.03, "reproduced"), (0.01, "partly")])
    def test_by_more_than_what_counts(self, excess: float, expected: str) -> None:
        """A test error that is never below the Bayes error exceeds it by something; that is not enough."""
        assert word("wrong", where("interpolator", test_error=0.25 + excess)) == expected

    @pytest.mark.parametrize(("bayes", "expected"), [(0.28, "reproduced"), (0.31, "partly")])
    def test_costs_more_than_noise(self, bayes: float, expected: str) -> None:
        """The test loss grows by 0.3 a unit of margin, and the best classifier's by the Bayes error."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            shifted = bayes + 1e-3 * (-1) ** row["seed"]
            return {**row, "bayes_error": shifted, "test_error": shifted + 0.1}

        assert word("wrong", change) == expected

    @pytest.mark.parametrize(("spread", "expected"), [(0.01, "not_reproduced"), (0.02, "undecided")])
    def test_growth_that_may_count_is_open(self, spread: float, expected: str) -> None:
        """Around 0 the answer is no only where the interval excludes 0.01; the test error is no better."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            bayes = 0.3 + spread * (-1) ** row["seed"]
            return {**row, "bayes_error": bayes, "test_error": bayes + 0.02 + 1e-3 * (-1) ** row["seed"]}

        assert word("wrong", change) == expected

    def test_two_seeds_decide_nothing(self) -> None:
        assert word("wrong", seeds=2) == "undecided"

    def test_one_law_of_two_below_the_noise_spoils_it(self) -> None:
        def mended(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "n": 100, "bayes_error": 0.41}

        both = tuple(
            Run(change(run.row))
            for run in synthetic().runs
            for change in (dict, mended)  # type: ignore[operator]
        )
        found = CLAIM.judge(Result(CLAIM.name, {"descents": (0.1, 1.2)}, both))["wrong"]
        assert found.word(CLAIM.kind) == "partly"
        assert "1 of 2 cells shows it, and 1 shows the opposite" in found.finding.sentence


class TestSharp:
    def test_nearly_all_data_sets(self) -> None:
        def low(seeds: int) -> Change:
            return lambda row: {**row, "sharpness": 1e-3 * row["sharpness"]} if row["seed"] < seeds else row

        part = "sharp_at_moderate_margins"
        assert [word(part, low(seeds)) for seeds in (1, 2, 11)] == ["reproduced", "partly", "not_reproduced"]

    @pytest.mark.parametrize(
        ("margin", "expected"),
        [(0.5, "not_reproduced"), (1.5, "reproduced"), (2.0, "reproduced"), (10.0, "not_reproduced")],
    )
    def test_at_a_margin_next_to_the_peak(self, margin: float, expected: str) -> None:
        def there(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "sharpness": 1e4} if row.get("margin") == margin else row

        assert word("sharp_at_moderate_margins", there) == expected

    def test_where_it_becomes_stable(self) -> None:
        numbers = finding("sharp_at_moderate_margins").numbers
        assert numbers["margin of the peak, largest"] == 1.5
        assert numbers["η = 1.2: margin from which λ ≤ 2/η, median"] == 10.0
        assert numbers["n = 30: λ at the peak, median"] == numbers["λ at the peak, median"]
        never = finding("sharp_at_moderate_margins", lambda row: {**row, "sharpness": row["sharpness"] + 2.0})
        assert never.numbers["η = 1.2: margin from which λ ≤ 2/η, median"] == np.inf


class TestDescents:
    @pytest.mark.parametrize(
        "broken",
        [
            {"training_error": 0.1},
            {"edge_ratio_largest": 1.01},
            {"test_error": 0.38},
            {"outcome": "diverged"},
        ],
    )
    def test_stays(self, broken: dict[str, Any]) -> None:
        assert word("started_there", where("flat_start", 1, **broken)) == "partly"
        sentence = finding("started_there", where("flat_start", 11, **broken)).sentence
        assert sentence.startswith("2 of 24 descents from the flat side stay there")

    @pytest.mark.parametrize("kept", [{"moved": 0.3}, {"test_error": 0.395}, {"edge_ratio_largest": 1.0}])
    def test_stays_all_the_same(self, kept: dict[str, Any]) -> None:
        assert word("started_there", where("flat_start", 11, **kept)) == "reproduced"

    @pytest.mark.parametrize(
        ("gone", "left"),
        [
            ({"training_error": 0.1}, 24),
            ({"outcome": "diverged"}, 24),
            ({"test_error": 0.38}, 24),
            ({"moved": 0.2}, 24),
            ({"moved": 0.09}, 0),
            ({"test_error": 0.395}, 0),
        ],
    )
    def test_leaves(self, gone: dict[str, Any], left: int) -> None:
        still = where("sharp_start", training_error=0.0)
        found = finding("started_there", lambda row: where("sharp_start", **gone)(still(row)))
        said = "all 24" if left else "none of 24"
        assert f"{said} descents from the sharp side leave" in found.sentence

    def test_a_start_at_the_peak_that_is_flat_does_not_count(self) -> None:
        found = finding("started_there", where("sharp_start", 3, edge_ratio_start=0.99))
        assert "all 18 descents from the sharp side" in found.sentence
        assert found.numbers["starts at peaks that are flat already and do not count"] == 6

    def test_those_that_do_not_leave_are_described(self) -> None:
        def some(row: dict[str, Any]) -> dict[str, Any]:
            if row["arm"] != "sharp_start" or row["seed"] > 2:
                return row
            return {**row, "training_error": 0.0, "edge_ratio_start": (0.9, 1.1, 1.3)[row["seed"]]}

        numbers = finding("started_there", some).numbers
        assert numbers["λ·η/2 at the start of those that do not leave, smallest"] == 1.1
        assert numbers["λ·η/2 at the start of those that do not leave, largest"] == 1.3

    def test_elsewhere(self) -> None:
        part = "descent_goes_elsewhere"
        arrived = [word(part, where("descent", seeds, training_error=0.0)) for seeds in (1, 2, 12)]
        assert arrived == ["yes", "it_depends", "no"]
        assert word(part, seeds=2) == "undecided"

    def test_labels_without_flips_count(self) -> None:
        """They are noisy as well: the truth is a probability."""

        def clean(row: dict[str, Any]) -> dict[str, Any]:
            if row["arm"] != "descent" or row["seed"] % 2:
                return row
            return {**row, "flip_rate": 0.0, "training_error": 0.0}

        judged = CLAIM.judge(synthetic(clean))["descent_goes_elsewhere"]
        assert (judged.word(CLAIM.kind), judged.word(CLAIM.kind, "0.0")) == ("it_depends", "no")
        assert judged.rows["0.0"].numbers["descents that miss no label"] == 12


class TestWhatCounts:
    def test_inputs_that_stand_twice_do_not(self) -> None:
        change = where("interpolator", distinct=False)
        for part in ("construction", "flat", "wrong", "sharp_at_moderate_margins"):
            assert word(part, change) == "premise_not_met"

    @pytest.mark.parametrize("lost", [10.0, 20.0, 50.0, 1.5])
    def test_a_data_set_of_which_a_run_failed_does_not(self, lost: float) -> None:
        """Without its largest margins a data set has no slope, and without its peak another peak."""
        whole = synthetic()
        runs = tuple(run for run in whole.runs if not run.is_(seed=3, margin=lost))
        found = CLAIM.judge(Result(CLAIM.name, whole.settings, runs))
        for part in ("flat", "wrong", "sharp_at_moderate_margins"):
            assert found[part].finding.answer == "yes"
        assert found["flat"].finding.numbers["data sets"] == 11
        assert found["construction"].finding.numbers["bound: checks"] == 71


class TestRuns:
    tiny: dict[str, str] = {  # noqa: RUF012
        "sizes": "12", "flip_rates": "0.1", "margins": "5", "width": "30", "steps": "60", "kept_steps": "40",
        "records": "6", "seeds": "1", "descents": "0.1",
    }  # fmt: skip

    def test_labels_of_one_class_are_no_difficulty(self) -> None:
        """Some of the pairs of labels are equal."""
        found = run(CLAIM, CLAIM.settings({**self.tiny, "amplitude": "0", "sizes": "2", "seeds": "6"}))
        assert (found.table.where(arm="interpolator")["least_tv"] == 0.0).any()
        assert CLAIM.judge(found)["construction"].finding.answer == "yes"

    def test_the_variation_is_never_below_what_the_margin_costs(self) -> None:
        built = run(CLAIM, CLAIM.settings(self.tiny)).table.where(arm="interpolator")
        assert (built["tv"] >= built["least_tv"] * (1.0 - 1e-12)).all()
        assert (built["least_tv"] > 0.0).any()

    def test_a_start_that_diverges_is_a_row(self) -> None:
        table = run(CLAIM, CLAIM.settings({**self.tiny, "descents": "1e6"})).table
        lost = table.where(arm="sharp_start")
        assert lost["outcome"].tolist() == ["diverged"]
        assert lost["edge_ratio_start"][0] > 1e3

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"margins": "1"}, "margins must be at least 2, got 1"),
            ({"smallest_margin": "0"}, "smallest_margin must lie between 0 and largest_margin, got 0.0"),
            ({"largest_margin": "0.01"}, "smallest_margin must lie between 0 and largest_margin, got 0.1"),
            ({"largest_margin": "701"}, "largest_margin must be at most 700, as e.* leaves .*, got 701.0"),
            ({"descents": "-1"}, "step_size must be finite and positive, got -1.0"),
            ({"truth": "wav"}, "unknown curve 'wav'"),
            ({"flip_rates": "0.7"}, "flip_rate must"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            CLAIM.specs(CLAIM.settings({**self.tiny, **overrides}))
