"""A ledger says what the one before said of a claim, and what was changed in between."""

from __future__ import annotations

import msgspec
import pytest

from frame_claims import CLAIM
from stepscape.experiments.frame import ledger, run
from stepscape.experiments.frame.before import with_before

NOW = {"code": "now", "started": "2026-11-29T20:00:00"}
THEN = {"code": "then", "started": "2026-10-01T20:00:00"}


@pytest.fixture(scope="module")
def entry():
    return ledger.enter(CLAIM, run(CLAIM, CLAIM.settings()), "full")


def compared(old, new, then=THEN):
    return with_before(new, NOW, ledger.Ledger("full", [old], then))


def changed(entry, **changes):
    return msgspec.structs.replace(entry, **changes)


def other_rule(entry, part):
    found = {**entry.verdicts}
    found[part] = changed(found[part], fingerprint="another", word="undecided")
    return changed(entry, verdicts=found)


def test_a_claim_that_the_ledger_before_does_not_know_has_nothing_before(entry):
    assert with_before(entry, NOW, ledger.Ledger("full", [], THEN)) == entry
    assert entry.changed == {}


def test_a_rule_the_seeds_a_setting_the_runs_and_the_code_are_told_apart(entry):
    part, other = entry.verdicts
    settings = {**entry.settings, "seeds": 99, "gone": 1}
    old = changed(other_rule(entry, part), settings=settings, kinds=["toy/0"])
    before = compared(old, entry).before
    assert before.made == "2026-10-01"
    assert (before.rules, before.seeds, before.settings) == ([part], ["seeds"], ["gone"])
    assert before.runs
    assert before.code
    assert compared(old, entry).changed == {part: ("undecided", entry.verdicts[part].word)}
    same = compared(other_rule(entry, part), entry, {**THEN, "code": "now"}).before
    assert (same.rules, same.seeds, same.settings, same.runs, same.code) == ([part], [], [], False, False)
    assert other not in same.rules


def test_kinds_of_runs_that_were_not_recorded_are_not_called_others(entry):
    part = next(iter(entry.verdicts))
    assert not compared(changed(other_rule(entry, part), kinds=[]), entry).before.runs


def test_parts_that_came_or_went_have_no_word_on_one_side(entry):
    first, second = entry.verdicts
    old = changed(entry, verdicts={"gone": entry.verdicts[first], second: entry.verdicts[second]})
    found = compared(old, entry).changed
    assert found[first] == ("", entry.verdicts[first].word)
    assert found["gone"] == (entry.verdicts[first].word, "")
    assert second not in found


def test_the_committed_ledger_made_again_keeps_what_it_said(entry):
    part = next(iter(entry.verdicts))
    first = compared(other_rule(entry, part), entry)
    assert first.before is not None
    again = compared(first, changed(entry, seconds=9.0), NOW)
    assert again.before == changed(first.before, agrees=True)
    assert first.differs == first.changed == again.changed != {}
    assert again.differs == {}


def test_it_survives_its_file(entry):
    made = ledger.Ledger("full", [compared(other_rule(entry, next(iter(entry.verdicts))), entry)], NOW)
    assert ledger.read(msgspec.json.encode(made), "it").entries[0].before == made.entries[0].before
