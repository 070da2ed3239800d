"""Figures of a fit: the data with the curve and its knots, the residuals, the path of step sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.path import PathLook, draw_path
from stepscape.figures.style import COLORS, canvas, house, label, legend
from stepscape.figures.text import shown
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MANY = 2000  # rows beyond which points are drawn as an image inside the vector figure


@dataclass(frozen=True, eq=False)
class FitPicture:
    """What is drawn, in the user's units.

    Attributes
    ----------
    x, y, fitted : (n,)
        Rows and the fit there.
    grid, curve, iterates
        The midpoint network, and each of the last two iterates, on a grid over the data.
    knots, knot_values, jumps
        Visible knots of the fit, the fit there, the change of slope.
    step_size, pieces, rule
        What was chosen, how many straight pieces came out, and how it was chosen.
    path, folds
        Tables of the cross-validation, or None when the step size was given.
    """

    x: Array
    y: Array
    fitted: Array
    x_name: str
    y_name: str
    grid: Array
    curve: Array
    iterates: tuple[Array, ...]
    knots: Array
    knot_values: Array
    jumps: Array
    step_size: float
    pieces: int
    rule: str = "min"
    path: Table | None = None
    folds: Table | None = None


@house()
def figures(picture: FitPicture) -> dict[str, Figure]:
    """All figures by name: "fit", "residuals" and, when there was a path, "path"."""
    drawn = {"fit": fit_figure(picture), "residuals": residual_figure(picture)}
    return drawn if picture.path is None else {**drawn, "path": path_figure(picture)}


def fit_figure(picture: FitPicture) -> Figure:
    """Rows, the fit (the midpoint network), both iterates, and the visible knots."""
    figure, axes = canvas(size=(6.8, 4.4))
    ax = axes[0, 0]
    _points(ax, picture.x, picture.y, "data")
    for i, values in enumerate(picture.iterates):
        name = "each of the last two iterates" if i == 0 else None
        ax.plot(picture.grid, values, color=COLORS["sky"], linewidth=0.9, linestyle=(0, (4, 2)), label=name)
    ax.plot(picture.grid, picture.curve, color=COLORS["blue"], linewidth=2.0, label="fit: their midpoint")
    if picture.knots.size:
        ax.plot(
            picture.knots, picture.knot_values, "D", color=COLORS["vermilion"], markersize=5,
            markeredgecolor="white", markeredgewidth=0.7, label="visible knots",
        )  # fmt: skip
    label(ax, shown(picture.x_name), shown(picture.y_name), _title(picture))
    legend(ax)
    return figure


def _title(picture: FitPicture) -> str:
    pieces = "straight line" if picture.pieces == 1 else f"{picture.pieces} straight pieces"
    return f"{pieces}, step size {picture.step_size:.3g}"


def residual_figure(picture: FitPicture) -> Figure:
    """Labels minus fit against the input."""
    figure, axes = canvas(size=(6.8, 3.2))
    ax = axes[0, 0]
    residuals = picture.y - picture.fitted
    _points(ax, picture.x, residuals, None)
    ax.axhline(0.0, color=COLORS["blue"], linewidth=1.6)
    spread = float(np.sqrt(np.mean(residuals**2)))
    for sign in (-1.0, 1.0):
        ax.axhline(sign * spread, color=COLORS["gray"], linewidth=1.0, linestyle=(0, (5, 2)))
    label(
        ax,
        shown(picture.x_name),
        f"{shown(picture.y_name)}: data − fit",
        f"residuals; dashed: ± their root mean square, {spread:.3g}",
    )
    return figure


def path_figure(picture: FitPicture) -> Figure:
    """Cross-validation error with standard errors, and the edge ratio of every fold, by step size."""
    if picture.path is None or picture.folds is None:
        raise ValueError("path_figure needs a fit whose step size was chosen along a path")
    look = PathLook(picture.step_size, picture.rule, f"squared error ({shown(picture.y_name)}²)", "error")
    return draw_path(picture.path, picture.folds, look)


def _points(ax: Axes, x: Array, y: Array, name: str | None) -> None:
    many = x.size > MANY
    ax.plot(
        x, y, "." if many else "o", color=COLORS["gray"], alpha=0.15 if many else 0.6, markersize=3.5,
        markeredgewidth=0, label=name, rasterized=many,
    )  # fmt: skip
