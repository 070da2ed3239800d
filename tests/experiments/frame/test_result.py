from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

import stepscape as ss
from frame_claims import CLAIM, FrameRun, claim
from stepscape.errors import InputError
from stepscape.experiments.frame import Drawn, Part, Result, Run, ledger, run
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.finding import Finding
from stepscape.experiments.frame.follow import by_log, evenly, follow, steps_until, with_moments
from stepscape.experiments.frame.kinds import KINDS, WORDS, word
from stepscape.experiments.frame.levels import Levels
from stepscape.experiments.frame.limits import COMMON
from stepscape.experiments.frame.result import collect, plain_name
from stepscape.lab.spec import Spec
from stepscape.tables.records import Record, Table

SIZES = Levels("step_size", "step sizes", "η", alive="bent_neurons")


@pytest.fixture(scope="module")
def result() -> Result:
    return run(CLAIM, CLAIM.settings(), workers=2)


class TestResult:
    def test_rows_and_arrays_of_a_run_stand_together(self, result: Result) -> None:
        drawn = result.drawn("risk_over_time", arm="second")
        assert [(run["seed"], run["step_size"]) for run in drawn] == [(0, 0.25), (0, 0.5)]
        assert len(result.curves("risk_over_time", arm="second", step_size=0.5)) == 1
        assert result.curves("risk_over_time", seed=1) == []
        assert result.where(outcome="diverged").table["step_size"].tolist() == [2.0] * 6

    def test_runs_are_told_apart_by_their_kind(self) -> None:
        class OtherRun(Spec, frozen=True, tag="other/1"):
            seed: int

        class OuterRun(Spec, frozen=True, tag="outer/1"):
            run: OtherRun

        specs = [OtherRun(seed=0), OuterRun(run=OtherRun(seed=1))]
        found = collect("toy", {}, specs, [Record("finished", {"risk": 1.0})] * 2)
        assert [run["seed"] for run in found.of(OuterRun).runs] == [1]
        assert [run["seed"] for run in found.of(OtherRun).runs] == [0]

    def test_an_unknown_column_is_refused_with_the_nearest(self, result: Result) -> None:
        with pytest.raises(InputError, match="unknown column 'risc'; did you mean 'risk'"):
            result.runs[0]["risc"]

    @pytest.mark.parametrize(
        ("name", "plain"),
        [("mean|small_init|noisy|0.8", "mean"), ("inputs|noisy", "inputs"), ("grid", "grid"),
         ("steps|spline|below", "steps_below"), ("spline|0.8", "curve"),
         ("margins_edge|2|0.1|0.8|7", "margins_edge"),
         ("curve|0.333333", "curve"), ("curve|0.334", "curve_0.334")],
    )  # fmt: skip
    def test_arrays_of_older_records_lose_the_values_in_their_names(self, name: str, plain: str) -> None:
        row = {"arm": "small_init", "labels": "noisy", "step_size": 0.8, "interpolator": "spline", "seed": 7,
               "amplitude": 2.0, "flip_rate": 0.1, "third": 1 / 3, "reason": ""}  # fmt: skip
        assert plain_name(name, row) == plain


