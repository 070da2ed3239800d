"""`interpolation-is-sharp`: descent beside interpolators, the rule each way, a tiny run, figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape import experiments, theory
from stepscape.errors import InputError
from stepscape.experiments.common import ledger
from stepscape.experiments.common.experiment import Result, resolve_settings
from stepscape.experiments.interpolation import interpolation_rule as rule
from stepscape.experiments.interpolation.interpolators import INTERPOLATORS, one_sided_sharpness, top, visit
from stepscape.figures import style
from stepscape.tables import Table

NAME = "interpolation-is-sharp"
TINY = {"sizes": "5,8,20", "noises": "0.5,2", "n": "8", "seeds": "3", "records": "15"}
PROBLEM = ss.problems.curve("line", n=12, noise=1.0, seed=3)


def tiny(workers: int = 0, **overrides: str) -> Result:
    experiment = experiments.get(NAME)
    settings = resolve_settings(experiment, {**TINY, **overrides})
    return experiments.run(experiment, settings, workers=workers)


@pytest.fixture(scope="module")
def result() -> Result:
    return tiny()


def networks() -> dict[str, ss.TwoLayerReLU]:
    x, y = PROBLEM.inputs, PROBLEM.labels
    return {
        "spline": ss.TwoLayerReLU(*theory.spline_interpolator(x, y)),
        "flattest": ss.TwoLayerReLU(*theory.flattest_interpolator(x, y).neurons),
        "dots": ss.TwoLayerReLU(*theory.spline_interpolator(x, y, 0.0)),
    }


class TestDescentBeside:
    @pytest.mark.parametrize("name", INTERPOLATORS)
    def test_the_top_is_the_largest_eigenvalue_of_the_hessian(self, name: str) -> None:
        network = networks()[name]
        peak = top(PROBLEM, network)
        assert peak.value == pytest.approx(ss.sharpness(PROBLEM, network, tolerance=1e-6).value, rel=1e-9)
        assert np.linalg.norm(peak.vector) == pytest.approx(1.0)
        assert peak.residual <= 1e-10 * peak.value
        assert peak.rest <= 1e-10
        assert peak.second < peak.value

    @pytest.mark.parametrize("name", ["spline", "flattest"])
    @pytest.mark.parametrize("detuning", [-0.02, 0.01])
    def test_the_linear_rate_is_one_less_eta_lambda(self, name: str, detuning: float) -> None:
        network = networks()[name]
        peak = top(PROBLEM, network)
        seen = visit(PROBLEM, network, peak.vector, (2.0 + detuning) / peak.value, 1e-6, 1000, 20)
        assert seen.factor == pytest.approx([1.0 + detuning] * 2, abs=1e-5)
        assert seen.distances[:, 0] == pytest.approx([1e-6] * 2)
        assert seen.end == ("returned" if detuning < 0 else "left")
        flat = seen.sharpness * (2.0 + detuning) / peak.value / 2.0
        assert (flat <= 1.01).all()  # wherever descent settles, it is inside its threshold

    def test_a_small_step_size_returns_without_alternating(self) -> None:
        network = networks()["spline"]
        peak = top(PROBLEM, network)
        seen = visit(PROBLEM, network, peak.vector, 0.005 / peak.value, 1e-6, 1000, 10)
        assert seen.factor == pytest.approx([0.995] * 2, abs=1e-5)
        assert seen.end == "returned"

    def test_a_large_step_size_diverges_and_says_so(self) -> None:
        network = networks()["spline"]
        peak = top(PROBLEM, network)
        seen = visit(PROBLEM, network, peak.vector, 1e3 / peak.value, 1e-6, 200, 5)
        assert seen.end == "left"
        assert np.isinf(seen.distances[:, -1]).all()
        assert np.isnan(seen.loss).all()

    def test_the_two_starts_lie_on_opposite_sides(self) -> None:
        network = networks()["spline"]
        peak = top(PROBLEM, network)
        seen = visit(PROBLEM, network, peak.vector, 0.5 / peak.value, 0.1, 10, 10)
        assert abs(seen.loss[0] / seen.loss[1] - 1.0) > 1e-3

    def test_without_motion_it_stays(self) -> None:
        network = networks()["spline"]
        seen = visit(PROBLEM, network, top(PROBLEM, network).vector, 1e-9, 1e-6, 100, 5)
        assert seen.end == "stayed"

    def test_one_sided_sharpness_differs_only_with_knots_on_inputs(self) -> None:
        for name, network in networks().items():
            extra = one_sided_sharpness(PROBLEM, network) / top(PROBLEM, network).value
            assert (extra > 1.0 + 1e-6) == (name == "dots")


def synthetic(change: Callable[[dict[str, Any]], dict[str, Any]] = dict, seeds: int = 5) -> Result:
    """λ − 1 ∝ σ n²: bound 1, least 1.5, flattest 1.51, spline 2, with a little noise that seeds share."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for n, noise in ((8, 1.0), (16, 1.0), (32, 1.0), (16, 0.5), (16, 2.0)):
            size = noise * n**2 * np.exp(0.02 * rng.standard_normal())
            for name, level in (("flattest", 1.51), ("spline", 2.0), ("dots", 2.0)):
                row = {
                    "truth": "line", "design": "jittered", "n": n, "noise": noise, "seed": seed,
                    "interpolator": name, "detuning": 0.01, "outcome": "finished", "distinct": True,
                    "interpolation_error": 1e-14, "knots_on_data": 5 if name == "dots" else 0,
                    "smallest_gap": 0.01, "hat_bound": 1 + 0.4 * size, "bound": 1 + size, "rounding": 1e-12,
                    "sharpness": 1 + level * size, "sharpness_residual": 1e-12, "residual_norm": 1e-14,
                    "one_sided_sharpness": 1 + 1.1 * level * size,
                    "step_size_bound": 2 / (1 + size), "step_size": 2 / (1 + level * size),
                    "end_below": "returned", "end_above": "left", "factor_below": 0.99, "factor_above": 1.01,
                    "distance_below": 1e-5, "distance_above": 1e5, "loss_below": 1e-20, "loss_above": 1e-3,
                    "edge_ratio_below": 0.995, "edge_ratio_above": 0.999,
                }  # fmt: skip
                if name == "flattest":
                    row["least"] = 1 + 1.5 * size
                rows.append(change(row))
    settings = {"cases": ("line jittered",), "n": 16, "noise": 1.0}
    return Result(NAME, settings, Table.from_records(rows))


