"""The rules of weak-to-strong on rows that come out each way, and its grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.experiments.logistic.weak_to_strong import CLAIM, REGIONS
from stepscape.lab.spec import identity

DECAYS, STEPS = (0.0, 1e-3), (0.01, 1.2)
Change = Callable[[dict[str, Any]], dict[str, Any]]


def synthetic(change: Change = dict, seeds: int = 6) -> Result:
    """Excess risk ∝ n^(−1/2), halved by decay and again by the large step; ‖θ‖ ∝ n^0.1; premises met."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for n in (32, 128, 512):
            noise = np.exp(0.02 * rng.standard_normal())
            for decay in DECAYS:
                for eta in STEPS:
                    excess = noise * n**-0.5 * (0.5 if decay else 1.0) * (0.5 if eta > 1 else 1.0)
                    rows.append(change({
                        "n": n, "seed": seed, "weight_decay": decay, "step_size": eta, "outcome": "finished",
                        "bent_neurons": 9, "norm": noise * n**0.1, "edge_ratio": 1.0,
                        "initial_sharpness": 20.0, "function_moved": 0.01, "edge_moved": 0.01,
                        "time": 100.0 * eta, "excess_risk": excess,
                        **{f"excess_risk_{region}": excess for region in REGIONS},
                        "optimized_uncertain": True, "optimized_interior": True,
                    }))  # fmt: skip
    return Result(CLAIM.name, {**CLAIM.quick, "small_step_size": 0.01}, tuple(Run(row) for row in rows))


def words(change: Change = dict, seeds: int = 6) -> dict[str, str]:
    return {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(synthetic(change, seeds)).items()}


def finding(part: str, change: Change = dict) -> Finding:
    return CLAIM.judge(synthetic(change))[part].finding


def steeper(power: float, **broken: Any) -> Change:
    """Multiply every excess risk by n^power, and overwrite columns."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        scaled = {key: value * row["n"] ** power for key, value in row.items() if key.startswith("excess")}
        return {**row, **scaled, **broken}

    return change


def law(risk: Callable[[int], float]) -> Change:
    """Set the excess risk of both regions; that over all inputs vanishes."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        factor = risk(row["n"]) * row["n"] ** 0.5
        return {**row, **{f"excess_risk_{region}": row["excess_risk"] * factor for region in REGIONS}}

    return change


def test_as_claimed() -> None:
    found = words()
    assert found.pop("rate") == "consistent"
    assert set(found.values()) == {"reproduced"}


