"""The rule that judges `does-descent-get-there`, fixed before its full runs.

The fate of a run is said by `arrival` from its last record. Seeds are the independent
units: runs of a seed share labels. A *share* is taken for each seed over the runs it speaks of; its mean over
the seeds has a Student interval of 95 %, and differences are paired by seed. Fewer than three seeds decide
nothing: ``undecided``.

``reached``, ``reached_by_default``: the share of runs that end certified flat, on the whole grid and from the
default start (torch, scale 1). The interval lies above ½: ``reproduced``; holds ½: ``partly``; below:
``not_reproduced``.
``depends_on_initialization``: that share, over all step sizes, differs between the smallest and the largest
scale of the torch start, and between the torch and the mean-field start of scale 1 (or the smallest given):
intervals without 0. Both: ``reproduced``; one: ``partly``; none: ``not_reproduced`` with at least ten seeds,
``undecided`` with fewer.
``depends_on_step_size``: the share, over all starts, differs between the smallest and the largest step size.
``stays``: of the runs that were certified flat at some record, those that end so: at least 90 %:
``reproduced``; at least half: ``partly``; fewer: ``not_reproduced``; no such run: ``premise_not_met``.
``generalizes``: the excess risk of the interior (median over the runs of a seed) of those that end certified
flat is below that of the other runs that finished with bent neurons, and below that of the best constant
answer: both intervals below 0 ``reproduced``, one ``partly``; no seed has both kinds: ``premise_not_met``.
``interpolation_trap``: some start and step size leads most of its seeds into the trap: ``reproduced``; some
run ends there: ``partly``; none: ``not_reproduced``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import LEAST_SEEDS, Numbers, median, told, usable, word_for
from stepscape.experiments.confidence.arrival import CERTIFIED, FATES
from stepscape.tables.interval import Interval, mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_share

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

Array = NDArray[np.float64]
TRAP = "interpolation trap"
EXCESS = "excess_risk_interior"


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict a part."""
    table = result.table
    return {
        "reached": judge_share(table),
        "reached_by_default": judge_share(table.where(init="torch", scale=1.0)),
        "depends_on_initialization": judge_differences(by_start(table)),
        "depends_on_step_size": judge_differences(by_step_size(table)),
        "stays": judge_stays(table),
        "generalizes": judge_generalizes(table),
        "interpolation_trap": judge_trap(table),
    }


def judge_share(table: Table) -> Verdict:
    """Apply the rule for the share of runs that get there."""
    if not len(table):
        return Verdict("premise_not_met", "the default start, torch at scale 1, is not on the grid")
    share = mean_interval(shares(table, np.unique(table["seed"])))
    share = replace(share, low=max(share.low, 0.0), high=min(share.high, 1.0))
    counts = Counter(table["fate"].tolist())
    numbers: Numbers = {
        "seeds": float(share.count),
        "share certified flat, by seeds": str(share),
        "share certified flat, pooled (Wilson)": wilson(counts[CERTIFIED], len(table)),
        **{f"runs {fate}": float(counts[fate]) for fate in FATES},
        **_nearly(table),
    }
    word = "reproduced" if share.low > 0.5 else "not_reproduced" if share.high < 0.5 else "partly"
    fates = ", ".join(f"{fate} {counts[fate]}" for fate in FATES if counts[fate])
    sentence = f"{counts[CERTIFIED]} of {len(table)} runs end certified flat ({fates})"
    return Verdict(word if share.count >= LEAST_SEEDS else "undecided", sentence, numbers)


def _nearly(table: Table) -> Numbers:
    """Count what is close to the fate that counts."""
    if "certified_late" not in table:
        return {}
    over, under = (table["fate"] == fate for fate in ("over the edge", "underfits"))
    return {
        "runs over the edge by less than a tenth": float(np.sum(over & (table["flattest_edge_ratio"] < 1.1))),
        "runs that underfit above 0.8 of the edge": float(
            np.sum(under & (table["flattest_edge_ratio"] > 0.8))
        ),
        "runs certified at a record of the last decade": float(np.sum(table["certified_late"] > 0.0)),
        "steps until certified, median": median(table["reached_at_step"]),
    }


def shares(table: Table, seeds: NDArray[np.int_]) -> Array:
    """For each seed, the share of its runs that end certified flat."""
    return np.array([np.mean(table.where(seed=seed)["fate"] == CERTIFIED) for seed in seeds])


def wilson(found: int, total: int) -> str:
    """Write a share with its Wilson interval of 95 %."""
    from scipy.stats import binomtest

    low, high = binomtest(found, total).proportion_ci(method="wilson")
    return f"{found / total:.3g} [{low:.3g}, {high:.3g}]"


