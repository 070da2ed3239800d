"""Figures of the claim `random-labels`; they read its rows and arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.square.curve_fitting_figures import fits
from stepscape.figures.style import COLORS, canvas, label, note, series, shared_legend
from stepscape.tables.records import Table

FLOOR = 1e-6
NOISE_LEFT = (
    "Share of the mean square of the labels that a run leaves unfitted, against its step size over the "
    "bound 2/λ of its labels, which is the line at 1; every run is a mark. Left of the line small steps fit "
    "the noise if they have the time; right of it no step size does. What lies below the dashed line counts "
    "as a fit; runs at the bottom leave a millionth or less."
)
CURVES = (
    "Curves learned from labels of pure noise (first seed). Columns: step sizes, increasing to the right; "
    "rows: the arms. Small steps pass through every label; large ones smooth the noise away."
)


def noise_left(table: Table, arms: Sequence[str], fit: float) -> Drawn:
    """Draw the noise that is left against the step size over the bound, one panel per arm."""
    figure, axes = canvas(1, len(arms), (3.7 * len(arms) + 0.4, 3.9), sharex=True, sharey=True)
    for ax, arm in zip(axes[0], arms, strict=True):
        for i, n in enumerate(np.unique(table["n"])):
            rows = table.where(arm=arm, n=n)
            if "left" in rows:
                ax.plot(
                    rows["over_bound"], np.maximum(rows["left"], FLOOR), ls="", ms=3.5, alpha=0.6, mew=0,
                    **{key: series(i)[key] for key in ("color", "marker")}, label=f"{n:g} points",
                )  # fmt: skip
        ax.set(xscale="log", yscale="log", ylim=(0.5 * FLOOR, 2.0))
        ax.axvline(1.0, color=COLORS["black"], lw=1.0, label="the bound 2/λ of the data")
        ax.axhline(fit, color=COLORS["black"], lw=1.0, dashes=(5, 2), label=f"a fit: {100 * fit:g} % is left")
        lost = np.mean(table.where(arm=arm)["outcome"] == "diverged")
        note(ax, f"{100 * lost:.0f} % of the runs diverged" if lost else "")
        label(ax, x="step size over the bound", title=ARM_TITLES.get(arm, arm))
    axes[0, 0].set_ylabel("share of the noise that is left", fontsize=10)
    shared_legend(figure, axes, columns=5)
    return Drawn(figure, NOISE_LEFT)


def curves(result: Result) -> Drawn:
    """Draw the learned curves of the first seed, as in curve-fitting."""
    return Drawn(fits(result, "noisy").figure, CURVES)
