"""Figure of the claim `catapult-graveyard`; it reads its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.forces.phase_runs import PHASES, lost, phases
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.colors import COLORS
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory
from stepscape.figures.style import DOUBLE, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Shape and lightness tell the phases apart without color.
LOOKS: dict[str, dict[str, Any]] = {
    "diverged": {"marker": "x", "color": COLORS["black"], "mew": 2.0},
    "dead": {"marker": "X", "color": COLORS["vermilion"], "mew": 0.0},
    "thrown": {"marker": "v", "color": COLORS["purple"], "mew": 0.0},
    "edge": {"marker": "s", "color": COLORS["blue"], "mew": 0.0},
    "moving": {"marker": "^", "color": COLORS["green"], "mew": 0.0},
    "lazy": {"marker": "o", "color": COLORS["orange"], "mew": 0.0},
}
SIZE = 9.0  # points
WORDS = {
    "thrown": "thrown below the edge",
    "edge": "at the edge",
    "moving": "below the edge, moving",
    "lazy": "below the edge, lazy",
}


def diagram(result: Result) -> Drawn:
    """Draw the most frequent phase at every scale and step size, one panel per range."""
    table = result.table
    widths = np.unique(table["half_width"])[::-1]
    figure, axes = canvas(1, widths.size, DOUBLE, sharex=True, sharey=True)
    for ax, half_width in zip(axes[0], widths, strict=True):
        rows = table.where(half_width=half_width)
        _phases(ax, rows)
        _threshold(ax, rows)
        _axes(ax, rows)
        label(ax, "scale of the initialization", title=f"x in [−{half_width:g}, {half_width:g}]")
    axes[0, 0].set_ylabel("step size η", fontsize=10.0)
    shared_legend(figure, axes, columns=3)
    sentence = _sentence(table)
    finding(figure, sentence)
    return Drawn(figure, (
        f"{sentence} Each mark is the most frequent end of {np.unique(table['seed']).size} runs from "
        "PyTorch's default initialization times the scale: diverged (thin cross), dead (filled cross), "
        "thrown far below the edge by a catapult (triangle that points down), at the edge of stability "
        "(square), below the edge with neurons that moved (triangle that points up), below the edge and "
        "lazy (disk). On the dashed line the initial sharpness λ is 2/η: above it, the first step is "
        "unstable. Repeat it with “stepscape run catapult-graveyard --full”."
    ))  # fmt: skip


def _phases(ax: Axes, rows: Table) -> None:
    found = phases(rows)
    for name, look in LOOKS.items():
        at = [
            (scale, eta)
            for scale in np.unique(rows["scale"])
            for eta in np.unique(rows["step_size"])
            if _most(found[(rows["scale"] == scale) & (rows["step_size"] == eta)]) == name
        ]
        across, along = zip(*at, strict=True) if at else ((), ())
        ax.plot(across, along, linestyle="none", ms=SIZE, label=WORDS.get(name, name), zorder=4, **look)


def _most(found: NDArray[np.str_]) -> str:
    """Return the most frequent phase; of equally frequent ones that which `PHASES` names first."""
    names = list(PHASES)
    counts = [int(np.sum(found == name)) for name in names]
    return names[int(np.argmax(counts))] if found.size else ""


def _threshold(ax: Axes, rows: Table) -> None:
    """Draw the step size 2/λ of the start at every scale, the median over the seeds."""
    scales = np.unique(rows["scale"])
    eta = np.array([np.median(2.0 / rows["initial_sharpness"][rows["scale"] == scale]) for scale in scales])
    inside = (eta > 0.6 * rows["step_size"].min()) & (eta < rows["step_size"].max() / 0.6)
    if inside.any():
        theory(ax, scales[inside], eta[inside], r"$\eta = 2/\lambda$", at=1.0)


def _axes(ax: Axes, rows: Table) -> None:
    number_ticks(ax, "x")
    number_ticks(ax)
    for column, limits in (("scale", ax.set_xlim), ("step_size", ax.set_ylim)):
        limits(0.6 * rows[column].min(), rows[column].max() / 0.6)


def _sentence(table: Table) -> str:
    default = table.rows((table["scale"] == 1.0) & (table["step_size"] >= 0.1))
    if not len(default):
        return f"Of {number(len(table))} runs {number(int(lost(table).sum()))} are lost."
    gone = int(lost(default).sum())
    return (
        f"From the default scale 1 and with η of 0.1 or more, {number(gone)} of {number(len(default))} runs "
        "diverge or die."
    )
