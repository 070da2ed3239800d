"""The figure of the claim `dimension-sweep`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted, number
from stepscape.experiments.plane.dimension_sweep import ERROR, by_dimension, slope_table
from stepscape.experiments.plane.seedwise import SIZES
from stepscape.figures.bands import interval_bars, ribbon
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD, level_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import legend
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, NAMES, SECONDARY, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = (MEASURED, CONTRAST, THIRD)
CAPTION = (
    "Left and middle: error of the network on fresh inputs, squared and to the truth, against the number of "
    "inputs n, one curve for each number d of input variables; medians and quartiles. The variance of the "
    "truth is 1 (dotted: the error of a constant), that of the noise too. Right: slope of the log of this "
    "error on log n against d, mean over the seeds with 95 % intervals: without decay (blue disks), with the "
    "decay chosen (vermilion squares), with the published one (green triangles). Dotted: a slope of −½."
)


def draw_errors(result: Result) -> Drawn:
    """Draw the errors against n without and with decay, and their slopes against d."""
    decay, published = result.settings["decay"], result.settings["published_decay"]
    figure, axes = canvas(1, 3, DOUBLE)
    left, middle, right = axes[0]
    middle.sharey(left)
    _errors(left, result, 0.0)
    _errors(middle, result, decay)
    label(left, x="$n$", title="no decay")
    label(middle, x="$n$", title=f"weight decay {short(decay)}")
    left.set_ylabel("error on fresh inputs", fontsize=NAMES)
    words = [
        _slopes(right, result, each, look) for each, look in zip((0.0, decay, published), LOOKS, strict=True)
    ]
    guide(right, -0.5, "−½", at=0.45)
    label(right, x="$d$", title="slope in log $n$")
    _name_decays(right)
    sentence = _sentence(words[0], words[1], decay)
    finding(figure, sentence)
    count = len(set(result.table["seed"])) if len(result.table) else 0
    return Drawn(figure, f"{sentence} {CAPTION} {counted(count, 'seed')}.")


def _errors(ax: Axes, result: Result, weight_decay: float) -> None:
    number_ticks(ax)
    number_ticks(ax, "x")
    found = by_dimension(result, weight_decay)
    for d, rows in found.items():
        look = {"color": level_color(d, list(found)), "marker": "o", "mec": "white", "mew": 0.8, "ms": 6.0}
        line = ribbon(ax, rows.rows(SIZES.counts(rows)), "n", ERROR, look, keep_dead=True, width=SECONDARY)
        if line is not None:
            name_at_end(ax, line, f"$d$ = {d}")
    guide(ax, 1.0, "constant", at=0.98)
    if not found:
        note(ax, "no run finished")


def _slopes(ax: Axes, result: Result, weight_decay: float, look: object) -> dict[int, float]:
    """Draw the slopes with a weight decay; return their medians by dimension."""
    found = by_dimension(result, weight_decay)
    if not found:
        return {}
    slopes, _ = slope_table(found)
    means = [student(column) for column in slopes.T]
    known = [i for i, each in enumerate(means) if np.isfinite([each.low, each.high]).all()]
    at = np.array(list(found), float)
    named = short(weight_decay) if weight_decay else "none"
    interval_bars(ax, at[known], [means[i] for i in known], {**look.both}, named)  # type: ignore[attr-defined]
    return {d: median(column) for d, column in zip(found, slopes.T, strict=True)}


def _name_decays(ax: Axes) -> None:
    """Say in a free strip above the slopes which color stands for which weight decay."""
    if not ax.get_legend_handles_labels()[1]:
        return
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.55 * (high - low))
    legend(ax, title="weight decay", title_fontsize=9.0, loc="upper left", borderpad=0.1, labelspacing=0.2)


def _sentence(plain: dict[int, float], decayed: dict[int, float], decay: float) -> str:
    if len(plain) < 2 or len(decayed) < 2:
        return "Too few runs finished to compare dimensions."
    first, last = min(plain), max(plain)
    return (
        f"From {first} to {last} dimensions the slope of the error in n goes from {number(plain[first])} to "
        f"{number(plain[last])}; with weight decay {short(decay)} from {number(decayed[min(decayed)])} to "
        f"{number(decayed[max(decayed)])}."
    )
