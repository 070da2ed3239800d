"""Certificates as a document → content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.content import Block, Facts, Fold, Formula, Grid, Paragraph
from stepscape.report.words import number
from stepscape.theory import theorems

Entry = Mapping[str, Any]


def certificate_blocks(certificates: Mapping[str, Entry], units: str = "") -> list[Block]:
    """Lay out certificates: both sides of each, their common premises, and the further ones of each.

    If they have none in common, premises are numbered and listed below.
    """
    entries = list(certificates.values())
    shared = [premise for premise in entries[0]["assumptions"] if _by_all(premise, entries)]
    numbered = {} if shared else _numbered(entries)
    caption = "Both sides of every inequality" + (f", {units}" if units else "")
    columns = ("certificate", "inequality", "left", "right", "slack", "verdict", "further premises")
    table = Grid(
        caption, columns, [_row(name, entry, shared, numbered) for name, entry in certificates.items()]
    )
    loss = "logistic" if "weighted" in certificates else "square"
    meanings = {theorem.name: theorem.meaning for theorem in theorems(loss)}
    sources = [
        (name, Formula(f"{_meaning(meanings.get(name, ''), entry)} {entry['source']}.".strip()))
        for name, entry in certificates.items()
    ]
    return [
        table,
        Paragraph(Formula(_premises(shared, numbered)), "aside"),
        *_inapplicable(entries),
        Fold("What each certificate says, and its source", [Facts(sources)]),
    ]


def _inapplicable(entries: Sequence[Entry]) -> list[Block]:
    if all(entry["verdict"] != "inapplicable" for entry in entries):
        return []
    said = (
        "`inapplicable` is not a failure: a premise of the theorem is not met, so it says nothing about this "
        "network."
    )
    return [Paragraph(said, "aside")]


def _meaning(words: str, entry: Entry) -> str:
    return words.format(gamma=number(entry["details"].get("gamma")))


def _by_all(premise: str, certificates: Sequence[Entry]) -> bool:
    return all(premise in entry["assumptions"] for entry in certificates)


def _numbered(certificates: Sequence[Entry]) -> dict[str, str]:
    premises = [*dict.fromkeys(premise for entry in certificates for premise in entry["assumptions"])]
    return {premise: f"({number})" for number, premise in enumerate(premises, 1)}


def _premises(shared: Sequence[str], numbered: Mapping[str, str]) -> str:
    if shared:
        return f"Premises of all of them: {'; '.join(shared)}."
    return f"Premises: {'; '.join(f'{number} {premise}' for premise, number in numbered.items())}."


def _row(name: str, entry: Entry, shared: Sequence[str], numbered: Mapping[str, str]) -> tuple[Any, ...]:
    further = [numbered.get(premise, premise) for premise in entry["assumptions"] if premise not in shared]
    further += [f"not met: {numbered.get(premise, premise)}" for premise in entry["failed_premises"]]
    numbers = (entry["left"], entry["right"], entry["slack"])
    between = " " if numbered else "; "
    statement, premises = Formula(entry["statement"]), Formula(between.join(further))
    return (name, statement, *numbers, entry["verdict"], premises)
