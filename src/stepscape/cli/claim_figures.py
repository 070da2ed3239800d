"""The figures of a claim: which a page shows, and which it links because they hold too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stepscape.cli.figure_files import Pictures
from stepscape.cli.publication import FIGURES

if TYPE_CHECKING:
    from stepscape.experiments.frame import Drawn
    from stepscape.report import Drawing

SUPPLEMENT = "-all"  # end of the name of a figure that is linked, not shown


@dataclass(frozen=True)
class ClaimFigures:
    """Drawings for the page, links to files, and a thumbnail of the first figure ("" without one)."""

    drawings: list[Drawing] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    thumbnail: str = ""


def claim_figures(
    drawn: Mapping[str, Drawn], pictures: Pictures, before: str = "", home: str = ""
) -> ClaimFigures:
    """Draw the figures of a claim for its page.

    Parameters
    ----------
    before : what stands before the name of a figure in the name of its file.
    home : relative address of the directory of results, as the page sees it.
    """
    from stepscape.report import draw, page_share, thumbnail

    on_page = shown(drawn)
    share = page_share(len(on_page))
    first = next(iter(on_page.values()), None)
    return ClaimFigures(
        [
            draw(each.figure, before + name, each.caption, largest=share, animation=each.animation)
            for name, each in on_page.items()
        ],
        [
            (_first_sentence(each.caption), f"{home}{FIGURES}/{before}{name}.{pictures.formats[0]}")
            for name, each in drawn.items()
            if name not in on_page
        ],
        "" if first is None else thumbnail(first.figure),
    )


def shown(drawn: Mapping[str, Drawn]) -> dict[str, Drawn]:
    """Return the figures that a page shows."""
    return {name: each for name, each in drawn.items() if not name.endswith(SUPPLEMENT)}


def _first_sentence(caption: str) -> str:
    return caption.partition(". ")[0].removesuffix(".")
