"""Figures of the experiment `confident-curvature`; they read its arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.style import COLORS, canvas, label, line, series, shared_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arrays = Mapping[str, NDArray[Any]]
LAST = 12.0  # margins beyond leave the picture


def one_neuron(arrays: Arrays, points: Sequence[float]) -> Figure:
    """Draw λ_max of one neuron against its margin, Gauss–Newton and whole, with the formulas and e^{−m}."""
    shown = [x for x in points if f"whole|{x:g}" in arrays]
    figure, axes = canvas(1, max(1, len(shown)), (3.0 * max(1, len(shown)) + 0.6, 4.2), sharey=True)
    for ax, x in zip(axes[0], shown, strict=False):
        margins = arrays["margins"]
        inside = margins <= LAST
        m = margins[inside]
        every = max(1, m.size // 25)
        for i, (key, name) in enumerate((("gauss_newton", "Gauss–Newton part"), ("whole", "whole Hessian"))):
            values, look = arrays[f"{key}|{x:g}"][inside], series(i)
            ax.plot(m, values, lw=1.0, color=look["color"], ls=look["linestyle"])
            ax.plot(m[::every], values[::every], look["marker"], ms=4, color=look["color"], ls="none",
                    label=f"{name}, by Lanczos")  # fmt: skip
        ax.plot(
            m, arrays[f"formula|{x:g}"][inside], color=COLORS["black"], lw=1.0, ls=":", label="whole, formula"
        )
        ax.plot(m, _confidence(m), color=COLORS["gray"], lw=1.2, dashes=(6, 3), label="D(m) alone")
        label(ax, x="margin m", title=f"x = {x:g}")
    axes[0, 0].set_ylabel(r"sharpness $\lambda_{\max}$ of one example", fontsize=10)
    axes[0, 0].set_ylim(bottom=0.0)
    if shown:
        shared_legend(figure, axes, columns=4)
    return figure


def _confidence(margin: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(0.25 / np.cosh(0.5 * margin) ** 2)


def one_example(arrays: Arrays, scales: Sequence[float], points: Sequence[float]) -> Figure:
    """Draw the curvature of one example over its margin during descent, with gradient flow."""
    figure, axes = canvas(len(points), 2, (9.6, 3.6 * len(points) + 0.9))
    for row, x in zip(axes, points, strict=True):
        for i, scale in enumerate(scales):
            if f"example_margin|{x:g}|{scale:g}" in arrays:
                _learned(row, arrays, x, scale, i)
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
    return figure


def _learned(row: NDArray[Any], arrays: Arrays, x: float, scale: float, index: int) -> None:
    m, seen, flow = (
        arrays[f"example_{name}|{x:g}|{scale:g}"] for name in ("margin", "curvature", "predicted")
    )
    look = series(index)
    for ax, unit in zip(row, (1.0, _confidence(m)), strict=True):
        ax.plot(
            m,
            flow / unit,
            color=COLORS["black"],
            lw=1.0,
            ls=":",
            zorder=4,
            label="gradient flow, closed form",
        )
        ax.plot(m, seen / unit, look["marker"], color=look["color"], ms=4.5, ls="none", mfc="none",
                label=f"descent, initialization × {scale:g}")  # fmt: skip


def sample(arrays: Arrays, scales: Sequence[float], step_sizes: Sequence[float]) -> Figure:
    """Draw D‖∇f‖² of the examples of a sample in bins of their margin, medians with quartiles."""
    figure, axes = canvas(
        1, max(1, len(scales)), (3.1 * max(1, len(scales)) + 0.6, 4.3), sharey=True, sharex=True
    )
    for ax, scale in zip(axes[0], scales, strict=False):
        for i, eta in enumerate(step_sizes):
            key = f"{scale:g}|{eta:g}"
            if f"binned_margin|{key}" in arrays:
                _binned(ax, arrays, key, f"η = {eta:g}", i)
        ax.set_yscale("log")
        label(ax, x="margin of an example", title=f"initialization × {scale:g}")
    axes[0, 0].set_ylabel(r"curvature $D\,\|\nabla f(x_i)\|^2$", fontsize=10)
    shared_legend(figure, axes, columns=len(step_sizes) + 1)
    return figure


def _binned(ax: Axes, arrays: Arrays, key: str, name: str, index: int) -> None:
    m, middle, low, high = (arrays[f"binned_{part}|{key}"] for part in ("margin", "curvature", "low", "high"))
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
