"""Figures of the claim `logistic-step-sizes`; they read its rows, curves and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.logistic.cells import CELLS, WHEN
from stepscape.experiments.logistic.edge import at_edge, could_be, on_line
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
from stepscape.figures.references import guide, silent, theory
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
ROOM = 1.04  # from the last step size to the end of its axis: dashed lines end before the names of curves
STILL = "\n(most runs still move)"
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
    strip.set_xlim(etas[0] / ROOM, etas[-1] * ROOM)
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
    title = "No run ended: there is no edge ratio"
    if "edge_ratio" in table:
        middle, single = (_range(table, column) for column in ("edge_ratio", "edge_ratio_last"))
        title = f"At η = {_ends(table)[1]:g} the median of λ_max·η/2 is {middle} in {_count(table)}; "
        title += f"with the single iterate it is {single}"
    finding(figure, title.replace("λ_max·η/2", RATIO))
    return Drawn(
        figure,
        f"{title}. The edge ratio λ_max·η/2 over the last half of training in every cell, medians and "
        f"quartiles over {seeds_of(table)} Blue: midpoint network; vermilion: single iterate; dashed: 1.",
    )


def _range(table: Table, column: str) -> str:
    """Say between which numbers the medians of the cells lie at the largest step size."""
    largest = table.where(step_size=_ends(table)[1])
    values = [median(rows[column]) for rows in cells(largest, CELLS).values()]
    low, high = (number(end(values), 3) for end in (min, max))
    return low if low == high else f"{low} to {high}"


def _count(table: Table) -> str:
    count = len(cells(table, CELLS))
    return f"all {count} cells" if count > 1 else "the cell"


def excess(result: Result, found: Mapping[str, Mapping[str, Interval]]) -> Drawn:
    """Excess risk over that of the smallest step size: columns are moments, rows are regions.

    found : suffix of a moment → region → the interval of log10 of the ratio, smallest over largest; a moment
        at which too few step sizes can be compared has none.
    """
    table = result.table
    figure, axes = canvas(2, len(WHEN), TALL, sharex=True, sharey="row")
    for row, (region, name) in zip(axes, (("_interior", "interior"), ("", "everywhere")), strict=True):
        for ax, suffix in zip(row, WHEN, strict=True):
            shown = over_first(table, f"excess_risk{region}{suffix}", tuple(CELLS))
            guide(ax, 1.0)
            pooled(ax, shown, "step_size", "ratio", REGION[name].line)
            step_size_ticks(ax, np.unique(table["step_size"]).tolist())
            label(ax, title=WHEN[suffix] + ("" if found.get(suffix) else STILL) if region else "")
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
        "stopped at its best held-out moment; where most runs still move, nothing is compared."
        + POOLED.format(seeds=seeds_of(table)),
    )


def _excess_title(found: Mapping[str, Mapping[str, Interval]], low: float, high: float) -> str:
    """Compare the ends of the step sizes at the first moment at which they can be compared."""
    suffix = next((suffix for suffix in WHEN if found.get(suffix)), None)
    if suffix is None:
        return "No step sizes could be compared"
    says = " and ".join(f"{_factor(each)} {name}" for name, each in found[suffix].items())
    when = f"After all steps most runs still move; {WHEN[suffix]}" if suffix else "After equally many steps"
    return f"{when}, η = {high:g} has {says} the excess risk of η = {low:g}"


def _factor(saved: Interval) -> str:
    """Write the factor by which the largest step size has more."""
    factor = number(1.0 / as_factor(saved).mean, 2)
    return f"{factor} times" if saved.sign else f"{factor} times (not significant)"


def excess_all(table: Table, column: str, name: str) -> Drawn:
    """Excess risk in every cell at three moments."""
    curves = [(f"{column}{suffix}", look.words, look.both) for suffix, look in MOMENT.items()]
    figure = grid(table, curves, f"excess risk, {name}")
    title = _moments_title(table, column, name)
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The excess risk ({name}) in every cell, at the end of training (blue disks), at equal "
        "time (vermilion squares) and at the best held-out moment (green triangles); medians and quartiles "
        f"over {seeds_of(table)}",
    )


def _moments_title(table: Table, column: str, name: str) -> str:
    """Say by which factors the medians of the cells change from the smallest to the largest step size."""
    says = []
    for suffix, look in MOMENT.items():
        if column + suffix not in table:
            continue
        ends = [
            [median(rows[column + suffix]) for rows in cells(table.where(step_size=eta), CELLS).values()]
            for eta in _ends(table)
        ]
        ratios = [high / low for low, high in zip(*ends, strict=True)]
        low, high = (number(end(ratios), 2) for end in (min, max))
        says.append(f"×{low} to ×{high} at the {look.words}".replace("the equal", "equal"))
    if not says:
        return "No run ended"
    first, last = _ends(table)
    return f"From η = {first:g} to {last:g} the median excess risk ({name}) changes by {', '.join(says)}"


def simpler(table: Table) -> Drawn:
    """Weighted variation and linear pieces at the end of training against the step size."""
    names = {"weighted_tv": r"weighted variation $\int|f''|\,g$", "pieces": "linear pieces"}
    figure, axes = canvas(1, 2, DOUBLE)
    etas, edge = np.unique(table["step_size"]).tolist(), at_edge(table)
    for ax, (column, name) in zip(axes[0], names.items(), strict=True):
        if pooled(ax, table, "step_size", column, MEASURED.line):
            number_ticks(ax)
        label(ax, "step size η", name)
        step_size_ticks(ax, etas)
        if edge and etas[0] < edge[0]:
            silent(ax, etas[0], edge[0], "below the edge")
    title = _simpler_title(table, edge) if set(names) <= set(table.columns) else "No run ended with a curve"
    finding(figure, title)
    return Drawn(
        figure,
        f"{title}. The weighted variation ∫|f″|g, which the theorem bounds, and the linear pieces of the "
        "logit (within 0.2) at the end of training; gray ground: step sizes at which most runs end below "
        "the edge, which are not compared." + POOLED.format(seeds=seeds_of(table)),
    )


def _simpler_title(table: Table, edge: list[float]) -> str:
    """Follow both medians along the step sizes at the edge of stability."""
    if len(edge) < 2:
        return "At fewer than 2 step sizes most runs end at the edge"
    medians = {
        column: [median(table[column][table["step_size"] == eta]) for eta in edge]
        for column in ("weighted_tv", "pieces")
    }
    first, last = (number(medians["pieces"][i], 2) for i in (0, -1))
    return (
        f"At the edge the median of ∫|f″|g {course(edge, medians['weighted_tv'])}; the curve has {first} "
        f"pieces at η = {edge[0]:g} and {last} at η = {edge[-1]:g}"
    )


def _ends(table: Table) -> tuple[float, float]:
    return float(table["step_size"].min()), float(table["step_size"].max())


def functions(result: Result) -> Drawn:
    """Learned logits of the first seed in the middle one of the cells, one panel per step size."""
    found = drawn_cells(result)
    middle = found[len(found) // 2 : len(found) // 2 + 1]
    etas = shown_step_sizes(result)
    figure = _functions(result, middle, (7.2, 2.9))
    title = _logits_title(_rows_of(result, middle), etas)
    if middle and len(etas) > 1:
        title += f", where the truth has at most {number(_most(middle, result), 2)}"
    finding(figure, title)
    return Drawn(figure, f"{title}. {_FUNCTIONS.format(cell=cell_name(middle[0]) if middle else 'no cell')}")


def _logits_title(rows: Table, etas: list[float]) -> str:
    """Say how large the largest logit of a run is in the median, at both ends of the step sizes shown."""
    if len(etas) < 2:
        return "No run ended with a curve"
    ends = [median(rows["largest_logit"][rows["step_size"] == eta]) for eta in (etas[0], etas[-1])]
    return (
        f"The largest |f| of a run has a median of {number(ends[0], 2)} at η = {etas[0]:g} and of "
        f"{number(ends[1], 2)} at η = {etas[-1]:g}"
    )


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
    title = _logits_title(result.table, shown_step_sizes(result))
    finding(figure, f"{title}, over all cells")
    return Drawn(figure, f"{title}, over all cells. {_FUNCTIONS.format(cell='one row per cell')}")


def _functions(result: Result, found: list[Cell], size: tuple[float, float]) -> Figure:
    etas = shown_step_sizes(result)
    figure, axes = canvas(max(1, len(found)), max(1, len(etas)), size, sharex=True, sharey="row")
    for row, cell in zip(axes, found, strict=False):
        runs = [drawn_run(result, cell, eta) for eta in etas]
        for ax, eta, run in zip(row, etas, runs, strict=True):
            if run is not None:
                _function(ax, run, eta_color(eta))
        row[0].set_ylim(*_limits([run for run in runs if run is not None]))
        name = cell_name(cell).replace(", ", "\n") if len(found) > 1 else "logit f"
        row[0].set_ylabel(name, fontsize=10)
    for ax, eta in zip(axes[0], etas, strict=False):
        ax.set_title(f"η = {eta:g}", fontsize=10, loc="left")
    for ax in axes[-1]:
        ax.set_xlabel("input x", fontsize=10)
    if lost := failures(result.table):
        footnote(figure, lost)
    return figure


def _limits(runs: list[Run]) -> tuple[float, float]:
    """Limits of f with room for the curves, but not for a peak of more than twice the usual height."""
    usual = 2.0 + 1.5 * max(float(np.abs(run.arrays["truth"]).max()) for run in runs)
    most = 1.05 * max(float(np.abs(run.arrays["f"][-1]).max()) for run in runs)
    top = min(max(usual, most), 2.0 * usual)
    return -top, top


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
