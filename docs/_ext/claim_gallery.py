"""The directive `{claim-gallery}`: a card for each claim, in the order of the tutorial."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from captions import pictures
from chips import chip, committed, escaped, strip
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from stepscape import experiments
from stepscape.experiments.chapters import by_chapter
from stepscape.experiments.frame.ledger import Entry
from stepscape.report.headline import finding, headline

PAGES = Path(__file__).parents[1] / "experiments"


def markdown(entries: dict[str, Entry]) -> str:
    """Return chapters of cards as Markdown, and the pages as a list that the navigation follows."""
    lines, pages = [], []
    for title, names in by_chapter(experiments.names()).items():
        lines += [f"**{title}**", "", ":::::{container} claims"]
        for name in names:
            page = f"{experiments.family(name)}/{name}"
            if (PAGES / f"{page}.md").is_file():
                pages.append(page)
            lines += _card(name, page, entries.get(name))
        lines += [":::::", ""]
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", *pages, "```"])


def _card(name: str, page: str, entry: Entry | None) -> Iterator[str]:
    title = experiments.get(name).title if entry is None else finding(entry)
    yield "::::{container} claim"
    if picture := first_picture(page):
        yield from (f"[![]({picture}){{.thumbnail}}]({page}.md)", "")
    known = (PAGES / f"{page}.md").is_file()  # a claim may be older than its page
    yield from (f"[{escaped(title)}]({page}.md)" if known else escaped(title), "")
    if entry is not None:
        yield from (f"{chip(headline(entry).word)} {strip(entry)}", "")
    yield "::::"


def first_picture(page: str) -> str:
    """Return the first picture of a page, seen from the folder of all; "" if it has none."""
    path = PAGES / f"{page}.md"
    shown = pictures(path.read_text("utf-8")) if path.is_file() else []
    files = [path.parent / file for _, file, _ in shown]
    return next(
        (str(file.relative_to(PAGES)) for file in files if file.is_file()),
        "",
    )


class ClaimGallery(SphinxDirective):
    """The directive `{claim-gallery}`."""

    def run(self) -> list[nodes.Node]:
        """Render the cards of all claims."""
        self.env.note_reread()  # the ledger may have changed
        entries = {entry.experiment.name: entry for entry in committed("full").entries}
        return self.parse_text_to_nodes(markdown(entries))


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("claim-gallery", ClaimGallery)
    return {"parallel_read_safe": True}
