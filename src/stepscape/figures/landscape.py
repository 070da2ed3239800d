"""A slice of the landscape: contours of the loss, the contour λ_max = 2/η, and the path of descent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.figures.colors import COLORS, eta_color, marks
from stepscape.figures.house import house
from stepscape.figures.references import DASHES
from stepscape.figures.style import GUIDE, NAMES, SECONDARY, SMALL, canvas
from stepscape.figures.titles import finding
from stepscape.measures.slice import Slice
from stepscape.tables.number import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (7.2, 4.2)
LEVELS = 14  # contours of the loss
AHEAD = "#FBF3DF"  # ground beyond the threshold


@house()
def landscape_figure(slice: Slice, step_size: float) -> Figure:
    """Draw a slice with the path projected to it; the ground beyond the threshold 2/η is shaded."""
    figure, axes = canvas(size=SIZE)
    ax = axes[0, 0]
    _ground(ax, slice, step_size)
    ax.plot(*slice.path.T, color=eta_color(step_size), lw=SECONDARY)
    start, end = slice.path[0], slice.path[-1]
    ax.plot(
        *start, **{**marks(eta_color(step_size)), "mfc": "white", "mec": eta_color(step_size), "ls": "none"}
    )
    ax.plot(*end, **marks(eta_color(step_size)), linestyle="none")
    ax.annotate("start", start, (8, 0), textcoords="offset points", fontsize=SMALL, va="center")
    ax.set_xlabel("along the path of training", fontsize=NAMES)
    ax.set_ylabel("along the largest curvature", fontsize=NAMES)
    finding(figure, landscape_finding(slice, step_size))
    return figure


def landscape_finding(slice: Slice, step_size: float) -> str:
    """Say how far descent swings before and after it has crossed the threshold."""
    crossed = crossing(slice, step_size)
    if crossed is None:
        return f"At η = {short(step_size)} descent does not meet the contour where the sharpness is 2/η"
    before, after = swing(slice, 0, crossed), swing(slice, crossed, len(slice.path))
    ratio = after / max(before, 1e-12)
    more = f"{short(float(f'{ratio:.2g}'))} times as wide"
    return f"Beyond the contour where the sharpness is 2/η descent swings {more} as before"


def crossing(slice: Slice, step_size: float) -> int | None:
    """Return the first step of the path at which the sharpness of the slice exceeds 2/η; None for never."""
    column = np.abs(slice.a[:, None] - slice.path[:, 0]).argmin(axis=0)
    row = np.abs(slice.b[:, None] - slice.path[:, 1]).argmin(axis=0)
    beyond = slice.sharpness[row, column] > 2.0 / step_size
    return int(beyond.argmax()) if beyond.any() and not beyond[0] else None


def swing(slice: Slice, first: int, last: int) -> float:
    """Return the largest change along the second axis in one step, over the steps of a part of the path."""
    return float(np.abs(np.diff(slice.path[first:last, 1])).max(initial=0.0))


def _ground(ax: Axes, slice: Slice, step_size: float) -> None:
    loss = np.log(slice.loss)
    ax.contourf(slice.a, slice.b, slice.sharpness, [2.0 / step_size, np.inf], colors=[AHEAD])
    levels = np.linspace(loss.min(), loss.max(), LEVELS)[1:-1]
    ax.contour(
        slice.a,
        slice.b,
        loss,
        levels,
        colors=[COLORS["gray"]],
        linewidths=GUIDE,
        linestyles="solid",
        alpha=0.6,
    )
    edge = ax.contour(
        slice.a, slice.b, slice.sharpness, [2.0 / step_size], colors=["black"], linewidths=SECONDARY,
        linestyles=[DASHES],
    )  # fmt: skip
    corners = np.vstack([np.asarray(path.vertices) for path in edge.get_paths()] or [np.empty((0, 2))])
    if len(corners):
        top = tuple(corners[corners[:, 1].argmax()])
        ax.annotate(
            r"$\lambda_{\max} = 2/\eta$", top, (14, -5), textcoords="offset points", fontsize=SMALL, va="top"
        )
