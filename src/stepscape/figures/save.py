"""A figure → a file: SVG, PDF or PNG, of any size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from stepscape import files
from stepscape.errors import InputError, bad
from stepscape.figures.style import png, svg
from stepscape.figures.text import legible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
SIDES = (1.0, 60.0)  # inches: the shortest and the longest side


def save(figure: Figure, path: str | Path, size: tuple[float, float] | None = None) -> None:
    """Write a figure to a file, whose suffix says how: .svg, .pdf or .png.

    Text is searchable in PDF, whose fonts are embedded; the same figure gives the same bytes. Characters that
    the usual font lacks are set in one that has them, if there is one.

    Parameters
    ----------
    size : width and height in inches; without, those that the figure has. Words grow and shrink with it.

    Raises
    ------
    InputError
        Another suffix, or a side that is not from 1 to 60 inches long.

    >>> save(figure, "fit.pdf", size=(6.0, 3.0))  # doctest: +SKIP
    """
    target = Path(path)
    kind = target.suffix[1:].lower()
    if kind not in FORMATS:
        raise InputError(f"a figure must be written to .svg, .pdf or .png, got {target.name!r}")
    if size is not None:
        resize(figure, size)
    files.write_atomic(target, document(figure, kind))


def resize(figure: Figure, size: tuple[float, float]) -> None:
    """Set width and height in inches, each from 1 to 60."""
    if not all(SIDES[0] <= side <= SIDES[1] for side in size):
        raise bad("size", "have sides from 1 to 60 inches", "x".join(f"{side:g}" for side in size))
    figure.set_size_inches(*size)


def document(figure: Figure, kind: str) -> str | bytes:
    """Return the figure as a document of that format."""
    if kind == "svg":
        return svg(figure)
    return pdf(figure) if kind == "pdf" else png(figure)


def pdf(figure: Figure) -> bytes:
    """Return the figure as PDF with embedded fonts; the same figure gives the same bytes."""
    import matplotlib

    data = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}), legible(figure):
        figure.savefig(data, format="pdf", metadata={"CreationDate": None, "Creator": "stepscape"})
    return data.getvalue()
