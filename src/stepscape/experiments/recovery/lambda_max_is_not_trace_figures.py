"""Figures of the claim `lambda-max-is-not-trace`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import median
from stepscape.experiments.recovery.lambda_max_is_not_trace import STABLE, above, known, near, problems
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import level_color
from stepscape.figures.legends import series, shared_legend
from stepscape.figures.references import guide, theory
from stepscape.figures.style import SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = (
    ("distance", "error of the end"),
    ("sharpness_ratio", r"$\lambda_{\max}$ over the truth's"),
    ("trace_ratio", "trace over the truth's"),
)
ENDS = (
    "Descent starts beside the flattest solution, which is the truth. The ends of descent against the step "
    "size in units of 2/λ_max of the truth, beyond which it is unstable (dotted): relative error, λ_max over "
    "that of the truth, and trace over that of the truth. Problems: {marks}. Dashed: λ_max = 2/η, the "
    "largest at which descent can stay. Medians and quartiles over {seeds} seeds. Repeat it with “stepscape "
    "run lambda-max-is-not-trace --full”."
)
DEPARTURE = (
    "One problem ({problem}), step by step: relative error, λ_max over that of the truth, and trace over "
    "that of the truth, for step sizes η in units of 2/λ_max of the truth, darker for smaller ones. Dotted: "
    "the truth."
)


def ends(result: Result) -> Drawn:
    """Error, λ_max and trace of the ends against the step size."""
    table = near(known(result.table))
    figure, axes = canvas(1, 3, (7.2, 3.1))
    names = problems(table) if len(table) else []
    for ax, (column, words) in zip(axes[0], PANELS, strict=True):
        for i, name in enumerate(names):
            rows = table.where(problem=name)
            ribbon(ax, rows, "multiple", column, series(i), label=PROBLEMS[name].words, width=SECONDARY)
        guide(ax, STABLE, vertical=True)
        label(ax, x=r"$\eta\,\lambda_{\max}/2$ at the truth", y=words)
    if names:
        number_ticks(axes[0, 0])
        low, high = float(table["multiple"].min()), float(table["multiple"].max())
        fine = np.linspace(max(low, STABLE), max(high, STABLE), 30)
        theory(axes[0, 1], fine, 1.0 / fine, r"$2/\eta$", at=0.6)
    shared_legend(figure, axes, columns=3)
    found = _sentence(near(above(result.table)))
    finding(figure, found)
    seeds = np.unique(table["seed"]).size if len(table) else 0
    return Drawn(figure, f"{found} {ENDS.format(seeds=seeds, marks=_marks(names))}")


def _marks(names: list[str]) -> str:
    shapes = ("disks", "squares", "triangles", "diamonds")
    return ", ".join(f"{shape} ({PROBLEMS[name].words})" for shape, name in zip(shapes, names, strict=False))


def _sentence(rows: Table) -> str:
    if not len(rows):
        return "Above the stable step size descent arrived at 0 solutions."
    top = rows.where(multiple=float(rows["multiple"].max()))
    eta, error = float(top["multiple"][0]), median(top["distance"])
    sharp, trace = 100.0 * (1.0 - median(top["sharpness_ratio"])), median(top["trace_ratio"])
    return (
        f"At {eta:g} times the stable step size descent leaves the truth for an error of {number(error, 2)}: "
        f"the sharpness is {number(sharp, 2)} % lower, the trace {number(trace, 2)} times as large."
    )


def departure(result: Result) -> Drawn:
    """Error, λ_max and trace over the steps of one problem."""
    figure, axes = canvas(1, 3, (7.2, 3.1))
    runs = sorted(result.drawn("at_steps"), key=lambda run: float(run["multiple"]))
    columns = ("error", "sharpness", "trace_ratio")
    for ax, column, (_, words) in zip(axes[0], columns, PANELS, strict=True):
        for run in runs:
            _follow(ax, run, column, runs)
        if column != "error":
            guide(ax, 1.0)
        label(ax, x="steps", y=words.replace(" of the end", ""))
        ax.locator_params(axis="x", nbins=3, min_n_ticks=3)
    if runs:
        number_ticks(axes[0, 0])
        shared_legend(figure, axes, columns=5)
    found = _departure_sentence(runs)
    finding(figure, found)
    problem = PROBLEMS[runs[0]["problem"]].words if runs else "none drawn"
    return Drawn(figure, f"{found} {DEPARTURE.format(problem=problem)}")


def _follow(ax: Axes, run: Run, column: str, runs: list[Run]) -> None:
    levels = [float(each["multiple"]) for each in runs]
    multiple = float(run["multiple"])
    ax.plot(run.arrays["at_steps"], run.arrays[column], lw=SECONDARY, color=level_color(multiple, levels),
            label=f"{multiple:g} · 2/λ")  # fmt: skip


def _departure_sentence(runs: list[Run]) -> str:
    moved = [run for run in runs if run["multiple"] > STABLE]
    if not moved or "distance" not in moved[-1].row:
        return "Above the stable step size 0 descents were drawn."
    far = sum(float(run["distance"]) > 0.03 for run in moved)
    return f"{far} of {len(moved)} descents above the stable step size leave the truth, and do not return."
