"""A figure → a document: SVG, PDF or PNG, of any size."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from stepscape.arguments import whole
from stepscape.errors import bad, expect
from stepscape.figures.house import house
from stepscape.figures.text import legible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
SIDES = (1.0, 60.0)  # inches: the shortest and the longest side
MOST_DOTS = 2400  # per inch: a figure of 4 by 3 inches then takes a third of a gigabyte while it is drawn
SIMPLIFIED = 0.4  # points by which a drawn line may leave its curve


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


def require_figure(figure: object) -> None:
    """Refuse what is not a figure of matplotlib."""
    from matplotlib.figure import Figure

    expect("figure", figure, Figure)


def svg(figure: Figure) -> str:
    """Return the figure as a compact SVG document; the same figure gives the same bytes."""
    import matplotlib

    from stepscape.figures.compact_svg import compact

    require_figure(figure)
    text = io.StringIO()
    with (
        house(),
        matplotlib.rc_context(
            {"svg.hashsalt": "stepscape", "svg.fonttype": "path", "path.simplify_threshold": SIMPLIFIED}
        ),
        legible(figure),
    ):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return compact(text.getvalue())


def png(figure: Figure, dots_per_inch: int = 150) -> bytes:
    """Return the figure as PNG bytes."""
    require_figure(figure)
    dots_per_inch = whole("dots_per_inch", dots_per_inch, 1, MOST_DOTS)
    data = io.BytesIO()
    with house(), legible(figure):
        figure.savefig(data, format="png", dpi=dots_per_inch)
    return data.getvalue()


def small_png(figure: Figure) -> bytes:
    """Return the figure as PNG of at most 256 colors: a third of the bytes, and lines look the same."""
    from PIL import Image

    data = io.BytesIO()
    with Image.open(io.BytesIO(png(figure))) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(data, "PNG")
    return data.getvalue()
