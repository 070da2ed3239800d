"""The title of a figure is its finding: a sentence with a verb and a number, as wide as the figure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.figures.text import extent

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

TITLE = 11.0  # points
_DOLLAR = "\0"  # one that begins no formula
NEAR = 0.05  # of the edge ratio: at the edge of stability
_SPACE = re.compile(r"(?<!=) (?![=%])(?=(?:[^$]*\$[^$]*\$)*[^$]*$)")  # outside of formulas, η = 0.1 and 12 %


def finding(figure: Figure, sentence: str) -> Text:
    """Set the title of a figure made by `canvas`: bold, on the left, wrapped to its width.

    Parameters
    ----------
    sentence : what the figure shows, a full clause with a verb and a number, true of the data drawn. The
        full stop that ends it in a caption is left out.
    """
    from stepscape.figures.elastic import elastic

    if not sentence.strip():
        raise bad("finding", "be a sentence", repr(sentence))
    sentence = sentence.strip().removesuffix(".")
    title = figure.suptitle(sentence, x=0.01, ha="left", fontsize=TITLE, fontweight="bold")
    elastic(figure).title(title, sentence)
    return title


def at_the_edge(ratios: NDArray[np.float64]) -> str:
    """Say how many of some runs ended within 5 % of the edge of stability; nan is not counted.

    >>> at_the_edge(np.array([1.0, 0.96, 0.5, np.nan]))
    '2 of 3 runs end within 5 % of the edge of stability'
    >>> at_the_edge(np.array([1.0, 1.0])), at_the_edge(np.array([0.5]))[:20]
    ('All 2 runs end within 5 % of the edge of stability', '0 of 1 run ends with')
    """
    known = ratios[np.isfinite(ratios)]
    near = int(np.sum(np.abs(known - 1.0) <= NEAR))
    who = f"all {known.size} runs" if near == known.size > 1 else f"{near} of {known.size} run"
    if near < known.size or known.size == 1:
        who += "" if known.size == 1 else "s"
    verb = "ends" if near == 1 or known.size == 1 else "end"
    return f"{who[:1].upper()}{who[1:]} {verb} within {100 * NEAR:.0f} % of the edge of stability"


def wrap(text: Text, sentence: str, room: float) -> None:
    """Break a sentence into lines of at most so many pixels, at spaces outside of formulas."""
    parts = _SPACE.split(sentence.replace(r"\$", _DOLLAR))
    words = [part.replace(_DOLLAR, r"\$") for part in parts]
    lines: list[str] = []
    while words:
        count = _first_line(text, words, room)
        lines.append(" ".join(words[:count]))
        words = words[count:]
    text.set_text("\n".join(lines))


def _first_line(text: Text, words: Sequence[str], room: float) -> int:
    """Count the words that fit on a line, at least one; a line with one word more is wider."""

    def is_too_wide(count: int) -> bool:
        text.set_text(" ".join(words[:count]))
        return bool(extent(text).width > room)

    return 1 + bisect_left(range(2, len(words) + 1), True, key=is_too_wide)
