"""Figures of the fit of an outcome of two values: its probability, calibration, the path of step sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, eta_color
from stepscape.figures.house import house
from stepscape.figures.legends import legend, shared_legend
from stepscape.figures.path import ONE_FOR_ALL, PathLook, draw_path, top_in_sight
from stepscape.figures.references import guide, theory
from stepscape.figures.style import GUIDE, MAIN, NAMES, SECONDARY, SMALL, canvas, label, note
from stepscape.figures.text import shown
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.losses import probability
from stepscape.measures.calibration import wilson
from stepscape.problems.user.merging import bin_inputs
from stepscape.tables.number import number, rounded
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Scale = Callable[[Array], Array]
MANY = 400  # ticks beyond which they are drawn fainter, and as an image
BINS, FEWEST, LEAST = 10, 5, 20  # bins of rows: most, fewest, and how many rows each should have
SIZE = (7.2, 5.6)
NAMES_OF_ROWS = 14  # widths of a letter, beside the panel
GROUND = "#F6EBCB"  # where the fit is uncertain


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
    grid, logit
        The fit on a grid over the data that has all knots.
    knots, knot_logits
        Where one straight piece of the logit ends and the next begins, and the logit there.
    uncertain, hull
        Intervals where the mean is within ±1; the outermost rows there, None without any.
    step_size, steps, rule
        What was chosen, and how.
    base
        Log-loss of the share of 1 in place of a fit.
    predicted : (m,) and known : (m,)
        Probabilities for rows that were left out of training, nan for those that never were, and what these
        rows hold; empty for none.
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
    knots: Array
    knot_logits: Array
    uncertain: Sequence[tuple[float, float]]
    hull: tuple[float, float] | None
    step_size: float
    steps: int
    base: float
    predicted: Array
    known: Array
    calibration: Table | None = None
    rule: str = "min"
    path: Table | None = None
    folds: Table | None = None
    times: Table | None = None

    error: ClassVar[str] = "log-loss"
    unit: ClassVar[str] = "log-loss (nats)"
    without: ClassVar[str] = ONE_FOR_ALL

    @property
    def pieces(self) -> int:
        """How many straight pieces of the logit the figure shows."""
        return len(self.knots) + 1


class Validated(Protocol):
    """What the figures of a cross-validation draw; see `OutcomePicture`."""

    @property
    def of(self) -> str:
        """What is predicted."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What 0 and 1 stand for."""

    @property
    def step_size(self) -> float:
        """What was chosen."""

    @property
    def steps(self) -> int:
        """What was chosen with it."""

    @property
    def rule(self) -> str:
        """How."""

    @property
    def base(self) -> float:
        """The error of no fit."""

    @property
    def error(self) -> str:
        """What the error is, as a sentence names it."""

    @property
    def unit(self) -> str:
        """The error with its unit."""

    @property
    def without(self) -> str:
        """What no fit predicts."""

    @property
    def predicted(self) -> Array:
        """For rows that were left out."""

    @property
    def known(self) -> Array:
        """What these rows hold."""

    @property
    def calibration(self) -> Table | None:
        """Shares by predicted probability."""

    @property
    def path(self) -> Table | None:
        """One row per step size."""

    @property
    def folds(self) -> Table | None:
        """One row per step size and fold."""

    @property
    def times(self) -> Table | None:
        """One row per step size and stopping time."""


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
    figure, axes = canvas(2, 1, size=SIZE, sharex=True, height_ratios=[3, 2])
    upper, lower = axes[:, 0]
    for ax in (upper, lower):
        _shade(ax, picture)
    _rows(upper, picture)
    _curves(upper, picture, probability)
    _curves(lower, picture, lambda logit: logit)
    upper.set_ylim(-0.09, 1.09)
    upper.set_yticks(np.linspace(0.0, 1.0, 6))
    upper.set_ylabel(f"probability of\n{shown(picture.of)}", fontsize=NAMES)
    guide(lower, 0.0)
    for level in (-1.0, 1.0):
        guide(lower, level)
    _logit_limits(lower, picture.logit)
    lower.set_ylabel("logit", fontsize=NAMES)
    lower.set_xlabel(shown(picture.x_name), fontsize=NAMES)
    finding(figure, _title(picture))
    return figure


def _title(picture: OutcomePicture) -> str:
    """Say where the fit is uncertain, or that it is nowhere."""
    pieces = "one straight line" if picture.pieces == 1 else f"{picture.pieces} straight pieces"
    if not picture.uncertain:
        return f"The fit of {shown(picture.of)} is uncertain nowhere; its logit has {pieces}"
    low, high = picture.uncertain[0][0], picture.uncertain[-1][1]
    where = f"from {number(low)} to {number(high)}"
    if len(picture.uncertain) > 1:
        where = f"in {len(picture.uncertain)} intervals {where}"
    return f"The fit of {shown(picture.of)} is uncertain {where}; its logit has {pieces}"


