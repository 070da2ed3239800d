"""Logistic descent in three arms: specs, the rule on constructed tables whose answer is known, a tiny run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.common.arms import ARMS
from stepscape.experiments.common.experiment import Result, resolve_settings
from stepscape.experiments.logistic.boundary_share import with_shares
from stepscape.experiments.logistic.cells_together import cells_of, on_seeds, without_result
from stepscape.experiments.logistic.grid import TOGETHER, intervals
from stepscape.experiments.logistic.logistic_arms import LogisticArm, begin_at, grid, work
from stepscape.experiments.logistic.logistic_arms_rule import (
    judge,
    misses,
    over_smaller,
    slopes,
    variation,
)
from stepscape.experiments.logistic.runs import problem_of
from stepscape.figures import style
from stepscape.tables import Table, Verdict

NAME = "logistic-arms"
TINY = {"n": "25", "width": "30", "steps": "200", "seeds": "3", "records": "3"}
PARTS = {
    "settles", "at_the_end", "at_equal_time", "stopped_early", "misses_complex_truths", "averaging",
    "where_the_risk_sits",
}  # fmt: skip


def ignore(_: float) -> None:
    """Progress that nobody watches."""


def tiny(**overrides: str) -> Result:
    experiment = experiments.get(NAME)
    settings = resolve_settings(experiment, {**TINY, **overrides})
    return experiments.run(experiment, settings, lambda *_: None)


ETAS = (0.01, 0.1, 0.4, 1.2)
FALLING, RISING, FLAT = (0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4), (0.2,) * 4
INSIDE = 0.55  # weight of the interior
MOMENTS = {"": "at_the_end", "_equal_time": "at_equal_time", "_held_out": "stopped_early"}


def rows(amplitude: float = 2.0, seeds: int = 10, **given: Any) -> list[dict[str, Any]]:
    """One row a seed and step size of one cell; seeds differ by a factor that pairing removes, and a little.

    Excess risks by region, at all moments unless the moment is given, too; over all inputs the mixture.
    """
    out: list[dict[str, Any]] = []
    plain = {"arm": "as_printed", "half_width": 1.0, "flip_rate": 0.0, "outcome": "finished", "ratio": 1.0}
    one = {**plain, "start": 0.7, "single": 1.2, "interior": FLAT, "boundary": FLAT, **given}
    rng = np.random.default_rng([11, int(10 * amplitude), int(10 * one["half_width"])])
    for seed in range(seeds):
        factor = rng.uniform(1.0, 2.0)
        for j, eta in enumerate(ETAS):
            noisy = factor * (1.0 + 0.01 * rng.standard_normal())
            row: dict[str, Any] = {
                **{name: one[name] for name in ("arm", "half_width", "flip_rate", "outcome")},
                "truth": "wave", "n": round(100 * one["half_width"]), "amplitude": amplitude, "seed": seed,
                "step_size": eta, "steps": 1000, "bent_neurons": one.get("bent", 9), "edge_reached": 1,
                "edge_ratio": _of(one["ratio"], seed), "initial_sharpness": _of(one["start"], seed) * 2 / eta,
            }  # fmt: skip
            for suffix in MOMENTS:
                inner, outer = (
                    _of(one.get(f"{name}{suffix}", one[name]), j) for name in ("interior", "boundary")
                )
                every = INSIDE * inner + (1.0 - INSIDE) * outer
                row |= {f"steps{suffix}": 1000 // (j + 1), f"optimized_interior{suffix}": j > 0}
                for region, value in (("", every), ("_interior", inner), ("_boundary", outer)):
                    row[f"excess_risk{region}{suffix}"] = value * noisy
                    if not suffix:
                        single = one["single"] * value * noisy
                        row[f"excess_risk{region}_last"] = 1.1 * single
                        row[f"excess_risk{region}_before"] = 0.9 * single
            row["steps"] = 1000
            out.append(row)
    return out


def _of(values: Any, j: int) -> float:
    return float(values[j] if isinstance(values, (tuple, list)) else values)


def judged(*parts: list[dict[str, Any]], arm: str = "as_printed") -> dict[str, Verdict]:
    table = Table.from_records([{**row, "arm": arm} for part in parts for row in part])
    verdicts = judge(Result(NAME, {"arms": (arm,)}, table))
    assert set(verdicts) == {f"{arm}_{part}" for part in PARTS}
    return {name.removeprefix(f"{arm}_"): verdict for name, verdict in verdicts.items()}


def by_amplitude(**given: list[Any]) -> list[list[dict[str, Any]]]:
    """Cells of three amplitudes, each with its own value of what is given."""
    return [
        rows(amplitude, **{name: values[i] for name, values in given.items()})
        for i, amplitude in enumerate((1.0, 2.0, 4.0))
    ]


class TestSpecs:
    def test_full_size(self) -> None:
        experiment = experiments.get(NAME)
        runs = list(experiment.specs(experiment.full))
        assert len(runs) == 3 * 2 * 3 * 10 * 8
        assert {(run.half_width, run.n) for run in runs} == {(1.0, 100), (3.0, 300)}  # type: ignore[attr-defined]
        assert {run.seed for run in runs} == set(range(20, 30))  # type: ignore[attr-defined]
        assert sum(run.drawn for run in runs) == len(runs) / 10  # type: ignore[attr-defined]

    def test_a_seed_starts_at_one_network_whatever_its_step_size(self) -> None:
        settings = {**experiments.get(NAME).quick, "width": 30, "seeds": 1}
        for arm in ARMS:
            starts = [begin_at(run, problem_of(run)).network for run in grid(settings) if run.arm == arm]
            assert all(np.array_equal(starts[0].parameters, other.parameters) for other in starts)

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
            ({"steps": "0"}, "steps must be at least 1, got 0"),
            ({"seeds": "0"}, "seeds must be at least 1, got 0"),
            ({"records": "0"}, "records must be at least 1, got 0"),
            ({"width": "0"}, "width must be at least 1, got 0"),
            ({"n": "1"}, "n must be at least 2, got 1"),
            ({"half_widths": "1,-3"}, "half_width must be finite and positive, got -3.0"),
            ({"flip_rates": "0.1,0.5"}, r"flip_rate must lie in \[0, 0.5\), got 0.5"),
            ({"arms": "as_prnted"}, "unknown arm 'as_prnted'; did you mean 'as_printed'"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            tiny(**overrides)


class TestHelp:
    @pytest.mark.parametrize("suffix", list(MOMENTS))
    def test_moments_apart(self, suffix: str) -> None:
        there: dict[str, Any] = {f"interior{suffix}": FALLING, f"boundary{suffix}": FALLING}
        verdicts = judged(rows(**there, **({} if suffix else _elsewhere(RISING))))
        words = {part: verdicts[part].word for part in MOMENTS.values()}
        assert words.pop(MOMENTS[suffix]) == "reproduced"
        assert set(words.values()) == {"not_reproduced"}

    def test_one_region_is_half_of_it(self) -> None:
        verdict = judged(rows(interior=FALLING, boundary=(0.2, 0.3, 0.4, 0.6)))["at_the_end"]
        assert verdict.word == "partly"
        assert "interior: yes; everywhere: no, the opposite" in verdict.sentence

    def test_all_cells_together_decide_and_one_opposite_spoils_it(self) -> None:
        same = [FALLING] * 3
        assert judged(*by_amplitude(interior=same, boundary=same))["at_the_end"].word == "reproduced"
        mixed = [FALLING, FALLING, (0.2, 0.2, 0.2, 0.25)]
        assert judged(*by_amplitude(interior=mixed, boundary=mixed))["at_the_end"].word == "partly"

    def test_one_cell_among_several_does_not_count(self) -> None:
        """Its advantage is what another loses; the wording of cells stays."""
        mixed = [FALLING, FLAT, RISING]
        verdict = judged(*by_amplitude(interior=mixed, boundary=mixed))["at_the_end"]
        assert verdict.word == "not_reproduced"
        assert (
            "yes in 1 of 3 (half width 1, amplitude 1, flips 0), the opposite in 1 of 3" in verdict.sentence
        )

    @pytest.mark.parametrize(("seeds", "word"), [(10, "not_reproduced"), (9, "undecided"), (2, "undecided")])
    def test_nothing_found(self, seeds: int, word: str) -> None:
        assert judged(rows(seeds=seeds, interior=RISING, boundary=RISING))["at_the_end"].word == word

    def test_seeds_count_when_they_have_every_cell(self) -> None:
        cells = by_amplitude(interior=[RISING] * 3)
        cells[1] = [row for row in cells[1] if row["seed"] != 4 or row["step_size"] != 1.2]
        verdict = judged(*cells)["at_the_end"]
        assert (verdict.word, verdict.numbers["seeds that have every cell"]) == ("undecided", 9.0)
        assert verdict.numbers["runs without a result"] == 1.0

    def test_the_question_with_the_fewest_seeds_counts(self) -> None:
        """An excess risk of 0 has no logarithm: nine seeds answer for the interior, ten for everywhere."""
        cell = rows(interior=RISING)
        for row in cell:
            if row["seed"] == 4 and row["step_size"] == 1.2:
                row["excess_risk_interior"] = 0.0
        assert judged(cell)["at_the_end"].word == "undecided"

    def test_only_the_narrowest_interval_is_asked(self) -> None:
        wide = rows(half_width=3.0, interior=RISING, boundary=RISING)
        verdicts = judged(rows(interior=FALLING, boundary=FALLING), wide)
        assert verdicts["at_the_end"].word == "reproduced"
        assert verdicts["at_the_end"].numbers["cells judged"] == "1 of 1"

    def test_how_long_they_were_trained_is_told(self) -> None:
        numbers = judged(rows())["stopped_early"].numbers
        assert numbers["steps made at the smallest, median"] == 1000.0
        assert numbers["steps made at the largest, median"] == 250.0
        assert numbers["share that is at its last step there, smallest"] == 1.0
        assert numbers["share that is at its last step there, largest"] == 0.0
        assert numbers["share that fits the interior as well as the truth, smallest"] == 0.0
        assert numbers["share that fits the interior as well as the truth, largest"] == 1.0

    @pytest.mark.parametrize("lost", [{"bent": 0}, {"outcome": "diverged"}])
    def test_nothing_learned(self, lost: dict[str, Any]) -> None:
        verdicts = judged(rows(**lost))
        assert {verdict.word for verdict in verdicts.values()} == {"premise_not_met"}
        assert "too few step sizes" in verdicts["at_the_end"].sentence


def _elsewhere(levels: Any) -> dict[str, Any]:
    return {f"{name}{suffix}": levels for suffix in MOMENTS if suffix for name in ("interior", "boundary")}


class TestPremises:
    @pytest.mark.parametrize(("outside", "word"), [(1, "reproduced"), (2, "premise_not_met")])
    def test_a_small_start_is_inside(self, outside: int, word: str) -> None:
        """A start on the threshold is not inside; one seed of ten may be out."""
        start = [1.0 if seed < outside else 0.999 for seed in range(10)]
        given: dict[str, Any] = {"interior": FALLING, "boundary": FALLING, "start": start}
        verdicts = judged(rows(**given), arm="small_init")
        assert verdicts["at_the_end"].word == word
        assert verdicts["settles"].word == "reproduced"
        assert verdicts["settles"].numbers["share that starts inside"] == 1.0 - outside / 10
        for arm in ("as_printed", "warm_up"):
            assert judged(rows(**given), arm=arm)["at_the_end"].word == "reproduced"

    @pytest.mark.parametrize(
        ("ratio", "word"),
        [(0.951, "reproduced"), (1.099, "reproduced"), (0.949, "not_reproduced"), (1.101, "not_reproduced")],
    )
    def test_settles_on_the_line(self, ratio: float, word: str) -> None:
        assert judged(rows(ratio=ratio))["settles"].word == word

    @pytest.mark.parametrize(
        ("on", "word"), [(9, "reproduced"), (8, "partly"), (5, "partly"), (4, "not_reproduced")]
    )
    def test_settles_in_most_runs(self, on: int, word: str) -> None:
        verdict = judged(rows(ratio=[1.0 if seed < on else 2.0 for seed in range(10)]))["settles"]
        assert (verdict.word, verdict.numbers["share that settles on it"]) == (word, on / 10)

    def test_nothing_was_recorded(self) -> None:
        kept = ("arm", "half_width", "amplitude", "flip_rate", "seed", "step_size")
        failed = [{**{name: row[name] for name in kept}, "outcome": "failed"} for row in rows()]
        verdicts = judged(failed, arm="small_init")
        assert {verdict.word for verdict in verdicts.values()} == {"premise_not_met"}


def grown(slope: float, shift: float, seeds: int = 10, weighted: bool = False) -> list[list[dict[str, Any]]]:
    """Six cells in which the largest step size is worse by 10^(shift + slope·log10 of the variation)."""
    out = []
    for width in (1.0, 3.0):
        for amplitude in (1.0, 2.0, 4.0):
            cell = rows(amplitude, 1, half_width=width)
            size = variation(Table.from_records(cell))[int(weighted)]
            factor = 10.0 ** (shift + slope * np.log10(size))
            held_out = (0.3, 0.25, 0.2, 0.2 * factor)
            out.append(rows(amplitude, seeds, half_width=width, interior_held_out=held_out))
    return out


class TestComplexTruths:
    PART = "misses_complex_truths"

    def test_variation_of_a_wave(self) -> None:
        """|f''| of A sin(2πx/w) has the integral 16πA/w; g of many inputs is nearly the uniform law's."""
        for amplitude, width in ((1.0, 1.0), (4.0, 3.0)):
            plain, _ = variation(Table.from_records(rows(amplitude, 1, half_width=width)))
            assert plain == pytest.approx(16.0 * np.pi * amplitude / width, rel=1e-5)
        row = {**rows(2.0, 1)[0], "n": 2000}
        x = np.linspace(-1.0, 1.0, 20_001)
        bends = 2.0 * (2.0 * np.pi) ** 2 * np.abs(np.sin(2.0 * np.pi * x))
        expected = np.mean(bends * ss.theory.population_weight(x)) * 2.0
        assert variation(Table.from_records([row]))[1] == pytest.approx(expected, rel=0.01)

    def test_flips_make_a_truth_vary_less(self) -> None:
        quiet, loud = (variation(Table.from_records(rows(4.0, 1, flip_rate=rate)))[0] for rate in (0.3, 0.0))
        assert quiet < 0.7 * loud

    def test_grows(self) -> None:
        verdict = judged(*grown(0.5, -0.5))[self.PART]
        assert verdict.word == "reproduced"
        mean = str(verdict.numbers["slope: the factor grows with ∫|f0″|"]).split()[0]
        assert float(mean) == pytest.approx(0.5, abs=0.02)
        assert verdict.numbers["half width 3, amplitude 4, flips 0: ∫|f0″|"] == pytest.approx(67.02, abs=0.01)

    def test_worse_everywhere_alike(self) -> None:
        verdict = judged(*grown(0.0, 0.2))[self.PART]
        assert verdict.word == "partly"
        assert "yes in all 6 cells, over all together yes; the factor grows with" in verdict.sentence

    def test_weighted_or_not(self) -> None:
        """A wider interval divides ∫|f0″| by its width and raises ∫|f0″|g: slopes may disagree."""
        found = misses(
            cells_of(Table.from_records([row for cell in grown(0.5, 0.0, weighted=True) for row in cell]))
        )
        plain, weighted = (
            np.mean(found[f"the factor grows with {name}"]["slope"]) for name in ("∫|f0″|", "∫|f0″|g")
        )
        assert weighted == pytest.approx(0.5, abs=0.02)
        assert plain < 0.25

    def test_no_worse(self) -> None:
        assert judged(*grown(0.0, -0.2))[self.PART].word == "not_reproduced"
        assert judged(*grown(0.0, -0.2, seeds=9))[self.PART].word == "undecided"

    def test_two_truths_have_no_slope(self) -> None:
        verdict = judged(*grown(0.0, 0.2)[:2])[self.PART]
        assert verdict.word == "reproduced"
        assert "grows" not in verdict.sentence
        flat = judged(*by_amplitude(interior_held_out=[(0.3, 0.3, 0.3, 0.4)] * 3), rows(0.0))[self.PART]
        assert "grows" not in flat.sentence  # a constant truth has no logarithm of its variation

    def test_the_best_smaller_step_size_is_chosen_on_the_other_seeds(self) -> None:
        values = [[1.0, 10.0, 100.0, 1000.0], [10.0, 1.0, 100.0, 1000.0], [10.0, 1.0, 100.0, 1000.0]]
        cell = [{**row, "excess": values[row["seed"]][ETAS.index(row["step_size"])]} for row in rows(seeds=3)]
        # Means of log10 over the others: seed 0 takes the second; 1 and 2 find a tie and take the first.
        assert over_smaller(Table.from_records(cell), "excess").tolist() == [2.0, 2.0, 2.0]
        least = [{**row, "excess": {0.4: 0.1, 1.2: 0.01}.get(row["step_size"], 1.0)} for row in cell]
        assert over_smaller(Table.from_records(least), "excess").tolist() == pytest.approx([-1.0] * 3)

    def test_slopes_seed_by_seed_and_a_seed_that_lacks_a_cell_has_none(self) -> None:
        sizes, factors = np.array([0.0, 1.0, 3.0]), np.array([[1.0, 0.0], [3.0, np.nan], [7.0, 5.0]])
        found = slopes(sizes, factors)
        assert found[0] == pytest.approx(2.0)
        assert np.isnan(found[1])


