"""The picture of a run in a terminal: edge ratio, loss, the last measurement, the story."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.cli.line_chart import line_chart
from stepscape.tables.number import number

WIDEST, NARROWEST = 110, 40  # letters
RATIO_LINES, LOSS_LINES, MARGIN = 9, 4, 12
LINEAR = 3.0  # edge ratio up to which the axis is linear
_LAST = {
    "step": "step", "loss": "loss", "lambda_max": "λ_max", "residual": "residual",
    "edge_ratio": "edge ratio", "products": "products", "seconds": "seconds",
}  # fmt: skip


def watch_lines(document: Mapping[str, Any], width: int, braille: bool = True) -> list[str]:
    """Draw the document of a run as lines of at most so many letters.

    Parameters
    ----------
    document : of `watch_document`.
    width : letters of the terminal.
    braille : whether it shows Braille patterns.
    """
    wide, rows = max(NARROWEST, min(width, WIDEST)), document["rows"]
    head = f"{document['file']}: {_count(len(rows))}"
    opening = [head[:wide], *_wrapped(document["damage"], wide), ""]
    if not rows:
        return [*opening, *_story(document["story"], wide)]
    steps = [row["step"] for row in rows]
    return [
        *opening,
        *_chart("edge ratio (dashed: edge of stability)", steps, _column(rows, "edge_ratio"), wide, braille),
        *_chart("loss", steps, _column(rows, "loss"), wide, braille),
        _steps(steps, wide),
        "",
        *_wrapped(_last(rows[-1]), wide),
        "",
        *_story(document["story"], wide),
    ]


def _chart(title: str, steps: Sequence[int], values: Sequence[float], width: int, braille: bool) -> list[str]:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return [f"{title.partition(' (')[0]}: not measured", ""]
    is_ratio = title != "loss"
    logarithmic = min(known) > 0.0 and (not is_ratio or max(known) > LINEAR)
    chart = line_chart(
        steps, values, width, RATIO_LINES if is_ratio else LOSS_LINES,
        level=1.0 if is_ratio else None, logarithmic=logarithmic, braille=braille, margin=MARGIN,
    )  # fmt: skip
    return [f"{title}{', logarithmic' * logarithmic}"[:width], *chart]


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [math.nan if row[name] is None else float(row[name]) for row in rows]


def _steps(steps: Sequence[int], width: int) -> str:
    first, last = " " * MARGIN + f" step {steps[0]}", f"step {steps[-1]}"
    return f"{first}{last:>{max(len(last) + 1, width - len(first))}}" if len(steps) > 1 else first


def _last(row: Mapping[str, Any]) -> str:
    known = [f"{words} {number(row[name])}" for name, words in _LAST.items() if row[name] is not None]
    return f"Last measurement: {', '.join(known)}, status {row['status']}"


def _story(sentences: Sequence[str], width: int) -> list[str]:
    return [line for sentence in sentences for line in _wrapped(sentence, width)]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _count(count: int) -> str:
    return (
        "waiting for the first measurement"
        if not count
        else "1 measurement"
        if count == 1
        else f"{count} measurements"
    )
