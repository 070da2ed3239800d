"""Pictures of large-step logistic regression; they read a table and measure nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import median
from stepscape.experiments.illustrations.large_step_logistic_regression import lengths
from stepscape.experiments.illustrations.separable_data import NAMES
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD, level_color
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = ("two_points", "planted")
LEAST = 1e-9  # loss at which the picture ends
LOOKS = {"two_points": MEASURED, "planted": CONTRAST, "wide": THIRD}
LOSSES = (
    "Loss of descent against the number of steps, both on logarithmic scales. Colors, from dark to light: "
    "step sizes, as multiples of 2 over the largest curvature, which is the largest step size that is stable "
    "everywhere. Dashed: 1/(γ²ηt), the law of the end, for the smallest and the largest of them. Left, two "
    "points that pull apart; right, 100 points near a plane. Losses below 10⁻⁹ are cut off. "
    "First seed. Repeat it with “stepscape run large-step-logistic-regression --full”."
)
PHASE = (
    "Left: steps until ηL is at most 0.8526, from which on the loss cannot rise, against one over the margin "
    "γ, for the two points; dashed: (1/γ)². Right: number of steps in which the loss rises, against the step "
    "size as a multiple of the largest stable one; disks are the two points, squares 100 points near a "
    "plane, triangles 100 points in 50 dimensions. Lines are medians over {seeds} seeds, ribbons their "
    "quartiles. Repeat it with “stepscape run large-step-logistic-regression --full”."
)


def losses(result: Result) -> Drawn:
    """Loss against steps on logarithmic axes, with the law of the end."""
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    logs = [run.arrays["log_losses"].min() for name in SHOWN for run in result.drawn("log_losses", data=name)]
    bottom = max(LEAST, float(np.exp(max(min(logs, default=0.0), -600.0))) / 2.0)
    for ax, name in zip(axes[0], SHOWN, strict=True):
        _panel(ax, result.drawn("log_losses", data=name), bottom)
        label(ax, "steps", "" if ax is axes[0, 1] else "loss", NAMES[name])
    axes[0, 0].set_ylabel("loss")
    if axes[0, 0].lines or axes[0, 1].lines:
        shared_legend(figure, axes, columns=4)
    said = _losses_finding(result)
    finding(figure, said)
    return Drawn(figure, f"{said} {LOSSES}")


def _panel(ax: Axes, runs: list[Run], bottom: float) -> None:
    levels = [float(run["factor"]) for run in runs]
    for run in runs:
        steps, logs = run.arrays["steps"], run.arrays["log_losses"]
        ax.plot(
            steps, np.exp(np.maximum(logs, -600.0)), lw=SECONDARY, color=level_color(run["factor"], levels),
            label=f"{short(run['factor'])} × stable",
        )  # fmt: skip
    for run in runs[:1] + runs[-1:] if len(runs) > 1 else runs:
        pull = run["max_margin"] ** 2 * run["step_size"]
        late = np.geomspace(max(2.0 / pull, 2.0), max(4.0 / pull, run["steps"]), 30)
        theory(ax, late, 1.0 / (pull * late), r"$1/(\gamma^2\eta t)$" if run is runs[0] else "", at=0.3)
    ax.set_ylim(bottom, 1e2)
    number_ticks(ax)
    number_ticks(ax, "x")


def _losses_finding(result: Result) -> str:
    runs = result.drawn("log_losses", data="two_points")
    if not runs:
        return "Descent on the two points finished in 0 runs."
    most = max(runs, key=lambda run: float(run["over_threshold"]))
    return (
        f"At {short(most['factor'])} times the stable step size the loss rises {number(most['rises'])} times "
        f"until step {number(most['last_rise'])}, and ends at {number(float(np.exp(most['log_loss'])), 2)}."
    )


def phase(result: Result) -> Drawn:
    """Length of the phase against the margin; rises against the step size."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    table = result.table.rows(result.table["outcome"] == "finished")
    if len(table):
        _lengths(left, result)
        main = table.where(margin=result.settings["data_margin"])
        for name, look in LOOKS.items():
            ribbon(right, main.where(data=name), "factor", "rises", look.both, label=NAMES[name])
        right.set_ylim(-1.0, max(3.0, 1.1 * float(main["rises"].max())))
    number_ticks(right, "x")
    label(left, r"one over the margin, $1/\gamma$", "steps of the phase")
    label(right, "multiple of the stable step size", "rises of the loss")
    if right.lines:
        shared_legend(figure, axes, columns=2)
    said = _phase_finding(result)
    finding(figure, said)
    seeds = np.unique(table["seed"]).size if len(table) else 0
    return Drawn(figure, f"{said} {PHASE.format(seeds=seeds)}")


def _lengths(ax: Axes, result: Result) -> None:
    margins, values = lengths(result)
    rows = Table({
        "inverse": np.repeat(1.0 / margins, len(values)),
        "length": values.T.ravel(),
    })  # fmt: skip
    if margins.size:
        ribbon(ax, rows, "inverse", "length", MEASURED.both, dots=True)
        middle = median(values[:, -1]) if np.isfinite(values[:, -1]).any() else 1.0
        across = 1.0 / margins
        theory(ax, across, middle * (across / across[-1]) ** 2, r"$(1/\gamma)^2$", at=0.7, above=False)
    number_ticks(ax)
    number_ticks(ax, "x")


def _phase_finding(result: Result) -> str:
    margins, values = lengths(result)
    if not margins.size:
        return "The phase ended in 0 runs."
    middle = {float(m): median(v) for m, v in zip(margins, values.T, strict=True) if np.isfinite(v).any()}
    small, large = min(middle), max(middle)
    return (
        f"The phase of rises takes {number(middle[large], 2)} steps at the margin {short(large)} and "
        f"{number(middle[small], 2)} at {short(small)}."
    )
