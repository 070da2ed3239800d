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
from stepscape.experiments.confidence.flat_runs import FLAT_START, flat_margin, moved
from stepscape.experiments.confidence.one_example import PEAK
from stepscape.experiments.frame import Finding, Result, Run, run

PROBLEM = ss.problems.bernoulli("wave", n=14, amplitude=2.0, flip_rate=0.1, seed=7)
Change = Callable[[dict[str, Any]], dict[str, Any]]
MOVES = (0.0, 0.003, 0.01, 0.03)


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
                 "sharpness": 1.0, "smallest_margin": 2.0, "median_margin": 2.0, "tv": 9.0, "move": 0.0,
                 "edge_moved": 0.01, "loss_fell": 0.001}  # fmt: skip
        for eta in (0.1, 1.2):
            for move in MOVES:
                rows.append({**start, "arm": "flat_start", "step_size": eta, "edge_ratio_start": 0.9,
                             "move": move})  # fmt: skip
            rows.append({**start, "arm": "sharp_start", "step_size": eta, "edge_ratio_start": 9.0,
                         "training_error": 0.2, "edge_ratio_largest": 9.0})  # fmt: skip
            rows.append({**start, "arm": "descent", "step_size": eta, "training_error": 0.2,
                         "test_error": shared["test_error"] - 0.1})  # fmt: skip
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
        "basin": "reproduced", "leaves": "reproduced", "descent_goes_elsewhere": "yes",
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
        assert word("flat", few) == "premise_not_met"

    @pytest.mark.parametrize(
        ("margin", "expected"),
        [(0.5, "false_as_stated"), (1.5, "holds"), (2.0, "holds"), (10.0, "false_as_stated")],
    )
    def test_the_peak_stands_next_to_the_margin_of_the_formula(self, margin: float, expected: str) -> None:
        def there(row: dict[str, Any]) -> dict[str, Any]:
            if row.get("margin") != margin or row["seed"]:
                return row
            return {**row, "sharpness": 1e4}

        assert word("flat", there) == expected

    def test_where_it_becomes_stable(self) -> None:
        numbers = finding("flat").numbers
        assert numbers["η = 1.2: margin from which λ ≤ 2/η, median"] == 10.0
        assert numbers["n = 30: λ at the peak, median"] == pytest.approx(150.0 * np.exp(-0.5))
        never = finding("flat", lambda row: {**row, "sharpness": row["sharpness"] + 2.0})
        assert never.numbers["η = 1.2: margin from which λ ≤ 2/η, median"] == np.inf


class TestWrong:
    @pytest.mark.parametrize(("excess", "expected"), [(0.06, "reproduced"), (0.01, "partly")])
    def test_by_more_than_what_counts(self, excess: float, expected: str) -> None:
        """A test error that is never below the Bayes error exceeds it by something; that is not enough."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            by = {"interpolator": excess, "descent": 0.0}
            return {**row, "test_error": 0.25 + by[row["arm"]]} if row["arm"] in by else row

        assert word("wrong", change) == expected

    @pytest.mark.parametrize(
        ("gain", "spread", "expected"),
        [(0.05, 0.01, "reproduced"), (-0.05, 0.01, "partly"), (0.0, 0.01, "partly"), (0.0, 0.1, "partly")],
    )
    def test_more_than_descent_on_the_same_labels(self, gain: float, spread: float, expected: str) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            error = 0.4 + 0.01 * (row["seed"] % 2) - gain + spread * (-1) ** row["seed"]
            return {**row, "test_error": error} if row["arm"] == "descent" else row

        assert word("wrong", change) == expected
        answers = finding("wrong", change).sentence
        assert ("it is not settled" in answers) == (gain == 0.0 and spread == 0.1)

    def test_descent_that_still_moves_compares_with_nothing(self) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "loss_fell": 0.006} if row["arm"] == "descent" else row

        found = finding("wrong", change)
        assert found.answer == "some"
        assert found.numbers["descents that have arrived"] == 0
        assert "0 seeds give no usable interval" in found.sentence

    def test_a_seed_is_compared_in_the_cells_where_its_descent_arrived(self) -> None:
        """Two cells; in each, descents of other seeds have arrived, and no seed has both."""
        runs = []
        for n in (30, 100):
            for each in synthetic().runs:
                row = {**each.row, "n": n}
                if row["arm"] == "descent" and row["seed"] % 2 == (n == 30):
                    row["edge_moved"] = 0.5
                runs.append(Run(row))
        found = CLAIM.judge(Result(CLAIM.name, {"descents": (0.1, 1.2)}, tuple(runs)))["wrong"].finding
        assert found.answer == "yes"
        assert found.numbers["descents that have arrived"] == 12

    def test_only_the_largest_step_size_is_compared(self) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "test_error": 0.9} if row["step_size"] == 0.1 else row

        assert word("wrong", change) == "reproduced"

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


class TestBasin:
    @pytest.mark.parametrize(
        "broken",
        [{"training_error": 0.1}, {"edge_ratio": 1.11}, {"test_error": 0.38}, {"outcome": "diverged"}],
    )
    def test_stays(self, broken: dict[str, Any]) -> None:
        assert word("basin", where("flat_start", 2, **broken)) == "undecided"
        found = finding("basin", where("flat_start", 11, **broken))
        assert found.answer == "no"
        assert found.sentence.startswith("η = 0.1: 1 of 12 descents stays flat and wrong")

    @pytest.mark.parametrize("kept", [{"moved": 0.3}, {"test_error": 0.395}, {"edge_ratio": 1.09},
                                      {"edge_ratio_largest": 9.0}])  # fmt: skip
    def test_stays_all_the_same(self, kept: dict[str, Any]) -> None:
        assert word("basin", where("flat_start", 11, **kept)) == "reproduced"

    @pytest.mark.parametrize(
        ("fails_at", "expected"), [((0.03,), 0.01), ((0.01,), 0.003), ((), 0.03), ((0.0,), np.nan)]
    )
    def test_radius(self, fails_at: tuple[float, ...], expected: float) -> None:
        """The largest move from which, and from every smaller one, nearly all stay."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            fails = row["arm"] == "flat_start" and row["move"] in fails_at and row["seed"] < 2
            return {**row, "training_error": 0.1} if fails else row

        name = "n = 30, η = 1.2: largest move from which nearly all stay"
        assert finding("basin", change).numbers[name] == pytest.approx(expected, nan_ok=True)
        assert (word("basin", change) == "reproduced") == (0.01 not in fails_at)

    def test_without_the_move_of_the_rule(self) -> None:
        far = lambda row: {**row, "move": 1.0}  # noqa: E731
        assert word("basin", far) == "premise_not_met"


