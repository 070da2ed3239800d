"""Figures of trajectories: how the sharpness came to the edge, and which functions were learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stepscape.arguments import mapping, text
from stepscape.errors import InputError, bad, expect
from stepscape.figures.colors import COLORS
from stepscape.figures.legends import line, shared_legend
from stepscape.figures.references import THEORY
from stepscape.figures.style import DOUBLE, MAIN, canvas, label
from stepscape.figures.text import shown
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import at_the_edge, finding
from stepscape.tables.number import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stepscape.problems import Problem
    from stepscape.training import Trajectory

MOST = 7  # curves that can be told apart
GRID = 801


def training(runs: Mapping[str, Trajectory]) -> Figure:
    """Draw edge ratio and loss against training time Σ η, one curve per trajectory.

    The edge ratio is sharpness over threshold, 2/η for gradient descent: 1 is the edge of stability.

    Parameters
    ----------
    runs : at most seven trajectories by the names of their curves.

    Raises
    ------
    InputError
        None, more than seven, or one whose sharpness was not measured.
    """
    runs = _checked(runs)
    for name, run in runs.items():
        if np.isnan(run.edge_ratio).all():
            raise InputError(f"the sharpness of {name!r} was not measured; train with measure_sharpness=True")
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    left.axhline(1.0, label="threshold", **THEORY)
    for i, (name, run) in enumerate(runs.items()):
        left.plot(run.time, run.edge_ratio, lw=MAIN, label=shown(name), color=line(i)["color"])
        right.plot(run.time, run.loss, lw=MAIN, color=line(i)["color"])
    number_ticks(right)
    label(left, "training time Σ η", "edge ratio")
    label(right, "training time Σ η", "training loss")
    shared_legend(figure, axes, columns=4)
    last = [run.edge_ratio[np.isfinite(run.edge_ratio)][-1] for run in runs.values()]
    finding(figure, at_the_edge(np.array(last)))
    return figure


def functions(problem: Problem, runs: Mapping[str, Trajectory]) -> Figure:
    """Draw the data, the truth if it is known, and the function of each trajectory.

    The function is that of the midpoint network, `Trajectory.midpoint`.

    Parameters
    ----------
    runs : at most seven trajectories by the names of their curves.

    Raises
    ------
    InputError
        No trajectory, or more than seven.
    """
    from stepscape.problems.problem import Problem

    expect("problem", problem, Problem)
    runs = _checked(runs)
    figure, axes = canvas(size=(7.2, 4.4))
    ax = axes[0, 0]
    x = np.linspace(*problem.line.hull, GRID)
    ax.plot(
        problem.inputs, problem.labels, "o", color=COLORS["gray"], ms=4.0, mfc="none", mew=0.8, label="data"
    )
    if problem.truth is not None:
        ax.plot(x, problem.truth(x), label="truth", **THEORY)
    for i, (name, run) in enumerate(runs.items()):
        ax.plot(x, run.midpoint.predict(x), lw=MAIN, label=shown(name), color=line(i)["color"])
    label(ax, "input x", "label y" if problem.loss == "square" else "logit f(x)")
    shared_legend(figure, axes, columns=4)
    losses = sorted(float(run.loss[-1]) for run in runs.values())
    ends = (
        f"at {number(losses[0])}" if len(losses) == 1 else f"from {number(losses[0])} to {number(losses[-1])}"
    )
    finding(figure, f"Training ends with a loss {ends}")
    return figure


def _checked(runs: Mapping[str, Trajectory]) -> Mapping[str, Trajectory]:
    from stepscape.training.trajectory import Trajectory

    for name, run in mapping("runs", runs).items():
        text("each name in runs", name)
        expect("each of runs", run, Trajectory)
    if not 1 <= len(runs) <= MOST:
        raise bad("runs", f"hold 1 to {MOST} trajectories by name", f"{len(runs)} of them")
    return runs