class TestRate:
    @pytest.mark.parametrize(
        ("power", "word"),
        [(-0.45, "consistent"), (-0.35, "consistent"), (-0.27, "undecided"), (-0.13, "undecided"),
         (-0.09, "contradicted"), (0.0, "contradicted")],
    )  # fmt: skip
    def test_a_slope_contradicts_beyond_what_a_logarithm_can_do(self, power: float, word: str) -> None:
        """−0.4 + 1/ln 32 = −0.11."""
        assert words(law(lambda n: n**power))["rate"] == word

    @pytest.mark.parametrize("power", [0.5, 1.0])
    def test_the_claimed_rate_with_a_logarithm_is_no_contradiction(self, power: float) -> None:
        """A rule that held the local slope against −0.4 called both contradicted in every cell."""
        assert words(law(lambda n: n**-0.4 * np.log(n) ** power))["rate"] == "undecided"
        assert words(law(lambda n: n**-0.4 * np.log(n) ** 3.0))["rate"] == "contradicted"

    def test_every_cell_and_region_is_asked(self) -> None:
        numbers = finding("rate").numbers
        assert (numbers["slopes"], numbers["slopes for which the premises hold"]) == (8, 8)

    @pytest.mark.parametrize("power", [0.0, 0.2])
    @pytest.mark.parametrize(
        ("broken", "lacking"),
        [
            ({"optimized_uncertain": False, "optimized_interior": False}, "the labels as well"),
            ({"edge_ratio": 1.3}, "a λ_max larger than 2/η"),
            ({"function_moved": 0.06}, "unfinished"),
            ({"edge_moved": 0.06}, "unfinished"),
            ({"excess_risk": 0.1}, "does not vanish"),
        ],
    )
    def test_a_slope_says_nothing_where_they_do_not(
        self, power: float, broken: dict[str, Any], lacking: str
    ) -> None:
        """Neither one that is too shallow nor one that keeps the rate."""
        found = finding("rate", steeper(power, **broken))
        assert found.answer == "premise_not_met"
        assert lacking in found.sentence
        assert found.numbers["slopes for which the premises hold"] == 0

    @pytest.mark.parametrize(("ratio", "held"), [(1.09, 8), (1.11, 0)])
    def test_flat_is_at_most_a_tenth_beyond(self, ratio: float, held: int) -> None:
        numbers = finding("rate", lambda row: {**row, "edge_ratio": ratio}).numbers
        assert numbers["slopes for which the premises hold"] == held

    @pytest.mark.parametrize(("power", "held"), [(-0.25, 8), (-0.18, 0)])
    def test_to_vanish_is_to_fall_by_half_from_32_to_1024(self, power: float, held: int) -> None:
        """32^(−1/5) = 1/2; a slope just below 0 is no evidence of Ex → 0."""

        def falling(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "excess_risk": 0.1 * row["n"] ** (power + 1e-3 * (-1) ** row["seed"])}

        assert finding("rate", falling).numbers["slopes for which the premises hold"] == held

    @pytest.mark.parametrize(
        ("tilt", "word"), [(0.02, "consistent"), (0.12, "undecided"), (1.5, "undecided")]
    )
    def test_an_interval_without_power_decides_nothing(self, tilt: float, word: str) -> None:
        """Slopes around −0.5 with signs that change from seed to seed: an end above −0.3 is no evidence."""

        def noisy(row: dict[str, Any]) -> dict[str, Any]:
            factor = row["n"] ** (tilt * (-1) ** row["seed"])
            return {**row, **{f"excess_risk_{region}": row["excess_risk"] * factor for region in REGIONS}}

        assert words(noisy)["rate"] == word

    def test_one_contradiction_is_enough(self) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            both = row["weight_decay"] and row["step_size"] > 1
            return {**row, "excess_risk_interior": 0.1} if both else row

        assert words(change)["rate"] == "contradicted"

    def test_a_region_is_judged_by_its_own_premise(self) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "excess_risk_interior": 0.1, "optimized_interior": False}

        assert words(change)["rate"] == "consistent"
        assert finding("rate", change).numbers["slopes for which the premises hold"] == 4


class TestVanishing:
    def test_each_way(self) -> None:
        def little(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "excess_risk": 0.1 * row["n"] ** 1e-3}

        assert words(little)["vanishing"] == "not_reproduced"
        alone = words(lambda row: little(row) if row["weight_decay"] and row["step_size"] < 1 else row)
        assert alone["vanishing"] == "not_reproduced"
        others = words(lambda row: row if row["weight_decay"] and row["step_size"] < 1 else little(row))
        assert others["vanishing"] == "reproduced"

    @pytest.mark.parametrize(("power", "word"), [(-0.26, "reproduced"), (-0.19, "not_reproduced")])
    def test_half_the_exponent(self, power: float, word: str) -> None:
        def falling(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "excess_risk": 0.1 * row["n"] ** (power + 1e-3 * (-1) ** row["seed"])}

        assert words(falling)["vanishing"] == word


