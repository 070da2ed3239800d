"""Certificates as a document → content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.content import Block, Facts, Fold, Formula, Grid, Paragraph
from stepscape.report.words import number

Entry = Mapping[str, Any]

_MEANINGS = {
    "gauss_newton": "The weighted bending is at most half of what the Gauss–Newton curvature G exceeds 1 by.",
    "sharpness": "The same from the sharpness of the whole Hessian, the one that is measured; R is the rest.",
    "sharpness_loss": "The same with the training loss L standing for R: no second measurement.",
    "published": "The form in print, with x_max at least 1/√3: with smaller ones it can fail.",
    "noisy": "With the error to the truth and the noise level in place of the loss; both must be known.",
    "interpolation": "How sharp every network through all labels is: the left side is known from the data.",
}
_LOGISTIC = {
    "gauss_newton": "Bending, weighted by how uncertain the data are, beside the Gauss–Newton curvature G.",
    "weighted": "The same from the sharpness of the whole Hessian; ‖R‖, what G leaves of it, is measured.",
    "uncertain": "Bending among the inputs A with |f| ≤ γ, here {gamma}; Γ is the least curvature of one.",
    "uncertain_best": "The same for the γ that makes the bound smallest, {gamma}: many inputs, or curvature.",
    "weighted_stationary": "The first bound without ‖R‖: where descent has come to rest it vanishes.",
    "uncertain_stationary": "The second bound without the term of the loss, under the same premise.",
    "interior_variation": "The bending where g is at least c, without a weight: what bounds the excess risk.",
    "interpolation_margin": "What it costs to fit every label by a margin γ: the left side is from the data.",
    "overlap": "How little the uncertain sets of truth and fit can differ; the truth must be known.",
    "norm": "How much the loss can be larger on new labels, from the size of the parameters alone.",
}


def certificate_blocks(certificates: Mapping[str, Entry], units: str = "") -> list[Block]:
    """Lay out certificates: both sides of each, the premises they share, what else each supposes.

    Where they share none, premises are numbered and listed below.
    """
    entries = list(certificates.values())
    shared = [premise for premise in entries[0]["assumptions"] if _by_all(premise, entries)]
    numbered = {} if shared else _numbered(entries)
    caption = "Both sides of every inequality" + (f", {units}" if units else "")
    columns = ("certificate", "inequality", "left", "right", "slack", "verdict", "further premises")
    table = Grid(
        caption, columns, [_row(name, entry, shared, numbered) for name, entry in certificates.items()]
    )
    meanings = _LOGISTIC if "weighted" in certificates else _MEANINGS
    sources = [
        (name, Formula(f"{_meaning(meanings.get(name, ''), entry)} {entry['source']}.".strip()))
        for name, entry in certificates.items()
    ]
    return [
        table,
        Paragraph(Formula(_premises(shared, numbered)), "aside"),
        Fold("What each says, and where it comes from", [Facts(sources)]),
    ]


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
    further += [f"not met: {numbered.get(premise, premise)}" for premise in entry["unmet"]]
    numbers = (entry["left"], entry["right"], entry["slack"])
    between = " " if numbered else "; "
    statement, premises = Formula(entry["statement"]), Formula(between.join(further))
    return (name, statement, *numbers, entry["verdict"], premises)
