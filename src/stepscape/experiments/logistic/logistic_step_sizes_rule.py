"""The rule that judges `logistic-step-sizes`; what was changed in it after its numbers is told in its setup.

A cell is one amplitude of the truth and one rate of flipped labels. It can be judged when descent learns a
curve at three step sizes or more that span a factor of 10, with three seeds or more. Questions are answered
by 95 % intervals of log10 of a ratio, paired by seed, because excess risks differ by factors and a few are
huge; the largest step size stands for those within 10 % of it. The mean over all cells, seed by seed, is one
more interval, and decides (`logistic_grid.word_of`): yes in every cell: ``reproduced``; together above 0, or
yes in most cells and together not below 0: ``partly``; otherwise ``not_reproduced`` if together below 0 or
with ten seeds or more, else ``undecided``.

``edge``: a run ends on the line when λ_max·η/2, the mean over two iterates and over the records of the last
half of its steps, lies in [0.95, 1.1]. Asked are the runs that *started beyond* it, the untrained network
having λ_max·η/2 above 1, and those that *came up* to 0.95 in the first half of their steps; a run that comes
later or never is no counterexample. Most runs must be such at three step sizes or more in some cell,
otherwise ``premise_not_met``. At least 90 % of them on the line: ``reproduced``; half: ``partly``; fewer:
``not_reproduced``. A step size is *at the edge* when most of its runs end on the line.
``simpler``: between the smallest and the largest of the step sizes at the edge (three or more) the larger
gives less ∫|f''|g, less variation in the interior, fewer pieces.
``interior``, ``everywhere``, ``boundary``: the excess risk at the inputs falls and rises again: at the
smallest and at the largest step size it is above that at the best, chosen for each seed on the other seeds.
A U is both sides in one cell; a rise alone is none.
``help_…``: the excess risk at the largest step size is below that at the smallest, in the interior and
everywhere: at the end, after so many steps, at equal time Σ η, stopped at the best held-out moment; and
``help_at_the_edge`` compares the largest with the smallest step size at the edge.
``averaging``: where the excess risk of the single iterates rises, that of their mean rises too: over all
inputs, in the interior and near the boundary, as far as the runs have measured it.
``boundary_share``: of the excess risk over all inputs the share at those outside the interior is more than
half at the largest step size, and larger there than at the smallest.
``optimized``: the premise of the theorem on the excess risk: at the end the labels of the interior are fitted
at least as well as the truth fits them. In 90 % of all runs: ``reproduced``; in half: ``partly``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.moments import MOMENTS
from stepscape.experiments.common.step_size_grid import Numbers, usable, working_step_sizes
from stepscape.experiments.logistic.boundary_share import shares_outside, sits
from stepscape.experiments.logistic.edge import LEAST_AT_EDGE, NO_EDGE, at_edge, judge_edge
from stepscape.experiments.logistic.grid import (
    Answers,
    Judged,
    asked,
    cells,
    decades,
    drop,
    intervals_in,
    over_best,
    spoken,
    written,
)
from stepscape.tables.interval import mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_share

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

REGIONS = {"interior": "_interior", "everywhere": "", "boundary": "_boundary"}
SIMPLER = {
    "less ∫|f''|g": "weighted_tv",
    "less variation in the interior": "tv_interior",
    "fewer pieces": "pieces",
}
_asked = partial(asked, unit="log10 of a ratio")


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict a part."""
    table = with_iterates(result.table)
    help_of = {
        f"help_{moment.part}": _asked(
            table, partial(helps, suffix=suffix), also=partial(saved, suffix=suffix)
        )
        for suffix, moment in MOMENTS.items()
        if f"excess_risk{suffix}" in table or not suffix
    }
    return {
        "edge": judge_edge(table),
        "simpler": _asked(
            table, partial(among, ask=simpler), NO_EDGE, also=partial(with_the_largest, ask=simpler)
        ),
        **{
            name: _asked(table, partial(falls_and_rises, column=f"excess_risk{region}"), at_once=True)
            for name, region in REGIONS.items()
        },
        **help_of,
        "help_at_the_edge": _asked(
            table, partial(among, ask=helps), NO_EDGE, also=partial(with_the_largest, ask=helps)
        ),
        "averaging": _asked(table, averaging, "the excess risk of the single iterates rises in no cell"),
        "boundary_share": asked(table, sits, unit="differences of shares", also=shares_outside),
        "optimized": judge_optimized(table),
    }


