"""The rules of logistic-arms on rows that come out each way, and its starts."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import logistic_rows
from logistic_rows import FALLING, FLAT, RISING, Rows
from stepscape.errors import InputError
from stepscape.experiments.common.arms import ARMS
from stepscape.experiments.frame import Finding, Result, run
from stepscape.experiments.logistic.arm_runs import LogisticArm, begin, work
from stepscape.experiments.logistic.complex_truths import over_smaller, slopes
from stepscape.experiments.logistic.logistic_arms import CLAIM
from stepscape.tables import Table

ETAS = logistic_rows.ETAS
INSIDE = 0.55  # weight of the interior
WORSE = {"interior": RISING, "everywhere": RISING}
BETTER = {"interior": FALLING, "everywhere": FALLING}


def rows(amplitude: float = 2.0, arm: str = "as_printed", **given: Any) -> Rows:
    """Rows of one cell of an arm; `start` and `ratio` by seed, `single` times the mean's excess risk."""
    given = {"half_width": 1.0, "start": 0.7, "ratio": 1.0, "single": 1.2, "variation": (50.0, 5.0), **given}
    made = logistic_rows.rows((amplitude, 0.1), given.pop("seeds", 6), **{
        key: value for key, value in given.items() if key not in ("start", "ratio")
    })  # fmt: skip
    return [{**row, **_of_arm(row, arm, given)} for row in made]


def _of_arm(row: dict[str, Any], arm: str, given: dict[str, Any]) -> dict[str, Any]:
    plain, weighted = given["variation"]
    start = _at(given["start"], row["seed"]) * 2.0 / row["step_size"]
    regions = {f"excess_risk{region}{each}": given["single"] * row[f"excess_risk{region}"]
               for region in ("", "_interior", "_boundary") for each in ("_last", "_before")}  # fmt: skip
    return {
        "arm": arm, "half_width": given["half_width"], "initial_sharpness": start, **regions,
        "edge_ratio": _at(given["ratio"], row["seed"]), "interior_share": INSIDE,
        "truth_variation": plain, "truth_weighted_variation": weighted,
        **{f"steps{at}": 1000 for at in ("", "_equal_time", "_held_out")},
        **{f"optimized_interior{at}": row["step_size"] > 0.05 for at in ("", "_equal_time", "_held_out")},
    }  # fmt: skip


def _at(values: Any, seed: int) -> float:
    return float(values[seed] if isinstance(values, list) else values)


def result(*parts: Rows) -> Result:
    made = logistic_rows.result(CLAIM, *parts)
    arms = tuple(dict.fromkeys(row["arm"] for part in parts for row in part))
    return Result(CLAIM.name, {**CLAIM.quick, "arms": arms}, made.runs)


def words(*parts: Rows) -> dict[str, str]:
    return {name: each.word(CLAIM.kind) for name, each in CLAIM.judge(result(*parts)).items()}


def finding(part: str, *parts: Rows) -> Finding:
    return CLAIM.judge(result(*parts))[part].finding