def by_start(table: Table) -> dict[str, Interval]:
    """Differences of the share between starts."""
    torch, other = table.where(init="torch"), table.where(init="mean_field")
    scales = np.unique(torch["scale"])
    found = {}
    if scales.size > 1:
        large, small = (torch.where(scale=scale) for scale in scales[[-1, 0]])
        found[f"torch {scales[-1]:g} minus torch {scales[0]:g}"] = difference(large, small)
    if len(torch) and len(other):
        one, two = (1.0 if 1.0 in rows["scale"] else rows["scale"].min() for rows in (torch, other))
        found[f"mean-field {two:g} minus torch {one:g}"] = difference(
            other.where(scale=two), torch.where(scale=one)
        )
    return found


def by_step_size(table: Table) -> dict[str, Interval]:
    """Difference of the share between the largest and the smallest step size."""
    etas = np.unique(table["step_size"])
    if etas.size < 2:
        return {}
    large, small = (table.where(step_size=eta) for eta in etas[[-1, 0]])
    return {f"step size {etas[-1]:g} minus {etas[0]:g}": difference(large, small)}


def difference(one: Table, other: Table) -> Interval:
    """Interval of the share in one table minus that in another, over the seeds that both have."""
    seeds = np.intersect1d(one["seed"], other["seed"])
    return mean_interval(shares(one, seeds) - shares(other, seeds))


def judge_differences(found: dict[str, Interval]) -> Verdict:
    """Apply the rule for differences in either direction."""
    if not found:
        return Verdict("premise_not_met", "there is nothing to compare on this grid")
    sentence = "; ".join(f"share certified flat, {name}: {interval}" for name, interval in found.items())
    word = _word([interval.sign != 0 for interval in found.values()], found)
    return Verdict(word, sentence, {name: str(found[name]) for name in found})


def _word(parts: Sequence[bool], found: Mapping[str, Interval]) -> str:
    """As `word_for`, by the seeds that every interval has; fewer than three decide nothing."""
    seeds = min(interval.count for interval in found.values())
    return word_for(parts, seeds) if seeds >= LEAST_SEEDS else "undecided"


def judge_stays(table: Table) -> Verdict:
    """Apply the rule for staying certified."""
    steps = table["reached_at_step"] if "reached_at_step" in table else np.full(len(table), np.nan)
    once = np.isfinite(steps.astype(float))
    if not once.any():
        return Verdict("premise_not_met", "no run was certified flat at any record")
    ends = Counter(table["fate"][once].tolist())
    kept, total = ends[CERTIFIED], int(once.sum())
    numbers: Numbers = {
        "share that ends certified flat (Wilson)": wilson(kept, total),
        "share of the records of the last decade": median(table["certified_late"][once]),
        **{f"then {name}": float(ends[name]) for name in FATES if ends[name]},
    }
    sentence = f"{kept} of the {total} runs that were certified flat at a record end so"
    return Verdict(by_share(kept / total), sentence, numbers)


def judge_generalizes(table: Table) -> Verdict:
    """Apply the rule for the excess risk of what is certified."""
    arrived, alive = table["fate"] == CERTIFIED, usable(table)
    certified, others = (seed_medians(table, rows, EXCESS) for rows in (arrived, alive & ~arrived))
    constant = seed_medians(table, alive, "excess_constant_interior")
    if not np.isfinite(certified - others).any():
        return Verdict("premise_not_met", "no seed has runs of both kinds")
    changes = {
        "less excess risk than the other runs": mean_interval(certified - others),
        "less than the best constant": mean_interval(certified - constant),
    }
    parts = {name: change.sign < 0 for name, change in changes.items()}
    numbers: Numbers = {
        **{f"{name}, difference": str(change) for name, change in changes.items()},
        **{f"{fate}, median": median(table[EXCESS][table["fate"] == fate]) for fate in FATES},
        "best constant, median": median(constant),
    }
    numbers = {name: x for name, x in numbers.items() if x == x}
    return Verdict(_word(list(parts.values()), changes), told(parts), numbers)


def seed_medians(table: Table, rows: NDArray[np.bool_], column: str) -> Array:
    """Median of a column over some rows of each seed, nan where it has none."""
    values = table[column] if column in table else np.full(len(table), np.nan)
    return np.array([median(values[rows & (table["seed"] == seed)]) for seed in np.unique(table["seed"])])


def judge_trap(table: Table) -> Verdict:
    """Apply the rule for the interpolation trap."""
    trapped = table["fate"] == TRAP
    cells: dict[tuple[str, float, float], list[bool]] = {}
    for *cell, here in zip(table["init"], table["scale"], table["step_size"], trapped, strict=True):
        cells.setdefault((str(cell[0]), float(cell[1]), float(cell[2])), []).append(bool(here))
    most = [cell for cell, found in cells.items() if np.mean(found) > 0.5]
    word = "reproduced" if most else "partly" if trapped.any() else "not_reproduced"
    where = "; ".join(f"{init.replace('_', '-')} {scale:g} at η = {eta:g}" for init, scale, eta in most)
    sentence = f"{trapped.sum()} of {len(table)} runs end in it; most seeds from: {where or 'nowhere'}"
    return Verdict(word, sentence, {"runs in the trap": float(trapped.sum())})
