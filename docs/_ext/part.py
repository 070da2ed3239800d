"""The directive `{part} CLAIM PART`: what one part of a claim found, from the committed ledgers."""

from __future__ import annotations

from collections.abc import Iterator

from chips import chip, committed, text
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from stepscape.experiments.frame.ledger import Entry

SIZES = ("full", "quick")  # the first that has the claim


def markdown(name: str, part: str) -> str:
    """Return the words of a part with its verdict, its sentence and its rows, and at which size, as Markdown."""
    entry = next(_entries(name))
    found = entry.verdicts[part]
    size = (
        ""
        if entry.size == "full"
        else " *(Quick size: few seeds, and a preview at most.)*"
    )
    rows = [
        f"- {text(row.words)} {chip(row.word)} {text(row.sentence)}."
        for row in found.rows.values()
    ]
    said = [] if rows else [text(found.sentence) + "."]
    return "\n".join(
        [f"**{text(found.words)}** {chip(found.word)}{size}", "", *said, *rows]
    )


def _entries(name: str) -> Iterator[Entry]:
    """Entries of a claim, the full one first."""
    for size in SIZES:
        ledger = committed(size)
        yield from (entry for entry in ledger.entries if entry.experiment.name == name)


class PartBlock(SphinxDirective):
    """The directive `{part}`, with the names of a claim and of one of its parts."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Render the part; a later build reads the ledger again."""
        self.env.note_reread()
        return self.parse_text_to_nodes(markdown(*self.arguments))


def setup(app: object) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("part", PartBlock)  # type: ignore[attr-defined]
    return {"parallel_read_safe": True}
