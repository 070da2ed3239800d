"""Pictures of adaptive steps and of weight decay; they read a table and measure nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.illustrations.arbitrarily_fast import ADAPTIVE, RIDGE, RULES, of_rule
from stepscape.experiments.illustrations.ridge_rate import ridge_values
from stepscape.experiments.illustrations.separable_data import NAMES
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD, Look, level_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {
    "exponential": Look(RULES["exponential"], MEASURED.color),
    "adapt": Look(RULES["adapt"], CONTRAST.color, "s"),
    "adapt_naively": Look(RULES["adapt_naively"], THIRD.color, "^"),
}
HARD = "outnumbered"
ADAPTIVE_WORDS = (
    "Left: accuracy −log L over the step size η for the averaged iterate of the two points, against the "
    "number of steps in units of 1/γ²; colors, from dark to light: step sizes, rule of the exponential loss, "
    "first seed. Dashed: the bound ½(γ²T − 1), the same for all η. Right: −log L over η at the end, "
    "against η, "
    "of 99 examples against 1; disks: the rule of the exponential loss, squares: that of the logistic loss, "
    "triangles: η/L. Dashed: the bound. Lines are medians over {seeds} seeds, ribbons their quartiles. "
    "Repeat it with “stepscape run arbitrarily-fast --full”."
)
RIDGE_WORDS = (
    "Steps of descent until the penalized loss is within λ/100 of its minimum, against 1/λ, both on "
    "logarithmic scales; left, two points that pull apart, right, 100 points near a plane. Disks: η = γ/√λ; "
    "squares: one over the largest curvature. Dashed: powers ½ and 1 of 1/λ. Lines are medians over {seeds} "
    "seeds, ribbons their quartiles; a run that does not arrive is left out. Repeat it with “stepscape run "
    "arbitrarily-fast --full”."
)


def adaptive(result: Result) -> Drawn:
    """Accuracy of the averaged iterate against steps, and at the end against η."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    _over_steps(left, result)
    label(left, r"steps, $\gamma^2 T$", title=r"$-\log L\,/\,\eta$ on two points")
    table = result.where(**ADAPTIVE, data=HARD).table
    if len(table) and "log_left" in table:
        for method, look in LOOKS.items():
            at, values = of_rule(table, method, "log_left")
            rows = Table({"eta": np.repeat(at, len(values)), "accuracy": -values.T.ravel()})
            ribbon(right, rows, "eta", "accuracy", look.both, label=look.words)
        bound = 0.5 * (result.settings.get("adaptive_rounds", 3.0) - 1.0)
        ends = [table["factor"].min(), table["factor"].max()]
        theory(right, ends, [bound, bound], "bound", at=1.0, left=True, above=False)
        step_size_ticks(right, sorted(set(table["factor"].tolist())))
        shared_legend(figure, axes, columns=2)
    label(right, r"step size $\eta$", title=r"$-\log L\,/\,\eta$ at the end, 99 against 1")
    said = _adaptive_finding(result)
    finding(figure, said)
    seeds = np.unique(result.table["seed"]).size
    return Drawn(figure, f"{said} {ADAPTIVE_WORDS.format(seeds=seeds)}")


def _over_steps(ax: Axes, result: Result) -> None:
    runs = result.drawn("average", **ADAPTIVE, data="two_points", method="exponential")
    levels = [float(run["factor"]) for run in runs]
    longest = 1.0
    for run in runs:
        across = run["max_margin"] ** 2 * run.arrays["steps"]
        longest = max(longest, float(across[-1]))
        color = level_color(run["factor"], levels)
        (line,) = ax.plot(across, -run.arrays["average"] / run["factor"], lw=SECONDARY, color=color)
        if run in (runs[0], runs[-1]):
            name_at_end(ax, line, f"η = {short(run['factor'])}")
    across = np.linspace(0.5, longest, 30)
    theory(ax, across, 0.5 * (across - 1.0), r"$\frac{1}{2}(\gamma^2T-1)$", at=0.6, above=False)
    ax.set_ylim(-0.5, 0.75 * longest)


def _adaptive_finding(result: Result) -> str:
    table = result.where(**ADAPTIVE, data=HARD).table
    said = []
    for method in ("exponential", "adapt"):
        if len(table) and "log_left" in table:
            at, values = of_rule(table, method, "log_left")
            if at.size and np.isfinite(values[:, -1]).any():
                said.append((at[-1], -at[-1] * median(values[:, -1])))
    if len(said) < 2:
        return "Adaptive steps finished in fewer than 2 of the rules."
    return (
        f"On 99 examples against 1, η = {short(said[0][0])} reaches log L = {number(-said[0][1])} by the "
        f"rule of the exponential loss, and {number(-said[1][1])} by that of the logistic loss."
    )


def ridge(result: Result) -> Drawn:
    """Draw the steps to the minimum against 1/λ, for large and stable ones."""
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    looks = {
        "ridge_large": Look("η = γ/√λ", MEASURED.color),
        "ridge_stable": Look("stable η", CONTRAST.color, "s"),
    }
    drawn = False
    for ax, name in zip(axes[0], ("two_points", "planted"), strict=True):
        table = result.where(**RIDGE, data=name).table
        for arm, look in looks.items():
            at, values = ridge_values(table, arm)
            if at.size and np.isfinite(values).any():
                rows = Table({"inverse": np.repeat(1.0 / at, len(values)), "steps": values.T.ravel()})
                ribbon(ax, rows, "inverse", "steps", look.both, label=look.words)
                power = 0.5 if arm == "ridge_large" else 1.0
                first = median(values[:, -1]) if np.isfinite(values[:, -1]).any() else 1.0
                law = r"$\propto\lambda^{-1/2}$" if arm == "ridge_large" else r"$\propto\lambda^{-1}$"
                theory(
                    ax, 1.0 / at, first * (at[-1] / at) ** power, law, at=0.0, above=power == 1.0, left=True
                )
                drawn = True
        if not ax.lines:
            guide(ax, 1.0, "no run arrived")
        number_ticks(ax)
        number_ticks(ax, "x")
        label(ax, r"one over the weight decay, $1/\lambda$", "" if ax is axes[0, 1] else "steps", NAMES[name])
    axes[0, 0].set_ylabel("steps to the minimum")
    if drawn:
        shared_legend(figure, axes, columns=2)
    said = _ridge_finding(result)
    finding(figure, said)
    return Drawn(figure, f"{said} {RIDGE_WORDS.format(seeds=np.unique(result.table['seed']).size)}")


def _ridge_finding(result: Result) -> str:
    table = result.where(**RIDGE, data="two_points").table
    both = [ridge_values(table, arm) for arm in ("ridge_large", "ridge_stable")]
    there = [np.isfinite(values[:, 0]).mean() if at.size else 0.0 for at, values in both]
    if min(there) < MOST:
        return (
            f"At the smallest decay, {100 * there[0]:.0f} % of the runs with large steps arrive, and "
            f"{100 * there[1]:.0f} % of those with stable ones."
        )
    large, stable = (median(values[:, 0]) for _, values in both)
    return (
        f"With weight decay {short(both[0][0][0])}, descent takes {number(large, 2)} large steps to the "
        f"minimum, or {number(stable, 2)} stable ones."
    )
