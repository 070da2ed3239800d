"""What moving pictures of a page share: a plane with its axes, and a box that waits, without a script.

A picture moves only when its reader plays it, stands still where the reader's system asks for reduced motion,
and is left out in print, where the figure beside it says the same. Its ground is white on dark pages, too, as
that of all figures; on narrow screens its words grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import reals
from stepscape.errors import bad

Array = NDArray[np.float64]
WIDTH, HEIGHT = 640, 330  # of the drawing
LEFT, MARGIN = 64, 44  # of the plane in it
GAP = 12  # between the plane and its axes
NARROW = (30, 21)  # rem of a screen on which words have this size, instead of 13
INK = "#000000"


class Motion(Protocol):
    """A moving picture of a page."""

    def markup(self, name: str) -> str:
        """Return HTML that stands alone in a page; `name` must differ between the pictures of one page."""
        ...


@dataclass(frozen=True)
class Level:
    """A dashed line with its name: where `value` is, on the vertical axis or (`upright`) on the other."""

    value: float
    name: str
    upright: bool = False


@dataclass(frozen=True, eq=False)
class Plane:
    """A rectangle of numbers, drawn with two axes.

    Attributes
    ----------
    low, high : corners (2,); where both agree the rectangle is one unit wide.
    axes : names of both axes.
    ticks : for each axis, places with their words.
    levels : lines to compare with.
    """

    low: Array
    high: Array
    axes: tuple[str, str]
    ticks: tuple[Sequence[tuple[float, str]], Sequence[tuple[float, str]]] = ((), ())
    levels: Sequence[Level] = ()

    @classmethod
    def around(
        cls,
        points: Array,
        axes: tuple[str, str],
        ticks: tuple[Sequence[tuple[float, str]], Sequence[tuple[float, str]]] = ((), ()),
        levels: Sequence[Level] = (),
    ) -> Plane:
        """Return the plane that holds some points (m, 2) and the levels; ticks beyond it are left out."""
        low, high = points.min(axis=0), points.max(axis=0)
        for level in levels:
            side = 0 if level.upright else 1
            low[side], high[side] = min(low[side], level.value), max(high[side], level.value)
        inside = [
            tuple((at, words) for at, words in each if low[i] <= at <= high[i])
            for i, each in enumerate(ticks)
        ]
        return cls(low, high, axes, (inside[0], inside[1]), tuple(levels))

    def places(self, points: Array) -> Array:
        """Return the places of points (m, 2) in the drawing, rounded to a tenth of its unit."""
        span = np.where(self.high > self.low, self.high - self.low, 1.0)
        share = (points - self.low) / span
        room = np.array([WIDTH - LEFT - MARGIN, HEIGHT - 2.0 * MARGIN])
        corner, upward = np.array([LEFT, HEIGHT - MARGIN]), np.array([1.0, -1.0])
        return np.asarray(np.round(corner + share * room * upward, 1))

    def drawn(self) -> str:
        """Return axes, ticks and levels as SVG."""
        foot, end, x0 = HEIGHT - MARGIN + GAP, WIDTH - MARGIN + GAP, LEFT - GAP
        x, y = (escape(each) for each in self.axes)
        return (
            f'<path d="M{x0} {MARGIN - GAP}V{foot}H{end}" fill="none" stroke="{INK}"/>'
            f'<text x="{x0}" y="{MARGIN - 20}">{y}</text>'
            f'<text x="{end}" y="{foot + (48 if self.ticks[0] else 22)}" text-anchor="end">{x}</text>'
            + "".join(self._tick(0, at, words) for at, words in self.ticks[0])
            + "".join(self._tick(1, at, words) for at, words in self.ticks[1])
            + "".join(map(self._level, self.levels))
        )

    def _tick(self, side: int, at: float, words: str) -> str:
        x, y = self._place(side, at)
        foot, x0 = HEIGHT - MARGIN + GAP, LEFT - GAP
        if side:
            line, where = f"M{x0} {y:g}h-5", f'x="{x0 - 8}" y="{y:g}" dy=".35em" text-anchor="end"'
        else:
            line, where = f"M{x:g} {foot}v5", f'x="{x:g}" y="{foot + 8}" dy=".8em" text-anchor="middle"'
        return f'<path d="{line}" stroke="{INK}"/><text {where}>{escape(words)}</text>'

    def _level(self, level: Level) -> str:
        x, y = self._place(0 if level.upright else 1, level.value)
        foot, end, x0 = HEIGHT - MARGIN + GAP, WIDTH - MARGIN + GAP, LEFT - GAP
        if level.upright:
            line, where = f"M{x:g} {foot}V{MARGIN - GAP}", f'x="{x - 5:g}" y="{foot - 6}" text-anchor="end"'
        else:
            line, where = f"M{x0} {y:g}H{end}", f'x="{x0 + 6}" y="{y - 5:g}"'
        look = f'fill="none" stroke="{INK}" stroke-dasharray="4 2"'
        return f'<path d="{line}" {look}/><text {where}>{escape(level.name)}</text>'

    def _place(self, side: int, value: float) -> tuple[float, float]:
        point = self.low.astype(float).copy()
        point[side] = value
        x, y = self.places(point[None])[0]
        return float(x), float(y)


@dataclass(frozen=True)
class Box:
    """The place of a moving picture in a page.

    Attributes
    ----------
    key : its identifier; those of all that stands in it begin with it.
    words : what one sees, for those who do not see it.
    style : rules for what moves; that it waits stands there, too.
    controls : what the reader plays it with; the rule that plays it refers to an element before the drawing.
    names : names and colors of what is drawn, below it.
    height : of the drawing.
    """

    key: str
    words: str
    style: str
    controls: str
    names: Sequence[tuple[str, str]] = ()
    height: int = HEIGHT + 2 * GAP

    def around(self, drawn: str) -> str:
        """Put a drawing into the box."""
        width, size = NARROW
        rules = (
            f"#{self.key}{{margin-top:.6rem;font:.85rem system-ui,sans-serif;color:{INK};color-scheme:light}}"
            f"#{self.key} svg{{min-width:0;max-height:none;fill:{INK};font-size:13px}}"
            f"@media(max-width:{width}rem){{#{self.key} svg{{font-size:{size}px}}}}"
            f"@media print{{#{self.key}{{display:none}}}}"
        )
        names = " ".join(
            f'<span style="color:{color};margin-right:1.5em;white-space:nowrap">● {escape(name)}</span>'
            for name, color in self.names
        )
        return (
            f'<div class="motion" id="{self.key}"><style>{rules}{self.style}</style>{self.controls}'
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'aria-label="{escape(self.words, quote=True)}">{drawn}</svg>{names}</div>'
        )


def finite_points(name: str, points: object, least: int, most: int) -> Array:
    """Return finite points (m, 2), not fewer than `least` and not more than `most`."""
    found = reals(name, points)
    if found.ndim != 2 or found.shape[1] != 2 or not least <= len(found) <= most:
        raise bad(name, f"have shape (m, 2) with m from {least} to {most}", found.shape)
    if not np.isfinite(found).all():
        raise bad(name, "be finite", "others")
    return found
