"""Figures of the claim `logistic-step-sizes`; they read its rows, curves and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.logistic.cells import CELLS, WHEN
from stepscape.experiments.logistic.edge import could_be, on_line
from stepscape.experiments.logistic.panels import (
    Cell,
    as_factor,
    cell_name,
    course,
    drawn_cells,
    drawn_run,
    factor_ticks,
    grid,
    over_first,
    pooled,
    shown_step_sizes,
)
from stepscape.figures.bands import failures
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED, MOMENT, REGION, eta_color
from stepscape.figures.labels import name_at_end
from stepscape.figures.references import guide, theory
from stepscape.figures.strips import clip, ratio_strip, with_strip
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, SINGLE, TALL, canvas, footnote, label
from stepscape.figures.ticks import number_ticks, step_size_ticks
from stepscape.figures.titles import finding
from stepscape.tables.interval import Interval
from stepscape.tables.number import number
from stepscape.tables.records import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATIO = r"$\lambda_{\max}\,\eta/2$"
REACH = 1.4  # of the strip of ratios
LOWEST = 0.5  # ratios below are not near the edge and not in the strip
POOLED = (
    " The thick line is the median over all cells and seeds with the quartiles as a band; thin lines are the "
    "medians of the cells (amplitude of the truth, flip rate). {seeds}"
)


def seeds_of(table: Table) -> str:
    """Say how many seeds a caption speaks of."""
    count = len(np.unique(table["seed"]))
    return f"{count} seed{'' if count == 1 else 's'}."


def edge(table: Table) -> Drawn:
    """λ_max of the midpoint against η, and its ratio to 2/η below, with that of the single iterate."""
    figure, ((above,), (strip,)) = with_strip(1, (SINGLE[0] + 0.6, SINGLE[1] + 0.8))
    etas = np.unique(table["step_size"])
    theory(above, etas, 2.0 / etas, r"threshold $2/\eta$", at=0.7)
    ratio_strip(strip, RATIO, REACH)
    title = "No run ended: there is no sharpness to compare with 2/η"
    if "edge_ratio" in table:
        start = median(table["initial_sharpness"])
        guide(above, start, "untrained network", at=0.02)
        shown = _with_ratios(table)
        pooled(above, shown, "step_size", "at_end", MEASURED.line)
        single = pooled(strip, shown, "step_size", "single", CONTRAST.line, width=SECONDARY)
        middle = pooled(strip, shown, "step_size", "midpoint", MEASURED.line)
        for line, name in ((single, "iterate"), (middle, "midpoint")):
            if line is not None:
                name_at_end(strip, line, name)
        number_ticks(above)
        title = _edge_title(table)
    step_size_ticks(strip, etas.tolist())
    label(above, y=r"sharpness $\lambda_{\max}$")
    strip.set_xlabel("step size η", fontsize=10)
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. Above: the sharpness of the midpoint network over the last half of training against the "
        "step size, with the threshold 2/η (dashed) and the sharpness of the untrained network (dotted); "
        "where that lies above 2/η, runs start beyond the edge. Below: the edge ratio λ_max·η/2, of the "
        "midpoint in blue and of the single iterate in vermilion." + POOLED.format(seeds=seeds_of(table)),
    )


def _with_ratios(table: Table) -> Table:
    """Add λ_max, and both ratios where they are not far below the strip."""
    ratios = {"midpoint": table["edge_ratio"], "single": table["edge_ratio_last"]}
    shown = {name: np.where(each > LOWEST, clip(each, REACH), np.nan) for name, each in ratios.items()}
    return Table({**table.columns, "at_end": table["edge_ratio"] * 2.0 / table["step_size"], **shown})


def _edge_title(table: Table) -> str:
    could = could_be(table)
    share, last = fraction(on_line(table)[could]), median(table["edge_ratio_last"][could])
    if not could.any():
        return "No run came to the edge of stability"
    return (
        f"At the edge, the midpoint ends on 2/η in {100 * share:.0f} % of the runs; the single iterate has "
        f"{number(last)} times 2/η in the median"
    )


def edge_all(table: Table) -> Drawn:
    """λ_max·η/2 in every cell, of the midpoint and of the single iterate."""

    def level(ax: Axes, rows: Table) -> None:
        etas = np.unique(rows["step_size"])
        theory(ax, etas, np.ones_like(etas))

    curves = (("edge_ratio", "midpoint", MEASURED.line), ("edge_ratio_last", "single iterate", CONTRAST.line))
    figure = grid(table, curves, f"edge ratio {RATIO}", more=level)
    finding(figure, "The edge ratio of the midpoint and of the single iterate, cell by cell")
    return Drawn(
        figure,
        "The edge ratio λ_max·η/2 over the last half of training in every cell, medians and quartiles over "
        f"{seeds_of(table)} Blue: midpoint network; vermilion: single iterate; dashed: 1.",
    )


def excess(result: Result, found: Mapping[str, Interval]) -> Drawn:
    """Excess risk over that of the smallest step size: columns are moments, rows are regions.

    found : region → the interval of log10 of the ratio, smallest over largest, after equally many steps.
    """
    table = result.table
    figure, axes = canvas(2, len(WHEN), TALL, sharex=True, sharey="row")
    for row, (region, name) in zip(axes, (("_interior", "interior"), ("", "everywhere")), strict=True):
        for ax, suffix in zip(row, WHEN, strict=True):
            shown = over_first(table, f"excess_risk{region}{suffix}", tuple(CELLS))
            guide(ax, 1.0)
            pooled(ax, shown, "step_size", "ratio", REGION[name].line)
            step_size_ticks(ax, np.unique(table["step_size"]).tolist())
            label(ax, title=WHEN[suffix] if region else "")
        factor_ticks(row[0])
        row[0].set_ylabel(f"excess risk, {REGION[name].words},\nover that at the smallest η", fontsize=10)
    for ax in axes[-1]:
        ax.set_xlabel("step size η", fontsize=10)
    title = _excess_title(found, *_ends(table))
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The excess risk in the interior (above, where the weight g is at least a tenth of its "
        "largest value) and over all inputs (below), over that of the same seed and cell at the smallest "
        "step size; dotted: equal. Columns: after equally many steps, at equal time Ση, and with every run "
        "stopped at its best held-out moment." + POOLED.format(seeds=seeds_of(table)),
    )


def _excess_title(found: Mapping[str, Interval], low: float, high: float) -> str:
    if not found:
        return "No step sizes could be compared"
    says = [f"{_factor(each)} {name}" for name, each in found.items()]
    return f"After equally many steps, η = {high:g} has {' and '.join(says)} the excess risk of η = {low:g}"


def _factor(saved: Interval) -> str:
    """Write the factor by which the largest step size has more."""
    factor = number(1.0 / as_factor(saved).mean, 2)
    return f"{factor} times" if saved.sign else f"{factor} times (not significant)"


def excess_all(table: Table, column: str, name: str) -> Drawn:
    """Excess risk in every cell at three moments."""
    curves = [(f"{column}{suffix}", look.words, look.both) for suffix, look in MOMENT.items()]
    figure = grid(table, curves, f"excess risk, {name}")
    finding(figure, f"Excess risk ({name}) against the step size at three moments, cell by cell")
    return Drawn(
        figure,
        f"The excess risk ({name}) in every cell, at the end of training, at equal time and at the best "
        f"held-out moment; medians and quartiles over {seeds_of(table)}",
    )


def simpler(table: Table) -> Drawn:
    """Weighted variation and linear pieces at the end of training against the step size."""
    names = {"weighted_tv": r"weighted variation $\int|f''|\,g$", "pieces": "linear pieces"}
    figure, axes = canvas(1, 2, DOUBLE)
    etas = STEP_SIZES.working(table).tolist()
    courses = []
    for ax, (column, name) in zip(axes[0], names.items(), strict=True):
        if pooled(ax, table, "step_size", column, MEASURED.line):
            number_ticks(ax)
            values = [median(table[column][table["step_size"] == eta]) for eta in etas]
            courses.append(course(etas, values))
        label(ax, "step size η", name)
        step_size_ticks(ax, np.unique(table["step_size"]).tolist())
    title = "No run ended with a curve"
    if len(courses) == len(names):
        title = f"The median of ∫|f″|g {courses[0]}; that of the pieces {courses[1]}"
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The weighted variation ∫|f″|g, which the theorem bounds, and the linear pieces of the "
        "logit (within 0.2) at the end of training." + POOLED.format(seeds=seeds_of(table)),
    )


def _ends(table: Table) -> tuple[float, float]:
    return float(table["step_size"].min()), float(table["step_size"].max())


def functions(result: Result) -> Drawn:
    """Learned logits of the first seed in the middle one of the cells, one panel per step size."""
    found = drawn_cells(result)
    middle = found[len(found) // 2 : len(found) // 2 + 1]
    etas = shown_step_sizes(result)
    figure = _functions(result, middle, (7.2, 2.9))
    ends = [
        median(result.table["largest_logit"][result.table["step_size"] == eta])
        for eta in etas[:1] + etas[-1:]
    ]
    title = "No run ended with a curve"
    if len(ends) > 1:
        title = (
            f"At its largest the logit is {number(ends[0], 2)} at η = {etas[0]:g} and {number(ends[1], 2)} "
            f"at η = {etas[-1]:g}, where the truth has at most {number(_most(middle, result), 2)}"
        )
    finding(figure, title)
    return Drawn(figure, f"{title}. {_FUNCTIONS.format(cell=cell_name(middle[0]) if middle else 'no cell')}")


def _rows_of(result: Result, found: list[Cell]) -> Table:
    cell = dict(zip(CELLS, found[0], strict=True)) if found else {}
    return result.table.where(**cell)


def _most(found: list[Cell], result: Result) -> float:
    runs = result.drawn("truth", **dict(zip(CELLS, found[0], strict=True)))
    return float(np.abs(runs[0].arrays["truth"]).max())


_FUNCTIONS = (
    "Learned logits (midpoint network) of the first seed, {cell}, in the color of their step size "
    "η; dashed: the truth; gray band: |f| at most 1, where a network is uncertain; gray ticks: inputs with "
    "label +1 (top) and −1 (bottom). A curve may leave the panel."
)


def functions_all(result: Result) -> Drawn:
    """Learned logits of the first seed in up to three cells."""
    found = drawn_cells(result)
    figure = _functions(result, found, (7.2, 1.7 * max(1, len(found)) + 1.2))
    finding(figure, "Learned logits at four step sizes, in three of the cells")
    return Drawn(figure, _FUNCTIONS.format(cell="one row per cell"))


def _functions(result: Result, found: list[Cell], size: tuple[float, float]) -> Figure:
    etas = shown_step_sizes(result)
    figure, axes = canvas(max(1, len(found)), max(1, len(etas)), size, sharex=True, sharey="row")
    for row, cell in zip(axes, found, strict=False):
        runs = [drawn_run(result, cell, eta) for eta in etas]
        for ax, eta, run in zip(row, etas, runs, strict=True):
            if run is not None:
                _function(ax, run, eta_color(eta))
        top = 2.0 + 1.5 * max(float(np.abs(run.arrays["truth"]).max()) for run in runs if run is not None)
        row[0].set_ylim(-top, top)
        name = cell_name(cell).replace(", ", "\n") if len(found) > 1 else "logit f"
        row[0].set_ylabel(name, fontsize=10)
    for ax, eta in zip(axes[0], etas, strict=False):
        ax.set_title(f"η = {eta:g}", fontsize=10, loc="left")
    for ax in axes[-1]:
        ax.set_xlabel("input x", fontsize=10)
    if lost := failures(result.table):
        footnote(figure, lost)
    return figure


def _function(ax: Axes, run: Run, color: str) -> None:
    x = run.arrays["grid"]
    ax.axhspan(-1.0, 1.0, color=COLORS["gray"], alpha=0.15, lw=0)
    for sign, place in ((1.0, 0.97), (-1.0, 0.03)):
        at = run.arrays["inputs"][run.arrays["labels"] == sign]
        ax.plot(
            at, np.full(at.size, place), "|", color=COLORS["gray"], ms=5, transform=ax.get_xaxis_transform()
        )
    theory(ax, x, run.arrays["truth"])
    ax.plot(x, run.arrays["f"][-1], color=color, lw=MAIN)


interior_all = partial(excess_all, column="excess_risk_interior", name="interior")
everywhere_all = partial(excess_all, column="excess_risk", name="all inputs")
