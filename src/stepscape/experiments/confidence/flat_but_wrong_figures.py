"""Figures of the experiment `flat-but-wrong`; they read its table and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.bands import band
from stepscape.figures.style import COLORS, canvas, label, line, series, shared_legend
from stepscape.losses import probability
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arrays = Mapping[str, NDArray[Any]]
Settings = Mapping[str, Any]
LOWEST = 1e-9  # what is flatter leaves the picture below
FLAT_FROM = 10.0
STARTS = {"flat_start": "flat side, λ·η/2 ≤ 0.9", "sharp_start": "sharp side, at the peak"}


def flatness(table: Table, settings: Settings) -> Figure:
    """Draw λ with its bound and the thresholds, and loss and gradient, against the margin."""
    figure, axes = _panels(settings)
    for column, (n, rows, descents) in enumerate(_views(table, settings)):
        upper, lower = axes[:, column]
        band(upper, rows, "margin", "sharpness", r"interpolator, $\lambda_{\max}$", series(0), keep_dead=True)
        _line(upper, rows, "bound", "its explicit bound", ":")
        _descents(upper, descents, "sharpness")
        for i, eta in enumerate(settings["descents"]):
            _threshold(upper, eta, line(i + 1)["color"])
        band(lower, rows, "margin", "loss", "interpolator, loss", series(4), keep_dead=True)
        band(lower, rows, "margin", "gradient_norm", "interpolator, ‖∇L‖", series(5), keep_dead=True)
        _descents(lower, descents, "loss")
        label(upper, title=f"n = {n}, labels flipped at rate {settings['flip_rates'][-1]:g}")
        label(lower, x="margin γ of the interpolator; median margin of a descent")
        for ax in (upper, lower):
            ax.set_yscale("log")
            ax.set_ylim(bottom=LOWEST)
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max}$", fontsize=10)
    axes[1, 0].set_ylabel("training loss, gradient", fontsize=10)
    shared_legend(figure, axes, columns=3)
    return figure


def risk(table: Table, settings: Settings) -> Figure:
    """Draw test loss with its predicted slope, and test error, against the margin."""
    figure, axes = _panels(settings)
    for column, (n, rows, descents) in enumerate(_views(table, settings)):
        upper, lower = axes[:, column]
        band(upper, rows, "margin", "test_loss", "interpolator", series(0), keep_dead=True)
        _line(upper, rows, "risk_slope", "predicted: E|f|1{wrong} = γ × constant", ":")
        _level(upper, rows, "bayes_loss")
        _descents(upper, descents, "test_loss")
        band(lower, rows, "margin", "test_error", "interpolator", series(0), keep_dead=True)
        _level(lower, rows, "bayes_error")
        _descents(lower, descents, "test_error")
        upper.set_yscale("log")
        lower.set_ylim(0.0, 0.6)  # some descents are worse than guessing
        label(upper, title=f"n = {n}, labels flipped at rate {settings['flip_rates'][-1]:g}")
        label(lower, x="margin γ of the interpolator; median margin of a descent")
    axes[0, 0].set_ylabel("test loss", fontsize=10)
    axes[1, 0].set_ylabel("test error", fontsize=10)
    shared_legend(figure, axes, columns=3)
    return figure


def _panels(settings: Settings) -> tuple[Figure, NDArray[Any]]:
    sizes = len(settings["sizes"])
    figure, axes = canvas(2, sizes, (max(7.2, 4.7 * sizes + 0.6), 7.0), sharex=True, sharey="row")
    for ax in axes.flat:
        ax.set_xscale("log")
    return figure, axes


def _views(table: Table, settings: Settings) -> list[tuple[int, Table, Table]]:
    """Size, interpolators and descents at the largest flip rate."""
    rows = table.where(flip_rate=settings["flip_rates"][-1])
    return [
        (n, rows.where(arm="interpolator", n=n), rows.where(arm="descent", n=n, outcome="finished"))
        for n in settings["sizes"]
    ]


def _threshold(ax: Axes, step_size: float, color: str) -> None:
    where = ax.get_yaxis_transform()
    ax.axhline(2.0 / step_size, color=color, lw=1.0, ls=(0, (1, 1)), zorder=1)
    ax.text(
        0.99, 2.4 / step_size, f"2/η, η = {step_size:g}", transform=where, fontsize=8, color=color, ha="right"
    )


def _line(ax: Axes, rows: Table, column: str, name: str, dashes: str) -> None:
    """Draw the median of a column over the margins, without marks."""
    margins = np.unique(rows["margin"])
    middle = [float(np.median(rows[column][rows["margin"] == margin])) for margin in margins]
    ax.plot(margins, middle, color=COLORS["black"], lw=1.3, ls=dashes, label=name)


def _level(ax: Axes, rows: Table, column: str) -> None:
    ax.axhline(
        float(np.median(rows[column])), color=COLORS["black"], lw=1.2, dashes=(6, 3), label="the truth's"
    )


def _descents(ax: Axes, rows: Table, column: str) -> None:
    """Every descent as a mark at its median margin."""
    for i, eta in enumerate(np.unique(rows["step_size"]) if len(rows) else []):
        here = rows.where(step_size=eta)
        shown = here["median_margin"] > 0.0
        look = series(i + 1)
        ax.plot(
            here["median_margin"][shown], here[column][shown], look["marker"], color=look["color"], ms=6,
            mfc="white", mew=1.3, ls="none", label=f"descent, η = {eta:g}", zorder=5,
        )  # fmt: skip


def functions(arrays: Arrays, settings: Settings) -> Figure:
    """Draw P(y = 1 | x) of a flat interpolator and of descents on the same labels (first seed)."""
    margin = min((float(key.split("|")[1]) for key in arrays if key.startswith("interpolator|")),
                 key=lambda value: abs(np.log(value / FLAT_FROM)), default=0.0)  # fmt: skip
    shown = [(f"interpolator|{margin:.6g}", f"interpolator, γ = {margin:.3g}")]
    shown += [(f"descent|{eta:g}", f"descent, η = {eta:g}") for eta in settings["descents"]]
    shown = [(key, name) for key, name in shown if key in arrays]
    figure, axes = canvas(1, max(1, len(shown)), (3.1 * max(1, len(shown)) + 0.4, 3.9), sharey=True)
    for i, (ax, (key, name)) in enumerate(zip(axes[0], shown, strict=False)):
        ax.plot(
            arrays["grid"],
            probability(arrays["truth"]),
            color=COLORS["black"],
            lw=1.2,
            dashes=(5, 2),
            label="truth",
        )
        ax.plot(arrays["grid"], probability(arrays[key]), lw=1.5, label="network", color=line(i)["color"])
        height = np.where(arrays["labels"] > 0, 1.06, -0.06)
        ax.plot(arrays["inputs"], height, "|", color=COLORS["black"], ms=9, mew=1.2, label="labels")
        label(ax, x="x", title=name)
    if shown:
        axes[0, 0].set_ylabel("probability of label 1", fontsize=10)
        handles = axes[:, :1]
        shared_legend(figure, handles, columns=3)
    return figure


def staying(arrays: Arrays, step_sizes: Sequence[float]) -> Figure:
    """Draw λ_max·η/2 over the steps of descents that start on the interpolator (first seed)."""
    figure, axes = canvas(1, 2, (9.0, 4.3), sharey=True, sharex=True)
    for ax, (arm, name) in zip(axes[0], STARTS.items(), strict=True):
        for i, eta in enumerate(step_sizes):
            key = f"{arm}|{eta:g}"
            if f"steps|{key}" not in arrays:
                continue
            steps, ratio = arrays[f"steps|{key}"] + 1.0, arrays[f"edge|{key}"]
            ax.plot(steps, np.maximum(ratio, 1e-12), lw=1.5, label=f"η = {eta:g}", **series(i + 1), ms=4)
        ax.axhline(1.0, color=COLORS["black"], lw=1.2, dashes=(5, 2), label="edge of stability")
        ax.set_xscale("log")
        ax.set_yscale("log")
        label(ax, x="steps + 1", title=f"started on the {name}")
    axes[0, 0].set_ylabel(r"$\lambda_{\max}\,\eta/2$", fontsize=10)
    shared_legend(figure, axes, columns=4)
    return figure
