"""Figures of the claim `confident-curvature`; they read its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.figures.style import COLORS, canvas, label, line, series, shared_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ONE_NEURON = (
    "The sharpness of the loss of one example at the neuron with the shortest gradient, against its margin. "
    "The Gauss–Newton part gets sharper, then flatter; the residual part is largest at margin 0, so that "
    "the whole Hessian falls first. Dashed line: the curvature of the loss in the prediction alone."
)
ONE_EXAMPLE = (
    "One example that a wide network learns from scaled initializations (first seed): its curvature and its "
    "squared gradient against its margin, and the closed form of gradient flow. From the default "
    "initialization the gradient does not change, and the curvature only falls."
)
SAMPLE = (
    "The curvature of all examples of a sample at all records of descents, in bins of their margin: medians "
    "with quartiles (first seed). Dotted: the curvature if the gradient never changed."
)
LAST = 12.0  # larger margins leave the picture


def one_neuron(result: Result) -> Drawn:
    """Draw λ_max of one neuron against its margin, of both Hessians, with the formulas and e^{−m}."""
    shown = result.drawn("whole", "formula", arm="one_neuron")
    figure, axes = canvas(1, max(1, len(shown)), (3.0 * max(1, len(shown)) + 0.6, 4.2), sharey=True)
    for ax, run in zip(axes[0], shown, strict=False):
        inside = run.arrays["margins"] <= LAST
        m = run.arrays["margins"][inside]
        every = max(1, m.size // 25)
        for i, (key, name) in enumerate((("gauss_newton", "Gauss–Newton part"), ("whole", "whole Hessian"))):
            values, look = run.arrays[key][inside], series(i)
            ax.plot(m, values, lw=1.0, color=look["color"], ls=look["linestyle"])
            ax.plot(m[::every], values[::every], look["marker"], ms=4, color=look["color"], ls="none",
                    label=f"{name}, by Lanczos")  # fmt: skip
        formula = run.arrays["formula"][inside]
        ax.plot(m, formula, color=COLORS["black"], lw=1.0, ls=":", label="whole Hessian, formula")
        ax.plot(m, _confidence(m), color=COLORS["gray"], lw=1.2, dashes=(6, 3), label="D(m) alone")
        label(ax, x="margin m", title=f"x = {run['x']:g}")
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max}$ of one example", fontsize=10)
    axes[0, 0].set_ylim(bottom=0.0)
    if shown:
        shared_legend(figure, axes, columns=4)
    return Drawn(figure, ONE_NEURON)


def _confidence(margin: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(0.25 / np.cosh(0.5 * margin) ** 2)


def one_example(result: Result) -> Drawn:
    """Draw the curvature of one example over its margin during descent, with gradient flow."""
    points = result.settings["learned"]
    figure, axes = canvas(len(points), 2, (9.6, 3.6 * len(points) + 0.9))
    for row, x in zip(axes, points, strict=True):
        for i, scale in enumerate(result.settings["scales"]):
            for run in result.drawn("example_margin", arm="one_example", x=x, scale=scale):
                _learned(row, run, i)
        m, steep = np.linspace(0.0, 10.0, 200), 2.0 * np.sqrt(1.0 + x * x)
        for ax, unit in zip(row, (_confidence(m), np.ones_like(m)), strict=True):
            name = "one balanced neuron, b2 = 0: 1 + 2cm"
            ax.plot(m, unit * (1.0 + steep * m), color=COLORS["gray"], lw=1.3, dashes=(6, 3), label=name)
            ax.set_yscale("log")
            label(ax, x="margin m", title=f"one example at x = {x:g}")
        row[0].set_ylim(bottom=1e-3)
        row[0].set_ylabel(r"curvature $D(m)\,\|\nabla f\|^2$", fontsize=10)
        row[1].set_ylabel(r"squared gradient $\|\nabla f\|^2$", fontsize=10)
    shared_legend(figure, axes, columns=3)
    return Drawn(figure, ONE_EXAMPLE)


def _learned(row: NDArray[Any], run: Run, index: int) -> None:
    m, seen, flow = (run.arrays[f"example_{name}"] for name in ("margin", "curvature", "predicted"))
    look, dotted = series(index), {"color": COLORS["black"], "lw": 1.0, "ls": ":", "zorder": 4}
    for ax, unit in zip(row, (1.0, _confidence(m)), strict=True):
        ax.plot(m, flow / unit, label="gradient flow, closed form", **dotted)
        ax.plot(m, seen / unit, look["marker"], color=look["color"], ms=4.5, ls="none", mfc="none",
                label=f"descent, initialization × {run['scale']:g}")  # fmt: skip


def sample(result: Result) -> Drawn:
    """Draw D‖∇f‖² of the examples of a sample in bins of their margin, medians with quartiles."""
    scales, step_sizes = result.settings["scales"], result.settings["descents"]
    size = (3.1 * max(1, len(scales)) + 0.6, 4.3)
    figure, axes = canvas(1, max(1, len(scales)), size, sharey=True, sharex=True)
    for ax, scale in zip(axes[0], scales, strict=False):
        for i, eta in enumerate(step_sizes):
            for run in result.drawn("binned_margin", arm="sample", scale=scale, step_size=eta):
                _binned(ax, run, f"η = {eta:g}", i)
        ax.set_yscale("log")
        label(ax, x="margin of an example", title=f"initialization × {scale:g}")
    axes[0, 0].set_ylabel(r"curvature $D\,\|\nabla f(x_i)\|^2$", fontsize=10)
    shared_legend(figure, axes, columns=len(step_sizes) + 1)
    return Drawn(figure, SAMPLE)


def _binned(ax: Axes, run: Run, name: str, index: int) -> None:
    m, middle, low, high = (run.arrays[f"binned_{part}"] for part in ("margin", "curvature", "low", "high"))
    if not m.size:
        return
    look = series(index)
    ax.plot(m, middle, lw=1.4, ms=4, label=name, **look)
    ax.fill_between(m, low, high, color=line(index)["color"], alpha=0.15, lw=0)
    if index == 0:
        start = middle[0] / _confidence(m[:1])
        far = np.linspace(m[0], 8.0, 60)
        ax.plot(
            far, start * _confidence(far), color=COLORS["black"], lw=1.1, ls=":", label="D alone, ∇f fixed"
        )
