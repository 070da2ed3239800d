"""The weight g with the bends under it: where it is large, the edge of stability lets a curve bend little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.colors import COLORS, eta_color, marks
from stepscape.figures.house import house
from stepscape.figures.references import theory
from stepscape.figures.style import NAMES, SECONDARY, SMALL, TALL, canvas, label
from stepscape.figures.titles import finding
from stepscape.measures.knots import visible_knots
from stepscape.tables.number import number, short
from stepscape.theory.line.weight import weight, weighted_tv

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stepscape.network import TwoLayerReLU
    from stepscape.problems import Problem

Array = NDArray[np.float64]
GRID = 801
ROOM = 1.3  # of the largest bend


@house()
def weight_figure(problem: Problem, networks: Mapping[float, TwoLayerReLU]) -> Figure:
    """Draw g of the inputs, and below it a row for each step size: every visible bend as a stem.

    Parameters
    ----------
    networks : two or three trained networks by their step sizes.
    """
    etas = sorted(networks)
    figure, axes = canvas(1 + len(etas), 1, TALL, sharex=True, height_ratios=[1.6] + [1.0] * len(etas))
    _weight(axes[0, 0], problem)
    bends = {eta: visible_knots(networks[eta], *problem.line.hull) for eta in etas}
    largest = max(float(np.abs(jumps).max(initial=0.0)) for _, jumps in bends.values())
    varied = {eta: bend_weight(problem, networks[eta]) for eta in etas}
    for ax, eta in zip(axes[1:, 0], etas, strict=True):
        _stems(ax, *bends[eta], eta)
        ax.set_ylim(0.0, ROOM * largest)
        words = rf"$\eta$ = {short(eta)}:  $\int|f''|g$ = {number(varied[eta], 2)}"
        ax.set_title(words, fontsize=NAMES, loc="left", color=eta_color(eta))
    axes[(1 + len(etas)) // 2, 0].set_ylabel("size of bend", fontsize=NAMES)
    axes[-1, 0].set_xlabel("input x", fontsize=NAMES)
    finding(figure, weight_finding(varied))
    return figure


def bend_weight(problem: Problem, network: TwoLayerReLU) -> float:
    """∫|f''|g of a network: the sum over its knots of |change of slope| times g there."""
    return weighted_tv(network.w1, network.b1, network.w2, problem.inputs, problem.weights)


def weight_finding(varied: Mapping[float, float]) -> str:
    """Say how ∫|f''|g differs between the smallest and the largest step size."""
    (small, first), *_, (large, last) = sorted(varied.items())
    verb = "fall" if last < first else "rise"
    ends = f"from {number(first, 2)} at η = {short(small)} to {number(last, 2)} at η = {short(large)}"
    return f"Weighted by g, the bends of the curve {verb} {ends}"


def _weight(ax: Axes, problem: Problem) -> None:
    x = np.linspace(*problem.line.hull, GRID)
    g = weight(x, problem.inputs, problem.weights)
    ax.fill_between(x, 0.0, g, color=COLORS["sky"], alpha=0.35, linewidth=0)
    theory(ax, x, g, "$g(x)$: what a bend at $x$ costs", at=0.62)
    ax.plot(
        problem.inputs, np.zeros(problem.size), "|", color=COLORS["gray"], ms=7.0, mew=0.8, clip_on=False,
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip
    ax.set_ylim(bottom=0.0)
    label(ax, "", "weight $g$")


def _stems(ax: Axes, knots: Array, jumps: Array, eta: float) -> None:
    color, sizes = eta_color(eta), np.abs(jumps)
    ax.vlines(knots, 0.0, sizes, color=color, lw=SECONDARY)
    ax.plot(knots, sizes, linestyle="none", **marks(color))
    if not knots.size:
        ax.text(0.5, 0.5, "no bend", transform=ax.transAxes, fontsize=SMALL, color=COLORS["gray"])
