"""Figures of the claim `training-to-flatness`; they read its runs and compute no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import median
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.experiments.recovery.training_runs import ARMS
from stepscape.experiments.recovery.training_to_flatness import base
from stepscape.figures.colors import Look, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.legends import series, shared_legend
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, SECONDARY, SMALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = 0.22  # rows between problems
FLOOR = 1e-9  # an excess that is 0 up to rounding
PANELS = (
    ("trace_ratio", "trace excess"),
    ("distance", "error"),
    ("sharpness_ratio", r"$\lambda_{\max}$ over the truth's"),
)
FOLLOWED = {
    "small_steps": 0,
    "large_steps": 1,
    "label_noise": 2,
    "trace_penalty": 3,
}  # arm → number of a look
ENDS = (
    "Ends of all methods from the same starts: by how much the trace of the Hessian exceeds that of the "
    "flattest solution, which is the truth (as a share, at least 10⁻⁹), the relative error, and λ_max over "
    "that of the truth. Marks are medians over {seeds} seeds, bars reach from quartile to quartile, "
    "problems: {marks}. Dotted: the truth. Repeat it with “stepscape run training-to-flatness --full”."
)
PATHS = (
    "One problem ({problem}): trace and λ_max over those of the flattest solution, which is the truth "
    "(dotted), over the steps. Label noise and the penalty fall to 0 over the last 40 % of the steps; before "
    "that they hold the factors at a positive loss, where the trace can be smaller."
)


def ends_of_methods(result: Result) -> Drawn:
    """One row per method, one panel per measure, one mark per problem."""
    table = base(result)
    arms = [name for name in ARMS if len(table) and name in table["arm"]]
    problems = list(dict.fromkeys(table["problem"].tolist())) if len(table) else []
    figure, axes = canvas(1, 3, (7.2, 0.27 * max(6, len(arms)) + 1.9), sharey=True)
    for ax, (column, words) in zip(axes[0], PANELS, strict=True):
        for i, problem in enumerate(problems):
            _marks(ax, table.where(problem=problem), arms, column, i, len(problems))
        if column == "sharpness_ratio":
            guide(ax, 1.0, vertical=True)
        elif problems:
            number_ticks(ax, "x")
        label(ax, x=words)
    axes[0, 0].set_yticks(range(len(arms)), [ARMS[name].words for name in arms], fontsize=SMALL)
    axes[0, 0].set_ylim(len(arms) - 0.5, -0.5)
    axes[0, 0].tick_params(axis="y", length=0)
    if problems:
        shared_legend(figure, axes, columns=3)
    found = _sentence(table, arms)
    finding(figure, found)
    seeds = np.unique(table["seed"]).size if len(table) else 0
    shapes = ("disks", "squares", "triangles", "diamonds")
    named = [f"{shape} ({PROBLEMS[name].words})" for shape, name in zip(shapes, problems, strict=False)]
    return Drawn(figure, f"{found} {ENDS.format(seeds=seeds, marks=', '.join(named) or 'none')}")


def _marks(ax: Axes, rows: Table, arms: list[str], column: str, i: int, count: int) -> None:
    look = series(i)
    places, middles, low, high = [], [], [], []
    for j, arm in enumerate(arms):
        values = rows.where(arm=arm)[column]
        if column == "trace_ratio":
            values = values - 1.0
        if column != "sharpness_ratio":
            values = np.maximum(values, FLOOR)
        if values.size:
            ends = np.quantile(values, [0.25, 0.5, 0.75])
            places.append(j + APART * (i - 0.5 * (count - 1)))
            middles.append(ends[1])
            low.append(ends[1] - ends[0])
            high.append(ends[2] - ends[1])
    ax.errorbar(
        middles, places, xerr=[low, high], elinewidth=SECONDARY,
        label=PROBLEMS[str(rows["problem"][0])].words,
        **{**marks(look["color"], look["marker"]), "ms": 5.0, "linestyle": "none"},
    )  # fmt: skip


def _sentence(table: Table, arms: list[str]) -> str:
    if not {"trace_penalty", "large_steps"} <= set(arms):
        return "The trace penalty and large steps arrived in 0 problems together."
    penalty, large = (table.where(arm=arm) for arm in ("trace_penalty", "large_steps"))
    error = median(penalty["distance"])
    small = "to rounding" if error < 1e-8 else f"up to an error of {number(error, 2)}"
    return (
        f"The trace penalty ends at the flattest solution, {small}; large steps end at a trace "
        f"{number(median(large['trace_ratio']), 2)} times as large, with an error of "
        f"{number(median(large['distance']), 2)}."
    )


def paths(result: Result) -> Drawn:
    """Trace and λ_max over the steps of a few methods on one problem."""
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    scale = result.settings["scales"][0]
    runs = {arm: runs[0] for arm in FOLLOWED if (runs := result.drawn("at_steps", arm=arm, scale=scale))}
    for arm, run in runs.items():
        _follow(left, right, run, Look(ARMS[arm].words, series(FOLLOWED[arm])["color"]))
    for ax in (left, right):
        guide(ax, 1.0)
        ax.locator_params(axis="x", nbins=4, min_n_ticks=3)
    label(left, x="steps", y="trace over the truth's")
    label(right, x="steps", y=r"$\lambda_{\max}$ over the truth's")
    found = _paths_sentence(runs)
    finding(figure, found)
    problem = PROBLEMS[next(iter(runs.values()))["problem"]].words if runs else "none drawn"
    return Drawn(figure, f"{found} {PATHS.format(problem=problem)}")


def _follow(left: Axes, right: Axes, run: Run, look: Look) -> None:
    steps, sharpness = run.arrays["at_steps"], run.arrays["sharpness"]
    left.plot(steps, run.arrays["trace_ratio"], lw=SECONDARY, **look.line)
    unit = float(run["sharpness"]) / float(run["sharpness_ratio"]) if "sharpness_ratio" in run.row else np.nan
    (line,) = right.plot(steps, sharpness / unit, lw=SECONDARY, **look.line)
    name_at_end(right, line, look.words)


def _paths_sentence(runs: dict[str, Run]) -> str:
    large = runs.get("large_steps")
    if large is None or "trace_ratio" not in large.row:
        return "Large steps finished in 0 of the runs drawn."
    excess = 100.0 * (float(large["trace_ratio"]) - 1.0)
    higher = 100.0 * (float(large["sharpness_ratio"]) - 1.0)
    side = "above" if higher > 0.0 else "below"
    return (
        f"Large steps end with a sharpness {number(abs(higher), 2)} % {side} that of the flattest solution, "
        f"and a trace {number(excess, 2)} % above it; label noise and the penalty take the trace down."
    )
