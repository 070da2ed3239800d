"""A ledger and its figures → content: an overview, then every claim with all that belongs to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from stepscape.experiments.ledger import Entry, Ledger, Premise
from stepscape.report.content import (
    Block,
    Claim,
    Commands,
    Drawing,
    Facts,
    Fold,
    Grid,
    Heading,
    Overview,
    Page,
    Paragraph,
    Section,
)
from stepscape.report.experiment import judgments, settings_fold
from stepscape.report.words import VERDICTS, duration

Drawings = Mapping[str, Sequence[Drawing]]

_SIZES = {
    "quick": "These are the quick sizes: few seeds, short runs. `--full` runs what the verdicts are about.",
    "full": "These are the full sizes, which the verdicts are about.",
}


def ledger_page(ledger: Ledger, drawings: Drawings, origin: str) -> Page:
    """Lay out a ledger; `drawings` by experiment, none where its records are gone."""
    sections = [
        Section("Overview", _overview(ledger)),
        *[_section(entry, drawings.get(entry.experiment.name, ())) for entry in ledger.entries],
        Section("How to repeat it", [_repeat(ledger)]),
    ]
    lead = (
        f"{_counted(len(ledger.entries), 'claim')} about training with large step sizes, each put to the "
        f"test by a rule that was written before its numbers. {_tally(ledger)}"
    )
    return Page("The ledger: which claims held", lead, sections, origin)


def _tally(ledger: Ledger) -> str:
    counts = Counter(part.word for entry in ledger.entries for part in entry.verdicts.values())
    found = [f"{counts[word]} {name}" for word, (_, name, _) in VERDICTS.items() if counts[word]]
    return f"Of {_counted(counts.total(), 'verdict')}: {', '.join(found)}." if found else ""


def _overview(ledger: Ledger) -> list[Block]:
    claims = [
        Claim(
            entry.experiment.title,
            entry.experiment.name,
            entry.experiment.kind,
            [(part.replace("_", " "), verdict.word) for part, verdict in entry.verdicts.items()],
            duration(entry.seconds),
        )
        for entry in ledger.entries
    ]
    words = [(f"{mark} {name}", meaning) for mark, name, meaning in list(VERDICTS.values())[:8]]
    caption = "Every claim with its verdicts; cost is the time of its runs, added up over cores"
    return [
        Overview(caption, claims),
        Paragraph(_SIZES[ledger.size], "aside"),
        Fold("What the words mean", [Facts(words)]),
    ]


def _section(entry: Entry, drawings: Sequence[Drawing]) -> Section:
    about = entry.experiment
    document = msgspec.to_builtins(entry)
    gone = [Paragraph("The records of these runs are not in the store any more: no figure.", "warning")]
    blocks: list[Block] = [
        Paragraph(f"The claim: {about.claim}"),
        Facts([("Kind of claim", about.kind), ("Source", about.source)]),
        Heading("Verdicts"),
        *judgments(document, numbers=False),
        Fold("The numbers that decided", judgments(document, sentences=False)),
        Heading("Figures"),
        *(drawings or gone),
        *_premises(entry.premises),
        Heading("Setup, and how it was chosen"),
        Paragraph(about.setup),
        settings_fold(document),
        Heading("Cost, and how to repeat it"),
        *_cost(entry),
    ]
    return Section(about.title, blocks, name=about.name)


def _premises(premises: Sequence[Premise]) -> list[Block]:
    """One row a premise, one column an arm; in how many runs it was measured where that is not all."""
    if not premises:
        return []
    arms = list(dict.fromkeys(premise.arm for premise in premises))
    found = {(premise.column, premise.arm): _found(premise) for premise in premises}
    stated = {premise.column: premise.words for premise in premises}
    rows = [
        (f"{words} (`{column}`)", *(found[column, arm] for arm in arms)) for column, words in stated.items()
    ]
    columns = ("premise", *(arm.replace("_", " ") or "found" for arm in arms))
    shares = (40, *(60 // len(arms) for _ in arms))
    return [
        Heading("Premises"),
        Grid("What must hold, and what the runs say about it", columns, rows, shares),
    ]


def _found(premise: Premise) -> str:
    if premise.measured in (0, premise.runs):
        return premise.found
    return f"{premise.found}; measured in {premise.measured} of {premise.runs} runs"


def _cost(entry: Entry) -> list[Block]:
    runs, name = entry.runs, entry.experiment.name
    flag = " --full" if entry.size == "full" else ""
    ended = f"{runs.finished} finished, {runs.diverged} diverged, {runs.failed} failed"
    why = [
        Paragraph(f"{_counted(count, 'run')} failed: {reason}.", "warning")
        for reason, count in entry.failures.items()
    ]
    return [
        Facts([("Runs", f"{runs.total}: {ended}"), ("Time of the runs, added up", duration(entry.seconds))]),
        *why,
        Commands(
            [
                (
                    f"stepscape verify {name}{flag}",
                    "repeats these runs, or reads them from the store, and judges them",
                ),
                (f"stepscape run {name}{flag}", "the same with a table and figures of its own"),
            ]
        ),
    ]


def _repeat(ledger: Ledger) -> Block:
    flag = " --full" if ledger.size == "full" else ""
    names = " ".join(ledger.names)
    return Commands(
        [
            (f"stepscape verify {names}{flag}", "makes this ledger; what is in its store is not run again"),
            (
                f"stepscape verify{flag} --strict",
                "fails when a verdict differs from the one that came with stepscape",
            ),
            ("stepscape report DIR", "lays out this page again from the directory it came from"),
        ]
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
