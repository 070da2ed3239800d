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
from stepscape.figures.titles import finding
from stepscape.tables.number import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHIFT = 0.08  # between the marks of two activations at one depth


def functions(result: Result) -> Drawn:
    """Draw the functions of the first seed at the smallest and the largest step size, by depth."""
    runs = result.drawn("solution", decay=0.0)
    activations, depths = ([*dict.fromkeys(run[name] for run in runs)] for name in ("activation", "depth"))
    shares = sorted({run["edge_share"] for run in runs})
    figure, axes = canvas(max(1, len(activations)), max(1, len(depths)), TALL, sharex=True, sharey=True)
    for run in runs:
        ax = axes[activations.index(run["activation"]), depths.index(run["depth"])]
        if run["edge_share"] in (shares[0], shares[-1]):
            _function(ax, run, run["edge_share"] == shares[0])
    for row, name in enumerate(activations):
        label(axes[row, 0], "", name)
    for column, depth in enumerate(depths):
        label(axes[-1, column], "x")
        axes[0, column].set_title(f"{depth} layers")
    if runs:
        shared_legend(figure, axes, columns=4)
    said = _less(result)
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Drawn are the midpoint networks of the first seed by activation (rows) and depth, the "
        "number of layers of weights (columns): at the smallest step size (blue, dashed) and at the "
        "largest (vermilion, solid), after the same time Σ η. Gray dots are the labels, the thin black "
        f"line is the truth. {_repeat(result)}"
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
        return "At no depth have enough runs arrived to compare step sizes."
    less = sum(mean > 0.0 for mean in means)
    ends = number(float(np.exp(-np.mean(means))), 2)
    return (
        f"The largest step size leaves less variation in {less} of {len(means)} cells, in the mean {ends} "
        "times that of the smallest."
    )


def effects(result: Result) -> Drawn:
    """Draw what the step size changes of variation and risk, against the depth."""
    figure, axes = canvas(1, 2, DOUBLE, sharex=True)
    panels = {"variation": "log ratio of ∫|f''|", "risk": "log ratio of risk"}
    for ax, (column, words) in zip(axes[0], panels.items(), strict=True):
        _by_depth(ax, result, partial(of_step_size, column=column))
        label(ax, "layers", words)
    shared_legend(figure, axes, columns=3)
    said = _trend(result, partial(of_step_size, column="variation"), "The effect on ∫|f''|")
    finding(figure, said)
    return Drawn(figure, (
        f"{said} The logarithm of the ratio between the smallest and the largest step size, of ∫|f''| (left) "
        "and of the risk on a grid (right), means over the seeds with their 95 % intervals; above the dashed "
        "line the larger step size has the smaller value. Color and mark tell the activation. "
        f"{_repeat(result)}"
    ))  # fmt: skip


def shares(result: Result) -> Drawn:
    """Draw what step size and decay change of the effective share of the neurons, against the depth."""
    figure, axes = canvas(1, 2, DOUBLE, sharex=True, sharey=True)
    share: Effect = partial(of_step_size, column="participation")
    decay: Effect = partial(of_decay, column="participation")
    for ax, effect, words in zip(axes[0], (share, decay), ("larger step size", "weight decay"), strict=True):
        _by_depth(ax, result, lambda rows, effect=effect: -effect(rows))  # type: ignore[misc]
        label(ax, "layers", "log ratio of effective share" if effect is share else "")
        ax.set_title(words)
    shared_legend(figure, axes, columns=3)
    said = " ".join((
        _trend(result, lambda rows: -share(rows), "Large steps: the log share of neurons"),
        _trend(result, lambda rows: -decay(rows), "Decay:"),
    ))  # fmt: skip
    finding(figure, said)
    return Drawn(figure, (
        f"{said} The logarithm of the effective share of the neurons of a hidden layer: at the largest step "
        "size over the smallest (left), and with weight decay over without at one step size (right), means "
        "over the seeds with their 95 % intervals. Above the dashed line more neurons carry the function, "
        f"below it fewer. Color and mark tell the activation. {_repeat(result)}"
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
        means = np.array([each.mean for each in known.values()])
        ends = np.array([[each.mean - each.low, each.high - each.mean] for each in known.values()]).T
        ax.errorbar(places, means, ends, lw=SECONDARY, capsize=3, ms=6, label=name, **series(at))
    theory_level(ax, 0.0)
    ax.set_xticks(np.unique(result.table["depth"]).tolist())


def _trend(result: Result, effect: Effect, what: str) -> str:
    """Say the mean effect over the activations at the least and the largest depth."""
    table = result.table
    depths = np.unique(table["depth"])
    means = []
    for depth in (depths[0], depths[-1]):
        found = in_cells(table.where(depth=int(depth)), effect).values
        means.append(float(np.mean([np.nanmean(each) for each in found.values()])) if found else float("nan"))
    ends = f"{number(means[0], 2)} with {depths[0]} to {number(means[1], 2)} with {depths[-1]} layers"
    return f"{what} goes from {ends}."


def _repeat(result: Result) -> str:
    return f"Repeat it with “stepscape run {result.claim} --full”."