class TestArrival:
    @staticmethod
    def moving(share: float, **cell: float) -> Change:
        """Of the runs of a cell, let this share of the seeds still move."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            here = all(row[name] == value for name, value in cell.items())
            return {**row, "function_moved": 0.2} if here and row["seed"] < share * 20 else row

        return change

    def test_an_unfinished_cell_compares_with_nothing(self) -> None:
        small = self.moving(1.0, step_size=0.01)
        found = CLAIM.judge(synthetic(small, 20))
        assert found["both_beat_decay_only"].finding.answer == "premise_not_met"
        sentence = found["both_beat_decay_only"].finding.sentence
        assert sentence == "None of 20 runs has arrived at n = 32: the cell is unfinished."
        assert found["vanishing"].finding.answer == "premise_not_met"
        assert found["both_beat_step_only"].finding.answer == "yes"

    @pytest.mark.parametrize(("share", "answer"), [(0.1, "yes"), (0.15, "premise_not_met")])
    def test_nearly_all_runs_must_have_arrived(self, share: float, answer: str) -> None:
        made = synthetic(self.moving(share, step_size=1.2, weight_decay=1e-3), 20)
        assert CLAIM.judge(made)["both_beat_step_only"].finding.answer == answer

    def test_nearly_all_runs_must_have_arrived_at_every_n(self) -> None:
        """Nine of sixty runs are few, but all of them may stand at one size."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "function_moved": 0.2} if row["n"] == 512 and row["seed"] < 3 else row

        found = CLAIM.judge(synthetic(change, 20))
        assert {each.finding.answer for each in found.values()} == {"premise_not_met"}
        assert "17 of 20 runs have arrived at n = 512" in found["rate"].finding.sentence

    def test_an_unfinished_run_counts_for_nothing_where_the_others_have_arrived(self) -> None:
        """Two of twenty runs at the largest n still move, and have a thousand times the excess risk."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            if row["n"] < 512 or row["seed"] > 1:
                return row
            risks = {key: 1e3 * value for key, value in row.items() if key.startswith("excess_risk")}
            return {**row, **risks, "function_moved": 0.2, "optimized_uncertain": False}

        found, clean = (CLAIM.judge(synthetic(of, 20)) for of in (change, dict))
        assert {name: each.word(CLAIM.kind) for name, each in found.items()} == {
            name: each.word(CLAIM.kind) for name, each in clean.items()
        }
        effects = found["both_beat_step_only"].finding.effect, clean["both_beat_step_only"].finding.effect
        assert effects[0] is not None
        assert effects[1] is not None
        assert effects[0].interval.mean == pytest.approx(effects[1].interval.mean, abs=1e-9)

    def test_the_sentence_counts_the_comparisons(self) -> None:
        numbers = finding("both_beat_decay_only").numbers
        assert (numbers["comparisons"], numbers["comparisons of runs that have arrived"]) == (1, 1)


class TestAmplification:
    @staticmethod
    def without(name: str, value: float) -> Change:
        """Undo what one of the two does."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            factor = 2.2 if row[name] > value else 1.0
            scaled = {key: x * factor for key, x in row.items() if key.startswith("excess_risk_")}
            return {**row, **scaled}

        return change

    def test_it_compares_the_right_cells(self) -> None:
        decay, step = (words(self.without(*of)) for of in (("weight_decay", 0.0), ("step_size", 1.0)))
        names = ("both_beat_decay_only", "both_beat_step_only")
        assert [decay[name] for name in names] == ["reproduced", "not_reproduced"]
        assert [step[name] for name in names] == ["not_reproduced", "reproduced"]

    def test_a_region_that_gains_nothing_is_part(self) -> None:
        found = words(lambda row: {**row, "excess_risk_interior": row["excess_risk"] ** 0 / row["n"]})
        assert found["both_beat_decay_only"] == "reproduced"  # no cell says the opposite

    def test_a_run_that_failed_takes_its_size_from_the_mean(self) -> None:
        whole, hurt = synthetic(), synthetic()
        kept = Result(hurt.claim, hurt.settings, tuple(run for i, run in enumerate(hurt.runs) if i != 3))
        one, other = (CLAIM.judge(each)["both_beat_decay_only"].finding.effect for each in (whole, kept))
        assert one is not None
        assert other is not None
        assert other.interval.count == one.interval.count == 6
        assert other.interval.mean == pytest.approx(np.log10(2.0), abs=1e-6)

    def test_without_decay_there_is_nothing_to_amplify(self) -> None:
        kept = Result(CLAIM.name, synthetic().settings, synthetic().where(weight_decay=0.0).runs)
        found = {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(kept).items()}
        assert found["both_beat_decay_only"] == found["both_beat_step_only"] == "premise_not_met"
        assert found["rate"] == "consistent"


