"""The figure of the claim `union-of-subspaces`; it reads its runs and computes no measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.sentences import counted, number
from stepscape.experiments.plane.gap import GAP
from stepscape.experiments.plane.seedwise import SIZES, aligned
from stepscape.experiments.plane.union_of_subspaces import balls, by_inner, lines
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import CONTRAST, MEASURED, level_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.style import DOUBLE, MAIN, NAMES, SECONDARY, canvas, label, note
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION = (
    "Left: generalization gap, the expected squared error on new labels minus that on the labels of the "
    "data, against the number of inputs n: on lines in ambient spaces of three dimensions d (disks), and in "
    "a full ball of the dimension that the lines span (vermilion squares). Middle: the gap in the middle "
    "ambient space, on subspaces of dimension m, fewer of them the larger m, so that all span as much. "
    "Right: share of the data that a neuron holds, weighted by the size of its bend. Medians and quartiles."
)


def draw_gap(result: Result) -> Drawn:
    """Draw the gap by ambient and by intrinsic dimension, and the path-weighted rate."""
    on, full, inner = lines(result), balls(result), by_inner(result)
    rank = result.settings["rank"]
    figure, axes = canvas(1, 3, DOUBLE)
    left, middle, right = axes[0]
    for ax in axes[0]:
        number_ticks(ax, "x")
    for ax in (left, middle):
        number_ticks(ax)
    for d, rows in on.items():
        _curve(left, rows, GAP, marks(level_color(d, list(on))), f"$d$ = {d:,}".replace(",", " "))
    for m, rows in inner.items():
        _curve(middle, rows, GAP, marks(level_color(m, list(inner))), f"$m$ = {m}")
    if rank in full:
        _curve(left, full[rank], GAP, CONTRAST.both, "ball")
        _curve(right, full[rank], "path_rate", CONTRAST.both, "ball")
    if on:
        _curve(right, on[min(on)], "path_rate", MEASURED.both, "lines", MAIN)
    for ax in axes[0]:
        if not ax.lines:
            note(ax, "no run finished")
    label(left, x="$n$", title="gap, lines in $d$ dimensions")
    label(middle, x="$n$", title="gap, intrinsic $m$")
    label(right, x="$n$", title="path-weighted rate")
    left.set_ylabel("generalization gap", fontsize=NAMES)
    sentence = _sentence(on, full, rank)
    finding(figure, sentence)
    count = len(set(result.table["seed"])) if len(result.table) else 0
    return Drawn(figure, f"{sentence} {CAPTION} {counted(count, 'seed')}.")


def _curve(
    ax: Axes, rows: Table, column: str, look: dict[str, Any], name: str, width: float = SECONDARY
) -> None:
    if column not in rows:
        return
    line = ribbon(ax, rows.rows(SIZES.counts(rows)), "n", column, look, keep_dead=True, width=width)
    if line is not None:
        name_at_end(ax, line, name)


def _sentence(on: dict[int, Table], full: dict[int, Table], rank: int) -> str:
    slopes = {d: median(aligned([rows], GAP)[0]) for d, rows in on.items()}
    known = [each for each in slopes.values() if each == each]
    if not known or rank not in full:
        return "Too few runs finished to compare lines with a ball."
    ball = median(aligned([full[rank]], GAP)[0])
    return (
        f"On lines in {min(on)} to {max(on)} dimensions the gap falls with slopes of {number(max(known))} to "
        f"{number(min(known))} in log n; in a ball of dimension {rank} with {number(ball)}."
    )
