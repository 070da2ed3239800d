"""The title of a figure is its finding: a sentence with a verb and a number, as wide as the figure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stepscape.errors import bad
from stepscape.figures.text import extent

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

TITLE = 11.0  # points
_SPACE = re.compile(r"(?<!=) (?![=%])(?=(?:[^$]*\$[^$]*\$)*[^$]*$)")  # outside of formulas, η = 0.1 and 12 %


def finding(figure: Figure, sentence: str) -> Text:
    """Set the title of a figure made by `canvas`: bold, on the left, wrapped to its width.

    Parameters
    ----------
    sentence : what the figure shows, a full clause with a verb and a number, true of the data drawn.
    """
    from stepscape.figures.elastic import elastic

    if not sentence.strip():
        raise bad("finding", "be a sentence", repr(sentence))
    title = figure.suptitle(sentence, x=0.01, ha="left", fontsize=TITLE, fontweight="bold")
    elastic(figure).title(title, sentence)
    return title


def wrap(text: Text, sentence: str, room: float) -> None:
    """Break a sentence into lines of at most so many pixels, at spaces outside of formulas."""
    lines: list[str] = []
    for word in _SPACE.split(sentence):
        longer = f"{lines[-1]} {word}" if lines else word
        text.set_text(longer)
        if lines and extent(text).width <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    text.set_text("\n".join(lines))