def word(part: str, change: Callable[[dict[str, Any]], dict[str, Any]] = dict, seeds: int = 5) -> str:
    return rule.judge(synthetic(change, seeds))[part].word


def excess(row: dict[str, Any], n_power: float = 0.0, noise_power: float = 0.0) -> dict[str, Any]:
    """Bend the data-only bound's growth."""
    factor = row["n"] ** n_power * row["noise"] ** noise_power
    return {**row, "bound": 1 + (row["bound"] - 1) * factor, "hat_bound": 1.0}


class TestRule:
    def test_as_claimed(self) -> None:
        verdicts = rule.judge(synthetic())
        assert {part: verdict.word for part, verdict in verdicts.items()} == {
            "bound": "consistent",
            "scaling": "consistent",
            "stability": "reproduced",
            "kinks": "reproduced",
            "tightness": "reproduced",
        }
        assert verdicts["bound"].numbers["interpolators"] == 50.0
        assert verdicts["bound"].numbers["smallest λ/bound"] == pytest.approx(1.5, abs=0.01)
        assert verdicts["tightness"].numbers["(least − 1)/(bound − 1), median"] == pytest.approx(1.5)
        assert verdicts["scaling"].numbers["η n²σ allowed by the flattest"] == pytest.approx(1.32, rel=0.05)

    @pytest.mark.parametrize(
        "change",
        [
            lambda row: {**row, "hat_bound": row["bound"] + 1e-9},
            lambda row: {**row, "bound": row["sharpness"] + 1e-9} if row["n"] == 32 else row,
            lambda row: (
                {**row, "sharpness": row["sharpness"] * 0.7} if row["interpolator"] == "spline" else row
            ),
        ],
    )
    def test_one_violated_inequality_is_enough(self, change: Any) -> None:
        assert word("bound", change) == "false_as_stated"

    def test_errors_of_the_numbers_are_no_violation(self) -> None:
        assert word("bound", lambda row: {**row, "bound": row["sharpness"] + 1.5e-12}) == "consistent"

    @pytest.mark.parametrize(
        "broken",
        [{"distinct": False}, {"interpolation_error": 1e-6}, {"knots_on_data": 3}, {"outcome": "failed"}],
    )
    def test_rows_that_miss_a_premise_do_not_count(self, broken: dict[str, Any]) -> None:
        def change(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "bound": 2.0 * row["sharpness"], **broken}

        assert word("bound", change) == "premise_not_met"
        assert word("stability", change) == "premise_not_met"
        assert word("scaling", change) == "undecided"
        assert word("tightness", change) == "premise_not_met"

    def test_nothing_finished(self) -> None:
        table = Table.from_records([{"truth": "line", "design": "jittered", "outcome": "failed"}])
        found = rule.judge(Result(NAME, {"cases": ("line jittered",), "n": 8, "noise": 1.0}, table))
        assert {verdict.word for verdict in found.values()} == {"premise_not_met", "undecided"}

    @pytest.mark.parametrize(
        ("n_power", "noise_power", "expected"),
        [
            (0.5, 0.0, "consistent"),
            (-0.3, 0.0, "not_reproduced"),
            (0.0, 0.3, "consistent"),
            (0.0, -0.3, "not_reproduced"),
        ],
    )
    def test_scaling(self, n_power: float, noise_power: float, expected: str) -> None:
        assert word("scaling", lambda row: excess(row, n_power, noise_power)) == expected

    def test_the_slope_of_an_interpolator_decides_nothing(self) -> None:
        def slower(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "sharpness": 1 + 100 * (row["sharpness"] - 1) * row["n"] ** -0.4}

        assert word("scaling", slower) == "consistent"

    def test_scaling_needs_seeds_values_and_range(self) -> None:
        assert word("scaling", seeds=2) == "undecided"
        assert word("scaling", lambda row: {**row, "n": min(row["n"], 16)}) == "undecided"
        assert word("scaling", lambda row: {**row, "n": 14 + row["n"] // 8}) == "undecided"

    @pytest.mark.parametrize(("lost", "expected"), [(0, "reproduced"), (1, "partly"), (3, "not_reproduced")])
    @pytest.mark.parametrize("end", ["end_below", "end_above"])
    def test_stability(self, lost: int, expected: str, end: str) -> None:
        assert (
            word("stability", lambda row: {**row, end: "stayed"} if row["seed"] < lost else row) == expected
        )

    @pytest.mark.parametrize("part", ["stability", "kinks"])
    def test_a_start_that_diverged_has_left_and_spoils_no_number(self, part: str) -> None:
        far = dict.fromkeys(["factor_above", "distance_above", "loss_above", "edge_ratio_above"])
        verdict = rule.judge(synthetic(lambda row: {**row, **far} if row["seed"] == 0 else row))[part]
        assert verdict.word == "reproduced"
        assert not any(number != number for number in verdict.numbers.values())
        assert "nan" not in verdict.sentence
        assert verdict.numbers["above 2/λ: final loss, median"] == 1e-3
        assert verdict.numbers["above 2/λ: largest difference"] == pytest.approx(0.0, abs=1e-12)

    def test_kinks(self) -> None:
        assert word("kinks", lambda row: {**row, "end_below": "stayed"}) == "partly"
        assert word("kinks", lambda row: {**row, "end_below": "stayed", "end_above": "mixed"}) == (
            "not_reproduced"
        )
        assert word("kinks", lambda row: {**row, "interpolation_error": 1.0}) == "premise_not_met"

    def test_tightness(self) -> None:
        def loose(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "bound": 1 + (row["bound"] - 1) / 3}

        def loosening(row: dict[str, Any]) -> dict[str, Any]:
            return {**row, "bound": 1 + (row["bound"] - 1) * (row["n"] / 8) ** -0.2}

        assert word("tightness", loose) == "partly"
        assert word("tightness", loosening) == "partly"
        assert word("tightness", lambda row: loose(loosening(row))) == "not_reproduced"
        assert word("tightness", seeds=2) == "undecided"


class TestRun:
    def test_every_run_has_its_row(self, result: Result) -> None:
        table = result.table
        assert len(table) == 5 * 3 * 3  # (3 sizes + 2 noises) × seeds × interpolators
        assert set(table["outcome"]) == {"finished"}
        assert (table["distinct"] == 1).all()
        assert (table["interpolation_rounding"] <= 1e4).all()
        assert ((table["knots_on_data"] > 0) == (table["interpolator"] == "dots")).all()
        assert (np.isfinite(table["least"]) == (table["interpolator"] == "flattest")).all()
        off = table["interpolator"] != "dots"
        assert (table["knot_distance"][off] > 0.009).all()

    def test_the_premises_are_columns(self, result: Result) -> None:
        found = {p.column: p for p in ledger.premises(experiments.get(NAME).premises, result.table)}
        assert {p.measured for p in found.values()} == {len(result.table)}
        assert found["distinct"].found == "yes in 45 of 45"
        assert found["knots_on_data"].found == "0 to 18, median 0"  # all but the first and last of 20

    def test_the_bound_is_linear_in_the_noise_where_the_truth_is_a_line(self, result: Result) -> None:
        slope, _ = rule.scalings(result.table, result.settings)["bound on σ"]
        assert slope.low == pytest.approx(1.0, abs=1e-6)
        assert slope.high == pytest.approx(1.0, abs=1e-6)

    def test_verdicts(self, result: Result) -> None:
        words = {part: verdict.word for part, verdict in experiments.get(NAME).judge(result).items()}
        assert words["bound"] == "consistent"
        assert words["stability"] == "reproduced"
        assert words["kinks"] == "partly"

    def test_workers_change_no_bit(self) -> None:
        few = {"sizes": "6", "noises": "0.5", "n": "6", "seeds": "1", "steps": "100"}
        one, two = tiny(1, **few), tiny(2, **few)
        assert repr(one.table.records()) == repr(two.table.records())
        assert all(np.array_equal(one.arrays[key], two.arrays[key]) for key in one.arrays)

    @pytest.mark.usefixtures("nothing_computes")
    def test_figures_read_the_result_and_compute_nothing(self, result: Result) -> None:
        figures = experiments.get(NAME).figures(result)
        assert set(figures) == {"sharpness", "stability", "curves"}
        for figure in figures.values():
            assert len(style.svg(figure)) < 500_000
            assert all(ax.get_xlabel() for ax in figure.axes)

    def test_one_interpolator_alone(self) -> None:
        result = tiny(interpolators="dots", sizes="5", noises="1", seeds="1")
        words = {part: verdict.word for part, verdict in experiments.get(NAME).judge(result).items()}
        assert words["bound"] == words["tightness"] == "premise_not_met"
        for figure in experiments.get(NAME).figures(result).values():
            assert style.svg(figure)

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"seeds": "0"}, "seeds must be at least 1, got 0"),
            ({"sizes": "3,8"}, "sizes must be at least 4, got 3"),
            ({"steps": "5"}, "steps must be at least 10, got 5"),
            ({"interpolators": "splin"}, "unknown interpolator 'splin'; did you mean 'spline'"),
            ({"detuning": "2"}, "detuning must lie strictly between 0 and 2, got 2.0"),
            ({"cases": "line"}, "cases must be pairs of a truth and a design such as 'line jittered'"),
            ({"cases": "lin jittered"}, "unknown curve 'lin'"),
            ({"cases": "line jitterd"}, "design must be 'jittered', 'uniform' or 'equispaced'"),
            ({"noises": "-1"}, "noise must be finite and not negative, got -1.0"),
            ({"shift": "0.5"}, r"shift must lie in \[0, 0.5\), got 0.5"),
            ({"margin": "0"}, "margin must lie strictly between 0 and 0.5, got 0.0"),
            ({"offset": "0"}, "offset must be finite and positive, got 0.0"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        experiment = experiments.get(NAME)
        with pytest.raises(InputError, match=sentence):
            experiment.specs(resolve_settings(experiment, {**TINY, **overrides}))
