"""The committed ledgers, and the verdicts of the full size beside those of a quick run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

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
    assert "verdicts (full): first reproduced; second consistent" in out
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
