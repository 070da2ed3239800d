"""Self-contained HTML reports: offline, escaped, printable."""

from stepscape.report.content import (
    Choice,
    Commands,
    Drawing,
    Facts,
    Fold,
    Grid,
    Judgment,
    Page,
    Paragraph,
    Section,
)
from stepscape.report.drawing import draw, page_share
from stepscape.report.page import render

__all__ = [
    "Choice",
    "Commands",
    "Drawing",
    "Facts",
    "Fold",
    "Grid",
    "Judgment",
    "Page",
    "Paragraph",
    "Section",
    "draw",
    "page_share",
    "render",
]


def __dir__() -> list[str]:
    return sorted(__all__)
