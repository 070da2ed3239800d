"""Figures of the claim `does-descent-get-there`; they read its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.arrival import COVERED, UNFINISHED
from stepscape.experiments.confidence.does_descent_get_there import marked
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.sentences import counted
from stepscape.figures.bands import ribbon
from stepscape.figures.colors import COLORS, MEASURED
from stepscape.figures.references import guide
from stepscape.figures.style import DOUBLE, GUIDE, SMALL, TALL, canvas, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Fate → color, hatch and letter; the letter alone distinguishes them.
LOOKS = {
    COVERED: ("green", "", "C"),
    "loose bound": ("sky", "//", "l"),
    "underfits": ("orange", "..", "u"),
    "over the edge": ("purple", "\\\\", "e"),
    "interpolation trap": ("vermilion", "xx", "t"),
    "dead": ("black", "--", "d"),
    UNFINISHED: ("pale", "", "·"),
    "diverged": ("black", "", "∞"),
}
FILLS = COLORS | {"pale": "#D9D9D9"}
START_NAMES = {"torch": "PyTorch", "mean_field": "mean-field"}
Start = tuple[str, float]


def fates(result: Result) -> Drawn:
    """Draw the fates at each step size, and how far the bound on the risk is from that of a constant."""
    table = marked(result.table)
    figure, axes = canvas(1, 2, DOUBLE, width_ratios=(1.25, 1.0))
    left, right = axes[0]
    etas = np.unique(table["step_size"])
    for i, eta in enumerate(etas):
        _bar(left, i, table["fate"][table["step_size"] == eta], upright=True)
    left.set_xticks(range(etas.size), [short(eta) for eta in etas])
    left.set_ylim(0.0, 1.0)
    label(left, x=r"step size $\eta$", y="share of runs")
    drawn = "worst_case_ratio" in table and ribbon(
        right, table, "step_size", "worst_case_ratio", MEASURED.both, dots=False
    )
    if drawn:
        number_ticks(right)
    step_size_ticks(right, etas.tolist())
    guide(right, 1.0, "best constant; a bound above is vacuous", above=False)
    if drawn:
        right.set_ylim(bottom=min(0.6, right.get_ylim()[0]))
    label(right, x=r"step size $\eta$", y="risk bound / constant")
    _legend(figure, table)
    title = _found(table, etas)
    finding(figure, title)
    seeds = counted(len(np.unique(table["seed"])), "seed") if len(table) else "no seed"
    caption = (
        f"{title} Left: bars are shares of the runs from all starts, by fate. Covered: λ_max is not above "
        "2/η, the network fits the labels as well as the truth, and the theorem excludes that it fits every "
        "label where it is uncertain; underfits: it fits them worse; over the edge: λ_max is above 2/η; "
        "unfinished: the run still moves. Letters: the fate, with the number of runs. Right: the worst case "
        "that flatness allows, at the best γ, over the excess risk of the best constant on the same inputs; "
        f"line and band are median and quartiles of the runs, the dotted line is 1. {seeds}, "
        f"{len(table)} runs. "
        "Repeat with stepscape run does-descent-get-there."
    )
    return Drawn(figure, caption)


def _found(table: Table, etas: NDArray[Any]) -> str:
    """Say what became of the runs that arrived, and how good the bound gets."""
    arrived = table["arrived"].astype(bool) if len(table) else np.zeros(0, bool)
    covered = int(np.sum(table["fate"] == COVERED)) if len(table) else 0
    first = f"{covered} of {int(arrived.sum())} runs that arrive are covered"
    if "worst_case_ratio" not in table:
        return f"{first}."
    best = min((median(table["worst_case_ratio"][table["step_size"] == eta]) for eta in etas
                if np.isfinite(table["worst_case_ratio"][table["step_size"] == eta].astype(float)).any()),
               default=float("nan"))  # fmt: skip
    return f"{first}; in the median flatness allows at best {number(best, 2)} times the risk of a constant."


def every_start(result: Result) -> Drawn:
    """Draw every cell of the grid as a bar of the fates of its seeds."""
    table = marked(result.table)
    rows, etas = starts(table), np.unique(table["step_size"])
    figure, axes = canvas(1, 1, TALL)
    ax = axes[0, 0]
    for i, (init, scale) in enumerate(rows):
        for j, eta in enumerate(etas):
            _bar(ax, i, table.where(init=init, scale=scale, step_size=eta)["fate"], left=j - 0.46)
    ax.set_xticks(range(etas.size), [short(eta) for eta in etas])
    ax.set_yticks(range(len(rows)), [f"{START_NAMES[init]} × {short(scale)}" for init, scale in rows])
    ax.set_xlim(-0.5, etas.size - 0.5)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    label(ax, x=r"step size $\eta$")
    _legend(figure, table)
    shares = {start: fraction(_ended(table, start) == COVERED) for start in rows}
    known = {start: share for start, share in shares.items() if share == share}
    low, high = (100 * end(known.values(), default=float("nan")) for end in (min, max))
    title = f"From every start, {low:.0f} to {high:.0f} % of the runs that arrive are covered."
    finding(figure, title)
    return Drawn(figure, f"{title} One bar per start (rows) and step size (columns), with parts as long as "
                         "the counts of its seeds; letters and counts stand where they fit.")  # fmt: skip


def _ended(table: Table, start: Start) -> NDArray[Any]:
    here = table.where(init=start[0], scale=start[1])
    return np.asarray(here["fate"][here["arrived"].astype(bool)])


def starts(table: Table) -> list[Start]:
    """Return the starts of the grid: torch by scale, then mean-field by scale."""
    pairs = set(zip(table["init"].tolist(), table["scale"].tolist(), strict=True))
    return sorted(pairs, key=lambda pair: (list(START_NAMES).index(pair[0]), pair[1]))


def _bar(ax: Axes, place: int, found: NDArray[Any], upright: bool = False, left: float = 0.0) -> None:
    """Draw one bar with parts as long as the counts, upright or lying; long parts carry letter and count."""
    for fate, (color, hatch, letter) in LOOKS.items():
        count = int(np.sum(found == fate))
        if not count:
            continue
        look: dict[str, Any] = {
            "facecolor": FILLS[color], "hatch": hatch, "edgecolor": "white", "linewidth": GUIDE
        }  # fmt: skip
        length = (1.0 if upright else 0.92) * count / found.size
        (ax.bar if upright else ax.barh)(place, length, 0.8, left, **look)
        if length > (0.07 if upright else 0.25):
            at = (place, left + 0.5 * length) if upright else (left + 0.5 * length, place)
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
            ax.text(at[0], at[1], f"{letter}{count}", ha="center", va="center", fontsize=SMALL, bbox=box)
        left += length


def _legend(figure: Figure, table: Table) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=FILLS[color], hatch=hatch, edgecolor="white", label=f"{letter}  {fate}")
        for fate, (color, hatch, letter) in LOOKS.items()
        if (table["fate"] == fate).any()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=SMALL, frameon=False)
