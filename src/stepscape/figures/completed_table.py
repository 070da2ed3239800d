"""The figures of a completed table: how the penalty was chosen, and how well each column is filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.figures.colors import CONTRAST, MEASURED, Look
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, NAMES, SECONDARY, SMALL, canvas, label
from stepscape.figures.text import shown
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, rounded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
LOOKS = {"flat": MEASURED, "nuclear": CONTRAST}
WORDS = {"flat": "flat norm", "nuclear": "nuclear norm"}
FEWEST, MOST_COLUMNS = 3, 24
MEAN = "column means"
LONGEST = 18  # letters of the name of a column


@dataclass(frozen=True)
class NormPath:
    """Held-out errors (k,) of one norm at falling penalties (k,), and the place of the chosen one."""

    norm: str
    penalty: Array
    error: Array
    standard_error: Array
    chosen: int


def completion_figures(
    path: Sequence[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]]
) -> dict[str, Figure]:
    """Draw what there is to draw of a completed table.

    Parameters
    ----------
    path : records of norm, penalty, error, standard_error and chosen; of the norm that was used first.
    columns : records of column and relative_error, which is None where it is not known.

    Returns
    -------
    dict
        "penalty" if there are several penalties, "columns" if three columns have a standard error.
    """
    made = {}
    paths = [_norm_path(norm, path) for norm in dict.fromkeys(row["norm"] for row in path)]
    if paths and all(each.penalty.size > 1 for each in paths):
        made["penalty"] = draw_penalties(paths)
    known = [row for row in columns if row["relative_error"] is not None]
    if len(known) >= FEWEST:
        errors = np.array([row["relative_error"] for row in known])
        made["columns"] = draw_columns([row["column"] for row in known], errors)
    return made


def draw_penalties(paths: Sequence[NormPath]) -> Figure:
    """Held-out error against the penalty, with standard errors over folds; the norm used stands first."""
    figure, axes = canvas(size=DOUBLE)
    ax = axes[0, 0]
    number_ticks(ax, "x")
    for place, path in reversed(list(enumerate(paths))):
        _path(ax, path, LOOKS[path.norm], cap=2.0 + 2.0 * place)
    guide(ax, 1.0, MEAN, at=0.35)
    label(ax, "penalty λ", "held-out error")
    finding(figure, _penalty_title(paths))
    return figure


def draw_columns(names: Sequence[str], errors: Array) -> Figure:
    """Draw the standard error of each filled column over its standard deviation."""
    order = np.argsort(errors)[::-1][-MOST_COLUMNS:]
    high = 1.4 + 0.24 * order.size
    figure, axes = canvas(size=(DOUBLE[0], max(2.4, high)))
    ax = axes[0, 0]
    ax.plot(errors[order], np.arange(order.size), **MEASURED.marks)
    ax.set_yticks(np.arange(order.size), [shown(names[i], LONGEST) for i in order], fontsize=SMALL)
    ax.set_ylim(-0.7, order.size - 0.3)
    end = 1.05 * max(1.0, float(errors[order].max()))
    ax.set_xlim(0.0, end)
    guide(ax, 1.0, MEAN, at=0.98, vertical=True, above=end > 2.0)
    ax.set_xlabel("standard error / standard deviation of the column", fontsize=NAMES)
    finding(figure, _column_title(names, errors))
    return figure


def _norm_path(norm: str, path: Sequence[Mapping[str, Any]]) -> NormPath:
    rows = [row for row in path if row["norm"] == norm]
    penalty, error, spread = (
        np.array([row[name] for row in rows], dtype=np.float64)
        for name in ("penalty", "error", "standard_error")
    )
    return NormPath(norm, penalty, error, spread, [row["chosen"] for row in rows].index(True))


def _path(ax: Axes, path: NormPath, look: Look, cap: float) -> None:
    ax.errorbar(
        path.penalty, path.error, yerr=path.standard_error, color=look.color, linestyle="none",
        elinewidth=SECONDARY, capthick=SECONDARY, capsize=cap,
    )  # fmt: skip
    (line,) = ax.plot(path.penalty, path.error, linewidth=SECONDARY, **look.line)
    at = path.chosen
    ax.plot(path.penalty[at], path.error[at], **look.marks)
    name_at_end(ax, line, WORDS[path.norm])


def _penalty_title(paths: Sequence[NormPath]) -> str:
    used, *others = paths
    at = used.chosen
    said = (
        f"At penalty {rounded(used.penalty[at])} the {WORDS[used.norm]} has a held-out error of "
        f"{number(float(used.error[at]))}"
    )
    for other in others:
        said += f", the {WORDS[other.norm]} at best {number(float(other.error[other.chosen]))}"
    return f"{said}; column means have about 1"


def _column_title(names: Sequence[str], errors: Array) -> str:
    best, worst = int(np.argmin(errors)), int(np.argmax(errors))
    first = f"{shown(names[best], LONGEST)} is filled to within {number(float(errors[best]), 2)}"
    unit = "standard deviations"
    if best == worst:
        return f"{first} {unit}"
    return f"{first} {unit}, {shown(names[worst], LONGEST)} only to within {number(float(errors[worst]), 2)}"
