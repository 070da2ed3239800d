"""The command ``list``: the claims, by family, with what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from stepscape.cli import console
from stepscape.cli import json_documents as documents
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import unknown

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim

FAMILIES = {
    "edge": "The edge of stability",
    "square": "The square loss",
    "forces": "Other forces of nature",
    "interpolation": "Interpolation",
    "folklore": "Flatness folklore",
    "logistic": "The logistic loss",
    "confidence": "Confidence",
    "certificates": "Certificates and risk",
    "recovery": "Recovery",
    "plane": "Several inputs",
    "deep": "Deep networks and other methods",
    "illustrations": "Illustrations",
}


def list_experiments(family: str | None, long: bool, as_json: bool, _unfinished: Unfinished) -> None:
    """Print one line per claim, or all that is known of each: of every claim, of a family, or of one."""
    from stepscape import experiments

    families = {name: experiments.family(name) for name in experiments.names()}
    if family is not None and family not in {*families, *families.values()}:
        raise unknown("family", family, dict.fromkeys([*families.values(), *families]))
    chosen = [name for name, of in families.items() if family in (None, of, name)]
    claims = [experiments.get(name) for name in sorted(chosen, key=lambda name: _order(families[name]))]
    entries = [_entry(claim, families[claim.name]) for claim in claims]
    said = _long(claims, entries) if long or family is not None else _short(entries)
    console.answer({"command": "list", "experiments": entries}, said, as_json)


def _order(family: str) -> int:
    return [*FAMILIES, family].index(family)


def _entry(claim: Claim, family: str) -> dict[str, Any]:
    from stepscape.cli.reference_ledger import words

    size, verdicts = words(claim)
    decides = verdicts.get(claim.primary.name)
    return {
        **documents.describe(claim), "family": family, "extra": claim.extra or None, "verdicts": verdicts,
        "size": size or None, "verdict": decides,
    }  # fmt: skip


def _short(entries: list[dict[str, Any]]) -> list[str]:
    rows = [(entry["name"], _word(entry["verdict"]), _title(entry)) for entry in entries]
    table = iter(console.columns(rows))
    lines = []
    for family, members in groupby(entries, lambda entry: str(entry["family"])):
        lines += [FAMILIES.get(family, family), *(next(table) for _ in members)]
    return [
        *lines,
        "",
        f"The words are the verdicts of the committed ledger{_sizes(entries)}.",
        "stepscape list NAME: what a claim says, part by part.",
        "stepscape run NAME: run one. stepscape run NAME --help: its settings.",
    ]


def _title(entry: Mapping[str, Any]) -> str:
    return f"{entry['title']} (needs {entry['extra']})" if entry["extra"] else str(entry["title"])


def _sizes(entries: list[dict[str, Any]]) -> str:
    sizes = sorted({entry["size"] for entry in entries if entry["size"]})
    return f" at {' or '.join(sizes)} size" if sizes else ""


def _long(claims: list[Claim], entries: list[dict[str, Any]]) -> list[str]:
    lines = []
    for claim, entry in zip(claims, entries, strict=True):
        lines += [
            f"{claim.name}: {_title(entry)}",
            console.paragraph(claim.claim, "    "),
        ]
        lines.append(f"    kind: {entry['kind']}")
        known = f"verdicts at {entry['size']} size:" if entry["verdicts"] else "no verdict on record"
        lines += [f"    {known}", *_parts(claim, entry["verdicts"]), ""]
    return [*lines, "Run one with: stepscape run NAME"]


def _parts(claim: Claim, verdicts: Mapping[str, str]) -> list[str]:
    """Say the verdict of each part, and of each of its rows."""
    from stepscape.experiments.frame.part import row_words

    lines = []
    for part in claim.parts:
        if part.name in verdicts:
            rows = [
                f"{_word(word)} for {row_words(row, claim.names)}"
                for name, word in verdicts.items()
                if (row := name.removeprefix(f"{part.name}: ")) != name
            ]
            lines.append(f"      {documents.label(part.words)} {_word(verdicts[part.name]).upper()}")
            lines += [console.paragraph("; ".join(rows), "        ")] if rows else []
    return lines


def _word(word: str | None) -> str:
    from stepscape.report.words import VERDICTS

    return VERDICTS[word][1] if word else "no verdict"
