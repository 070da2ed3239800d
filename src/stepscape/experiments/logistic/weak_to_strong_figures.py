"""Figures of the claim `weak-to-strong`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import Drawn
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.logistic.edge import arrived
from stepscape.experiments.logistic.logistic_step_sizes_figures import seeds_of
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import eta_color, level_color, marks
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import theory, theory_level
from stepscape.figures.style import DOUBLE, GUIDE, MAIN, TALL, canvas, label
from stepscape.figures.ticks import number_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATE = -0.4
NAMED = 3  # numbers of examples whose names have room on an axis
WHERE = {"uncertain": "where the truth\nis uncertain", "interior": "in the interior"}


def excess(table: Table, still: tuple[float, float], nearly_all: float) -> Drawn:
    """Excess risk against n: columns are decays, rows are regions, one curve per step size, and n^(−2/5).

    still : how far f and λ_max·η/2 of a run that has arrived may have moved.
    """
    decays = np.unique(table["weight_decay"]).tolist()
    figure, axes = canvas(len(WHERE), len(decays), TALL, sharex=True, sharey="row")
    there = _arrived(table, still)
    for row, region in zip(axes, WHERE, strict=True):
        column = f"excess_risk_{region}"
        for ax, decay in zip(row, decays, strict=True):
            here = table["weight_decay"] == decay
            _curves(ax, table.rows(here), column, there[here], nearly_all)
            _power(ax, table, column)
        if any(ax.lines for ax in row):
            number_ticks(row[0])
    for ax, decay in zip(axes[0], decays, strict=True):
        label(ax, title=f"decay {decay:g}")
    for (ax, *_), where in zip(axes, WHERE.values(), strict=True):
        ax.set_ylabel(f"excess risk {where}", fontsize=10)
    for ax in axes[-1]:
        _sizes(ax, table)
    title = _title(table, there, nearly_all)
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The excess risk against the number of examples, above between the outermost inputs with "
        "|f0| at most 1, below in the interior; medians with quartiles as a band, in the color of the step "
        "size. Thin curves are unfinished: at some size too few of their runs have arrived, and they "
        f"compare with nothing. Dashed: n^(−2/5) through the median of the smallest size. {seeds_of(table)}",
    )


def _arrived(table: Table, still: tuple[float, float]) -> NDArray[np.bool_]:
    return arrived(table, *still) if "function_moved" in table else np.zeros(len(table), bool)


def _share(sizes: NDArray[np.int64], there: NDArray[np.bool_]) -> float:
    """Share of the runs that have arrived at the size where it is smallest."""
    return min((fraction(there[sizes == n]) for n in np.unique(sizes)), default=float("nan"))


def _curves(ax: Axes, rows: Table, column: str, there: NDArray[np.bool_], nearly_all: float) -> None:
    if column not in rows:
        return
    for eta in np.unique(rows["step_size"]):
        some = rows["step_size"] == eta
        done = _share(rows["n"][some], there[some]) >= nearly_all
        line = ribbon(ax, rows.rows(some), "n", column, marks(eta_color(eta)), width=MAIN if done else GUIDE)
        if line is not None:
            name_at_end(ax, line, f"η = {eta:g}" if done else f"{eta:g}, unfinished")


def _power(ax: Axes, table: Table, column: str) -> None:
    """Draw n^(−2/5) through the median of the first size over all runs."""
    sizes = np.unique(table["n"]).astype(float)
    first = median(table[column][table["n"] == sizes[0]]) if column in table else np.nan
    if np.isfinite(first):
        theory(ax, sizes, first * (sizes / sizes[0]) ** RATE, r"$n^{-2/5}$", at=0.6)


def _sizes(ax: Axes, table: Table) -> None:
    sizes = [float(n) for n in np.unique(table["n"])]
    stride = 2 if len(sizes) > NAMED else 1  # the names of all would touch
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [f"{n:g}" if i % stride == 0 else "" for i, n in enumerate(sizes)])
    ax.minorticks_off()
    ax.set_xlabel("examples n", fontsize=10)


def _title(table: Table, there: NDArray[np.bool_], nearly_all: float) -> str:
    """Compare both together with decay alone at the largest n, where both have arrived."""
    largest, etas = table["n"].max(), np.unique(table["step_size"])
    for decay in np.unique(table["weight_decay"]):
        here = (table["weight_decay"] == decay) & (decay > 0.0)
        ends = [here & (table["step_size"] == eta) for eta in (etas[0], etas[-1])]
        if all(mask.any() and _share(table["n"][mask], there[mask]) >= nearly_all for mask in ends):
            values = [median(table["excess_risk_uncertain"][mask & (table["n"] == largest)]) for mask in ends]
            return (
                f"At decay {decay:g} and n = {largest:g}, the median excess risk is {number(values[0], 2)} "
                f"at η = {etas[0]:g} and {number(values[1], 2)} at η = {etas[-1]:g}, both at convergence"
            )
    return f"{100 * fraction(there):.0f} % of the runs have arrived; no two step sizes can be compared"


def premises(table: Table) -> Drawn:
    """Draw what the theorem supposes against n: a fit as good as the truth's, flatness, and the norm."""
    figure, axes = canvas(1, 3, (DOUBLE[0], DOUBLE[1] + 0.3))
    largest = table.where(step_size=table["step_size"].max())
    decays = np.unique(table["weight_decay"]).tolist()
    theory_level(axes[0, 1], 1.0, r"$2/\eta$")
    for decay in decays:
        rows = largest.where(weight_decay=decay)
        look = marks(level_color(decay + 1e-4, [each + 1e-4 for each in decays]))
        if "optimized_uncertain" in rows and len(rows):
            _shares(axes[0, 0], rows, look, f"{decay:g}")
            ribbon(axes[0, 1], rows, "n", "edge_ratio", look)
            ribbon(axes[0, 2], rows, "n", "norm", look)
    names = ("runs that fit, by decay", r"edge ratio $\lambda_{\max}\eta/2$", r"norm $\|\theta\|$")
    for ax, name in zip(axes[0], names, strict=True):
        _sizes(ax, table)
        label(ax, "examples n", title=name)
        ax.set_ylim(bottom=0.0)
    axes[0, 1].set_ylim(0.0, 1.3)
    title = _premises_title(largest, decays)
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. At the largest step size, against the number of examples: the share of the runs that fit "
        "the labels between the outermost inputs with |f0| at most 1 at least as well as the truth; the edge "
        "ratio λ_max·η/2 over the last half of training, dashed at 1; and the norm of the parameters. "
        f"Medians with quartiles as a band, in the color of the decay. {seeds_of(table)}",
    )


def _shares(ax: Axes, rows: Table, look: dict[str, object], name: str) -> None:
    sizes = np.unique(rows["n"])
    share = [fraction(rows["optimized_uncertain"][rows["n"] == n] == 1) for n in sizes]
    (line,) = ax.plot(sizes.astype(float), share, lw=MAIN, **look)  # type: ignore[arg-type]
    name_at_end(ax, line, name)


def _premises_title(rows: Table, decays: list[float]) -> str:
    if "optimized_uncertain" not in rows:
        return "No run ended: nothing is known of the premises"
    shares = {
        decay: fraction(rows["optimized_uncertain"][rows["weight_decay"] == decay] == 1) for decay in decays
    }
    words = [f"{100 * share:.0f} % of the runs at decay {decay:g}" for decay, share in shares.items()]
    joined = " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    return f"The network fits the labels as well as the truth does in {joined}"
