"""A curve in the letters of a terminal: dots of Braille patterns, or asterisks where there are none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from stepscape.tables.number import rounded

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # bits of U+2800, rows by columns
_LEVEL = {True: "┄", False: "-"}


def line_chart(
    x: Sequence[float],
    y: Sequence[float],
    width: int,
    height: int,
    *,
    level: float | None = None,
    logarithmic: bool = False,
    braille: bool = True,
    margin: int = 0,
) -> list[str]:
    """Draw a curve as lines of text, its axis at the left.

    Parameters
    ----------
    x, y : of the same length
        In the order of x. What is not finite, or not positive on a logarithmic axis, leaves a gap.
    width, height : int
        Letters, the axis included.
    level : float, optional
        Drawn as a dashed line.
    logarithmic : bool
        Of y; a linear axis begins at 0.
    braille : bool
        Whether a letter holds 2 by 4 dots or one asterisk.
    margin : int
        Letters before the axis, at least: charts below each other then share it.
    """
    scale = math.log if logarithmic else float
    least = 0.0 if logarithmic else -math.inf
    points = [(a, scale(b)) for a, b in zip(x, y, strict=True) if math.isfinite(b) and b > least]
    levels = [] if level is None else [scale(level)]
    if not points:
        return [""] * height
    values = [b for _, b in points] + levels
    low, high = (min(values), max(values)) if logarithmic else (min(0.0, *values), max(values))
    high = high if high > low else low + 1.0
    ends = [rounded(math.exp(end) if logarithmic else end) for end in (high, low)]
    margin = max(margin, *map(len, ends))
    canvas = _Canvas(max(4, width - margin - 1), height, braille)
    if levels:
        canvas.level((levels[0] - low) / (high - low))
    first = x[0]
    span = (x[-1] - first) or 1.0
    canvas.curve([((a - first) / span, (b - low) / (high - low)) for a, b in points])
    names = [ends[0], *[""] * (height - 2), ends[1]][:height]
    return [f"{name:>{margin}}{bar}" for name, bar in zip(names, canvas.lines(), strict=True)]


class _Canvas:
    """Dots in letters; places are shares of the width and of the height, from below."""

    def __init__(self, width: int, height: int, braille: bool) -> None:
        self._braille = braille
        self._across, self._down = (2, 4) if braille else (1, 1)
        self._bits = [[0] * width for _ in range(height)]
        self._level = -1
        self._wide, self._high = width * self._across, height * self._down

    def level(self, place: float) -> None:
        """Draw a dashed line behind the curve."""
        self._level = self._row(place) // self._down

    def curve(self, places: Sequence[tuple[float, float]]) -> None:
        """Draw a curve through places, the dots between them included."""
        ends = [(round(min(1.0, a) * (self._wide - 1)), self._row(b)) for a, b in places]
        for (x0, y0), (x1, y1) in pairwise([ends[0], *ends]):
            count = max(abs(x1 - x0), abs(y1 - y0), 1)
            for i in range(count + 1):
                self._dot(round(x0 + (x1 - x0) * i / count), round(y0 + (y1 - y0) * i / count))

    def lines(self) -> list[str]:
        """Return the letters."""
        axis = "│" if self._braille else "|"
        return [axis + self._line(i) for i in range(len(self._bits))]

    def _line(self, number: int) -> str:
        behind = _LEVEL[self._braille] if number == self._level else " "
        return "".join(self._letter(bits) or behind for bits in self._bits[number]).rstrip()

    def _letter(self, bits: int) -> str:
        if not bits:
            return ""
        return chr(0x2800 + bits) if self._braille else "*"

    def _row(self, place: float) -> int:
        return min(self._high - 1, max(0, round((1.0 - place) * (self._high - 1))))

    def _dot(self, column: int, row: int) -> None:
        bit = _DOTS[row % self._down][column % self._across] if self._braille else 1
        self._bits[row // self._down][column // self._across] |= bit
