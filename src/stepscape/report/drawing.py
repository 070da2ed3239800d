"""A matplotlib figure → markup that stands inside an HTML page."""

from __future__ import annotations

import base64
import re
from html import escape
from typing import TYPE_CHECKING

from stepscape.figures import output
from stepscape.figures.text import legal
from stepscape.report.content import Drawing
from stepscape.report.words import slug

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stepscape.figures.motion import Motion

LAMBDA = r"$\lambda_{\max}$"  # how a figure sets λ_max
LARGEST_SVG = 900_000  # characters; a cloud of 100 000 points is smaller, and faster to show, as pixels
LARGEST_PAGE = 7_000_000  # characters of all figures; a page of 8 MB still travels by mail


def page_share(figures: int) -> int:
    """Largest SVG of a page with that many figures, so that all of them stay within `LARGEST_PAGE`."""
    return min(LARGEST_SVG, LARGEST_PAGE // max(1, figures))


def draw(
    figure: Figure,
    name: str,
    caption: str = "",
    alt: str = "",
    largest: int | None = None,
    animation: Motion | None = None,
) -> Drawing:
    """Draw a figure for inlining: SVG, or a PNG as data where the SVG would have more than ``largest`` bytes.

    ``name`` must differ between the drawings of one page: the identifiers inside the SVG begin with it. The
    caption begins with the finding, which is the title of the figure.
    """
    caption = _from_finding(figure, caption)
    svg = output.svg(figure)
    if len(svg) <= (LARGEST_SVG if largest is None else largest):
        markup = _inline(svg, slug(name))
    else:
        data = base64.b64encode(output.small_png(figure)).decode("ascii")
        markup = f'<img alt="" src="data:image/png;base64,{data}">'
    document = captioned(svg, caption)
    moving = animation.markup(slug(name)) if animation is not None else ""
    return Drawing(name, markup, caption, alt or caption, document, float(figure.get_figwidth()), moving)


def captioned(svg: str, caption: str) -> str:
    """Put a caption into an SVG document as its description, so that figure and words travel together."""
    if not caption:
        return svg
    head, tag, rest = svg.partition("<svg")
    opening, end, body = rest.partition(">")
    return f"{head}{tag}{opening}{end}<desc>{escape(legal(caption))}</desc>{body}"


def _from_finding(figure: Figure, caption: str) -> str:
    """Put the title of a figure before its caption, unless that begins with it."""
    finding = " ".join(figure.get_suptitle().replace(r"\$", "$").replace(LAMBDA, "λ_max").split())
    if not finding or not caption or caption.startswith(finding):
        return caption
    return f"{finding}. {caption}"


def _inline(svg: str, prefix: str) -> str:
    # Identifiers are numbered in every figure; on one page they must be unique.
    body = re.sub(r'(<[^>]*?\s)id="', rf'\1id="{prefix}-', svg)
    body = body.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')
    return body.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
