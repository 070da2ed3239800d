"""Panels laid out by amplitude of the truth and flip rate, and quantities against the step size in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Result, Run
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
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cell = tuple[float, float]
Columns = Sequence[tuple[str, str]]
MOST_MARKERS = 12
MOST_CELLS = 3
POOLED = 1.1


def drawn_cells(result: Result) -> list[Cell]:
    """Return at most three of the cells with curves, both ends included."""
    ordered = sorted({(run["amplitude"], run["flip_rate"]) for run in result.drawn("f")})
    if not ordered:
        return []
    keep = np.unique(np.round(np.linspace(0, len(ordered) - 1, MOST_CELLS)).astype(int))
    return [ordered[i] for i in keep]


def drawn_run(result: Result, cell: Cell, step_size: float) -> Run | None:
    """Return the run of a cell and step size that has curves; None if there is none."""
    runs = result.drawn("f", amplitude=cell[0], flip_rate=cell[1], step_size=step_size)
    return runs[0] if runs else None


def shown_step_sizes(result: Result) -> list[float]:
    """Return those of the step sizes to be shown at which a run has curves."""
    return [eta for eta in result.settings["shown"] if result.drawn("f", step_size=eta)]


def panels(table: Table, x_name: str = "step size η") -> tuple[Figure, NDArray[Any], dict[Cell, Axes]]:
    """Lay out one panel per cell, rows by amplitude, columns by flip rate; return the axes by cell."""
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
    """Draw medians and quartiles of columns in every cell; the median of the column `level` is a line."""
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

    At the edge descent is chaotic and a fine grid of step sizes draws its noise: runs are pooled, from the
    largest step size down, so that its mark stands for the runs that a rule pools with it.
    """
    values = table[column].astype(float)
    usable = np.isfinite(values)
    if "bent_neurons" in table:
        usable &= table["bent_neurons"] > 0
    at = pooled(table["step_size"][usable])
    if not at.size:
        return
    places = np.unique(at)
    quartiles = [np.quantile(values[usable][at == place], [0.25, 0.5, 0.75]) for place in places]
    low, middle, high = np.array(quartiles).T
    ax.fill_between(places, low, high, color=look["color"], alpha=0.18, linewidth=0)
    marked = np.unique(np.searchsorted(places, np.geomspace(places[0], places[-1], MOST_MARKERS)))
    ax.plot(places, middle, lw=1.4, ms=4.5, label=name, markevery=marked.clip(max=places.size - 1), **look)


def pooled(step_sizes: NDArray[Any]) -> NDArray[np.float64]:
    """Replace each step size by the geometric middle of its group; groups start at the largest and span 10 %.

    >>> pooled(np.array([0.5, 0.1, 1.0, 1.08, 1.16])).round(2).tolist()
    [0.5, 0.1, 1.0, 1.12, 1.12]
    """
    etas, back = np.unique(step_sizes, return_inverse=True)
    middle, last = np.empty(etas.size), etas.size
    while last:
        near = etas[:last] * POOLED * (1.0 + 1e-9) >= etas[last - 1]
        first = int(near.argmax())
        middle[first:last] = etas[first] * np.sqrt(etas[last - 1] / etas[first])
        last = first
    return middle[back]


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
