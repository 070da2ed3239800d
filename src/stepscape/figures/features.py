"""The learned features: what every neuron adds to the curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.colors import COLORS, eta_color
from stepscape.figures.house import house
from stepscape.figures.style import DOUBLE, GUIDE, MAIN, NAMES, canvas
from stepscape.figures.titles import finding
from stepscape.measures.features import features
from stepscape.tables.number import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stepscape.network import TwoLayerReLU
    from stepscape.problems import Problem

Array = NDArray[np.float64]
GRID = 401
HEADROOM = 0.6  # of the range of the labels, above and below it


@house()
def features_figure(problem: Problem, networks: Mapping[float, TwoLayerReLU]) -> Figure:
    """Draw w2_j·max(w1_j x + b1_j, 0) of every neuron, and the curve that they add up to, by step size.

    Parameters
    ----------
    networks : one to four trained networks by their step sizes.
    """
    etas = sorted(networks)
    figure, axes = canvas(1, len(etas), DOUBLE, sharex=True, sharey=True)
    counts = {eta: features(problem, networks[eta])["features"] for eta in etas}
    low, high = float(problem.labels.min()), float(problem.labels.max())
    for ax, eta in zip(axes[0], etas, strict=True):
        _neurons(ax, problem, networks[eta], eta)
        ax.set_ylim(low - HEADROOM * (high - low), high + HEADROOM * (high - low))
        ax.set_title(
            f"η = {short(eta)}: {bends(counts[eta])}", fontsize=NAMES, loc="left", color=eta_color(eta)
        )
        ax.set_xlabel("input x", fontsize=NAMES)
    axes[0, 0].set_ylabel("label y; share of each neuron", fontsize=NAMES)
    finding(figure, features_finding(counts))
    return figure


def features_finding(counts: Mapping[float, float]) -> str:
    """Say how many bends the smallest and the largest step size leave."""
    (small, first), *_, (large, last) = sorted(counts.items())
    if last == first:
        return f"{bends(first).capitalize()} carry the curve at η = {short(small)} and at η = {short(large)}"
    more = "fewer" if last < first else "more"
    ends = f"{bends(last)} at η = {short(large)}, {short(first)} at η = {short(small)}"
    return f"Larger steps leave {more} features: {ends}"


def bends(count: float) -> str:
    """Count bends.

    >>> bends(1), bends(5)
    ('1 bend', '5 bends')
    """
    return f"{short(count)} bend" + ("" if count == 1 else "s")


def _neurons(ax: Axes, problem: Problem, network: TwoLayerReLU, eta: float) -> None:
    x = np.linspace(*problem.line.hull, GRID)
    shares = network.w2 * np.maximum(np.multiply.outer(x, network.w1) + network.b1, 0.0)
    ax.plot(problem.inputs, problem.labels, "o", ms=4.0, mfc="none", mec=COLORS["gray"], mew=0.8, zorder=1.5)
    ax.plot(*_drawn(x, shares), color=eta_color(eta), lw=GUIDE, alpha=0.7)
    ax.plot(x, network.predict(x), color=eta_color(eta), lw=MAIN)


def _drawn(x: Array, shares: Array) -> tuple[Array, Array]:
    """One path for all neurons: hundreds of lines would make a heavy drawing."""
    heights = np.vstack([shares, np.full(shares.shape[1], np.nan)])
    return np.tile([*x, np.nan], shares.shape[1]), heights.T.ravel()
