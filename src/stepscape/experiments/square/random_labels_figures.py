"""Figures of the claim `random-labels`; they read its rows and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.square import drawing
from stepscape.experiments.square.curve_fitting_figures import fits
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import level_color
from stepscape.figures.legends import series, shared_legend
from stepscape.figures.references import guide, theory, theory_level
from stepscape.figures.style import DOUBLE, NAMES, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FLOOR = 1e-6
NONE = "Descent learned a curve in 0 of the arms."
MARKERS = "osDv^"


def noise_left(result: Result, table: Table, fit: float) -> Drawn:
    """Draw the noise that is left against the step size over the bound, one panel per arm with results."""
    arms = [arm for arm in result.settings["arms"] if "left" in table and _known(table.where(arm=arm)).size]
    figure, axes = canvas(1, max(1, len(arms)), DOUBLE, sharex=True, sharey=True)
    sizes = np.unique(table["n"])
    for ax, arm in zip(axes[0], arms, strict=False):
        for n, marker in zip(sizes, MARKERS, strict=False):
            _runs(
                ax, table.where(arm=arm, n=n), level_color(float(n), sizes.tolist()), marker, f"{n:g} points"
            )
        number_ticks(ax, "x")
        number_ticks(ax)
        ax.set_ylim(0.5 * FLOOR, 3.0)
        theory_level(ax, 1.0, r"bound $2/\lambda$", at=0.02, vertical=True)
        guide(ax, fit, "below: a fit", at=0.98, above=False)
        label(ax, "step size over the bound", title=drawing.arm_name(arm))
    axes[0, 0].set_ylabel("share of the noise that is left", fontsize=NAMES)
    if arms:
        shared_legend(figure, axes, columns=len(sizes))
    shown = drawing.HEADLINE if drawing.HEADLINE in arms else (arms or [""])[-1]
    found = _counts(table.where(arm=shown), fit, drawing.arm_name(shown)) if arms else NONE
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Every mark is a run: the share of the mean square of its labels, pure noise, that it "
        "leaves, against its step size over the bound 2/λ of its labels (dashed); lighter marks have more "
        f"points. What lies below the dotted line, {100 * fit:g} %, counts as a fit; runs at the bottom "
        "leave a millionth or less. Seeds are drawn one by one. Repeat it with “stepscape run "
        f"{result.claim} --full”."
    ))  # fmt: skip


def points(result: Result, ends: Table) -> Drawn:
    """Draw the largest step size that fits, and the bound, against the number of points, per arm."""
    arms = [arm for arm in result.settings["arms"] if _ends(ends, arm)]
    figure, axes = canvas(1, max(1, len(arms)), DOUBLE, sharex=True, sharey=True)
    for ax, arm in zip(axes[0], arms, strict=False):
        for i, half_width in enumerate(np.unique(ends["half_width"])):
            rows, look = ends.where(arm=arm, half_width=half_width), series(i)
            name = drawing.range_name(float(half_width))
            ribbon(ax, rows, "n", "largest", look, label=f"largest that fits, {name}")
            bound = [median(rows["bound"][rows["n"] == n]) for n in np.unique(rows["n"])]
            theory(ax, np.unique(rows["n"]), bound)
        number_ticks(ax, "x")
        number_ticks(ax)
        label(ax, "points n", title=drawing.arm_name(arm))
    axes[0, 0].set_ylabel("step size η", fontsize=NAMES)
    drawing.say_empty(axes)
    if arms:
        shared_legend(figure, axes, columns=2)
    found = _fall(ends, arms)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} The largest step size η of the grid with which descent fits labels of pure noise, where "
        "the grid shows its end ([−1, 1]: disks, blue; [−3, 3]: squares, vermilion), and the bound 2/λ of "
        "the labels, median over seeds (dashed; the lower line is that of the wider range). "
        f"{drawing.runs_of(result)}"
    ))  # fmt: skip


def _ends(ends: Table, arm: str) -> bool:
    return len(ends) > 0 and bool(np.isfinite(ends.where(arm=arm)["largest"]).any())


def _fall(ends: Table, arms: list[str]) -> str:
    if not arms:
        return "The end of the fit is seen at 0 numbers of points."
    shown = drawing.HEADLINE if drawing.HEADLINE in arms else arms[-1]
    rows = ends.where(arm=shown)
    rows = rows.rows(np.isfinite(rows["largest"]))
    sizes = np.unique(rows["n"])[[0, -1]]
    words = [f"{short(median(rows.where(n=n)['largest']))} for {short(n)} points" for n in np.unique(sizes)]
    where = f"with {drawing.arm_name(shown)}"
    return f"The largest step size that fits pure noise is {' and '.join(words)}, {where}."


def _known(rows: Table) -> np.ndarray:
    left = np.asarray(rows["left"], float)
    return np.asarray(left[np.isfinite(left)])


def _runs(ax: Axes, rows: Table, color: str, marker: str, name: str) -> None:
    ax.plot(
        rows["over_bound"], np.maximum(rows["left"], FLOOR), marker, ms=4.0, alpha=0.6, mew=0, color=color,
        label=name,
    )  # fmt: skip


def _counts(table: Table, fit: float, arm: str) -> str:
    """Count the runs of an arm that learn a curve and fit the noise, below and beyond the bound."""
    alive = table.rows(STEP_SIZES.counts(table)) if "bent_neurons" in table else table
    small = _known(alive.rows(alive["over_bound"] <= 0.5))
    beyond = _known(alive.rows(alive["over_bound"] > 1.0))
    words = [
        f"{number(int(np.sum(each <= fit)))} of {number(each.size)} runs {where}"
        for each, where in ((small, "with steps up to half of the bound"), (beyond, "beyond it"))
        if each.size
    ]
    return f"With the start “{arm}”, {' and '.join(words)} fit the noise." if words else NONE


def curves(result: Result) -> Drawn:
    """Draw the learned curves of the first seed, as in curve-fitting."""
    return fits(result, "random")
