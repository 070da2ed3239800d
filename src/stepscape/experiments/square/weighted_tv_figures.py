"""Figures of the claim `weighted-tv`; they read its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.square import drawing
from stepscape.figures.bands import quartiles, ribbon, usable
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import series, shared_legend
from stepscape.figures.references import theory, theory_level
from stepscape.figures.strips import with_strip
from stepscape.figures.style import DOUBLE, MAIN, NAMES, SECONDARY, TALL, canvas, evenly_ranked, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from stepscape.experiments.frame.result import Arrays

MOST = 3
TIGHTNESS = (
    ("gauss_newton", "Gauss–Newton"),
    ("sharpness", "sharpness"),
    ("sharpness_loss", "sharpness, loss"),
    ("published", "published"),
)
CURVES = (
    ("tv_function", "left: weighted variation", MEASURED),
    ("right_sharpness", "right: sharpness", THIRD),
    ("right_published", "right: published", CONTRAST),
)


def sides(result: Result) -> Drawn:
    """Both sides of the published inequality, and below left over right of all four, in the headline arm."""
    shown, places = drawing.headline(result), drawing.ranges(result) or [0.0]
    figure, axes = with_strip(len(places), TALL)
    for (upper, lower), half_width in zip(axes.T, places, strict=True):
        rows = shown.where(half_width=half_width).table
        _both(upper, rows)
        _ratios(lower, rows, names=half_width == places[-1])
        label(upper, title=drawing.range_name(half_width))
        label(lower, "step size η")
        drawing.step_sizes(lower, result)
    if any(ax.lines for ax in axes[0]):
        for ax in axes[0]:
            number_ticks(ax)
    axes[0, 0].set_ylabel("both sides (y per x)", fontsize=NAMES)
    axes[1, 0].set_ylabel("left / right", fontsize=NAMES)
    drawing.say_empty(axes)
    found = _tightest(shown)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Above: the left side ∫|f''|g (disks, blue) and the right side λ_max/2 − ½ + x_max √(2L) "
        "(squares, vermilion) of the published inequality at the end of training; dashed: 1/η − ½, the "
        "right side for λ_max = 2/η without its loss term. Below: left over right of the four inequalities, "
        "by the Gauss–Newton matrix (disks, blue), the sharpness (squares, vermilion), the sharpness and the "
        "loss (triangles, green), and as published (diamonds, black); "
        f"more than 1 (dashed) would be a violation. The start is that with {drawing.headline_name(result)}. "
        f"{drawing.runs_of(result)}"
    ))  # fmt: skip


def _both(ax: Axes, rows: Table) -> None:
    for name, words, look in (("left", "left side", MEASURED), ("right", "right side", CONTRAST)):
        line = (
            ribbon(ax, rows, "step_size", f"published_{name}", look.both)
            if f"published_{name}" in rows
            else None
        )
        if line is not None:
            name_at_end(ax, line, words)
    etas = np.unique(rows["step_size"]) if len(rows) else np.empty(0)
    if ax.lines and (etas := etas[etas < 2.0]).size:
        theory(ax, etas, 1.0 / etas - 0.5, r"$1/\eta - ½$", at=0.3)


def _ratios(ax: Axes, rows: Table, names: bool) -> None:
    for i, (name, words) in enumerate(TIGHTNESS):
        if f"{name}_left" in rows:
            extended = _with_ratio(rows, name)
            line = ribbon(ax, extended, "step_size", "tightness", series(i), width=SECONDARY)
            if line is not None and names:
                name_at_end(ax, line, words)
    theory_level(ax, 1.0)
    ax.set_ylim(0.0, max(1.08, ax.get_ylim()[1]))  # a bound that fails must be seen


def _with_ratio(rows: Table, name: str) -> Table:
    """Add the column `tightness`, the left over the right side of an inequality."""
    right = np.where(rows[f"{name}_right"] > 0.0, rows[f"{name}_right"], np.nan)
    return Table({**rows.columns, "tightness": rows[f"{name}_left"] / right})


def _tightest(shown: Result) -> str:
    """State the largest median that is drawn, of the tightest inequality and of the published one."""
    best: dict[str, float] = {}
    for half_width in drawing.ranges(shown):
        rows = shown.where(half_width=half_width).table
        for name, words in TIGHTNESS:
            at, ratios = (
                usable(_with_ratio(rows, name), "step_size", "tightness")
                if f"{name}_left" in rows
                else (np.empty(0), np.empty(0))
            )
            if at.size:
                best[words] = max(best.get(words, 0.0), float(quartiles(at, ratios)[1][1].max()))
    if not best:
        return "No run finished at a network on which the inequalities speak."
    first, published = max(best, key=lambda name: best[name]), best.get("published", float("nan"))
    return (
        f"At every step size the left side is at most {number(best[first], 2)} of the right ({first}), and "
        f"{number(published, 2)} as published (medians)."
    )


def over_time(result: Result) -> Drawn:
    """Both sides at every record of the first seed, over Σ η; one panel per step size."""
    shown = drawing.headline(result)
    places = drawing.ranges(result) or [0.0]
    runs = shown.where(half_width=places[0])
    etas = evenly_ranked(sorted(result.settings["step_sizes"]), MOST)
    figure, axes = canvas(1, len(etas), DOUBLE, sharex=True, sharey=True)
    worst = 0.0
    for ax, eta in zip(axes[0], etas, strict=True):
        for run in runs.drawn("time", step_size=eta):
            _follow(ax, run.arrays)
            with np.errstate(all="ignore"):
                ratios = run.arrays["tv_function"] / run.arrays["right_published"]
            worst = max(worst, float(np.nanmax(ratios, initial=0.0)))
        ax.set_title(f"η = {short(eta)}", loc="left", fontsize=NAMES, color=eta_color(eta), fontweight="bold")
    _time_axes(axes)
    drawing.say_empty(axes)
    if any(ax.lines for ax in axes.flat):
        shared_legend(figure, axes, columns=3)
    where = f"With {drawing.headline_name(result)} on {drawing.range_name(places[0])}"
    found = f"{where} the left side comes to {number(worst, 2)} of the published bound, and no further."
    if worst > 1.0:
        found = f"{where} the left side is {number(worst, 2)} times the published bound at some record."
    finding(figure, found)
    return Drawn(figure, f"{found} {_legend_of_time(result)}")


def _legend_of_time(result: Result) -> str:
    return (
        "Left side ∫|f''|g (blue), right sides by the residual (sharpness, green) and by the loss "
        "(published, vermilion) of the midpoint network over Σ η; dashed: 1/η − ½ for the step size of that "
        "moment, which bounds the left side only where λ_max ≤ 2/η, and up to the loss term. At the edge the "
        "green line lies under the dashed one, and where the loss is small under the vermilion one. Gaps are "
        f"records with a knot on an input. {drawing.one_sample(result)}"
    )


def _follow(ax: Axes, arrays: Arrays) -> None:
    time = arrays["time"]
    keep = time > 0
    for name, words, look in CURVES:
        values = arrays[name][keep]
        ax.plot(time[keep], np.where(values > 0.0, values, np.nan), lw=MAIN, label=words, **look.line)
    bound = 1.0 / arrays["step_size"][keep] - 0.5
    theory(ax, time[keep], np.where(bound > 0.0, bound, np.nan)).set_label(r"$1/\eta - ½$")


def _time_axes(axes: np.ndarray) -> None:
    for ax in axes.flat:
        if ax.lines:
            number_ticks(ax, "x")
            number_ticks(ax)
    for ax in axes[-1]:
        ax.set_xlabel(r"time $\Sigma\eta$", fontsize=NAMES)
    for row in axes:
        row[0].set_ylabel("both sides (y per x)", fontsize=NAMES)


def over_time_everywhere(result: Result) -> Drawn:
    """As `over_time`, with one row per step size and one column per arm and range with results."""
    cells = list(drawing.cells_with_results(result)) or [("", 0.0, result.where(arm=""))]
    etas = evenly_ranked(sorted(result.settings["step_sizes"]), MOST)
    figure, axes = canvas(len(etas), len(cells), (7.2, 7.0), sharex=True, sharey="row")
    for row, eta in zip(axes, etas, strict=True):
        for ax, (_, _, cell) in zip(row, cells, strict=True):
            for run in cell.drawn("time", step_size=eta):
                _follow(ax, run.arrays)
    for ax, (arm, half_width, _) in zip(axes[0], cells, strict=True):
        label(ax, title=f"{drawing.arm_name(arm)}\n{drawing.range_name(half_width)}" if arm else "")
    _time_axes(axes)
    drawing.say_empty(axes)
    for row, eta in zip(axes, etas, strict=True):
        row[0].set_ylabel(f"η = {short(eta)}", fontsize=NAMES, color=eta_color(eta))
    shared_legend(figure, axes, columns=4)
    found = f"The inequalities hold from the start to the end of training in {len(cells)} settings."
    if not cells[0][0]:
        found = "Descent learned a curve at too few step sizes to follow the inequalities."
    elif _violated(result):
        found = f"{_violated(result)} checks of the published inequality fail."
    finding(figure, found)
    return Drawn(figure, f"{found} {_legend_of_time(result)} {drawing.absent(result)}".strip())


def _violated(result: Result) -> int:
    table = result.table
    return int(np.nansum(table["published_violations"])) if "published_violations" in table else 0
