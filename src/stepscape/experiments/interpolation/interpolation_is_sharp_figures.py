"""Figures of the claim `interpolation-is-sharp`; they read its runs and compute no measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.interpolation.runs import SIDES, InterpolationRun
from stepscape.figures.bands import band
from stepscape.figures.style import COLORS, canvas, label, line, number_ticks, series, shared_legend
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "spline": "connect the dots, knots off the inputs",
    "flattest": "flattest network of any width",
    "dots": "connect the dots, knots on the inputs",
}
CURVES = (
    ("hat_bound", "", "hat bound"),
    ("bound", "", "data-only bound"),
    ("least", "flattest", "certified least sharpness of any width"),
    ("sharpness", "flattest", "flattest network built"),
    ("sharpness", "spline", "spline"),
)
SHARPNESS = (
    "The sharpness, less the 1 that the output bias costs, of networks that pass through every noisy label, "
    "against the number of inputs and the noise: two lower bounds from the data alone, the certified least "
    "value over all widths, and two interpolators. Descent can stay at an interpolator only with a step "
    "size below 2/λ. Dotted: the least powers that the theory claims."
)
STABILITY = (
    "Descent from two starts, a millionth away from an interpolator on either side of its sharpest "
    "direction. With a step size just below 2/λ it comes back, just above 2/λ it leaves, both at the "
    "predicted rate (dashed lines). With knots on the inputs the loss has a kink there, and neither rate "
    "holds."
)
FUNCTIONS = (
    "The functions of the interpolators. The flattest one is close to the line that connects the dots, "
    "except near the ends of the data, where g is small and bends cost almost nothing. The axis spans the "
    "labels; where a curve leaves it, the picture says how far it goes."
)


def sharpness(result: Result) -> Drawn:
    """Draw λ − 1 of bounds and interpolators against n (σ fixed) and σ (n fixed), with the claimed slopes."""
    table, settings = result.of(InterpolationRun).table, result.settings
    truth, design = settings["cases"][0].split()
    rows = table.where(truth=truth, design=design)
    figure, axes = canvas(1, 2, (9.4, 4.9), sharey=True)
    views = (
        ("n", rows.where(noise=settings["noise"]), 2.0, f"number of inputs n (σ = {settings['noise']:g})"),
        ("noise", rows.where(n=settings["n"]), 1.0, f"noise σ (n = {settings['n']})"),
    )
    for ax, (across, shown, slope, name) in zip(axes[0], views, strict=True):
        if "bound" in shown:
            _bands(ax, shown, across)
            _reference(ax, shown, across, slope)
        values = [float(value) for value in np.unique(shown[across])]
        ax.set_xscale("log")
        ax.set_xticks(values, [f"{value:g}" for value in values])
        ax.minorticks_off()
        label(ax, x=name)
    number_ticks(axes[0, 0])
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max} - 1$; descent needs η < 2/λ", fontsize=10)
    shared_legend(figure, axes, columns=3)
    return Drawn(figure, SHARPNESS)


def _bands(ax: Axes, rows: Table, across: str) -> None:
    for i, (column, interpolator, name) in enumerate(CURVES):
        every = interpolator or str(rows["interpolator"][0])
        chosen = rows.where(interpolator=every)
        if column not in chosen or not len(chosen):
            continue
        excess = chosen[column].astype(float) - 1.0
        shown = Table({across: chosen[across].astype(float), "excess": np.where(excess > 0, excess, np.nan)})
        band(ax, shown, across, "excess", name, series(i), dodge=0.012 * (i - 2))


def _reference(ax: Axes, rows: Table, across: str, slope: float) -> None:
    """Draw the claimed power through half the median bound at the largest value."""
    at = rows[across].astype(float)
    top = float(np.median(rows["bound"][at == at.max()])) - 1.0
    ends = np.array([at.min(), at.max()])
    word = "least claimed slopes: n² and σ"
    ax.plot(ends, 0.5 * top * (ends / at.max()) ** slope, color=COLORS["black"], lw=1.2, ls=":", label=word)


def stability(result: Result) -> Drawn:
    """Draw the distance from the interpolator over the steps, on both sides of 2/λ, with predicted rates."""
    runs = result.drawn("curve")
    figure, axes = canvas(1, max(1, len(runs)), (3.6 * max(1, len(runs)) + 0.5, 4.3), sharey=True)
    for ax, run in zip(axes[0], runs, strict=False):
        for i, (side, sign) in enumerate(SIDES):
            _visit(ax, run, side, 2.0 + sign * result.settings["detuning"], i)
        ax.set_yscale("log")
        label(ax, x="steps", title=_title(run))
    if runs:
        axes[0, 0].set_ylabel("distance from the interpolator", fontsize=10)
        shared_legend(figure, axes, columns=2)
    return Drawn(figure, STABILITY)


def _title(run: Run) -> str:
    name = str(run["interpolator"])
    return TITLES.get(name, name)


def _visit(ax: Axes, run: Run, side: str, product: float, index: int) -> None:
    steps = run.arrays[f"steps_{side}"]
    sides = run.arrays[f"distance_{side}"].reshape(-1, 2).T
    look = line(index)
    for i, distance in enumerate(sides):
        shown = np.isfinite(distance) & (distance > 0.0)
        name = f"η = {product:g}/λ, from either side" if i == 0 else None
        ax.plot(steps[shown], distance[shown], color=look["color"], lw=1.8 - 0.8 * i, label=name)
    rate = abs(1.0 - product)
    predicted = sides[0, 0] * rate**steps
    within = (predicted < 0.3) & (predicted > 1e-13)
    dashes = (0, (4, 3)) if index == 0 else ":"
    word = f"predicted: a factor of {rate:g} per step"
    ax.plot(steps[within], predicted[within], color=COLORS["black"], lw=1.2, ls=dashes, label=word)


def curves(result: Result) -> Drawn:
    """Draw the functions of the interpolators through the same labels."""
    figure, axes = canvas(1, 1, (7.2, 4.0))
    ax, runs = axes[0, 0], result.drawn("curve")
    for i, run in enumerate(runs):
        ax.plot(run.arrays["grid"], run.arrays["curve"], lw=1.4, label=_title(run), **line(i))
    if runs:
        data = runs[0].arrays
        ax.plot(data["inputs"], data["labels"], "o", color=COLORS["black"], ms=5, label="labels", zorder=5)
        shared_legend(figure, axes, columns=2)
        _clip(ax, runs)
    label(ax, x="x", y="f(x)")
    return Drawn(figure, FUNCTIONS)


def _clip(ax: Axes, runs: Sequence[Run]) -> None:
    """Show the range of the labels with a margin, and how far a curve goes that leaves it."""
    labels = runs[0].arrays["labels"]
    low, high = labels.min() - 0.2 * np.ptp(labels), labels.max() + 0.2 * np.ptp(labels)
    ax.set_ylim(low, high)
    for i, run in enumerate(runs):
        x, f = run.arrays["grid"], run.arrays["curve"]
        for at, edge, way in ((f.argmin(), low, "down"), (f.argmax(), high, "up")):
            if not low <= f[at] <= high:
                words = f"leaves the picture, {way} to {f[at]:.3g}".replace("-", "−")
                _leaves(ax, float(x[at]), edge, words, line(i)["color"])


def _leaves(ax: Axes, x: float, edge: float, text: str, color: str) -> None:
    """Write a note where a curve leaves, on the side that has room."""
    left = x < np.mean(ax.get_xlim())
    ax.annotate(
        text, (x, edge), (22 if left else -22, 9 if edge == ax.get_ylim()[0] else -9),
        textcoords="offset points", ha="left" if left else "right", va="center", fontsize=8.5, color=color,
    )  # fmt: skip