def test_too_little_to_say() -> None:
    assert set(words(seeds=2).values()) == {"undecided"}
    few = words(lambda row: {**row, "n": min(row["n"], 128)})
    assert set(few.values()) == {"premise_not_met"}
    assert words(lambda row: {**row, "outcome": "diverged"})["rate"] == "premise_not_met"


def test_the_table_says_what_decay_and_step_size_can_have_done() -> None:
    def late(row: dict[str, Any]) -> dict[str, Any]:
        """A third of the runs end inside, a third start there, and a third do not fit."""
        inside, start, unfit = row["n"] == 32, row["n"] == 128, row["n"] == 512
        return {
            **row, "edge_ratio": 0.9 if inside else 1.0, "initial_sharpness": 1.5 if start else 20.0,
            "optimized_uncertain": not unfit,
        }  # fmt: skip

    assert CLAIM.numbers is not None
    (row,) = CLAIM.numbers(synthetic(late)).where(cell="decay 0.001, η = 1.2").records()
    assert row["decay × Σ η"] == pytest.approx(0.12)
    for name in ("share at the edge", "share that starts beyond it", "fits, uncertain"):
        assert row[name] == pytest.approx(2 / 3), name
    assert row["norm, slope on log n, median"] == pytest.approx(0.1, abs=0.02)
    assert row["excess risk at the largest n, uncertain, median"] == pytest.approx(512**-0.5 / 4, rel=0.1)


class TestGrid:
    def test_runs_are_shared_with_other_claims_on_the_same_run(self) -> None:
        law = {"steps": "300", "seeds": "2", "truth": "tent", "records": "5"}
        here = {"amplitude": "2", "flip_rate": "0.1", "weight_decays": "0"}
        there = {
            "amplitudes": "2",
            "flip_rates": "0.1",
            "step_sizes": "0.1,1.2",
            "n": "24",
        }
        other = experiments.get("noise-robustness")
        runs = CLAIM.grid(CLAIM.settings({**law, **here, "sizes": "24,48"}))
        others = other.grid(other.settings({**law, **there, "shown": "9"}))
        assert {identity(each) for each in others} < {identity(each) for each in runs}

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"small_step_size": "2"}, "small_step_size must be smaller than the large ones, got 2.0"),
            ({"sizes": "32,32"}, "sizes must hold two different sizes, got 32"),
            ({"sizes": "1,32"}, "n must be at least 2, got 1"),
            ({"weight_decays": "-1"}, "weight_decay must be finite and not negative, got -1.0"),
            ({"truth": "wav"}, "unknown curve 'wav'"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            CLAIM.specs(CLAIM.settings(overrides))

    def test_a_fit_is_as_good_as_the_truth_when_its_loss_says_so(self) -> None:
        """With amplitude 0 every input is uncertain, and the hull holds all labels."""
        tiny = {"amplitude": "0", "sizes": "12,24", "seeds": "1", "width": "40", "steps": "300"}
        table = run(CLAIM, CLAIM.settings(tiny), workers=1).table
        assert (table["optimized_uncertain"] == table["optimized"]).all()
        assert ((table["loss_midpoint"] <= table["loss_truth"]) == (table["optimized"] == 1)).all()


def test_the_title_of_the_figure_compares_runs_that_have_arrived() -> None:
    caption = CLAIM.draw(synthetic())["excess"].caption
    start = "At decay 0.001 and n = 512, the median excess risk is 0.022 at η = 0.01 and 0.011 at"
    assert caption.startswith(start)
    moving = CLAIM.draw(synthetic(TestArrival.moving(1.0, step_size=0.01)))["excess"].caption
    assert moving.startswith("50 % of the runs have arrived; no two step sizes can be compared.")
