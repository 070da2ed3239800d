"""What the figures of the family share: which arms and ranges have results, and words for captions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Result
from stepscape.experiments.square.arrival import ARRIVED
from stepscape.figures.bands import failures
from stepscape.figures.colors import ARM, COLORS
from stepscape.figures.style import NAMES, SMALL, footnote
from stepscape.figures.ticks import step_size_ticks
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOO_FEW = "Descent learned a curve, and arrived at its end, at too few step sizes to compare"
LEFT_OUT = "Runs that keep too few bent neurons to count are left out."
HEADLINE = "warm_up"  # the arm in which no run diverges


def range_name(half_width: float) -> str:
    """Name a range of inputs."""
    return f"[−{half_width:g}, {half_width:g}]"


def arm_name(arm: str) -> str:
    """Name an arm in a figure."""
    return ARM[arm].words if arm in ARM else arm


def ranges(result: Result) -> list[float]:
    """Ranges of the runs, the first of the settings first."""
    return list(dict.fromkeys(float(run["half_width"]) for run in result.runs))


def headline(result: Result) -> Result:
    """Keep the arm with warm-up, or the last one if there is none."""
    arms = result.settings["arms"]
    return result.where(arm=HEADLINE if HEADLINE in arms else arms[-1])


def headline_name(result: Result) -> str:
    """Name the arm that `headline` keeps."""
    arms = result.settings["arms"]
    return "warm-up" if HEADLINE in arms else f"the start “{arm_name(arms[-1])}”"


def working(table: Table) -> Table:
    """Keep the step sizes at which most runs learn a curve: a survivor among lost runs says little.

    Of these, runs that lost nearly all neurons are left out, as by the rules.
    """
    if not len(table):
        return table
    there = np.isin(table["step_size"], STEP_SIZES.working(table))
    return table.rows(there & STEP_SIZES.counts(table))


def works(table: Table) -> bool:
    """Whether descent learns a curve at three step sizes or more."""
    return len(table) > 0 and not STEP_SIZES.lacks(table)


def compares(table: Table) -> bool:
    """Whether descent learns a curve and arrives at three step sizes or more, so that these compare."""
    return len(table) > 0 and not ARRIVED.lacks(table)


def cells_with_results(result: Result) -> Iterator[tuple[str, float, Result]]:
    """Arms and ranges in which descent learns a curve at several step sizes."""
    for half_width in ranges(result):
        for arm in result.settings["arms"]:
            cell = result.where(arm=arm, half_width=half_width)
            if cell.runs and works(cell.table):
                yield arm, half_width, cell


def fates(result: Result) -> str:
    """Say which arms have no results where, and why, one sentence per line; "" if all have some."""
    lines = []
    for half_width in ranges(result):
        for arm in result.settings["arms"]:
            cell = result.where(arm=arm, half_width=half_width)
            if cell.runs and not works(cell.table):
                why = failures(cell.table) or "too few step sizes"
                lines.append(f"{arm_name(arm).capitalize()} on {range_name(half_width)} is not shown: {why}.")
    return "\n".join(lines)


def absent(result: Result) -> str:
    """Return `fates` for a caption."""
    return fates(result).replace("\n", " ")


def say_fates(figure: Figure, result: Result) -> None:
    """Put `fates` below the panels."""
    if words := fates(result):
        footnote(figure, words)


def step_sizes(ax: Axes, result: Result) -> None:
    """Make the x axis that of the step sizes."""
    step_size_ticks(ax, [float(eta) for eta in np.unique(result.table["step_size"])])


def say_empty(axes: NDArray[Any]) -> None:
    """Write into panels without data that no run learned a curve there."""
    for ax in axes.flat:
        if not (ax.lines or ax.collections):
            words = "no curve\nlearned"
            ax.text(
                0.5, 0.5, words, transform=ax.transAxes, ha="center", fontsize=SMALL, color=COLORS["gray"]
            )


def say_lost(ax: Axes, table: Table) -> None:
    """Write into the place of a panel without data why descent learned no curve there."""
    if not ax.lines:
        why = failures(table).partition(" at ")[0] or "too few step sizes"
        words = f"not shown:\n{why.replace(' runs ', ' runs' + chr(10))}"
        ax.text(0.0, 0.98, words, transform=ax.transAxes, va="top", fontsize=SMALL, color=COLORS["gray"])


def leave_out_empty(axes: NDArray[Any], names: Sequence[str]) -> None:
    """Take panels without data out of a grid, and name the rows at their first panels with data."""
    for row, name in zip(axes, names, strict=True):
        filled = [ax for ax in row if ax.lines]
        for ax in row:
            if not ax.lines:
                ax.set_axis_off()
                ax.set_xlabel("")
        if filled:
            filled[0].set_ylabel(name, fontsize=NAMES)
            filled[0].set_ylim(bottom=0.0)
            filled[0].tick_params(labelleft=True)


def runs_of(result: Result) -> str:
    """End of a caption: seeds, band, and how to repeat it."""
    table = result.table
    seeds = np.unique(table["seed"]).size if len(table) else 0
    return (
        f"Lines are medians over {seeds} seeds, ribbons reach from quartile to quartile. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    )


def one_sample(result: Result) -> str:
    """End of the caption of a figure that shows one seed."""
    return f"One sample, the first seed. Repeat it with “stepscape run {result.claim} --full”."