class TestPart:
    def part(self, **changes: Any) -> Part:
        fields = {"name": "p", "words": "P", "rule": "Less than {least:.0%}.", "judge": self.judge,
                  "constants": {"least": 0.5}}  # fmt: skip
        return Part(**(fields | changes))

    @staticmethod
    def judge(result: Result, least: float) -> Finding:
        answer = "yes" if result.table["risk"].max() < least else "no"
        return Finding(answer, "A sentence.")  # type: ignore[arg-type]

    def test_the_rule_shows_the_constants_that_its_judge_gets(self, result: Result) -> None:
        assert self.part().text == "Less than 50%."
        chosen = {"where": {"step_size": 0.25}}
        assert self.part(**chosen).find(result).finding.answer == "yes"
        assert self.part(**chosen, constants={"least": 0.1}).find(result).finding.answer == "no"

    def test_the_fingerprint_follows_text_constants_and_common_limits(self, monkeypatch: Any) -> None:
        before = self.part().fingerprint
        assert self.part(words="Q", name="q", primary=True).fingerprint == before
        assert self.part(rule="Fewer than {least:.0%}.").fingerprint != before
        assert self.part(constants={"least": 0.501}).fingerprint != before  # the text looks the same
        monkeypatch.setitem(COMMON, "least_seeds", 2)
        assert self.part().fingerprint != before

    def test_a_part_without_runs_or_columns_or_with_something_lacking_says_so(self, result: Result) -> None:
        none = self.part(where={"arm": "third"}).find(result).finding
        assert (none.answer, none.sentence) == ("premise_not_met", "There is no such run.")
        unread = self.part(reads=("risc",)).find(result).finding
        assert unread.sentence == "`risc` was measured in no run."
        lacking = self.part(needs=lambda table: f"{len(table)} runs are too few").find(result).finding
        assert (lacking.answer, lacking.sentence) == ("premise_not_met", "18 runs are too few.")

    def test_rows(self, result: Result) -> None:
        judged = CLAIM.judge(result)["rises"]
        assert list(judged.rows) == ["first", "second"]
        assert judged.finding.sentence == "It is so for the first arm and second."
        assert [judged.word("figure", row) for row in ("", "first")] == ["reproduced", "reproduced"]

    def test_an_answer_is_spoken_in_the_words_of_the_kind(self) -> None:
        assert word("inequality", "no") == word("identity", "mixed") == "false_as_stated"
        assert word("one-sided rate", "yes") == "consistent"
        assert word("one-sided rate", "mixed") == "contradicted"
        assert word("open question", "mixed") == "it_depends"
        assert word("figure", "some") == "partly"

    def test_what_is_settled_in_a_part_contradicts_nothing(self) -> None:
        assert word("one-sided rate", "some") == word("inequality", "some") == "undecided"
        assert {word(kind, "undecided") for kind in KINDS} == {"undecided"}
        assert {"premise_not_met", "vacuous", "undecided", "holds", "yes"} <= set(WORDS)


