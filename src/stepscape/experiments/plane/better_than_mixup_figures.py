"""The figure of the claim `better-than-mixup`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted, number
from stepscape.experiments.plane.better_than_mixup import ERROR, at_best, cells
from stepscape.experiments.plane.seedwise import of_each, seeds_of
from stepscape.figures.bands import seed_dots
from stepscape.figures.colors import COLORS, marks
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, NAMES, SMALL, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Bars = dict[str, float]
NAMED = {"plain": "nothing", "early": "stopped early", "mixup": "mixup", "depth": "deepest pairs",
         "noise": "input noise", "decay": "decay", "both": "mixup, decay"}  # fmt: skip
PLACES = {"sphere": "on the sphere", "ball": "in the ball"}
NEAR = 0.8  # share of the error of a constant from which on a straight fit is no better
TRUTHS = {"first": "$x_1$", "bend": r"$|x_1|$"}
CAPTION = (
    "Error on fresh inputs, squared and to the truth, of each way to train, at the strength that every "
    "fourth seed chooses for the others: the others as faint dots, their medians as disks. One panel for "
    "each law of the inputs and each truth, whose variance is 1 (dotted: the error of a constant; and that "
    "of a straight fit)."
)


def draw_arms(result: Result) -> Drawn:
    """Draw the error of every arm, one panel for each data set."""
    found = cells(result)
    figure, axes = canvas(1, max(1, min(len(found), 3)), DOUBLE, sharey=True)
    medians: dict[str, Bars] = {}
    for ax, (name, cell) in zip(axes[0], found.items(), strict=False):
        number_ticks(ax)
        medians[name] = _panel(ax, cell)
        law, truth = name.split(", ")
        label(ax, title=f"{law}, truth {TRUTHS.get(truth, truth)}")
    if not found:
        note(axes[0, 0], "no run finished")
    axes[0, 0].set_ylabel("error on fresh inputs", fontsize=NAMES)
    sentence = _sentence(medians)
    finding(figure, sentence)
    count = len(set(result.table["seed"])) if len(result.table) else 0
    return Drawn(figure, f"{sentence} {CAPTION} {counted(count, 'seed')}.")


def _panel(ax: Axes, cell: Result) -> Bars:
    """Draw the arms of one data set; return their medians."""
    every, out = seeds_of(cell.table), {}
    for i, arm in enumerate(NAMED):
        column = f"{ERROR}_held_out" if arm == "early" else ERROR
        values = at_best(cell, "plain" if arm == "early" else arm, every, column)
        values = values[np.isfinite(values)]
        if values.size:
            color = COLORS["vermilion" if arm == "mixup" else "blue"]
            seed_dots(ax, np.full(values.size, float(i)), values, color)
            ax.plot(i, median(values), **marks(color), linestyle="none", zorder=5)
            out[arm] = median(values)
    ax.set_xticks(range(len(NAMED)), list(NAMED.values()), rotation=60, ha="right", fontsize=SMALL)
    ax.set_xlim(-0.6, len(NAMED) - 0.4)
    levels = {
        words: median(of_each(cell.where(arm="plain").table, name, every))
        for name, words in (("null_population", "constant"), ("linear_population", "straight fit"))
    }
    if levels["straight fit"] > NEAR * levels["constant"]:
        levels = {"constant, straight fit": levels["constant"]}
    for words, level in levels.items():
        if np.isfinite(level):
            guide(ax, level, words, at=0.98, above=False)
    if not out:
        note(ax, "no run finished")
    return out


def _sentence(medians: dict[str, Bars]) -> str:
    known = {name: each for name, each in medians.items() if {"plain", "mixup", "decay"} <= each.keys()}
    if not known:
        return "Too few runs finished to compare the ways to train."
    told = [
        f"{', '.join(number(each[arm]) for arm in ('plain', 'mixup'))} and {number(each['decay'])} "
        f"{PLACES.get(name.split(', ')[0], name)}"
        for name, each in known.items()
    ]
    return f"With nothing, mixup and weight decay the error is {'; '.join(told)}."
