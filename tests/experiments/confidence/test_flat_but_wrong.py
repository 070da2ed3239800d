"""`flat-but-wrong`: law risks, starts on the flat side, the rule each way, a tiny run, figures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

import stepscape as ss
from stepscape import experiments, theory
from stepscape.errors import InputError
from stepscape.experiments.common import ledger
from stepscape.experiments.common.experiment import Result, resolve_settings
from stepscape.experiments.confidence import flat_but_wrong_rule as rule
from stepscape.experiments.confidence.confident_networks import flatness, law_risks
from stepscape.experiments.confidence.flat_but_wrong import FLAT_START, flat_margin
from stepscape.experiments.confidence.one_example import PEAK
from stepscape.figures import style
from stepscape.objectives import Hessian
from stepscape.tables import Table

NAME = "flat-but-wrong"
TINY = {
    "sizes": "12", "flip_rates": "0,0.2", "margins": "9", "width": "30", "steps": "300", "kept_steps": "200",
    "records": "6", "seeds": "3",
}  # fmt: skip
PROBLEM = ss.problems.bernoulli("wave", n=14, amplitude=2.0, flip_rate=0.1, seed=7)
Change = Callable[[dict[str, Any]], dict[str, Any]]


def tiny(workers: int = 0, **overrides: str) -> Result:
    experiment = experiments.get(NAME)
    return experiments.run(experiment, resolve_settings(experiment, {**TINY, **overrides}), workers=workers)


@pytest.fixture(scope="module")
def result() -> Result:
    return tiny()


def interpolator(margin: float) -> ss.TwoLayerReLU:
    return theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, margin)


class TestMeasures:
    @pytest.mark.parametrize("margin", [0.5, 8.0])
    def test_risks_are_integrals_under_the_law_of_the_data(self, margin: float) -> None:
        network = interpolator(margin)

        def share(x: float) -> float:
            return float(1.0 / (1.0 + np.exp(-PROBLEM.truth(np.array([x]))[0])))  # type: ignore[misc]

        def value(x: float) -> float:
            return float(network.predict(np.array([x]))[0])

        def risk(x: float) -> float:
            p, f = share(x), value(x)
            return float(p * np.logaddexp(0.0, -f) + (1.0 - p) * np.logaddexp(0.0, f))

        def wrong(x: float) -> float:
            return 1.0 - share(x) if value(x) > 0.0 else share(x)

        found = law_risks(PROBLEM, 1.0, network.predict)
        knots = np.sort([-1.0, 1.0, *network.knots[np.abs(network.knots) < 1.0]])

        def mean(function: Callable[[float], float]) -> float:
            parts = [quad(function, a, b, limit=200)[0] for a, b in pairwise(knots)]
            return 0.5 * float(sum(parts))

        assert found["test_loss"] == pytest.approx(mean(risk), rel=2e-4)
        assert found["test_error"] == pytest.approx(mean(wrong), abs=5e-4)
        assert found["risk_slope"] == pytest.approx(mean(lambda x: wrong(x) * abs(value(x))), rel=2e-3)
        assert found["bayes_error"] == pytest.approx(mean(lambda x: min(share(x), 1.0 - share(x))), rel=1e-4)

    def test_the_law_reaches_as_far_as_the_data(self) -> None:
        wide = ss.problems.bernoulli("line", n=10, amplitude=3.0, seed=1, half_width=2.0)
        assert law_risks(wide, 2.0, wide.truth)["test_error"] == pytest.approx(  # type: ignore[arg-type]
            quad(lambda u: 1.0 / (1.0 + np.exp(3.0 * u)), 0.0, 1.0)[0], rel=1e-6
        )

    def test_nothing_is_better_than_the_truth(self) -> None:
        truth = PROBLEM.truth
        assert truth is not None
        found = law_risks(PROBLEM, 1.0, truth)
        assert found["test_loss"] == pytest.approx(found["bayes_loss"])
        assert found["test_error"] == pytest.approx(found["bayes_error"])
        other = law_risks(PROBLEM, 1.0, lambda x: truth(x) + 0.1)
        assert other["test_loss"] > found["bayes_loss"]

    def test_risks_need_a_truth(self) -> None:
        problem = ss.Problem(np.arange(3.0), np.array([1.0, -1.0, 1.0]), loss="logistic")
        with pytest.raises(InputError, match="truth must be given to know the law of the labels, got None"):
            law_risks(problem, 1.0, np.zeros_like)

    def test_flatness_of_an_interpolator(self) -> None:
        network = interpolator(5.0)
        found = flatness(PROBLEM, network)
        assert found["smallest_margin"] == pytest.approx(5.0, rel=1e-10)
        assert found["median_margin"] == pytest.approx(5.0, rel=1e-10)
        assert found["training_error"] == 0.0
        assert found["loss"] == pytest.approx(np.log1p(np.exp(-5.0)))
        assert found["tv"] == pytest.approx(np.abs(network.w1 * network.w2).sum())
        assert found["gradient_norm"] == pytest.approx(np.linalg.norm(Hessian(PROBLEM, network).gradient))

    def test_missed_labels_are_counted(self) -> None:
        zero = np.zeros(1)
        constant = ss.TwoLayerReLU(zero, zero, zero, 1.0)
        assert flatness(PROBLEM, constant)["training_error"] == pytest.approx(np.mean(PROBLEM.labels < 0))

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
    table = Table.from_records([change(row) for row in rows])
    return Result(NAME, {"descents": (0.1, 1.2)}, table)


def word(part: str, change: Change = dict, seeds: int = 12) -> str:
    return rule.judge(synthetic(change, seeds))[part].word


def where(arm: str, seeds: int = 99, **values: Any) -> Change:
    """Overwrite columns of the first seeds of an arm."""
    return lambda row: {**row, **values} if row["arm"] == arm and row["seed"] < seeds else row


class TestRule:
    def test_as_claimed(self) -> None:
        found = {part: verdict.word for part, verdict in rule.judge(synthetic()).items()}
        assert found.pop("construction") == "consistent"
        assert set(found.values()) == {"reproduced"}

    def test_numbers(self) -> None:
        verdicts = rule.judge(synthetic())
        sharp = verdicts["sharp_at_moderate_margins"].numbers
        assert sharp["margin of the peak, largest"] == 1.5
        assert sharp["η = 1.2: margin from which λ ≤ 2/η, median"] == 10.0
        assert sharp["η = 0.1: margin from which λ ≤ 2/η, median"] == 10.0
        assert verdicts["wrong"].numbers["test loss per unit of margin, median"] == pytest.approx(0.3)
        assert verdicts["construction"].numbers["λ over its bound, largest"] == pytest.approx(1.0 / 3.0)
        assert sharp["n = 30: λ at the peak, median"] == sharp["λ at the peak, median"]

    def test_those_that_do_not_leave_are_described(self) -> None:
        def some(row: dict[str, Any]) -> dict[str, Any]:
            if row["arm"] != "sharp_start" or row["seed"] > 2:
                return row
            return {**row, "training_error": 0.0, "edge_ratio_start": (0.9, 1.1, 1.3)[row["seed"]]}

        numbers = rule.judge(synthetic(some))["left_on_the_sharp_side"].numbers
        assert numbers["starts at peaks that are flat already, not counted"] == 2.0
        assert numbers["λ·η/2 at the start of those that do not leave, smallest"] == 1.1
        assert numbers["λ·η/2 at the start of those that do not leave, largest"] == 1.3
        assert numbers["n = 30: that do not leave"] == 4.0

    @pytest.mark.parametrize("broken", [{"miss": 65.0}, {"bound": 1e-30}])
    def test_one_network_that_is_not_as_derived_is_enough(self, broken: dict[str, float]) -> None:
        assert word("construction", where("interpolator", 1, **broken)) == "false_as_stated"

    def test_the_error_of_the_sharpness_is_no_violation(self) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            if row["arm"] != "interpolator":
                return row
            return {**row, "sharpness": row["bound"] * 1.01, "sharpness_residual": row["bound"] * 0.02}

        assert word("construction", change) == "consistent"

    @pytest.mark.parametrize(("seeds", "expected"), [(3, "partly"), (9, "not_reproduced")])
    def test_flat(self, seeds: int, expected: str) -> None:
        def slower(row: dict[str, Any]) -> dict[str, Any]:
            scale = np.exp(0.05 * row.get("margin", 0.0)) if row["seed"] < seeds else 1.0
            return {**row, "sharpness": row["sharpness"] * scale}

        assert word("flat", slower) == expected
        assert word("flat", where("interpolator", seeds, gradient_norm=0.1)) == expected

    def test_a_data_set_that_is_flat_at_no_margin(self) -> None:
        found = synthetic(lambda row: {**row, "sharpness": row["sharpness"] + 2.0})
        verdict = rule.judge(found)["sharp_at_moderate_margins"]
        assert verdict.sentence.endswith("it is below 2/η at no margin of the grid for η = 1.2")

    def test_slopes_need_two_large_margins(self) -> None:
        few = synthetic(lambda row: {**row, "margin": min(row.get("margin", 1.0), 10.0)})
        assert rule.judge(few)["flat"].word == rule.judge(few)["wrong"].word == "undecided"

    @pytest.mark.parametrize(("excess", "expected"), [(0.03, "reproduced"), (0.01, "partly")])
    def test_wrong_by_more_than_what_counts(self, excess: float, expected: str) -> None:
        """A test error that is never below the Bayes error is above it by something; that is not enough."""
        assert word("wrong", where("interpolator", test_error=0.25 + excess)) == expected

    @pytest.mark.parametrize(("bayes", "expected"), [(0.29, "reproduced"), (0.31, "partly")])
    def test_wrong_costs_more_than_noise(self, bayes: float, expected: str) -> None:
        """The test loss grows by 0.3 a unit of margin, and the best classifier's by the Bayes error."""

        def change(row: dict[str, Any]) -> dict[str, Any]:
            shifted = bayes + 1e-3 * (-1) ** row["seed"]
            return {**row, "bayes_error": shifted, "test_error": shifted + 0.1}

        assert word("wrong", change) == expected

    def test_wrong_can_fail(self) -> None:
        good = where("interpolator", test_error=0.31, bayes_error=0.31)
        assert word("wrong", good) == "not_reproduced"
        assert word("wrong", good, seeds=5) == "undecided"
        assert word("wrong", seeds=2) == "undecided"

    def test_one_law_of_two_is_part(self) -> None:
        def mended(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "n": 100, "bayes_error": 0.41} if row["seed"] % 2 else row

        verdict = rule.judge(synthetic(mended))["wrong"]
        assert verdict.word == "partly"
        assert "by more than 0.02 in 1 of 2 laws" in verdict.sentence

    def test_a_better_test_error_in_one_seed_is_no_interval(self) -> None:
        assert word("wrong", where("interpolator", 1, test_error=0.2)) == "reproduced"
        assert word("wrong", where("interpolator", 6, test_error=0.1)) == "partly"

    def test_the_identities_are_part_of_the_construction(self) -> None:
        """The remainder of the test loss is in [0, log 2], its slope and the test error as f ∝ γ gives."""

        def at(margin: float, **more: float) -> Change:
            def change(row: dict[str, Any]) -> dict[str, Any]:
                here = row["arm"] == "interpolator" and row["seed"] == 0 and row["margin"] >= margin
                return {**row, **{name: row[name] + by for name, by in more.items()}} if here else row

            return change

        for kept in (at(0.0, test_loss=0.49), at(50.0, test_error=5e-4), at(0.0, test_error=0.1)):
            assert word("construction", kept) == "consistent"
        broken = (
            at(0.0, test_loss=0.5),
            at(0.0, test_loss=-0.201),
            at(50.0, test_loss=0.49),  # 0.49 between the margins 20 and 50: more than 1 % of 0.3 · 30
            at(50.0, test_error=0.01),
        )
        for change in broken:
            assert word("construction", change) == "false_as_stated"
            assert word("wrong", change) == "reproduced"

    def test_sharp_at_moderate_margins(self) -> None:
        def low(seeds: int) -> Change:
            return lambda row: {**row, "sharpness": 1e-3 * row["sharpness"]} if row["seed"] < seeds else row

        def late(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "sharpness": 1e4} if row.get("margin") == 10.0 else row

        assert word("sharp_at_moderate_margins", low(3)) == "partly"
        assert word("sharp_at_moderate_margins", low(9)) == "not_reproduced"
        assert word("sharp_at_moderate_margins", late) == "not_reproduced"

    @pytest.mark.parametrize(
        "broken",
        [
            {"training_error": 0.1},
            {"edge_ratio_largest": 1.01},
            {"test_error": 0.38},
            {"outcome": "diverged"},
        ],
    )
    def test_kept(self, broken: dict[str, Any]) -> None:
        part = "kept_on_the_flat_side"
        assert word(part, where("flat_start", 4, **broken)) == "partly"
        assert word(part, where("flat_start", 8, **broken)) == "not_reproduced"

    @pytest.mark.parametrize(
        "gone",
        [{"training_error": 0.1}, {"outcome": "diverged"}, {"test_error": 0.38}, {"moved": 0.2}],
    )
    def test_left(self, gone: dict[str, Any]) -> None:
        part = "left_on_the_sharp_side"
        still = where("sharp_start", training_error=0.0)
        assert word(part, still) == "not_reproduced"
        assert word(part, lambda row: where("sharp_start", **gone)(still(row))) == "reproduced"
        assert word(part, lambda row: where("sharp_start", 6, **gone)(still(row))) == "partly"

    def test_a_start_at_the_peak_that_is_flat_does_not_count(self) -> None:
        assert (
            word("left_on_the_sharp_side", where("sharp_start", edge_ratio_start=0.99)) == "premise_not_met"
        )

    def test_descent(self) -> None:
        part = "descent_goes_elsewhere"
        assert word(part, seeds=4) == "undecided"
        assert word(part, where("descent", 3, training_error=0.0)) == "partly"
        assert word(part, where("descent", 7, training_error=0.0)) == "not_reproduced"

    def test_labels_without_flips_count(self) -> None:
        """They are noisy as well: the truth is a probability."""

        def clean(row: dict[str, Any], seeds: int) -> dict[str, Any]:
            if row["arm"] != "descent" or row["seed"] % 2:
                return row
            return {**row, "flip_rate": 0.0, "training_error": 0.0 if row["seed"] < seeds else 0.2}

        verdicts = [
            rule.judge(synthetic(lambda row, n=seeds: clean(row, n)))["descent_goes_elsewhere"]  # type: ignore[misc]
            for seeds in (0, 1, 12)
        ]
        assert [verdict.word for verdict in verdicts] == ["reproduced", "partly", "partly"]
        assert (
            "shares of 0.167 at flip rate 0, 0 at flip rate 0.1; on 1 of 12 data sets" in verdicts[1].sentence
        )
        assert verdicts[1].numbers["flips 0: that miss no label"] == 2.0
        assert verdicts[1].numbers["η = 1.2, of those that miss no label: median margin, median"] == 2.0

    def test_inputs_that_stand_twice_do_not_count(self) -> None:
        found = rule.judge(synthetic(where("interpolator", distinct=False)))
        parts = ("construction", "flat", "wrong", "sharp_at_moderate_margins")
        assert {found[part].word for part in parts} == {"premise_not_met"}

    def test_a_data_set_of_which_a_run_failed_is_left_out(self) -> None:
        """Without its largest margins a data set has no slope, and without its peak another peak."""
        table = synthetic().table
        for lost in (10.0, 20.0, 50.0, 1.5):
            some = (table["seed"] == 3) & (table["margin"] == lost)
            found = rule.judge(Result(NAME, {"descents": (0.1, 1.2)}, table.rows(~some)))
            for part in ("flat", "wrong", "sharp_at_moderate_margins"):
                assert found[part].word == "reproduced"
            assert found["flat"].numbers["data sets"] == 11.0
            assert found["construction"].numbers["interpolators"] == 71.0

    def test_nothing_finished(self) -> None:
        rows = [{"arm": arm, "outcome": "failed", "n": 9, "seed": 0, "flip_rate": 0.1, "step_size": 1.0,
                 "edge_ratio_start": 2.0, "steps": 1}
                for arm in ("interpolator", "descent")]  # fmt: skip
        found = rule.judge(Result(NAME, {"descents": (1.0,)}, Table.from_records(rows)))
        assert {verdict.word for verdict in found.values()} == {"premise_not_met"}