class TestClaim:
    def test_settings_are_refused_by_name_before_the_first_run(self) -> None:
        with pytest.raises(InputError, match="seeds must be at least 1, got 0"):
            CLAIM.specs(CLAIM.settings({"seeds": "0"}))

        def refuse(_: FrameRun) -> None:
            raise InputError("the problem cannot be built")

        with pytest.raises(InputError, match="the problem cannot be built"):
            claim(begin=refuse).specs(CLAIM.quick)
        with pytest.raises(InputError, match="these settings give toy no run"):
            claim(grid=lambda _: []).specs(CLAIM.quick)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [({"kind": "picture"}, "unknown kind of claim 'picture'"),
         ({"parts": CLAIM.parts[1:]}, "parts must have exactly one that is primary"),
         ({"parts": ()}, "parts must be 1 to 6 with different names"),
         ({"parts": CLAIM.parts[:1] * 2}, "parts must be 1 to 6 with different names"),
         ({"full": {**CLAIM.quick, "seeds": 19}}, "seeds of toy at full size must be at least 20, got 19")],
    )  # fmt: skip
    def test_refuse(self, change: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            claim(**change)

    def test_a_figure_without_a_caption_is_refused(self) -> None:
        with pytest.raises(InputError, match="caption must be one sentence or more with a full stop, got ''"):
            Drawn(None, "")  # type: ignore[arg-type]

    def test_equal_bits_with_one_worker_and_two(self, result: Result) -> None:
        alone = run(CLAIM, CLAIM.settings(), workers=1)
        assert [one.row for one in alone.runs] == [other.row for other in result.runs]


class TestLedger:
    def test_an_entry_holds_rule_fingerprint_effect_and_rows(self, result: Result) -> None:
        entry = ledger.enter(CLAIM, result, "quick", ["a reason"], 1.5, ["other"])
        found = entry.headline
        assert found is not None
        assert (
            found.rule
            == "Risk at the largest minus at the smallest step size: no when it excludes 0.01 or more."
        )
        assert found.fingerprint == CLAIM.parts[0].fingerprint
        assert (found.kind, found.words) == ("figure", "The risk rises")
        assert found.effect is not None
        assert found.effect.mean == pytest.approx(0.25 * 1.1)
        assert (found.rows["first"].words, found.rows["second"].words) == ("the first arm", "second")
        assert entry.verdicts["positive"].word == "holds"
        assert (entry.runs.finished, entry.runs.diverged, entry.runs.failed) == (12, 6, 1)

    def test_premises_by_arm(self, result: Result) -> None:
        entry = ledger.enter(CLAIM, result, "quick")
        found = {(each.column, each.arm): (each.measured, each.found) for each in entry.premises}
        assert found["bent_neurons", "first"] == (6, "3")
        assert found["inside", "second"] == (6, "yes in 2 of 6")

    def test_round_trip(self, result: Result) -> None:
        import msgspec

        book = ledger.Ledger("quick", [ledger.enter(CLAIM, result, "quick")], {"python": "3"})
        assert ledger.read(msgspec.json.encode(book), "ledger") == book

    def test_the_committed_ledgers_are_read(self) -> None:
        from importlib import resources

        for size in ("quick", "full"):
            name = f"ledger-{size}.json"
            book = ledger.read((resources.files("stepscape") / "data" / name).read_bytes(), name)
            assert len(book.entries) >= 15

    def test_another_schema_is_refused(self) -> None:
        with pytest.raises(InputError, match="x has schema 3; this version reads schema 1"):
            ledger.read(b'{"size": "quick", "entries": [], "provenance": {}, "schema": 3}', "x")
        with pytest.raises(InputError, match="x is not a ledger"):
            ledger.read(b"[]", "x")

    def test_a_rule_that_was_changed_after_the_numbers_is_named(self, result: Result) -> None:
        entry = ledger.enter(CLAIM, result, "quick")
        assert ledger.changed_rules(entry, CLAIM) == []
        first, second = CLAIM.parts
        stricter = Part(**{**vars(first), "constants": {"least": 0.02}})
        assert ledger.changed_rules(entry, claim(parts=(stricter, second))) == ["rises"]

    def test_differences_name_rows_too(self, result: Result) -> None:
        book = ledger.Ledger("quick", [ledger.enter(CLAIM, result, "quick")], {})
        poor = ledger.Ledger("quick", [ledger.enter(CLAIM, result.where(arm="first"), "quick")], {})
        assert ledger.differences(book, book) == []
        found = [str(each) for each in ledger.differences(book, poor)]
        assert "toy, rises: second: committed reproduced, found no verdict" in found


class TestLevels:
    def table(self, dead: float = -1.0, lost: float = -1.0) -> Table:
        return Table.from_records(
            {"seed": seed, "step_size": eta, "outcome": "diverged" if eta == lost else "finished",
             "bent_neurons": None if eta == lost else 0 if eta == dead else 4, "risk": eta + seed}
            for seed in (3, 5) for eta in (0.01, 0.1, 0.5, 1.0)
        )  # fmt: skip

    def test_values_by_seed_and_level(self) -> None:
        values = SIZES.values(self.table(dead=0.5), "risk", [0.01, 0.5, 1.0])
        assert values[:, [0, 2]].tolist() == [[3.01, 4.0], [5.01, 6.0]]
        assert np.isnan(values[:, 1]).all()
        assert SIZES.at_ends(self.table(lost=1.0), "risk").tolist() == [[3.01, 3.5], [5.01, 5.5]]
        assert SIZES.span_words(self.table(lost=1.0)) == "from η = 0.01 to 0.5"

    def test_what_lacks(self) -> None:
        assert SIZES.lacks(self.table()) == ""
        assert SIZES.lacks(self.table(dead=0.01)) == ""  # 0.1 to 1
        near = self.table().rows(self.table()["step_size"] > 0.05)
        assert SIZES.lacks(near) == ""
        assert SIZES.lacks(Table({**near.columns, "step_size": near["step_size"] + 0.1})) != ""  # 0.2 to 1.1
        both = Table.from_records([*self.table(dead=0.01, lost=1.0).records()])
        assert SIZES.lacks(both) == (
            "runs work at too few step sizes: descent works at 0.1, 0.5; it diverges at 1; it comes to "
            "nothing at 0.01"
        )
        lost = Table.from_records([{"seed": 0, "step_size": 0.1, "outcome": "diverged"}])
        assert SIZES.lacks(lost) == "runs work at too few step sizes: descent diverges at 0.1"


class TestCells:
    table = Table.from_records(
        {"amplitude": a, "flips": f, "seed": s, "risk": a * s}
        for a in (1.0, 2.0)
        for f in (0.1,)
        for s in (0, 1, 2)
    )
    names: ClassVar = {"amplitude": "amplitude {:g}", "flips": "flips {:g}"}

    def test_names_leave_out_what_does_not_vary(self) -> None:
        assert list(cells(self.table, self.names)) == ["amplitude 1", "amplitude 2"]
        assert list(cells(self.table.where(amplitude=1.0), self.names)) == ["amplitude 1, flips 0.1"]

    def test_values_are_aligned_over_the_seeds_of_all_cells(self) -> None:
        found = cells(self.table.rows(np.arange(6) != 1), self.names)  # amplitude 1 lacks seed 1
        asked = ask(found, lambda rows: rows["risk"])
        assert asked.values["amplitude 2"].tolist() == [0.0, 2.0, 4.0]
        assert np.isnan(asked.values["amplitude 1"][1])
        assert asked.missing is None

    def test_cells_that_lack_something_are_left_out(self) -> None:
        found = cells(self.table, self.names)
        asked = ask(
            found, lambda rows: rows["risk"], lambda rows: "too flat" if rows["amplitude"][0] < 2 else ""
        )
        assert list(asked.values) == ["amplitude 2"]
        assert asked.left_out == {"amplitude 1": "too flat"}
        none = ask(found, lambda rows: rows["risk"], lambda _: "too flat").missing
        assert none is not None
        assert (none.answer, none.sentence) == ("premise_not_met", "Too flat.")


class TestFollow:
    problem = ss.problems.tent(n=12, noise=0.5, seed=0, half_width=3.0)
    network = ss.TwoLayerReLU.random(20, scale=0.1, seed=1)

    def test_records_are_those_of_training(self) -> None:
        seen: list[Any] = []
        method = ss.GradientDescent(0.05, 40)
        plain = ss.train(
            self.problem, self.network, method, record_every=10, record_at=[3], observe=seen.append
        )
        found = follow(self.problem, self.network, method, [3, *evenly(40, 4)], lambda _: None)
        assert found.trajectory.at_steps.tolist() == plain.at_steps.tolist() == [0, 3, 10, 20, 30, 40]
        assert np.array_equal(found.trajectory.sharpness, plain.sharpness)
        assert [s.loss for s in found.snapshots] == [s.loss for s in seen]
        assert (found.at(10), found.at(11)) == (2, 3)

    def test_the_best_held_out_record_is_never_the_start(self) -> None:
        found = follow(self.problem, self.network, ss.GradientDescent(0.05, 40), range(1, 41), lambda _: None)
        held_out = ss.problems.tent(n=12, noise=0.5, seed=9, half_width=3.0)
        losses = [held_out.training_loss(s.predict(held_out.inputs)) for s in found.snapshots]
        best = found.best(held_out)
        assert losses[best] == min(losses[1:])
        inverted = ss.Problem(held_out.inputs, -1e3 * found.snapshots[0].predict(held_out.inputs))
        assert found.best(inverted) >= 1

    def test_a_run_that_diverged_is_not_measured(self) -> None:
        found = follow(self.problem, self.network, ss.GradientDescent(50.0, 40), [1], lambda _: None)

        def measure() -> tuple[dict[str, Any], dict[str, Any]]:
            raise AssertionError("measured")

        record = found.record(measure)
        assert record.outcome == "diverged"
        assert record.reason == found.trajectory.message
        assert set(record.numbers) == {"initial_sharpness", "steps_made"}

    def test_a_run_that_finished_keeps_what_was_known_before_and_its_arrays(self) -> None:
        found = follow(self.problem, self.network, ss.GradientDescent(0.05, 4), [2], lambda _: None)
        record = found.record(lambda: ({"risk": 1.0}, {"edge": np.zeros(3)}), {"scale": 2.0})
        assert record.numbers == {"scale": 2.0, "risk": 1.0}
        assert list(record.arrays) == ["edge"]

    def test_equal_time(self) -> None:
        assert steps_until(1.0, np.full(100, 0.25)) == 4
        assert steps_until(1.1, np.full(100, 0.25)) == 5
        assert steps_until(1e9, np.full(100, 0.25)) == 100
        assert sum([0.1] * 8) < 0.8  # rounding must not cost a step
        assert steps_until(0.8, np.full(100, 0.1)) == 8

    def test_columns_of_moments(self) -> None:
        found = with_moments({"risk": 1.0}, {"held_out": 3}, lambda record: {"risk": float(record)})
        assert found == {"risk": 1.0, "risk_held_out": 3.0}

    def test_spacings(self) -> None:
        assert evenly(10, 3) == [3, 6, 9]
        assert evenly(2, 10) == [1, 2]
        assert by_log(1000, 4) == [1, 10, 100, 1000]


def test_a_run_without_arrays_is_not_drawn() -> None:
    assert Result("x", {}, (Run({"seed": 0}),)).drawn("edge") == []
