"""A figure → a document: SVG, PDF or PNG, of any size."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from stepscape.errors import bad
from stepscape.figures.style import png, require_figure, svg
from stepscape.figures.text import legible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
SIDES = (1.0, 60.0)  # inches: the shortest and the longest side


def resize(figure: Figure, size: tuple[float, float]) -> None:
    """Set width and height in inches, each from 1 to 60; words grow and shrink with them, see `Elastic`."""
    if not all(SIDES[0] <= side <= SIDES[1] for side in size):
        raise bad("size", "have sides from 1 to 60 inches", "x".join(f"{side:g}" for side in size))
    figure.set_size_inches(*size)


def document(figure: Figure, kind: str) -> str | bytes:
    """Return the figure as a document of one of `FORMATS`."""
    if kind == "svg":
        return svg(figure)
    return pdf(figure) if kind == "pdf" else png(figure)


def pdf(figure: Figure) -> bytes:
    """Return the figure as PDF bytes; the same figure gives the same bytes.

    Its text can be searched and copied: fonts are embedded.
    """
    import matplotlib

    require_figure(figure)
    data = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}), legible(figure):
        figure.savefig(data, format="pdf", metadata={"CreationDate": None, "Creator": "stepscape"})
    return data.getvalue()
