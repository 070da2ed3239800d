"""The figure of a path of step sizes: cross-validation errors, and how close each fold came to the edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.figures.colors import COLORS, MEASURED
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory_level
from stepscape.figures.style import NAMES, SECONDARY, SMALL, canvas, label
from stepscape.figures.ticks import step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, rounded
from stepscape.tables.records import Table
from stepscape.training.stops import TIMED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STOPS = (  # how a fold ended: its words, its mark, its color
    ("edge", "at the edge of stability", "o", "blue"),
    ("stationary", "where nothing changes", "s", "green"),
    ("budget", "after its steps", "^", "black"),
    ("validated", "at its best held-out moment", "v", "vermilion"),
    ("interpolating", "fitting every row", "D", "gray"),
)
EDGES = (0.5, 1.5)  # of the axis of edge ratios
SIZE = (7.2, 5.0)
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
    base, without
        The error of no fit at all, drawn where it is in sight, nan for none; and what no fit predicts.
    """

    step_size: float
    rule: str
    unit: str
    error: str
    base: float = float("nan")
    without: str = ONE_FOR_ALL


def draw_path(path: Table, folds: Table, look: PathLook) -> Figure:
    """Cross-validation error with standard errors, and the edge ratio of every fold, by step size."""
    figure, axes = canvas(2, 1, size=SIZE, sharex=True, height_ratios=[5, 3])
    _errors(axes[0, 0], path, look)
    _edges(axes[1, 0], folds)
    step_size_ticks(axes[1, 0], [float(f"{eta:.2g}") for eta in path["step_size"]])
    shared_legend(figure, axes, columns=2)
    finding(figure, _title(path, look))
    return figure


def _title(path: Table, look: PathLook) -> str:
    """Say what the choice gains over the best of the two ends of the path."""
    eta, error = path["step_size"], path["cv_error"]
    known = np.flatnonzero(np.isfinite(error))
    best = float(np.nanmin(error))
    low, high = (float(error[i]) for i in (known[np.argmin(eta[known])], known[np.argmax(eta[known])]))
    name = f"Step size {rounded(look.step_size)}"
    if look.rule == "1se":
        return f"{name} is the largest whose {look.error} is within one standard error of {number(best)}"
    if min(low, high) <= best:
        side = "smallest" if low <= high else "largest"
        return f"{name}, the {side} that was tried, has the least {look.error}, {number(best)}"
    ends = f"{number(low)} and {number(high)} at the ends"
    return f"{name} has the least {look.error}: {number(best)}, against {ends}"


def _errors(ax: Axes, path: Table, look: PathLook) -> None:
    bottom, top = _limits(path, look.base)
    _points(ax, path)
    _choice(ax, path, look)
    if np.isfinite(look.base):
        guide(ax, look.base, look.without, at=0.98)
    eta, error = path["step_size"], path["cv_error"]
    lost, far = np.isnan(error), np.isfinite(error) & (error > top)
    edge: dict[str, Any] = {"color": COLORS["black"], "linestyle": "none", "ms": 6.0, "clip_on": False}
    for gone, marker, name in ((lost, "x", "diverged"), (far, "^", "above the axis")):
        if gone.any():  # an empty line would count as a point at the corner of the figure
            ax.plot(eta[gone], np.full(gone.sum(), top), marker=marker, label=name, **edge)
    ax.set_ylim(bottom, top + 0.06 * (top - bottom))
    ax.set_ylabel(f"cross-validated\n{look.unit}", fontsize=NAMES)


def _points(ax: Axes, path: Table) -> None:
    order = np.argsort(path["step_size"])
    eta, error, spread = (path[name][order] for name in ("step_size", "cv_error", "standard_error"))
    timed = np.array([any(word in stop for word in TIMED) for stop in path["stop"][order]])
    ax.errorbar(
        eta, error, yerr=spread, color=COLORS["blue"], lw=SECONDARY, elinewidth=SECONDARY, capthick=SECONDARY,
        capsize=3.0,
    )  # fmt: skip
    looks = (
        (~timed, COLORS["blue"], "loss level in every fold"),
        (timed, "white", "loss not level in some fold"),
    )
    for mask, face, name in looks:
        if np.any(mask & np.isfinite(error)):
            marks = {**MEASURED.marks, "mfc": face, "mec": COLORS["blue"]}
            ax.plot(eta[mask], error[mask], label=name, **marks)


def _choice(ax: Axes, path: Table, look: PathLook) -> None:
    error, chosen = path["cv_error"], path["chosen"].astype(bool)
    if look.rule == "1se":
        best = int(np.nanargmin(error))
        guide(ax, error[best] + path["standard_error"][best], "least error + its standard error", above=False)
    ax.plot(
        path["step_size"][chosen], error[chosen], "s", color=COLORS["vermilion"], markerfacecolor="none",
        markersize=12, markeredgewidth=SECONDARY,
    )  # fmt: skip
    for eta, value in zip(path["step_size"][chosen], error[chosen], strict=True):
        ax.annotate(
            "chosen", (eta, value), (0, 9), textcoords="offset points", ha="center", va="bottom",
            fontsize=SMALL, color=COLORS["vermilion"],
        )  # fmt: skip


def _limits(path: Table, base: float) -> tuple[float, float]:
    """Return the ends of the axis of errors: around the data, without 0 where that is far away."""
    error, spread = path["cv_error"], path["standard_error"]
    low, high = float(np.nanmin(error - spread)), float(np.nanmax(error + spread))
    top = top_in_sight(float(np.nanmin(error)), high, base) if np.isfinite(base) else high
    return max(0.0, low - 0.05 * (top - low)), top


def top_in_sight(low: float, high: float, base: float) -> float:
    """Return the upper end of an axis of errors from `low` to `high`: `base` and `low` are in sight.

    >>> [top_in_sight(0.1, high, 1.0) for high in (0.5, 1.5, 30.0)], top_in_sight(4.0, 30.0, 1.0)
    ([1.05, 1.5, 2.0], 8.0)
    """
    return max(min(high, MOST_BASES * max(base, low)), 1.05 * base, 1.05 * low)


def _edges(ax: Axes, folds: Table) -> None:
    theory_level(ax, 1.0, "edge of stability")
    for stop, words, marker, color in _STOPS:
        rows = folds.where(stop=stop)
        if len(rows):
            ax.plot(
                rows["step_size"], np.clip(rows["edge_ratio"], *EDGES), marker, color=COLORS[color],
                markerfacecolor="none", markersize=5, linestyle="none", label=f"fold ended {words}",
                clip_on=False,
            )  # fmt: skip
    label(ax, "step size η (standardized data)", "edge ratio of\neach fold")
    ax.set_ylim(*EDGES)
    ax.set_yticks([EDGES[0], 1.0, EDGES[1]])
