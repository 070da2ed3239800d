"""Figures of the claim `sgd-batch-sharpness`; they read its rows and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.deep.sgd_runs import REPLACED, SHUFFLED
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.figures.bands import ribbon
from stepscape.figures.legends import series, shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, SECONDARY, TALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from stepscape.tables.records import Table

MEASURES = {
    "edge_ratio": r"$\lambda_{\max}\cdot\eta/2$",
    "batch_ratio": r"batch sharpness $\cdot\,\eta/2$",
    "trace_ratio": r"trace $\cdot\,\eta/2$",
}


def batches(result: Result) -> Drawn:
    """Draw λ_max, batch sharpness and trace against the batch size, by the noise of the labels."""
    figure, axes = canvas(1, 3, DOUBLE)
    table = result.table
    for ax, (column, words) in zip(axes[0], MEASURES.items(), strict=True):
        for at, name in enumerate(dict.fromkeys(table["labels"].tolist())):
            look, rows = series(at), table.where(labels=name)
            if column == "batch_ratio":
                rows = rows.rows(rows["batch_size"] < rows["n"])
            ribbon(ax, rows.where(drawing=SHUFFLED), "batch_size", column, look, label=name)
            _replaced(ax, rows.where(drawing=REPLACED), column, str(look["color"]), str(look["marker"]))
        ax.set_yscale("linear")
        number_ticks(ax, "x")
        label(ax, "batch size", words)
        if column != "trace_ratio":
            theory_level(ax, 1.0, r"$2/\eta$", at=0.02)
        ax.set_ylim(bottom=0.0)
    shared_legend(figure, axes, columns=3)
    said = _said(result)
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Medians over the last half of each run against the batch size, the largest being all "
        "examples: λ_max at midpoints, the ratio of expectations E[gᵀHg]/E‖g‖² over batches smaller than "
        "that, and the trace over the last records, all in units of 2/η. Lines with bands are medians and "
        "quartiles over the seeds for batches without replacement; hollow marks are medians with "
        "replacement. Colors and marks (circle, square, triangle) tell the noise of the labels; the dashed "
        f"line is 2/η. {_repeat(result)}"
    ))  # fmt: skip


def _replaced(ax: Axes, rows: Table, column: str, color: str, marker: str) -> None:
    """Draw the medians with replacement as hollow marks."""
    for size in np.unique(rows["batch_size"]):
        here = rows.where(batch_size=int(size))[column].astype(float)
        if np.isfinite(here).any():
            ax.plot(size, np.nanmedian(here), marker, ms=8, mfc="none", mec=color, mew=SECONDARY, zorder=5)


def _said(result: Result) -> str:
    """Say the ends of the medians of λ_max for the first kind of labels."""
    table = result.table
    table = table.rows((table["labels"] == table["labels"][0]) & (table["drawing"] == SHUFFLED))
    sizes = np.unique(table["batch_size"])
    ends = [
        float(np.nanmedian(table.where(batch_size=int(size))["edge_ratio"].astype(float)))
        for size in (sizes[-1], sizes[0])
    ]
    return (
        f"On {table['labels'][0]} the sharpness goes from {number(ends[0])} of 2/η with batches of "
        f"{sizes[-1]} to {number(ends[1])} with batches of {sizes[0]}."
    )


def paths(result: Result) -> Drawn:
    """Draw λ_max and batch sharpness over the steps for the first seed, with the least and the most noise."""
    figure, axes = canvas(2, 2, TALL)
    runs = result.drawn("batch", drawing=SHUFFLED)
    noises = sorted({run["noise"] for run in runs})
    sizes = sorted({run["batch_size"] for run in runs}, reverse=True)
    names: list[str] = []
    for column, noise in enumerate((noises[0], noises[-1])):
        here = [run for run in runs if run["noise"] == noise]
        for run in here:
            _path(axes[0, column], run, "edge", sizes)
            if run["batch_size"] < run["n"]:
                _path(axes[1, column], run, "batch", sizes)
        names.append(here[0]["labels"])
    for row, words in enumerate((r"$\lambda_{\max}\cdot\eta/2$", r"batch sharpness $\cdot\,\eta/2$")):
        for ax, name in zip(axes[row], names, strict=True):
            label(ax, "thousand steps" if row else "", words, "" if row else name)
            theory_level(ax, 1.0, r"$2/\eta$", at=0.98)
            ax.set_ylim(bottom=0.0)
    shared_legend(figure, axes, columns=4)
    said = _ended([run for run in runs if run["noise"] == noises[-1] and run["batch_size"] < run["n"]])
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Top: λ_max at midpoints over 2/η along the steps, for the first seed and batches without "
        "replacement, a color and mark for each batch size. Bottom: batch sharpness, the ratio of "
        "expectations, which is not drawn where all examples are one batch. Left: the least noise, right: "
        "the most; the dashed line is 2/η. The numbers are medians over the last four records. "
        f"{_repeat(result)}"
    ))  # fmt: skip


def _ended(runs: Sequence[Run]) -> str:
    """Say where the batch sharpness of the smallest and of the largest batches ends."""
    by_size = sorted(runs, key=lambda run: int(run["batch_size"]))
    told = [
        f"{number(float(np.median(run.arrays['batch'][-4:])), 2)} of 2/η with batches of {run['batch_size']}"
        for run in (by_size[:1] if len(by_size) == 1 else (by_size[0], by_size[-1]))
    ]
    return f"On {runs[0]['labels']} batch sharpness ends at {', and at '.join(told)}."


def _path(ax: Axes, run: Run, name: str, sizes: Sequence[int]) -> None:
    steps, look = 1e-3 * run.arrays["at_steps"], series(list(sizes).index(run["batch_size"]))
    ax.plot(
        steps, run.arrays[name], lw=SECONDARY, ms=4, markevery=max(1, steps.size // 6),
        label=f"B = {run['batch_size']}", **look,
    )  # fmt: skip


def _repeat(result: Result) -> str:
    return f"Repeat it with “stepscape run {result.claim} --full”."
