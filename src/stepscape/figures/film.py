"""A small film for a page: curves shown one after the other in one plane, as SVG and CSS, without a script.

Its reader chooses a scene, or plays all of them; where the reader's system asks for reduced motion there is
nothing to play, and the scenes can still be chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import nonnegative, positive
from stepscape.errors import bad
from stepscape.figures.colors import COLORS
from stepscape.figures.motion import GAP, HEIGHT, INK, LEFT, MARGIN, WIDTH, Box, Plane, finite_points

Array = NDArray[np.float64]
GRAY = COLORS["gray"]
MOST = 20  # scenes
POINTS = 2000  # of a curve
CLOSE = 0.25  # units of the drawing: a corner that is so close to the line of its neighbors is left out
GAUGE = 1.5  # largest ratio of the gauge
BAR, THICK = HEIGHT + 10, 14  # top and height of the gauge
PAUSE = 0.15  # of a pass: how long the last scene stands beyond its share


@dataclass(frozen=True, eq=False)
class Scene:
    """One curve (m, 2): the name on its button, words above it, its color, and a ratio for the gauge."""

    name: str
    words: str
    points: Array
    color: str
    ratio: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", finite_points("points", self.points, 2, POINTS))
        nonnegative("ratio", self.ratio)


@dataclass(frozen=True, eq=False)
class Film:
    """Curves one after the other, over dots and a dashed curve that stay; the first curve stays, too, thin.

    Attributes
    ----------
    scenes : two or more.
    dots : (n, 2), hollow.
    reference : (m, 2), dashed; `named` says what it is, and what the dots are.
    across : name of the horizontal axis.
    words : what one sees, for those who do not see it, and beside the buttons.
    gauge : what the ratio is, and the name of the ratio 1; it is a bar below the curves.
    seconds : of one pass.
    """

    scenes: Sequence[Scene]
    dots: Array
    reference: Array
    named: str
    across: str
    words: str
    gauge: tuple[str, str]
    seconds: float = 15.0

    def __post_init__(self) -> None:
        if not 2 <= len(self.scenes) <= MOST:
            raise bad("scenes", f"be 2 to {MOST}", len(self.scenes))
        for name in ("dots", "reference"):
            object.__setattr__(self, name, finite_points(name, getattr(self, name), 1, POINTS))
        positive("seconds", self.seconds)

    def markup(self, name: str) -> str:
        """Return HTML that stands alone in a page; `name` must differ between the films of one page."""
        every = np.concatenate([self.dots, self.reference, *(scene.points for scene in self.scenes)])
        plane, key = Plane.around(every, (self.across, "")), f"motion-{name}"
        shown = "".join(_scene(i, scene, plane) for i, scene in enumerate(self.scenes))
        drawn = (
            plane.drawn() + _dots(plane.places(self.dots)) + _line(plane, self.reference, INK, "4 2", 1.4)
            + _line(plane, self.scenes[0].points, self.scenes[0].color, "", 1.0) + self._scale() + shown
        )  # fmt: skip
        first = self.scenes[0]
        names = [(self.named, INK), (f"thin: {first.name}", first.color)]
        return Box(key, self.words, self._style(key), self._controls(key), names, BAR + 50).around(drawn)

    def _controls(self, key: str) -> str:
        """One button to play, and one for each scene, of which the first is chosen."""
        scenes = "".join(
            f'<input type="radio" name="{key}" id="{key}-{i}"{" checked=" + chr(34) * 2 if not i else ""}/>'
            f'<label for="{key}-{i}">{escape(scene.name)} </label>'
            for i, scene in enumerate(self.scenes)
        )
        play = (
            f'<input type="radio" name="{key}" id="{key}-play"/>'
            f'<label for="{key}-play" class="play">Play </label>'
        )
        return f"<p>{escape(self.words)}</p>{scenes}{play}"

    def _style(self, key: str) -> str:
        """Show the scene that is chosen; when played each has its share of a pass, the last one more."""
        ends = np.append(np.linspace(0.0, 1.0 - PAUSE, len(self.scenes) + 1)[:-1], 1.0)
        rules = [f"#{key} .scene{{visibility:hidden}}"]
        for i, (begin, end) in enumerate(zip(100.0 * ends[:-1], 100.0 * ends[1:], strict=True)):
            rules.append(
                f"@keyframes {key}-{i}{{0%{{visibility:{'hidden' if i else 'visible'}}}"
                f"{begin:.4g}%{{visibility:visible}}{end:.4g}%,100%{{visibility:hidden}}}}"
                f"#{key}-{i}:checked~svg .scene-{i}{{visibility:visible}}"
                f"#{key}-play:checked~svg .scene-{i}"
                f"{{animation:{key}-{i} {self.seconds:g}s step-end infinite}}"
            )
        still = (
            "@media (prefers-reduced-motion:reduce){"
            f"#{key}-play,#{key} .play{{display:none}}#{key} .scene{{animation:none!important}}}}"
        )
        return "".join(rules) + still

    def _scale(self) -> str:
        """Draw the empty gauge with its mark at 1."""
        what, one = (escape(each) for each in self.gauge)
        x, full = LEFT + _long(1.0), _long(GAUGE)
        return (
            f'<rect x="{LEFT}" y="{BAR}" width="{full:g}" height="{THICK}" fill="none" stroke="{GRAY}"/>'
            f'<path d="M{x:g} {BAR - 5}v{THICK + 10}" stroke="{INK}" stroke-dasharray="4 2"/>'
            f'<text x="{x:g}" y="{BAR + THICK + 24}" text-anchor="middle">{one}</text>'
            f'<text x="{LEFT}" y="{BAR + THICK + 24}">{what}</text>'
        )


def _long(ratio: float) -> float:
    """Return how long the bar of a ratio is."""
    return (WIDTH - LEFT - MARGIN) * min(ratio, GAUGE) / GAUGE


def _scene(number: int, scene: Scene, plane: Plane) -> str:
    words, bar = escape(scene.words), _long(scene.ratio)
    return (
        f'<g class="scene scene-{number}" fill="{scene.color}">'
        f"{_line(plane, scene.points, scene.color, '', 3.0)}"
        f'<text x="{LEFT - GAP}" y="{MARGIN - 20}" font-weight="bold">{words}</text>'
        f'<rect x="{LEFT}" y="{BAR}" width="{bar:.1f}" height="{THICK}"/></g>'
    )


def _dots(places: Array) -> str:
    marks = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="4"/>' for x, y in places)
    return f'<g fill="none" stroke="{GRAY}">{marks}</g>'


def _line(plane: Plane, points: Array, color: str, dashes: str, width: float) -> str:
    corners = "L".join(f"{x:g} {y:g}" for x, y in plane.places(_corners(plane, points)))
    look = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{corners}" fill="none" stroke="{color}" stroke-width="{width:g}"{look}/>'


def _corners(plane: Plane, points: Array) -> Array:
    """Leave out points of a curve that the line of those kept passes within `CLOSE` (Douglas and Peucker)."""
    places = plane.places(points)
    kept, waiting = {0, len(places) - 1}, [(0, len(places) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        inner, across = places[first + 1 : last], places[last] - places[first]
        off = inner - places[first]
        length = max(float(np.hypot(*across)), np.finfo(float).tiny)
        away = np.abs(across[0] * off[:, 1] - across[1] * off[:, 0]) / length
        furthest = int(away.argmax())
        if away[furthest] > CLOSE:
            middle = first + 1 + furthest
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    return np.asarray(points[sorted(kept)])
