"""The rule of `does-descent-get-there` on rows that come out each way, its runs and its figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.arrival import CERTIFIED, FATES, best_constant, fate, standings
from stepscape.experiments.confidence.does_descent_get_there import CLAIM
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.experiments.logistic.runs import problem_of, start_of
from stepscape.figures import output
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


def rows(said: Fate, seeds: int = 10, **columns: Any) -> list[dict[str, Any]]:
    """One row a start, step size and seed, with its fate and an excess risk that depends on the fate."""
    out = []
    for init, scale in STARTS:
        for eta in ETAS:
            for seed in range(seeds):
                word = said(Place(init, scale, eta, seed))
                row = {"init": init, "scale": scale, "step_size": eta, "seed": seed, "fate": word}
                row["outcome"] = "diverged" if word == "diverged" else "finished"
                if word != "diverged":
                    row |= {"bent_neurons": 0 if word == "dead" else 90, "flattest_edge_ratio": 0.9,
                            "reached_at_step": 100.0 if word == CERTIFIED else None,
                            "certified_late": float(word == CERTIFIED),
                            "excess_risk_interior": (0.02 if word == CERTIFIED else 0.06) + 0.001 * seed,
                            "excess_constant_interior": 0.1}  # fmt: skip
                    row |= {name: value(word) for name, value in columns.items()}
                out.append(row)
    return out


def result_of(some: list[dict[str, Any]]) -> Result:
    return Result(CLAIM.name, {}, tuple(Run(row) for row in some))


def finding(part: str, said: Fate, seeds: int = 10, **columns: Any) -> Finding:
    return CLAIM.judge(result_of(rows(said, seeds, **columns)))[part].finding


def answer(part: str, said: Fate, seeds: int = 10, **columns: Any) -> str:
    return finding(part, said, seeds, **columns).answer


def share(wanted: int, of: int = 10) -> Fate:
    """The same share of every seed: that many of each ten runs, counted through the grid."""
    return lambda run: CERTIFIED if (_place(run) + run.seed) % of < wanted else "underfits"


def _place(run: Place) -> int:
    return 4 * STARTS.index((run.init, run.scale)) + ETAS.index(run.eta)


class TestReached:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [(share(10), "yes"), (share(8), "mixed"), (share(1, 2), "undecided"), (share(2), "no")],
    )
    def test_share(self, said: Fate, expected: str) -> None:
        assert answer("reached", said) == expected

    def test_kinds_of_starts_are_judged_apart(self) -> None:
        judged = CLAIM.judge(result_of(rows(lambda run: CERTIFIED if run.init == "torch" else "underfits")))
        found = judged["reached"]
        assert [found.word(CLAIM.kind, row) for row in ("torch", "mean_field")] == ["yes", "no"]
        assert found.rows["torch"].sentence.startswith("All 120 runs end certified flat")
        assert found.rows["mean_field"].numbers["runs that end underfits"] == 40

    def test_runs_of_a_seed_are_not_independent(self) -> None:
        """All runs of two seeds in three, and none of the others, are no 80 runs."""
        assert answer("reached", lambda run: CERTIFIED if run.seed % 3 else "dead", seeds=6) == "undecided"
        assert answer("reached", share(2, 3), seeds=6) == "mixed"

    def test_what_is_close_is_counted(self) -> None:
        near = rows(lambda _: "over the edge", flattest_edge_ratio=lambda _: 1.05)
        numbers = CLAIM.judge(result_of(near))["reached"].rows["torch"].numbers
        assert numbers["runs over the edge by less than a tenth"] == 120
        low = rows(lambda _: "underfits", flattest_edge_ratio=lambda _: 0.79)
        numbers = CLAIM.judge(result_of(low))["reached"].rows["torch"].numbers
        assert numbers["runs that underfit above 0.8 of the edge"] == 0


class TestDifferences:
    @pytest.mark.parametrize(
        ("certain", "expected"),
        [((("torch", 0.1), ("torch", 1.0)), "yes"), ((("torch", 4.0),), "mixed"),
         ((("mean_field", 1.0),), "mixed"), ((), "no"), (STARTS, "no")],
    )  # fmt: skip
    def test_initialization(self, certain: tuple[Any, ...], expected: str) -> None:
        assert (
            answer("depends_on_initialization", lambda run: CERTIFIED if run[:2] in certain else "dead")
            == expected
        )

    @pytest.mark.parametrize(
        ("certain", "expected"), [((0.01,), "yes"), ((4.0, 1.0), "yes"), ((0.1, 1.0), "no")]
    )
    def test_step_size(self, certain: tuple[float, ...], expected: str) -> None:
        assert (
            answer("depends_on_step_size", lambda run: CERTIFIED if run.eta in certain else "dead")
            == expected
        )

    @pytest.mark.parametrize("part", ["depends_on_initialization", "depends_on_step_size"])
    @pytest.mark.parametrize(("seeds", "expected"), [(40, "no"), (10, "undecided")])
    def test_no_needs_an_interval_without_a_tenth(self, part: str, seeds: int, expected: str) -> None:
        """Shares differ by a quarter in every seed, in turn either way: the mean by ±0.08 or ±0.19."""

        def said(run: Place) -> str:
            if part == "depends_on_step_size":
                one, other = (run.init == "mean_field" and run.eta == eta for eta in (0.01, 4.0))
            else:
                small, large = STARTS[0], STARTS[2]
                sides = ((small, STARTS[1]), (large, STARTS[3]))
                one, other = (run.eta == 0.1 and run[:2] in side for side in sides)
            return CERTIFIED if (one if run.seed % 2 else other) else "dead"

        assert answer(part, said, seeds) == expected

    @pytest.mark.parametrize("part", ["depends_on_initialization", "depends_on_step_size"])
    def test_seeds_are_paired_where_runs_failed(self, part: str) -> None:
        """What is compared is certified in the same seeds, so that no pair differs, whichever are lost."""
        some = rows(lambda run: CERTIFIED if run.seed % 2 else "dead")
        one, other = (0.1, 4.0) if part == "depends_on_initialization" else (0.01, 4.0)
        column = "scale" if part == "depends_on_initialization" else "step_size"
        lost = [row for row in some if (row[column], row["seed"]) not in ((one, 0), (other, 9))]
        found = CLAIM.judge(result_of(lost))[part].finding
        assert found.answer == "no"
        assert found.effect is not None
        assert (found.effect.interval.low, found.effect.interval.high) == (0.0, 0.0)
        assert found.effect.interval.count == 8

    def test_two_pairs_decide_nothing(self) -> None:
        some = rows(lambda run: CERTIFIED if run.eta < 1.0 else "dead")
        few = [row for row in some if row["seed"] < 2 or row["step_size"] > 0.01]
        assert CLAIM.judge(result_of(few))["depends_on_step_size"].finding.answer == "undecided"

    def test_nothing_to_compare(self) -> None:
        one = [row for row in rows(share(5)) if row["scale"] == 0.1 and row["step_size"] == 0.01]
        for part in ("depends_on_initialization", "depends_on_step_size"):
            assert CLAIM.judge(result_of(one))[part].finding.answer == "premise_not_met"


class TestWhatWasFound:
    @pytest.mark.parametrize(("kept", "expected"), [(9, "yes"), (8, "mixed"), (2, "no")])
    def test_stays(self, kept: int, expected: str) -> None:
        """Every run was certified once; so many of ten end so."""
        assert answer("stays", share(kept), reached_at_step=lambda _: 7.0) == expected

    def test_runs_that_were_never_certified_do_not_stay_or_leave(self) -> None:
        assert finding("stays", share(5)).sentence.startswith(
            "All 80 runs that are certified flat at some record"
        )
        assert answer("stays", lambda *_: "underfits") == "premise_not_met"

    @pytest.mark.parametrize(
        ("certified", "others", "expected"),
        [(0.02, 0.06, "yes"), (0.06, 0.02, "mixed"), (0.2, 0.3, "mixed"), (0.3, 0.2, "no")],
    )
    def test_generalizes(self, certified: float, others: float, expected: str) -> None:
        risks = {CERTIFIED: certified, "underfits": others}
        assert answer("generalizes", share(5), excess_risk_interior=risks.get) == expected

    @pytest.mark.parametrize(("spread", "expected"), [(0.008, "no"), (0.03, "undecided")])
    def test_less_risk_that_may_count_is_open(self, spread: float, expected: str) -> None:
        """Around 0 the answer is no only where the interval excludes 0.01."""
        some = rows(share(5), excess_risk_interior=lambda _: 0.1)
        for row in some:
            if row["fate"] == CERTIFIED:
                row["excess_risk_interior"] += spread * (-1) ** row["seed"]
        assert CLAIM.judge(result_of(some))["generalizes"].finding.answer == expected

    def test_dead_networks_are_not_among_the_others(self) -> None:
        found = finding("generalizes", lambda run: CERTIFIED if run.eta < 0.5 else "dead")
        assert (found.answer, found.sentence) == ("premise_not_met", "No seed has runs of both kinds.")

    def test_certified_runs_worse_than_a_constant_are_counted(self) -> None:
        some = rows(lambda run: CERTIFIED if run.eta < 0.5 else "underfits",
                    excess_constant_interior=lambda _: 0.0255)  # fmt: skip
        found = CLAIM.judge(result_of(some))["generalizes"].finding
        assert found.numbers["certified runs worse than the best constant"] == 4 * 8  # seeds 6 to 9

    @pytest.mark.parametrize(("seeds", "led"), [(6, 1), (5, 0)])
    def test_interpolation_trap(self, seeds: int, led: int) -> None:
        """So many of ten seeds of one pair end there."""
        trapped = {Place("mean_field", 1.0, 4.0, seed) for seed in range(seeds)}
        found = finding(
            "interpolation_trap", lambda run: "interpolation trap" if run in trapped else CERTIFIED
        )
        assert found.answer == "no"
        assert found.numbers["runs in the trap"] == seeds
        assert found.effect is not None
        assert found.effect.interval.mean == led / 16
        assert answer("interpolation_trap", lambda _: "interpolation trap") == "yes"


def test_all_diverged() -> None:
    judged = CLAIM.judge(result_of(rows(lambda *_: "diverged")))
    assert {part: each.finding.answer for part, each in judged.items()} == {
        "reached": "no", "depends_on_initialization": "no", "depends_on_step_size": "no",
        "stays": "premise_not_met", "generalizes": "premise_not_met", "interpolation_trap": "no",
    }  # fmt: skip


TINY = {"n": "20", "width": "40", "steps": "300", "records": "6", "seeds": "2", "step_sizes": "0.02,0.5"}


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
        certified = table["fate"] == CERTIFIED
        assert (np.isfinite(table["reached_at_step"]) >= certified).all()
        assert ((table["certified_late"] > 0) >= certified).all()
        assert table["reached_at_time"] == pytest.approx(
            table["step_size"] * table["reached_at_step"], nan_ok=True
        )
        assert (table["flat"] == (table["flattest_edge_ratio"] <= 1.0)).all()
        assert (table["flat"][certified] & table["optimized"][certified]).all()
        assert (table["bound"][certified] < table["interpolant"][certified]).all()

    def test_the_end_is_that_of_the_flatter_iterate(self, result: Result) -> None:
        row = result.table.where(init="torch", scale=4.0, step_size=0.5, seed=1)
        problem = ss.problems.bernoulli("wave", n=20, amplitude=2.0, flip_rate=0.1, seed=1)
        wanted = ("torch", 4.0, 0.5, 1)
        (begin,) = (
            start_of(spec.run)
            for spec in CLAIM.grid(result.settings)
            if (spec.run.init, spec.run.scale, spec.run.step_size, spec.run.seed) == wanted
        )
        path = ss.train(problem, begin, ss.GradientDescent(0.5, 300), measure_sharpness=False)
        least = min(
            np.linalg.eigvalsh(ss.hessian(problem, net) @ np.eye(121)).max()
            for net in (path.network, path.network_before)
        )
        assert row["flattest_edge_ratio"][0] == pytest.approx(least * 0.25, rel=1e-6)
        of_truth = problem.training_loss(problem.truth(problem.inputs))  # type: ignore[misc]
        assert row["loss_truth"][0] == pytest.approx(of_truth, rel=1e-12)

    @pytest.mark.parametrize("steps", [12, 2000])
    def test_reached_is_the_first_record_that_is_certified(self, steps: int) -> None:
        small = {"n": "60", "width": "60", "records": "9", "scales": "1", "step_sizes": "0.5", "seeds": "1"}
        found = tiny(**small, steps=str(steps))
        row, of = found.table.where(init="torch"), CLAIM.grid(found.settings)[0].run
        problem, snapshots = problem_of(of), list[Snapshot]()
        at = np.unique(np.geomspace(1, steps, 9).astype(int)).tolist()
        ss.train(problem, start_of(of), ss.GradientDescent(0.5, steps), steps, False, snapshots.append,
                 record_at=at)  # fmt: skip
        said = [
            fate(each, 4.0, row["loss_truth"][0], 1) == CERTIFIED
            for each in standings(problem, snapshots, ignore)
        ]
        assert 1 < sum(said) < len(said)
        assert row["reached_at_step"][0] == [0, *at][said.index(True)]
        assert row["certified_late"][0] == np.mean([is_so for is_so, step in zip(said[1:], at, strict=True)
                                                    if step >= steps / 10])  # fmt: skip
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
