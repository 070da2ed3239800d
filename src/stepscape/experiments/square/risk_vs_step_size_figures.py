"""Figures of the claim `risk-vs-step-size`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.square import drawing
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.experiments.square.curve_fitting_figures import moments, name_moments
from stepscape.experiments.square.sides import sides
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, NAMES, TALL, canvas, label
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REGIONS = (("risk_interior_grid", "interior"), ("risk_boundary_grid", "boundary"))
SOLUTIONS = (
    ("risk_last", "last iterate", CONTRAST, 6.0),
    ("risk_mean", "mean of two predictions", THIRD, 11.0),  # larger: it lies below the midpoint's
    ("risk", "midpoint network", MEASURED, 6.0),
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
    for row in axes:
        row[0].set_ylabel("error to the truth", fontsize=NAMES)
    axes[0, 0].set_ylim(bottom=0.0)
    name_moments(figure, axes)
    found = _early(cells)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Mean squared error to the truth at the inputs, {MARKS}; dotted: the variance of the noise, "
        "which is the risk of a curve through every label. A setting is one of the panels; it has a U where "
        "the rule finds both of its sides, and early stopping is as good where its median is. "
        f"{drawing.LEFT_OUT} {drawing.absent(result)} {drawing.runs_of(result)}"
    ))  # fmt: skip


def _early(cells: list[tuple[str, float, Result]]) -> str:
    """Count the settings with a U, by the rule, and those in which the smallest η stopped early is as good.

    It is if its median at its best held-out moment is at most the least one at the end of training.
    """
    compared = [(arm, cell.table) for arm, _, cell in cells if drawing.compares(cell.table)]
    arms, tables = [arm for arm, _ in compared], [table for _, table in compared]
    bent = sum(_is_u(table, arms.count(arm)) for arm, table in compared)
    good = 0
    for table in tables:
        etas = ARRIVED.working(table)
        ends = [median(ARRIVED.values(table, "risk", [eta])) for eta in etas]
        good += median(ARRIVED.values(table, "risk_held_out", etas[:1])) <= min(ends)
    if not tables:
        return f"{drawing.TOO_FEW} them."
    return (
        f"The risk forms a U in {bent} of {counted(len(tables), 'setting')}; stopped at its best held-out "
        f"moment, the smallest step size is as good as the best in {good}."
    )


def _is_u(table: Table, members: int) -> bool:
    """Tell whether both sides of the U have intervals above 0, which hold together over an arm."""
    both = sides(table, "risk")
    return all(student(each, together=len(both) * members).low > 0.0 for each in both)


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
        for column, words, look, size in SOLUTIONS:
            marks = {**look.both, "ms": size}
            line = ribbon(ax, rows, "step_size", column, marks) if column in rows else None
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
        "(squares, vermilion), of the mean of the last two predictions (large triangles, green, nearly "
        "under the next) and of the midpoint network (disks, blue), in the arm with "
        f"{drawing.headline_name(result)}. {drawing.runs_of(result)}"
    ))  # fmt: skip


def _oscillation(shown: Result, half_width: float) -> str:
    rows = shown.where(half_width=half_width)
    if not rows.runs or not drawing.works(rows.table):
        return "Descent learned a curve at too few step sizes to compare the functions."
    largest = STEP_SIZES.working(rows.table)[-1:]
    last, middle = (median(STEP_SIZES.values(rows.table, name, largest)) for name in ("risk_last", "risk"))
    place = f"With {drawing.headline_name(shown)} on {drawing.range_name(half_width)}"
    return (
        f"{place} the last iterate has {number(last / middle, 2)} times the risk of the midpoint network at "
        f"η = {short(largest[0])}."
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
                rows = result.where(arm=arm, half_width=half_width).table
                moments(ax, rows, column)
                drawing.say_lost(ax, rows)
                label(ax, title=f"{drawing.arm_name(arm)}, {drawing.range_name(half_width)}")
    for ax in axes[-1]:
        drawing.step_sizes(ax, result)
        ax.set_xlabel("step size η", fontsize=NAMES)
    drawing.leave_out_empty(axes, [f"error, {region}" for _, region in REGIONS] * len(places))
    name_moments(figure, axes)
    found = _best_in_regions(drawing.headline(result), places[0])
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Mean squared error to the truth on a grid, in the interior (where the weight g is at least "
        f"a tenth of its largest value) and elsewhere, {MARKS}. {drawing.LEFT_OUT} "
        f"{drawing.absent(result)} {drawing.runs_of(result)}"
    ))  # fmt: skip


def _best_in_regions(shown: Result, half_width: float) -> str:
    table = shown.where(half_width=half_width).table if shown.runs else Table({})
    if not drawing.compares(table):
        return f"{drawing.TOO_FEW} the regions."
    etas = ARRIVED.working(table)
    inner, outer = (
        min(etas, key=lambda eta: median(ARRIVED.values(table, column, [eta]))) for column, _ in REGIONS
    )
    place = f"With {drawing.headline_name(shown)} on {drawing.range_name(half_width)}"
    return (
        f"{place} the risk is least at η = {short(inner)} in the interior and at "
        f"η = {short(outer)} near the boundary."
    )
