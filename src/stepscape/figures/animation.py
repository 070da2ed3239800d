"""A small animation for a page: points that move in a plane, as SVG and CSS, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive
from stepscape.errors import bad
from stepscape.figures.motion import Box, Level, Plane, finite_points

Array = NDArray[np.float64]
MOST = 400  # frames


@dataclass(frozen=True, eq=False)
class Track:
    """A point that moves: its name, its places (frames, 2), its color; `jumps` from place to place."""

    name: str
    points: Array
    color: str
    jumps: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", finite_points("points", self.points, 2, MOST))


@dataclass(frozen=True, eq=False)
class Animation:
    """Points that move together, in one plane.

    Attributes
    ----------
    tracks : of equally many frames; the plane holds all their points. Later ones lie above earlier ones.
    axes : names of both axes.
    words : what one sees, for those who do not see it, and beside the button.
    seconds : of one pass.
    levels : lines to compare with.
    ticks : for each axis, places with their words.
    """

    tracks: tuple[Track, ...]
    axes: tuple[str, str]
    words: str
    seconds: float = 20.0
    levels: Sequence[Level] = ()
    ticks: tuple[Sequence[tuple[float, str]], Sequence[tuple[float, str]]] = ((), ())

    def __post_init__(self) -> None:
        if len({len(track.points) for track in self.tracks}) != 1:
            raise bad("tracks", "have equally many frames", sorted(len(t.points) for t in self.tracks))
        positive("seconds", self.seconds)

    def markup(self, name: str) -> str:
        """Return HTML that stands alone in a page; `name` must differ between the animations of one page."""
        every = np.concatenate([track.points for track in self.tracks])
        plane, key = Plane.around(every, self.axes, self.ticks, self.levels), f"motion-{name}"
        moving = list(enumerate(zip(self.tracks, (plane.places(t.points) for t in self.tracks), strict=True)))
        style = _style(key, self.seconds) + "".join(
            _frames(key, i, at, track.jumps) for i, (track, at) in moving
        )
        controls = (
            f'<input type="checkbox" id="{key}-play"/>'
            f'<label for="{key}-play"> Play: {escape(self.words)}</label>'
        )
        box = Box(key, self.words, style, controls, [(track.name, track.color) for track in self.tracks])
        return box.around(plane.drawn() + "".join(_drawn(i, at, track) for i, (track, at) in moving))


def _style(key: str, seconds: float) -> str:
    """Paused until played; still with reduced motion."""
    return (
        f"#{key} .moves{{animation:{seconds:g}s linear infinite paused}}"
        f"#{key}-play:checked~svg .moves{{animation-play-state:running}}"
        f"@media (prefers-reduced-motion:reduce){{#{key} .moves{{animation:none!important}}"
        f"#{key}-play,#{key} label{{display:none}}}}"
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
