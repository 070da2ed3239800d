"""Certificates as a document → content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.content import Block, Facts, Fold, Grid, Paragraph

Entry = Mapping[str, Any]

_MEANINGS = {
    "gauss_newton": "The weighted bending is at most half of what the Gauss–Newton curvature G exceeds 1 by.",
    "sharpness": "The same from the sharpness of the whole Hessian, the one that is measured; R is the rest.",
    "sharpness_loss": "The same with the training loss L standing for R: no second measurement.",
    "published": "The form in print, with x_max at least 1/√3: with smaller ones it can fail.",
    "noisy": "With the error to the truth and the noise level in place of the loss; both must be known.",
    "interpolation": "How sharp every network through all labels is: the left side is known from the data.",
}


def certificate_blocks(certificates: Mapping[str, Entry], units: str = "") -> list[Block]:
    """Lay out certificates: both sides of each, the premises they share, what else each supposes."""
    entries = list(certificates.values())
    shared = [premise for premise in entries[0]["assumptions"] if _by_all(premise, entries)]
    caption = "Both sides of every inequality" + (f", {units}" if units else "")
    columns = ("certificate", "inequality", "left", "right", "slack", "verdict", "further premises")
    table = Grid(caption, columns, [_row(name, entry, shared) for name, entry in certificates.items()])
    sources = [
        (name, f"{_MEANINGS.get(name, '')} {entry['source']}.".strip())
        for name, entry in certificates.items()
    ]
    return [
        table,
        Paragraph(f"Premises of all of them: {'; '.join(shared)}.", "aside"),
        Fold("What each says, and where it comes from", [Facts(sources)]),
    ]


def _by_all(premise: str, certificates: Sequence[Entry]) -> bool:
    return all(premise in entry["assumptions"] for entry in certificates)


def _row(name: str, entry: Entry, shared: Sequence[str]) -> tuple[Any, ...]:
    further = [premise for premise in entry["assumptions"] if premise not in shared]
    further += [f"not met: {premise}" for premise in entry["unmet"]]
    numbers = (entry["left"], entry["right"], entry["slack"])
    return (name, entry["statement"], *numbers, entry["verdict"], "; ".join(further))
