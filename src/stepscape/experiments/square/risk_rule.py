"""The rule that judges `risk-vs-step-size`, fixed before its runs.

An arm can be judged when it meets the premises of curve-fitting: it learns a curve at three step sizes or
more that span a factor of 10, with three seeds or more. *Falls*: the risk at the smallest working step size
minus the risk at the best one, chosen for each seed on the other seeds, has its 95 % interval above 0, paired
by seed. *Rises*: the same with the largest. Unless said otherwise the risk is the mean squared error to the
truth at the inputs, of the mean of the last two iterates, after equally many steps.

Each arm: falls and rises, the U: ``reproduced``; one of them: ``partly``; none: ``not_reproduced`` with at
least ten seeds, ``undecided`` with fewer, whose intervals are wide whatever is true. The parts ask each arm
that can be judged; yes everywhere: ``reproduced``; somewhere: ``partly``; nowhere: as above; no such arm:
``premise_not_met``.

``interior``, ``boundary``: the risk on the grid falls and rises where g ≥ sup g/10, and elsewhere.
``equal_time``: it falls also when every run is stopped at the same Σ η.
``early_stopping``: it falls also when every run is stopped at its best held-out moment, so that a large step
does better than a small one stopped early.
``two_step_averaging``: where the risk of the single iterates (mean of the last two) rises, the risk of their
mean function rises too. Arms whose iterates show no rise do not count. The rise that is left after averaging
is reported as a share of the rise of the iterates.
``fits_the_interior``: the premise of the theorems on the risk. In at least 90 % of the runs at the best step
size (over all seeds) the mean squared training error in the interior is not above that of the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.step_size_grid import (
    Found,
    Numbers,
    across,
    by_seed,
    largest_minus_smallest,
    listed,
    median,
    sides_of_u,
    span,
    told,
    unmet,
    usable,
    word_for,
    working_step_sizes,
)
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

FITTING = 0.9


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict an arm, and one for each part."""
    table, arms = with_iterates(result.table), list(result.settings["arms"])
    nowhere = "the single iterates' risk rises in no arm"
    return {
        **{arm: judge_arm(table.where(arm=arm)) for arm in arms},
        "interior": across(table, arms, lambda rows: falls_and_rises(rows, "risk_interior_grid")),
        "boundary": across(table, arms, lambda rows: falls_and_rises(rows, "risk_boundary_grid")),
        "equal_time": across(table, arms, lambda rows: falls_of(rows, "risk_equal_time")),
        "early_stopping": across(table, arms, lambda rows: falls_of(rows, "risk_held_out")),
        "two_step_averaging": across(table, arms, averaging, nowhere),
        "fits_the_interior": across(table, arms, fits),
    }


def with_iterates(table: Table) -> Table:
    """Add ``risk_iterates``, the mean of the risks of the last two iterates."""
    if "risk_last" not in table:
        return table
    return Table({**table.columns, "risk_iterates": 0.5 * (table["risk_last"] + table["risk_before"])})


def judge_arm(table: Table) -> Verdict:
    """Apply the rule for the U to one arm."""
    reason = unmet(table)
    if reason is not None:
        return reason
    working = working_step_sizes(table)
    parts, numbers = falls_and_rises(table, "risk")
    medians = [median(by_seed(table, "risk", working)[:, j]) for j in range(working.size)]
    at_edge = [eta for eta in working if np.mean(table.where(step_size=eta)["edge_reached"] == 1) > 0.5]
    numbers = {
        **span(table),
        **numbers,
        "risk, medians at the working step sizes": listed(np.round(medians, 4)),
        "training loss, largest minus smallest": str(largest_minus_smallest(table, "loss")),
        "step sizes at which most runs reached the edge": listed(at_edge),
    }
    word = word_for(list(parts.values()), int(numbers["seeds"]))
    return Verdict(word, f"from step size {working[0]:g} to {working[-1]:g}, {told(parts)}", numbers)


def falls_and_rises(table: Table, column: str) -> Found:
    """Whether a risk falls and rises."""
    falls, rises = sides_of_u(table, column)
    parts = {"the risk falls": falls.sign > 0, "and rises again": rises.sign > 0}
    return parts, {"smallest minus best": str(falls), "largest minus best": str(rises)}


def falls_of(table: Table, column: str) -> Found:
    """Whether a risk falls."""
    falls, rises = sides_of_u(table, column)
    return {"it falls": falls.sign > 0}, {
        "smallest minus best": str(falls),
        "largest minus best": str(rises),
    }


def averaging(table: Table) -> Found | None:
    """Whether the rise of the single iterates is one of their mean too; None where there is no rise."""
    _, single = sides_of_u(table, "risk_iterates")
    _, mean = sides_of_u(table, "risk")
    if single.sign <= 0:
        return None
    largest = table.where(step_size=working_step_sizes(table)[-1])
    cost = largest["risk_iterates"] - largest["risk"]
    return {"the rise survives": mean.sign > 0}, {
        "rise of the iterates": str(single),
        "rise of their mean": str(mean),
        "share of the rise that is left": mean.mean / single.mean,
        "risk of the iterates minus that of their mean, largest step size": median(cost),
    }


def fits(table: Table) -> Found:
    """Whether the runs at the best step size fit the interior as well as the truth does."""
    working = working_step_sizes(table)
    means = np.nanmean(by_seed(table, "risk", working), axis=0)
    numbers: Numbers = {}
    for name, eta in (("best", working[np.argmin(means)]), ("largest", working[-1])):
        rows = table.where(step_size=eta)
        share = float(np.mean(rows["fits_interior"][usable(rows)] == 1))
        numbers |= {f"{name} step size": float(eta), f"share of its runs that fit at the {name}": share}
    enough = float(numbers["share of its runs that fit at the best"]) >= FITTING
    return {"the best step size fits": enough}, numbers
