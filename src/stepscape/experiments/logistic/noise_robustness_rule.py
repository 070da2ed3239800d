"""The rule that judges `noise-robustness`, fixed before its runs.

Large step sizes *help* at a flip rate when the 95 % interval, paired by seed, of the interior excess risk at
a small step size minus at the largest lies above 0. They *break* at the smallest flip rate at which it does
not. Each step size but the largest is compared with the largest.

``at_the_end``, ``at_equal_time``, ``stopped_early``: the runs compared after equally many steps, at equal
Σ η, and each at its best held-out moment. ``overlap``: at the end, at the largest step size, the overlap
(intersection over union) of the inputs with |f| ≤ 1 and |f0| ≤ 1 is above ½; it breaks at the smallest flip
rate at which the interval of its mean over the seeds does not lie above ½.

All comparisons hold at the lowest flip rate, so that the noise at which they break, or that none on the grid
breaks them, is an answer: ``reproduced``; some do: ``partly``; none: ``not_reproduced``, the answer being
"not even at the lowest noise", with at least ten seeds, ``undecided`` with fewer. A flip rate counts when
most runs of both step sizes finished with bent neurons; without two flip rates: ``premise_not_met``; fewer
than three seeds: ``undecided``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.common.step_size_grid import (
    LEAST_SEEDS,
    Numbers,
    by_seed,
    difference,
    listed,
    median,
    usable,
    word_for,
    working_step_sizes,
)
from stepscape.experiments.logistic.edge import edges
from stepscape.experiments.logistic.grid import (
    TOGETHER,
    cells,
    decades,
    drop,
    intervals_of,
    written,
)
from stepscape.tables.interval import Interval, mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

LEAST_OVERLAP = 0.5
FIRST = 5
ByRate = dict[float, Interval]


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict a moment, and one for the overlap."""
    table = result.table
    verdicts = {
        moment.part: judged(
            table,
            benefits(table, f"excess_risk_interior{suffix}"),
            "large steps help",
            further(table, suffix),
        )
        for suffix, moment in COMPARED.items()
    }
    means = levels(table, "uncertain_overlap", "overlap", "mean")
    overlap = judged(table, overlaps(table), "the overlap is above ½", means)
    return {**verdicts, "overlap": overlap}


def benefits(table: Table, column: str) -> dict[str, ByRate]:
    """For each smaller step size and amplitude: flip rate → interval of the excess that the largest saves."""
    etas = np.unique(table["step_size"])
    found: dict[str, ByRate] = {}
    for (amplitude, rate), rows in cells(table).items():
        working = working_step_sizes(rows)
        for eta in etas[:-1]:
            if np.isin([eta, etas[-1]], working).all():
                name = f"{eta:g} against {etas[-1]:g}, amplitude {amplitude:g}"
                found.setdefault(name, {})[rate] = difference(rows, column, float(eta), float(etas[-1]))
    return found


def overlaps(table: Table) -> dict[str, ByRate]:
    """For each amplitude: flip rate → interval of the overlap minus ½ at the largest step size."""
    largest = np.unique(table["step_size"])[-1:]
    found: dict[str, ByRate] = {}
    for (amplitude, rate), rows in cells(table).items():
        if np.isin(largest, working_step_sizes(rows)).all():
            values = by_seed(rows, "uncertain_overlap", largest)[:, 0] - LEAST_OVERLAP
            found.setdefault(f"{largest[0]:g}, amplitude {amplitude:g}", {})[rate] = mean_interval(values)
    return found


def further(table: Table, suffix: str) -> Numbers:
    """Say what is saved as factors, too, and what the excess risks are."""
    numbers = {**factors(table, suffix), **(edges(table) if not suffix else {})}
    for region, name in (("_interior", "interior"), ("", "all inputs")):
        numbers |= levels(table, f"excess_risk{region}{suffix}", f"excess risk, {name}", "median")
    numbers |= levels(table, f"largest_logit{suffix}", "largest |f|", "median")
    return {**numbers, **(levels(table, f"steps{suffix}", "steps", "median") if suffix else {})}


def factors(table: Table, suffix: str) -> Numbers:
    """Say what the largest step size saves in the interior as log10 of a factor, and over all flip rates.

    Once more for the first five seeds, which `logistic-step-sizes` has in common.
    """
    etas, column = np.unique(table["step_size"]), f"excess_risk_interior{suffix}"
    numbers: Numbers = {}
    for which in (np.inf, FIRST):
        part = table.rows(table["seed"] < table["seed"].min() + which)
        found = {
            cell: rows for cell, rows in cells(part).items() if working_step_sizes(rows).size == etas.size
        }
        for eta in etas[:-1] if found else ():
            name = f"{eta:g} against {etas[-1]:g}" + ("" if which > FIRST else f", first {FIRST} seeds")
            both = {"log10 of the ratio": decades, "difference": drop}
            for what, minus in both.items():
                saved = partial(minus, column=column, etas=(eta, etas[-1]))
                told = written({f"{name}, {what}": intervals_of(found, saved)})
                numbers |= {
                    at: text for at, text in told.items() if minus is decades or at.startswith(TOGETHER)
                }
    return numbers


def levels(table: Table, column: str, name: str, what: str) -> Numbers:
    """Medians or means over the seeds at each step size, in the order of the flip rates."""
    if column not in table:
        return {}
    numbers: Numbers = {}
    for eta in np.unique(table["step_size"]):
        rows = table.where(step_size=eta).rows(usable(table.where(step_size=eta)))
        found = [rows.where(flip_rate=rate)[column] for rate in np.unique(rows["flip_rate"])]
        values = [median(x) if what == "median" else mean_interval(x).mean for x in found]
        numbers[f"η = {eta:g}: {name}, {what} at each flip rate"] = listed(
            [float(f"{x:.2g}") for x in values]
        )
    return numbers


def judged(table: Table, found: dict[str, ByRate], claim: str, more: Numbers) -> Verdict:
    """Find where each comparison breaks; `word_for` those that hold at the lowest flip rate."""
    found = {name: rates for name, rates in found.items() if len(rates) > 1}
    seeds = np.unique(table["seed"]).size
    if not found:
        return Verdict("premise_not_met", "descent learns a curve at fewer than two flip rates")
    if seeds < LEAST_SEEDS:
        return Verdict(
            "undecided", f"{seeds} seeds give no usable interval; at least {LEAST_SEEDS} are needed"
        )
    numbers: Numbers = {"seeds": float(seeds)}
    for name, rates in found.items():
        numbers |= {f"{name}: flips {rate:g}": str(interval) for rate, interval in rates.items()}
    holds = [breaks_at(rates) != min(rates) for rates in found.values()]
    said = "; ".join(f"{name}: {spoken(rates)}" for name, rates in found.items())
    return Verdict(word_for(holds, seeds), f"{claim} – {said}", numbers | more)


def breaks_at(rates: ByRate) -> float | None:
    """Smallest flip rate whose interval does not lie above 0; None when all do."""
    return next((rate for rate in sorted(rates) if rates[rate].sign <= 0), None)


def spoken(rates: ByRate) -> str:
    """Say up to which noise it holds, and at which noises it holds again or the opposite does."""
    where = breaks_at(rates)
    if where is None:
        return f"at every flip rate up to {max(rates):g}"
    said = "not even at the lowest noise" if where == min(rates) else f"below flip rate {where:g}"
    again = [rate for rate in sorted(rates) if rate > where and rates[rate].sign > 0]
    against = [rate for rate in sorted(rates) if rates[rate].sign < 0]
    said += f", again at {listed(again)}" if again else ""
    return said + (f", the opposite at {listed(against)}" if against else "")
