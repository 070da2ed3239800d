"""Chapters: the claims in the order in which the tutorial tells them, for every page that lists them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stepscape.experiments import family, names


class Chapter(NamedTuple):
    """A part of the story: its title, the claims that it begins with, and the families that follow them."""

    title: str
    claims: tuple[str, ...] = ()
    families: tuple[str, ...] = ()


CHAPTERS = (
    Chapter(
        "Curve fitting", ("curve-fitting", "robustness", "sparsity-vs-step-size", "width", "feature-learning")
    ),
    Chapter("The edge of stability", families=("edge",)),
    Chapter("Weighted variation", ("weighted-tv", "same-tv")),
    Chapter("Interpolation", ("clean-labels", "random-labels"), ("interpolation",)),
    Chapter("Risk", ("risk-vs-step-size",), ("certificates", "square")),
    Chapter("Other forces of nature", families=("forces",)),
    Chapter("Folklore", families=("folklore",)),
    Chapter("The logistic loss", families=("logistic",)),
    Chapter("Confidence", families=("confidence",)),
    Chapter("Recovery", families=("recovery",)),
    Chapter("High dimension", families=("plane",)),
    Chapter("Depth", families=("deep",)),
    Chapter("Illustrations", families=("illustrations",)),
)
OTHERS = "Further claims"


def chapter(name: str) -> str:
    """Return the title of the chapter of a claim; `OTHERS` for a claim that stands in none."""
    for each in CHAPTERS:
        if name in each.claims:
            return each.title
    home = family(name) if name in names() else ""
    return next((each.title for each in CHAPTERS if home in each.families), OTHERS)


def by_chapter(claims: Sequence[str]) -> dict[str, list[str]]:
    """Sort claims into their chapters, both in the order of the story; chapters without a claim are left out.

    Within a chapter the claims that it begins with come first, the others in the order in which they came.
    """
    first = [name for each in CHAPTERS for name in each.claims]
    placed = sorted(claims, key=lambda name: first.index(name) if name in first else len(first))
    found = {title: [name for name in placed if chapter(name) == title] for title in _titles()}
    return {title: some for title, some in found.items() if some}


def _titles() -> list[str]:
    return [*(each.title for each in CHAPTERS), OTHERS]
