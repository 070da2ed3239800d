"""Two features: the points on which a neuron is active, the half-plane w1·x + b1 > 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import each_of
from stepscape.errors import bad, expect
from stepscape.figures.colors import COLORS
from stepscape.figures.house import house
from stepscape.figures.style import MAIN, NAMES, canvas
from stepscape.figures.titles import finding
from stepscape.network import TwoLayerReLU, require_dimension
from stepscape.problems.problem import Problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MOST = 3  # panels
GROUND = "#DCEBF5"  # where a neuron is active
MARGIN = 0.12  # of the range of a feature


@house()
def half_planes(problem: Problem, network: TwoLayerReLU, neurons: Sequence[int]) -> Figure:
    """Draw one panel for each of up to three neurons: its half-plane, and the points on which it is active.

    Parameters
    ----------
    problem, network
        With inputs of two variables.
    neurons : sequence of int
        Places of the neurons in the network, one to three.

    Raises
    ------
    InputError
        Another number of variables, no neuron or more than three, or a place that is none.
    """
    expect("problem", problem, Problem)
    if problem.dimension != 2:
        raise bad("problem", "have 2 input variables", problem.dimension)
    require_dimension(network, 2)
    places = each_of("neurons", neurons, int)
    if not 1 <= len(places) <= MOST or not all(0 <= j < network.width for j in places):
        raise bad("neurons", f"be one to {MOST} places from 0 to {network.width - 1}", places)
    figure, axes = canvas(1, len(places), size=(7.2, 3.6), sharex=True, sharey=True)
    counts = [_panel(ax, problem.points, network, j) for ax, j in zip(axes[0], places, strict=True)]
    axes[0, 0].set_ylabel("second feature", fontsize=NAMES)
    finding(figure, _title(counts, problem.size))
    return figure


def _panel(ax: Axes, points: Array, network: TwoLayerReLU, j: int) -> int:
    """Shade the half-plane of a neuron and fill its points; returns how many they are."""
    low, high = points.min(axis=0), points.max(axis=0)
    low, high = low - MARGIN * (high - low), high + MARGIN * (high - low)
    first, second = np.meshgrid(*(np.linspace(a, b, 201) for a, b in zip(low, high, strict=True)))
    z = network.w1[j, 0] * first + network.w1[j, 1] * second + network.b1[j]
    if z.min() < 0.0 < z.max():
        ax.contourf(first, second, z, [0.0, float(z.max())], colors=[GROUND])
        ax.contour(first, second, z, [0.0], colors=[COLORS["blue"]], linewidths=MAIN)
    active = points @ network.w1[j] + network.b1[j] > 0.0
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "ms": 6.0, "mew": 0.8}
    ax.plot(*points[~active].T, mfc="none", color=COLORS["gray"], **look)
    ax.plot(*points[active].T, color=COLORS["vermilion"], mec="white", **look)
    ax.set_aspect("equal")
    ax.set_xlabel("first feature", fontsize=NAMES)
    ax.set_title(f"active on {int(active.sum())} of {len(points)}", fontsize=NAMES, loc="left")
    return int(active.sum())


def _title(counts: Sequence[int], points: int) -> str:
    """Say on how many points the neurons are active, and that one holds a single point."""
    if 1 in counts and len(counts) > 1:
        others = " and ".join(f"{count} points" for count in counts if count != 1)
        return (
            f"One neuron is shared by {others}, another holds a single point"
            if others
            else "Each neuron holds a single point"
        )
    listed = " and ".join(map(str, counts))
    return f"The neurons are active on {listed} of {points} points"
