"""The explorer in the documentation: its page, written with every build, and the role that links it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

FILE = "explorer.html"


class ExplorerLink(SphinxRole):
    """The role {explorer}`words`: a link to the page."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Link the page from where the words stand."""
        address = "../" * self.env.docname.count("/") + FILE
        return [nodes.reference("", self.text, refuri=address)], []


def write_page(app: Sphinx, exception: Exception | None) -> None:
    """Write the page beside the front page of the documentation."""
    if exception is None and app.builder.format == "html":
        from stepscape import explorer

        Path(app.outdir, FILE).write_text(explorer.page(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role and the page."""
    app.add_role("explorer", ExplorerLink())
    app.connect("build-finished", write_page)
    return {"parallel_read_safe": True}
