"""Figures of the claim `depth-effect`; they read its runs and compute no recovery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.recovery.depth_effect import EXACT
from stepscape.experiments.recovery.depth_rows import LOCAL, finished, nonzeros, searched
from stepscape.experiments.recovery.depth_runs import BlockRun, VectorRun
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, level_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, SMALL, canvas, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FAILED = 0.15  # opacity of the band of failed searches
SMALLEST, SHOWN = 1e-4, 0.8  # of the largest number, and of the numbers of a vector: where its picture ends
PROFILES = (2, 3, 5, 10)  # depths whose vectors are drawn
TITLES = {"one block": "one block is not 0", "equal freedom": "equal degrees of freedom"}
REPEAT = "Repeat it with “stepscape run depth-effect --full”."
DEPTH = (
    "Left: relative error of the flattest vector with the right measurements against the number of layers k, "
    "one curve for each number of nonzeros of the truth; medians over {seeds} seeds, ribbons are quartiles. "
    "Dashed: √(1 − m/d), which the vector with the least ‖x‖₂ is expected to have. Right: the share of "
    "truths that the least weight decay recovers. The light bands reach up to the share that is recovered or "
    "whose search ended in a local minimum, where the truth would be better."
)
DENSITY = (
    "Left: the largest numbers of the flattest vectors of one data set, sorted by size, for k layers; disks: "
    "the truth. Right: the effective number of nonzeros ‖x‖₁²/‖x‖₂² of the flattest vectors against k, one "
    "curve for each number of nonzeros of the truth; medians over {seeds} seeds, ribbons are quartiles. "
    "Dotted: the vector with the least ‖x‖₂, median."
)
BLOCKS = (
    "Relative error of the flattest product against the rows s of its square blocks, from a diagonal network "
    "to one full matrix, with the same number of weights per layer and of measurements; one curve for each "
    "number of layers k. Left and right differ in the truth. Medians over {seeds} seeds, ribbons are "
    "quartiles. For k ≥ 3 and blocks between the ends the trace is minimized by an approximate formula."
)


def depth(result: Result) -> Drawn:
    """Draw the error of the flattest vector against depth, and what weight decay recovers."""
    figure, axes = canvas(1, 2, DOUBLE)
    flat, decay = axes[0]
    few, many = _sparsities(result)
    table = finished(result, VectorRun)
    for r in few:
        _curve(flat, table, "error", r, few, many)
    if len(table):
        theory_level(flat, _expected(result), r"least $\|x\|_2$")
    _recovered(decay, searched(result), few, many)
    for ax, columns in ((flat, result.settings["depths"]), (decay, result.settings["decay_depths"])):
        step_size_ticks(ax, columns)
    flat.set_ylim(0.0, 1.0)
    label(flat, x="layers k", y="error of the flattest")
    label(decay, x="layers k", y="recovered by decay")
    sentence = _sentence(result, table)
    finding(figure, sentence)
    shared_legend(figure, axes, columns=3)
    return Drawn(figure, f"{sentence} {_explain(DEPTH, result)}")


def _curve(ax: Axes, table: Table, column: str, r: int, few: Sequence[int], many: Sequence[int]) -> None:
    rows = table.where(nonzero=r) if len(table) else table
    if len(rows) and column in rows:
        look = {**marks(level_color(r, (*few, *many))), "linestyle": "-"}
        ribbon(ax, rows, "depth", column, look, label=nonzeros(r))


def _recovered(ax: Axes, table: Table, few: Sequence[int], many: Sequence[int]) -> None:
    """Draw the share of recovered truths against depth, up to what failed searches leave open."""
    for r in (*few, *many):
        rows = table.where(nonzero=r) if len(table) else table
        if not len(rows):
            continue
        at = np.unique(rows["depth"])
        color = level_color(r, (*few, *many))
        each = [rows.where(depth=k) for k in at]
        low = np.array([np.mean(here["decay_error"] <= EXACT["exact"]) for here in each])
        lost = [(here["decay_error"] > EXACT["exact"]) & (here["decay_status"] == LOCAL) for here in each]
        ax.fill_between(at, low, low + [np.mean(some) for some in lost], color=color, alpha=FAILED, lw=0)
        ax.plot(at, low, **marks(color), linestyle="-", lw=MAIN, label=nonzeros(r))
    ax.text(0.98, 0.03, "bands: failed searches", transform=ax.transAxes, ha="right", fontsize=SMALL)
    ax.set_ylim(-0.03, 1.05)


def _expected(result: Result) -> float:
    """√(1 − m/d): ‖x − truth‖/‖truth‖ of the least ‖x‖₂ for rows in general position, in the mean square."""
    m, d = result.settings["measurements"], result.settings["length"]
    return float(np.sqrt(max(0.0, 1.0 - m / d)))


def _sentence(result: Result, table: Table) -> str:
    few, _ = _sparsities(result)
    rows = table.rows(np.isin(table["nonzero"], few)) if len(table) else table
    depths = [k for k in PROFILES if len(rows) and k in rows["depth"]]
    if len(depths) < 2 or depths[0] != 2:
        return "Too few depths were computed to compare them."
    two, more = (median(rows.where(depth=k)["error"]) for k in (2, depths[-1]))
    said = (
        f"With {depths[-1]} layers the flattest vector has an error of {number(more)} instead of {_zero(two)}"
    )
    decay = searched(result)
    hard = decay.rows(np.isin(decay["nonzero"], _sparsities(result)[1])) if len(decay) else decay
    if not len(hard) or 2 not in hard["depth"]:
        return f"{said}."
    deepest = int(hard["depth"].max())
    shares = [100.0 * np.mean(hard.where(depth=k)["decay_error"] <= EXACT["exact"]) for k in (deepest, 2)]
    return (
        f"{said}; weight decay with {deepest} layers recovers {shares[0]:.0f} % of the truths with many "
        f"nonzeros instead of {shares[1]:.0f} %."
    )


def _zero(error: float) -> str:
    """Write an error, 0 for a truth that is recovered."""
    return "0" if error <= EXACT["exact"] else number(error)


def _sparsities(result: Result) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(result.settings["nonzeros"]), tuple(result.settings["many_nonzeros"])


def _explain(text: str, result: Result) -> str:
    return f"{text.format(seeds=result.settings['seeds'])} {REPEAT}"


def density(result: Result) -> Drawn:
    """Draw one data set's vectors, sorted, and the effective number of nonzeros against depth."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    few, many = _sparsities(result)
    _profiles(left, result)
    table = finished(result, VectorRun)
    for r in few:
        _curve(right, table, "effective", r, few, many)
    if len(table):
        guide(right, median(table["shortest_effective"]), r"least $\|x\|_2$", at=0.02, above=False)
    step_size_ticks(right, result.settings["depths"])
    number_ticks(right)
    label(left, x="rank of the number", y=r"size $|x_i|$ / largest")
    label(right, x="layers k", y="effective nonzeros")
    shared_legend(figure, axes, columns=4)
    sentence = _density_sentence(table.rows(np.isin(table["nonzero"], few)) if len(table) else table)
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {_explain(DENSITY, result)}")


