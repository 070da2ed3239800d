"""The figure of the claim `radial-family`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted
from stepscape.experiments.plane.gap import GAP
from stepscape.experiments.plane.radial_family import BALL, SPHERE, by_law, center
from stepscape.experiments.plane.seedwise import SIZES
from stepscape.figures.bands import ribbon, seed_dots
from stepscape.figures.colors import COLORS, CONTRAST, Look, level_color, marks
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, NAMES, SECONDARY, SMALL, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding

DISK = Look("the ball", COLORS["black"], "D")
WORDS = {SPHERE: "sphere", BALL: "ball"}
CAPTION = (
    "Left: generalization gap, the expected squared error on new labels minus that on the labels of the "
    "data, against the number of inputs n at the lower dimension, by law of the inputs: the sphere "
    "(vermilion squares), radial laws with more mass near the center the larger α (disks, dark to light), "
    "and the ball (black diamonds), all of one mean square length. Middle: training error there; the noise "
    "has variance 1 (dotted). Right: training error at the higher dimension, every seed as a faint dot, "
    "medians as disks. Medians and quartiles."
)


def draw_laws(result: Result) -> Drawn:
    """Draw gap and training error by law, and the training errors of the higher dimension."""
    found, high = by_law(result), by_law(result, high=True)
    figure, axes = canvas(1, 3, DOUBLE)
    left, middle, right = axes[0]
    number_ticks(left)
    for ax in (left, middle):
        number_ticks(ax, "x")
    looks = _looks(list(found))
    for name, rows in found.items():
        kept = rows.rows(SIZES.counts(rows))
        for ax, column in ((left, GAP), (middle, "train_error")):
            named = WORDS.get(name, name)
            ribbon(ax, kept, "n", column, looks[name], keep_dead=True, width=SECONDARY, label=named)
    guide(middle, 1.0, "noise", at=0.98)
    _bars(right, high, result.settings["high_n"])
    for ax in (left, middle):
        if not ax.collections:
            note(ax, "no run finished")
    low = result.settings["dimension"]
    label(left, x="$n$", title=f"gap, $d$ = {low}")
    label(middle, x="$n$", title=f"training error, $d$ = {low}")
    size = f"$d$ = {result.settings['high_dimension']}, $n$ = {result.settings['high_n']}"
    label(right, title=f"the same, {size}")
    left.set_ylabel("mean squares", fontsize=NAMES)
    shared_legend(figure, axes, columns=6)
    sentence = _sentence(found, high, result.settings["high_n"])
    finding(figure, sentence)
    count = len(set(result.table["seed"])) if len(result.table) else 0
    return Drawn(figure, f"{sentence} {CAPTION} {counted(count, 'seed')}.")


def _looks(names: list[str]) -> dict[str, dict[str, Any]]:
    radial = [name for name in names if name.startswith("α")]
    places = {name: i + 1.0 for i, name in enumerate(radial)}
    looks = {name: marks(level_color(at, list(places.values()))) for name, at in places.items()}
    return {SPHERE: CONTRAST.both, BALL: DISK.both, **looks}


def _bars(ax: Any, high: dict[str, Any], n: int) -> None:
    """Draw the training error of every seed under each law."""
    for i, rows in enumerate(high.values()):
        kept = rows.rows(SIZES.counts(rows) & (rows["n"] == n))
        if not len(kept):
            continue
        values = kept["train_error"].astype(float)
        seed_dots(ax, np.full(values.size, float(i)), values, COLORS["blue"])
        ax.plot(i, median(values), **marks(COLORS["blue"]), linestyle="none")
    ax.set_xticks(range(len(high)), [WORDS.get(name, name) for name in high], rotation=90, fontsize=SMALL)
    ax.set_xlim(-0.5, max(len(high), 1) - 0.5)
    if not high:
        note(ax, "no run finished")
        ax.set_xticks([])


def _sentence(found: dict[str, Any], high: dict[str, Any], n: int) -> str:
    core = center(found)
    if SPHERE not in found or not core or SPHERE not in high or core not in high:
        return "Too few runs finished to compare the laws."
    most = found[SPHERE]["n"].max()
    gaps = [median(found[name].where(n=most)[GAP]) for name in (SPHERE, core)]
    train = [median(high[name].where(n=n)["train_error"]) for name in (SPHERE, core)]
    return (
        f"With {most} inputs the gap is {gaps[0]:.2f} on the sphere and {gaps[1]:.2f} near the center; in "
        f"more dimensions the training error is {train[0]:.2f} and {train[1]:.2f}."
    )
