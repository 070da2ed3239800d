"""Certificates as a document → content: both sides of each, a bar of their ratio, premises in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.content import Block, Bound, Facts, Fold, Formula, Paragraph
from stepscape.report.words import number
from stepscape.theory import theorems

Entry = Mapping[str, Any]
LITTLE = 0.1  # a left side that is less than this share of the right side


def certificate_blocks(
    certificates: Mapping[str, Entry], units: str = "", what: str = "network"
) -> list[Block]:
    """Lay out certificates about `what`: both sides of each, with the premises that not all of them have.

    Those that all of them have stand below, once.
    """
    entries = list(certificates.values())
    shared = [premise for premise in entries[0]["assumptions"] if _by_all(premise, entries)]
    loss = "logistic" if "weighted" in certificates else "square"
    meanings = {theorem.name: theorem.meaning for theorem in theorems(loss)}
    sources = [
        (name, Formula(f"{_meaning(meanings.get(name, ''), entry)} {entry['source']}.".strip()))
        for name, entry in certificates.items()
    ]
    lead = "Both sides of every inequality" + (f", {units}. " if units else ". ")
    return [
        Paragraph(f"{lead}The bar shows the left side as a share of the right: a tight bound fills it."),
        *[_bound(name, entry, shared) for name, entry in certificates.items()],
        *([Paragraph(Formula(f"Premises of all of them: {'; '.join(shared)}."), "aside")] if shared else []),
        *_inapplicable(entries, what),
        Fold("What each certificate says, and its source", [Facts(sources)]),
    ]


def _bound(name: str, entry: Entry, shared: Sequence[str]) -> Block:
    share = _share(entry["left"], entry["right"])
    little = entry["verdict"] == "holds" and share is not None and share < LITTLE
    return Bound(
        name,
        Formula(entry["statement"]),
        entry["left"],
        entry["right"],
        entry["slack"],
        entry["verdict"],
        share,
        f"but says little: the left side is {_percent(share)} of the right" if little else "",
        [Formula(premise) for premise in entry["assumptions"] if premise not in shared],
        [Formula(premise) for premise in entry["failed_premises"]],
    )


def _share(left: float | None, right: float | None) -> float | None:
    """Left side over right side; None where this is not a number from 0 on."""
    if left is None or right is None or not right > 0.0 or not left >= 0.0:
        return None
    share = left / right
    return share if share - share == 0.0 else None


def _percent(share: float | None) -> str:
    percent = 100.0 * (share or 0.0)
    return f"{percent:.1f} %" if percent >= 0.1 else "less than 0.1 %"


def _inapplicable(entries: Sequence[Entry], what: str) -> list[Block]:
    if all(entry["verdict"] != "inapplicable" for entry in entries):
        return []
    said = (
        "`inapplicable` is not a failure: a premise of the theorem is not met, so it says nothing about this "
        f"{what}."
    )
    return [Paragraph(said, "aside")]


def _meaning(words: str, entry: Entry) -> str:
    return words.format(gamma=number(entry["details"].get("gamma")))


def _by_all(premise: str, certificates: Sequence[Entry]) -> bool:
    return all(premise in entry["assumptions"] for entry in certificates)