class TestRun:
    def test_every_run_has_its_row(self, result: Result) -> None:
        assert len(result.table) == 2 * 3 * (9 + 3 * 3)  # flips × seeds × (margins + arms × step sizes)
        assert set(result.table["outcome"]) <= {"finished", "diverged"}

    def test_the_premises_are_columns_of_every_arm(self, result: Result) -> None:
        found = ledger.premises(experiments.get(NAME).premises, result.table)
        measured = {(p.column, p.arm): p.measured for p in found}
        assert measured["distinct", "interpolator"] == measured["miss", "interpolator"] == 54
        assert measured["training_error", "descent"] > 0

    def test_verdicts(self, result: Result) -> None:
        found = {part: verdict.word for part, verdict in experiments.get(NAME).judge(result).items()}
        assert found["construction"] == "consistent"
        assert found["flat"] == "reproduced"
        assert found["sharp_at_moderate_margins"] == "reproduced"

    def test_the_variation_is_never_below_what_the_margin_costs(self, result: Result) -> None:
        built = rule.interpolators(result.table)
        assert (built["tv"] >= built["least_tv"] * (1.0 - 1e-12)).all()
        assert (built["least_tv"] > 0.0).any()

    def test_workers_change_no_bit(self) -> None:
        few = {"flip_rates": "0.1", "margins": "2", "seeds": "1", "descents": "0.1"}
        one, two = tiny(1, **few), tiny(2, **few)
        assert repr(one.table.records()) == repr(two.table.records())
        assert all(np.array_equal(one.arrays[key], two.arrays[key]) for key in one.arrays)

    def test_labels_of_one_class_are_no_difficulty(self) -> None:
        found = tiny(amplitude="0", sizes="2", flip_rates="0", seeds="6")  # some of the pairs are equal
        assert (found.table.where(arm="interpolator")["least_tv"] == 0.0).all()
        assert experiments.get(NAME).judge(found)["construction"].word == "consistent"

    def test_a_start_that_diverges_is_a_row(self) -> None:
        table = tiny(flip_rates="0.1", seeds="1", descents="1e6").table
        lost = table.where(arm="sharp_start")
        assert lost["outcome"].tolist() == ["diverged"]
        assert lost["edge_ratio_start"][0] > 1e3

    @pytest.mark.usefixtures("nothing_computes")
    def test_figures_read_the_result_and_compute_nothing(self, result: Result) -> None:
        figures = experiments.get(NAME).figures(result)
        assert set(figures) == {"flatness", "risk", "functions", "staying"}
        for figure in figures.values():
            assert len(style.svg(figure)) < 500_000
            assert figure.axes[-1].get_xlabel()

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"seeds": "0"}, "seeds must be at least 1, got 0"),
            ({"margins": "1"}, "margins must be at least 2, got 1"),
            ({"smallest_margin": "0"}, "smallest_margin must lie between 0 and largest_margin, got 0.0"),
            ({"largest_margin": "0.01"}, "smallest_margin must lie between 0 and largest_margin, got 0.1"),
            ({"largest_margin": "701"}, "largest_margin must be at most 700, as e.* leaves .*, got 701.0"),
            ({"descents": "-1"}, "step_size must be finite and positive, got -1.0"),
            ({"width": "0"}, "width must be at least 1, got 0"),
            ({"truth": "wav"}, "unknown curve 'wav'"),
            ({"flip_rates": "0.7"}, "flip_rate must"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        experiment = experiments.get(NAME)
        with pytest.raises(InputError, match=sentence):
            experiment.specs(resolve_settings(experiment, {**TINY, **overrides}))
