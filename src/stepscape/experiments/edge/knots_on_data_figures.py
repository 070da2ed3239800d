"""Figures of the claim `knots-on-data`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.figures.colors import COLORS, eta_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, GUIDE, MAIN, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short

SHOWN = 60  # neurons whose knots are drawn
LINES: dict[str, object] = {"color": COLORS["gray"], "linewidth": GUIDE, "linestyle": (0, (1, 2))}


def curvature(result: Result) -> Drawn:
    """Draw finite differences over λ_max against their size, one panel per start."""
    arms = list(dict.fromkeys(run["arm"] for run in result.drawn("ratios")))
    figure, axes = canvas(1, max(1, len(arms)), DOUBLE, sharex=True, sharey=True)
    for ax, arm in zip(axes[0], arms, strict=False):
        for run in result.drawn("ratios", arm=arm):
            ax.plot(
                run.arrays["reaches"], run.arrays["ratios"], lw=MAIN, color=eta_color(run["step_size"]),
                label=f"η = {short(run['step_size'])}",
            )  # fmt: skip
        label(ax, r"size $\varepsilon$ of the difference", title=ARM_TITLES.get(arm, arm))
    for ax in axes[0]:
        number_ticks(ax, "x")
        theory_level(ax, 1.0, r"$\lambda_{\max}$")
    axes[0, 0].set_ylabel(r"curvature over $\lambda_{\max}$")
    if arms:
        shared_legend(figure, axes, columns=5)
    most = max((float(run.arrays["ratios"].max()) - 1.0 for run in result.drawn("ratios")), default=0.0)
    said = f"Finite differences see up to {100 * most:.0f} % more curvature than the Hessian."
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Drawn is the curvature along the top eigenvector by symmetric differences of size ε, over "
        "λ_max (dashed), for the first seed; colors are step sizes η. Tiny differences meet no kink. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def knots(result: Result) -> Drawn:
    """Draw the knots of a run with small steps and of one with large steps over the steps."""
    pair = _ends(result)
    figure, axes = canvas(1, 2, DOUBLE, sharex=True, sharey=True)
    for ax, run in zip(axes[0], pair, strict=False):
        low, high = run.arrays["inputs"][[0, -1]]
        for x in run.arrays["inputs"]:
            ax.axhline(x, **LINES, zorder=1.2)
        paths = run.arrays["knots"][:, :SHOWN]
        inside = (paths >= low) & (paths <= high)
        ax.plot(
            run.arrays["steps"], np.where(inside, paths, np.nan), lw=GUIDE, color=eta_color(run["step_size"])
        )
        ax.set_ylim(low, high)
        label(ax, "steps", title=f"η = {short(run['step_size'])}")
    axes[0, 0].set_ylabel("knot and input")
    shares = [float(run["stuck_share"]) for run in pair]
    said = (
        f"{100 * shares[0]:.0f} % of the knots are on inputs at η = {short(pair[0]['step_size'])}, and "
        f"{100 * shares[-1]:.0f} % at η = {short(pair[-1]['step_size'])}."
        if pair
        else f"{number(0)} runs are drawn."
    )
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Solid lines are the knots of {SHOWN} neurons over the steps, dotted lines the inputs. A "
        "knot that runs along a dotted line slides: its weights move, not its place. First seed, for the "
        f"smallest and the largest step size η. Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def _ends(result: Result) -> list[Run]:
    """Return the drawn runs of one start with the smallest and the largest step size."""
    for arm in reversed(list(dict.fromkeys(run["arm"] for run in result.runs))):
        runs = sorted(result.drawn("knots", arm=arm), key=lambda run: float(run["step_size"]))
        if runs:
            return [runs[0], runs[-1]]
    return []