class TestPairing:
    @pytest.mark.parametrize("lost", [[(1.0, 4)], [(1.0, 0), (2.0, 9)], [(1.0, 0), (1.0, 3)]])
    def test_cells_are_paired_by_seed_where_runs_are_missing(self, lost: list[tuple[float, int]]) -> None:
        """The effect of a seed has one sign in one cell and the other in the other: their mean is 0.1."""
        effect = np.random.default_rng(1).standard_normal(10)
        kept = [row for a in (1.0, 2.0) for row in rows(a) if (a, row["seed"]) not in lost]

        def ask(part: Table) -> dict[str, np.ndarray]:
            sign = 1.0 if 1.0 in part["amplitude"] else -1.0
            return {"so": 0.1 + sign * effect[np.unique(part["seed"])]}

        values = on_seeds(cells_of(Table.from_records(kept)), ask)["so"]
        interval = intervals(values)[TOGETHER]
        assert (interval.low, interval.high) == pytest.approx((0.1, 0.1))
        assert interval.count == 10 - len({seed for _, seed in lost})

    def test_runs_that_are_not_there(self) -> None:
        table = rows() + [{**row, "outcome": "diverged"} for row in rows(4.0)]
        assert without_result(Table.from_records(table)) == 40.0
        assert without_result(Table.from_records(table[:-3])) == 40.0
        assert without_result(Table.from_records(table[3:])) == 43.0


