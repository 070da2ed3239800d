"""Figures of a fit of several features: held-out predictions, the choice, single neurons, partial views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.colors import COLORS, MEASURED
from stepscape.figures.house import house
from stepscape.figures.legends import legend
from stepscape.figures.outcome import calibration_figure, path_figure, times_figure
from stepscape.figures.style import GUIDE, MAIN, NAMES, SMALL, canvas, label
from stepscape.figures.text import shown
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MANY = 2000  # rows beyond which points are drawn as an image inside the vector figure
BARS = 40  # of the histogram of neurons
GROUPS = {
    "none": "no row",
    "one": "one row",
    "few": "up to 10 % of the rows",
    "many": "more rows",
    "all": "all rows",
}


@dataclass(frozen=True, eq=False)
class PartialView:
    """The mean prediction over the rows if one feature had another value: its name, values, means."""

    name: str
    values: Array
    means: Array


@dataclass(frozen=True, eq=False)
class FeaturesPicture:
    """What is drawn, in the user's units.

    Attributes
    ----------
    of, classes
        What is predicted; what 0 and 1 stand for, of an outcome.
    predicted, known : (n,)
        Predictions for rows that were left out of training, nan for those that never were, and their labels;
        empty without cross-validation.
    counts, strengths : (k,)
        On how many distinct rows each neuron is active, and its share |w2| ‖w1‖ of the path norm.
    groups
        How many neurons are active on no row, one, few, many, all.
    inputs
        Number of distinct rows.
    views
        Partial views, the strongest first.
    step_size, steps, rule, base, unit, error, without, calibration, path, folds, times
        See `OutcomePicture`.
    """

    of: str
    classes: tuple[str, ...]
    predicted: Array
    known: Array
    counts: NDArray[np.int64]
    groups: dict[str, int]
    inputs: int
    views: Sequence[PartialView]
    step_size: float
    steps: int
    rule: str
    base: float
    unit: str
    error: str
    without: str
    calibration: Table | None = None
    path: Table | None = None
    folds: Table | None = None
    times: Table | None = None


@house()
def figures(picture: FeaturesPicture) -> dict[str, Figure]:
    """Draw "shattering", "features"; with cross-validation "observed" or "calibration", "path", "times"."""
    drawn = {}
    if picture.calibration is not None:
        drawn["calibration"] = calibration_figure(picture)
    elif picture.predicted.size and not picture.classes:
        drawn["observed"] = observed_figure(picture)
    drawn["shattering"] = shattering_figure(picture)
    drawn["features"] = features_figure(picture)
    if picture.path is not None and len(picture.path) > 1:
        drawn["path"] = path_figure(picture)
    if picture.times is not None and picture.path is not None and len(picture.times) > len(picture.path):
        drawn["times"] = times_figure(picture)
    return drawn


def observed_figure(picture: FeaturesPicture) -> Figure:
    """Labels against what the fold predicted that held the row out."""
    figure, axes = canvas(size=(5.4, 4.6))
    ax = axes[0, 0]
    seen = np.isfinite(picture.predicted)
    predicted, known = picture.predicted[seen], picture.known[seen]
    low, high = (float(end(np.concatenate([predicted, known]))) for end in (np.min, np.max))
    ax.plot(
        [low, high],
        [low, high],
        color=COLORS["gray"],
        lw=GUIDE,
        linestyle=(0, (1, 2)),
        label="observed = predicted",
    )
    many = known.size > MANY
    look: dict[str, Any] = {"marker": "o", "mfc": "none", "mew": 0.8, "ms": 4.0}
    if many:
        look = {"marker": ".", "alpha": 0.15, "mew": 0, "ms": 4.0}
    ax.plot(
        predicted,
        known,
        linestyle="none",
        color=COLORS["blue"],
        rasterized=many,
        label="rows left out",
        **look,
    )
    label(ax, f"predicted {shown(picture.of)}, without the row", f"observed {shown(picture.of)}")
    legend(ax)
    finding(figure, _observed_title(predicted, known))
    return figure


def _observed_title(predicted: Array, known: Array) -> str:
    """Say how far predictions are off, beside the spread of the labels."""
    error, spread = float(np.sqrt(np.mean((predicted - known) ** 2))), float(known.std())
    return (
        f"Rows left out are predicted to within {number(error, 2)}; the labels spread by {number(spread, 2)}"
    )


def shattering_figure(picture: FeaturesPicture) -> Figure:
    """Neurons by the number of rows on which they are active; those of a single row stand out."""
    figure, axes = canvas(size=(7.2, 3.4))
    ax = axes[0, 0]
    live = picture.counts[picture.counts > 1] / picture.inputs
    ax.hist(live, np.linspace(0.0, 1.0, BARS + 1), color=COLORS["sky"], edgecolor="white", linewidth=GUIDE)
    one = picture.groups["one"]
    ax.bar(
        1.0 / picture.inputs, one, width=1.0 / BARS, color=COLORS["vermilion"], edgecolor="white",
        linewidth=GUIDE,
    )  # fmt: skip
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(bottom=0.0)
    label(ax, "share of the rows on which a neuron is active", "neurons")
    ax.annotate(
        f"{one} on one row", (1.0 / picture.inputs, one), (4, 3), textcoords="offset points", ha="left",
        va="bottom", fontsize=SMALL, color=COLORS["vermilion"],
    )  # fmt: skip
    ax.margins(y=0.15)
    finding(figure, _shattering_title(picture))
    return figure


def _shattering_title(picture: FeaturesPicture) -> str:
    """Say how many neurons hold a row alone."""
    one, dead, k = picture.groups["one"], picture.groups["none"], picture.counts.size
    alone = "No neuron holds a row alone" if not one else f"{one} of {k} neurons hold a row alone"
    if one == 1:
        alone = f"1 of {k} neurons holds a row alone"
    rest = f"; {dead} are active on no row" if dead else ""
    live = picture.counts > 0
    if not one and not dead and live.any():
        share = 100.0 * float(picture.counts.mean()) / picture.inputs
        rest = f": on average each is active on {share:.0f} % of them"
    return alone + rest


def features_figure(picture: FeaturesPicture) -> Figure:
    """Draw the mean prediction over the rows if one feature had another value, for up to six features."""
    shown_views = picture.views[:6]
    columns = min(3, len(shown_views))
    rows = -(-len(shown_views) // columns)
    figure, axes = canvas(rows, columns, size=(7.2, 1.2 + 1.9 * rows), sharey=True)
    for ax, view in zip(axes.flat, shown_views, strict=False):
        ax.plot(view.values, view.means, **MEASURED.line, lw=MAIN)
        ax.set_xlabel(shown(view.name, 22), fontsize=NAMES)
    for ax in axes.flat[len(shown_views) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel(f"mean {shown(picture.of, 16)}", fontsize=NAMES)
    finding(figure, _features_title(picture))
    return figure


def _features_title(picture: FeaturesPicture) -> str:
    """Say which feature moves the mean prediction most, and how far."""
    first = picture.views[0]
    reach = number(float(np.ptp(first.means)), 2)
    return f"{shown(first.name)} moves the mean prediction most: by {reach} over its range"
