"""Figures of the experiment `interpolation-is-sharp`; they read its table and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.bands import band
from stepscape.figures.style import COLORS, canvas, label, line, number_ticks, series, shared_legend
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arrays = Mapping[str, NDArray[Any]]
TITLES = {
    "spline": "connect the dots, knots off the inputs",
    "flattest": "flattest of any width",
    "dots": "connect the dots, knots on the inputs",
}
CURVES = (
    ("hat_bound", "", "hat bound"),
    ("bound", "", "data-only bound"),
    ("least", "flattest", "least of any width, certified"),
    ("sharpness", "flattest", "flattest built"),
    ("sharpness", "spline", "spline"),
)


def sharpness(table: Table, settings: Mapping[str, Any]) -> Figure:
    """Draw λ − 1 of bounds and interpolators against n (σ fixed) and σ (n fixed), with the claimed slopes."""
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
    return figure


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
    """Draw the claimed power, through half the median bound at the largest value."""
    at = rows[across].astype(float)
    top = float(np.median(rows["bound"][at == at.max()])) - 1.0
    ends = np.array([at.min(), at.max()])
    word = "slope claimed at least: n² and σ"
    ax.plot(ends, 0.5 * top * (ends / at.max()) ** slope, color=COLORS["black"], lw=1.2, ls=":", label=word)


def stability(arrays: Arrays, names: Sequence[str], detuning: float) -> Figure:
    """Draw the distance from the interpolator over the steps, on both sides of 2/λ, with predicted rates."""
    figure, axes = canvas(1, max(1, len(names)), (3.6 * max(1, len(names)) + 0.5, 4.3), sharey=True)
    for ax, name in zip(axes[0], names, strict=False):
        for i, (side, sign) in enumerate((("below", -1.0), ("above", 1.0))):
            _visit(ax, arrays, f"{name}|{side}", 2.0 + sign * detuning, i)
        ax.set_yscale("log")
        label(ax, x="steps", title=TITLES.get(name, name))
    if names:
        axes[0, 0].set_ylabel("distance from the interpolator", fontsize=10)
        shared_legend(figure, axes, columns=2)
    return figure


def _visit(ax: Axes, arrays: Arrays, key: str, product: float, index: int) -> None:
    steps = arrays[f"steps|{key}"]
    sides = arrays[f"distance|{key}"].reshape(-1, 2).T
    look = line(index)
    for i, distance in enumerate(sides):
        shown = np.isfinite(distance) & (distance > 0.0)
        name = f"η = {product:g}/λ, started on either side" if i == 0 else None
        ax.plot(steps[shown], distance[shown], color=look["color"], lw=1.8 - 0.8 * i, label=name)
    rate = abs(1.0 - product)
    line_ = sides[0, 0] * rate**steps
    within = (line_ < 0.3) & (line_ > 1e-13)
    ax.plot(
        steps[within],
        line_[within],
        color=COLORS["black"],
        lw=1.2,
        ls=(0, (4, 3)) if index == 0 else ":",
        label=f"predicted: times {rate:g} a step",
    )


def curves(arrays: Arrays, names: Sequence[str]) -> Figure:
    """Draw the functions of the interpolators through the same labels."""
    figure, axes = canvas(1, 1, (7.2, 4.0))
    ax = axes[0, 0]
    for i, name in enumerate(names):
        ax.plot(arrays["grid"], arrays[f"curve|{name}"], lw=1.4, label=TITLES.get(name, name), **line(i))
    if names:
        ax.plot(
            arrays["inputs"], arrays["labels"], "o", color=COLORS["black"], ms=5, label="labels", zorder=5
        )
        shared_legend(figure, axes, columns=2)
        _clip(ax, arrays, names)
    label(ax, x="x", y="f(x)")
    return figure


def _clip(ax: Axes, arrays: Arrays, names: Sequence[str]) -> None:
    """Show the range of the labels with a margin, and how far a curve goes that leaves it."""
    labels = arrays["labels"]
    low, high = labels.min() - 0.2 * np.ptp(labels), labels.max() + 0.2 * np.ptp(labels)
    ax.set_ylim(low, high)
    for i, name in enumerate(names):
        x, f = arrays["grid"], arrays[f"curve|{name}"]
        for at, edge, word in ((f.argmin(), low, "down"), (f.argmax(), high, "up")):
            if not low <= f[at] <= high:
                _leaves(
                    ax,
                    float(x[at]),
                    edge,
                    f"leaves the picture, {word} to {f[at]:.3g}".replace("-", "−"),
                    line(i)["color"],
                )


def _leaves(ax: Axes, x: float, edge: float, text: str, color: str) -> None:
    """Write beside the place where a curve leaves, on the side that has room."""
    left = x < np.mean(ax.get_xlim())
    ax.annotate(
        text, (x, edge), (22 if left else -22, 9 if edge == ax.get_ylim()[0] else -9),
        textcoords="offset points", ha="left" if left else "right", va="center", fontsize=8.5, color=color,
    )  # fmt: skip
