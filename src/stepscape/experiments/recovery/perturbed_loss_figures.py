"""Figure of the claim `perturbed-loss`; it reads its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import median
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.experiments.recovery.perturbed_loss import at_zero
from stepscape.experiments.recovery.perturbed_runs import POINTS
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, THIRD
from stepscape.figures.legends import series, shared_legend
from stepscape.figures.references import guide, theory
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS = {"flattest": MEASURED, "stretched": CONTRAST, "other": THIRD}
NEAR = 0.1  # of the rule
WORDS = (
    "Left: the average loss under noise of size s at three zero-loss points of {problem}, over ½ s² tr of "
    "the flattest one: the flattest solution (disks), other factors of its matrix (squares), and another "
    "matrix (triangles). The dashed lines are the exact polynomial, nothing is fitted. Right: by how much it "
    "exceeds ½ s² tr at the points of each problem; dotted: 10 %, the limit of the rule. The size s is "
    "relative to the entries of the flattest factors. Medians and quartiles over {seeds} seeds. Repeat it "
    "with “stepscape run perturbed-loss --full”."
)


def noise(result: Result) -> Drawn:
    """Perturbed loss of three points against the size of the noise, and what the second order misses."""
    table = at_zero(result.table)
    figure, axes = canvas(1, 2, DOUBLE)
    left, right = axes[0]
    problems = list(dict.fromkeys(table["problem"].tolist())) if len(table) else []
    for ax in (left, right):
        number_ticks(ax, "x")
        number_ticks(ax)
    if problems:
        _losses(left, table.where(problem=problems[0]))
        _misses(right, table, problems)
    label(left, x="size of the noise s", y="loss under noise")
    label(right, x="size of the noise s", y="excess over ½ s² tr")
    shared_legend(figure, axes, columns=3)
    found = _sentence(table)
    finding(figure, found)
    seeds = np.unique(table["seed"]).size if len(table) else 0
    first = PROBLEMS[problems[0]].words if problems else "no problem"
    return Drawn(figure, f"{found} {WORDS.format(problem=first, seeds=seeds)}")


def _losses(ax: Axes, table: Table) -> None:
    for point, words in POINTS.items():
        rows = table.where(point=point)
        if not len(rows):
            continue
        unit = rows["printed"] / rows["trace_ratio"]
        shown = Table({"size": rows["size"], "mean": rows["mean"] / unit, "exact": rows["exact"] / unit})
        ribbon(ax, shown, "size", "mean", LOOKS[point].both, label=words, width=SECONDARY)
        sizes = np.unique(rows["size"])
        theory(ax, sizes, [median(shown.where(size=size)["exact"]) for size in sizes])


def _misses(ax: Axes, table: Table, problems: list[str]) -> None:
    for i, problem in enumerate(problems):
        rows = table.where(problem=problem)
        excess = rows["exact"] / rows["printed"] - 1.0
        shown = Table({"size": rows["size"], "excess": excess})
        ribbon(ax, shown, "size", "excess", _look(i), label=PROBLEMS[problem].words, width=SECONDARY)
    guide(ax, NEAR, "10 %")


def _look(i: int) -> dict[str, Any]:
    """Return the color and marker of one of up to five problems."""
    return series(i) if i < 4 else {"color": COLORS["purple"], "marker": "v", "linestyle": "-"}


def _sentence(table: Table) -> str:
    flat = table.where(point="flattest") if len(table) else table
    if not len(flat):
        return "The flattest solution was measured at 0 sizes of the noise."
    size = float(flat["size"][np.argmin(np.abs(np.log(flat["size"])))])
    excess = 100.0 * median(flat.where(size=size)["exact"] / flat.where(size=size)["printed"] - 1.0)
    return (
        f"The flattest solution has the least loss under noise of every size; at s = {size:g} it is "
        f"{number(excess, 2)} % more than ½ s² tr."
    )
