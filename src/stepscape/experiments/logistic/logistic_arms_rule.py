"""The rule that judges `logistic-arms`, fixed before its runs.

Each arm has verdicts of its own. A cell is a width of the interval, an amplitude of the truth and a rate of
flipped labels; which cells can be judged, and intervals: as in `logistic-step-sizes`, log10 of a ratio, 95 %,
paired by seed. The mean over all cells, seed by seed, decides, because one yes among many cells is chance; a
seed counts when it has every cell. Above 0 for every question and no cell says the opposite: ``reproduced``;
above 0 for some question: ``partly``; for none: ``not_reproduced`` with ten seeds or more, else
``undecided``. In the arm ``small_init`` at least 90 % of the runs at the largest step size must start inside
their threshold (λ_max·η/2 < 1), otherwise ``premise_not_met``. In a cell the largest step size is the largest
at which descent learns a curve.

``ARM_settles``: of the runs at the largest step size that finished with bent neurons, at least 90 % have the
mean of λ_max·η/2 over the records of the last half in [0.95, 1.1]: ``reproduced``; half: ``partly``; fewer:
``not_reproduced``; there is no such run: ``premise_not_met``. No other part asks for it.
``ARM_at_the_end``, ``ARM_at_equal_time``, ``ARM_stopped_early``: in the cells of the narrowest interval the
largest step size has less excess risk than the smallest, in the interior and everywhere.
``ARM_misses_complex_truths``: in all cells, each run at its best held-out moment and the excess risk that of
the interior, where flatness binds: the largest step size has more of it than the best smaller one, chosen for
each seed on the other seeds; and the factor grows with the variation ∫|f0″| of the truth, and with ∫|f0″|g,
which the theorems bound: the slope, seed by seed, of its log10 on the log10 of the variation is above 0. The
slopes are asked for where the cells have three variations or more.
``ARM_averaging``: in the cells of the narrowest interval, at the end, at the largest step size, most of the
excess risk of a single iterate (mean of the last two) is gone in their mean function: the factor between them
is above 2. That it is above 1 is no question, for the loss is convex. In each region.
``ARM_where_the_risk_sits``: in the same cells, at the end, the share of the excess risk over all inputs that
lies outside the interior is larger at the largest step size than at the smallest; a difference of shares.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape import theory
from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.common.step_size_grid import (
    Numbers,
    by_seed,
    listed,
    median,
    usable,
    working_step_sizes,
)
from stepscape.experiments.edge.sharpness_rule import EDGE
from stepscape.experiments.logistic.boundary_share import shares, with_shares
from stepscape.experiments.logistic.cells_together import Cells, Values, decide, on_seeds, without_result
from stepscape.experiments.logistic.edge import on_line
from stepscape.experiments.logistic.grid import Answers, around, intervals, over_all
from stepscape.experiments.logistic.logistic_step_sizes_rule import REGIONS, helps, with_iterates
from stepscape.experiments.logistic.runs import problem_of
from stepscape.tables.interval import left_out_best
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_share

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

Array = NDArray[np.float64]
NEARLY_ALL = 0.9
LEAST_VARIATIONS = 3
MOST_OF_IT = 2.0
POINTS = 4001
SHARE = "differences of shares"
MORE = "the largest step size has more excess risk in the interior than the best smaller one"
WHERE = "a larger share of the excess risk lies outside the interior at the largest step size"
SLOPE = "slope"
SIZES = {"variation": "∫|f0″|", "weighted_variation": "∫|f0″|g"}


def judge(result: Result) -> dict[str, Verdict]:
    """Verdicts of every arm."""
    return {
        f"{arm}_{part}": verdict
        for arm in result.settings["arms"]
        for part, verdict in judge_arm(result.table.where(arm=arm), arm).items()
    }


def judge_arm(table: Table, arm: str) -> dict[str, Verdict]:
    """One verdict a part."""
    narrow = narrowest(table)
    parts = {
        **{
            moment.part: decide(
                narrow,
                partial(on_seeds, ask=partial(helps, suffix=suffix)),
                also=partial(trained, suffix=suffix),
            )
            for suffix, moment in COMPARED.items()
        },
        "misses_complex_truths": decide(table, misses, also=variations),
        "averaging": decide(narrow, partial(on_seeds, ask=averaging), also=gone),
        "where_the_risk_sits": decide(narrow, partial(on_seeds, ask=sits), SHARE, outside),
    }
    inside = started_inside(table)
    if arm == "small_init" and not inside >= NEARLY_ALL:
        said = f"{inside:.0%} of the runs at the largest step size start inside their threshold"
        parts = dict.fromkeys(parts, Verdict("premise_not_met", said))
    return {"settles": judge_settles(table), **parts}


def starts(table: Table) -> Array:
    """λ_max·η/2 at the start of the runs at the largest step size of the grid; nan where a run failed."""
    largest = table.where(step_size=table["step_size"].max())
    if "initial_sharpness" not in table:
        return np.full(len(largest), np.nan)
    return np.asarray(largest["initial_sharpness"] * largest["step_size"] / 2.0, np.float64)


def narrowest(table: Table) -> Table:
    """Rows of the narrowest interval."""
    return table.where(half_width=table["half_width"].min())


def started_inside(table: Table) -> float:
    """Share of these that are below 1."""
    start = starts(table)
    return float(np.mean(start[np.isfinite(start)] < 1.0)) if np.isfinite(start).any() else 0.0


def judge_settles(table: Table) -> Verdict:
    """Apply the rule for λ_max on 2/η at the largest step size of the grid."""
    largest = table.where(step_size=table["step_size"].max())
    works, eta = usable(largest), float(largest["step_size"][0])
    numbers: Numbers = {
        "runs at the largest step size": float(len(largest)),
        "of these without a result": without_result(largest),
        "share that starts inside": started_inside(table),
        "λ_max·η/2 at the start, median": median(starts(table)),
    }
    if not works.any():
        return Verdict("premise_not_met", f"no run with η = {eta:g} finished with bent neurons", numbers)
    share = float(np.mean(on_line(largest)[works]))
    quartiles = np.quantile(largest["edge_ratio"][works], [0.25, 0.5, 0.75])
    numbers |= {
        "of these finished with bent neurons": float(works.sum()),
        "share that settles on it": share,
        "edge ratio, quartiles": listed(quartiles.round(3)),
    }
    said = f"of {works.sum()} runs with η = {eta:g} that finished with bent neurons {share:.0%} settle on 2/η"
    return Verdict(by_share(share), f"{said} (mean of λ_max·η/2 in [{EDGE[0]}, {EDGE[1]}])", numbers)


def trained(judged: Cells, suffix: str) -> Numbers:
    """How long the runs at both step sizes have been trained, and whether they fit the labels there."""
    numbers: Numbers = {}
    for which, end in (("smallest", 0), ("largest", -1)):
        counted = [
            rows.rows(usable(rows) & (rows["step_size"] == working_step_sizes(rows)[end]))
            for rows in judged.values()
        ]
        steps, last, fits = (
            np.concatenate([rows[name].astype(float) for rows in counted])
            for name in (f"steps{suffix}", "steps", f"optimized_interior{suffix}")
        )
        numbers |= {
            f"steps made at the {which}, median": median(steps),
            f"share that is at its last step there, {which}": float(np.mean(steps == last)),
            f"share that fits the interior as well as the truth, {which}": float(np.mean(fits == 1)),
        }
    return numbers


def misses(judged: Cells) -> Values:
    """Whether the largest step size misses truths, and the more so the more they vary."""
    found = on_seeds(judged, worse)
    factors = np.array(list(found[MORE].values()))
    for column, sizes in sizes_of(judged).items():
        if sizes.min() > 0.0 and np.unique(sizes.round(9)).size >= LEAST_VARIATIONS:
            found[f"the factor grows with {SIZES[column]}"] = {SLOPE: slopes(np.log10(sizes), factors)}
    return found


def worse(rows: Table) -> Answers:
    """log10 of the excess risk at the largest step size over that at the best smaller one."""
    return {MORE: over_smaller(rows, "excess_risk_interior_held_out")}


def over_smaller(rows: Table, column: str) -> Array:
    """log10 of `column` (seeds,) at the largest working step size over that at the best smaller one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log10(by_seed(rows, column, working_step_sizes(rows)))
    return values[:, -1] - left_out_best(values[:, :-1])


