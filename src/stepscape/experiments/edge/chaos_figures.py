"""Figures of the claim `chaos`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.edge.chaos import DOUBLING, NETWORK, RIPPLES, TINY, WELL, at_the_edge
from stepscape.experiments.edge.chaos_runs import BINS
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.colors import COLORS, eta_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SINGLE, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short


def network(result: Result) -> Drawn:
    """Draw the distance of two runs over the steps, for the first seed."""
    figure, axes = canvas(1, 1, SINGLE)
    ax, runs = axes[0, 0], result.where(**NETWORK).drawn("distance")
    for run in runs:
        ax.plot(
            run.arrays["steps"], np.maximum(run.arrays["distance"], 1e-17), lw=MAIN,
            color=eta_color(run["step_size"]), label=f"η = {short(run['step_size'])}",
        )  # fmt: skip
    number_ticks(ax)
    guide(ax, float(result.settings["size"]), "at the start", at=0.98)
    label(ax, "steps", "distance of two runs")
    ax.locator_params(axis="x", nbins=5)
    if runs:
        shared_legend(figure, axes, columns=3)
    rows = at_the_edge(result.where(**NETWORK).table)
    tiny = int((rows["most_decades"] < TINY).sum()) if len(rows) else 0
    said = (
        f"In {tiny} of {len(rows)} runs at the edge a change of {short(result.settings['size'])} "
        f"grows by less than {short(TINY)} decades."
    )
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Drawn is the distance of the parameters of two runs whose starts differ by the dotted line, "
        "for the first seed; colors are step sizes η. Exponential growth would be a rising straight line. "
        f"Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def toys(result: Result) -> Drawn:
    """Draw the density on ripples, and the orbits in the double well against the step size."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    runs = [run for run in result.where(**RIPPLES).drawn("density") if run["ripple"] < 0.1 * run["step_size"]]
    middle = 0.5 * (BINS[:-1] + BINS[1:])
    if runs:
        shown = max(runs, key=lambda run: -float(run["step_size"]))
        left.step(middle, shown.arrays["density"], where="mid", lw=MAIN, color=eta_color(shown["step_size"]))
        theory(left, middle, np.exp(-0.5 * middle**2) / np.sqrt(2.0 * np.pi), "normal", at=0.6)
    label(left, r"$w$ over $\sqrt{\eta/(2(2-\eta))}$", "density")
    for run in result.where(**WELL).drawn("orbit"):
        orbit = run.arrays["orbit"]
        right.plot(np.full(orbit.size, run["step_size"]), orbit, "o", ms=1.5, mew=0, color=COLORS["blue"])
    theory_level(right, DOUBLING, r"$\sqrt{5}-1$", at=0.02, above=False, vertical=True)
    label(right, r"step size $\eta$", r"orbit $w$")
    exponents = [float(run["exponent"] / run["exponent_limit"]) for run in runs]
    ratio = number(float(np.median(exponents))) if exponents else "0"
    said = f"On narrow ripples the Lyapunov exponent is {ratio} of its limit ln(η/2ε)."
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Left: density of descent on a bowl with narrow ripples, over the standard deviation of the "
        "limit; the dashed line is the normal law. Right: the last points of descent in a double well "
        "against the step size η; at the dashed line the swing of period two gives way to one of period "
        f"four. The color on the left is η. First seed. Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip
