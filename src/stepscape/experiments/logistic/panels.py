"""What figures of the logistic claims share: pooled panels with a thin line per cell, grids, factors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.experiments.frame import Result, Run
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.logistic.cells import CELLS, logarithmic
from stepscape.figures.bands import interval_bars, quartiles, ribbon, usable
from stepscape.figures.legends import shared_legend
from stepscape.figures.style import GUIDE, SECONDARY, canvas, label
from stepscape.figures.ticks import choices, named_ticks, number_ticks, step_size_ticks
from stepscape.tables.interval import Interval
from stepscape.tables.number import number, short
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Cell = tuple[float, float]
Curve = tuple[str, str, Mapping[str, Any]]  # column, its name, its look
MOST_CELLS = 3
ABOVE_ONE = (
    (2.0, 3.0, 5.0, 10.0, 30.0, 100.0),
    (3.0, 10.0, 30.0, 100.0),
    (10.0, 100.0),
    (10.0,),
    (100.0,),
    (1e3,),
)


def drawn_cells(result: Result) -> list[Cell]:
    """Return at most three of the cells with curves, both ends included."""
    ordered = sorted({(run["amplitude"], run["flip_rate"]) for run in result.drawn("f")})
    if not ordered:
        return []
    keep = np.unique(np.round(np.linspace(0, len(ordered) - 1, MOST_CELLS)).astype(int))
    return [ordered[i] for i in keep]


def drawn_run(result: Result, cell: Cell, step_size: float) -> Run | None:
    """Return the run of a cell and step size that has curves; None if there is none."""
    runs = result.drawn("f", amplitude=cell[0], flip_rate=cell[1], step_size=step_size)
    return runs[0] if runs else None


def shown_step_sizes(result: Result) -> list[float]:
    """Return those of the step sizes to be shown at which a run has curves."""
    return [eta for eta in result.settings["shown"] if result.drawn("f", step_size=eta)]


def cell_name(cell: Cell) -> str:
    """Name a cell in words."""
    return f"amplitude {cell[0]:g}, {100 * cell[1]:g} % flips"


def pooled(
    ax: Axes, table: Table, x: str, y: str, look: Mapping[str, Any], names: Mapping[str, str] = CELLS,
    **options: Any,
) -> Line2D | None:  # fmt: skip
    """Draw the median and quartiles of all runs, and a thin line for the median of each cell."""
    if y not in table:
        return None
    several = cells(table, names)
    for rows in several.values() if len(several) > 1 else ():
        at, values = usable(rows, x, y)
        if at.size:
            places, (_, middle, _) = quartiles(at, values)
            ax.plot(places, middle, color=look["color"], lw=GUIDE, alpha=0.5, zorder=1.7)
    return ribbon(ax, table, x, y, dict(look), **options)


def over_first(table: Table, column: str, names: Sequence[str], x: str = "step_size") -> Table:
    """Add ``ratio``, a column over its value in the run of the same cell and seed at the smallest `x`."""
    if column not in table:
        return table
    logs = logarithmic(table, column)[column]
    keys = list(zip(*(table[name].tolist() for name in (*names, "seed")), strict=True))
    first = table[x].min()
    base = {key: value for key, value, at in zip(keys, logs, table[x], strict=True) if at == first}
    ratio = 10.0 ** np.array([value - base.get(key, np.nan) for key, value in zip(keys, logs, strict=True)])
    return Table({**table.columns, "ratio": np.where(np.isfinite(ratio), ratio, np.nan)})


def grid(
    table: Table, curves: Sequence[Curve], y_name: str, log: bool = True,
    more: Callable[[Axes, Table], None] = lambda *_: None,
) -> Figure:  # fmt: skip
    """Draw columns against the step size in every cell: rows by amplitude, columns by flip rate."""
    amplitudes, rates = (np.unique(table[name]).tolist() for name in ("amplitude", "flip_rate"))
    size = (7.2, 1.7 * len(amplitudes) + 1.4)
    figure, axes = canvas(len(amplitudes), len(rates), size, sharex=True, sharey=True)
    for row, amplitude in zip(axes, amplitudes, strict=True):
        for ax, rate in zip(row, rates, strict=True):
            rows = table.where(amplitude=amplitude, flip_rate=rate)
            for column, name, look in curves:
                if column in rows:
                    ribbon(ax, rows, "step_size", column, dict(look), width=SECONDARY, label=name)
            more(ax, rows)
            step_size_ticks(ax, np.unique(table["step_size"]).tolist())
            label(ax, title=cell_name((amplitude, rate)))
    for ax in axes[-1]:
        ax.set_xlabel("step size η", fontsize=10)
    axes[len(amplitudes) // 2, 0].set_ylabel(y_name, fontsize=10)
    if log and any(ax.lines for ax in axes.flat):
        number_ticks(axes[0, 0])
    shared_legend(figure, axes, columns=3)
    return figure


def factor_ticks(ax: Axes, axis: str = "y") -> None:
    """Make an axis logarithmic and name factors: ×½, ×1, ×2."""
    ax.set(**{f"{axis}scale": "log"})
    low, high = ax.get_ylim() if axis == "y" else ax.get_xlim()
    ax.set(**{f"{axis}lim": (min(low, 1 / 2.1), max(high, 2.1))})
    named_ticks(ax.yaxis if axis == "y" else ax.xaxis, factors, factor)


def factors(low: float, high: float) -> Iterator[list[float]]:
    """Yield sets of factors within limits, evenly around 1, the densest first.

    >>> list(factors(0.3, 30.0))[1:3]
    [[0.3333333333333333, 1.0, 3.0, 10.0, 30.0], [1.0, 10.0]]
    """
    for above in ABOVE_ONE:
        around = sorted({1.0, *above, *(1.0 / each for each in above)})
        yield [each for each in around if low * (1.0 - 1e-9) <= each <= high * (1.0 + 1e-9)]
    yield from choices(low, high)


def factor(value: float) -> str:
    """Name a factor: a fraction below 1.

    >>> factor(0.5), factor(1 / 3), factor(0.01), factor(1.0), factor(2.0), factor(1e-6)
    ('×½', '×⅓', '×1/100', '×1', '×2', '×10⁻⁶')
    """
    fractions = {2: "½", 3: "⅓", 5: "⅕"}
    below = round(1.0 / value) if 0.009 < value < 0.9 else 0
    if below > 1 and np.isclose(below * value, 1.0):
        return f"×{fractions.get(below, f'1/{below}')}"
    return f"×{short(value)}"


def as_factor(found: Interval) -> Interval:
    """Turn an interval of log10 of a ratio into one of the factor."""
    with np.errstate(over="ignore"):
        mean, low, high = (float(np.power(10.0, each)) for each in (found.mean, found.low, found.high))
    return Interval(mean, low, high, found.count)


def factor_bars(
    ax: Axes,
    at: Sequence[float],
    intervals: Sequence[Interval],
    look: Mapping[str, Any],
    name: str | None = None,
) -> None:
    """Draw intervals of log10 of ratios as factors; those of fewer than two seeds have no ends."""
    known = [i for i, each in enumerate(intervals) if np.isfinite(each.low)]
    if known:
        found = [as_factor(intervals[i]) for i in known]
        interval_bars(ax, [at[i] for i in known], found, dict(look), name)


def course(places: Sequence[float], values: Sequence[float]) -> str:
    """Say how a curve goes from the first place to the last, and over which top, if it has one between.

    >>> course((0.1, 0.4, 1.2), (1.0, 4.0, 2.0)), course((0.1, 1.2), (1.0, 2.0))
    ('rises to 4 at η = 0.4 and falls to 2 at η = 1.2', 'rises from 1 at η = 0.1 to 2 at η = 1.2')
    """
    top, last = int(np.argmax(values)), len(values) - 1
    first, peak, end = (f"{number(float(values[i]), 2)} at η = {places[i]:g}" for i in (0, top, last))
    if 0 < top < last:
        return f"rises to {peak} and falls to {end}"
    return f"{'rises' if top else 'falls'} from {first} to {end}"