class TestHelp:
    def test_each_way(self) -> None:
        for part in ("help_stopped_early", "help_in_the_end"):
            assert words(rows(**BETTER))[part] == "reproduced"
            assert words(rows(**WORSE))[part] == "not_reproduced"
            assert words(rows(**{**BETTER, "everywhere": RISING}))[part] == "partly"

    @pytest.mark.parametrize("suffix", ["", "_equal_time", "_held_out"])
    def test_each_moment_reads_its_own_columns(self, suffix: str) -> None:
        moments = {f"{region}{each}": FALLING if each == suffix else RISING
                   for region in WORSE for each in ("_equal_time", "_held_out")}  # fmt: skip
        found = words(rows(**moments, **(WORSE if suffix else BETTER)))
        expected = {"_held_out": ("reproduced", "not_reproduced")}.get(suffix, ("not_reproduced", "partly"))
        assert (found["help_stopped_early"], found["help_in_the_end"]) == expected

    def test_one_cell_of_the_opposite_spoils_it(self) -> None:
        worse = {"interior": (0.2, 0.2, 0.2, 0.25), "everywhere": (0.2, 0.2, 0.2, 0.25)}
        cells = [rows(1.0, **BETTER), rows(2.0, **BETTER), rows(4.0, **worse)]
        assert words(*cells[:2])["help_stopped_early"] == "reproduced"
        assert words(*cells)["help_stopped_early"] == "partly"

    def test_where_the_truth_is_uncertain_decides(self) -> None:
        """The claim speaks of that region; better elsewhere, and worse there, was called reproduced."""
        assert words(rows(**{**BETTER, "uncertain": RISING}))["help_stopped_early"] == "not_reproduced"
        worse = {"uncertain": FALLING, "interior": RISING, "everywhere": FALLING}
        assert words(rows(**worse))["help_stopped_early"] == "partly"

    def test_unfinished_runs_compare_with_nothing_in_the_end(self) -> None:
        found = CLAIM.judge(result(rows(**BETTER, moved=(0.2, 0.01, 0.01, 0.01))))
        assert found["help_stopped_early"].finding.answer == "yes"
        assert found["help_in_the_end"].finding.answer == "some"
        assert "most runs still move at 0.01" in found["help_in_the_end"].finding.sentence

    def test_only_the_narrowest_interval_is_asked(self) -> None:
        wide = rows(half_width=3.0, **WORSE)
        assert words(rows(**BETTER), wide)["help_stopped_early"] == "reproduced"

    def test_arms_have_words_of_their_own(self) -> None:
        parts = (rows(**BETTER), rows(arm="warm_up", **WORSE))
        judged = CLAIM.judge(result(*parts))["help_stopped_early"]
        found = {arm: judged.word(CLAIM.kind, arm) for arm in judged.rows}
        assert found == {"as_printed": "reproduced", "warm_up": "not_reproduced"}
        assert judged.finding.sentence == (
            "It is so for the default start; it is not so for the large start with warm-up."
        )

    def test_how_long_they_were_trained_is_in_the_table(self) -> None:
        assert CLAIM.numbers is not None
        table = CLAIM.numbers(result(rows()))
        assert len(table) == 2 * 3
        fits = table.where(moment="end of training")["share that fits the interior"]
        assert fits.tolist() == [0.0, 1.0]
        assert set(table["share at its last step"]) == {1.0}