def slopes(sizes: Array, factors: Array) -> Array:
    """Slope (seeds,) of the factors (cells, seeds) on the sizes (cells,)."""
    centered = sizes - sizes.mean()
    return np.asarray(centered @ factors / (centered @ centered))


def sizes_of(judged: Cells) -> dict[str, Array]:
    """How much the truth of each cell varies, (cells,), by the names of `SIZES`."""
    both = np.array([variation(rows) for rows in judged.values()])
    return dict(zip(SIZES, both.T, strict=True))


def variation(rows: Table) -> tuple[float, float]:
    """∫|f0″| and ∫|f0″|g of the truth of a cell on its interval, g that of equispaced inputs.

    Sums over the bends of the broken line through 4001 points, so that a truth with kinks has one, too.
    """
    first = rows.rows(np.arange(1)).records()[0]
    width = float(first["half_width"])
    truth = problem_of(SimpleNamespace(**first)).truth
    assert truth is not None
    x = np.linspace(-width, width, POINTS)
    bends = np.abs(np.diff(truth(x), 2)) / (x[1] - x[0])
    g = theory.weight(x[1:-1], np.linspace(-width, width, int(first["n"])))
    return float(bends.sum()), float(bends @ g)


def variations(judged: Cells) -> Numbers:
    """How much the truths vary, and the same question over all inputs."""
    numbers: Numbers = {
        f"{cell}: {SIZES[column]}": float(size)
        for column, sizes in sizes_of(judged).items()
        for cell, size in zip(judged, sizes, strict=True)
    }
    everywhere = on_seeds(judged, lambda rows: {"": over_smaller(rows, "excess_risk_held_out")})
    for cell, interval in intervals(everywhere[""]).items():
        numbers[f"{cell}: the same over all inputs"] = str(interval)
    return numbers


