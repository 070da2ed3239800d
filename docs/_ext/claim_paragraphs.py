"""The directive `{claim-paragraphs}`: one paragraph for each claim, with its picture and what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chips import chip, committed, escaped, strip
from claim_gallery import PAGES, first_picture
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from stepscape import experiments
from stepscape.experiments.chapters import by_chapter
from stepscape.experiments.frame.ledger import Entry
from stepscape.report.headline import finding, headline

_FIRST = re.compile(r"([a-z0-9-]+): ")


def paragraphs(content: str) -> dict[str, str]:
    """Return the paragraphs by the claim that each begins with: "NAME: words".

    Raises
    ------
    ValueError
        If a paragraph names no claim, two name the same one, or a claim has none.
    """
    found: dict[str, str] = {}
    for paragraph in filter(None, re.split(r"\n\s*\n", content.strip())):
        first = _FIRST.match(paragraph)
        name = first[1] if first else ""
        if name not in experiments.names() or name in found:
            raise ValueError(
                f"each paragraph must begin with the name of another claim, got {paragraph[:40]!r}"
            )
        found[name] = paragraph[len(name) + 2 :]
    if missing := [name for name in experiments.names() if name not in found]:
        raise ValueError(
            f"every claim must have a paragraph, missing: {', '.join(missing)}"
        )
    return found


def markdown(told: dict[str, str], entries: dict[str, Entry]) -> str:
    """Return chapters of paragraphs as Markdown."""
    lines: list[str] = []
    for title, names in by_chapter(experiments.names()).items():
        lines += [f"**{title}**", ""]
        for name in names:
            lines += _told(name, told[name], entries.get(name))
    return "\n".join(lines)


def _told(name: str, words: str, entry: Entry | None) -> Iterator[str]:
    page = f"{experiments.family(name)}/{name}"
    known = (PAGES / f"{page}.md").is_file()
    title = escaped(experiments.get(name).title.partition(":")[0])
    yield "::::{container} told"
    if picture := first_picture(page):
        yield from (f"[![]({picture}){{.thumbnail}}]({page}.md)", "")
    yield from (
        f"**[{title}]({page}.md).** {words}" if known else f"**{title}.** {words}",
        "",
    )
    if entry is not None:
        yield from (
            f"{chip(headline(entry).word)} {escaped(finding(entry))}. {strip(entry)}",
            "",
        )
    yield from ("::::", "")


class ClaimParagraphs(SphinxDirective):
    """The directive `{claim-paragraphs}`."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Render the paragraphs of all claims."""
        self.env.note_reread()  # the ledger may have changed
        entries = {entry.experiment.name: entry for entry in committed("full").entries}
        try:
            told = paragraphs("\n".join(self.content))
        except ValueError as error:
            raise self.error(str(error)) from error
        return self.parse_text_to_nodes(markdown(told, entries))


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("claim-paragraphs", ClaimParagraphs)
    return {"parallel_read_safe": True}