class TestStarts:
    @pytest.mark.parametrize(("beyond", "word"), [(1, "reproduced"), (2, "premise_not_met")])
    def test_a_small_start_is_inside(self, beyond: int, word: str) -> None:
        """A start on the threshold is not inside; one seed of ten may be out."""
        start = [1.0 if seed < beyond else 0.999 for seed in range(10)]
        given: dict[str, Any] = {**BETTER, "start": start, "seeds": 10}
        found = words(rows(arm="small_init", **given))
        assert (found["help_stopped_early"], found["settles"]) == (word, "reproduced")
        assert words(rows(arm="warm_up", **given))["help_stopped_early"] == "reproduced"

    def test_a_seed_starts_at_one_network_whatever_its_step_size(self) -> None:
        settings = {**CLAIM.quick, "width": 30, "seeds": 1}
        for arm in ARMS:
            starts = [begin(each)[1].network for each in CLAIM.grid(settings) if each.arm == arm]
            assert all(np.array_equal(starts[0].parameters, other.parameters) for other in starts)

    def test_full_size(self) -> None:
        runs = list(CLAIM.grid(CLAIM.full))
        assert len(runs) == 3 * 2 * 3 * 20 * 4
        assert {(each.half_width, each.n) for each in runs} == {(1.0, 100), (3.0, 300)}
        assert {each.seed for each in runs} == set(range(100, 120))
        assert sum(each.drawn for each in runs) == len(runs) / 20

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
            ({"half_widths": "1,-3"}, "half_width must be finite and positive, got -3.0"),
            ({"flip_rates": "0.1,0.5"}, r"flip_rate must lie in \[0, 0.5\), got 0.5"),
            ({"arms": "as_prnted"}, "unknown arm 'as_prnted'; did you mean 'as_printed'"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            CLAIM.specs(CLAIM.settings(overrides))


class TestSettles:
    @pytest.mark.parametrize(
        ("ratio", "word"),
        [(0.951, "reproduced"), (1.099, "reproduced"), (0.949, "not_reproduced"), (1.101, "not_reproduced")],
    )
    def test_on_the_line(self, ratio: float, word: str) -> None:
        assert words(rows(ratio=ratio))["settles"] == word

    @pytest.mark.parametrize(("on", "word"), [(18, "reproduced"), (17, "partly"), (5, "not_reproduced")])
    def test_in_most_runs(self, on: int, word: str) -> None:
        ratio = [1.0 if seed < on else 2.0 for seed in range(20)]
        assert words(rows(ratio=ratio, seeds=20))["settles"] == word


def grown(slope: float, shift: float, weighted: bool = False) -> list[Rows]:
    """Six cells in which the largest step size is worse by 10^(shift + slope·log10 of a variation)."""
    sizes = {(width, amplitude): (50.0 * amplitude / width, 5.0 * amplitude * width**0.5)
             for width in (1.0, 3.0) for amplitude in (1.0, 2.0, 4.0)}  # fmt: skip
    out = []
    for (width, amplitude), both in sizes.items():
        held_out = (0.3, 0.25, 0.2, 0.2 * 10.0 ** (shift + slope * np.log10(both[int(weighted)])))
        out.append(rows(amplitude, half_width=width, variation=both, interior_held_out=held_out))
    return out


class TestComplexTruths:
    def test_each_way(self) -> None:
        assert words(*grown(0.5, -0.5))["complex_truths"] == "reproduced"
        assert words(*grown(0.0, 0.2))["complex_truths"] == "partly"
        assert words(*grown(0.0, -0.2))["complex_truths"] == "not_reproduced"

    def test_every_cell_must_show_it(self) -> None:
        """The mean over the cells is far above 0, but two of the six show nothing."""
        cells = grown(0.5, -0.5)
        flat = [rows(amplitude, half_width=1.0, variation=(50.0 * amplitude, 5.0 * amplitude), interior=FLAT)
                for amplitude in (1.0, 2.0)]  # fmt: skip
        found = finding("complex_truths", *flat, *cells[2:])
        assert found.answer == "mixed"
        assert "cells" in found.sentence

    def test_the_slope_is_seed_by_seed_on_either_variation(self) -> None:
        """A wider interval lessens one variation and raises the other: slopes may disagree."""
        sentence = finding("complex_truths", *grown(0.5, 0.0, weighted=True)).sentence
        found = dict(re.findall(r"grows? with ∫\|f0″\|(g?): (\S+)", sentence))
        found = {name: float(value) for name, value in found.items()}
        assert found["g"] == pytest.approx(0.5, abs=0.03)
        assert found[""] < 0.3

    def test_two_truths_have_no_slope(self) -> None:
        found = finding("complex_truths", *grown(0.0, 0.2)[:2])
        assert (found.answer, "grow" in found.sentence) == ("yes", False)
        flat = finding("complex_truths", *grown(0.0, 0.2)[:2], rows(0.0, variation=(0.0, 0.0)))
        assert "grow" not in flat.sentence  # a constant truth has no logarithm of its variation

    def test_the_best_smaller_step_size_is_chosen_on_the_other_seeds(self) -> None:
        values = [[1.0, 10.0, 100.0, 1000.0], [10.0, 1.0, 100.0, 1000.0], [10.0, 1.0, 100.0, 1000.0]]
        cell = [{**row, "excess": values[row["seed"]][ETAS.index(row["step_size"])]} for row in rows(seeds=3)]
        # Seed 0 chooses the first for the others.
        expected = [np.nan, 2.0, 2.0]
        assert over_smaller(Table.from_records(cell), "excess").tolist() == pytest.approx(
            expected, nan_ok=True
        )
        least = [{**row, "excess": {0.4: 0.1, 1.2: 0.01}.get(row["step_size"], 1.0)} for row in cell]
        assert over_smaller(Table.from_records(least), "excess")[1:].tolist() == pytest.approx([-1.0] * 2)

    def test_a_seed_that_lacks_a_cell_has_no_slope(self) -> None:
        sizes, factors = np.array([0.0, 1.0, 3.0]), np.array([[1.0, 0.0], [3.0, np.nan], [7.0, 5.0]])
        found = slopes(sizes, factors)
        assert found[0] == pytest.approx(2.0)
        assert np.isnan(found[1])


class TestMidpointAndBoundary:
    @pytest.mark.parametrize(("single", "word"), [(2.3, "reproduced"), (1.9, "not_reproduced")])
    def test_half_of_it(self, single: float, word: str) -> None:
        assert words(rows(single=single))["midpoint"] == word
        effect = finding("midpoint", rows(single=single)).effect
        assert effect is not None
        assert effect.interval.mean == pytest.approx(np.log10(single / 2.0), abs=1e-6)

    def test_only_the_largest_step_size_counts_and_every_region(self) -> None:
        cell = rows(single=3.0)
        for row in cell:
            region = "_boundary" if row["step_size"] == 1.2 else ""
            row |= {
                f"excess_risk{region}{each}": row[f"excess_risk{region}"] for each in ("_last", "_before")
            }
        assert words(cell)["midpoint"] == "partly"

    @pytest.mark.parametrize(
        ("boundary", "word"), [((0.2, 0.3, 0.4, 0.8), "reproduced"), ((0.8, 0.5, 0.4, 0.2), "not_reproduced")]
    )
    def test_moves_outward(self, boundary: tuple[float, ...], word: str) -> None:
        every = tuple(INSIDE * 0.2 + (1.0 - INSIDE) * each for each in boundary)
        made = rows(interior=FLAT, boundary=boundary, everywhere=every)
        assert words(made)["where_the_risk_sits"] == word
        numbers = finding("where_the_risk_sits", made).numbers
        assert numbers["share of the inputs outside, median"] == pytest.approx(1.0 - INSIDE)
        largest = 0.45 * boundary[-1] / every[-1]
        assert float(str(numbers["share at the largest step size"]).split()[0]) == pytest.approx(
            largest, 0.01
        )


@pytest.fixture(scope="module")
def tiny() -> Result:
    few = {"n": "25", "width": "30", "steps": "200", "records": "3"}
    return run(CLAIM, CLAIM.settings(few), workers=1)


class TestRuns:
    def test_a_small_start_is_inside_and_smaller_than_the_default(self, tiny: Result) -> None:
        table = tiny.table.where(step_size=1.2)
        start = table["initial_sharpness"] * table["step_size"] / 2.0
        assert (start[table["arm"] == "small_init"] < 1.0).all()
        assert (start[table["arm"] == "as_printed"] > start[table["arm"] == "small_init"]).all()

    def test_equal_time(self, tiny: Result) -> None:
        for arm in ("as_printed", "small_init"):
            some = tiny.table.where(arm=arm)
            assert some["time_equal_time"] == pytest.approx(0.01 * 200, rel=0.3)
        warm = tiny.table.where(arm="warm_up", step_size=0.01)
        assert np.array_equal(warm["steps_equal_time"], warm["steps"])

    def test_a_drawn_run_has_its_curves(self) -> None:
        made = LogisticArm(
            truth="wave", n=20, half_width=3.0, amplitude=2.0, flip_rate=0.1, width=20, steps=20, records=2,
            arm="warm_up", seed=0, step_size=0.1, smallest_step_size=0.1, largest_step_size=0.1, drawn=True,
        )  # fmt: skip
        assert {"f", "truth", "grid", "steps"} <= set(work(made, lambda _: None).arrays)

    def test_figures_show_the_intervals_of_the_rule(self) -> None:
        found = result(*grown(0.5, -0.5))
        drawn = CLAIM.draw(found)
        effect = finding("complex_truths", *grown(0.5, -0.5)).sentence
        titles = [ax.get_title(loc="left") for ax in drawn["complex-truths-all"].figure.axes]
        slopes_shown = [title.partition("slope ")[2] for title in titles]
        assert len(slopes_shown) == 2
        assert all(slope and slope in effect for slope in slopes_shown)

    def test_the_title_of_a_figure_counts_from_its_table(self) -> None:
        parts = [rows(arm=arm, **each) for arm, each in (("as_printed", BETTER), ("warm_up", WORSE))]
        title = CLAIM.draw(result(*parts))["help"].caption
        factors = "by ×0.25 (default) and ×4.0 (warm-up)"
        assert title.startswith(
            f"Stopped early, η = 1.2 changes the excess risk over all inputs {factors}, in "
        )
        assert f"in the interior {factors}." in title
        edge = CLAIM.draw(result(*[rows(ratio=[1.0] * 3 + [2.0] * 3)]))["edge"].caption
        assert edge.startswith("At the largest step size 50 % (default) of the runs end on 2/η")
