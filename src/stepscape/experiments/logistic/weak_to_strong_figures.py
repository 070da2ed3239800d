"""Figures of the claim `weak-to-strong`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn
from stepscape.figures.bands import band
from stepscape.figures.style import COLORS, canvas, label, number_ticks, series, shared_legend
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

RATE = -0.4
EXCESS = (
    "The excess risk against the number of examples, medians and quartiles over seeds: above where the "
    "truth is uncertain, below in the interior, where the weight g is at least a tenth of its largest "
    "value. Columns: step sizes. Dotted: the slowest power of n that the theory claims, through the median "
    "of the smallest size."
)
NORM = (
    "The norm of the parameters and the variation of the slope against the number of examples, with the "
    "powers of n that the norm should stay below."
)
PREMISES = (
    "Above: the share of the runs that fit the labels of the uncertain hull at least as well as the truth; "
    "without such a fit the theorem says nothing. Below: the edge ratio λ_max·η/2."
)
WHERE = (("uncertain", "hull of |f0| ≤ 1"), ("interior", "interior"))


def excess(table: Table) -> Drawn:
    """Draw the excess risk against n by region and step size, one curve per decay, beside n^(−2/5)."""
    figure, axes = _panels(table, 2, 6.8)
    for row, (region, place) in zip(axes, WHERE, strict=True):
        _curves(row, table, f"excess_risk_{region}")
        _power(row, table, f"excess_risk_{region}", RATE, "n^(−2/5)", ":")
        row[0].set_ylabel(f"excess risk, {place}", fontsize=10)
        _logarithmic(row)
    shared_legend(figure, axes, columns=5)
    return Drawn(figure, EXCESS)


def norm(table: Table) -> Drawn:
    """Draw ‖θ‖ and ∫|f''| against n, with the powers 1 and 1/4."""
    figure, axes = _panels(table, 2, 6.8)
    for row, (column, name) in zip(axes, (("norm", "norm ‖θ‖"), ("tv", "variation ∫|f''|")), strict=True):
        _curves(row, table, column)
        _power(row, table, column, 1.0, "n", ":")
        _power(row, table, column, 0.25, "n^(1/4)", "--")
        row[0].set_ylabel(name, fontsize=10)
        _logarithmic(row)
    shared_legend(figure, axes, columns=6)
    return Drawn(figure, NORM)


def premises(table: Table) -> Drawn:
    """Draw the share of runs that fit the labels as well as the truth, and λ_max·η/2, against n."""
    figure, axes = _panels(table, 2, 6.4)
    for column, (ax, eta) in enumerate(zip(axes[0], _step_sizes(table), strict=True)):
        rows = table.where(step_size=eta)
        for i, decay in enumerate(_decays(table)):
            _shares(ax, rows.where(weight_decay=decay), i, f"decay {decay:g}")
        ax.set_ylim(-0.05, 1.05)
        axes[1, column].axhline(1.0, color=COLORS["black"], lw=1.2, dashes=(5, 2), label="edge of stability")
    _curves(axes[1], table, "edge_ratio")
    number_ticks(axes[1, 0])
    axes[0, 0].set_ylabel("share that fits the uncertain hull\nas well as the truth", fontsize=10)
    axes[1, 0].set_ylabel(r"$\lambda_{\max}\,\eta/2$", fontsize=10)
    shared_legend(figure, axes, columns=5)
    return Drawn(figure, PREMISES)


def _step_sizes(table: Table) -> list[float]:
    return [float(eta) for eta in np.unique(table["step_size"])]


def _decays(table: Table) -> list[float]:
    return [float(decay) for decay in np.unique(table["weight_decay"])]


def _panels(table: Table, rows: int, height: float) -> tuple[Figure, NDArray[np.object_]]:
    etas, sizes = _step_sizes(table), np.unique(table["n"])
    figure, axes = canvas(rows, len(etas), (3.6 * len(etas) + 0.6, height), sharex=True, sharey="row")
    for column, eta in enumerate(etas):
        label(axes[0, column], title=f"step size η = {eta:g}")
        label(axes[-1, column], x="number of examples n")
        for ax in axes[:, column]:
            ax.set_xscale("log", base=2)
            ax.set_xticks([float(n) for n in sizes], [f"{n:g}" for n in sizes])
            ax.minorticks_off()
    return figure, axes


def _curves(row: NDArray[np.object_], table: Table, column: str) -> None:
    """Draw one panel per step size in a row, with one curve per decay."""
    decays = _decays(table)
    for ax, eta in zip(row, _step_sizes(table), strict=True):
        for i, decay in enumerate(decays):
            rows = table.where(step_size=eta, weight_decay=decay)
            if column in rows and len(rows):
                dodge = 0.03 * (i - 0.5 * (len(decays) - 1))
                band(ax, rows, "n", column, f"decay {decay:g}", series(i), dodge=dodge)


def _logarithmic(row: NDArray[np.object_]) -> None:
    """Make the common y axis of a row logarithmic if something in it is above 0."""
    if any(ax.dataLim.y1 > 0.0 for ax in row):
        number_ticks(row[0])


def _power(row: NDArray[np.object_], table: Table, column: str, power: float, name: str, dashes: str) -> None:
    """Draw a power of n through the median of the first size over all runs."""
    sizes = np.unique(table["n"]).astype(float)
    first = table[column][table["n"] == sizes[0]].astype(float) if column in table else np.empty(0)
    first = first[np.isfinite(first)]
    if not first.size:
        return
    for ax in row:
        line = float(np.median(first)) * (sizes / sizes[0]) ** power
        ax.plot(sizes, line, color=COLORS["black"], lw=1.2, ls=dashes, label=name, zorder=1)


def _shares(ax: Axes, rows: Table, index: int, name: str) -> None:
    sizes = np.unique(rows["n"])
    share = [float(np.mean(rows["optimized_uncertain"][rows["n"] == n] == 1)) for n in sizes]
    ax.plot(sizes.astype(float), share, lw=1.6, ms=5.5, label=name, **series(index))
