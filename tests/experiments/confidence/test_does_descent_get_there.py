"""The rule of `does-descent-get-there` on rows that come out each way, its runs and its figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.arrival import (
    ARRIVED,
    COVERED,
    FATES,
    UNFINISHED,
    best_constant,
    fate,
    standings,
)
from stepscape.experiments.confidence.arrival_runs import risk_bound
from stepscape.experiments.confidence.does_descent_get_there import CLAIM, paired
from stepscape.experiments.confidence.matched import matched_effect
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.logistic.runs import problem_of, start_of
from stepscape.figures import output
from stepscape.measures import tightest_worst_case
from stepscape.training import Snapshot

STARTS = (("torch", 0.1), ("torch", 1.0), ("torch", 4.0), ("mean_field", 1.0))
ETAS = (0.01, 0.1, 1.0, 4.0)


class Place(NamedTuple):
    init: str
    scale: float
    eta: float
    seed: int


Fate = Callable[[Place], str]


def ignore(_: float) -> None:
    """Progress that nobody watches."""


def rows(fates: Fate, seeds: int = 20, **columns: Any) -> list[dict[str, Any]]:
    """One row per start, step size and seed, with its fate and an excess risk that depends on the fate."""
    out = []
    for init, scale in STARTS:
        for eta in ETAS:
            for seed in range(seeds):
                word = fates(Place(init, scale, eta, seed))
                row = {"init": init, "scale": scale, "step_size": eta, "seed": seed,
                       "fate": "underfits" if word == UNFINISHED else word}  # fmt: skip
                row["outcome"] = "diverged" if word == "diverged" else "finished"
                if word != "diverged":
                    row |= {"bent_neurons": 0 if word == "dead" else 90, "edge_ratio": 0.9,
                            "edge_moved": 0.2 if word == UNFINISHED else 0.01, "loss_fell": 0.001,
                            "reached_at_step": 100.0 if word == COVERED else None,
                            "excess_risk_interior": (0.02 if word == COVERED else 0.06) + 0.001 * seed,
                            "excess_constant_interior": 0.1, "worst_case": 0.5, "worst_case_left": 0.02,
                            "worst_case_ratio": 5.0}  # fmt: skip
                    row |= {name: value(word) for name, value in columns.items()}
                out.append(row)
    return out


def result_of(some: list[dict[str, Any]]) -> Result:
    return Result(CLAIM.name, {}, tuple(Run(row) for row in some))


def finding(part: str, fates: Fate, seeds: int = 20, **columns: Any) -> Finding:
    return CLAIM.judge(result_of(rows(fates, seeds, **columns)))[part].finding


def answer(part: str, fates: Fate, seeds: int = 20, **columns: Any) -> str:
    return finding(part, fates, seeds, **columns).answer


def share(wanted: int, of: int = 10) -> Fate:
    """The same share of every seed: that many of each ten runs, counted through the grid."""
    return lambda run: COVERED if (_place(run) + run.seed) % of < wanted else "underfits"


def _place(run: Place) -> int:
    return 4 * STARTS.index((run.init, run.scale)) + ETAS.index(run.eta)


class TestReached:
    @pytest.mark.parametrize(
        ("fates", "expected"),
        [(share(10), "yes"), (share(8), "mixed"), (share(1, 2), "undecided"), (share(2), "no")],
    )
    def test_share(self, fates: Fate, expected: str) -> None:
        assert answer("reached", fates) == expected

    def test_kinds_of_starts_are_judged_apart(self) -> None:
        judged = CLAIM.judge(result_of(rows(lambda run: COVERED if run.init == "torch" else "underfits")))
        found = judged["reached"]
        assert [found.word(CLAIM.kind, row) for row in ("torch", "mean_field")] == ["yes", "no"]
        assert found.rows["torch"].sentence.startswith(
            "All 4 step sizes have nearly all of their arrived runs covered by the theorem; 60 of 60 at"
        )
        assert found.rows["mean_field"].numbers["runs that end underfits"] == 80

    def test_runs_of_a_seed_are_not_independent(self) -> None:
        """All runs of two seeds in three, and none of the others, are not 80 runs."""
        assert answer("reached", lambda run: COVERED if run.seed % 3 else "dead", seeds=6) == "undecided"
        mixed = CLAIM.judge(result_of(rows(lambda run: COVERED if run.seed % 5 else "dead", seeds=40)))
        assert mixed["reached"].rows["torch"].answer == "mixed"

    @pytest.mark.parametrize("least", [0.1, 1.0, 4.0])
    def test_step_sizes_are_judged_apart(self, least: float) -> None:
        """Pooled over the grid, the answer was the share of its step sizes: yes, no or neither."""
        found = finding("reached", lambda run: COVERED if run.eta >= least else "underfits")
        assert found.answer == "mixed"

    def test_five_runs_that_arrived_are_not_the_grid(self) -> None:
        """All of them are covered, but at no step size have most runs arrived."""
        some = rows(lambda run: COVERED if run.eta == 4.0 and run.seed < 5 else UNFINISHED)
        judged = CLAIM.judge(result_of(some))["reached"]
        assert judged.finding.answer == "premise_not_met"
        assert (
            judged.rows["torch"].sentence == "Most runs still move at the step sizes 4 values from 0.01 to 4."
        )

    def test_a_run_that_still_moves_counts_for_nothing(self) -> None:
        """Half of the runs are unfinished, the others covered; a move of the loss alone is enough."""
        found = finding("reached", lambda run: COVERED if run.eta < 0.5 or run.seed < 11 else UNFINISHED)
        assert found.answer == "yes"
        found = finding("reached", lambda run: COVERED if run.eta < 0.5 else UNFINISHED)
        assert found.answer == "some"
        numbers = CLAIM.judge(result_of(rows(lambda run: COVERED if run.eta < 0.5 else UNFINISHED)))
        assert numbers["reached"].rows["torch"].numbers["runs that end unfinished"] == 120
        moving = finding("reached", share(10), loss_fell=lambda _: 0.0051)
        assert moving.answer == "premise_not_met"
        assert answer("reached", share(10), loss_fell=lambda _: 0.005, edge_moved=lambda _: 0.1) == "yes"

    def test_what_is_close_is_counted(self) -> None:
        near = rows(lambda _: "underfits", edge_ratio=lambda _: 0.81)
        numbers = CLAIM.judge(result_of(near))["reached"].rows["torch"].numbers
        assert numbers["runs that underfit above 0.8 of the edge"] == 240
        low = rows(lambda _: "underfits", edge_ratio=lambda _: 0.79)
        numbers = CLAIM.judge(result_of(low))["reached"].rows["torch"].numbers
        assert numbers["runs that underfit above 0.8 of the edge"] == 0


class TestCertificate:
    @pytest.mark.parametrize(
        ("bound", "ratio", "expected"),
        [(0.5, 5.0, "vacuous"), (0.05, 0.5, "yes"), (0.019, 0.5, "no"), (0.019, 5.0, "no")],
    )
    def test_it_is_vacuous_unless_it_beats_a_constant(
        self, bound: float, ratio: float, expected: str
    ) -> None:
        columns = {"worst_case": lambda _: bound, "worst_case_ratio": lambda _: ratio}
        assert answer("certificate", share(5), **columns) == expected

    @pytest.mark.parametrize(("speak", "expected"), [(161, "yes"), (160, "vacuous")])
    def test_most_runs_must_be_below(self, speak: int, expected: str) -> None:
        """160 of the 320 runs are half of them."""
        some = rows(share(10))
        for row in some[:speak]:
            row["worst_case_ratio"] = 0.99
        found = CLAIM.judge(result_of(some))["certificate"].finding
        assert found.answer == expected
        assert found.numbers["runs whose bound lies below the risk of the best constant"] == speak

    def test_no_covered_run(self) -> None:
        assert answer("certificate", lambda _: "underfits") == "premise_not_met"


class TestDifferences:
    @pytest.mark.parametrize(
        ("certain", "expected"),
        [((("torch", 0.1), ("torch", 1.0)), "yes"), ((("torch", 4.0),), "mixed"),
         ((("mean_field", 1.0),), "mixed"), ((), "no"), (STARTS, "no")],
    )  # fmt: skip
    def test_initialization(self, certain: tuple[Any, ...], expected: str) -> None:
        assert (
            answer("depends_on_initialization", lambda run: COVERED if run[:2] in certain else "dead")
            == expected
        )

    @pytest.mark.parametrize(
        ("certain", "expected"),
        [((0.01,), "yes"), ((4.0, 1.0), "yes"), ((0.1, 1.0), "no"), ((), "no"), (ETAS, "no")],
    )
    def test_step_size(self, certain: tuple[float, ...], expected: str) -> None:
        assert (
            answer("depends_on_step_size", lambda run: COVERED if run.eta in certain else "dead") == expected
        )

    def test_ends_without_a_trend_are_not_enough(self) -> None:
        """One start more is covered at η = 4 than at 0.01, but the rank correlation is 0."""
        covered = {0.01: 2, 0.1: 4, 1.0: 0, 4.0: 3}  # of the four starts
        found = finding(
            "depends_on_step_size",
            lambda run: COVERED if STARTS.index((run.init, run.scale)) < covered[run.eta] else "dead",
        )
        assert found.answer == "mixed"
        assert found.effect is not None
        assert found.effect.interval.mean == 0.25

    @pytest.mark.parametrize("part", ["depends_on_initialization", "depends_on_step_size"])
    def test_seeds_are_paired_where_runs_failed(self, part: str) -> None:
        """What is compared is covered in the same seeds, so that no pair differs, whichever are lost."""
        some = rows(lambda run: COVERED if run.seed % 2 else "dead")
        one, other = (0.1, 4.0) if part == "depends_on_initialization" else (0.01, 4.0)
        column = "scale" if part == "depends_on_initialization" else "step_size"
        lost = [row for row in some if (row[column], row["seed"]) not in ((one, 0), (other, 9))]
        found = CLAIM.judge(result_of(lost))[part].finding
        assert found.effect is not None
        assert (found.effect.interval.low, found.effect.interval.high) == (0.0, 0.0)
        assert found.effect.interval.count == 18

    def test_unfinished_runs_are_not_compared(self) -> None:
        """At η = 4 all runs are covered, but those of one start still move: its pairs are left out."""
        table = result_of(
            rows(lambda run: UNFINISHED if run.eta == 4.0 and run.init == "torch" else COVERED)
        ).table
        one, other = (table.where(step_size=eta) for eta in (4.0, 0.01))
        assert paired(one, other, ("init", "scale"), **ARRIVED).tolist() == [0.0] * 20
        moving = table.rows(table["init"] == "torch")
        one, other = (moving.where(step_size=eta) for eta in (4.0, 0.01))
        assert np.isnan(paired(one, other, ("init", "scale"), **ARRIVED)).all()

    def test_two_pairs_decide_nothing(self) -> None:
        some = rows(lambda run: COVERED if run.eta < 1.0 else "dead")
        few = [row for row in some if row["seed"] < 2]
        assert CLAIM.judge(result_of(few))["depends_on_step_size"].finding.answer == "undecided"

    def test_nothing_to_compare(self) -> None:
        one = [row for row in rows(share(5)) if row["scale"] == 0.1 and row["step_size"] == 0.01]
        for part in ("depends_on_initialization", "depends_on_step_size"):
            assert CLAIM.judge(result_of(one))[part].finding.answer == "premise_not_met"


class TestWhatWasFound:
    @pytest.mark.parametrize(
        ("covered", "others", "expected"),
        [(0.02, 0.06, "yes"), (0.06, 0.02, "mixed"), (0.2, 0.3, "mixed"), (0.3, 0.2, "no")],
    )
    def test_generalizes(self, covered: float, others: float, expected: str) -> None:
        risks = {COVERED: covered, "underfits": others}
        assert answer("generalizes", share(5), excess_risk_interior=risks.get) == expected

    def test_cells_that_differ_are_not_compared(self) -> None:
        """Covered runs stand in cells of less risk; within a cell there is no difference."""
        some = rows(lambda run: COVERED if (run.eta < 0.5) != (run.seed % 5 == 0) else "underfits")
        for row in some:
            row["excess_risk_interior"] = 0.02 if row["step_size"] < 0.5 else 0.08
        found = CLAIM.judge(result_of(some))["generalizes"].finding
        assert found.effect is not None
        assert found.effect.interval.mean == pytest.approx(0.0, abs=1e-9)
        assert found.answer == "mixed"  # no to the others, yes to the constant
        assert found.numbers["cells with runs of both kinds"] == 16

    def test_only_one_kind_in_every_cell(self) -> None:
        found = finding("generalizes", lambda run: COVERED if run.eta < 0.5 else "underfits")
        assert (found.answer, found.sentence) == ("premise_not_met", "No cell has runs of both kinds.")

    def test_dead_networks_are_not_among_the_others(self) -> None:
        found = finding("generalizes", lambda run: COVERED if run.seed < 9 else "dead")
        assert (found.answer, found.sentence) == ("premise_not_met", "No cell has runs of both kinds.")

    def test_covered_runs_worse_than_a_constant_are_counted(self) -> None:
        some = rows(share(5), excess_constant_interior=lambda _: 0.0255)
        found = CLAIM.judge(result_of(some))["generalizes"].finding
        expected = sum(row["fate"] == COVERED and row["excess_risk_interior"] > 0.0255 for row in some)
        assert found.numbers["covered runs worse than the best constant"] == expected > 0

    @pytest.mark.parametrize(("seeds", "led"), [(11, True), (10, False)])
    def test_interpolation_trap(self, seeds: int, led: bool) -> None:
        """So many of twenty seeds of one pair end there."""
        trapped = {Place("mean_field", 1.0, 4.0, seed) for seed in range(seeds)}
        found = finding("interpolation_trap", lambda run: "interpolation trap" if run in trapped else COVERED)
        assert found.answer == "no"
        assert found.numbers["runs in the trap"] == seeds
        assert found.effect is not None
        assert found.effect.interval.mean == seeds / 320
        assert ("mean_field, × 1, η = 4: most seeds in the trap" in found.numbers) == led
        assert answer("interpolation_trap", lambda _: "interpolation trap") == "yes"

    def test_runs_that_still_move_are_no_evidence_against_the_trap(self) -> None:
        """A pair without any run that has arrived counted as one that does not lead there."""
        assert answer("interpolation_trap", lambda _: UNFINISHED) == "premise_not_met"
        some = finding(
            "interpolation_trap", lambda run: "interpolation trap" if run.eta < 0.5 else UNFINISHED
        )
        assert some.answer == "some"
        assert some.sentence.endswith("most runs still move in 8 other pairs of start and step size.")

    def test_pairs_share_their_data_sets(self) -> None:
        """All runs of four seeds in six: six draws, not 96."""
        found = finding(
            "interpolation_trap", lambda run: "interpolation trap" if run.seed < 4 else COVERED, 6
        )
        assert found.answer == "undecided"


class TestMatched:
    def test_an_effect_is_found_among_cells_and_seeds(self) -> None:
        rng = np.random.default_rng(0)
        cell, seed = np.repeat(np.arange(6), 30), np.tile(np.arange(30), 6)
        flag = rng.random(180) < 0.2 + 0.1 * cell
        values = 3.0 * cell + rng.normal(size=30)[seed] - 0.7 * flag
        found = matched_effect(values, flag, cell, seed)
        assert found == pytest.approx(np.full(30, -0.7), abs=1e-9)

    def test_jackknife_spread(self) -> None:
        """Over drawn tables of nothing, the interval of the pseudo-values covers 0 in about 95 %."""
        rng = np.random.default_rng(1)
        cell, seed = np.repeat(np.arange(4), 20), np.tile(np.arange(20), 4)
        missed = 0
        for _ in range(200):
            flag = rng.random(80) < 0.5
            noise = rng.normal(size=80) + rng.normal(size=20)[seed]
            interval = student(matched_effect(noise, flag, cell, seed))
            missed += interval.low > 0.0 or interval.high < 0.0
        assert missed <= 20  # 10 are expected; 20 have probability below 0.003

    def test_nothing_to_match(self) -> None:
        assert np.isnan(matched_effect([1.0, 2.0], [True, True], [0, 0], [0, 1])).all()
        assert matched_effect([], [], [], []).size == 0


def test_all_diverged() -> None:
    judged = CLAIM.judge(result_of(rows(lambda *_: "diverged")))
    assert {part: each.finding.answer for part, each in judged.items()} == {
        "reached": "no", "certificate": "premise_not_met", "depends_on_initialization": "no",
        "depends_on_step_size": "no", "generalizes": "premise_not_met", "interpolation_trap": "no",
    }  # fmt: skip


TINY = {
    "n": "20",
    "scales": "0.1,1,4",
    "width": "40",
    "steps": "300",
    "records": "6",
    "seeds": "2",
    "step_sizes": "0.02,0.5",
}


def tiny(**overrides: str) -> Result:
    return run(CLAIM, CLAIM.settings({**TINY, **overrides}), workers=1)


@pytest.fixture(scope="module")
def result() -> Result:
    return tiny()


class TestRuns:
    def test_columns_agree(self, result: Result) -> None:
        table = result.table
        assert len(table) == 16
        assert set(table["fate"]) <= set(FATES)
        covered = table["fate"] == COVERED
        assert (np.isfinite(table["reached_at_step"]) >= covered).all()
        assert table["reached_at_time"] == pytest.approx(
            table["step_size"] * table["reached_at_step"], nan_ok=True
        )
        assert (table["edge_ratio"][covered] <= 1.1).all()
        assert (table["midpoint_loss"][covered] <= table["loss_truth"][covered]).all()
        assert (table["bound"][covered] < table["interpolant"][covered]).all()
        assert (table["edge_moved"] >= 0.0).all()

    def test_the_end_is_that_of_the_midpoint(self, result: Result) -> None:
        row = result.table.where(init="torch", scale=4.0, step_size=0.5, seed=1)
        problem = ss.problems.bernoulli("wave", n=20, amplitude=2.0, flip_rate=0.1, seed=1)
        wanted = ("torch", 4.0, 0.5, 1)
        begin = next(
            start_of(spec.run) for spec in CLAIM.grid(result.settings)
            if (spec.run.init, spec.run.scale, spec.run.step_size, spec.run.seed) == wanted
        )  # fmt: skip
        path = ss.train(problem, begin, ss.GradientDescent(0.5, 300), measure_sharpness=False)
        peak = np.linalg.eigvalsh(ss.hessian(problem, path.midpoint) @ np.eye(121)).max()
        assert row["edge_ratio"][0] == pytest.approx(peak * 0.25, rel=1e-6)
        of_truth = problem.training_loss(problem.truth(problem.inputs))  # type: ignore[misc]
        assert row["loss_truth"][0] == pytest.approx(of_truth, rel=1e-12)
        x = problem.inputs
        excess = problem.excess_risk(path.midpoint.predict(x), theory.interior(x, x))
        assert row["excess_risk_interior"][0] == pytest.approx(excess, rel=1e-9)
        bound = tightest_worst_case(problem, path.midpoint, moving=True)
        assert row["worst_case"][0] == pytest.approx(bound.right, rel=1e-9)
        assert row["worst_case_left"][0] == pytest.approx(bound.left, rel=1e-9)
        assert row["worst_case_ratio"][0] == pytest.approx(bound.right / bound.details["constant"], rel=1e-9)

    def test_no_bound_on_the_risk(self) -> None:
        """A knot on an input leaves none; where the truth is constant, none is below its error."""
        x = np.linspace(-1.0, 1.0, 9)
        problem = ss.Problem(x, np.where(x > 0.1, 1, -1), "logistic", truth=np.zeros_like)
        assert risk_bound(problem, ss.TwoLayerReLU([2.0], [-1.0], [1.0])) == {}
        assert risk_bound(problem, ss.TwoLayerReLU([2.0], [-0.9], [1.0]))["worst_case_ratio"] == np.inf

    @pytest.mark.parametrize("steps", [12, 2000])
    def test_reached_is_the_first_record_that_is_covered(self, steps: int) -> None:
        small = {"n": "60", "width": "60", "records": "9", "scales": "1", "step_sizes": "0.5", "seeds": "1"}
        found = tiny(**small, steps=str(steps))
        row, of = found.table.where(init="torch"), CLAIM.grid(found.settings)[0].run
        problem, snapshots = problem_of(of), list[Snapshot]()
        at = sorted({*np.unique(np.geomspace(1, steps, 9).astype(int)).tolist(),
                     *range(max(1, steps // 10), steps + 1, max(1, steps // 10))})  # fmt: skip
        run = ss.train(problem, start_of(of), ss.GradientDescent(0.5, steps), steps, False,
                       snapshots.append, record_at=at)  # fmt: skip
        there = standings(problem, snapshots, ignore)
        fates = [fate(each, 4.0, row["loss_truth"][0]) == COVERED for each in there]
        assert 1 < sum(fates) < len(fates)
        assert row["reached_at_step"][0] == [0, *at][fates.index(True)]
        late = [each for each, step in zip(there, run.at_steps, strict=True) if step >= steps / 2]
        peaks = [each["upper_sharpness"] for each in late]
        assert row["edge_moved"][0] == pytest.approx(max(peaks) / min(peaks) - 1.0)
        assert row["loss_fell"][0] == late[0]["midpoint_loss"] - late[-1]["midpoint_loss"]
        x = problem.inputs
        inside = theory.weight(x, x) >= theory.weight(np.linspace(-1, 1, 20_001), x).max() / 10
        assert row["excess_constant_interior"][0] == best_constant(problem, inside)

    def test_every_fate_is_drawn_with_its_own_mark(self) -> None:
        order = iter(FATES * 100)
        some = rows(lambda *_: next(order), seeds=7, bound=lambda _: 9.0, variation=lambda _: 1.0,
                    interpolant=lambda _: 99.0, reached_at_time=lambda _: 5.0)  # fmt: skip
        drawn = CLAIM.draw(result_of(some))
        legend = drawn["fates"].figure.legends[0]
        assert [text.get_text()[3:] for text in legend.get_texts()] == list(FATES)
        looks = {(patch.get_hatch(), patch.get_facecolor()) for patch in legend.get_patches()}
        assert len(looks) == len(FATES)
        for each in drawn.values():
            assert output.png(each.figure, 40).startswith(b"\x89PNG")

    def test_nothing_finishes(self) -> None:
        found = tiny(step_sizes="1e30", seeds="1")
        assert set(found.table["fate"]) == {"diverged"}
        for each in CLAIM.draw(found).values():
            assert output.png(each.figure, 40).startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
         ({"scales": "0"}, "scale must be finite and positive, got 0.0"),
         ({"flip_rate": "0.7"}, r"flip_rate must lie in \[0, 0.5\), got 0.7")],
    )  # fmt: skip
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            CLAIM.specs(CLAIM.settings({**TINY, **overrides}))
