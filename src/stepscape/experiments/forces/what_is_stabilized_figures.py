"""Figures of the claim `what-is-stabilized`; they read its rows and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.forces.matched import descents, pair
from stepscape.experiments.forces.method_runs import NAMES
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.colors import COLORS
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import GUIDE, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS: dict[str, dict[str, Any]] = {
    "descent": {"color": COLORS["black"], "marker": "o"},
    "sgd": {"color": COLORS["blue"], "marker": "s"},
    "sgd_replacement": {"color": COLORS["sky"], "marker": "D"},
    "label_noise": {"color": COLORS["green"], "marker": "^"},
    "sam": {"color": COLORS["vermilion"], "marker": "v"},
    "trace_penalty": {"color": COLORS["purple"], "marker": "P"},
}
PANELS = {
    "edge_ratio": "sharpness over 2/η",
    "batch_ratio": "batch sharpness over 2/η",
    "trace": "trace of the Hessian",
}


def stabilized(result: Result) -> Drawn:
    """Draw sharpness, batch sharpness and trace against the weighted variation, medians over the seeds."""
    table = result.table
    table = table.rows(STEP_SIZES.counts(table)).where(half_width=max(result.settings["half_widths"]))
    figure, axes = canvas(1, len(PANELS), (7.2, 3.3), sharex=True)
    for ax, (column, title) in zip(axes[0], PANELS.items(), strict=True):
        for method, look in LOOKS.items():
            _medians(ax, table, method, column, look)
        number_ticks(ax, "x")
        if column == "trace":
            number_ticks(ax)
        else:
            theory_level(ax, 1.0)
            ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
        label(ax, "weighted variation", title=title)
    shared_legend(figure, axes, columns=3)
    sentence = _sentence(table)
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} Each mark is the median over the seeds of one strength of a method on the widest "
        "range: descent (disk), SGD without (square) and with replacement (diamond), label noise (triangle "
        "up), SAM (triangle down), penalty on the trace (plus). A line joins the strengths, against ∫|f″|g "
        "of the curve; flatter is further left. Dashed: the threshold 2/η of descent. The batch sharpness "
        "of a method that sees all examples is the curvature along its gradient. Repeat it with “stepscape "
        "run what-is-stabilized --full”."
    ))  # fmt: skip


def _medians(ax: Axes, table: Table, method: str, column: str, look: dict[str, Any]) -> None:
    rows = table.where(method=method) if column in table else table.rows(np.zeros(len(table), bool))
    ranks = np.unique(rows["rank"])
    points = [
        (
            np.median(rows["weighted_tv"][rows["rank"] == rank]),
            np.nanmedian(rows[column][rows["rank"] == rank]),
        )
        for rank in ranks
    ]
    if points:
        across, along = zip(*points, strict=True)
        ax.plot(across, along, lw=SECONDARY, ms=6.0, mec="white", mew=0.8, label=NAMES[method], **look)


def _sentence(table: Table) -> str:
    if "edge_ratio" not in table:
        return "0 runs finished."
    middle = {
        name: float(np.median(table["edge_ratio"][table["method"] == name]))
        for name in LOOKS
        if np.any(table["method"] == name)
    }
    others = [value for name, value in middle.items() if name != "descent"]
    if "descent" not in middle or not others:
        return f"{number(len(table))} runs finish with some neurons left."
    return (
        f"Descent ends with the sharpness at {number(middle['descent'])} of 2/η; other methods end at "
        f"{number(min(others))} to {number(max(others))} of it."
    )


def curves(result: Result) -> Drawn:
    """Draw a curve of every method beside that of descent with the nearest weighted variation."""
    settings = result.settings
    here = result.where(seed=settings["first_seed"], half_width=max(settings["half_widths"]))
    known = descents(here.runs)
    figure, axes = canvas(2, 3, (7.2, 4.4), sharex=True, sharey=True)
    methods = [name for name in NAMES if name != "descent"]
    count = 0
    for ax, method in zip(axes.flat, methods, strict=True):
        pairs = [(run, pair(run, known)) for run in here.drawn("solution", method=method)]
        near = [(run, other) for run, other in pairs if other is not None]
        label(ax, title=NAMES[method])
        if not near:
            ax.text(0.5, 0.5, "no pair", transform=ax.transAxes, ha="center", fontsize=9.0)
            continue
        count += 1
        run, other = near[len(near) // 2]
        ax.plot(run.arrays["grid"], run.arrays["truth"], color=COLORS["gray"], lw=GUIDE)
        ax.plot(other.arrays["grid"], other.arrays["solution"], color=COLORS["black"], lw=SECONDARY)
        ax.plot(run.arrays["grid"], run.arrays["solution"], color=COLORS["vermilion"], lw=SECONDARY)
    sentence = (
        f"On one sample {count} methods have a curve with the weighted variation of a curve of descent."
    )
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} Vermilion: a curve of the method, of a middle strength; black: that of descent on the "
        "same labels with the nearest ∫|f″|g; gray: the truth."
    ))  # fmt: skip
