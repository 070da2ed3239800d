"""Figures of the claim `clean-labels`; they read its rows and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.square import drawing
from stepscape.experiments.square.clean_labels import FITTED, members
from stepscape.experiments.square.clean_runs import REFERENCES, ReferenceRun
from stepscape.experiments.square.runs import StepSizeRun
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, MEASURED, THIRD
from stepscape.figures.legends import shared_legend
from stepscape.figures.style import DOUBLE, GUIDE, MAIN, NAMES, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NONE = "At 0 step sizes do enough runs interpolate to compare them."
INKS = {"dots": COLORS["black"], "spline": COLORS["vermilion"], "kernel": COLORS["green"]}


def risk(result: Result) -> Drawn:
    """Risk of descent against the step size beside that of the other interpolants, one panel per truth."""
    shown = drawing.headline(result)
    found = members(shown) if shown.of(StepSizeRun).runs else {}
    first = drawing.ranges(result)[0] if result.runs else 0.0
    panels = {name: rows for name, rows in found.items() if rows["half_width"][0] == first}
    figure, axes = canvas(1, max(1, len(panels)), DOUBLE, sharex=True)
    for ax, (name, rows) in zip(axes[0], panels.items(), strict=False):
        _panel(ax, rows)
        label(ax, "step size η", title=name.partition(",")[0])
        drawing.step_sizes(ax, shown)
    axes[0, 0].set_ylabel("risk on a grid", fontsize=NAMES)
    shared_legend(figure, axes, columns=3)
    drawing.say_empty(axes)
    sentence = _compared(panels, result)
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} Mean squared error to the truth on a grid: descent (disks, blue), and its error at the "
        "inputs (triangles, green), which must be ten times smaller for an interpolant; levels: the lines "
        "that connect the dots (black), the cubic spline (vermilion), and kernel regression with the tangent "
        f"kernel of the start (gray). With {drawing.headline_name(result)} on {drawing.range_name(first)}. "
        f"{drawing.runs_of(result)}"
    ))  # fmt: skip


def _panel(ax: Axes, rows: Table) -> None:
    kept = drawing.working(rows)
    for column, look, words in (
        ("risk_grid", MEASURED.both, "descent"),
        ("training_error", THIRD.both, "descent, at the inputs"),
    ):
        if column in kept:
            ribbon(ax, kept, "step_size", column, look, width=SECONDARY, label=words)
    for name, color in (*list(INKS.items())[:2], ("kernel", COLORS["gray"])):
        level = median(rows[f"risk_{name}"]) if f"risk_{name}" in rows else float("nan")
        if np.isfinite(level) and level > 0.0:
            ax.axhline(level, color=color, lw=SECONDARY, label=REFERENCES[name], zorder=2)
    if ax.lines:
        number_ticks(ax)


def _compared(panels: dict[str, Table], result: Result) -> str:
    told = []
    for name, rows in panels.items():
        if FITTED.lacks(rows):
            continue
        ends = FITTED.working(rows)[[0, -1]]
        risks = [median(FITTED.values(rows, "risk_grid", [eta])) for eta in ends]
        told.append(f"{number(risks[1] / risks[0], 2)} for the {name.partition(',')[0]}")
    if not told:
        return NONE
    return (
        "From the smallest to the largest step size that interpolates, the risk is multiplied by "
        f"{', '.join(told)}, with {drawing.headline_name(result)}."
    )


def curves(result: Result) -> Drawn:
    """Draw the interpolants of one sample less the truth, on the first range of the first truth."""
    shown = drawing.headline(result)
    first = {key: shown.runs[0][key] for key in ("truth", "half_width")} if shown.runs else {}
    here = shown.where(**first)
    descents = sorted(here.of(StepSizeRun).drawn("solution"), key=lambda run: run["step_size"])
    others = here.of(ReferenceRun).drawn("dots")
    figure, axes = canvas(1, 1, DOUBLE)
    ax = axes[0, 0]
    truth = None
    fits = [run for run in descents if run["training_error"] <= 0.1 * run["risk_grid"]]
    for run in fits[-1:]:
        truth, x = run.arrays["truth"], run.arrays["grid"]
        name = f"descent, η = {short(run['step_size'])}"
        ax.plot(x, run.arrays["solution"] - truth, color=MEASURED.color, lw=MAIN, label=name, zorder=4)
        ax.plot(run.arrays["inputs"], np.zeros(run.arrays["inputs"].size), "o", ms=4.0, mfc="none",
                mec=COLORS["gray"], mew=0.8, label="inputs", zorder=5)  # fmt: skip
    for run in others[:1] if truth is not None else ():
        for name, words in REFERENCES.items():
            ax.plot(run.arrays["grid"], run.arrays[name] - truth, color=INKS[name], lw=SECONDARY, label=words)
    ax.axhline(0.0, color=COLORS["gray"], lw=GUIDE, linestyle=(0, (1, 2)))
    label(ax, "input x", "f(x) − truth")
    shared_legend(figure, axes, columns=3)
    sentence = _largest(fits, others)
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} Errors between the inputs (circles) of descent at the largest step size η that "
        "interpolates (blue, thick), of the lines that connect the dots (black), of the cubic spline "
        "(vermilion) and of kernel regression with the tangent kernel of the start (green), for one truth; "
        f"dotted: no error. With {drawing.headline_name(result)}. {drawing.one_sample(result)}"
    ))  # fmt: skip


def _largest(fits: list[Any], others: list[Any]) -> str:
    if not fits or not others:
        return NONE
    run = fits[-1]
    off = float(np.abs(run.arrays["solution"] - run.arrays["truth"]).max())
    dots = float(np.abs(others[0].arrays["dots"] - run.arrays["truth"]).max())
    return (
        f"Between the inputs of one sample, descent errs by at most {number(off, 2)} and the dots connected "
        f"by lines by at most {number(dots, 2)}."
    )
