"""Figures of the claim `deep-nonlinear`; they read its rows and arrays."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.deep.depth_effects import Effect, in_cells, of_decay, of_step_size
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.intervals import student
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED
from stepscape.figures.legends import series, shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, GUIDE, MAIN, SECONDARY, TALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NONE = "At no depth have enough runs arrived to compare them."
SHIFT = 0.08  # between the marks of two activations at one depth


def functions(result: Result) -> Drawn:
    """Draw the functions of the first seed at the smallest and the largest step size, by depth."""
    runs = result.drawn("solution", decay=0.0)
    activations, depths = ([*dict.fromkeys(run[name] for run in runs)] for name in ("activation", "depth"))
    shares = sorted({run["edge_share"] for run in runs})
    figure, axes = canvas(max(1, len(activations)), max(1, len(depths)), TALL, sharex=True, sharey=True)
    for run in runs:
        ax = axes[activations.index(run["activation"]), depths.index(run["depth"])]
        if run["alive"] and run["edge_share"] in (shares[0], shares[-1]):
            _function(ax, run, run["edge_share"] == shares[0])
    for row, name in enumerate(activations):
        for column, depth in enumerate(depths):
            below = "x" if row == len(activations) - 1 else ""
            label(axes[row, column], below, title=f"{name}, {depth} layers")
    if runs:
        shared_legend(figure, axes, columns=4)
    said = _less(result)
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Drawn are the midpoint networks of the first seed by activation (rows) and depth, the "
        "number of layers of weights (columns): at the smallest step size (blue, dashed) and at the "
        "largest (vermilion, solid), after the same time Σ η. A function that is constant is left "
        f"out. Gray dots are the labels, the thin black line is the truth. {_repeat(result)}"
    ))  # fmt: skip


def _function(ax: Axes, run: Run, small: bool) -> None:
    x = run.arrays["grid"]
    if small:
        ax.plot(x, run.arrays["truth"], color=COLORS["black"], lw=GUIDE, label="truth")
        ax.plot(
            run.arrays["inputs"], run.arrays["labels"], "o", ms=3, mew=0, color=COLORS["gray"], label="labels"
        )
    look, words = (MEASURED, "smallest step size") if small else (CONTRAST, "largest step size")
    ax.plot(
        x, run.arrays["solution"], color=look.color, lw=SECONDARY if small else MAIN,
        ls="--" if small else "-", label=words, zorder=3 if small else 2,
    )  # fmt: skip


def _less(result: Result) -> str:
    """Say how much less variation the largest step size leaves, over the cells."""
    found = in_cells(result.table, partial(of_step_size, column="variation")).values
    means = [float(np.nanmean(each)) for each in found.values()]
    if not means:
        return NONE
    less = sum(mean > 0.0 for mean in means)
    ends = number(float(np.exp(-np.mean(means))), 2)
    return (
        f"The largest step size leaves less variation in {less} of {len(means)} cells, {ends} times "
        "that of the smallest in the geometric mean."
    )


def effects(result: Result) -> Drawn:
    """Draw by how much a large step divides variation and risk, against the depth."""
    figure, axes = canvas(1, 2, DOUBLE, sharex=True)
    panels = {"variation": "∫|f''|, small over large step", "risk": "risk, small over large step"}
    for ax, (column, words) in zip(axes[0], panels.items(), strict=True):
        _by_depth(ax, result, partial(of_step_size, column=column))
        label(ax, "layers of weights", title=words)
    shared_legend(figure, axes, columns=3)
    ends = _ends(result, partial(of_step_size, column="variation"))
    depths = np.unique(result.table["depth"])
    said = (
        f"Large steps divide ∫|f''| by {ends[0]} with {depths[0]} layers and by {ends[1]} with {depths[-1]}."
        if ends
        else NONE
    )
    finding(figure, said)
    return Drawn(figure, (
        f"{said} The ratio between the smallest and the largest step size, of ∫|f''| (left) and of the risk "
        "on a grid (right), geometric means over the seeds with their 95 % intervals; above the dashed line "
        "the larger step size has the smaller value. Color and mark tell the activation. The numbers are "
        f"geometric means over the activations. {_repeat(result)}"
    ))  # fmt: skip


def shares(result: Result) -> Drawn:
    """Draw by how much step size and decay multiply the effective share of the neurons, against the depth."""
    figure, axes = canvas(1, 2, DOUBLE, sharex=True, sharey=True)
    panels: dict[str, Effect] = {
        "large steps": lambda rows: -of_step_size(rows, "participation"),
        "weight decay": lambda rows: -of_decay(rows, "participation"),
    }
    for ax, (words, effect) in zip(axes[0], panels.items(), strict=True):
        _by_depth(ax, result, effect)
        label(ax, "layers of weights", title=f"effective share × by {words}")
    shared_legend(figure, axes, columns=3)
    depths = np.unique(result.table["depth"])
    told = [
        f"×{' and ×'.join(ends)} by {words}"
        for words, effect in panels.items()
        if (ends := _ends(result, effect))
    ]
    said = (
        f"Effective share of neurons with {depths[0]} and {depths[-1]} layers: {', '.join(told)}."
        if told
        else NONE
    )
    finding(figure, said)
    return Drawn(figure, (
        f"{said} The effective share of the neurons of a hidden layer at the largest step size over that at "
        "the smallest (left), and with weight decay over without at one step size (right), geometric means "
        "over the seeds with their 95 % intervals. Above the dashed line more neurons carry the function, "
        "below it fewer. Color and mark tell the activation. The numbers are geometric means over the "
        f"activations. {_repeat(result)}"
    ))  # fmt: skip


def _by_depth(ax: Axes, result: Result, effect: Effect) -> None:
    activations = [*dict.fromkeys(result.table["activation"].tolist())]
    for at, name in enumerate(activations):
        found = in_cells(result.table.where(activation=name), effect).values
        known = {int(cell.rpartition(" ")[2]): student(values) for cell, values in found.items()}
        known = {depth: each for depth, each in known.items() if each.count > 1}
        if not known:
            continue
        places = np.array(list(known)) + SHIFT * (at - 0.5 * (len(activations) - 1))
        means, low, high = np.exp([[each.mean, each.low, each.high] for each in known.values()]).T
        ax.errorbar(
            places,
            means,
            [means - low, high - means],
            lw=SECONDARY,
            capsize=3,
            ms=6,
            label=name,
            **series(at),
        )
    theory_level(ax, 1.0)
    number_ticks(ax)
    depths = result.table["depth"]
    ax.set_xticks(range(int(depths.min()), int(depths.max()) + 1))


def _ends(result: Result, effect: Effect) -> list[str]:
    """Write the factors at the least and the largest depth, geometric means over the activations; or none."""
    depths, told = np.unique(result.table["depth"]), []
    for depth in (depths[0], depths[-1]):
        found = in_cells(result.table.where(depth=int(depth)), effect).values
        if not found:
            return []
        told.append(number(float(np.exp(np.mean([np.nanmean(each) for each in found.values()]))), 2))
    return told


def _repeat(result: Result) -> str:
    return f"Repeat it with “stepscape run {result.claim} --full”."
