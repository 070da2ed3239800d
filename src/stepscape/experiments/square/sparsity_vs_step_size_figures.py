"""Figures of the claim `sparsity-vs-step-size`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.square import drawing
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.figures.bands import ribbon
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import series, shared_legend
from stepscape.figures.references import guide, theory
from stepscape.figures.style import NAMES, SECONDARY, TALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BENDS = (("pieces", "pieces"), ("features", "features"), ("participation", "participation"))
VARIATION = (("tv", r"$\int|f''|$"), ("weighted_tv", r"$\int|f''|\,g$"))
NEURONS = (
    ("bent_neurons", "bent neurons"),
    ("knots", "knots"),
    ("carriers", "carriers of 90 %"),
    ("dead_neurons", "dead neurons"),
)
ROWS = (("bends of the function", BENDS), ("variation of f'", VARIATION), ("neurons or knots", NEURONS))
COUNTS = (
    "Bends are linear pieces within 5 % of the deviation of the labels (disks, blue), features, which are "
    "hundredths of the range with more than 1 % of the slope change (squares, vermilion), and their "
    "effective number, participation (triangles, green). The variation of the slope is total (disks, blue) "
    "or weighted by g (squares, vermilion); dashed: the bound 1/η − ½ of the weighted one where the "
    "gradient is 0."
)


def sparsity(result: Result) -> Drawn:
    """Bends above and variation below, one column per range, in the headline arm."""
    shown, places = drawing.headline(result), drawing.ranges(result) or [0.0]
    figure, axes = canvas(2, len(places), TALL, sharex=True, sharey="row")
    for column, half_width in zip(axes.T, places, strict=True):
        rows = shown.where(half_width=half_width).table
        for ax, (_, curves) in zip(column, ROWS, strict=False):
            for i, (name, words) in enumerate(curves):
                line = ribbon(ax, rows, "step_size", name, series(i)) if name in rows else None
                if line is not None:
                    name_at_end(ax, line, words)
        _references(column[0], column[1], rows)
        label(column[0], title=drawing.range_name(half_width))
        label(column[1], "step size η")
        drawing.step_sizes(column[1], result)
    _name(axes, ROWS[:2])
    drawing.say_empty(axes)
    found = _simpler(shown, places[0])
    finding(figure, found)
    return Drawn(figure, f"{found} {COUNTS} Dotted: the pieces of the truth. {drawing.runs_of(result)}")


def _simpler(shown: Result, half_width: float) -> str:
    table = shown.where(half_width=half_width).table if shown.runs else Table({})
    if not drawing.compares(table):
        return f"{drawing.TOO_FEW} them."
    ends = ARRIVED.working(table)[[0, -1]]
    pieces, tv = (
        [median(ARRIVED.values(table, name, [eta])) for eta in ends] for name in ("pieces", "weighted_tv")
    )
    place = f"With {drawing.headline_name(shown)} on {drawing.range_name(half_width)}"
    return (
        f"{place}, from η = {short(ends[0])} to {short(ends[1])}, the pieces go from {short(pieces[0])} to "
        f"{short(pieces[1])}, and the weighted variation from {number(tv[0], 2)} to {number(tv[1], 2)}."
    )


def _references(bends: Axes, variation: Axes, rows: Table) -> None:
    if "pieces_truth" in rows and np.isfinite(truth := median(rows["pieces_truth"])):
        guide(bends, truth, "pieces of the truth", above=False)
    etas = np.unique(rows["step_size"]) if len(rows) else np.empty(0)
    if variation.lines and (etas := etas[etas < 2.0]).size:
        theory(variation, etas, 1.0 / etas - 0.5, r"$1/\eta - ½$", at=0.6)


def _name(axes: np.ndarray, rows: tuple[tuple[str, object], ...]) -> None:
    for row, (name, _) in zip(axes, rows, strict=True):
        row[0].set_ylabel(name, fontsize=NAMES)
    axes[0, 0].set_ylim(bottom=0.0)
    for row in axes[1:]:
        if any(ax.lines for ax in row):
            number_ticks(row[0])


def everything(result: Result) -> Drawn:
    """Bends, variation and neurons in every arm, on the first range and on the others."""
    cells = list(drawing.cells_with_results(result)) or [("", 0.0, result.where(arm=""))]
    figure, axes = canvas(len(ROWS), len(cells), (7.2, 8.0), sharex=True, sharey="row")
    for column, (arm, half_width, cell) in zip(axes.T, cells, strict=True):
        rows = drawing.working(cell.table)
        for ax, (_, curves) in zip(column, ROWS, strict=True):
            for i, (name, words) in enumerate(curves):
                if name in rows:
                    ribbon(ax, rows, "step_size", name, series(i), width=SECONDARY, label=words,
                           keep_dead=name == "dead_neurons")  # fmt: skip
        label(column[0], title=f"{drawing.arm_name(arm)}\n{drawing.range_name(half_width)}" if arm else "")
        label(column[-1], "step size η")
        drawing.step_sizes(column[-1], result)
    _name(axes, ROWS)
    shared_legend(figure, axes, columns=5)
    found = _carriers(cells)
    finding(figure, found)
    text = f"{COUNTS} Carriers are the fewest neurons that hold 90 % of Σ |w1 w2| among the data."
    return Drawn(
        figure, f"{found} {text} {drawing.LEFT_OUT} {drawing.absent(result)} {drawing.runs_of(result)}"
    )


def _carriers(cells: list[tuple[str, float, Result]]) -> str:
    shares = []
    for _, _, cell in cells:
        if cell.runs:
            largest = STEP_SIZES.working(cell.table)[-1:]
            shares.append(median(STEP_SIZES.values(cell.table, "carriers", largest)) / cell.table["width"][0])
    if not shares:
        return "Descent learned a curve at too few step sizes to count its neurons."
    return (
        f"At the largest working step size {number(100 * min(shares), 2)} to {number(100 * max(shares), 2)} "
        "% of the neurons hold 90 % of the bends."
    )