def _profiles(ax: Axes, result: Result) -> None:
    runs = [run for run in result.drawn("flattest", "truth") if run["depth"] in PROFILES]
    for run in runs:
        size = np.sort(np.abs(run.arrays["flattest"]))[::-1]
        size = size[: round(SHOWN * size.size)] / size[0]
        shown = size >= SMALLEST
        at, color = np.arange(1, size.size + 1)[shown], level_color(run["depth"], PROFILES)
        (line,) = ax.plot(at, size[shown], lw=SECONDARY, color=color)
        if run["depth"] > 2:
            name_at_end(ax, line, f"$k = {run['depth']}$")
        else:  # it ends among the other curves
            ax.annotate(
                "$k = 2$", (at[-1], size[shown][-1]), (-4, -6), textcoords="offset points", ha="right",
                va="top", fontsize=SMALL, color=color,
            )  # fmt: skip
    if runs:
        truth = np.sort(np.abs(runs[0].arrays["truth"]))[::-1]
        truth = truth[truth > 0.0]
        ax.plot(
            np.arange(1, truth.size + 1), truth / truth[0], "o", color=COLORS["gray"], mfc="white", ms=6.0,
            zorder=2,
        )  # fmt: skip
    number_ticks(ax)
    ax.set_ylim(SMALLEST, 1.5)


def _density_sentence(rows: Table) -> str:
    depths = np.unique(rows["depth"]) if len(rows) else np.empty(0)
    if depths.size < 2:
        return "Too few depths were computed to compare them."
    ends = [median(rows.where(depth=k)["effective"]) for k in depths[[0, -1]]]
    return (
        f"Deeper flat solutions are denser: from k = {depths[0]:g} to {number(float(depths[-1]))} layers the "
        f"effective number of nonzeros grows from {number(ends[0])} to {number(ends[1])}."
    )


def blocks(result: Result) -> Drawn:
    """Draw the error against the block size, one curve per depth, one panel per truth."""
    truths = result.settings["block_truths"]
    figure, axes = canvas(1, len(truths), DOUBLE, sharey=True)
    table = finished(result, BlockRun)
    if len(table):
        table = table.where(measurements=result.settings["block_measurements"])
    for ax, truth in zip(axes[0], reversed(truths), strict=True):
        _sizes(ax, table.where(truth=truth) if len(table) else table, result)
        label(ax, x="rows of a block s", title=TITLES[truth])
    axes[0, 0].set_ylabel("relative error")
    shared_legend(figure, axes, columns=5)
    sentence = _blocks_sentence(table)
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {_explain(BLOCKS, result)}")


def _sizes(ax: Axes, table: Table, result: Result) -> None:
    depths, sizes = result.settings["block_depths"], result.settings["block_sizes"]
    for k in depths:
        rows = table.where(depth=k) if len(table) else table
        if len(rows):
            look = {**marks(level_color(k, depths)), "linestyle": "-"}
            ribbon(ax, rows, "size", "error", look, label=f"$k = {k}$")
    ax.set_xscale("log")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()


def _blocks_sentence(table: Table) -> str:
    if not len(table):
        return "No flattest product of blocks was computed."
    deep = table.where(depth=table["depth"].max())
    truth = str(deep["truth"][-1])
    rows = deep.where(truth=truth)
    sizes = np.unique(rows["size"])
    errors = [median(rows.where(size=s)["error"]) for s in sizes]
    if sizes.size < 3:
        return "Too few block sizes were computed to compare them."
    between, full = (_zero(errors[i]) for i in (-2, -1))
    return (
        f"Depth harms less the larger the blocks are: with k = {deep['depth'][0]:g} the error falls from "
        f"{number(errors[0])} at s = {sizes[0]:g} to {between} at s = {sizes[-2]:g}, and is {full} at "
        f"s = {sizes[-1]:g}."
    )
