"""A ledger says what came out, on which premises and at what cost, and sees every verdict that changed."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import claims
import join_ledgers
from stepscape import experiments
from stepscape.cli import console
from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run, ledger
from stepscape.experiments.frame.kinds import WORDS


@pytest.fixture
def entry():
    toy = claims.claim()
    return ledger.enter(toy, experiments.run(toy, toy.quick), "quick", ["it broke", "it broke", "no"], 61.0)


def one_part(name, **verdicts):
    """A ledger of one experiment with these words."""
    about = ledger.About(name, *["text"] * 5)
    parts = {part: ledger.Verdict(word, "why", {}) for part, word in verdicts.items()}
    runs = ledger.Runs(1, 0, 0)
    return ledger.Entry(about, "quick", {}, parts, [], runs, {}, 1.0)


def result(**columns):
    """A result whose runs have these columns."""
    names, rows = list(columns), zip(*columns.values(), strict=True)
    return Result("toy", {}, tuple(Run(dict(zip(names, row, strict=True))) for row in rows))


def book(*entries):
    return ledger.Ledger("quick", list(entries), {})


# ---- entries


def test_an_entry_counts_runs_and_keeps_what_was_said(entry):
    assert entry.runs == ledger.Runs(finished=8, diverged=4, failed=3)
    assert entry.runs.total == 15
    assert entry.failures == {"it broke": 2, "no": 1}
    assert entry.seconds == 61.0
    assert {part: verdict.word for part, verdict in entry.verdicts.items()} == {
        "first": "reproduced",
        "second": "consistent",
    }
    first = entry.verdicts["first"]
    assert first.numbers == {"nothing": None}
    assert first.effect == ledger.Effect("risk saved", 1.0, 0.5, 1.5, 3)
    assert (first.words, first.rule, first.primary) == ("The first part", "The rule of the first part.", True)
    assert entry.experiment.kind == "figure"
    assert entry.experiment.source == "A document, its third page"
    assert entry.kinds == ["toy/1"]
    assert entry.before is None
    assert entry.words == {"first": "reproduced", "second": "consistent"}


def test_a_premise_says_what_its_column_holds_in_each_arm(entry):
    found = {(p.column, p.arm): (p.found, p.measured, p.runs) for p in entry.premises}
    # Two seeds, three step sizes of which one diverges: four of six runs are measured.
    assert found["bent_neurons", "first"] == ("3 to 4, median 3.5", 4, 6)
    assert found["inside", "second"] == ("yes in 2 of 4", 4, 6)
    assert found["never", "first"] == ("not measured", 0, 6)
    assert len(found) == 6


def test_a_premise_of_words_and_one_without_arms():
    runs = result(verdict=["holds", "", "holds", "violated"], level=[2.0, 2.0, np.nan, 2.0])
    found = {p.column: p for p in ledger.premises({"verdict": "it holds", "level": "it is 2"}, runs)}
    assert found["verdict"].found == "holds 2, violated 1"
    assert (found["verdict"].arm, found["verdict"].measured, found["verdict"].runs) == ("", 3, 4)
    assert found["level"].found == "2"


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("any", [0.0, 0.0, np.nan], "0"),  # a number, not an answer
        ("any", [0.0, 1.0, 1.0], "0 to 1, median 1"),
        ("any", [False, True, np.nan], "yes in 1 of 2"),
        ("any", [False, False], "yes in 0 of 2"),
        ("any", [True, True, False], "yes in 2 of 3"),
        ("any", [24860.0, 64140.0, np.nan], "24860 to 64140, median 44500"),
        ("any", [24861.0, 64140.0], "24861 to 64140, median 44500.5"),
        ("any", [0.123456, 2.0], "0.1235 to 2, median 1.062"),
    ],
)
def test_answers_are_counted_and_whole_numbers_written_out(column, values, found):
    (premise,) = ledger.premises({column: "words"}, result(**{column: values}))
    assert premise.found == found


# ---- comparison


def test_equal_ledgers_do_not_differ(entry):
    assert ledger.differences(book(entry), book(entry), whole=True) == []


@pytest.mark.parametrize(
    ("committed", "found", "says"),
    [
        ({"a": "reproduced"}, {"a": "partly"}, "toy, a: committed reproduced, found partly"),
        ({"a": "partly"}, {"a": "reproduced"}, "toy, a: committed partly, found reproduced"),
        ({}, {"warm_up": "partly"}, "toy, warm up: committed no verdict, found partly"),
        ({"a": "false_as_stated"}, {}, "toy, a: committed false as stated, found no verdict"),
    ],
)
def test_a_verdict_that_changed_came_or_went_differs(committed, found, says):
    before, after = book(one_part("toy", **committed)), book(one_part("toy", **found))
    assert [str(d) for d in ledger.differences(before, after)] == [says]


def test_an_experiment_that_was_not_asked_for_counts_only_in_the_whole():
    both, one = book(one_part("a", p="partly"), one_part("b", p="partly")), book(one_part("a", p="partly"))
    assert ledger.differences(both, one) == []
    assert [d.experiment for d in ledger.differences(both, one, whole=True)] == ["b"]
    assert [d.experiment for d in ledger.differences(one, both)] == ["b"]


verdicts = st.dictionaries(st.sampled_from("pqr"), st.sampled_from(WORDS))
books = st.dictionaries(st.sampled_from("ab"), verdicts).map(
    lambda entries: book(*[one_part(name, **parts) for name, parts in entries.items()])
)


@given(books, books)
def test_differences_are_those_of_the_sets_of_verdicts(before, after):
    def said(ledger):
        return {(e.experiment.name, part, v.word) for e in ledger.entries for part, v in e.verdicts.items()}

    found = ledger.differences(before, after, whole=True)
    gone = {(d.experiment, d.part, d.committed) for d in found if d.committed}
    came = {(d.experiment, d.part, d.found) for d in found if d.found}
    assert gone == said(before) - said(after)
    assert came == said(after) - said(before)


# ---- the file


def test_a_ledger_survives_its_file(entry):
    text = console.to_json(msgspec.to_builtins(book(entry)))
    read = ledger.read(text.encode(), "it")
    assert console.to_json(msgspec.to_builtins(read)) == text
    assert read.names == ["toy"]
    assert "curve" not in text  # numbers, no arrays


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "it is not a ledger: Input data was truncated"),
        (b"\xff", "it is not a ledger"),
        (b'{"size": "quick"}', "it is not a ledger: Object missing required field `entries`"),
        (
            b'{"size": "huge", "entries": [], "provenance": {}}',
            "it is not a ledger: Invalid enum value 'huge'",
        ),
        (
            b'{"schema": 9, "size": "full", "entries": [], "provenance": {}}',
            "it has schema 9; this version reads schema 1",
        ),
    ],
)
def test_what_is_no_ledger_is_refused(content, says):
    with pytest.raises(InputError, match=says):
        ledger.read(content, "it")


def test_a_ledger_joins_another_in_the_order_of_the_claims(entry):
    def named(name, seconds):
        return replace(entry, experiment=replace(entry.experiment, name=name), seconds=seconds)

    old = ledger.Ledger("quick", [named("a", 1.0), named("b", 2.0)], {"figures": ["x"], "numpy": "1"}, 3.0)
    new = ledger.Ledger("quick", [named("c", 4.0), named("b", 5.0)], {"figures": ["y", "x"]}, 9.0)
    whole = ledger.joined(old, new, ["c", "a", "b", "d"])
    assert [(each.experiment.name, each.seconds) for each in whole.entries] == [
        ("c", 4.0), ("a", 1.0), ("b", 5.0),
    ]  # fmt: skip
    assert whole.provenance == {"figures": ["x", "y"], "recorded_by": []}
    assert whole.seconds == 10.0
    with pytest.raises(InputError, match="ledgers must have one size, got quick and full"):
        ledger.joined(old, replace(new, size="full"), ["a"])


@pytest.mark.parametrize("size", ["quick", "full"])
def test_the_script_that_joins_ledgers_writes_them_as_verify_does(size):
    path = join_ledgers.committed(size)
    assert join_ledgers.content(ledger.read(path.read_bytes(), str(path))) == path.read_text("utf-8")
