"""The committed ledgers, and the verdicts of the full size beside those of a quick run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import claims
from commands import said
from stepscape.cli import reference_ledger as reference_ledger
from stepscape.experiments.frame import ledger
from toys import made, register

pytestmark = pytest.mark.usefixtures("toys")


def test_list_shows_the_kind_and_the_committed_verdicts(capsys, toys):
    said(capsys, "verify", "toy")
    entries = made().entries
    toys.setattr(
        reference_ledger,
        "reference_ledger",
        lambda size: ledger.Ledger(size, entries if size == "full" else [], {}),
    )
    out = said(capsys, "list", "--long").out
    assert "kind: figure" in out
    parts = ["verdicts at full size:", "The first part: REPRODUCED", "The second part: CONSISTENT"]
    assert "\n".join(parts) in "\n".join(line.strip() for line in out.splitlines())
    assert "verdicts of the committed ledger at full size.\n" in said(capsys, "list").out
    assert "no verdict on record" in out  # of the other
    told = json.loads(said(capsys, "list", "--json").out)["experiments"]
    assert told[0]["verdicts"] == {"first": "reproduced", "second": "consistent"}
    assert (told[0]["size"], told[1]["size"]) == ("full", None)


def commit_full(toys, entries):
    """Make these the committed ledger of the full size, and leave the quick one empty."""
    books = {"full": list(entries), "quick": []}
    toys.setattr(reference_ledger, "reference_ledger", lambda size: ledger.Ledger(size, books[size], {}))


def test_a_quick_verdict_stands_beside_another_one_of_the_full_size(capsys, toys):
    said(capsys, "verify", "toy")
    commit_full(toys, made().entries)  # first reproduced; second consistent
    toys.setattr(claims, "ANSWER", ["no"])
    out = said(capsys, "run", "toy", "--out", "quick").out
    assert "○ The first part (decides): NOT REPRODUCED (full size: reproduced)\n" in out
    assert "The second part: CONSISTENT\n" in out
    document = json.loads(Path("quick/result.json").read_text())
    assert document["full_size"] == {"first": "reproduced", "second": "consistent"}
    html = Path("quick/report.html").read_text()
    assert html.count("full size: <span") == 1
    assert "full size: reproduced" in said(capsys, "verify", "toy", "--long", "--out", "all").out
    told = json.loads(said(capsys, "verify", "toy", "--out", "all", "--json").out)
    assert told["full_size"] == {"toy": {"first": "reproduced", "second": "consistent"}}


def test_a_full_verdict_stands_alone(capsys, toys):
    said(capsys, "verify", "toy")
    commit_full(toys, made().entries)
    toys.setattr(claims, "ANSWER", ["no"])
    assert "The first part (decides): NOT REPRODUCED\n" in said(capsys, "run", "toy", "--full").out
    document = json.loads(Path("stepscape-toy/result.json").read_text())
    assert document["full_size"] == {}
    assert "full size: <span" not in Path("stepscape-toy/report.html").read_text()


@pytest.mark.parametrize("size", ["quick", "full"])
def test_a_committed_ledger_is_one_that_verify_wrote(size):
    book = reference_ledger.reference_ledger(size)
    assert book.size == size
    assert all(entry.size == size and entry.seconds > 0 and entry.verdicts for entry in book.entries)
    assert len(set(book.names)) == len(book.names)


def test_a_rule_that_changed_after_the_committed_numbers_is_named_and_its_word_not_shown(capsys, toys):
    said(capsys, "verify", "toy")
    commit_full(toys, made().entries)
    changed = [replace(part, rule=f"Another rule of {part.name}.") for part in claims.CLAIM.parts[:1]]
    register(toys, "toy_one", claims.claim(parts=(*changed, *claims.CLAIM.parts[1:])))
    out = said(capsys, "run", "toy", "--out", "quick").out
    assert "Rule: Another rule of first." in out
    assert json.loads(Path("quick/result.json").read_text())["full_size"] == {"second": "consistent"}
    printed = said(capsys, "verify", "toy", "--full", "--out", "all").out
    assert "The rule of toy, first was changed after the committed full numbers." in printed


def test_a_part_that_the_claim_no_longer_has_is_not_listed(capsys, toys):
    said(capsys, "verify", "toy")
    commit_full(toys, made().entries)
    register(toys, "toy_one", claims.claim(parts=claims.CLAIM.parts[:1]))
    told = json.loads(said(capsys, "list", "--json").out)["experiments"]
    assert told[0]["verdicts"] == {"first": "reproduced"}


@pytest.mark.parametrize(
    ("changed", "comparable"),
    [
        (["--set", "seeds=3"], False),  # neither the quick number of seeds nor the full one
        (["--set", "arms=first"], False),
        (["--set", "step_sizes=0.3"], False),
        ([], True),
    ],
)
def test_a_run_with_changed_settings_is_compared_with_nothing(capsys, toys, changed, comparable):
    said(capsys, "verify", "toy")
    commit_full(toys, made().entries)
    toys.setattr(claims, "ANSWER", ["no"])
    out = said(capsys, "run", "toy", "--out", "quick", *changed).out
    document = json.loads(Path("quick/result.json").read_text())
    assert ("(full size: reproduced)" in out) is bool(document["full_size"]) is comparable
    assert ("with changed settings" in out) is bool(document["changed"]) is not comparable
    html = Path("quick/report.html").read_text()
    assert ("full size: <span" in html) is comparable
    assert ("with changed settings: " in html) is not comparable


def test_a_full_run_with_changed_settings_says_so(capsys):
    out = said(capsys, "run", "toy", "--full", "--set", "step_sizes=0.3", "--out", "mine").out
    assert "This was the full size with changed settings (step_sizes=0.3), so these" in out
    assert json.loads(Path("mine/result.json").read_text())["changed"] == {"step_sizes": [0.3]}
    assert "the full size with changed settings: step_sizes = 0.3" in Path("mine/report.html").read_text()


def test_a_setting_may_have_the_value_of_either_size(capsys, toys):
    said(capsys, "verify", "toy")
    committed = msgspec.structs.replace(made().entries[0], settings={"seeds": 20, "truth": "tent"})
    commit_full(toys, [committed])
    sizes = {"quick": {"seeds": 2, "truth": "tent"}, "full": {"seeds": 20, "truth": "tent"}}
    claim = replace(claims.CLAIM, **sizes)
    for seeds, truth in ((2, "tent"), (20, "tent"), (5, "tent"), (2, "wave"), (20, "wave")):
        words = reference_ledger.full_size(claim, {"seeds": seeds, "truth": truth})
        assert bool(words) is (truth == "tent" and seeds != 5)
    assert reference_ledger.full_size(claim, {"seeds": 2}) == {}


def test_a_run_with_the_settings_of_its_size_is_compared_with_the_committed_ledger(capsys, toys):
    from stepscape.cli import json_documents

    said(capsys, "verify", "toy")
    book = ledger.Ledger("quick", made().entries, {"started": "2026-10-01"})
    toys.setattr(json_documents, "reference_ledger", lambda _: book)
    toys.setattr(claims, "ANSWER", ["mixed"])
    said(capsys, "run", "toy", "--out", "a")
    document = json.loads(Path("a/result.json").read_text())
    assert document["differs"] == ["first"]
    assert document["changes"][0].startswith("Since the quick run of 2026-10-01, 1 of 2 verdicts changed:")
    html = Path("a/report.html").read_text()
    assert "changed from the committed ledger" in html
    assert document["changes"][0] in html.replace("&quot;", '"')
    book = ledger.Ledger(
        "quick", [msgspec.convert({**document, "table": []}, ledger.Entry)], {"started": "2026-11-01"}
    )
    said(capsys, "run", "toy", "--out", "c")  # agrees with a ledger that differed from the one before it
    document = json.loads(Path("c/result.json").read_text())
    assert document["differs"] == []
    assert document["changes"][0].startswith("Since the quick run of 2026-10-01, 1 of 2 verdicts changed:")
    assert "changed from the committed ledger" not in Path("c/report.html").read_text()
    said(capsys, "run", "toy", "--set", "seeds=4", "--out", "b")
    document = json.loads(Path("b/result.json").read_text())
    assert (document["before"], document["differs"], document["changes"]) == (None, [], [])
