"""Figures of the claim `residual-and-batch-norm`; they read its rows and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.deep.architecture_runs import ARCHITECTURES
from stepscape.experiments.deep.residual_and_batch_norm import END, EQUAL_TIME, counts, decades
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.figures.colors import CONTRAST, MEASURED, THIRD
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import guide, theory, theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, TALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

NONE = "In 0 architectures both step sizes came to the edge at equal time."
ROOM = 0.4  # beyond the labels, as a share of their range
LINES = ((MEASURED, "-"), (CONTRAST, (0, (5, 1))))  # of the smallest and of the largest step size
EFFECTS = {"tv_equal_time": MEASURED, "risk_equal_time": MEASURED, "risk_held_out": THIRD}


def architectures(result: Result) -> list[str]:
    """Return the names of those that were run, in the order of `ARCHITECTURES`."""
    run = {each["architecture"] for each in result.runs}
    return [name for name in ARCHITECTURES if name in run]


def fits(result: Result) -> Drawn:
    """Draw the function at equal time, at the smallest and the largest step size, for the first seed."""
    names = architectures(result)
    figure, axes = _panels(len(names))
    for ax, name in zip(axes.flat, names, strict=False):
        for at, run in enumerate(_ends(result.drawn("fit", architecture=name))):
            if not at:
                _data(ax, run)
            ax.plot(run.arrays["x"], run.arrays["fit"], lw=MAIN, label=_eta(run), **_look(at))
        label(ax, "input x", "f(x)" if ax is axes[0, 0] else "", ARCHITECTURES[name].words)
    shared_legend(figure, axes, columns=4)
    said = _effect(result, "larger steps multiply", power=True)
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Functions at equal training time Σ η, for the first seed: the smallest step size (blue, "
        "solid) and the largest (vermilion, dashed), one panel for each architecture; disks are the noisy "
        "labels, the black dashes the polynomial that they come from. The title counts all seeds. Functions "
        f"of runs that diverged are missing. {_repeat(result)}"
    ))  # fmt: skip


def effects(result: Result) -> Drawn:
    """Draw what the larger step size does to variation and risk, seed by seed."""
    figure, axes = canvas(1, 2, DOUBLE)
    names = architectures(result)
    for at, name in enumerate(names):
        for column, look in EFFECTS.items():
            ax, shift = axes[0, 0 if column.startswith("tv") else 1], 0.2 * (column == "risk_held_out")
            found = _decades(result, name, column)
            ax.plot(
                found,
                np.full(found.size, -at - shift),
                look.marker,
                ms=3.5,
                mew=0,
                alpha=0.6,
                color=look.color,
            )
            if found.size:
                ax.plot([np.median(found)], [-at - shift], "|", ms=12, mew=MAIN, color=look.color)
    for ax, words in zip(
        axes[0], (r"decades by which $\int|f''|$ falls", "decades by which the risk falls"), strict=True
    ):
        guide(ax, 0.0, vertical=True)
        ax.set_yticks([-at for at in range(len(names))], [ARCHITECTURES[name].words for name in names])
        ax.set_ylim(-len(names) + 0.4, 0.6)
        label(ax, words)
    axes[0, 1].set_yticklabels([])
    said = _effect(result, "larger steps lower", power=False)
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Each dot is a seed: log10 of the value at the smallest step size over that at the largest, "
        "so that right of the dotted line larger steps have less; ticks are medians. Left: the total "
        "variation ∫|f''| at equal training time. Right: the risk at equal training time (disks), and with "
        "both runs stopped at their best held-out moments (triangles). Seeds of which a run does not count "
        f"are left out. {_repeat(result)}"
    ))  # fmt: skip


def paths(result: Result) -> Drawn:
    """Draw λ_max over 2/η along the training time, for the first seed."""
    names = architectures(result)
    figure, axes = _panels(len(names))
    for ax, name in zip(axes.flat, names, strict=False):
        for at, run in enumerate(_ends(result.drawn("edge", architecture=name))):
            ax.plot(run.arrays["time"], run.arrays["edge"], lw=SECONDARY, label=_eta(run), **_look(at))
        ax.set_yscale("log")
        number_ticks(ax)
        theory_level(ax, 1.0, r"$2/\eta$", at=0.98)
        ratio = r"$\lambda_{\max}\cdot\eta/2$" if ax is axes[0, 0] else ""
        label(ax, r"time $\Sigma\,\eta$", ratio, ARCHITECTURES[name].words)
    shared_legend(figure, axes, columns=2)
    kept = result.table.rows(counts(result.table, END))
    found = [kept.rows(kept["architecture"] == name) for name in names] if len(kept) else []
    middles = [float(np.median(rows["edge_ratio"])) for rows in found if len(rows)]
    ends = f"{number(min(middles))} to {number(max(middles))} of 2/η" if middles else "no number"
    said = f"The median sharpness of the architectures settles at {ends}."
    finding(figure, said)
    return Drawn(figure, (
        f"{said} λ_max·η/2 at midpoints over the training time Σ η, for the first seed, at the smallest step "
        "size (blue, solid) and the largest (vermilion, dashed); the dashed black line is 2/η. The numbers "
        f"are medians over the last half of all runs that count. {_repeat(result)}"
    ))  # fmt: skip


def _panels(count: int) -> tuple[Figure, NDArray[Any]]:
    """Return a figure with at most three panels per row."""
    columns = min(3, max(1, count))
    rows = -(-max(1, count) // columns)
    return canvas(rows, columns, TALL if rows > 1 else DOUBLE, sharey=True)


def _ends(runs: list[Run]) -> list[Run]:
    """Keep the runs of the smallest and of the largest step size."""
    ordered = sorted(runs, key=lambda run: float(run["step_size"]))
    return ordered if len(ordered) < 3 else [ordered[0], ordered[-1]]


def _look(at: int) -> dict[str, Any]:
    look, line = LINES[at]
    return {"color": look.color, "linestyle": line}


def _eta(run: Run) -> str:
    return f"η = {run['step_size']:g}"


def _data(ax: Axes, run: Run) -> None:
    labels = run.arrays["labels"]
    ax.plot(run.arrays["points"], labels, "o", ms=3.5, mew=0, color="black", alpha=0.6)
    theory(ax, run.arrays["x"], run.arrays["truth"])
    room = ROOM * float(np.ptp(labels))
    ax.set_ylim(float(labels.min()) - room, float(labels.max()) + room)


def _decades(result: Result, name: str, column: str) -> NDArray[np.float64]:
    """Finite decades by which a column of one architecture falls."""
    table = result.where(architecture=name).table
    if np.unique(table["step_size"]).size < 2:
        return np.empty(0)
    quantity, moment = column.partition("_")[0], column[column.index("_") :]
    found = decades(table, quantity, moment)
    return found[np.isfinite(found)]


def _extremes(result: Result) -> list[tuple[str, float]]:
    """Return name and median effect, decades at equal time, where it is largest and where smallest."""
    found = {name: _decades(result, name, f"tv{EQUAL_TIME}") for name in architectures(result)}
    middles = {ARCHITECTURES[name].words: float(np.median(each)) for name, each in found.items() if each.size}
    ordered = sorted(middles.items(), key=lambda item: -item[1])
    return [ordered[0], ordered[-1]] if ordered else []


def _effect(result: Result, begin: str, power: bool) -> str:
    """Say the largest and the smallest median effect on the variation, as factors or in decades."""
    ends = [(name, number(10.0**-fall if power else fall, 2)) for name, fall in _extremes(result)]
    if not ends:
        return NONE
    (most, high), (least, low) = ends
    unit = "" if power else " decades"
    return f"At equal time {begin} ∫|f''| by {high}{unit} with {most}, by {low} with {least}."


def _repeat(result: Result) -> str:
    return f"Repeat it with “stepscape run {result.claim} --full”."
