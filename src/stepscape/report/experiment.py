"""Turn the document of a run and its drawings into content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stepscape.experiments.common.arms import ARM_NAMES, ARMS
from stepscape.experiments.frame.kinds import WORDS
from stepscape.report.content import (
    Badge,
    Block,
    Commands,
    Drawing,
    Facts,
    Fold,
    Formula,
    Grid,
    Heading,
    Judgment,
    Links,
    Page,
    Paragraph,
    Section,
)
from stepscape.report.records import records_blocks
from stepscape.report.words import VERDICTS, capitalize, counted, number, other_word

Document = Mapping[str, Any]
SIZE_WORDS = {
    "quick": "few seeds and short runs: some verdicts stay open that the full size decides",
    "full": "the size that the verdicts are about",
}


def size_badge(size: str) -> Badge:
    """Name the size of a run."""
    return Badge(f"{size} size", SIZE_WORDS[size])


def experiment_page(
    document: Document, drawings: Sequence[Drawing], origin: str, more: Sequence[tuple[str, str]] = ()
) -> Page:
    """Lay out one run: verdicts first, then figures, then the setup and every number.

    `more` names further figures, with their addresses.
    """
    about = document["experiment"]
    again = f"stepscape run {about['name']}"
    sections = [
        Section(
            "Verdicts", [*failures(document), *changes(document.get("changes", ())), *verdicts(document)]
        ),
        Section("Figures", [*drawings[1:], *further(more)]),
        Section("The setup", [*setup(document), *premises(document)]),
        Section("Every measurement", [Fold("Open the table", records_blocks(document["table"]))]),
        Section(
            "What to do next",
            [
                Commands(
                    [
                        (f"{again} --full", "runs it at the size that the verdict is about"),
                        (f"{again} --set KEY=VALUE", "changes one of the settings above"),
                    ]
                )
            ],
        ),
    ]
    lead, kept = f"The claim: {about['claim']}", [section for section in sections if section.blocks]
    return Page(about["title"], lead, kept, origin, next(iter(drawings), None), _badges(document))


def _badges(document: Document) -> list[Badge]:
    settings = [Badge("changed settings", _size(document))] if document.get("changed") else []
    return [size_badge(document["size"]), *settings, *([changed_badge()] if document.get("differs") else [])]


def changed_badge() -> Badge:
    """Say that a verdict is another one than that of the committed ledger of this size."""
    return Badge("changed from the committed ledger", "at least one verdict differs from the committed one")


def changes(said: Sequence[str]) -> list[Block]:
    """Say what changed since the committed ledger, and why."""
    return [Paragraph(" ".join(said), "aside")] if said else []


def verdicts(document: Document) -> list[Block]:
    """Lay out every verdict with its rule, the numbers on demand, and what the words mean."""
    numbers = Fold("Numbers behind the verdicts", judgments(document, sentences=False), printed=True)
    return [*judgments(document, numbers=False), numbers, glossary([document])]


def further(more: Sequence[tuple[str, str]]) -> list[Block]:
    """Link the figures that hold too much for the page."""
    return [Links("More figures:", more)] if more else []


def glossary(documents: Iterable[Document]) -> Fold:
    """Explain the words of verdicts, and the starts that these documents judge apart."""
    judged = {row for each in documents for verdict in each["verdicts"].values() for row in verdict["rows"]}
    starts = [(capitalize(ARM_NAMES[arm]), meaning) for arm, meaning in ARMS.items() if arm in judged]
    verdicts = [(f"{mark} {name}", meaning) for mark, name, meaning in map(VERDICTS.__getitem__, WORDS)]
    return Fold("What the words mean", [Facts([*starts, *verdicts])])


def judgments(document: Document, numbers: bool = True, sentences: bool = True) -> list[Block]:
    """Return one block per verdict, with or without its numbers.

    Without sentences it is a verdict that the reader has met: its rule, and what it was elsewhere, are left
    out as well.
    """
    at_full = document.get("full_size", {})
    earlier = (document.get("before") or {}).get("words", {})

    def judgment(name: str, subject: str, found: Mapping[str, Any]) -> Judgment:
        return Judgment(
            subject,
            found["word"],
            found["sentence"] if sentences else "",
            {**_effect(found), **found["numbers"]} if numbers else {},
            other_word(found["word"], at_full.get(name)) if sentences else "",
            found.get("rule", "") if sentences else "",
            found.get("primary", False),
            [
                judgment(f"{name}: {row}", capitalize(each["words"]), each)
                for row, each in found.get("rows", {}).items()
            ],
            other_word(found["word"], earlier.get(name)) if sentences else "",
        )

    return [
        judgment(part, verdict["words"] or capitalize(part.replace("_", " ")), verdict)
        for part, verdict in document["verdicts"].items()
    ]


def _effect(found: Mapping[str, Any]) -> dict[str, Any]:
    """Name an effect with its interval."""
    size = found.get("effect")
    if not size:
        return {}
    ends = f"{number(size['mean'])} [{number(size['low'])}, {number(size['high'])}]"
    return {size["what"]: f"{ends}, n = {size['count']}"}


def setup(document: Document) -> list[Block]:
    """Name the source of the claim, say how the setup was chosen, and list the settings."""
    about = document["experiment"]
    return [
        Paragraph(about["setup"]),
        Facts(
            [
                ("Source of the claim", Formula(about["source"])),
                ("Kind of claim", about["kind"]),
                ("Size", _size(document)),
            ]
        ),
        settings_fold(document),
    ]


def _size(document: Document) -> str:
    """Name the size of a run, and the settings that are not those of the size."""
    if changed := document.get("changed", {}):
        values = ", ".join(f"{name} = {listed(value)}" for name, value in changed.items())
        return f"the {document['size']} size with changed settings: {values}"
    return "the full size" if document["size"] == "full" else "the quick size; `--full` runs the real one"


def settings_fold(document: Document) -> Block:
    """List the settings, on demand."""
    settings = [(name, listed(value)) for name, value in document["settings"].items()]
    return Fold("The settings of this run", [Facts(settings)])


def premises(document: Document, heading: bool = True) -> list[Block]:
    """One row per premise, one column per arm; with the number of measured runs if it is not all of them."""
    stated = document["premises"]
    if not stated:
        return []
    arms = list(dict.fromkeys(premise["arm"] for premise in stated))
    found = {(premise["column"], premise["arm"]): _found(premise) for premise in stated}
    words = {premise["column"]: premise["words"] for premise in stated}
    rows = [(f"{text} (`{column}`)", *(found[column, arm] for arm in arms)) for column, text in words.items()]
    named = _arm_words(document)
    columns = ("premise", *(named.get(arm, arm.replace("_", " ")) or "found" for arm in arms))
    shares = (40, *(60 // len(arms) for _ in arms))
    table = Grid("What must hold, and what the runs say about it", columns, rows, shares)
    return [Heading("Premises"), table] if heading else [table]


def _arm_words(document: Document) -> dict[str, str]:
    """Name the arms as the rows of verdicts do."""
    rows = [row for verdict in document["verdicts"].values() for row in verdict.get("rows", {}).items()]
    return {arm: row["words"] for arm, row in rows if row.get("words")}


def failures(document: Document) -> list[Block]:
    """Say which runs could not be carried out, and why."""
    return [
        Paragraph(f"{counted(count, 'run')} failed: {reason}.", "warning")
        for reason, count in document["failures"].items()
    ]


def _found(premise: Mapping[str, Any]) -> str:
    if premise["measured"] in (0, premise["runs"]):
        return str(premise["found"])
    return f"{premise['found']}; measured in {premise['measured']} of {premise['runs']} runs"


def listed(value: Any) -> Any:
    """Write the values of a setting that has several."""
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else value
