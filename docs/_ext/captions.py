"""Pictures: captions that stand in the SVG files, and thumbnails of a page.

The program writes the caption of a figure into its file (the `desc` of the SVG), so that pages and reports
say the same.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

_CAPTION = re.compile(r"<desc>(.*?)</desc>", re.DOTALL)
_IMAGE = re.compile(r"^!\[([^\]]+)\]\(([^)]+\.svg)\)$", re.MULTILINE)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def caption(path: Path) -> str:
    """Return the caption that stands in an SVG file; "" where none does."""
    if path.suffix != ".svg" or not path.is_file():
        return ""
    found = _CAPTION.search(path.read_text("utf-8")[:8000])
    return html.unescape(" ".join(found[1].split())) if found else ""


def pictures(page: str) -> list[tuple[str, str, str]]:
    """Return alternative text, file and heading of every picture that stands alone on a line of a page."""
    headings = list(_HEADING.finditer(page))
    found = []
    for image in _IMAGE.finditer(page):
        above = [each[1] for each in headings if each.start() < image.start()]
        found.append((image[1], image[2], above[-1] if above else ""))
    return found


def thumbnails(page: str) -> str:
    """Return the pictures of a page as a row of small ones, each a link to its section, as Markdown."""
    cards = [
        f"[![{alt}]({file}){{.thumbnail}}](#{_anchor(heading)})"
        for alt, file, heading in pictures(page)
        if heading
    ]
    return "\n".join(["::::{container} thumbnails", *cards, "::::"])


def _anchor(heading: str) -> str:
    words = re.sub(r"[^\w\- ]", "", heading.lower())
    return words.replace(" ", "-")


class Thumbnails(SphinxDirective):
    """The directive `{thumbnails}`."""

    def run(self) -> list[nodes.Node]:
        """Render the thumbnails of the page that it stands in."""
        page = Path(self.env.doc2path(self.env.docname)).read_text("utf-8")
        return self.parse_text_to_nodes(thumbnails(page))


def _figure(image: nodes.image, words: str) -> nodes.Node:
    figure = nodes.figure("", image)
    figure["ids"] = [nodes.make_id(f"figure-{Path(image['uri']).stem}")]
    if words:
        figure += nodes.caption(words, "", nodes.Text(words))
    return figure


def add_captions(app: Any, tree: nodes.document) -> None:
    """Put the caption of its file below every picture that stands alone."""
    home = Path(app.env.doc2path(app.env.docname)).parent
    for image in list(tree.findall(nodes.image)):
        alone = isinstance(image.parent, nodes.paragraph) and len(image.parent) == 1
        words = caption(home / image["uri"]) if alone else ""
        if words:
            image.parent.replace_self(_figure(image.deepcopy(), words))


def setup(app: Any) -> dict[str, bool]:
    """Register the directive, and the captions."""
    app.add_directive("thumbnails", Thumbnails)
    # Before the images are collected, which makes their addresses those of the output.
    app.connect("doctree-read", add_captions, priority=100)
    return {"parallel_read_safe": True}
