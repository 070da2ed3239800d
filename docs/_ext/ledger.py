"""The ledger page: every claim with its verdicts, as committed with the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from stepscape.experiments.frame.ledger import Entry, Ledger, Verdict, read

DATA = Path(__file__).parents[2] / "src" / "stepscape" / "data"


def committed(size: str) -> Ledger:
    """Read the committed ledger of one size."""
    path = DATA / f"ledger-{size}.json"
    return read(path.read_bytes(), path.name)


def markdown(ledger: Ledger) -> str:
    """Return an overview and a section for each claim, as Markdown."""
    head = [
        ":::{list-table} All claims",
        ":header-rows: 1",
        "",
        "* - Claim",
        "  - Kind",
        "  - Verdicts",
    ]
    rows = [line for entry in ledger.entries for line in _row(entry)]
    sections = [line for entry in ledger.entries for line in _section(entry)]
    return "\n".join([_cost(ledger), "", *head, *rows, ":::", "", *sections])


def _cost(ledger: Ledger) -> str:
    minutes = ledger.seconds / 60
    made = str(ledger.provenance.get("started", ""))[:10]
    return _escaped(
        f"{len(ledger.entries)} experiments, {minutes:.0f} minutes of one worker, made on {made} "
        f"with stepscape {ledger.provenance.get('stepscape')} on {ledger.provenance.get('processor')}. "
        "A run that several experiments read is counted once here, and by each below."
    )


def _row(entry: Entry) -> Iterator[str]:
    about = entry.experiment
    words = [
        f"{_title(part, found)}: {_words(found.word)}"
        for part, found in entry.verdicts.items()
    ]
    yield f"* - [{about.title}](#ledger-{about.name})"
    yield f"  - {about.kind}"
    yield f"  - {'; '.join(words)}"


def _section(entry: Entry) -> Iterator[str]:
    about = entry.experiment
    yield from (f"(ledger-{about.name})=", f"## {about.title}", "")
    yield from (_escaped(f"Claim: {about.claim} ({about.source})"), "")
    yield from (
        "```sh",
        f"stepscape run {about.name} --{entry.size}".replace(" --quick", ""),
        "```",
        "",
    )
    for part, found in entry.verdicts.items():
        yield (
            f"- **{_title(part, found)}: {_words(found.word)}.** {_escaped(found.sentence)}."
        )
        for row in found.rows.values():
            yield f"  - {_escaped(row.words)}: {_words(row.word)}. {_escaped(row.sentence)}."
    yield ""
    ended = f"{entry.runs.finished} runs finished, {entry.runs.diverged} diverged, {entry.runs.failed} failed"
    yield from (f"{ended}; {entry.seconds / 60:.1f} minutes of one worker.", "")
    yield from _numbers(entry)


def _numbers(entry: Entry) -> Iterator[str]:
    yield from (
        ":::{list-table} Numbers",
        ":header-rows: 1",
        "",
        "* - Part",
        "  - Number",
        "  - Value",
    )
    for part, found in entry.verdicts.items():
        for name, value in found.numbers.items():
            yield from (
                f"* - {_words(part)}",
                f"  - {_escaped(name)}",
                f"  - {_value(value)}",
            )
    yield from (":::", "")


def _title(part: str, found: Verdict) -> str:
    return _escaped(found.words) or _words(part)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "not measured" if value is None else _escaped(str(value))


def _escaped(text: str) -> str:
    """Return plain text as one line of Markdown."""
    line = " ".join(text.split())
    for mark in "\\*|[]<>_":
        line = line.replace(mark, f"\\{mark}")
    return line.removesuffix(".")


class LedgerPage(SphinxDirective):
    """The directive `{ledger} full`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Render the Markdown of the ledger in the page."""
        self.env.note_reread()  # the file may have changed
        return self.parse_text_to_nodes(
            markdown(committed(self.arguments[0])), allow_section_headings=True
        )


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("ledger", LedgerPage)
    return {"parallel_read_safe": True}
