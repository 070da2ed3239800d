"""Figures of the claim `benign-or-not`; they read its runs and compute no measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD, Look
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, GUIDE, SECONDARY, TALL, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REPEAT = "Repeat it with “stepscape run benign-or-not --full”."
TEXTBOOK = {
    "singular_kernel": Look("singular kernel", COLORS["green"]),
    "dots": Look("dots", COLORS["black"]),
    "nearest": Look("nearest", COLORS["gray"]),
    "polynomial": Look("polynomial", COLORS["vermilion"]),
}
DESCENT = {
    "heavy_ball": MEASURED,
    "descent": THIRD,
    "large_step": CONTRAST,
}
WORDS = {"heavy_ball": "heavy ball", "descent": "small steps", "large_step": "large step"}
LOWEST, HIGHEST = 0.1, 10.0
ROOM = 0.12  # of the panel, left of the first marks, for the names of the levels
KINDS = {
    "singular_kernel": "singular kernel",
    "dots": "connect the dots",
    "polynomial": "polynomial",
}
EXCESS = (
    "Mean squared distance to the truth over the variance of the noise, against the number of noisy "
    "labels. Left: textbook interpolants, which pass through every label; the polynomial leaves the panel. "
    "Right: descent from a large start, heavy ball with small steps (disks), plain descent with small "
    "steps (triangles), and plain descent with a large step (squares). Marks stand where most runs leave "
    "at most a tenth of the noise; the large step never does, and its marks are there to compare. Dashed: "
    "2/3, what noise adds between connected dots, "
    f"and 1, what it adds to the nearest label. Lines are medians over the seeds, ribbons quartiles. {REPEAT}"
)
PICTURE = (
    "Three functions through the same noisy labels (circles), at two numbers of labels: the singular "
    "kernel spikes at every label and stays near the truth between them (benign, but its excess risk falls "
    "like 1/log n only), the line swings with the noise (tempered), the polynomial swings beyond the panel "
    "(catastrophic). Gray: the "
    f"truth. One sample. {REPEAT}"
)


def excess(result: Result) -> Drawn:
    """Excess risk over σ² against n: textbook on the left, descent on the right."""
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    left, right = axes[0]
    for ax in (left, right):
        number_ticks(ax)
        number_ticks(ax, "x")
        ax.set_ylim(LOWEST, HIGHEST)
    table = result.where(drawn=False, outcome="finished").table
    for method, look in TEXTBOOK.items():
        rows = table.where(method=method)
        if "excess" not in rows or not len(rows):
            continue
        line = ribbon(left, rows, "n", "excess", look.line, keep_dead=True, width=SECONDARY)
        if line is not None and method != "polynomial":
            name_at_end(left, line, look.words)
    if len(table.where(method="polynomial")):
        note(left, "polynomial")
    theory_level(right, 2.0 / 3.0, "2/3")
    theory_level(right, 1.0, "1")
    for method, look in DESCENT.items():
        _descent(right, table.where(method=method), look, WORDS[method], method == "large_step")
    low, high = right.get_xlim()
    right.set_xlim(low * (low / high) ** ROOM, high)
    label(left, x="labels n", y="excess risk / σ²")
    label(right, x="labels n", title="descent")
    left.set_title("textbook", fontsize=10, loc="left")
    left.set_ylabel("excess risk / σ²", fontsize=10)
    said = _sentence(table)
    finding(figure, said)
    return Drawn(figure, f"{said} {EXCESS}")


def _descent(ax: Axes, rows: Table, look: Look, words: str, always: bool) -> None:
    if not len(rows) or "excess" not in rows:
        return
    line = ribbon(ax, rows, "n", "excess", look.line, width=SECONDARY)
    if line is None:
        return
    name_at_end(ax, line, words)
    for n in np.unique(rows["n"]):
        here = rows.where(n=n)
        if always or np.median(here["left"].astype(float)) <= 0.1:
            ax.plot(n, np.median(here["excess"].astype(float)), **look.marks)


def _sentence(table: Table) -> str:
    rows = table.where(method="heavy_ball")
    if "left" not in rows or not len(rows):
        return "No run of 1 descent finished."
    near = rows.rows(rows["left"].astype(float) <= 0.1)
    if not len(near):
        return "Within the budget descent leaves more than 10 % of the noise in every run."
    level, most = np.median(near["excess"].astype(float)), int(near["n"].max())
    return (
        f"Descent that nearly interpolates up to {most} noisy labels has {short(float(f'{level:.2g}'))} σ² "
        f"of excess "
        "risk, about what the line through them has."
        if 0.4 < level < 1.2
        else f"Descent that nearly interpolates has {short(float(f'{level:.2g}'))} σ² of excess risk."
    )


def kinds(result: Result) -> Drawn:
    """Draw the three-panel picture of the slide, one row for each number of labels."""
    sizes = sorted(result.settings["picture_sizes"])[:2]
    figure, axes = canvas(len(sizes), len(KINDS), TALL, sharex=True, sharey=True)
    for row, n in zip(axes, sizes, strict=True):
        for ax, (method, words) in zip(row, KINDS.items(), strict=True):
            for run in result.drawn("fit", n=n, method=method)[:1]:
                _curves(ax, run.arrays)
            label(ax, title=f"{words}, n = {n}")
    for ax in axes[-1]:
        ax.set_xlabel("x", fontsize=10)
    for row in axes:
        row[0].set_ylabel("y", fontsize=10)
        row[0].set_ylim(-3.0, 3.0)
    said = "Of 3 functions through the same noisy labels only one comes closer to the truth with more labels."
    finding(figure, said)
    return Drawn(figure, f"{said} {PICTURE}")


def _curves(ax: Axes, arrays: Mapping[str, NDArray[Any]]) -> None:
    ax.plot(arrays["grid"], arrays["truth"], color=COLORS["gray"], lw=SECONDARY)
    shown = np.clip(arrays["fit"], -10.0, 10.0)
    ax.plot(arrays["grid"], shown, color=COLORS["blue"], lw=GUIDE)
    ax.plot(
        arrays["inputs"],
        arrays["labels"],
        "o",
        ms=3.5,
        mfc="none",
        mec=COLORS["gray"],
        mew=0.8,
        linestyle="none",
    )