class TestAveraging:
    @pytest.mark.parametrize(("single", "word"), [(2.1, "reproduced"), (1.9, "not_reproduced")])
    def test_half_of_it(self, single: float, word: str) -> None:
        verdict = judged(rows(single=single))["averaging"]
        assert verdict.word == word
        for region in ("interior", "everywhere", "boundary"):
            gone = verdict.numbers[f"share that is gone, {region}, median"]
            assert gone == pytest.approx(1.0 - 1.0 / single)

    def test_only_the_largest_step_size_counts_and_every_region(self) -> None:
        cell = rows(single=3.0)
        for row in cell:
            if row["step_size"] == 1.2:
                row["excess_risk_boundary_last"] = row["excess_risk_boundary_before"] = row[
                    "excess_risk_boundary"
                ]
            else:
                row["excess_risk_last"] = row["excess_risk_before"] = row["excess_risk"]
        verdict = judged(cell)["averaging"]
        assert verdict.word == "partly"
        assert "boundary: no, the opposite" in verdict.sentence
        assert "everywhere: yes" in verdict.sentence


class TestWhere:
    def test_share_by_hand(self) -> None:
        table = with_shares(Table.from_records(rows(interior=(0.1,) * 4, boundary=(0.4, 0.3, 0.2, 0.1))))
        expected = {0.01: 0.45 * 0.4 / (0.55 * 0.1 + 0.45 * 0.4), 0.4: 0.45 * 0.2 / (0.55 * 0.1 + 0.45 * 0.2)}
        for eta, share in expected.items():
            assert table.where(step_size=eta)["outside_share"] == pytest.approx(share)
        assert table.where(step_size=0.01)["outside_inputs"] == pytest.approx(1.0 - INSIDE)
        assert np.isnan(table.where(step_size=1.2)["outside_share"]).all()  # 0/0: both regions are equal

    @pytest.mark.parametrize(
        ("boundary", "word"), [((0.3, 0.4, 0.5, 0.6), "reproduced"), ((0.6, 0.5, 0.4, 0.3), "not_reproduced")]
    )
    def test_moves_outward(self, boundary: tuple[float, ...], word: str) -> None:
        verdict = judged(rows(boundary=boundary))["where_the_risk_sits"]
        assert verdict.word == word
        assert verdict.numbers["share of the inputs outside the interior, median"] == pytest.approx(
            1.0 - INSIDE
        )
        largest = 0.45 * boundary[-1] / (0.55 * 0.2 + 0.45 * boundary[-1])
        assert (
            verdict.numbers["share outside the interior at the largest step size"]
            == f"{largest:.3g} [{largest:.3g}, {largest:.3g}]"
        )


