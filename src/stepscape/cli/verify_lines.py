"""The document of a ledger → the lines for people: a table with one line per claim, or everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stepscape.cli import console
from stepscape.cli import json_documents as documents

if TYPE_CHECKING:
    from stepscape.experiments.frame.ledger import Difference

Document = Mapping[str, Any]


def lines(document: Document, found: Sequence[Difference], seconds: float, long: bool) -> list[str]:
    """Say what came of every claim, how that compares with the committed ledger, and where it stands."""
    from stepscape.cli.ledger_files import LEDGER
    from stepscape.report.words import duration

    said = (
        [line for entry in document["entries"] for line in _claim(document, entry)]
        if long
        else _table(document)
    )
    size = document["size"]
    said += ["", *(
        f"The rule of {name}, {', '.join(parts)} was changed after the committed {size} numbers."
        for name, parts in document["changed_rules"].items()
    )]  # fmt: skip
    said += [f"{name} was skipped: it {need}." for name, need in document["skipped"].items()]
    if found:
        said.append(f"{counted(found)} from the committed {size} ledger:")
        said += [console.paragraph(str(difference), "    ") for difference in found]
    else:
        said.append(f"Every verdict agrees with the committed {size} ledger.")
    more = "" if long else " Every part with its rule: claims/, or --long."
    said.append(
        f"{duration(seconds)}; {document['directory']}: report.html, claims/, {LEDGER}, "
        f"figures/, store/.{more}"
    )
    return said


def _table(document: Document) -> list[str]:
    """One line per claim: the verdict that decides, how many other parts have which word, its runs."""
    from stepscape.report.words import duration

    rows = [("claim", "verdict", "other parts", "runs", "compute time")]
    for entry in document["entries"]:
        verdicts = entry["verdicts"].values()
        decides = next((_word(each) for each in verdicts if each["primary"]), "-")
        others = Counter(_word(each) for each in verdicts if not each["primary"])
        runs = entry["runs"]
        failed = f", {runs['failed']} failed" if runs["failed"] else ""
        rows.append((
            entry["experiment"]["name"],
            decides,
            ", ".join(f"{count} {word}" for word, count in others.items()) or "-",
            f"{sum(runs.values())}{failed}",
            duration(entry["seconds"]),
        ))  # fmt: skip
    return console.columns(rows, "")


def _word(verdict: Document) -> str:
    from stepscape.report.words import VERDICTS

    return VERDICTS[verdict["word"]][1]


def _claim(document: Document, entry: Document) -> list[str]:
    about = entry["experiment"]
    at_full = document["full_size"].get(about["name"], {})
    return [
        about["title"],
        console.paragraph(f"Claim ({about['kind']}): {about['claim']}"),
        console.paragraph(f"Source: {about['source']}"),
        "",
        *documents.verdict_lines(entry["verdicts"], at_full, details=False),
        "",
        documents.cost_words(entry),
        "",
        "",
    ]


def counted(found: Sequence[Difference]) -> str:
    """Say in how many verdicts two ledgers differ."""
    return f"{len(found)} verdict{' differs' if len(found) == 1 else 's differ'}"
