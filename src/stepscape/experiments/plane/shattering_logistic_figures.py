"""Figures of the claim `shattering-logistic`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.plane.pairs import alive
from stepscape.experiments.plane.shattering_figures import seeds_of
from stepscape.experiments.plane.shattering_logistic import descents
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import MOMENT, level_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide, theory_level
from stepscape.figures.style import DOUBLE, canvas, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REPEAT = "`stepscape run shattering-logistic --full` repeats it."


def _counting(result: Result) -> Table:
    table = descents(result)
    return table.rows(alive(table)) if len(table) else table


def _by_decay(ax: Axes, result: Result, table: Table, column: str) -> None:
    decays = result.settings["weight_decays"]
    for decay in decays:
        rows = table.where(weight_decay=decay) if len(table) else table
        look = marks(level_color(decay + 1e-3, [each + 1e-3 for each in decays]))
        if len(rows) and (line := ribbon(ax, rows, "step_size", column, look, keep_dead=True)) is not None:
            name_at_end(ax, line, f"decay {decay:g}")


def rates(result: Result) -> Drawn:
    """Draw the path-weighted rate and the edge ratio against the step size, by decay."""
    table = _counting(result)
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    _by_decay(left, result, table, "live_path_rate")
    _by_decay(right, result, table, "edge_ratio")
    theory_level(right, 1.0, r"$2/\eta$")
    titles = ("path-weighted rate", r"edge ratio $\lambda_{\max}\eta/2$")
    for ax, title in zip(axes[0], titles, strict=True):
        step_size_ticks(ax, result.settings["step_sizes"])
        label(ax, "step size η", title=title)
        ax.set_ylim(bottom=0.0)
    right.set_ylim(0.0, 1.15)
    sentence = _rates_sentence(result, table)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. At the end of training with the logistic loss, against the step size η, by decay, in "
        "colors from dark to light. Left: the share of the examples on which a live neuron is active, "
        "weighted by |w2|·‖w1‖. Right: λ_max·η/2; dashed: the threshold 2/η. Medians with quartiles as a "
        f"band, of the runs with live neurons; {seeds_of(result)}. {REPEAT}",
    )


def _at(table: Table, column: str, **where: object) -> float:
    rows = table.where(**where) if len(table) else table
    return median(rows[column]) if len(rows) and column in rows else float("nan")


def _rates_sentence(result: Result, table: Table) -> str:
    etas = sorted(result.settings["step_sizes"])
    found = [_at(table, "live_path_rate", weight_decay=0.0, step_size=eta) for eta in (etas[0], etas[-1])]
    if not np.isfinite(found).all():
        return "Too few runs have live neurons to compare their rates"
    return (
        f"With the logistic loss neurons hold {100 * found[0]:.0f} % of the examples at η = {etas[0]:g} "
        f"and {100 * found[1]:.0f} % at η = {etas[-1]:g}"
    )


def risks(result: Result) -> Drawn:
    """Draw the excess risk against the step size: by decay at the end, and by moment without decay."""
    table = _counting(result)
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    left, right = axes[0]
    _by_decay(left, result, table, "population_error")
    rows = table.where(weight_decay=0.0) if len(table) else table
    names = {"": "end", "_equal_time": "equal time", "_held_out": "best moment"}
    for suffix, name in names.items():
        column, look = f"population_error{suffix}", MOMENT[suffix].both
        if len(rows) and (line := ribbon(right, rows, "step_size", column, look, keep_dead=True)) is not None:
            name_at_end(right, line, name)
    for ax, title in ((left, "end of training, by decay"), (right, "without decay, by moment")):
        number_ticks(ax)
        step_size_ticks(ax, result.settings["step_sizes"])
        label(ax, "step size η", title=title)
        if len(table):
            guide(ax, median(table["null_population"]), "constant")
            guide(ax, median(table["linear_population"]), "logistic regression", above=False)
    left.set_ylabel("excess risk", fontsize=10)
    sentence = _risks_sentence(result, table)
    finding(figure, sentence)
    return Drawn(
        figure,
        f"{sentence}. The excess risk on fresh inputs against the step size η. Left: at the end of training "
        "with each decay, in colors from dark to light. Right: without decay at the end (blue disks), at "
        "equal training time (vermilion squares) and at the best held-out moment (green triangles). Medians "
        "with quartiles as a band. Dotted: the best constant and logistic regression. "
        f"{seeds_of(result)}. {REPEAT}",
    )


def _risks_sentence(result: Result, table: Table) -> str:
    etas, decay = sorted(result.settings["step_sizes"]), max(result.settings["weight_decays"])
    found = [_at(table, "population_error", weight_decay=each, step_size=etas[-1]) for each in (0.0, decay)]
    null = _at(table, "null_population", weight_decay=0.0, step_size=etas[-1])
    if not np.isfinite([*found, null]).all():
        return "Too few runs have live neurons to compare their risks"
    return (
        f"At η = {etas[-1]:g} the excess risk is {number(found[0], 2)} without decay, {number(found[1], 2)} "
        f"with decay {decay:g}, and {number(null, 2)} for a constant"
    )
