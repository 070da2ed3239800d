"""Turn a ledger into its index: chapters in the order of the story, one card per claim."""

from __future__ import annotations

from collections.abc import Mapping

from stepscape.experiments.chapters import by_chapter
from stepscape.experiments.frame.kinds import WORDS
from stepscape.experiments.frame.ledger import Entry, Ledger
from stepscape.report.changes import change_words
from stepscape.report.content import Badge, Formula
from stepscape.report.experiment import changed_badge, size_badge
from stepscape.report.headline import finding, headline
from stepscape.report.index import Card, Group, Index
from stepscape.report.words import VERDICTS, counted, duration, other_word

FullSize = Mapping[str, Mapping[str, str]]


def ledger_index(
    ledger: Ledger,
    thumbnails: Mapping[str, str] | None = None,
    full_size: FullSize | None = None,
    origin: str = "",
) -> Index:
    """Lay out the index of a ledger.

    Parameters
    ----------
    thumbnails : data address of a picture by claim.
    full_size : words of parts and rows in the committed full ledger by claim, if this one is quick.
    """
    entries = {entry.experiment.name: entry for entry in ledger.entries}
    pictures, full = thumbnails or {}, full_size or {}
    groups = [
        Group(title, [_card(entries[name], pictures.get(name, ""), full.get(name, {})) for name in names])
        for title, names in by_chapter(list(entries)).items()
    ]
    glossary = [(f"{mark} {name}", meaning) for mark, name, meaning in map(VERDICTS.__getitem__, WORDS)]
    lead = (
        f"{counted(len(entries), 'claim')}, judged by written rules from {duration(ledger.seconds)} of runs: "
        "what the deciding part found, its verdict, and a mark for each part."
    )
    return Index("Which claims held", lead, groups, _badges(ledger), _lines(ledger), glossary, origin)


def _badges(ledger: Ledger) -> list[Badge]:
    changed = any(entry.differs for entry in ledger.entries)
    return [size_badge(ledger.size), *([changed_badge()] if changed else [])]


def _card(entry: Entry, thumbnail: str, full_size: Mapping[str, str]) -> Card:
    about, decides = entry.experiment, headline(entry)
    part = next(name for name, found in entry.verdicts.items() if found is decides)
    titles = [(found.words or name.replace("_", " "), found.word) for name, found in entry.verdicts.items()]
    return Card(
        title=finding(entry),
        address=f"claims/{about.name}.html",
        word=decides.word,
        at_full=other_word(decides.word, full_size.get(part)),
        marks=titles,
        kind=about.kind,
        source=Formula(about.source),
        cost=duration(entry.seconds),
        badge=" ".join(change_words(entry)) if entry.differs else "",
        thumbnail=thumbnail,
        search=" ".join([about.name, about.title, about.claim, *(title for title, _ in titles)]),
    )


def _lines(ledger: Ledger) -> list[tuple[str, str]]:
    flag = " --full" if ledger.size == "full" else ""
    names = " ".join(ledger.names)
    return [
        (f"stepscape verify {names}{flag}", "makes this ledger; runs in its store are not repeated"),
        (
            f"stepscape verify{flag} --strict",
            "fails if a verdict differs from the one that comes with stepscape",
        ),
        ("stepscape report DIR", "rebuilds these pages from their directory"),
    ]
