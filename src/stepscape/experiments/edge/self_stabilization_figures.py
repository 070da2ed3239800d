"""Figures of the claim `self-stabilization`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.edge.self_stabilization import NETWORK, TOY, counts, grows
from stepscape.experiments.edge.small_networks import NETWORKS
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.result import Arrays
from stepscape.figures.animation import Animation, Track
from stepscape.figures.colors import COLORS, level_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.motion import Level
from stepscape.figures.references import theory, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, canvas, label
from stepscape.figures.ticks import plain_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short

FRAMES = 320  # steps of the animation
LEAST = 1e-12  # a smaller swing is drawn there


def network(result: Result) -> Drawn:
    """Draw sharpness and swing over the steps, and the predicted change against the measured one."""
    figure, axes = canvas(1, 3, DOUBLE)
    left, middle, right = axes[0]
    runs = result.where(**NETWORK).drawn("sharpness")
    if runs:
        arrays, eta = runs[0].arrays, float(runs[0].arrays["eta"][0])
        ratio, swing = arrays["sharpness"] * eta / 2.0, arrays["swing"]
        left.plot(ratio, color=COLORS["black"], lw=MAIN)
        middle.plot(np.abs(swing), color=COLORS["vermilion"], lw=MAIN, label="swing |x|")
        rest = np.sqrt(np.maximum(2.0 * arrays["force"] / arrays["bend"], 0.0))
        middle.plot(rest, color=COLORS["blue"], lw=SECONDARY, label="where both forces are equal")
        predicted = eta * (arrays["force"] - 0.5 * arrays["bend"] * swing**2)[:-1] * eta / 2.0
        right.plot(np.diff(ratio), predicted, "o", ms=2.5, mew=0, alpha=0.5, color=COLORS["black"])
        ends = np.array(
            [min(np.diff(ratio).min(), predicted.min()), max(np.diff(ratio).max(), predicted.max())]
        )
        theory(right, ends, ends, "equal", at=1.0, left=True)
        plain_ticks(right)
        shared_legend(figure, axes, columns=2)
    theory_level(left, 1.0, r"$2/\eta$")
    label(left, "step", r"$\lambda_{\max}\,\eta/2$ of the middle")
    label(middle, "step", "swing")
    label(right, r"change of $\lambda_{\max}\,\eta/2$", "predicted change")
    table = result.where(**NETWORK).table
    keep = counts(table) & (table["outcome"] == "finished")
    share = float(np.median(table["explained"][keep].astype(float))) if keep.any() else float("nan")
    said = (
        f"The slope and the swing explain {100 * share:.0f} % of the change of the sharpness, in the median."
        if keep.any() else "No run counts."
    )  # fmt: skip
    finding(figure, said)
    name = NETWORKS[runs[0]["network"]] if runs else "no run"
    return Drawn(figure, (
        f"{said} First seed, {name}. Left: λ_max·η/2 at the middle of every step. Middle: the length of "
        "half the swing along the sharpest direction, and the length √(2α/β) at which it would hold the "
        "sharpness where it is. Right: the change of λ_max·η/2 in one step, and what η(α − ½βx²) predicts; "
        f"on the dashed line both are equal. Repeat it with “stepscape run {result.claim} --full”."
    ), _motion(runs[0].arrays) if runs else None)  # fmt: skip


def _motion(arrays: Arrays) -> Animation:
    """Show size of the swing and sharpness of the first seed, step by step, from its crossing of 2/η."""
    ratio, swing = arrays["sharpness"] * float(arrays["eta"][0]) / 2.0, np.abs(arrays["swing"])
    beyond = np.flatnonzero(ratio > 1.0)
    first = max(0, min(int(beyond[0]) - FRAMES // 8 if beyond.size else 0, len(ratio) - FRAMES))
    shown = slice(first, first + FRAMES)
    rest = (2.0 * arrays["force"] / arrays["bend"])[shown]
    held = [Level(float(np.log10(np.median(rest[rest > 0.0])) / 2.0), "both forces are equal", upright=True)]
    return Animation(
        (
            Track(
                "descent", np.column_stack([np.log10(np.maximum(swing, LEAST)), ratio])[shown], COLORS["blue"]
            ),
        ),
        ("size of the swing along the sharpest direction", "sharpness of the middle over 2/η"),
        f"{ratio[shown].size} steps around the edge; above 2/η the swing grows, below it shrinks, and a "
        "swing beyond the upright line pushes the sharpness down",
        levels=(Level(1.0, "2/η"), *(held if np.any(rest > 0.0) else ())),
        ticks=(
            [(e, short(10.0**e)) for e in range(-12, 3, 2)],
            [(0.2 * i, f"{0.2 * i:.1f}") for i in range(11)],
        ),
    )


def toy(result: Result) -> Drawn:
    """Draw the cycles of the toy in the plane of x² and y, and how their energy grows."""
    figure, axes = canvas(1, 2, DOUBLE)
    runs = result.where(**TOY).drawn("orbit", "energy")
    slopes = [float(run["slope"]) for run in runs]
    for run, slope in zip(runs, slopes, strict=True):
        look = {"lw": SECONDARY, "color": level_color(slope, slopes)}
        x, y = run.arrays["orbit"].T
        axes[0, 0].plot(
            x**2 / (2.0 * slope), y / np.sqrt(slope), label=f"α = {short(slope)}", **look
        )  # fmt: skip
        steps, energy = run.arrays["energy"]
        axes[0, 1].loglog(1.0 + steps, energy, **look)
        if run["outcome"] == "diverged":
            axes[0, 1].plot(1.0 + steps[-1], energy[-1], "x", color=look["color"], ms=8, mew=SECONDARY)
    theory_level(axes[0, 0], 1.0, r"$x^2 = 2\alpha$", at=0.5, vertical=True)
    label(axes[0, 0], r"$x^2/2\alpha$", r"$y/\sqrt{\alpha}$")
    label(axes[0, 1], "step", "energy over that of the start")
    if runs:
        shared_legend(figure, axes, columns=4)
    table = result.where(**TOY).table
    grown, lost = int(grows(table).sum()), int(np.sum(table["outcome"] == "diverged")) if len(table) else 0
    said = f"In {grown} of {len(table)} runs of the toy the cycles grow; {lost} runs diverge."
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Descent on ½x²(2/η + y) − αy, first seed. Left: its first steps; the curvature y above 2/η "
        "lets x grow, and x² above 2α drives y down. At the dashed line the two forces are equal. Right: the "
        "energy of the cycles over that of the start; it is 0 where both forces are equal and y is 0. A "
        "cross stands where the run diverges. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip
