"""Figures of a fit: the data with the curve and, below them, the residuals; the path of step sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.colors import COLORS, CONTRAST, MEASURED
from stepscape.figures.house import house
from stepscape.figures.path import PathLook, draw_path
from stepscape.figures.references import guide
from stepscape.figures.style import MAIN, NAMES, canvas
from stepscape.figures.text import shown
from stepscape.figures.titles import finding
from stepscape.tables.number import number, rounded
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MANY = 2000  # rows beyond which points are drawn as an image inside the vector figure
SIZE = (7.2, 4.8)


@dataclass(frozen=True, eq=False)
class FitPicture:
    """What is drawn, in the user's units.

    Attributes
    ----------
    x, y, fitted : (n,)
        Rows and the fit there.
    grid, curve
        The fit on a grid over the data.
    knots, knot_values
        Where one straight piece ends and the next begins, and the fit there.
    step_size, rule
        What was chosen, and how.
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
    knots: Array
    knot_values: Array
    step_size: float
    rule: str = "min"
    path: Table | None = None
    folds: Table | None = None

    @property
    def pieces(self) -> int:
        """How many straight pieces the figure shows."""
        return len(self.knots) + 1


@house()
def figures(picture: FitPicture) -> dict[str, Figure]:
    """All figures by name: "fit" and, when there was a path, "path"."""
    drawn = {"fit": fit_figure(picture)}
    return drawn if picture.path is None else {**drawn, "path": path_figure(picture)}


def fit_figure(picture: FitPicture) -> Figure:
    """Rows, the fit and its bends; below them the residuals, between lines at their root mean square."""
    figure, axes = canvas(2, 1, size=SIZE, sharex=True, height_ratios=(3, 1))
    upper, lower = axes[:, 0]
    residuals = picture.y - picture.fitted
    _points(upper, picture.x, picture.y)
    upper.plot(picture.grid, picture.curve, **MEASURED.line, lw=MAIN)
    if picture.knots.size:
        upper.plot(picture.knots, picture.knot_values, **{**CONTRAST.marks, "marker": "D"})
    _points(lower, picture.x, residuals)
    lower.axhline(0.0, **MEASURED.line, lw=MAIN)
    spread = float(np.sqrt(np.mean(residuals**2)))
    for sign in (-1.0, 1.0):
        guide(lower, sign * spread)
    upper.set_ylabel(shown(picture.y_name), fontsize=NAMES)
    lower.set_ylabel("data − fit", fontsize=NAMES)
    lower.set_xlabel(shown(picture.x_name), fontsize=NAMES)
    finding(figure, _title(picture, spread))
    return figure


def _title(picture: FitPicture, spread: float) -> str:
    pieces = "A straight line fits" if picture.pieces == 1 else f"{picture.pieces} straight pieces fit"
    within = f"{shown(picture.y_name)} to within {number(spread, 2)}"
    return f"{pieces} {within}; step size {rounded(picture.step_size)}"


def path_figure(picture: FitPicture) -> Figure:
    """Cross-validation error with standard errors, and the edge ratio of every fold, by step size."""
    if picture.path is None or picture.folds is None:
        raise ValueError("path_figure needs a fit whose step size was chosen along a path")
    look = PathLook(picture.step_size, picture.rule, f"squared error ({shown(picture.y_name)}²)", "error")
    return draw_path(picture.path, picture.folds, look)


def _points(ax: Axes, x: Array, y: Array) -> None:
    many = x.size > MANY
    look: dict[str, Any] = {"marker": ".", "alpha": 0.15, "mew": 0}
    if not many:
        look = {"marker": "o", "mfc": "none", "mew": 0.8}
    ax.plot(x, y, linestyle="none", color=COLORS["gray"], ms=4.0, rasterized=many, zorder=1.5, **look)
