"""Figures of the claim `feature-learning`; they read its rows and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.square import drawing
from stepscape.experiments.square.feature_learning import DESCENT
from stepscape.experiments.square.neuron_runs import METHOD_NAMES
from stepscape.figures.colors import ARM, COLORS
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import GUIDES, THEORY
from stepscape.figures.style import DOUBLE, GUIDE, MAIN, NAMES, SECONDARY, SMALL, TALL, canvas, label, plain
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NONE = "At 0 step sizes was a basis learned and drawn."
KINDS = {
    "bends among the data": COLORS["blue"],
    "active on no input": COLORS["vermilion"],
    "linear on the data": COLORS["gray"],
}


def basis(result: Result) -> Drawn:
    """Neurons of one run before and after, and the curve beyond the data with and without the dead ones."""
    shown = drawing.headline(result).where(**DESCENT)
    runs = [run for run in shown.drawn("before") if run["half_width"] == drawing.ranges(result)[0]]
    figure, axes = canvas(2, 2, TALL)
    grid = axes[1, 0].get_gridspec()
    for ax in axes[1]:
        ax.remove()
    below = figure.add_subplot(grid[1, :])
    found = NONE
    for run in runs[-1:]:
        for ax, when, words in zip(axes[0], ("before", "after"), ("at the start", "at the end"), strict=True):
            _neurons(ax, run, when)
            label(ax, "input x", title=f"neurons {words}")
        axes[0, 0].set_ylabel("output of a neuron", fontsize=NAMES)
        _beyond(below, run)
        found = (
            f"At η = {short(run['step_size'])}, {100 * run['rearranged']:.0f} % of the neurons end active on "
            f"other inputs than at the start, and {100 * run['died']:.0f} % leave the data."
        )
    plain(below)
    panels = np.array([*axes[0], below])
    shared_legend(figure, panels, columns=3)
    drawing.say_empty(panels)
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Above: w2 φ(w1 x + b1) of {_drawn(runs)} neurons of one run before and after training. "
        "Those that bend among the data are blue, those that are active on no input vermilion, and those "
        "that are linear or constant on all inputs gray; between the dotted lines lie the inputs. Below: the "
        "solution (solid, blue), the same without its dead neurons (solid, vermilion), the truth (dashed) "
        f"and the labels (circles). With {drawing.headline_name(result)}. {drawing.one_sample(result)}"
    ))  # fmt: skip


def _drawn(runs: list[Run]) -> int:
    return int(runs[-1].arrays["before"].shape[1]) if runs else 0


def _neurons(ax: Axes, run: Run, when: str) -> None:
    inputs, grid = run.arrays["inputs"], run.arrays["grid"]
    ends, far = (inputs.min(), inputs.max()), (grid[0], grid[-1])
    for w1, b1, w2 in run.arrays[when].T:
        kink = -b1 / w1 if w1 != 0.0 else far[0]
        x = np.array([far[0], np.clip(kink, *far), far[1]])
        heights = w2 * np.maximum(w1 * x + b1, 0.0)
        ax.plot(x, heights, color=KINDS[_kind(w1, b1, ends)], lw=GUIDE, alpha=0.8)
    for end in ends:
        ax.axvline(end, **GUIDES)


def _kind(w1: float, b1: float, ends: tuple[float, float]) -> str:
    active = [w1 * x + b1 > 0.0 for x in ends]
    if not any(active):
        return "active on no input"
    return "linear on the data" if all(active) else "bends among the data"


def _beyond(ax: Axes, run: Run) -> None:
    arrays = run.arrays
    ax.plot(arrays["inputs"], arrays["labels"], "o", ms=4.0, mfc="none", mec=COLORS["gray"], mew=0.8)
    ax.plot(arrays["grid"], arrays["truth"], **THEORY)
    kinds = (
        ("without_dead", "vermilion", SECONDARY, 5, "without the dead"),
        ("solution", "blue", MAIN, 4, "all"),
    )
    for name, color, width, order, words in kinds:
        (line,) = ax.plot(arrays["grid"], arrays[name], color=COLORS[color], lw=width, zorder=order)
        name_at_end(ax, line, words)
    for end in (arrays["inputs"].min(), arrays["inputs"].max()):
        ax.axvline(end, **GUIDES)
    for words, color in KINDS.items():
        ax.plot([], [], color=color, lw=SECONDARY, label=words)
    label(ax, "input x", "f(x)")


def dead_neurons(result: Result) -> Drawn:
    """Share of the neurons that come back, by method; errors beyond the data with and without dead ones."""
    figure, axes = canvas(1, 2, DOUBLE)
    table = result.table.where(outcome="finished") if result.runs else Table({})
    known = "revived" in table
    methods = list(result.settings["methods"])
    for i, arm in enumerate(result.settings["arms"]):
        rows = table.where(arm=arm) if known else Table({})
        if len(rows):
            _returns(axes[0, 0], rows, methods, 0.22 * (i - 1), arm)
            _errors(axes[0, 1], rows.where(**DESCENT), arm)
    axes[0, 0].set_yticks(range(len(methods)), [_words(name) for name in methods], fontsize=SMALL)
    axes[0, 0].set_ylim(len(methods) - 0.5, -0.5)
    label(axes[0, 0], "neurons that come back, %")
    label(axes[0, 1], "error beyond the data", "without dead neurons")
    if known and len(table):
        _diagonal(axes[0, 1], table.where(**DESCENT))
        shared_legend(figure, axes, columns=3)
    drawing.say_empty(axes)
    found = _counts(table, methods) if known else NONE
    finding(figure, found)
    return Drawn(figure, (
        f"{found} Left: the share of the neurons of each run that were dead at some iterate and active at "
        "a later one, by method. Right: the mean squared error of plain descent beyond the data, up to twice "
        "the range, and the same without its dead neurons; below the dotted line these do harm. Disks: runs "
        "with the default start (blue), the small one (vermilion) and the large one with warm-up (green). "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def _words(method: str) -> str:
    return METHOD_NAMES[method].replace(" with ", "\nwith ").replace("plain ", "plain\n")


def _returns(ax: Axes, rows: Table, methods: list[str], shift: float, arm: str) -> None:
    for i, method in enumerate(methods):
        values = 100.0 * rows.where(method=method)["revived"]
        name = drawing.arm_name(arm) if i == 0 else None
        ax.plot(values, np.full(values.size, i + shift), "o", ms=4.0, alpha=0.6, mew=0, label=name,
                color=ARM[arm].color)  # fmt: skip


def _errors(ax: Axes, rows: Table, arm: str) -> None:
    ax.plot(rows["risk_beyond"], rows["risk_beyond_without_dead"], "o", ms=4.0, alpha=0.6, mew=0,
            color=ARM[arm].color)  # fmt: skip


def _diagonal(ax: Axes, rows: Table) -> None:
    values: NDArray[np.float64] = np.concatenate([rows["risk_beyond"], rows["risk_beyond_without_dead"]])
    if not values.size:
        return
    number_ticks(ax, "x")
    number_ticks(ax)
    low, high = 0.7 * values.min(), 1.4 * values.max()
    ax.plot([low, high], [low, high], **GUIDES)
    ax.set(xlim=(low, high), ylim=(low, high))


def _counts(table: Table, methods: list[str]) -> str:
    told = []
    for name in ("descent", "heavy_ball", "nesterov"):
        rows = table.where(method=name) if name in methods else table.rows(np.zeros(len(table), bool))
        if len(rows):
            back = number(int(np.sum(rows["revived"] > 0)))
            told.append(f"{back} of {number(len(rows))} runs of {METHOD_NAMES[name]}")
    return f"Dead neurons come back in {', '.join(told)}." if told else NONE
