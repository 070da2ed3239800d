"""The lessons of the page name claims of the ledger."""

from __future__ import annotations

import re
from pathlib import Path

from stepscape.explorer.verdicts import verdicts

PRESETS = Path(__file__).parents[2] / "explorer" / "source" / "presets.js"


def test_every_lesson_has_a_verdict_of_the_ledger() -> None:
    claims = re.findall(r'claim: "([^"]+)"', PRESETS.read_text(encoding="utf-8"))
    assert len(claims) == 7
    known = verdicts()
    for claim in claims:
        assert claim in known
        assert known[claim].sentence.endswith(".")
