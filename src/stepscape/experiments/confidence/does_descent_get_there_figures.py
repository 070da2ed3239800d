"""Figures of the claim `does-descent-get-there`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.does_descent_get_there import marked
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import band
from stepscape.figures.style import (
    COLORS,
    canvas,
    label,
    number_ticks,
    series,
    shared_legend,
    step_size_ticks,
)
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FATES = (
    "The fates of the runs: one bar for each initialization (rows) and step size (columns), with parts as "
    "long as the counts of its seeds. Covered means that λ_max is not above 2/η, the network fits the labels "
    "as well as the truth, and the bound where it is uncertain excludes fitting every label there."
)
TIMES = (
    "Steps (left) and training time Σ η (right) until a run is first covered, medians and quartiles "
    "of the runs that got there. Dashed line: the slope of gradient flow."
)
FOUND = (
    "Left: both sides of the certificate of covered runs, below the least value of a "
    "function that passes through every uncertain label with the same confidence. Right: the excess risk in "
    "the interior of every run, by fate."
)
# Fate → color, hatch and letter; the letter alone distinguishes them.
LOOKS = {
    "covered": ("green", "", "C"),
    "loose bound": ("sky", "//", "n"),
    "underfits": ("orange", "..", "u"),
    "over the edge": ("purple", "\\\\", "e"),
    "interpolation trap": ("vermilion", "xx", "t"),
    "dead": ("gray", "--", "d"),
    "unfinished": ("gray", "", "·"),
    "diverged": ("black", "", "∞"),
}
START_NAMES = {"torch": "torch", "mean_field": "mean-field"}
Start = tuple[str, float]


def starts(table: Table) -> list[Start]:
    """Return the starts of the grid: torch by scale, then mean-field by scale."""
    pairs = set(zip(table["init"].tolist(), table["scale"].tolist(), strict=True))
    return sorted(pairs, key=lambda pair: (list(START_NAMES).index(pair[0]), pair[1]))


def _start_name(start: Start) -> str:
    return f"{START_NAMES[start[0]]} × {start[1]:g}"


def phase_diagram(result: Result) -> Drawn:
    """Draw every cell of the grid as a bar of the fates of its seeds."""
    table = marked(result.table)
    from matplotlib.patches import Patch

    rows, etas = starts(table), np.unique(table["step_size"])
    figure, axes = canvas(1, 1, (1.15 * etas.size + 2.2, 0.62 * len(rows) + 1.7))
    ax = axes[0, 0]
    for i, (init, scale) in enumerate(rows):
        for j, eta in enumerate(etas):
            _cell(ax, i, j, table.where(init=init, scale=scale, step_size=eta)["fate"])
    ax.set_xticks(range(etas.size), [f"{eta:g}" for eta in etas])
    ax.set_yticks(range(len(rows)), [_start_name(start) for start in rows])
    ax.set_xlim(-0.5, etas.size - 0.5)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(visible=False)
    label(ax, x="step size η", y="initialization × scale", title="Fates of the runs: letters and counts")
    handles = [
        Patch(**_fill(fate), label=f"{letter}  {fate}")
        for fate, (_, _, letter) in LOOKS.items()
        if (table["fate"] == fate).any()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    return Drawn(figure, FATES)


def _cell(ax: Axes, row: int, column: int, found: NDArray[Any]) -> None:
    """Draw one bar with parts as long as the counts; parts that are long enough carry letter and count."""
    left = column - 0.46
    for fate, (_, _, letter) in LOOKS.items():
        count = int(np.sum(found == fate))
        if not count:
            continue
        width = 0.92 * count / found.size
        ax.barh(row, width, left=left, height=0.72, **_fill(fate))
        if width > 0.15:  # two of ten seeds have room
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
            ax.text(
                left + 0.5 * width, row, f"{letter}{count}", ha="center", va="center", fontsize=8, bbox=box
            )
        left += width


def _fill(fate: str) -> dict[str, Any]:
    color, hatch, _ = LOOKS[fate]
    return {"facecolor": COLORS[color], "hatch": hatch, "edgecolor": "white", "linewidth": 0.8}


def times(result: Result) -> Drawn:
    """Draw steps and time until a run is first covered against the step size, for each start."""
    table = marked(result.table)
    figure, axes = canvas(1, 2, (10.0, 4.4), sharex=True)
    etas = np.unique(table["step_size"])
    names = ("reached_at_step", "reached_at_time")
    for ax, name, word in zip(axes[0], names, ("steps", "time Σ η"), strict=True):
        for i, (init, scale) in enumerate(starts(table)):
            rows = table.where(init=init, scale=scale)
            if name in rows:
                band(ax, rows, "step_size", name, _start_name((init, scale)), series(i), dodge=0.04 * (i - 3))
        label(ax, x="step size η", y=f"{word} until first covered\n(runs that got there)")
        if ax.containers:
            number_ticks(ax)
            _equal_time(ax, etas, name)
        step_size_ticks(ax, [float(eta) for eta in etas])
    shared_legend(figure, axes, columns=4)
    return Drawn(figure, TIMES)


def _equal_time(ax: Axes, etas: NDArray[Any], name: str) -> None:
    """Draw the line of gradient flow, along which Σ η is the same, through the middle of the picture."""
    low, high = ax.get_ylim()
    middle = np.sqrt(low * high)
    steps = middle * np.sqrt(etas[0] * etas[-1]) / etas
    at = steps if name.endswith("step") else np.full(etas.size, middle)
    ax.plot(
        etas, at, color=COLORS["black"], lw=1.0, dashes=(5, 2), label="equal time: slope of gradient flow"
    )
    ax.set_ylim(low, high)


def what_was_found(result: Result) -> Drawn:
    """Draw both sides of the certificate, and beside it the excess risk in the interior by fate."""
    table = marked(result.table)
    figure, axes = canvas(1, 2, (10.4, 5.0))
    left, right = axes[0]
    covered = table.where(fate="covered")
    sides = (
        ("interpolant", "least ∫|f''|g_A of a function through γ y_i:\nabove it the bound is vacuous"),
        ("bound", "the bound (right side)"),
        ("variation", "measured ∫|f''|g_A (left side)"),
    )
    for i, (name, word) in enumerate(sides):
        if name in covered:
            band(left, covered, "step_size", name, word, series(i), dodge=0.05 * (i - 1))
    label(left, x="step size η", y="∫|f''|g_A (logit per unit of x)", title="Covered runs")
    if left.containers:
        number_ticks(left)
    step_size_ticks(left, [float(eta) for eta in np.unique(table["step_size"])])
    _risks(right, table)
    shared_legend(figure, axes, columns=4)
    return Drawn(figure, FOUND)


def _risks(ax: Axes, table: Table) -> None:
    """Draw every run as a gray dot, one row per fate, with the median and the best constant answer."""
    label(ax, x="excess risk in the interior", title="Excess risk by fate (bar: median)")
    if "excess_risk_interior" not in table:
        return
    shown = [fate for fate in LOOKS if np.isfinite(table.where(fate=fate)["excess_risk_interior"]).any()]
    rng = np.random.default_rng(0)
    for row, fate in enumerate(shown):
        values = table.where(fate=fate)["excess_risk_interior"]
        values = values[np.isfinite(values)]
        height = row + rng.uniform(-0.28, 0.28, values.size)
        ax.plot(values, height, "o", color=COLORS["gray"], ms=3.5, alpha=0.6, mew=0)
        ax.plot([np.median(values)] * 2, [row - 0.4, row + 0.4], color=COLORS["black"], lw=2.2)
    constant = np.nanmedian(table["excess_constant_interior"])
    ax.axvline(constant, color=COLORS["gray"], lw=1.2, dashes=(5, 2), label="best constant answer")
    ax.set_yticks(range(len(shown)), shown)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    number_ticks(ax, "x")
