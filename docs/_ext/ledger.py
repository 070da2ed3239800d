"""The ledger page: an overview in the order of the tutorial, then every claim with its numbers folded."""

from __future__ import annotations

from collections.abc import Iterator

from chips import chip, committed, escaped, strip, value
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from stepscape.experiments.chapters import by_chapter
from stepscape.experiments.frame.ledger import Entry, Ledger, Verdict
from stepscape.report.changes import change_words
from stepscape.report.headline import finding, headline

FIRST = "ledger-overview"  # class of what stands before all sections


def overview(ledger: Ledger) -> str:
    """Return one row for each claim as Markdown: finding, verdict, marks of its parts."""
    head = [":::{list-table}", ":header-rows: 1", ":class: overview", ""]
    columns = ["* - What was found", "  - Verdict", "  - Parts", "  - Kind"]
    rows = [line for chapter in _chapters(ledger) for line in _chapter(*chapter)]
    return "\n".join([_cost(ledger), "", *head, *columns, *rows, ":::"])


def sections(ledger: Ledger) -> str:
    """Return a section for each claim as Markdown."""
    entries = [entry for _, some in _chapters(ledger) for entry in some]
    return "\n".join(line for entry in entries for line in _section(entry))


def _chapters(ledger: Ledger) -> list[tuple[str, list[Entry]]]:
    entries = {entry.experiment.name: entry for entry in ledger.entries}
    found = by_chapter(list(entries)).items()
    return [(title, [entries[name] for name in names]) for title, names in found]


def _cost(ledger: Ledger) -> str:
    minutes = ledger.seconds / 60
    made = str(ledger.provenance.get("started", ""))[:10]
    said = escaped(
        f"{len(ledger.entries)} claims, {minutes:.0f} minutes of one worker, made on {made} with stepscape "
        f"{ledger.provenance.get('stepscape')} on {ledger.provenance.get('processor')}. A run that several "
        "claims read is counted once here, and by each below. Hover over a mark to read its part."
    )
    return f"{said}."


def _chapter(title: str, entries: list[Entry]) -> Iterator[str]:
    yield from (f"* - **{escaped(title)}**", "  -", "  -", "  -")
    for entry in entries:
        about = entry.experiment
        yield f"* - [{escaped(finding(entry))}](#ledger-{about.name})"
        yield f"  - {chip(headline(entry).word)}"
        yield f"  - {strip(entry)}"
        yield f"  - {about.kind}"


def _section(entry: Entry) -> Iterator[str]:
    about = entry.experiment
    flag = " --full" if entry.size == "full" else ""
    yield from (f"(ledger-{about.name})=", f"## {about.title}", "")
    yield from (escaped(f"Claim: {about.claim} ({about.source})"), "")
    if said := change_words(entry):
        yield from (escaped(" ".join(said)) + ".", "")
    for part, found in entry.verdicts.items():
        yield from _part(part, found)
    ended = f"{entry.runs.finished} runs finished, {entry.runs.diverged} diverged, {entry.runs.failed} failed"
    cost = f"{ended}; {entry.seconds / 60:.1f} minutes of one worker"
    yield from ("", f"`stepscape run {about.name}{flag}`: {cost}.", "")
    yield from _numbers(entry)


def _part(part: str, found: Verdict) -> Iterator[str]:
    title = escaped(found.words) or part.replace("_", " ")
    decides = " *This part decides.*" if found.primary else ""
    yield f"- **{title}** {chip(found.word)} {escaped(found.sentence)}.{decides}"
    for row in found.rows.values():
        yield f"  - {escaped(row.words)} {chip(row.word)} {escaped(row.sentence)}."


def _numbers(entry: Entry) -> Iterator[str]:
    numbers = [
        (found.words or part.replace("_", " "), name, number)
        for part, found in entry.verdicts.items()
        for name, number in found.numbers.items()
    ]
    if not numbers:
        return
    yield from ("<details><summary>Numbers behind the verdicts</summary>", "")
    yield from (":::{list-table}", ":header-rows: 1", "")
    yield from ("* - Part", "  - Number", "  - Value")
    for title, name, number in numbers:
        yield from (
            f"* - {escaped(title)}",
            f"  - {escaped(name)}",
            f"  - {value(number)}",
        )
    yield from (":::", "", "</details>", "")


class LedgerPage(SphinxDirective):
    """The directive `{ledger} full`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Render the Markdown of the ledger in the page."""
        self.env.note_reread()  # the file may have changed
        ledger = committed(self.arguments[0])
        first = nodes.container("", *self.parse_text_to_nodes(overview(ledger)))
        first["classes"] = [FIRST]
        below = self.parse_text_to_nodes(sections(ledger), allow_section_headings=True)
        return [first, *below]


def put_first(_app: Sphinx, tree: nodes.document) -> None:
    """Move the overview before the sections: MyST puts the sections of a directive before its other text."""
    for first in list(tree.findall(nodes.container)):
        home = first.parent
        if FIRST in first["classes"]:
            home.remove(first)
            is_section = [isinstance(each, nodes.section) for each in home]
            home.insert(is_section.index(True) if any(is_section) else len(home), first)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("ledger", LedgerPage)
    app.connect("doctree-read", put_first)
    return {"parallel_read_safe": True}