class TestLeaves:
    @pytest.mark.parametrize(
        ("gone", "left"),
        [
            ({"training_error": 0.1}, 12),
            ({"outcome": "diverged"}, 12),
            ({"test_error": 0.38}, 12),
            ({"moved": 0.2}, 12),
            ({"edge_ratio": 1.2}, 12),
            ({"moved": 0.09}, 0),
            ({"test_error": 0.395}, 0),
        ],
    )
    def test_leaves(self, gone: dict[str, Any], left: int) -> None:
        still = where("sharp_start", training_error=0.0)
        found = finding("leaves", lambda row: where("sharp_start", **gone)(still(row)))
        count = "all 12" if left else "none of 12"
        assert f"η = 1.2: {count} descents from the sharp side leave" in found.sentence.replace(
            "leaves", "leave"
        )

    def test_a_start_at_the_peak_that_is_flat_does_not_count(self) -> None:
        found = finding("leaves", where("sharp_start", 3, edge_ratio_start=0.99))
        assert "all 9 descents from the sharp side" in found.sentence
        assert found.numbers["starts at peaks that are flat already and do not count"] == 6

    def test_those_that_do_not_leave_are_described(self) -> None:
        def some(row: dict[str, Any]) -> dict[str, Any]:
            if row["arm"] != "sharp_start" or row["seed"] > 2:
                return row
            return {**row, "training_error": 0.0, "edge_ratio_start": (0.9, 1.1, 1.3)[row["seed"]]}

        numbers = finding("leaves", some).numbers
        assert numbers["λ·η/2 at the start of those that do not leave, smallest"] == 1.1
        assert numbers["λ·η/2 at the start of those that do not leave, largest"] == 1.3


class TestElsewhere:
    part = "descent_goes_elsewhere"

    def test_elsewhere(self) -> None:
        arrived = [word(self.part, where("descent", seeds, training_error=0.0)) for seeds in (1, 2, 12)]
        assert arrived == ["yes", "it_depends", "no"]
        assert word(self.part, seeds=2) == "undecided"

    def test_a_descent_that_still_moves_counts_only_if_it_is_there(self) -> None:
        """One that fits every label goes to infinity, and moves for ever."""
        found = finding(self.part, where("descent", 12, edge_moved=0.5))
        assert found.answer == "premise_not_met"
        found = finding(self.part, where("descent", 12, edge_moved=0.5, training_error=0.0))
        assert found.answer == "no"
        some = finding(self.part, where("descent", 5, edge_moved=0.5))
        assert some.numbers["descents that still move, and do not count"] == 10

    def test_labels_without_flips_count(self) -> None:
        """They are noisy as well: the truth is a probability."""

        def clean(row: dict[str, Any]) -> dict[str, Any]:
            if row["arm"] != "descent" or row["seed"] % 2:
                return row
            return {**row, "flip_rate": 0.0, "training_error": 0.0}

        judged = CLAIM.judge(synthetic(clean))[self.part]
        assert (judged.word(CLAIM.kind), judged.word(CLAIM.kind, "0.0")) == ("it_depends", "no")
        assert judged.rows["0.0"].numbers["descents that miss no label"] == 12


class TestWhatCounts:
    def test_inputs_that_stand_twice_do_not(self) -> None:
        change = where("interpolator", distinct=False)
        for part in ("construction", "flat", "wrong"):
            assert word(part, change) == "premise_not_met"

    @pytest.mark.parametrize("lost", [10.0, 20.0, 50.0, 1.5])
    def test_a_data_set_of_which_a_run_failed_does_not(self, lost: float) -> None:
        """Without its largest margins a data set has no slope, and without its peak another peak."""
        whole = synthetic()
        runs = tuple(run for run in whole.runs if not run.is_(seed=3, margin=lost))
        found = CLAIM.judge(Result(CLAIM.name, whole.settings, runs))
        for part in ("flat", "wrong"):
            assert found[part].finding.answer == "yes"
        assert found["flat"].finding.numbers["data sets"] == 11
        assert found["construction"].finding.numbers["bound: checks"] == 71


class TestMove:
    def test_its_length_and_its_direction(self) -> None:
        start = interpolator(5.0)
        far, near = (moved(start, length, 3).parameters - start.parameters for length in (0.1, 0.01))
        assert np.linalg.norm(far) == pytest.approx(0.1 * np.linalg.norm(start.parameters), rel=1e-12)
        assert far == pytest.approx(10.0 * near, rel=1e-9, abs=1e-12)
        assert moved(start, 0.0, 3) is start
        other = moved(start, 0.1, 4).parameters - start.parameters
        assert abs(far @ other) < 0.7 * np.linalg.norm(far) * np.linalg.norm(other)


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
            ({"moves": "0"}, "moves must be positive, as the start that is not moved .*, got 0.0"),
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