def calibration_figure(picture: Validated) -> Figure:
    """Shares of rows against the probability predicted without them, and how many there were."""
    if picture.calibration is None:
        raise ValueError("calibration_figure needs a fit that was cross-validated")
    figure, axes = canvas(2, 1, size=SIZE, sharex=True, height_ratios=[5, 2])
    upper, lower = axes[:, 0]
    theory(upper, [0.0, 1.0], [0.0, 1.0], "as often as predicted", at=1.0, left=True)
    _calibration(upper, picture.calibration)
    upper.set_ylim(-0.03, 1.03)
    upper.set_ylabel(f"share with\n{shown(picture.of)}", fontsize=NAMES)
    edges = np.linspace(0.0, 1.0, 2 * BINS + 1)
    held_out = np.isfinite(picture.predicted)  # a class of one row may be in no fold
    values = [picture.predicted[held_out & (picture.known == each)] for each in (0.0, 1.0)]
    lower.hist(
        values, edges, stacked=True, color=[COLORS["sky"], COLORS["orange"]], edgecolor="white",
        linewidth=GUIDE, hatch=["", "///"], label=[shown(each) for each in picture.classes],
    )  # fmt: skip
    lower.set_xlim(-0.02, 1.06)
    label(lower, f"predicted probability of {shown(picture.of)}", "rows")
    legend(lower)
    finding(figure, _calibration_title(picture.calibration))
    return figure


def _calibration_title(table: Table) -> str:
    """Count the marks whose interval holds the share that was predicted."""
    held = int(np.sum((table["low"] <= table["predicted"]) & (table["predicted"] <= table["high"])))
    return f"{held} of {len(table)} predicted shares lie within the interval of what was observed"


def path_figure(picture: Validated) -> Figure:
    """Cross-validated log-loss with standard errors, and the edge ratio of every fold, by step size."""
    if picture.path is None or picture.folds is None:
        raise ValueError("path_figure needs a fit whose step size was chosen along a path")
    look = PathLook(
        picture.step_size, picture.rule, picture.unit, picture.error, picture.base, picture.without
    )
    return draw_path(picture.path, picture.folds, look)


def times_figure(picture: Validated) -> Figure:
    """Cross-validated log-loss against training time, for some of the step sizes."""
    if picture.times is None or picture.path is None:
        raise ValueError("times_figure needs a fit whose stopping time was chosen by cross-validation")
    figure, axes = canvas(size=(7.2, 4.4))
    ax = axes[0, 0]
    low, high = (float(end(picture.times["cv_error"])) for end in (np.nanmin, np.nanmax))
    top = top_in_sight(low, high, picture.base)
    for eta in _some(picture.path["step_size"], picture.step_size):
        rows = picture.times.where(step_size=eta)
        errors = rows["cv_error"]
        name = f"step size {eta:.2g}" + ("" if np.any(errors <= top) else _out_of_sight(errors))
        ax.plot(rows["time"], errors, label=name, lw=MAIN, color=eta_color(eta))
        if errors[-1] <= top:  # neighbors may overlap, and look alike in gray
            upper = bool(errors[-1] > 0.5 * (low + top))
            ax.annotate(
                f"{eta:.2g}", (rows["time"][-1], errors[-1]), (-7, 0) if upper else (-2, 6),
                textcoords="offset points", ha="right", va="top" if upper else "bottom", fontsize=SMALL,
                color=eta_color(eta), zorder=6,
            )  # fmt: skip
    guide(ax, picture.base, picture.without, at=0.02)
    chosen = picture.times.where(chosen=True)
    ax.plot(
        chosen["time"], chosen["cv_error"], "s", color=COLORS["vermilion"], markerfacecolor="none",
        markersize=13, markeredgewidth=SECONDARY,
        label=f"chosen: {picture.step_size:.3g}, {picture.steps} steps",
    )  # fmt: skip
    ax.set_ylim(low - 0.06 * (top - low), top)
    number_ticks(ax, "x")
    label(ax, "training time Σ η", picture.unit)
    shared_legend(figure, axes, columns=3)
    finding(figure, _times_title(picture.times, picture))
    return figure


