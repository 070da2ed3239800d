"""Figures of the claim `flat-but-wrong`; they read its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Drawn, Result, Run, Settings
from stepscape.figures.bands import band
from stepscape.figures.style import COLORS, canvas, label, line, series, shared_legend
from stepscape.losses import probability
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOWEST = 1e-9  # flatter networks leave the picture at the bottom
FLAT_FROM = 10.0
FLATNESS = (
    "Networks that pass through every noisy label with margin γ, medians and quartiles over seeds. Above: "
    "their sharpness, its explicit bound (dotted, black), and the thresholds 2/η (in color). Below: their "
    "training loss and gradient. Hollow marks: descents from a random start on the same labels, at their "
    "median margin."
)
RISK = (
    "Above: the test loss of the same networks; dotted: the loss that their errors predict, which is "
    "proportional to γ. Below: their test error. Dashed line: the truth itself. Hollow marks: descents, at "
    "their median margin."
)
FUNCTIONS = (
    "The probability of label 1 according to a flat interpolator and to descents on the same labels (bars "
    "above and below; first seed). Dashed line: the truth."
)
STAYING = (
    "The edge ratio λ_max·η/2 during descents that start on an interpolator (first seed): on the left at a "
    "margin where it is flat, on the right at the margin where it is sharpest."
)
STARTS = {"flat_start": "flat side, λ·η/2 ≤ 0.9", "sharp_start": "sharp side, at the peak"}


def flatness(result: Result) -> Drawn:
    """Draw λ with its bound and the thresholds, and loss and gradient, against the margin."""
    settings = result.settings
    figure, axes = _panels(settings)
    for column, (n, rows, descents) in enumerate(_views(result)):
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
    return Drawn(figure, FLATNESS)


def risk(result: Result) -> Drawn:
    """Draw test loss with its predicted slope, and test error, against the margin."""
    settings = result.settings
    figure, axes = _panels(settings)
    for column, (n, rows, descents) in enumerate(_views(result)):
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
    return Drawn(figure, RISK)


def _panels(settings: Settings) -> tuple[Figure, NDArray[Any]]:
    sizes = len(settings["sizes"])
    figure, axes = canvas(2, sizes, (max(7.2, 4.7 * sizes + 0.6), 7.0), sharex=True, sharey="row")
    for ax in axes.flat:
        ax.set_xscale("log")
    return figure, axes


def _views(result: Result) -> list[tuple[int, Table, Table]]:
    """Return size, interpolators and descents at the largest flip rate."""
    rows = result.table.where(flip_rate=result.settings["flip_rates"][-1])
    return [
        (n, rows.where(arm="interpolator", n=n), rows.where(arm="descent", n=n, outcome="finished"))
        for n in result.settings["sizes"]
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
    ax.axhline(float(np.median(rows[column])), color=COLORS["black"], lw=1.2, dashes=(6, 3), label="truth")


def _descents(ax: Axes, rows: Table, column: str) -> None:
    """Draw every descent as a mark at its median margin."""
    for i, eta in enumerate(np.unique(rows["step_size"]) if len(rows) else []):
        here = rows.where(step_size=eta)
        shown = here["median_margin"] > 0.0
        look = series(i + 1)
        ax.plot(
            here["median_margin"][shown], here[column][shown], look["marker"], color=look["color"], ms=6,
            mfc="white", mew=1.3, ls="none", label=f"descent, η = {eta:g}", zorder=5,
        )  # fmt: skip


def functions(result: Result) -> Drawn:
    """Draw P(y = 1 | x) of a flat interpolator and of descents on the same labels (first seed)."""
    built = result.drawn("curve", arm="interpolator")
    built.sort(key=lambda run: abs(np.log(run["margin"] / FLAT_FROM)))
    shown = [(run, f"interpolator, γ = {run['margin']:.3g}") for run in built[:1]]
    shown += [(run, f"descent, η = {run['step_size']:g}") for run in result.drawn("curve", arm="descent")]
    figure, axes = canvas(1, max(1, len(shown)), (3.1 * max(1, len(shown)) + 0.4, 3.9), sharey=True)
    for i, (ax, (run, name)) in enumerate(zip(axes[0], shown, strict=False)):
        _probability(ax, run, line(i)["color"])
        label(ax, x="x", title=name)
    if shown:
        axes[0, 0].set_ylabel("probability of label 1", fontsize=10)
        shared_legend(figure, axes[:, :1], columns=3)
    return Drawn(figure, FUNCTIONS)


def _probability(ax: Axes, run: Run, color: str) -> None:
    x, truth, black = run.arrays["grid"], run.arrays["truth"], COLORS["black"]
    ax.plot(x, probability(truth), color=black, lw=1.2, dashes=(5, 2), label="truth")
    ax.plot(x, probability(run.arrays["curve"]), lw=1.5, label="network", color=color)
    height = np.where(run.arrays["labels"] > 0, 1.06, -0.06)
    ax.plot(run.arrays["inputs"], height, "|", color=black, ms=9, mew=1.2, label="labels")


def staying(result: Result) -> Drawn:
    """Draw λ_max·η/2 over the steps of descents that start on the interpolator (first seed)."""
    figure, axes = canvas(1, 2, (9.0, 4.3), sharey=True, sharex=True)
    for ax, (arm, name) in zip(axes[0], STARTS.items(), strict=True):
        for i, eta in enumerate(result.settings["descents"]):
            for run in result.drawn("edge", "steps", arm=arm, step_size=eta, move=0.0):
                steps, ratio = run.arrays["steps"] + 1.0, run.arrays["edge"]
                ax.plot(steps, np.maximum(ratio, 1e-12), lw=1.5, label=f"η = {eta:g}", **series(i + 1), ms=4)
        ax.axhline(1.0, color=COLORS["black"], lw=1.2, dashes=(5, 2), label="edge of stability")
        ax.set_xscale("log")
        ax.set_yscale("log")
        label(ax, x="steps + 1", title=f"start on the {name}")
    axes[0, 0].set_ylabel(r"$\lambda_{\max}\,\eta/2$", fontsize=10)
    shared_legend(figure, axes, columns=4)
    return Drawn(figure, STAYING)