def averaging(rows: Table) -> Answers:
    """log10 of the factor between single iterates and their mean over 2, at the largest step size."""
    return {
        f"more than half is gone in the mean of two iterates, {name}": factor - np.log10(MOST_OF_IT)
        for name, factor in factors_of_averaging(rows).items()
    }


def factors_of_averaging(rows: Table) -> Answers:
    """log10 of the excess risk of single iterates over that of their mean, (seeds,), by region."""
    table, largest = with_iterates(rows), float(working_step_sizes(rows)[-1])
    found = {}
    for name, region in REGIONS.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.log10(table[f"excess_risk{region}_iterates"] / table[f"excess_risk{region}"])
        found[name] = around(Table({**table.columns, "factor": factor}), "factor", largest)
    return found


def gone(judged: Cells) -> Numbers:
    """Share of a single iterate's excess risk that is gone in the mean of two, median."""
    found = on_seeds(judged, factors_of_averaging)
    return {
        f"share that is gone, {name}, median": median(1.0 - 10.0 ** -np.array(list(values.values())))
        for name, values in found.items()
    }


def sits(rows: Table) -> Answers:
    """Share (seeds,) outside the interior at the largest step size minus at the smallest."""
    small, large = shares(rows).values()
    return {WHERE: large - small}


def outside(judged: Cells) -> Numbers:
    """Shares outside the interior at both step sizes, all cells together, and how many inputs lie there."""
    numbers: Numbers = {
        name: str(over_all(intervals(values))) for name, values in on_seeds(judged, shares).items()
    }
    inputs = [with_shares(rows)["outside_inputs"] for rows in judged.values()]
    return {**numbers, "share of the inputs outside the interior, median": median(np.concatenate(inputs))}
