"""Self-contained HTML reports: offline, escaped, printable."""

from stepscape.report.content import (
    Badge,
    Bound,
    Choice,
    Commands,
    Drawing,
    Facts,
    Fold,
    Grid,
    Judgment,
    Links,
    Page,
    Paragraph,
    Section,
)
from stepscape.report.drawing import draw, page_share
from stepscape.report.page import render, render_index
from stepscape.report.thumbnail import thumbnail

__all__ = [
    "Badge",
    "Bound",
    "Choice",
    "Commands",
    "Drawing",
    "Facts",
    "Fold",
    "Grid",
    "Judgment",
    "Links",
    "Page",
    "Paragraph",
    "Section",
    "draw",
    "page_share",
    "render",
    "render_index",
    "thumbnail",
]


def __dir__() -> list[str]:
    return sorted(__all__)
