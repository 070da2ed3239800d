"""Figures of the claim `risk-vs-step-size`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.square import drawing
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.curve_fitting_figures import moments
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import CONTRAST, MEASURED, MOMENT, THIRD
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, NAMES, TALL, canvas, label
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REGIONS = (("risk_interior_grid", "interior"), ("risk_boundary_grid", "boundary"))
SOLUTIONS = (
    ("risk_last", "last iterate", CONTRAST),
    ("risk_mean", "mean of two predictions", THIRD),
    ("risk", "midpoint network", MEASURED),
)
MARKS = (
    "at the end of training (disks, blue), at equal time Σ η (squares, vermilion) and at the best held-out "
    "moment (triangles, green)"
)


def moments_in_arms(result: Result) -> Drawn:
    """Risk at three moments, one panel per arm and range with results."""
    cells = list(drawing.cells_with_results(result))
    columns = min(3, max(1, len(cells)))
    rows = max(1, -(-len(cells) // columns))
    figure, axes = canvas(rows, columns, TALL if rows > 1 else DOUBLE, sharex=True, sharey=True)
    for ax, (arm, half_width, cell) in zip(axes.flat, cells, strict=False):
        moments(ax, cell.table, "risk")
        title = f"{drawing.arm_name(arm)} start, {drawing.range_name(half_width)}"
        label(ax, title=title.replace("warm-up start", "warm-up"))
        drawing.step_sizes(ax, result)
        _noise(ax, result)
    for ax in axes.flat[len(cells) :]:
        ax.set_visible(False)
    for ax in axes.flat[max(0, len(cells) - columns) : len(cells)]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("step size η", fontsize=NAMES)
    _name_moments(axes[0, 0])
    for row in axes:
        row[0].set_ylabel("error to the truth", fontsize=NAMES)
    axes[0, 0].set_ylim(bottom=0.0)
    if any(ax.get_legend_handles_labels()[0] for ax in axes.flat):
        shared_legend(figure, axes, columns=3)
    found = _early(cells)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Mean squared error to the truth at the inputs, {MARKS}; dotted: the variance of the noise, "
        f"which is the risk of a curve through every label. {drawing.absent(result)} "
        f"{drawing.runs_of(result)}"
    ))  # fmt: skip


def _name_moments(ax: Axes) -> None:
    for look, line in zip(MOMENT.values(), ax.lines, strict=False):
        line.set_label(look.words)


def _early(cells: list[tuple[str, float, Result]]) -> str:
    """Count the settings in which the smallest η, stopped early, has at most the least median at the end."""
    good, tables = 0, [cell.table for _, _, cell in cells if drawing.compares(cell.table)]
    for table in tables:
        etas = ARRIVED.working(table)
        ends = [median(ARRIVED.values(table, "risk", [eta])) for eta in etas]
        good += median(ARRIVED.values(table, "risk_held_out", etas[:1])) <= min(ends)
    if not tables:
        return f"{drawing.TOO_FEW} them."
    return (
        "Stopped at its best held-out moment, the smallest step size is as good as the best at the end of "
        f"training in {good} of {len(tables)} settings."
    )


def _noise(ax: Axes, result: Result) -> None:
    noise = result.settings["noise"]
    if noise > 0.0 and ax.lines:
        guide(ax, noise**2, "noise variance", above=False)


def solutions(result: Result) -> Drawn:
    """Risk of three functions that may be called the solution, on every range, in the headline arm."""
    shown = drawing.headline(result)
    places = drawing.ranges(result) or [0.0]
    figure, axes = canvas(1, len(places), DOUBLE, sharex=True, sharey=True)
    for ax, half_width in zip(axes[0], places, strict=True):
        rows = shown.where(half_width=half_width).table
        for column, words, look in SOLUTIONS:
            line = ribbon(ax, rows, "step_size", column, look.both) if column in rows else None
            if line is not None and half_width == places[-1]:
                name_at_end(ax, line, words.replace(" p", "\np").replace(" n", "\nn"))
        drawing.step_sizes(ax, result)
        label(ax, "step size η", "" if half_width != places[0] else "error to the truth\nat the inputs",
              drawing.range_name(half_width))  # fmt: skip
    axes[0, 0].set_ylim(bottom=0.0)
    drawing.say_empty(axes)
    found = _oscillation(shown, places[0])
    finding(figure, found)
    return Drawn(figure, (
        f"{found} At the edge of stability descent swings between two functions. Risk of the last iterate "
        "(squares, vermilion), of the mean of the last two predictions (triangles, green) and of the "
        f"midpoint network (disks, blue), in the arm with {drawing.headline_name(result)}. "
        f"{drawing.runs_of(result)}"
    ))  # fmt: skip


def _oscillation(shown: Result, half_width: float) -> str:
    rows = shown.where(half_width=half_width)
    if not rows.runs or not drawing.works(rows.table):
        return "Descent learned a curve at too few step sizes to compare the functions."
    largest = STEP_SIZES.working(rows.table)[-1:]
    last, middle = (median(STEP_SIZES.values(rows.table, name, largest)) for name in ("risk_last", "risk"))
    return (
        f"At η = {short(largest[0])} on {drawing.range_name(half_width)} the last iterate has "
        f"{number(last / middle, 2)} times the risk of the midpoint network."
    )


def regions(result: Result) -> Drawn:
    """Risk at three moments in the interior and near the boundary, in every arm and range."""
    places, arms = drawing.ranges(result) or [0.0], result.settings["arms"]
    size = (7.2, 3.0 * len(places) + 0.6)
    figure, axes = canvas(len(REGIONS) * len(places), len(arms), size, sharex=True, sharey="row")
    for i, half_width in enumerate(places):
        for k, (column, _) in enumerate(REGIONS):
            row = axes[len(REGIONS) * i + k]
            for ax, arm in zip(row, arms, strict=True):
                moments(ax, result.where(arm=arm, half_width=half_width).table, column)
                label(ax, title=f"{drawing.arm_name(arm)}, {drawing.range_name(half_width)}")
    for ax in axes[-1]:
        drawing.step_sizes(ax, result)
        ax.set_xlabel("step size η", fontsize=NAMES)
    drawing.leave_out_empty(axes, [f"error, {region}" for _, region in REGIONS] * len(places))
    drawing.say_fates(figure, result)
    found = _best_in_regions(drawing.headline(result), places[0])
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Mean squared error to the truth on a grid, in the interior (where the weight g is at least "
        f"a tenth of its largest value) and elsewhere, {MARKS}. {drawing.runs_of(result)}"
    ))  # fmt: skip


def _best_in_regions(shown: Result, half_width: float) -> str:
    table = shown.where(half_width=half_width).table if shown.runs else Table({})
    if not drawing.compares(table):
        return f"{drawing.TOO_FEW} the regions."
    etas = ARRIVED.working(table)
    inner, outer = (
        min(etas, key=lambda eta: median(ARRIVED.values(table, column, [eta]))) for column, _ in REGIONS
    )
    return (
        f"On {drawing.range_name(half_width)} the risk is least at η = {short(inner)} in the interior and at "
        f"η = {short(outer)} near the boundary."
    )
