"""Figures of the claim `smoothness-or-confidence`; they read its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.sentences import counted
from stepscape.figures.bands import RIBBON, failures, ribbon
from stepscape.figures.colors import COLORS, eta_color, level_color, marks
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, TALL, canvas, footnote, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.measures.transient import after_transient
from stepscape.tables.interval import Interval
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cell = tuple[float, float]
HOW = "Repeat with stepscape run smoothness-or-confidence."
MARKED = 10.0 ** np.arange(2, 9)  # steps at which a trajectory bears a mark
OVER_TIME = (
    ("confidence", "median |f|"),
    ("largest", "largest |f|"),
    ("weighted_tv", r"roughness $\int|f''|g$"),
    ("edge", r"edge ratio $\lambda_{\max}\eta/2$"),
)
LEVELS = (
    ("weighted_tv_when_confidence_truth", "roughness where |f|\nis that of the truth", "weighted_tv_truth"),
    ("confidence_when_weighted_tv_truth", "|f| where roughness\nis that of the truth", "confidence_truth"),
    ("weighted_tv_equal_time", "roughness\nat equal time", "weighted_tv_truth"),
)


def cells_of(result: Result) -> list[Cell]:
    """Amplitudes and flip rates of the settings."""
    return [
        (a, rate)
        for a in sorted(result.settings["amplitudes"])
        for rate in sorted(result.settings["flip_rates"])
    ]


def title(cell: Cell) -> str:
    """Name the law of the labels."""
    flips = f", {short(cell[1])} flipped" if cell[1] else ""
    return f"true logit {short(cell[0])}·wave{flips}"


def within(table: Table, cell: Cell) -> Table:
    """Keep the rows of an amplitude and a flip rate."""
    return table.where(amplitude=cell[0], flip_rate=cell[1]) if len(table) else table


def middle(result: Result, name: str, cell: Cell, step_size: float) -> NDArray[Any]:
    """Medians over seeds at each record; empty if no run finished."""
    found = result.curves(name, amplitude=cell[0], flip_rate=cell[1], step_size=step_size)
    return np.median(np.array(found), axis=0) if found else np.empty(0)


def planes(result: Result, saved: Interval) -> Drawn:
    """Draw roughness against confidence during training, in every law of the labels.

    saved : log10 of the roughness, smallest over largest step size, where |f| comes to that of the truth.
    """
    table, laws = result.table, cells_of(result)[:3]
    step_sizes = sorted(result.settings["step_sizes"])
    figure, axes = canvas(1, len(laws), DOUBLE)
    for ax, cell in zip(axes[0], laws, strict=True):
        for eta in step_sizes:
            path = {name: middle(result, name, cell, eta) for name in _PLANE}
            path = after_transient(path) if path["steps"].size else path
            if path["steps"].size:
                ax.plot(path["confidence"], path["weighted_tv"], label=rf"$\eta$ = {short(eta)}",
                        **_marks(path["steps"], eta))  # fmt: skip
        _truth(ax, within(table, cell))
        if ax.lines:
            number_ticks(ax, "x")
            number_ticks(ax)
        label(ax, x="median |f|", title=title(cell))
    axes[0, 0].set_ylabel(r"roughness $\int|f''|g$")
    shared_legend(figure, axes, columns=len(step_sizes) + 1)
    sentence = _one_road(saved)
    finding(figure, sentence)
    caption = (
        f"{sentence} Roughness against confidence during training, medians over seeds at each record, from "
        "where the loss stays below that of the start, in the color of the step size η; "
        "disks at 100, 1000, … steps; one panel per law of the "
        f"labels, own scale. Star: the truth. Midpoint networks; {_seeds(table)}. {HOW}"
    )
    return Drawn(figure, caption)


_PLANE = ("steps", "loss_mean", "confidence", "weighted_tv")


def _seeds(table: Table) -> str:
    return counted(len(np.unique(table["seed"])) if len(table) else 0, "seed")


def _marks(steps: NDArray[Any], eta: float) -> Mapping[str, Any]:
    """Return the look of a curve with marks at round numbers of steps."""
    reached = MARKED[(steps[0] <= MARKED) & (steps[-1] >= MARKED)]
    return {**marks(eta_color(eta)), "lw": SECONDARY, "markevery": np.searchsorted(steps, reached).tolist()}


def _truth(ax: Axes, rows: Table) -> None:
    if "confidence_truth" not in rows:
        return
    at, high = median(rows["confidence_truth"]), median(rows["weighted_tv_truth"])
    ax.plot([at], [high], "*", ms=13, color=COLORS["black"], label="truth", zorder=6, ls="none")


def _one_road(saved: Interval) -> str:
    """Say how much less rough a larger step size is, as confident as the truth, pooled over laws."""
    if saved.count < 2:
        return f"Only {saved.count} runs become as confident as the truth."
    return (
        "Where |f| comes to that of the truth, the largest step size that comes there is "
        f"×{_factor(saved)} as rough as the smallest."
    )


def _factor(saved: Interval) -> str:
    """Write the roughness at the largest step size over that at the smallest, with its interval."""
    factor, low, high = (number(10.0**-value, 2) for value in (saved.mean, saved.high, saved.low))
    return f"{factor} [{low}, {high}]"


def levels(result: Result, saved: Interval) -> Drawn:
    """Draw both coordinates at the level of the truth, and roughness at equal time, against the step size.

    saved : log10 of the roughness at equal time, smallest over largest step size.
    """
    table, laws = result.table, cells_of(result)
    amplitudes = [cell[0] for cell in laws]
    figure, axes = canvas(1, len(LEVELS), DOUBLE)
    for ax, (name, words, truth) in zip(axes[0], LEVELS, strict=True):
        for cell in laws:
            rows = _coming(within(table, cell), name)
            if name not in rows or not np.isfinite(rows[truth].astype(float)).any():
                continue
            scaled = Table({**rows.columns, "factor": rows[name] / rows[truth]})
            color = level_color(cell[0], amplitudes)
            line = ribbon(ax, scaled, "step_size", "factor", {**marks(color)}, label=title(cell), width=MAIN)
            if line is not None:
                number_ticks(ax)
        etas = np.unique(table["step_size"])
        step_size_ticks(ax, etas.tolist())
        ax.set_xlim(etas[0] / 1.15, etas[-1] * 1.15)
        guide(ax, 1.0, "truth", at=0.98, above=name != LEVELS[2][0])
        label(ax, x=r"step size $\eta$", title=words)
    axes[0, 0].set_ylabel("as a multiple of the truth")
    shared_legend(figure, axes, columns=len(laws))
    sentence = _equal_time(table, saved)
    finding(figure, sentence)
    caption = (
        f"{sentence} Left: roughness where the median |f| comes to that of the truth; middle: median |f| "
        "where the roughness does; right: roughness after the training time of the smallest step size. All "
        "as multiples of the truth's value (dotted); median and quartiles over the seeds that come there, at "
        f"step sizes at which most do; one line per law of the labels; own scales. {_seeds(table)}. {HOW}"
    )
    return Drawn(figure, caption)


def _coming(rows: Table, column: str) -> Table:
    """Keep the step sizes at which most runs have a value: at which most come to a level."""
    if column not in rows or not len(rows):
        return rows
    at, known = rows["step_size"], np.isfinite(rows[column].astype(float))
    came = [eta for eta in np.unique(at) if fraction(known[at == eta]) > MOST]
    return rows.rows(np.isin(at, came))


def _equal_time(table: Table, saved: Interval) -> str:
    """Say by what factor the largest working step size is less rough at equal time."""
    if saved.count < 2:
        return "Runs work at too few step sizes: 0 comparisons at equal time."
    low, high = STEP_SIZES.working(table)[[0, -1]]
    return f"At equal time the step size η = {short(high)} is ×{_factor(saved)} as rough as η = {short(low)}."


def over_time(result: Result) -> Drawn:
    """Draw confidence, largest |f|, roughness and edge ratio against the steps; medians and quartiles."""
    table, laws = result.table, cells_of(result)
    step_sizes = sorted(result.settings["step_sizes"])
    figure, axes = canvas(len(OVER_TIME), len(laws), (TALL[0], 2.0 * TALL[1]), sharex=True, sharey="row")
    for column, cell in zip(axes.T, laws, strict=True):
        label(column[0], title=title(cell))
        for ax, (name, _) in zip(column, OVER_TIME, strict=True):
            for eta in step_sizes:
                _follow(ax, result, name, cell, eta)
            if name == "edge":
                theory_level(ax, 1.0)
            elif f"{name}_truth" in table:
                at = 0.02 if name == "weighted_tv" else 0.3  # where no curve is
                guide(ax, median(within(table, cell)[f"{name}_truth"]), "truth", at=at)
        label(column[-1], x="steps")
    for row, (name, words) in zip(axes, OVER_TIME, strict=True):
        row[0].set_ylabel(words)
        if name != "edge" and any(ax.lines for ax in row):
            number_ticks(row[0])
    axes[-1, 0].set_ylim(0.0, 2.0)
    number_ticks(axes[-1, 0], "x")
    shared_legend(figure, axes, columns=4)
    if words := failures(table):
        footnote(figure, words)
    ends = [median(table["edge_ratio"][table["step_size"] == eta]) for eta in (0.0, *step_sizes)
            if "edge_ratio" in table and (table["step_size"] == eta).any()]  # fmt: skip
    last = number(ends[-1], 2) if ends else "–"
    sentence = f"The largest step ends on its edge: the median edge ratio is {last} over the last decade."
    finding(figure, sentence)
    caption = (
        f"{sentence} Rows: median and largest |f| over the inputs, roughness, and edge ratio of the "
        "midpoint, against the steps; medians with quartiles over seeds, by step size and law of the "
        f"labels. Dotted: the truth; dashed: the edge. {_seeds(table)}. {HOW}"
    )
    return Drawn(figure, caption)


def _follow(ax: Axes, result: Result, name: str, cell: Cell, eta: float) -> None:
    found = result.curves(name, amplitude=cell[0], flip_rate=cell[1], step_size=eta)
    steps = middle(result, "steps", cell, eta)
    keep = steps >= 10
    keep[-2::-2] = False  # every second record, and the last: half of the bytes
    if not keep.any():
        return
    low, center, high = np.quantile(np.array(found)[:, keep], [0.25, 0.5, 0.75], axis=0)
    color = eta_color(eta)
    ax.plot(steps[keep], center, lw=SECONDARY, label=rf"$\eta$ = {short(eta)}", color=color)
    ax.fill_between(steps[keep], low, high, color=color, alpha=RIBBON, lw=0)
