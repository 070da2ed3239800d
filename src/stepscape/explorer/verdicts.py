"""What the committed ledger says of each claim, in one word and one sentence."""

from __future__ import annotations

from stepscape.experiments.frame.reference import SIZES, reference_ledger
from stepscape.explorer.page_data import Verdict
from stepscape.report.headline import finding, headline
from stepscape.report.words import VERDICTS, sentence


def verdicts() -> dict[str, Verdict]:
    """Return the verdict of every claim by its name, of the full size where there is one."""
    found: dict[str, Verdict] = {}
    for size in SIZES:
        for entry in reference_ledger(size).entries:
            kind = headline(entry).word
            mark, word, _ = VERDICTS[kind]
            about = entry.experiment
            found.setdefault(about.name, Verdict(about.title, word, mark, kind, sentence(finding(entry))))
    return found
