"""Names of curves at their ends, in their colors, spread so that they do not touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.figures.style import SMALL
from stepscape.figures.text import extent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation

MOST = 4  # curves with names at their ends; more take a legend
GAP = 5.0  # points between a curve and its name
LEADING = 1.0  # heights of a text between the middles of neighbors


def name_at_end(ax: Axes, line: Line2D, name: str, left: bool = False) -> Annotation | None:
    """Write the name of a curve at its right (or left) end, in its color; None for a curve without a point.

    Names of one panel that would touch are moved apart when the figure is drawn; see `Elastic`.
    """
    from stepscape.figures.elastic import elastic

    if line.axes is not ax:
        raise bad("line", "be one of the panel", repr(line))
    x, y = (np.asarray(each, float) for each in line.get_data())
    (seen,) = np.nonzero(np.isfinite(x) & np.isfinite(y))
    if not seen.size:
        return None
    end = seen[np.argmin(x[seen]) if left else seen.size - 1 - np.argmax(x[seen][::-1])]
    text = ax.annotate(
        name, (x[end], y[end]), (-GAP if left else GAP, 0.0), textcoords="offset points",
        ha="right" if left else "left", va="center", fontsize=SMALL, color=line.get_color(),
        annotation_clip=False, zorder=6,
    )  # fmt: skip
    elastic(ax.figure).ends.append(text)
    return text


def spread(texts: Sequence[Annotation]) -> None:
    """Move names of one panel up and down, as little as possible, until none touches another.

    Names beside each other stay where they are. All stay within the panel if they have room there.
    """
    for text in texts:
        _shift(text, 0.0)
    boxes = [extent(text) for text in texts]
    for group in _columns([(box.x0, box.x1) for box in boxes]):
        panel = texts[group[0]].axes.bbox  # type: ignore[union-attr]
        order = sorted(group, key=lambda i: boxes[i].y0 + boxes[i].y1)
        middles = np.array([0.5 * (boxes[i].y0 + boxes[i].y1) for i in order])
        heights = np.array([LEADING * boxes[i].height for i in order])
        for i, shift in zip(order, apart(middles, heights, (panel.y0, panel.y1)) - middles, strict=True):
            _shift(texts[i], float(shift) * 72.0 / texts[i].figure.dpi)


def apart(
    middles: NDArray[np.float64], heights: NDArray[np.float64], room: tuple[float, float]
) -> NDArray[np.float64]:
    """Move intervals of such heights apart: the least squares of shifts, kept within `room` if they fit.

    With half heights taken off, that they do not touch means that the middles increase: pool neighbors that
    violate it, as isotonic regression does.

    >>> apart(np.array([0.0, 1.0, 9.0]), np.array([2.0, 2.0, 2.0]), (-5.0, 20.0)).tolist()
    [-0.5, 1.5, 9.0]
    >>> apart(np.array([0.0, 0.0]), np.array([2.0, 2.0]), (0.0, 10.0)).tolist()
    [1.0, 3.0]
    """
    steps = np.concatenate([[0.0], np.cumsum(0.5 * (heights[1:] + heights[:-1]))])
    blocks: list[list[float]] = []  # mean and size
    for value in middles - steps:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            before = blocks[-1]
            blocks[-1] = [(before[0] * before[1] + mean * size) / (before[1] + size), before[1] + size]
    moved = np.repeat([mean for mean, _ in blocks], [int(size) for _, size in blocks])
    low, high = room[0] + 0.5 * heights[0], room[1] - 0.5 * heights[-1] - steps[-1]
    return np.asarray(np.clip(moved, low, max(low, high)) + steps)


def _columns(spans: Sequence[tuple[float, float]]) -> list[list[int]]:
    """Group intervals that overlap, directly or through others."""
    groups: list[list[int]] = []
    reach = -np.inf
    for i in sorted(range(len(spans)), key=lambda i: spans[i]):
        if spans[i][0] > reach or not groups:
            groups.append([])
        groups[-1].append(i)
        reach = max(reach, spans[i][1])
    return groups


def _shift(text: Annotation, points: float) -> None:
    x, _ = text.xyann
    text.xyann = (x, points)