def _times_title(times: Table, picture: Validated) -> str:
    """Say what is lost by training on after the chosen moment."""
    rows = times.where(step_size=picture.step_size)
    best, last = float(np.nanmin(rows["cv_error"])), float(rows["cv_error"][-1])
    if not last > best:
        falls = f"the {picture.error} falls to {number(best)} until the end"
        return f"At step size {rounded(picture.step_size)} {falls}"
    return (
        f"At step size {rounded(picture.step_size)} the {picture.error} falls to {number(best)} and rises "
        f"again to {number(last)}"
    )


def _out_of_sight(errors: Array) -> str:
    """Say why the curve of a step size is not in sight."""
    return " (above the axis)" if np.any(np.isfinite(errors)) else " (diverged)"


def _some(etas: Array, chosen: float) -> list[float]:
    """At most five step sizes, evenly over the path, the chosen one among them."""
    picked = {float(etas[i]) for i in np.linspace(0, len(etas) - 1, min(4, len(etas))).astype(int)}
    return sorted(picked | {chosen}, reverse=True)


def _shade(ax: Axes, picture: OutcomePicture) -> None:
    """Shade where the fit is uncertain, and mark the hull of the rows there along the lower edge."""
    for low, high in picture.uncertain:
        ax.axvspan(low, high, facecolor=GROUND, edgecolor="none", zorder=0)
    if picture.hull is not None:
        ax.plot(
            picture.hull, [0.012, 0.012], color=COLORS["black"], lw=MAIN, marker="|", markersize=9,
            transform=ax.get_xaxis_transform(), solid_capstyle="butt",
        )  # fmt: skip


def _rows(ax: Axes, picture: OutcomePicture) -> None:
    """Draw a tick for each row, at 0 or 1, spread a little; and shares in bins where there are many."""
    many = picture.x.size > MANY
    spread = np.random.default_rng(0).uniform(0.015, 0.07, picture.x.size)
    height = picture.y + np.where(picture.y > 0, spread, -spread)
    look: dict[str, Any] = {"color": COLORS["gray"], "alpha": 0.25 if many else 0.7, "ms": 4.5}
    ax.plot(picture.x, height, "|", linestyle="none", rasterized=many, **look)
    for place, name in zip((-0.05, 1.05), picture.classes, strict=True):
        ax.annotate(
            shown(name, NAMES_OF_ROWS), (1.0, place), (4, 0), xycoords=ax.get_yaxis_transform(),
            textcoords="offset points", va="center", fontsize=SMALL, color=COLORS["gray"],
            annotation_clip=False,
        )  # fmt: skip
    bins = min(BINS, picture.x.size // LEAST)
    if bins >= FEWEST:
        binned = bin_inputs(picture.x, picture.y, bins)
        _shares(ax, binned.x, binned.y, wilson(binned.y, binned.weights))


def _calibration(ax: Axes, table: Table) -> None:
    at, share = table["predicted"], table["observed"]
    _shares(ax, at, share, (table["low"], table["high"]))
    for x, y, rows in zip(at, share, table["rows"], strict=True) if _apart(at) else ():
        ax.annotate(f"{rows:.0f}", (x, y), (6, -11), textcoords="offset points", fontsize=SMALL)


def _apart(at: Array) -> bool:
    """Whether there is room for a number beside every mark."""
    return bool(np.all(np.diff(at) > 0.04))


def _shares(ax: Axes, at: Array, share: Array, interval: tuple[Array, Array]) -> None:
    spread = [np.maximum(share - interval[0], 0.0), np.maximum(interval[1] - share, 0.0)]
    ax.errorbar(
        at, share, yerr=spread, fmt="o", color=COLORS["black"], markerfacecolor="white", markersize=6.0,
        elinewidth=SECONDARY, capsize=3.0, capthick=SECONDARY,
    )  # fmt: skip


def _curves(ax: Axes, picture: OutcomePicture, scale: Scale) -> None:
    ax.plot(picture.grid, scale(picture.logit), **MEASURED.line, lw=MAIN)
    if picture.knots.size:
        ax.plot(picture.knots, scale(picture.knot_logits), **{**CONTRAST.marks, "marker": "D"})


def _logit_limits(ax: Axes, logit: Array) -> None:
    """Span the logits, but not what is as good as certain: beyond ±8 probabilities are below 1 in 2980."""
    low, high = max(-8.0, float(logit.min())), min(8.0, float(logit.max()))
    ax.set_ylim(min(low, -1.5) - 0.4, max(high, 1.5) + 0.4)
    if logit.min() < -8.0 or logit.max() > 8.0:
        ends = " to ".join(f"{end:.3g}".replace("-", "−") for end in (logit.min(), logit.max()))
        note(ax, f"beyond the axis: the logit runs from {ends}", right=True)
