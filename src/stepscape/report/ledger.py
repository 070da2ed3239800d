"""Turn a ledger and its figures into content: an overview, then each claim in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from stepscape.experiments.frame.ledger import Entry, Ledger
from stepscape.report.content import (
    Block,
    Claim,
    Commands,
    Drawing,
    Facts,
    Fold,
    Heading,
    Overview,
    Page,
    Paragraph,
    Section,
)
from stepscape.report.experiment import failures, glossary, judgments, premises, settings_fold
from stepscape.report.words import VERDICTS, counted, duration

Drawings = Mapping[str, Sequence[Drawing]]

_SIZES = {
    "quick": "These are quick sizes: few seeds, short runs. `--full` runs what the verdicts are about.",
    "full": "These are the full sizes, which the verdicts are about.",
}


def ledger_page(ledger: Ledger, drawings: Drawings, origin: str) -> Page:
    """Lay out a ledger; `drawings` by experiment, none where its records are gone."""
    sections = [
        Section("Overview", _overview(ledger)),
        *[_section(entry, drawings.get(entry.experiment.name, ())) for entry in ledger.entries],
        Section("How to repeat it", [_repeat(ledger), Paragraph(_total(ledger))]),
    ]
    lead = (
        f"{counted(len(ledger.entries), 'claim')} about training with large step sizes, each tested by a "
        "written rule; the rule stands beside each verdict. "
        f"{_word_counts(ledger)}"
    )
    return Page("The ledger: which claims held", lead, sections, origin)


def _word_counts(ledger: Ledger) -> str:
    counts = Counter(part.word for entry in ledger.entries for part in entry.verdicts.values())
    found = [f"{counts[word]} {name}" for word, (_, name, _) in VERDICTS.items() if counts[word]]
    return f"Of {counted(counts.total(), 'verdict')}: {', '.join(found)}." if found else ""


def _overview(ledger: Ledger) -> list[Block]:
    claims = [
        Claim(
            entry.experiment.title,
            entry.experiment.name,
            entry.experiment.kind,
            [(each.words or part.replace("_", " "), each.word) for part, each in entry.verdicts.items()],
            duration(entry.seconds),
        )
        for entry in ledger.entries
    ]
    caption = "Every claim with its verdicts; cost is total compute time"
    return [
        Overview(caption, claims),
        Paragraph(_SIZES[ledger.size], "aside"),
        glossary(map(msgspec.to_builtins, ledger.entries)),
    ]


def _section(entry: Entry, drawings: Sequence[Drawing]) -> Section:
    about = entry.experiment
    document = msgspec.to_builtins(entry)
    gone = [
        Paragraph("The records of these runs are no longer in the store, so there is no figure.", "warning")
    ]
    blocks: list[Block] = [
        Paragraph(f"The claim: {about.claim}"),
        Facts([("Kind of claim", about.kind), ("Source", about.source)]),
        Heading("Verdicts"),
        *judgments(document, numbers=False),
        Fold("Numbers behind the verdicts", judgments(document, sentences=False)),
        Heading("Figures"),
        *(drawings or gone),
        *premises(document),
        Heading("Setup and how it was chosen"),
        Paragraph(about.setup),
        settings_fold(document),
        Heading("Cost and how to repeat it"),
        *_cost(entry),
    ]
    return Section(about.title, blocks, name=about.name)


def _cost(entry: Entry) -> list[Block]:
    runs, name = entry.runs, entry.experiment.name
    flag = " --full" if entry.size == "full" else ""
    ended = f"{runs.finished} finished, {runs.diverged} diverged, {runs.failed} failed"
    shared = f"; {', '.join(entry.shared)} read some of them too" if entry.shared else ""
    return [
        Facts(
            [
                ("Runs", f"{runs.total}: {ended}{shared}"),
                ("Total compute time", duration(entry.seconds)),
            ]
        ),
        *failures(msgspec.to_builtins(entry)),
        Commands(
            [
                (
                    f"stepscape run {name}{flag}",
                    "repeats it: these verdicts, and the table, in a separate directory",
                )
            ]
        ),
    ]


def _total(ledger: Ledger) -> str:
    return f"Total compute time: {duration(ledger.seconds)}, each run counted once."


def _repeat(ledger: Ledger) -> Block:
    flag = " --full" if ledger.size == "full" else ""
    names = " ".join(ledger.names)
    return Commands(
        [
            (f"stepscape verify {names}{flag}", "makes this ledger; runs in its store are not repeated"),
            (
                f"stepscape verify{flag} --strict",
                "fails if a verdict differs from the one that comes with stepscape",
            ),
            ("stepscape report DIR", "rebuilds this page from its directory"),
        ]
    )
