"""Figures of the claim `confident-curvature`; they read its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.confident_curvature import (
    CURVE,
    LEAST_PEAK,
    curves,
    rises_and_falls,
)
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted
from stepscape.figures.bands import RIBBON
from stepscape.figures.colors import CONTRAST, MEASURED, eta_color, level_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import GUIDES, THEORY
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, TALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LAST = 12.0  # larger margins leave the picture
MOST_PANELS = 4
HOW = "Repeat with stepscape run confident-curvature."


def one_neuron(result: Result) -> Drawn:
    """Draw λ_max of one neuron against its margin, of both Hessians, with the formulas."""
    shown = result.drawn("whole", "formula", arm="one_neuron")
    shown = shown if len(shown) < 3 else [shown[0], shown[-1]]
    figure, axes = canvas(1, max(1, len(shown)), DOUBLE)
    for ax, run in zip(axes[0], shown, strict=False):
        inside = run.arrays["margins"] <= LAST
        m = run.arrays["margins"][inside]
        every = max(1, m.size // 12)
        names = (("gauss_newton", "Gauss–Newton part", MEASURED), ("whole", "whole Hessian", CONTRAST))
        for key, name, look in names:
            values = run.arrays[key][inside]
            ax.plot(m, values, lw=MAIN, markevery=every, label=name, **look.both)
        ax.plot(m, run.arrays["formula"][inside], label="whole Hessian, formula", zorder=5, **THEORY)
        ax.plot(m, _confidence(m), label=r"$D(m)$ alone", **GUIDES)
        label(ax, x="margin m", title=f"x = {short(run['x'])} (own scale)")
        ax.set_ylim(bottom=0.0)
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max}$ of one example")
    shared_legend(figure, axes, columns=4)
    table = curves(result.table.where(arm="one_neuron")) if shown else Table({})
    sentence = "No curve of one neuron was measured: 0 points x."
    if len(table):
        high = number(float(table["rise"].max()), 2)
        sentence = (
            f"The Gauss–Newton part of one neuron rises up to ×{high} before it falls; the whole Hessian "
            f"peaks at ×{number(float(table['rise_whole'].max()), 2)} of margin 0 at best."
        )
    finding(figure, sentence)
    caption = (
        f"{sentence} Largest eigenvalue of the loss of one example at the neuron with the shortest gradient, "
        "by Lanczos. Blue disks: the Gauss–Newton part; vermilion squares: the whole Hessian. "
        "Dashed: the formula of the whole Hessian; dotted: the curvature of the loss in the "
        f"prediction alone, D(m). The residual part of the Hessian is largest at margin 0. {HOW}"
    )
    return Drawn(figure, caption)


def _confidence(margin: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(0.25 / np.cosh(0.5 * margin) ** 2)


def one_example(result: Result) -> Drawn:
    """Draw the curvature of one example over its margin during descent, with gradient flow."""
    points, scales = result.settings["learned"][:2], sorted(result.settings["scales"])
    figure, axes = canvas(1, len(points), DOUBLE, sharey=True)
    for ax, x in zip(axes[0], points, strict=True):
        for scale in scales:
            for run in result.drawn("example_margin", arm="one_example", x=x, scale=scale)[:1]:
                _learned(ax, run, level_color(scale, scales))
        ax.set_yscale("log")
        label(ax, x="margin m", title=f"one example at x = {short(x)}")
    axes[0, 0].set_ylabel(r"curvature $D(m)\,\|\nabla f\|^2$")
    if any(ax.lines for ax in axes.flat):
        axes[0, 0].plot([], [], label="gradient flow, closed form", **THEORY)
        number_ticks(axes[0, 0])
        axes[0, 0].set_ylim(bottom=1e-2)
        for ax in axes.flat:
            ax.set_xlim(left=-0.25 * ax.get_xlim()[1])  # room for the names
            ax.set_xticks([at for at in ax.get_xticks() if 0.0 <= at <= ax.get_xlim()[1]])
    sentence = _settings(result, "one_example", {"x": "x = {}", "scale": "scale {}"})
    finding(figure, sentence)
    caption = (
        f"{sentence} Curvature of one example that a wide network learns by descent with a small step, from "
        "scaled initializations (first seed); a setting counts if its curvature rises by a tenth or more and "
        "then falls in nearly all runs. Lines: descent, named by the scale of its start; dashed: gradient "
        f"flow in closed form. {_seeds(result)} {HOW}"
    )
    return Drawn(figure, caption)


def _seeds(result: Result) -> str:
    return f"{counted(len(np.unique(result.table['seed'])), 'seed')}."


def _learned(ax: Axes, run: Run, color: str) -> None:
    m, seen, flow = (run.arrays[f"example_{name}"] for name in ("margin", "curvature", "predicted"))
    (line,) = ax.plot(m, seen, lw=MAIN, color=color)
    ax.plot(m, flow, zorder=5, **THEORY)
    name_at_end(ax, line, f"× {short(run['scale'])}", left=True)


def _settings(result: Result, arm: str, names: dict[str, str]) -> str:
    """Say how many settings get sharper, then flatter, in nearly all runs; name them where they are few."""
    table = result.where(arm=arm).table
    rows = curves(table) if "rise" in table else Table({})
    rows = rows.rows(rows["largest_margin"] >= CURVE["reached"]) if len(rows) else rows
    if not len(rows):
        return "No curve reaches margin 6: 0 settings are judged."
    flags = rises_and_falls(rows, **CURVE)
    if arm != "one_example":
        flags = flags & (rows["peak_margin"] > LEAST_PEAK)
    keys = list(zip(*(rows[name].tolist() for name in names), strict=True))
    found = sorted(set(keys))
    does = [key for key in found if np.mean([f for f, k in zip(flags, keys, strict=True) if k == key]) >= 0.9]
    what = "one example" if arm == "one_example" else "a sample"
    if not does:
        return f"In none of {len(found)} settings does {what} get sharper, then flatter."
    where = ""
    if len(does) < 3 and len(does) < len(found):
        words = [", ".join(text.format(short(v)) for text, v in zip(names.values(), key, strict=True))
                 for key in does]  # fmt: skip
        where = f": {' and '.join(words)}"
    only = f"Only in {len(does)} of {len(found)} settings does {what} get sharper, then flatter"
    most = f"In {len(does)} of {len(found)} settings {what} gets sharper, then flatter"
    return f"{only if len(does) <= len(found) / 2 else most}{where}."


def sample(result: Result) -> Drawn:
    """Draw D‖∇f‖² of the examples of a sample in bins of their margin, medians with quartiles."""
    scales = sorted(result.settings["scales"], reverse=True)[:MOST_PANELS]
    step_sizes = sorted(result.settings["descents"])
    columns = 2 if len(scales) > 2 else max(1, len(scales))
    lines = -(-len(scales) // columns) if scales else 1
    size = TALL if lines > 1 else DOUBLE
    figure, axes = canvas(lines, columns, size, sharey=True, sharex=True)
    for ax, scale in zip(axes.flat, scales, strict=False):
        for i, eta in enumerate(step_sizes):
            for run in result.drawn("binned_margin", arm="sample", scale=scale, step_size=eta)[:1]:
                _binned(ax, run, rf"$\eta$ = {short(eta)}", i == len(step_sizes) - 1)
        ax.set_yscale("log")
        label(ax, title=f"initialization × {short(scale)}")
    for ax in axes[-1]:
        ax.set_xlabel("margin of an example")
    for row in axes:
        row[0].set_ylabel(r"curvature $D\,\|\nabla f(x_i)\|^2$")
    shared_legend(figure, axes, columns=len(step_sizes) + 1)
    sentence = _settings(result, "sample", {"scale": "scale {}", "step_size": "η = {}"})
    if "gradient_end" in result.table:
        rows = result.where(arm="sample").table
        small = rows.rows(rows["scale"] == min(scales)) if len(rows) else rows
        grown = median(small["gradient_end"] / small["gradient_start"]) if len(small) else float("nan")
        if grown == grown:
            sentence = f"{sentence[:-1]}; from the smallest start gradients grow ×{number(grown, 2)}."
    finding(figure, sentence)
    caption = (
        f"{sentence} Curvature of all examples of a sample at all records of descents, in bins of their "
        "margin: median and quartiles over examples and records (first seed). Dotted: the curvature if the "
        f"gradient never changed. Settings: scale of the start and step size η. {_seeds(result)} {HOW}"
    )
    return Drawn(figure, caption)


def _binned(ax: Axes, run: Run, name: str, last: bool) -> None:
    m, middle, low, high = (run.arrays[f"binned_{part}"] for part in ("margin", "curvature", "low", "high"))
    if not m.size:
        return
    color = eta_color(run["step_size"])
    ax.plot(m, middle, lw=SECONDARY, label=name, markevery=max(1, m.size // 8), **marks(color))
    ax.fill_between(m, low, high, color=color, alpha=RIBBON, lw=0)
    if last:
        start = middle[0] / _confidence(m[:1])
        far = np.linspace(m[0], 8.0, 60)
        ax.plot(far, start * _confidence(far), label=r"$D$ alone, $\nabla f$ fixed", **GUIDES)
