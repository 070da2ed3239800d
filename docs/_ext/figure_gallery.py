"""The directive `{figure-gallery}`: every figure of every claim, small, with one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from captions import caption, pictures
from chips import escaped
from claim_gallery import PAGES
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from stepscape import experiments
from stepscape.experiments.chapters import by_chapter


def markdown(folder: str) -> str:
    """Return chapters of cards as Markdown, for a page in a folder that lies beside the claims' one."""
    lines = []
    for title, names in by_chapter(experiments.names()).items():
        cards = [line for name in names for line in _cards(name, folder)]
        if cards:
            lines += [
                f"**{title}**",
                "",
                ":::::{container} claims",
                *cards,
                ":::::",
                "",
            ]
    return "\n".join(lines)


def first_sentence(words: str) -> str:
    """Return what stands before the first full stop that ends a sentence."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", words, maxsplit=1)[0]


def _cards(name: str, folder: str) -> Iterator[str]:
    page = PAGES / experiments.family(name) / f"{name}.md"
    shown = pictures(page.read_text("utf-8")) if page.is_file() else []
    for alt, file, _ in shown:
        path = page.parent / file
        if path.is_file():
            here = f"{folder}/{path.relative_to(PAGES)}"
            said = escaped(first_sentence(caption(path)) or alt)
            yield from ("::::{container} claim", f"[![{alt}]({here}){{.thumbnail}}]"
                        f"({folder}/{page.relative_to(PAGES)})", "", said, "::::")  # fmt: skip


class FigureGallery(SphinxDirective):
    """The directive `{figure-gallery}`."""

    def run(self) -> list[nodes.Node]:
        """Render the cards of all figures."""
        self.env.note_reread()  # a page may have another figure
        home = Path(self.env.doc2path(self.env.docname)).parent
        folder = Path("..") / PAGES.relative_to(home.parent)
        return self.parse_text_to_nodes(markdown(str(folder)))


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("figure-gallery", FigureGallery)
    return {"parallel_read_safe": True}
