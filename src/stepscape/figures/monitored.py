"""A monitored run of a model: its edge ratio against the edge of stability, and its loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.colors import COLORS, CONTRAST, MEASURED
from stepscape.figures.references import guide, silent, theory_level
from stepscape.figures.style import DOUBLE, SECONDARY, SMALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
SIZE = (DOUBLE[0], 4.6)
LINEAR = 3.0  # edge ratio up to which the axis is linear
FEW = 12  # points that get a mark
MOST_SPIKES = 8  # that get a line across both panels


@dataclass(frozen=True, eq=False)
class MonitoredRun:
    """Columns of a monitored run; nan where something was not measured.

    Attributes
    ----------
    steps, edge_ratio, loss : (m,)
    spikes : (k, 2)
        Steps and finite losses of the spikes.
    sentence : str
        What the figure shows.
    """

    steps: Array
    edge_ratio: Array
    loss: Array
    spikes: Array
    sentence: str


def draw_monitored(run: MonitoredRun) -> Figure:
    """Edge ratio over steps with the edge at 1, and below it the loss with its spikes."""
    has_ratio = bool(np.isfinite(run.edge_ratio).any())
    if has_ratio:
        figure, axes = canvas(2, 1, SIZE, sharex=True, height_ratios=(3, 2))
        _ratios(axes[0, 0], run)
    else:
        figure, axes = canvas(size=DOUBLE)
    _losses(axes[-1, 0], run)
    for ax in axes[:, 0]:
        for step in run.spikes[:MOST_SPIKES, 0]:
            guide(ax, float(step), vertical=True)
        _shade_lost(ax, run)
    finding(figure, run.sentence.replace("λ_max", r"$\lambda_{\max}$"))
    return figure


def _shade_lost(ax: Axes, run: MonitoredRun) -> None:
    """Shade the end of a run from where its loss is not known any more."""
    (known,) = np.nonzero(np.isfinite(run.loss))
    if known.size and known[-1] < run.loss.size - 2:
        words = "no finite loss" if ax.get_title(loc="left") == "loss" else ""
        silent(ax, float(run.steps[known[-1] + 1]), float(run.steps[-1]), words)


def _ratios(ax: Axes, run: MonitoredRun) -> None:
    known = np.isfinite(run.edge_ratio)
    steps, ratios = run.steps[known], run.edge_ratio[known]
    if ratios.max() > LINEAR and ratios.min() > 0.0:
        number_ticks(ax, "y")
    else:
        ax.set_ylim(min(0.0, 1.05 * float(ratios.min())), 1.1 * max(1.1, float(ratios.max())))
    ax.plot(steps, ratios, linewidth=SECONDARY, **_look(steps.size))
    theory_level(ax, 1.0, "edge of stability", at=0.98, above=False)
    label(ax, "", "edge ratio")


def _losses(ax: Axes, run: MonitoredRun) -> None:
    known = np.isfinite(run.loss)
    if not known.any():
        ax.text(
            0.5, 0.5, "no finite loss", transform=ax.transAxes, ha="center", va="center", fontsize=SMALL,
            color=COLORS["gray"],
        )  # fmt: skip
    elif run.loss[known].min() > 0.0:
        number_ticks(ax, "y")
    ax.plot(run.steps[known], run.loss[known], linewidth=SECONDARY, **_look(int(known.sum())))
    if run.spikes.size:
        ax.plot(run.spikes[:, 0], run.spikes[:, 1], **CONTRAST.marks)
    label(ax, "step", "loss")


def _look(count: int) -> dict[str, Any]:
    return MEASURED.both if count <= FEW else MEASURED.line