@pytest.fixture(scope="module")
def result() -> Result:
    return tiny()


class TestRuns:
    def test_every_arm_has_its_verdicts(self, result: Result) -> None:
        verdicts = experiments.get(NAME).judge(result)
        assert set(verdicts) == {f"{arm}_{part}" for arm in ARMS for part in PARTS}
        assert all(verdict.sentence for verdict in verdicts.values())
        for column in experiments.get(NAME).premises:
            assert column in result.table

    def test_a_small_start_is_inside_and_smaller_than_the_default(self, result: Result) -> None:
        table = result.table.where(step_size=1.2)
        start = table["initial_sharpness"] * table["step_size"] / 2.0
        assert (start[table["arm"] == "small_init"] < 1.0).all()
        assert (start[table["arm"] == "as_printed"] > start[table["arm"] == "small_init"]).all()

    def test_equal_time(self, result: Result) -> None:
        for arm in ("as_printed", "small_init"):
            some = result.table.where(arm=arm)
            assert some["time_equal_time"] == pytest.approx(0.01 * 200, rel=0.3)
        warm = result.table.where(arm="warm_up", step_size=0.01)
        assert np.array_equal(warm["steps_equal_time"], warm["steps"])

    @pytest.mark.usefixtures("nothing_computes")
    def test_figures_read_the_result_and_compute_nothing(self, result: Result) -> None:
        figures = experiments.get(NAME).figures(result)
        assert set(figures) >= {"help", "complex-truths", "where-the-risk-sits", "edge"}
        for figure in figures.values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    @pytest.mark.usefixtures("nothing_computes")
    def test_figures_show_the_intervals_of_the_rule(self) -> None:
        table = Table.from_records([row for cell in grown(0.5, -0.5) for row in cell])
        figures = experiments.get(NAME).figures(Result(NAME, {"arms": ("as_printed",)}, table))
        notes = [text.get_text() for ax in figures["complex-truths"].axes for text in ax.texts]
        assert len(notes) == 2
        numbers = judged(*grown(0.5, -0.5))["misses_complex_truths"].numbers
        assert notes[0] == f"slope {numbers['slope: the factor grows with ∫|f0″|']}"
        lines = [tick.get_text() for tick in figures["help"].axes[0].get_yticklabels()]
        assert lines == ["amplitude 1, flips 0", "amplitude 2, flips 0", "amplitude 4, flips 0", TOGETHER]

    def test_nothing_finished(self) -> None:
        lost = tiny(step_sizes="1e12,1e13,1e14", steps="50", arms="as_printed", seeds="2")
        assert set(lost.table["outcome"]) == {"diverged"}
        assert {verdict.word for verdict in judge(lost).values()} == {"premise_not_met"}
        for figure in experiments.get(NAME).figures(lost).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    def test_curves_of_arms_and_widths_do_not_meet(self) -> None:
        run = LogisticArm(
            truth="wave", n=20, half_width=3.0, amplitude=2.0, flip_rate=0.1, width=20, steps=20, records=2,
            arm="warm_up", seed=0, step_size=0.1, smallest_step_size=0.1, largest_step_size=0.1, drawn=True,
        )  # fmt: skip
        arrays = work(run, ignore).arrays
        assert "f|warm_up|3|2|0.1|0.1" in arrays
        assert "truth|warm_up|3|2|0.1" in arrays
