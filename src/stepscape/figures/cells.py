"""Panels laid out by amplitude of the truth and flip rate, and quantities against the step size in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.style import (
    COLORS,
    canvas,
    label,
    note,
    number_ticks,
    series,
    shared_legend,
    step_size_ticks,
)
from stepscape.measures.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cell = tuple[float, float]
Columns = Sequence[tuple[str, str]]
MOMENTS = (
    ("", "end of training"),
    ("_100", "after 100 steps"),
    ("_1000", "after 1000 steps"),
    ("_10000", "after 10 000 steps"),
    ("_equal_time", "at equal time Σ η"),
    ("_held_out", "at the best held-out moment"),
)
MOST_MARKERS = 12
POOLED = 1.1


def panels(table: Table, x_name: str = "step size η") -> tuple[Figure, NDArray[Any], dict[Cell, Axes]]:
    """One panel a cell: rows by amplitude, columns by flip rate; the axes by cell."""
    amplitudes, rates = (np.unique(table[name]).tolist() for name in ("amplitude", "flip_rate"))
    size = (max(3.1 * len(rates) + 0.7, 5.2), 2.5 * len(amplitudes) + 1.5)
    figure, axes = canvas(len(amplitudes), len(rates), size, sharex=True, sharey=True)
    found = {(a, r): axes[i, j] for i, a in enumerate(amplitudes) for j, r in enumerate(rates)}
    for (amplitude, rate), ax in found.items():
        label(ax, title=f"amplitude {amplitude:g}, flip rate {rate:g}")
    for ax in axes[-1]:
        ax.set_xlabel(x_name, fontsize=10)
    return figure, axes, found


def against_step_size(
    table: Table, columns: Columns, name: str, level: str = "", level_name: str = "", log: bool = True
) -> Figure:
    """Medians and quartiles of columns in every cell; `level` is a column whose median is a line."""
    figure, axes, cells = panels(table)
    etas = np.unique(table["step_size"])
    for cell, ax in cells.items():
        rows = table.where(amplitude=cell[0], flip_rate=cell[1])
        for i, (column, word) in enumerate(columns):
            if column in rows:
                ribbon(ax, rows, column, word, series(i))
        if level and level in rows:
            value = float(np.nanmedian(rows[level]))
            ax.axhline(value, color=COLORS["black"], lw=1.1, dashes=(5, 2), label=level_name)
        say_diverged(ax, rows)
        step_size_ticks(ax, apart(etas))
    for row in axes:
        row[0].set_ylabel(name, fontsize=10)
    if log and any(ax.lines for ax in axes.flat):
        number_ticks(axes[0, 0])
    fitting_legend(figure, axes)
    return figure


def fitting_legend(figure: Figure, axes: NDArray[Any]) -> None:
    """One legend below all panels, in as many columns as the width of the figure has room for."""
    names = {name for ax in axes.flat for name in ax.get_legend_handles_labels()[1]}
    longest = max(map(len, names), default=1)
    shared_legend(figure, axes, max(1, min(4, int(figure.get_figwidth() / (0.075 * longest + 0.6)))))


def ribbon(ax: Axes, table: Table, column: str, name: str, look: Mapping[str, Any]) -> None:
    """Draw the median of a column against the step size, and shade between the quartiles.

    At the edge descent is chaotic and a fine grid of step sizes draws its noise: runs are pooled.
    """
    values = table[column].astype(float)
    usable = np.isfinite(values)
    if "bent_neurons" in table:
        usable &= table["bent_neurons"] > 0
    at = pooled(table["step_size"])[usable]
    if not at.size:
        return
    places = np.unique(at)
    quartiles = [np.quantile(values[usable][at == place], [0.25, 0.5, 0.75]) for place in places]
    low, middle, high = np.array(quartiles).T
    ax.fill_between(places, low, high, color=look["color"], alpha=0.18, linewidth=0)
    marked = np.unique(np.searchsorted(places, np.geomspace(places[0], places[-1], MOST_MARKERS)))
    ax.plot(places, middle, lw=1.4, ms=4.5, label=name, markevery=marked.clip(max=places.size - 1), **look)


def pooled(step_sizes: NDArray[Any]) -> NDArray[np.float64]:
    """Each step size → the geometric middle of its group; groups start at the smallest and span 10 %.

    >>> pooled(np.array([0.5, 0.1, 1.0, 1.1])).round(2).tolist()
    [0.5, 0.1, 1.05, 1.05]
    """
    etas, back = np.unique(step_sizes, return_inverse=True)
    ends: list[list[float]] = []
    group = np.empty(etas.size, np.intp)
    for i, eta in enumerate(etas):
        if not ends or eta > ends[-1][0] * POOLED * (1.0 + 1e-9):
            ends.append([eta, eta])
        ends[-1][1] = eta
        group[i] = len(ends) - 1
    low, high = np.array(ends, np.float64).reshape(-1, 2).T
    middle: NDArray[np.float64] = low * np.sqrt(high / low)
    return middle[group][back]


def apart(step_sizes: Sequence[float] | NDArray[Any]) -> list[float]:
    """Step sizes for ticks: each at least twice the one before."""
    kept: list[float] = []
    for eta in sorted(step_sizes):
        if not kept or eta >= 2.0 * kept[-1]:
            kept.append(float(eta))
    return kept


def say_diverged(ax: Axes, rows: Table) -> None:
    """Note how many runs of a panel diverged."""
    lost = int(np.sum(rows["outcome"] == "diverged"))
    if lost:
        note(ax, f"{lost} of {len(rows)} runs diverged", right=True)
