"""The page of one claim of a ledger: what came out, its figures, setup, cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from stepscape.experiments.frame.ledger import Entry
from stepscape.report.changes import change_words
from stepscape.report.content import (
    Badge,
    Block,
    Commands,
    Drawing,
    Facts,
    Formula,
    Page,
    Paragraph,
    Section,
)
from stepscape.report.experiment import (
    changed_badge,
    changes,
    failures,
    further,
    premises,
    settings_fold,
    size_badge,
    verdicts,
)
from stepscape.report.words import duration


def claim_page(
    entry: Entry,
    drawings: Sequence[Drawing],
    more: Sequence[tuple[str, str]] = (),
    full_size: Mapping[str, str] | None = None,
    origin: str = "",
) -> Page:
    """Lay out a claim of a ledger.

    Parameters
    ----------
    drawings : its figures; none where its records are gone.
    more : further figures as words and addresses.
    full_size : words of its parts and rows in the committed full ledger, if the entry is quick.
    """
    about = entry.experiment
    document = {**msgspec.to_builtins(entry), "full_size": full_size or {}}
    sections = [
        Section("Verdicts", [*failures(document), *changes(change_words(entry)), *verdicts(document)]),
        Section("Figures", [*(drawings[1:] if drawings else [_GONE]), *further(more)]),
        Section("The setup", [Paragraph(about.setup), _facts(entry), settings_fold(document)]),
        Section("Premises", premises(document, heading=False)),
        Section("How to repeat it", [_repeat(entry)]),
    ]
    kept = [section for section in sections if section.blocks]
    lead = f"The claim: {about.claim}"
    back = ("← all claims", "../report.html")
    return Page(about.title, lead, kept, origin, next(iter(drawings), None), badges(entry), back)


_GONE = Paragraph("The records of these runs are no longer in the store, so there is no figure.", "warning")


def badges(entry: Entry) -> list[Badge]:
    """Name the size, and whether a verdict changed since the ledger before."""
    return [size_badge(entry.size), *([changed_badge()] if entry.differs else [])]


def _facts(entry: Entry) -> Block:
    runs = entry.runs
    ended = f"{runs.finished} finished, {runs.diverged} diverged, {runs.failed} failed"
    shared = f"; {', '.join(entry.shared)} read some of them too" if entry.shared else ""
    return Facts(
        [
            ("Source of the claim", Formula(entry.experiment.source)),
            ("Kind of claim", entry.experiment.kind),
            ("Runs", f"{runs.total}: {ended}{shared}"),
            ("Total compute time", duration(entry.seconds)),
        ]
    )


def _repeat(entry: Entry) -> Block:
    flag = " --full" if entry.size == "full" else ""
    line = f"stepscape run {entry.experiment.name}{flag}"
    return Commands([(line, "repeats it: these verdicts, and the table, in a separate directory")])
