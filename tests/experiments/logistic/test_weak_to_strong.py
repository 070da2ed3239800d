"""`weak-to-strong`: the grid, the rule each way, a tiny run, figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.common import ledger
from stepscape.experiments.common.experiment import Result, resolve_settings
from stepscape.experiments.logistic import weak_to_strong_rule as rule
from stepscape.figures import style
from stepscape.lab.spec import identity
from stepscape.tables import Table

NAME = "weak-to-strong"
TINY = {"sizes": "12,24,48", "width": "40", "steps": "300", "seeds": "3", "records": "3"}
DECAYS, STEPS = (0.0, 1e-3), (0.01, 1.2)
Change = Callable[[dict[str, Any]], dict[str, Any]]


def tiny(workers: int = 0, **overrides: str) -> Result:
    experiment = experiments.get(NAME)
    return experiments.run(experiment, resolve_settings(experiment, {**TINY, **overrides}), workers=workers)


def identities(name: str, overrides: dict[str, str]) -> set[str]:
    """Identities of the runs of an experiment; settings that it does not have are left out."""
    experiment = experiments.get(name)
    known = {key: value for key, value in overrides.items() if key in experiment.quick}
    return {identity(run) for run in experiment.specs(resolve_settings(experiment, known))}


@pytest.fixture(scope="module")
def result() -> Result:
    return tiny()


def synthetic(change: Change = dict, seeds: int = 12) -> Result:
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
                        "initial_sharpness": 20.0, "steps_made": 100, "steps_held_out": 100,
                        "time": 100.0 * eta, "excess_risk": excess,
                        **{f"excess_risk_{region}{at}": excess for region in rule.REGIONS
                           for at in ("", "_held_out", "_equal_time")},
                        "optimized_uncertain": True, "optimized_interior": True,
                    }))  # fmt: skip
    return Result(NAME, {"small_step_size": 0.01}, Table.from_records(rows))


def words(change: Change = dict, seeds: int = 12) -> dict[str, str]:
    return {part: verdict.word for part, verdict in rule.judge(synthetic(change, seeds)).items()}


def steeper(power: float, **broken: Any) -> Change:
    """Multiply every excess risk by n^power, and overwrite columns."""

    def change(row: dict[str, Any]) -> dict[str, Any]:
        scaled = {key: value * row["n"] ** power for key, value in row.items() if key.startswith("excess")}
        return {**row, **scaled, **broken}

    return change


GROUPS = ("neither", "decay_only", "step_only", "both")


class TestRule:
    def test_as_claimed(self) -> None:
        found = words()
        assert {found[name] for name in GROUPS} == {"consistent"}
        assert {word for part, word in found.items() if part not in GROUPS} == {"reproduced"}

    def test_slopes_are_those_of_the_table(self) -> None:
        verdict = rule.judge(synthetic())["both"]
        mean = float(str(verdict.numbers["decay 0.001, η = 1.2: slope, uncertain"]).split()[0])
        assert mean == pytest.approx(-0.5, abs=0.02)
        assert verdict.numbers["decay 0.001, η = 1.2: premises, uncertain"] == "all hold"

    @pytest.mark.parametrize(("power", "word"), [(0.05, "consistent"), (0.2, "not_reproduced")])
    def test_a_shallow_slope_contradicts_where_the_premises_hold(self, power: float, word: str) -> None:
        assert {words(steeper(power))[name] for name in GROUPS} == {word}

    @pytest.mark.parametrize("power", [0.0, 0.2])
    @pytest.mark.parametrize(
        ("broken", "lacking"),
        [
            ({"optimized_uncertain": False, "optimized_interior": False}, "fits as well as the truth"),
            ({"edge_ratio": 1.3}, "λ ≤ 2/η"),
            ({"excess_risk": 0.1}, "Ex → 0"),
        ],
    )
    def test_a_slope_says_nothing_where_they_do_not(
        self, power: float, broken: dict[str, Any], lacking: str
    ) -> None:
        """Neither one that is too shallow nor one that keeps the rate."""
        verdicts = rule.judge(synthetic(steeper(power, **broken)))
        assert {verdicts[name].word for name in GROUPS} == {"premise_not_met"}
        verdict = verdicts["both"]
        assert verdict.sentence == "the premises hold for 0 of 2 slopes of the excess risk on n"
        assert verdict.numbers["decay 0.001, η = 1.2: premises, uncertain"] == f"without: {lacking}"

    def test_an_interval_that_holds_0_keeps_no_rate(self) -> None:
        """Slopes of −0.5 with signs that change from seed to seed: wide, around −0.5, over 0."""

        def noisy(row: dict[str, Any]) -> dict[str, Any]:
            tilt = row["n"] ** (1.5 * (-1) ** row["seed"])
            return {**row, **{f"excess_risk_{region}": row["excess_risk"] * tilt for region in rule.REGIONS}}

        verdict = rule.judge(synthetic(noisy))["both"]
        assert verdict.word == "undecided"
        assert "of these 0 lie below 0" in verdict.sentence
        assert verdict.sentence.endswith("2 open")

    def test_the_width_of_what_is_kept_is_told(self) -> None:
        verdict = rule.judge(synthetic())["both"]
        found = str(verdict.numbers["decay 0.001, η = 1.2: slope, uncertain"])
        low, high = (float(part) for part in found.split("[")[1].rstrip("]").split(","))
        told = float(verdict.sentence.split("up to ")[1].split(" wide")[0])
        assert told == pytest.approx(high - low, rel=0.05)
        assert "2 lie below 0 and are not significantly shallower than −2/5" in verdict.sentence

    def test_what_decay_and_step_size_can_have_done(self) -> None:
        def late(row: dict[str, Any]) -> dict[str, Any]:
            """A third of the runs end inside, a third start there."""
            inside, start = row["n"] == 32, row["n"] == 128
            return {**row, "edge_ratio": 0.9 if inside else 1.0, "initial_sharpness": 1.5 if start else 20.0}

        numbers = rule.judge(synthetic(late))["both"].numbers
        cell = "decay 0.001, η = 1.2"
        assert numbers[f"{cell}: decay × Σ η"] == pytest.approx(0.12)
        assert numbers[f"{cell}: share at the edge, λ·η/2 in [0.95, 1.1] over the last half"] == (
            pytest.approx(2 / 3)
        )
        assert numbers[f"{cell}: share that started beyond it"] == pytest.approx(2 / 3)
        beyond = rule.judge(synthetic(lambda row: {**row, "edge_ratio": 1.11}))["both"].numbers
        assert beyond[f"{cell}: share at the edge, λ·η/2 in [0.95, 1.1] over the last half"] == 0.0

    def test_fits_are_told_also_at_the_largest_size(self) -> None:
        def some(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "optimized_uncertain": row["n"] < 512}

        numbers = rule.judge(synthetic(some))["both"].numbers
        assert numbers["decay 0.001, η = 1.2: share that fits, uncertain"] == pytest.approx(2 / 3)
        assert numbers["decay 0.001, η = 1.2: share that fits at the largest n, uncertain"] == 0.0

    def test_one_contradiction_in_a_group_is_enough(self) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            return (
                {**row, "excess_risk_interior": 0.1} if row["weight_decay"] and row["step_size"] > 1 else row
            )

        found = words(change)
        assert [found[name] for name in GROUPS] == ["consistent"] * 3 + ["not_reproduced"]

    def test_a_region_is_judged_by_its_own_premise(self) -> None:
        found = words(lambda row: {**row, "excess_risk_interior": 0.1, "optimized_interior": False})
        assert {found[name] for name in GROUPS} == {"consistent"}

    @pytest.mark.parametrize(
        ("power", "norm", "quarter"),
        [
            (0.05, "reproduced", "reproduced"),
            (0.3, "reproduced", "not_reproduced"),
            (1.0, *["not_reproduced"] * 2),
        ],
    )
    def test_the_norm(self, power: float, norm: str, quarter: str) -> None:
        found = words(lambda row: {**row, "norm": row["norm"] * row["n"] ** power})
        assert (found["norm"], found["norm_quarter"]) == (norm, quarter)

    def test_the_norm_of_one_cell(self) -> None:
        found = words(lambda row: {**row, "norm": row["n"] ** 1.5} if row["weight_decay"] == 0.0 else row)
        assert (found["norm"], found["norm_quarter"]) == ("partly", "partly")

    def test_vanishing(self) -> None:
        assert words(lambda row: {**row, "excess_risk": 0.1})["vanishing"] == "not_reproduced"
        assert words(lambda row: {**row, "excess_risk": 0.1} if row["seed"] else row)["vanishing"] == (
            "not_reproduced"
        )
        assert words(lambda row: {**row, "excess_risk": 0.1}, seeds=5)["vanishing"] == "undecided"

    @pytest.mark.parametrize(("power", "word"), [(-0.22, "reproduced"), (-0.18, "not_reproduced")])
    def test_what_falls_by_less_than_half_from_32_to_1024_does_not_vanish(
        self, power: float, word: str
    ) -> None:
        """32^(−1/5) = 1/2; a slope just below 0 is no evidence of Ex → 0."""

        def falling(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "excess_risk": 0.1 * row["n"] ** (power + 1e-3 * (-1) ** row["seed"])}

        found = words(falling)
        assert found["vanishing"] == word
        assert found["both"] == ("consistent" if word == "reproduced" else "premise_not_met")

    def test_a_cell_with_hardly_a_fall_is_part(self) -> None:
        slow = words(lambda row: {**row, "excess_risk": 0.1} if row["weight_decay"] else row)
        assert slow["vanishing"] == "partly"

    def test_amplification_is_paired_and_compares_the_right_cells(self) -> None:
        def without(name: str, value: float) -> Change:
            """Undo what one of the two does."""

            def change(row: dict[str, Any]) -> dict[str, Any]:
                factor = 2.2 if row[name] > value else 1.0
                scaled = {key: x * factor for key, x in row.items() if key.startswith("excess_risk_")}
                return {**row, **scaled}

            return change

        decay, step = words(without("weight_decay", 0.0)), words(without("step_size", 1.0))
        assert (decay["both_beat_decay_only"], decay["both_beat_step_only"]) == (
            "reproduced",
            "not_reproduced",
        )
        assert (step["both_beat_decay_only"], step["both_beat_step_only"]) == ("not_reproduced", "reproduced")
        assert step["both_beat_decay_only_stopped_early"] == "not_reproduced"
        assert words(without("step_size", 1.0), seeds=4)["both_beat_decay_only"] == "undecided"

    def test_stopped_early_reads_the_held_out_moment(self) -> None:
        same = {f"excess_risk_{region}_held_out": 0.1 for region in rule.REGIONS}
        found = words(lambda row: {**row, **same})
        assert found["both_beat_decay_only"] == "reproduced"
        assert found["both_beat_decay_only_stopped_early"] == "not_reproduced"

    @pytest.mark.parametrize("part", ["both_beat_decay_only", "both_beat_step_only"])
    @pytest.mark.parametrize(
        ("moment", "suffix"), [("_stopped_early", "_held_out"), ("_at_equal_time", "_equal_time")]
    )
    def test_each_moment_reads_its_own_columns(self, part: str, moment: str, suffix: str) -> None:
        same = {f"excess_risk_{region}{suffix}": 0.1 for region in rule.REGIONS}
        found = words(lambda row: {**row, **same})
        names = {part + at for at in ("", "_stopped_early", "_at_equal_time")}
        assert {name for name in names if found[name] == "not_reproduced"} == {part + moment}
        assert {found[name] for name in names - {part + moment}} == {"reproduced"}

    def test_beside_the_decays_stands_what_the_step_does_without(self) -> None:
        """A factor of two everywhere; it enters no word."""
        verdict = rule.judge(synthetic())["both_beat_decay_only_at_equal_time"]
        key = "not judged: decay 0, η = 0.01 against decay 0, η = 1.2, interior: mean log ratio"
        assert float(str(verdict.numbers[key]).split()[0]) == pytest.approx(np.log(2.0), abs=1e-3)
        assert verdict.sentence.startswith("2 of 2 comparisons")

    def test_the_share_that_is_best_at_its_end(self) -> None:
        verdict = rule.judge(synthetic(lambda row: {**row, "steps_held_out": 100 - (row["n"] == 32)}))
        numbers = verdict["both_beat_decay_only_stopped_early"].numbers
        assert numbers["decay 0.001, η = 0.01: share that is best at its last record"] == pytest.approx(2 / 3)

    def test_half_of_the_regions(self) -> None:
        found = words(lambda row: {**row, "excess_risk_interior": 0.1})
        assert set(found) == set(words())
        assert found["both_beat_decay_only"] == "partly"

    def test_too_little_to_say(self) -> None:
        assert set(words(seeds=2).values()) == {"undecided"}
        assert set(words(lambda row: {**row, "n": min(row["n"], 128)}).values()) == {"undecided"}
        assert set(words(lambda row: {**row, "bent_neurons": 0}).values()) == {"premise_not_met"}
        assert set(words(lambda row: {**row, "outcome": "diverged"}).values()) == {"premise_not_met"}

    def test_a_cell_in_which_every_network_is_dead_says_nothing(self) -> None:
        def dead(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "bent_neurons": 0} if row["weight_decay"] and row["step_size"] > 1 else row

        verdicts = rule.judge(synthetic(dead))
        assert [verdicts[name].word for name in GROUPS] == ["consistent"] * 3 + ["premise_not_met"]
        lacking = "without: fits as well as the truth, Ex → 0, λ ≤ 2/η"
        assert verdicts["both"].numbers["decay 0.001, η = 1.2: premises, interior"] == lacking
        assert "slopes on log n from 0.10 to 0.10" in verdicts["norm"].sentence

    def test_without_decay_there_is_nothing_to_amplify(self) -> None:
        found = words(
            lambda row: {**row, "weight_decay": 0.0, "seed": row["seed"] + 100 * (row["weight_decay"] > 0)}
        )
        assert found["decay_only"] == found["both"] == found["both_beat_decay_only"] == "premise_not_met"


class TestRun:
    def test_every_run_has_its_row(self, result: Result) -> None:
        assert len(result.table) == 3 * 2 * 3 * 2  # sizes × decays × seeds × step sizes
        assert set(result.table["outcome"]) == {"finished"}

    def test_decay_is_what_differs(self, result: Result) -> None:
        free, decayed = (result.table.where(weight_decay=decay, step_size=1.2) for decay in DECAYS)
        assert (free["norm"] > decayed["norm"]).all()

    def test_the_premises_are_columns(self, result: Result) -> None:
        found = {p.column: p for p in ledger.premises(experiments.get(NAME).premises, result.table)}
        assert {p.measured for p in found.values()} == {len(result.table)}
        assert found["optimized_uncertain"].found.startswith("yes in ")

    def test_a_fit_is_as_good_as_the_truth_when_its_loss_says_so(self) -> None:
        """With amplitude 0 every input is uncertain, and the hull holds all labels."""
        table = tiny(amplitude="0", sizes="12,24", seeds="1").table
        assert (table["optimized_uncertain"] == table["optimized"]).all()
        assert ((table["loss_mean"] <= table["loss_truth"]) == (table["optimized"] == 1)).all()

    def test_verdicts(self, result: Result) -> None:
        verdicts = experiments.get(NAME).judge(result)
        assert set(verdicts) == set(words())
        assert verdicts["norm"].word == "reproduced"

    def test_runs_are_shared_with_other_experiments_on_the_same_logistic_run(self) -> None:
        law = {**TINY, "seeds": "2", "truth": "tent", "shown": "9"}
        here = {"amplitude": "2", "flip_rate": "0.1", "weight_decays": "0", "large_step_sizes": "0.1,1.2"}
        there = {
            "amplitudes": "2",
            "flip_rates": "0.1",
            "step_sizes": "0.01,0.1,1.2",
            "shown": "9",
            "n": "24",
        }
        runs, others = identities(NAME, {**law, **here}), identities("noise-robustness", {**law, **there})
        assert len(others) == 2 * 3
        assert others < runs

    def test_workers_change_no_bit(self) -> None:
        few = {"sizes": "12,24", "seeds": "1", "steps": "50"}
        assert repr(tiny(1, **few).table.records()) == repr(tiny(2, **few).table.records())

    @pytest.mark.usefixtures("nothing_computes")
    def test_figures_read_the_result_and_compute_nothing(self, result: Result) -> None:
        figures = experiments.get(NAME).figures(result)
        assert set(figures) == {"excess", "norm", "premises"}
        for figure in figures.values():
            assert len(style.svg(figure)) < 500_000
            assert all(ax.get_xlabel() for ax in figure.axes[-2:])

    def test_networks_without_a_bend_are_drawn(self) -> None:
        """∫|f''| is 0 in every run: no logarithm of it."""
        found = tiny(sizes="12,24", seeds="1", steps="5")
        flat = Table({**found.table.columns, "tv": np.zeros(len(found.table))})
        for figure in experiments.get(NAME).figures(Result(NAME, found.settings, flat)).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"seeds": "0"}, "seeds must be at least 1, got 0"),
            ({"small_step_size": "2"}, "small_step_size must be smaller than the large ones, got 2.0"),
            ({"sizes": "32,32"}, "sizes must hold two different sizes, got 32"),
            ({"sizes": "1,32"}, "n must be at least 2, got 1"),
            ({"weight_decays": "-1"}, "weight_decay must be finite and not negative, got -1.0"),
            ({"truth": "wav"}, "unknown curve 'wav'"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        experiment = experiments.get(NAME)
        with pytest.raises(InputError, match=sentence):
            experiment.specs(resolve_settings(experiment, {**TINY, **overrides}))