def with_iterates(table: Table) -> Table:
    """Add ``excess_risk…_iterates``, the mean of the excess risks of the last two iterates, by region."""
    columns = dict(table.columns)
    for region in REGIONS.values():
        one, other = f"excess_risk{region}_last", f"excess_risk{region}_before"
        if one in table:
            columns[f"excess_risk{region}_iterates"] = 0.5 * (table[one] + table[other])
    return Table(columns)


def helps(table: Table, suffix: str = "", etas: Sequence[float] | None = None) -> Answers:
    """Whether the largest step size has the smaller excess risk."""
    return {
        "large steps have less excess risk in the interior": decades(
            table, f"excess_risk_interior{suffix}", etas
        ),
        "everywhere": decades(table, f"excess_risk{suffix}", etas),
    }


def saved(judged: Judged, suffix: str) -> Numbers:
    """Say what large steps save in the interior as a difference, too: it weighs the large excess risks."""
    name = "excess risk saved in the interior, as a difference"
    return written(intervals_in(judged, lambda rows: {name: drop(rows, f"excess_risk_interior{suffix}")}))


def simpler(table: Table, etas: Sequence[float]) -> Answers:
    """Whether the function is simpler at the last than at the first of these step sizes."""
    return {name: decades(table, column, etas) for name, column in SIMPLER.items()}


def among(table: Table, ask: Callable[..., Answers]) -> Answers | None:
    """Ask the same of the step sizes at the edge."""
    etas = at_edge(table)
    return ask(table, etas=etas) if len(etas) >= LEAST_AT_EDGE else None


def with_the_largest(judged: Judged, ask: Callable[..., Answers]) -> Numbers:
    """Name the step sizes that are compared, and compare with the largest of all, on the line or not."""
    ends = {cell: at_edge(rows) for cell, rows in judged.items()}
    numbers: Numbers = {
        f"{spoken(cell)}: compared": f"{etas[0]:g} with {etas[-1]:g}" for cell, etas in ends.items()
    }
    found = intervals_in(
        judged, lambda rows: ask(rows, etas=(at_edge(rows)[0], float(working_step_sizes(rows)[-1])))
    )
    return numbers | written(
        {f"{name}, at the largest step size of all": each for name, each in found.items()}
    )


def falls_and_rises(table: Table, column: str) -> Answers:
    """Whether an excess risk falls and rises again."""
    falls, rises = over_best(table, column)
    return {"it falls": falls, "it rises again": rises}


def averaging(table: Table) -> Answers | None:
    """Whether the rise of the iterates is one of their mean too; None where there is none."""
    answers = {
        f"the rise survives the mean of two iterates, {name}": over_best(table, f"excess_risk{region}")[1]
        for name, region in REGIONS.items()
        if f"excess_risk{region}_iterates" in table and _rises(table, f"excess_risk{region}_iterates")
    }
    return answers or None


def _rises(table: Table, column: str) -> bool:
    return mean_interval(over_best(table, column)[1]).sign > 0


def judge_optimized(table: Table) -> Verdict:
    """Apply the rule for the premise of the theorem."""
    works = usable(table)
    if not works.any():
        return Verdict("premise_not_met", "no run finished with bent neurons")
    fits = table["optimized_interior"] == 1
    shares = {
        spoken(cell): float(np.mean(rows["optimized_interior"][usable(rows)] == 1))
        for cell, rows in cells(table).items()
        if usable(rows).any()
    }
    share = float(np.mean(fits[works]))
    sentence = f"{share:.0%} of the runs fit the labels of the interior at least as well as the truth"
    return Verdict(by_share(share), sentence, dict(shares))
