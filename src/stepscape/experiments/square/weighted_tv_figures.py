"""Figures of the claim `weighted-tv`; they read its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import band, mark_failures
from stepscape.figures.style import (
    COLORS,
    canvas,
    evenly_ranked,
    label,
    line,
    note,
    number_ticks,
    row_legend,
    series,
    shared_legend,
    step_size_ticks,
)
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from stepscape.experiments.frame.result import Arrays

MOST_ROWS = 3
LEFT, LEFT_SIDE = r"left: $\int |f''|\,g$", r"left: side form $\Sigma\,|w_1 w_2|\,g^\pm$"
RIGHT = r"right: $\lambda_{\max}/2 - ½ + ½\|R\|$"
RIGHT_LOSS = r"right: $\lambda_{\max}/2 - ½ + ½\sqrt{1+x_{\max}^2}\sqrt{2L}$"
RIGHT_PUBLISHED = r"right: $\lambda_{\max}/2 - ½ + x_{\max}\sqrt{2L}$, published"
# The index of the look: one inequality looks the same above, below and over time.
SIDES = (
    (0, "published_left", LEFT),
    (1, "sharpness_left", LEFT_SIDE),
    (2, "sharpness_right", RIGHT),
    (3, "sharpness_loss_right", RIGHT_LOSS),
    (4, "published_right", RIGHT_PUBLISHED),
)
TIGHTNESS = (
    (5, "gauss_newton", r"right: $\lambda_{\max}(G)$, left: 1 + 2·side form"),
    (2, "sharpness", RIGHT),
    (3, "sharpness_loss", RIGHT_LOSS),
    (4, "published", RIGHT_PUBLISHED),
    (6, "noisy", "right: for noisy labels"),
)
CURVES = (
    ("tv_function", LEFT),
    ("tv_side", LEFT_SIDE),
    ("right_sharpness", RIGHT),
    ("right_sharpness_loss", RIGHT_LOSS),
    ("right_published", RIGHT_PUBLISHED),
)


SIDES_CAPTION = (
    "Above: both sides of the inequalities at the end of training; dashed: 1/η − ½, the right side for "
    "λ_max = 2/η without the residual. Below: left side over right side; 1 would be equality, and more than "
    "1 a violation."
)
OVER_TIME = (
    "Both sides at every record of the first seed, from the start: the inequalities hold at every point, "
    "trained or not. The thin line is 1/η − ½ for the current step size; it bounds the left side only where "
    "λ_max is below 2/η, and up to the residual. At large step sizes all curves swing with the two phases "
    "of descent."
)


def sides(result: Result) -> Drawn:
    """Both sides at the end against the step size above, with 1/η − ½; left over right below."""
    table, arms = result.table, result.settings["arms"]
    figure, axes = canvas(2, len(arms), (3.7 * len(arms) + 0.4, 8.2), sharex=True, sharey="row")
    etas = np.unique(table["step_size"])
    bound = 1.0 / etas - 0.5
    for (upper, lower), arm in zip(axes.T, arms, strict=True):
        rows = table.where(arm=arm)
        upper.plot(
            etas[bound > 0], bound[bound > 0], color=COLORS["black"], lw=1.2, dashes=(5, 2), label="1/η − ½"
        )
        for i, name, word in SIDES:
            if name in rows:
                band(upper, rows, "step_size", name, word, series(i), dodge=0.03 * (i - 2))
        for i, name, word in TIGHTNESS:
            if f"{name}_left" in rows:
                ratio = rows[f"{name}_left"] / np.where(
                    rows[f"{name}_right"] > 0, rows[f"{name}_right"], np.nan
                )
                extended = Table({**rows.columns, "tightness": ratio})
                band(lower, extended, "step_size", "tightness", word, series(i), dodge=0.03 * (i - 4))
        lower.axhline(1.0, color=COLORS["black"], lw=1.0, label="left = right: above it a bound would fail")
        mark_failures(upper, rows)
        step_size_ticks(lower, [float(eta) for eta in etas])
        label(upper, title=ARM_TITLES.get(arm, arm))
        label(lower, x="step size η")
    if any(ax.containers for ax in axes[0]):
        number_ticks(axes[0, 0])
    axes[0, 0].set_ylabel("both sides at the end\n(units of y per unit of x)", fontsize=10)
    axes[1, 0].set_ylabel("left side over right side", fontsize=10)
    axes[1, 0].set_ylim(0.0, max(1.08, axes[1, 0].get_ylim()[1]))  # a bound that fails must be seen
    row_legend(figure, axes, ("Above", "Below: left side over right side"))
    return Drawn(figure, SIDES_CAPTION)


def over_time(result: Result) -> Drawn:
    """Both sides at every record of the first seed, over Σ η: one row per step size, one column per arm."""
    arms, shown = result.settings["arms"], evenly_ranked(sorted(result.settings["step_sizes"]), MOST_ROWS)
    size = (3.7 * len(arms) + 0.4, 2.6 * len(shown) + 1.0)
    figure, axes = canvas(len(shown), len(arms), size, sharex=True, sharey="row")
    for ax, arm in zip(axes[0], arms, strict=True):
        label(ax, title=f"{ARM_TITLES.get(arm, arm)} (first seed)")
    for row, eta in zip(axes, shown, strict=True):
        for ax, arm in zip(row, arms, strict=True):
            runs = result.drawn("time", arm=arm, step_size=eta)
            if runs:
                _follow(ax, runs[0].arrays)
            else:
                note(ax, "diverged")
        row[0].set_ylabel(f"step size η = {eta:g}\nboth sides\n(units of y per unit of x)", fontsize=10)
        row[0].set_yscale("log")
    for ax in axes[-1]:
        ax.set_xscale("log")
        ax.set_xlabel("time Σ η", fontsize=10)
    shared_legend(figure, axes, columns=3)
    return Drawn(figure, OVER_TIME)


def _follow(ax: Axes, arrays: Arrays) -> None:
    time = arrays["time"]
    keep = time > 0
    for i, (name, word) in enumerate(CURVES):
        ax.plot(time[keep], arrays[name][keep], lw=1.3, label=word, **line(i))
    bound = 1.0 / arrays["step_size"][keep] - 0.5
    ax.plot(time[keep], bound, color=COLORS["black"], lw=1.0, label="1/η − ½ for the current step size")
    if arrays["bent"][-1] == 0:
        note(ax, "all neurons dead")
