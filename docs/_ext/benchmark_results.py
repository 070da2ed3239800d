"""The benchmark tables, included as the scripts wrote them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
FIRST = ("engine", "fit")


def results() -> list[Path]:
    """Result pages, the engine's and the fit's first."""
    order = {name: i for i, name in enumerate(FIRST)}
    return sorted(
        RESULTS.glob("*.md"),
        key=lambda path: (order.get(path.stem, len(order)), path.stem),
    )


def markdown() -> str:
    """All result pages with their headings one level down, below the title of this page."""
    texts = [
        re.sub(r"^(#+ )", r"#\1", path.read_text("utf-8"), flags=re.MULTILINE)
        for path in results()
    ]
    return "\n\n".join(texts)


class BenchmarkResults(SphinxDirective):
    """The directive `{benchmark-results}`."""

    def run(self) -> list[nodes.Node]:
        """Render every result page; a later build reads them again."""
        self.env.note_reread()
        return self.parse_text_to_nodes(markdown(), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("benchmark-results", BenchmarkResults)
    return {"parallel_read_safe": True}
