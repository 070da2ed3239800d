"""Certificates as a document → content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.content import Block, Facts, Fold, Formula, Grid, Paragraph
from stepscape.report.words import number

Entry = Mapping[str, Any]

_MEANINGS = {
    "gauss_newton": "The weighted bending is at most half of λ_max(G) − 1, G the Gauss–Newton part.",
    "sharpness": "The same bound from the sharpness of the whole Hessian G + R, which is measured.",
    "sharpness_loss": "The same bound with the loss L in place of R: it needs no second measurement.",
    "published": "The published form, with x_max taken as at least 1/√3: for smaller values it can fail.",
    "noisy": "The same bound with the error to the truth and the noise level in place of the loss.",
    "interpolation": "The least sharpness of a network through all labels; the left side is data only.",
}
_LOGISTIC = {
    "gauss_newton": "The bending, weighted by how uncertain the fit is, against the Gauss–Newton part G.",
    "weighted": "The same bound from the sharpness of the whole Hessian G + R; ‖R‖ is measured.",
    "uncertain": "The bending among the inputs A with |f| ≤ γ, here {gamma}; Γ is the least curvature in A.",
    "uncertain_best": "The same bound for the γ that makes it smallest, {gamma}.",
    "weighted_stationary": "The first bound without ‖R‖, which vanishes where descent has come to rest.",
    "uncertain_stationary": "The second bound without the term of the loss, under the same premise.",
    "interior_variation": "The unweighted bending where g is at least c, which bounds the excess risk.",
    "interpolation_margin": "The cost of fitting all labels with margin γ; the left side is data only.",
    "overlap": "How much the uncertain sets of truth and fit can differ at most; the truth must be known.",
    "norm": "How much larger the loss can be on new labels, from the size of the parameters alone.",
}


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
    meanings = _LOGISTIC if "weighted" in certificates else _MEANINGS
    sources = [
        (name, Formula(f"{_meaning(meanings.get(name, ''), entry)} {entry['source']}.".strip()))
        for name, entry in certificates.items()
    ]
    return [
        table,
        Paragraph(Formula(_premises(shared, numbered)), "aside"),
        Fold("What each certificate says, and its source", [Facts(sources)]),
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
