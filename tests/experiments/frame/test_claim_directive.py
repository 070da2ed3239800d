from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from frame_claims import CLAIM, claim
from stepscape.experiments.frame import Part, ledger, run
from stepscape.experiments.frame.before import Before

DOCS = next(parent / "docs" for parent in Path(__file__).parents if (parent / "docs" / "conf.py").is_file())


@pytest.fixture
def directive(monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    spec = importlib.util.spec_from_file_location("claim_directive", DOCS / "_ext" / "claim.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "claim_directive", module)
    spec.loader.exec_module(module)
    return module


def test_a_page_shows_claim_parts_with_rule_and_word_setup_and_cost(directive: Any) -> None:
    entry = ledger.enter(CLAIM, run(CLAIM, CLAIM.settings()), "full", seconds=120.0, shared=["other"])
    text = directive.markdown(CLAIM, entry)
    for part in (
        "stepscape run toy --full",
        "**Claim** (figure). The risk rises with the step size & more. *(A document, its third page.)*",
        "no when it excludes 0.01 or more.",
        "**The risk rises** [● reproduced]{.chip .chip-reproduced} It is so for the first arm and second.",
        "*This part decides.*",
        "- the first arm [● reproduced]{.chip .chip-reproduced} The risk rises with the step size: 0.2",
        "[● holds]{.chip .chip-holds} The inequality holds at all 12 runs.",
        "**Setup.** How the setup was chosen.",
        "18 runs (12 finished, 6 diverged, 0 failed), 2 minutes of one worker; shared with `other`.",
    ):
        assert part in text
    assert "changed after" not in text
    assert "Since the last full run" not in text


def test_a_page_says_what_changed_since_the_last_full_run_and_why(directive: Any) -> None:
    entry = ledger.enter(CLAIM, run(CLAIM, CLAIM.settings()), "full")
    before = Before("2026-10-01", {**entry.words, CLAIM.primary.name: "partly"}, seeds=["seeds"])
    text = directive.markdown(CLAIM, msgspec.structs.replace(entry, before=before))
    assert (
        "**Since the last full run.** Since the full run of 2026-10-01, 1 of 2 verdicts changed: “The risk "
        "rises” was partly reproduced and is reproduced. What was changed in between: the seeds." in text
    )


def test_a_rule_that_was_changed_after_its_numbers_is_marked(directive: Any) -> None:
    entry = ledger.enter(CLAIM, run(CLAIM, CLAIM.settings()), "full")
    first, second = CLAIM.parts
    changed = claim(parts=(Part(**{**vars(first), "constants": {"least": 0.02}}), second))
    assert directive.markdown(changed, entry).count("*The rule was changed after these numbers.*") == 1


def test_code_in_a_text_keeps_its_underscores(directive: Any) -> None:
    assert directive.text("The column `a_b` of a_b.") == "The column `a_b` of a\\_b"


def test_a_claim_that_was_not_judged_yet(directive: Any) -> None:
    assert directive.markdown(CLAIM, None).count("not judged at full size yet") == 2
