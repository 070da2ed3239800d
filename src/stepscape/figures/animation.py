"""A small animation for a page: points that move in a plane, as SVG and CSS, without a script.

It is paused until the reader plays it, stands still where the reader's system asks for reduced motion, and is
left out in print, where the figure beside it says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive, reals
from stepscape.errors import bad

Array = NDArray[np.float64]
WIDTH, HEIGHT, MARGIN, NAMES = 640, 330, 44, 20  # of the drawing; the names stand below it
MOST = 400  # frames


@dataclass(frozen=True, eq=False)
class Track:
    """A point that moves: its name, its places (frames, 2), its color; `jumps` from place to place."""

    name: str
    points: Array
    color: str
    jumps: bool = False

    def __post_init__(self) -> None:
        points = reals("points", self.points)
        if points.ndim != 2 or points.shape[1] != 2 or not 2 <= len(points) <= MOST:
            raise bad("points", f"have shape (frames, 2) with 2 to {MOST} frames", points.shape)
        if not np.isfinite(points).all():
            raise bad("points", "be finite", "others")
        object.__setattr__(self, "points", points)


@dataclass(frozen=True, eq=False)
class Animation:
    """Points that move together, in one plane.

    Attributes
    ----------
    tracks : of equally many frames; the plane holds all their points.
    axes : names of both axes.
    words : what one sees, for those who do not see it, and beside the button.
    seconds : of one pass.
    """

    tracks: tuple[Track, ...]
    axes: tuple[str, str]
    words: str
    seconds: float = 20.0

    def __post_init__(self) -> None:
        if len({len(track.points) for track in self.tracks}) != 1:
            raise bad("tracks", "have equally many frames", sorted(len(t.points) for t in self.tracks))
        positive("seconds", self.seconds)

    def markup(self, name: str) -> str:
        """Return HTML that stands alone in a page; `name` must differ between the animations of one page."""
        places, key = self._places(), f"motion-{name}"
        style = [_style(key, self.seconds), *(_frames(key, i, at, track.jumps)
                 for i, (at, track) in enumerate(zip(places, self.tracks, strict=True)))]  # fmt: skip
        drawn = "".join(
            _drawn(i, at, track) for i, (at, track) in enumerate(zip(places, self.tracks, strict=True))
        )
        return (
            f'<div class="motion" id="{key}"><style>{"".join(style)}</style>'
            f'<input type="checkbox" id="{key}-play"/>'
            f'<label for="{key}-play"> Play: {escape(self.words)}</label>'
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + NAMES}" role="img" '
            f'aria-label="{escape(self.words, quote=True)}" font-family="sans-serif" font-size="13">'
            f"{self._frame()}{drawn}</svg></div>"
        )

    def _places(self) -> list[Array]:
        """Places in the drawing, of each track."""
        every = np.concatenate([track.points for track in self.tracks])
        low, span = every.min(axis=0), np.ptp(every, axis=0)
        span = np.where(span > 0.0, span, 1.0)
        room = np.array([WIDTH - 2.0 * MARGIN, HEIGHT - 2.0 * MARGIN])
        found = []
        for track in self.tracks:
            share = (track.points - low) / span
            share[:, 1] = 1.0 - share[:, 1]
            found.append(np.round(MARGIN + share * room, 1))
        return found

    def _frame(self) -> str:
        """Both axes with their names, and the names of the tracks in their colors."""
        low, right = HEIGHT - MARGIN + 12, WIDTH - MARGIN + 12
        x, y = (escape(each) for each in self.axes)
        names = "".join(
            f'<text x="{MARGIN + 150 * i}" y="{HEIGHT + NAMES - 6}" fill="{t.color}">'
            f"● {escape(t.name)}</text>"
            for i, t in enumerate(self.tracks)
        )
        return (
            f'<path d="M{MARGIN - 12} {MARGIN - 12}V{low}H{right}" fill="none" stroke="currentColor"/>'
            f'<text x="{MARGIN - 12}" y="{MARGIN - 20}" fill="currentColor">{y}</text>'
            f'<text x="{right}" y="{low + 16}" text-anchor="end" fill="currentColor">{x}</text>{names}'
        )


def _style(key: str, seconds: float) -> str:
    """Paused until played; still with reduced motion; nothing in print."""
    return (
        f"#{key} .moves{{animation:{seconds:g}s linear infinite paused}}"
        f"#{key}-play:checked~svg .moves{{animation-play-state:running}}"
        f"@media (prefers-reduced-motion:reduce){{#{key} .moves{{animation:none!important}}"
        f"#{key}-play,#{key} label{{display:none}}}}"
        f"@media print{{#{key}{{display:none}}}}"
    )


def _frames(key: str, number: int, places: Array, jumps: bool) -> str:
    """Keyframes of one track."""
    share = 100.0 / (len(places) - 1)
    steps = "".join(
        f"{i * share:.4g}%{{transform:translate({x:g}px,{y:g}px)}}" for i, (x, y) in enumerate(places)
    )
    timing = ";animation-timing-function:step-end" if jumps else ""
    named = f"#{key} .moves.track-{number}{{animation-name:{key}-{number}{timing}}}"
    return f"@keyframes {key}-{number}{{{steps}}}{named}"


def _drawn(number: int, places: Array, track: Track) -> str:
    """Return the way of a track, faint, unless it jumps; and its point at the first frame."""
    x, y = places[0]
    line = "M" + "L".join(f"{a:g} {b:g}" for a, b in places)
    way = "" if track.jumps else f'<path d="{line}" fill="none" stroke="{track.color}" opacity="0.35"/>'
    return (
        f'{way}<circle class="moves track-{number}" r="5" fill="{track.color}" '
        f'style="transform:translate({x:g}px,{y:g}px)"/>'
    )
