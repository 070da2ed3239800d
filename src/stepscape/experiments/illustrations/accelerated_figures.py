"""The picture of budgets; it reads a table and measures nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.illustrations.accelerated import losses
from stepscape.experiments.illustrations.separable_data import NAMES
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, Look
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory
from stepscape.figures.style import DOUBLE, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {
    "large": Look("η = 2γ²T", MEASURED.color),
    "stable": Look("stable η", CONTRAST.color, "s"),
    "nesterov": Look("Nesterov's method", THIRD.color, "^"),
    "far": Look("η = 200γ²T", COLORS["black"], "D"),
}
SHOWN = ("two_points", "planted")
FLOOR = -12.0  # decades of loss below which nothing is drawn
BUDGETS = (
    "Loss after a budget of T steps against T, both on logarithmic scales; left, two points that pull apart, "
    "right, 100 points near a plane. Disks: descent with η = 2γ²T, another run for every T. Squares: descent "
    "with the stable step size. Triangles: Nesterov's method. Diamonds: descent with η = 200γ²T, cut off at "
    "10⁻¹². Dashed: 1/(2γ⁴T²), which the disks should approach, and 1/(γ²ηT) of the stable step size, "
    "for the "
    "squares. Lines are medians over {seeds} seeds, ribbons their quartiles. Repeat it with “stepscape run "
    "accelerated --full”."
)


def budgets(result: Result) -> Drawn:
    """Draw the loss at the end of the budget against the budget, for every way to step."""
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    for ax, name in zip(axes[0], SHOWN, strict=True):
        _panel(ax, result.where(data=name).table)
        label(ax, r"budget $T$ of steps", "" if ax is axes[0, 1] else "loss at its end", NAMES[name])
    axes[0, 0].set_ylabel("loss at its end")
    if axes[0, 0].lines or axes[0, 1].lines:
        shared_legend(figure, axes, columns=4)
    said = _finding(result)
    finding(figure, said)
    seeds = np.unique(result.table["seed"]).size
    return Drawn(figure, f"{said} {BUDGETS.format(seeds=seeds)}")


def _panel(ax: Axes, table: Table) -> None:
    if "log_loss" in table and np.isfinite(table["log_loss"].astype(float)).any():
        for name, look in LOOKS.items():
            at, values = losses(table, name)
            shown = 10.0 ** np.maximum(values, FLOOR)
            rows = Table({"budget": np.repeat(at, len(shown)), "loss": shown.T.ravel()})
            ribbon(ax, rows, "budget", "loss", look.both, label=look.words)
        _laws(ax, table)
    number_ticks(ax)
    number_ticks(ax, "x")
    if ax.lines:
        ax.set_ylim(10.0**FLOOR / 3.0, 30.0)


def _laws(ax: Axes, table: Table) -> None:
    known = table.rows(np.isfinite(table["log_loss"].astype(float)))
    squared = float(np.median(known["max_margin"])) ** 2
    late = np.unique(known["steps"].astype(float))
    theory(ax, late, np.minimum(1.0 / (2.0 * squared**2 * late**2), 1.0), r"$1/(2\gamma^4T^2)$", at=0.0)
    stable = known.where(unit="threshold", factor=1.0)
    if len(stable):
        eta = float(np.median(stable["step_size"]))
        theory(ax, late, 1.0 / (squared * eta * late))


def _finding(result: Result) -> str:
    table = result.where(data="two_points").table
    if not len(table) or "log_loss" not in table:
        return "Descent on the two points finished in 0 runs."
    at, large = losses(table, "large")
    _, stable = losses(table, "stable")
    gain = (stable - large)[:, -1]
    gain = gain[np.isfinite(gain)]
    if not gain.size:
        return "Descent on the two points finished in 0 runs."
    factor = number(float(10.0 ** np.median(gain)), 2)
    return (
        f"After {number(at[-1])} steps, the loss with η = 2γ²T is {factor} times smaller than with the "
        "stable step size."
    )
