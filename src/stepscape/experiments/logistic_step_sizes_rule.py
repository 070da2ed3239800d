"""The rule that judges `logistic-step-sizes`, fixed before its runs.

A cell is one amplitude of the truth and one rate of flipped labels. It can be judged when descent learns a
curve at three step sizes or more that span a factor of 10, with three seeds or more. Questions are answered
by 95 % intervals of log10 of a ratio, paired by seed, because excess risks differ by factors and a few are
huge; the largest step size stands for those within 10 % of it. The mean over all cells, seed by seed, is one
more interval. Yes in every cell: ``reproduced``; in some, or over all together: ``partly``; otherwise
``not_reproduced`` if an interval says the opposite or there are ten seeds or more, else ``undecided``.

``edge``: a run reached the edge when, in the first half of its steps, λ_max·η/2 (mean of two iterates) was at
least 0.95 at some record; it is on the line when its mean over the records of the last half lies in
[0.95, 1.1]. Most runs must have reached the edge at three step sizes or more in some cell, otherwise
``premise_not_met``. At least 90 % of the runs that reached it on the line: ``reproduced``; half: ``partly``;
fewer: ``not_reproduced``; none reached it in that time: ``premise_not_met``.
``simpler``: between the smallest and the largest of the step sizes at which most runs reached the edge (three
or more), the larger gives less ∫|f''|g, less variation in the interior, fewer pieces.
``interior``, ``everywhere``, ``boundary``: the excess risk at the inputs falls and rises again: at the
smallest and at the largest step size it is above that at the best, chosen for each seed on the other seeds.
``help_…``: the excess risk at the largest step size is below that at the smallest, in the interior and
everywhere: at the end, after so many steps, at equal time Σ η, stopped at the best held-out moment; and
``help_at_the_edge`` compares with the smallest step size at which most runs reached the edge.
``averaging``: where the excess risk of the single iterates rises, that of their mean rises too.
``optimized``: the premise of the theorem on the excess risk: at the end the labels of the interior are fitted
at least as well as the truth fits them. In 90 % of all runs: ``reproduced``; in half: ``partly``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.logistic_grid import (
    LEAST_AT_EDGE,
    Answers,
    asked,
    at_edge,
    cells,
    decades,
    over_best,
    spoken,
)
from stepscape.experiments.moments import MOMENTS
from stepscape.experiments.sharpness_rule import EDGE
from stepscape.experiments.step_size_grid import Numbers, listed, median, usable
from stepscape.measures.paired import mean_interval
from stepscape.measures.records import Table
from stepscape.measures.verdict import Verdict, by_share

if TYPE_CHECKING:
    from stepscape.experiments.experiment import Result

REGIONS = {"interior": "_interior", "everywhere": "", "boundary": "_boundary"}
SIMPLER = {
    "less ∫|f''|g": "weighted_tv",
    "less variation in the interior": "tv_interior",
    "fewer pieces": "pieces",
}
NO_EDGE = "at fewer than three step sizes do most runs reach the edge"
TOO_LATE = "no run reached the edge in the first half of its steps"
_asked = partial(asked, unit="log10 of a ratio")


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict a part."""
    table = with_iterates(result.table)
    help_of = {
        f"help_{moment.part}": _asked(table, partial(helps, suffix=suffix))
        for suffix, moment in MOMENTS.items()
        if f"excess_risk{suffix}" in table or not suffix
    }
    return {
        "edge": judge_edge(table),
        "simpler": _asked(table, simpler, NO_EDGE),
        **{
            name: _asked(table, partial(falls_and_rises, column=f"excess_risk{region}"))
            for name, region in REGIONS.items()
        },
        **help_of,
        "help_at_the_edge": _asked(table, helps_at_edge, NO_EDGE),
        "averaging": _asked(table, averaging, "the excess risk of the single iterates rises in no cell"),
        "optimized": judge_optimized(table),
    }


def with_iterates(table: Table) -> Table:
    """Add ``excess_risk_iterates``, the mean of the excess risks of the last two iterates."""
    if "excess_risk_last" not in table:
        return table
    both = 0.5 * (table["excess_risk_last"] + table["excess_risk_before"])
    return Table({**table.columns, "excess_risk_iterates": both})


def helps(table: Table, suffix: str, small: float | None = None) -> Answers:
    """Whether the largest step size has the smaller excess risk."""
    return {
        "large steps have less excess risk in the interior": decades(
            table, f"excess_risk_interior{suffix}", small
        ),
        "everywhere": decades(table, f"excess_risk{suffix}", small),
    }


def helps_at_edge(table: Table) -> Answers | None:
    """Ask the same of the step sizes at the edge."""
    etas = at_edge(table)
    return helps(table, "", etas[0]) if len(etas) >= LEAST_AT_EDGE else None


def simpler(table: Table) -> Answers | None:
    """Whether the function is simpler at the largest step size than at the smallest that is at the edge."""
    etas = at_edge(table)
    if len(etas) < LEAST_AT_EDGE:
        return None
    return {name: decades(table, column, etas[0]) for name, column in SIMPLER.items()}


def falls_and_rises(table: Table, column: str) -> Answers:
    """Whether an excess risk falls and rises again."""
    falls, rises = over_best(table, column)
    return {"it falls": falls, "it rises again": rises}


def averaging(table: Table) -> Answers | None:
    """Whether the rise of the iterates is one of their mean too; None where there is none."""
    _, single = over_best(table, "excess_risk_iterates")
    _, mean = over_best(table, "excess_risk")
    return {"the rise survives the mean of two iterates": mean} if mean_interval(single).sign > 0 else None


def judge_edge(table: Table) -> Verdict:
    """Apply the rule for λ_max on 2/η."""
    works = usable(table)
    reached = works & (table["edge_reached_at_step"] <= 0.5 * table["steps"]) if works.any() else works
    numbers: Numbers = {"runs": float(len(table)), "diverged": float(np.sum(table["outcome"] == "diverged"))}
    enough = False
    for cell, rows in cells(table).items():
        etas = at_edge(rows) if works.any() else []
        enough |= len(etas) >= LEAST_AT_EDGE
        numbers[f"{spoken(cell)}: step sizes at the edge"] = _range(etas)
    if not enough or not reached.any():
        return Verdict("premise_not_met", TOO_LATE if enough else NO_EDGE, numbers)
    ratio = table["edge_ratio"][reached]
    share = float(np.mean((ratio >= EDGE[0]) & (ratio <= EDGE[1])))
    never = table["step_size"][works & ~(table["edge_reached"] == 1)]
    numbers |= {
        "reached the edge in the first half of their steps": float(reached.sum()),
        "share on the line": share,
        "edge ratio, quartiles": listed(np.quantile(ratio, [0.25, 0.5, 0.75]).round(3)),
        "directional smoothness·η/2, median": median(table["smoothness_ratio"][reached]),
        "step sizes of runs that never reached it": _range(sorted(set(never.tolist()))),
    }
    sentence = (
        f"{reached.sum()} of {len(table)} runs reached the edge in the first half of their steps, "
        f"{share:.0%} of them stay on it (mean of λ_max·η/2 in [{EDGE[0]}, {EDGE[1]}])"
    )
    return Verdict(by_share(share), sentence, numbers)


def _range(etas: list[float]) -> str:
    if not etas:
        return "none"
    return f"{len(etas)}, from {etas[0]:g} to {etas[-1]:g}" if len(etas) > 4 else listed(etas)


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
