"""Figures of the fit of an outcome of two values: its probability, calibration, the path of step sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.path import ONE_FOR_ALL, PathLook, draw_path, top_in_sight
from stepscape.figures.style import (
    COLORS,
    canvas,
    house,
    label,
    legend,
    note,
    number_ticks,
    series,
    shared_legend,
)
from stepscape.figures.text import shown
from stepscape.losses import probability
from stepscape.measures.calibration import wilson
from stepscape.problems.user.merging import bin_inputs
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Scale = Callable[[Array], Array]
MANY = 400  # ticks beyond which they are drawn fainter, and as an image
BINS, FEWEST, LEAST = 10, 5, 20  # bins of rows: most, fewest, and how many rows each should have
_DASHES = (0, (4, 2))
_UNCERTAIN = "uncertain region: probability 27 % to 73 %"


@dataclass(frozen=True, eq=False)
class OutcomePicture:
    """What is drawn: inputs in the user's units, logits of the probability of the value that is 1.

    Attributes
    ----------
    x, y : (n,)
        Rows; y is 0 or 1.
    x_name, of
        Name of the inputs; what the probability is of, as in "state = 'sick'".
    classes
        What 0 and 1 stand for, as a sentence writes it.
    grid, logit, iterates
        The midpoint network, and each of the last two iterates, on a grid over the data that has all knots.
    knots, knot_logits
        Visible knots of the mean, and the logit there.
    uncertain, hull
        Intervals where the mean is within ±1; the outermost rows there, None without any.
    step_size, pieces, steps, rule
        What was chosen, how many straight pieces the logit has, and how it was chosen.
    base
        Log-loss of the share of 1 in place of a fit.
    predicted : (m,) and known : (m,)
        Probabilities for rows that were left out of training, and what these rows hold; empty for none.
    calibration, path, folds, times
        Tables of the cross-validation, see `StepSizeClassifier`; None without one.
    """

    x: Array
    y: Array
    x_name: str
    of: str
    classes: tuple[str, str]
    grid: Array
    logit: Array
    iterates: tuple[Array, ...]
    knots: Array
    knot_logits: Array
    uncertain: Sequence[tuple[float, float]]
    hull: tuple[float, float] | None
    step_size: float
    pieces: int
    steps: int
    base: float
    predicted: Array
    known: Array
    calibration: Table | None = None
    rule: str = "min"
    path: Table | None = None
    folds: Table | None = None
    times: Table | None = None


@house()
def figures(picture: OutcomePicture) -> dict[str, Figure]:
    """All figures by name: "fit"; "calibration", "path" and "times" where cross-validation makes them."""
    drawn = {"fit": fit_figure(picture)}
    if picture.calibration is not None:
        drawn["calibration"] = calibration_figure(picture)
    if picture.path is not None and len(picture.path) > 1:
        drawn["path"] = path_figure(picture)
    if picture.times is not None and picture.path is not None and len(picture.times) > len(picture.path):
        drawn["times"] = times_figure(picture)
    return drawn


def fit_figure(picture: OutcomePicture) -> Figure:
    """Rows and the probability, its piecewise linear logit below; where the fit is uncertain is shaded."""
    figure, axes = canvas(2, 1, size=(6.8, 6.4), sharex=True, height_ratios=[3, 2])
    upper, lower = axes[:, 0]
    for ax in (upper, lower):
        _shade(ax, picture)
    _rows(upper, picture)
    _curves(upper, picture, probability)
    _curves(lower, picture, lambda logit: logit)
    upper.set_ylim(-0.09, 1.09)
    upper.set_yticks(np.linspace(0.0, 1.0, 6))
    label(upper, "", f"probability of {shown(picture.of)}", f"step size {picture.step_size:.3g}")
    lower.axhline(0.0, color=COLORS["gray"], linewidth=0.9)
    for level in (-1.0, 1.0):
        lower.axhline(level, color=COLORS["gray"], linewidth=0.9, linestyle=_DASHES)
    _logit_limits(lower, picture.logit)
    pieces = "a straight line" if picture.pieces == 1 else f"{picture.pieces} straight pieces"
    label(
        lower,
        shown(picture.x_name),
        "logit",
        f"the logit: {pieces}; uncertain between the dashed lines",
    )
    shared_legend(figure, axes, columns=2)
    return figure


def calibration_figure(picture: OutcomePicture) -> Figure:
    """Shares of rows against the probability predicted without them, and how many there were."""
    if picture.calibration is None:
        raise ValueError("calibration_figure needs a fit that was cross-validated")
    figure, axes = canvas(2, 1, size=(6.0, 6.2), sharex=True, height_ratios=[5, 2])
    upper, lower = axes[:, 0]
    upper.plot(
        [0.0, 1.0], [0.0, 1.0], color=COLORS["black"], lw=1.0, ls=_DASHES, label="as often as predicted"
    )
    _calibration(upper, picture.calibration)
    upper.set_ylim(-0.03, 1.03)
    counted = "; beside each mark: number of rows" if _apart(picture.calibration["predicted"]) else ""
    label(upper, "", f"share with {shown(picture.of)}", f"rows left out of training{counted}")
    legend(upper, loc="upper left")
    edges = np.linspace(0.0, 1.0, 2 * BINS + 1)
    values = [picture.predicted[picture.known == each] for each in (0.0, 1.0)]
    lower.hist(
        values, edges, stacked=True, color=[COLORS["sky"], COLORS["vermilion"]], edgecolor="white",
        hatch=["", "///"], label=[shown(each) for each in picture.classes],
    )  # fmt: skip
    lower.set_xlim(-0.02, 1.06)
    label(lower, f"predicted probability of {shown(picture.of)}", "rows")
    legend(lower)
    return figure


def path_figure(picture: OutcomePicture) -> Figure:
    """Cross-validated log-loss with standard errors, and the edge ratio of every fold, by step size."""
    if picture.path is None or picture.folds is None:
        raise ValueError("path_figure needs a fit whose step size was chosen along a path")
    look = PathLook(picture.step_size, picture.rule, "log-loss (nats)", "log-loss", picture.base)
    return draw_path(picture.path, picture.folds, look)


def times_figure(picture: OutcomePicture) -> Figure:
    """Cross-validated log-loss against training time, for some of the step sizes."""
    if picture.times is None or picture.path is None:
        raise ValueError("times_figure needs a fit whose stopping time was chosen by cross-validation")
    from matplotlib.ticker import LogLocator

    figure, axes = canvas(size=(6.8, 5.0))
    ax = axes[0, 0]
    low, high = (float(end(picture.times["cv_error"])) for end in (np.nanmin, np.nanmax))
    top = top_in_sight(low, high, picture.base)
    for i, eta in enumerate(_some(picture.path["step_size"], picture.step_size)):
        rows = picture.times.where(step_size=eta)
        errors = rows["cv_error"]
        name = f"step size {eta:.2g}" + ("" if np.any(errors <= top) else _out_of_sight(errors))
        ax.plot(rows["time"], errors, label=name, ms=5, lw=1.3, **series(i))
    ax.axhline(picture.base, color=COLORS["black"], lw=1.0, ls=(0, (1.5, 1.5)), label=ONE_FOR_ALL)
    chosen = picture.times.where(chosen=True)
    ax.plot(
        chosen["time"], chosen["cv_error"], "s", color=COLORS["vermilion"], markerfacecolor="none",
        markersize=13, markeredgewidth=1.8, label=f"chosen: {picture.step_size:.3g}, {picture.steps} steps",
    )  # fmt: skip
    ax.set_ylim(low - 0.06 * (top - low), top)
    number_ticks(ax, "x")
    ax.xaxis.set_major_locator(LogLocator(numticks=9))
    label(
        ax,
        "training time: sum of the step sizes",
        "log-loss (nats)",
        "cross-validated error against training time",
    )
    shared_legend(figure, axes, columns=2)
    return figure


def _out_of_sight(errors: Array) -> str:
    """Say why the curve of a step size is not in sight."""
    return " (above the axis)" if np.any(np.isfinite(errors)) else " (diverged)"


def _some(etas: Array, chosen: float) -> list[float]:
    """At most five step sizes, evenly over the path, the chosen one among them."""
    picked = {float(etas[i]) for i in np.linspace(0, len(etas) - 1, min(4, len(etas))).astype(int)}
    return sorted(picked | {chosen}, reverse=True)


def _shade(ax: Axes, picture: OutcomePicture) -> None:
    """Shade where the fit is uncertain, and mark the hull of the rows there along the lower edge."""
    for i, (low, high) in enumerate(picture.uncertain):
        ax.axvspan(low, high, facecolor="#F3E3B3", edgecolor="#C9B36A", hatch="//", linewidth=0.0, alpha=0.55,
                   zorder=0, label=_UNCERTAIN if i == 0 else None)  # fmt: skip
    if picture.hull is not None:
        ax.plot(
            picture.hull, [0.012, 0.012], color=COLORS["black"], lw=2.2, marker="|", markersize=9,
            transform=ax.get_xaxis_transform(), label="hull of the rows in it", solid_capstyle="butt",
        )  # fmt: skip


def _rows(ax: Axes, picture: OutcomePicture) -> None:
    """Draw a tick for each row, at 0 or 1, spread a little; and shares in bins where there are many."""
    many = picture.x.size > MANY
    spread = np.random.default_rng(0).uniform(0.015, 0.07, picture.x.size)
    height = picture.y + np.where(picture.y > 0, spread, -spread)
    alpha = 0.25 if many else 0.7
    ax.plot(picture.x, height, "|", color=COLORS["gray"], alpha=alpha, markersize=4.5, rasterized=many)
    name = f"rows: {shown(picture.classes[1])} above, {shown(picture.classes[0])} below"
    ax.plot([], [], "|", color=COLORS["gray"], markersize=6, label=name)
    bins = min(BINS, picture.x.size // LEAST)
    if bins >= FEWEST:
        binned = bin_inputs(picture.x, picture.y, bins)
        low, high = wilson(binned.y, binned.weights)
        _shares(ax, binned.x, binned.y, (low, high), "share in bins, 95 % interval")


def _calibration(ax: Axes, table: Table) -> None:
    at, share = table["predicted"], table["observed"]
    _shares(ax, at, share, (table["low"], table["high"]), "share of rows, 95 % interval")
    for x, y, rows in zip(at, share, table["rows"], strict=True) if _apart(at) else ():
        ax.annotate(f"{rows:.0f}", (x, y), (6, -11), textcoords="offset points", fontsize=8)


def _apart(at: Array) -> bool:
    """Whether there is room for a number beside every mark."""
    return bool(np.all(np.diff(at) > 0.04))


def _shares(ax: Axes, at: Array, share: Array, interval: tuple[Array, Array], name: str) -> None:
    spread = [np.maximum(share - interval[0], 0.0), np.maximum(interval[1] - share, 0.0)]
    ax.errorbar(
        at, share, yerr=spread, fmt="o", color=COLORS["black"], markerfacecolor="white", markersize=5.5,
        elinewidth=1.0, capsize=2.5, label=name,
    )  # fmt: skip


def _curves(ax: Axes, picture: OutcomePicture, scale: Scale) -> None:
    for i, logit in enumerate(picture.iterates):
        name = "each of the last two iterates" if i == 0 else None
        ax.plot(picture.grid, scale(logit), color=COLORS["sky"], lw=0.9, ls=_DASHES, label=name)
    ax.plot(
        picture.grid, scale(picture.logit), color=COLORS["blue"], linewidth=2.0, label="fit: their midpoint"
    )
    if picture.knots.size:
        ax.plot(
            picture.knots, scale(picture.knot_logits), "D", color=COLORS["vermilion"], markersize=5,
            markeredgecolor="white", markeredgewidth=0.7, label="visible knots",
        )  # fmt: skip


def _logit_limits(ax: Axes, logit: Array) -> None:
    """Span the logits, but not what is as good as certain: beyond ±8 probabilities are below 1 in 2980."""
    low, high = max(-8.0, float(logit.min())), min(8.0, float(logit.max()))
    ax.set_ylim(min(low, -1.5) - 0.4, max(high, 1.5) + 0.4)
    if logit.min() < -8.0 or logit.max() > 8.0:
        ends = " to ".join(f"{end:.3g}".replace("-", "−") for end in (logit.min(), logit.max()))
        note(ax, f"beyond the axis: the logit runs from {ends}", right=True)
