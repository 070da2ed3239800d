"""Figures of the claim `mixup`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted, number
from stepscape.experiments.plane.mixed_runs import MixedRun
from stepscape.experiments.plane.mixup import ARMS, ERROR, pictures
from stepscape.experiments.plane.seedwise import SIZES
from stepscape.experiments.plane.toy_runs import CELLS, ToyRun
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, marks
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, NAMES, TALL, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {"plain": MEASURED, "fixed": THIRD, "fresh": CONTRAST}
WORDS = {"sphere": "sphere", "ball": "ball"}
ERRORS = (
    "Top: error on fresh inputs, squared and to the truth, against the number of input variables: training "
    "on the data (blue disks), on a fixed set of four times as many mixed pairs (green triangles), on fresh "
    "pairs at every step (vermilion squares). The truth has variance 1 (dotted: the error of a constant), "
    "the noise too. Bottom: path-weighted rate, the share of the data that a neuron holds, weighted by the "
    "size of its bend. Left on the sphere, right in the ball. Medians and quartiles."
)
TOY = (
    "One seed: probability p(y = 1 | x) of the learned network, from white (0) to dark blue (1), by plain "
    "training and by mixup with growing α, over the inputs x_1 and x_2. Examples of class −1 are green "
    "triangles, those of class +1 vermilion squares. The mean difference to plain training is taken over the "
    "unit disk, its median over "
)


def draw_errors(result: Result) -> Drawn:
    """Draw error and path-weighted rate against the dimension, by arm and law."""
    table = result.of(MixedRun).table
    laws = list(dict.fromkeys(table["geometry"].tolist())) if len(table) else []
    figure, axes = canvas(2, max(1, min(2, len(laws))), TALL, sharex=True, sharey="row")
    for j, law in enumerate(laws[:2] or ["no law"]):
        rows = table.where(geometry=law) if law in laws else Table({})
        _arms(axes[0, j], rows, ERROR)
        _arms(axes[1, j], rows, "path_rate")
        number_ticks(axes[0, j])
        if len(rows) and ERROR in rows:
            guide(axes[0, j], 1.0, "constant", above=False)
        label(axes[0, j], title=WORDS.get(law, law))
        label(axes[1, j], x="input variables")
    axes[0, 0].set_ylabel("error on fresh inputs", fontsize=NAMES)
    axes[1, 0].set_ylabel("path-weighted rate", fontsize=NAMES)
    shared_legend(figure, axes, columns=3)
    sentence = _sentence(table)
    finding(figure, sentence)
    count = len(set(table["seed"])) if len(table) else 0
    return Drawn(figure, f"{sentence} {ERRORS} {counted(count, 'seed')}.")


def _arms(ax: Axes, rows: Table, column: str) -> None:
    if len(rows) and column in rows:
        counts = SIZES.counts(rows)
        for arm, look in LOOKS.items():
            kept = rows.rows(counts & (rows["arm"] == arm))
            ribbon(ax, kept, "dimension", column, look.both, keep_dead=True, label=ARMS[arm])
        ax.set_xticks(np.unique(rows["dimension"]))
    if not ax.lines:
        note(ax, "no run finished")


def _sentence(table: Table) -> str:
    if not len(table) or ERROR not in table:
        return "No run finished."
    d = 5 if 5 in table["dimension"] else int(table["dimension"].max())
    rows = table.where(dimension=d)
    seen = {arm: rows.rows(SIZES.counts(rows) & (rows["arm"] == arm)) for arm in ARMS}
    errors, rates = (
        {arm: number(median(each[column])) for arm, each in seen.items()} for column in (ERROR, "path_rate")
    )
    return (
        f"In {d} dimensions the error is {errors['plain']} without mixup, {errors['fixed']} on a fixed mixed "
        f"set and {errors['fresh']} with fresh pairs; neurons hold {rates['plain']}, {rates['fixed']} and "
        f"{rates['fresh']} of the data."
    )


def draw_toy(result: Result) -> Drawn:
    """Draw p(y = 1 | x) by plain training, and by mixup with three α."""
    figure, axes = canvas(1, 4, DOUBLE, sharex=True, sharey=True)
    drawn = sorted(result.drawn("p", kind=_kind()), key=lambda run: float(run["toy_alpha"]))
    shown = [drawn[i] for i in (0, 1, -2, -1)] if len(drawn) > 4 else drawn
    for i, ax in enumerate(axes[0]):
        ax.set_aspect("equal")
        ax.set_xlim(-1.05, 1.05)
        ax.set_ylim(-1.05, 1.05)
        ax.set_xticks([-1, 0, 1])
        ax.set_yticks([-1, 0, 1])
        label(ax, x="$x_1$")
        if i < len(shown):
            _picture(ax, shown[i])
        else:
            note(ax, "no run")
    axes[0, 0].set_ylabel("$x_2$", fontsize=NAMES)
    at, seen = pictures(result)
    sentence = "No picture was trained."
    if at.size:
        near, far = (number(median(seen[:, j])) for j in (0, -1))
        sentence = (
            f"The picture of mixup differs from that of plain training by {near} at α = {short(at[0])}, and "
            f"by {far} at α = {short(at[-1])}."
        )
    finding(figure, sentence)
    return Drawn(figure, f"{sentence} {TOY}{counted(len(seen), 'seed')}.")


def _kind() -> str:
    return str(ToyRun.__struct_config__.tag)


def _picture(ax: Axes, run: Run) -> None:
    p = np.asarray(run.arrays["p"]).reshape(CELLS, CELLS)
    ax.imshow(p, origin="lower", extent=(-1, 1, -1, 1), cmap="Blues", vmin=0.0, vmax=1.0, zorder=1)
    points, labels = np.asarray(run.arrays["inputs"]).reshape(-1, 2), np.asarray(run.arrays["labels"])
    for sign, color, marker in ((-1.0, COLORS["green"], "^"), (1.0, COLORS["vermilion"], "s")):
        look = {**marks(color, marker), "ms": 4.0, "mew": 0.5}
        ax.plot(*points[labels == sign].T, linestyle="none", zorder=3, **look)
    alpha = float(run["toy_alpha"])
    label(ax, x="$x_1$", title=f"mixup, α = {short(alpha)}" if alpha else "plain training")
