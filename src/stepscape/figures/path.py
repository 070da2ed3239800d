"""The figure of a path of step sizes: cross-validation errors, and how close each fold came to the edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepscape.figures.style import COLORS, canvas, label, shared_legend, step_size_ticks
from stepscape.tables.records import Table
from stepscape.training.stops import TIMED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STOPS = (  # how a fold ended: mark and color
    ("edge", "o", "blue"),
    ("stationary", "s", "green"),
    ("budget", "^", "orange"),
    ("validated", "v", "purple"),
    ("interpolating", "D", "vermilion"),
)
_DASHES = (0, (5, 2))
ONE_FOR_ALL = "one probability for all rows"
MOST_BASES = 2.0  # errors of no fit, or of the best where that is larger, that the axis spans


@dataclass(frozen=True)
class PathLook:
    """The words of the figure, and the choice.

    Attributes
    ----------
    step_size, rule
        What was chosen, and how.
    unit
        Name of the axis of errors.
    error
        What the error is.
    base
        The error of no fit at all, drawn where it is in sight; nan for none.
    """

    step_size: float
    rule: str
    unit: str
    error: str
    base: float = float("nan")


def draw_path(path: Table, folds: Table, look: PathLook) -> Figure:
    """Cross-validation error with standard errors, and the edge ratio of every fold, by step size."""
    figure, axes = canvas(2, 1, size=(6.8, 6.2), sharex=True, height_ratios=[3, 2])
    _errors(axes[0, 0], path, look)
    _edges(axes[1, 0], folds)
    step_size_ticks(axes[1, 0], [float(f"{eta:.2g}") for eta in path["step_size"]])
    shared_legend(figure, axes, columns=2)
    return figure


def _errors(ax: Axes, path: Table, look: PathLook) -> None:
    _points(ax, path)
    _choice(ax, path, look)
    bottom, top = _limits(path, look.base)
    if np.isfinite(look.base):
        ax.axhline(
            look.base, color=COLORS["black"], linewidth=1.0, linestyle=(0, (1.5, 1.5)), label=ONE_FOR_ALL
        )
    eta, error = path["step_size"], path["cv_error"]
    lost, far = np.isnan(error), np.isfinite(error) & (error > top)
    ax.plot(eta[lost], np.full(lost.sum(), top), "x", color="black", label="diverged" if lost.any() else None)
    ax.plot(eta[far], np.full(far.sum(), top), "^", color="black", label="above" if far.any() else None)
    ax.set_ylim(bottom, top + 0.06 * (top - bottom))
    label(ax, "", look.unit, f"cross-validation {look.error} ± standard error")


def _points(ax: Axes, path: Table) -> None:
    eta, error, spread = path["step_size"], path["cv_error"], path["standard_error"]
    timed = np.array([any(word in stop for word in TIMED) for stop in path["stop"]])
    ax.errorbar(eta, error, yerr=spread, fmt="none", ecolor=COLORS["gray"], elinewidth=1.0, capsize=2.5)
    ax.plot(eta, error, color=COLORS["gray"], linewidth=0.9)
    looks = (
        (~timed, COLORS["blue"], "loss level in every fold"),
        (timed, "white", "loss not level in some fold: early stopping smoothed it, too"),
    )
    for mask, face, name in looks:
        if np.any(mask & np.isfinite(error)):
            ax.plot(
                eta[mask], error[mask], "o", color=COLORS["blue"], markerfacecolor=face, markersize=6,
                label=name,
            )  # fmt: skip


def _choice(ax: Axes, path: Table, look: PathLook) -> None:
    error, chosen = path["cv_error"], path["chosen"].astype(bool)
    if look.rule == "1se":
        best = int(np.nanargmin(error))
        ax.axhline(
            error[best] + path["standard_error"][best], color=COLORS["green"], linewidth=1.0,
            linestyle=_DASHES, label="smallest error + its standard error",
        )  # fmt: skip
    ax.plot(
        path["step_size"][chosen], error[chosen], "s", color=COLORS["vermilion"], markerfacecolor="none",
        markersize=12, markeredgewidth=1.8, label=f"chosen: {look.step_size:.3g}",
    )  # fmt: skip


def _limits(path: Table, base: float) -> tuple[float, float]:
    """Return the ends of the axis of errors."""
    error, spread = path["cv_error"], path["standard_error"]
    bottom, top = max(0.0, 0.9 * float(np.nanmin(error - spread))), float(np.nanmax(error + spread))
    return bottom, top_in_sight(float(np.nanmin(error)), top, base) if np.isfinite(base) else top


def top_in_sight(low: float, high: float, base: float) -> float:
    """Return the upper end of an axis of errors from `low` to `high`: `base` and `low` are in sight.

    >>> [top_in_sight(0.1, high, 1.0) for high in (0.5, 1.5, 30.0)], top_in_sight(4.0, 30.0, 1.0)
    ([1.05, 1.5, 2.0], 8.0)
    """
    return max(min(high, MOST_BASES * max(base, low)), 1.05 * base, 1.05 * low)


def _edges(ax: Axes, folds: Table) -> None:
    ax.axhline(1.0, color=COLORS["black"], linewidth=1.0, linestyle=_DASHES)
    for stop, marker, color in _STOPS:
        rows = folds.where(stop=stop)
        if len(rows):
            ax.plot(
                rows["step_size"], rows["edge_ratio"], marker, color=COLORS[color], markerfacecolor="none",
                markersize=5, linestyle="none", label=f"fold ended: {stop}",
            )  # fmt: skip
    label(
        ax,
        "step size (standardized data, logarithmic)",
        "edge ratio",
        "sharpness / (2/step size) of each fold",
    )
    ax.set_ylim(bottom=0.0)
