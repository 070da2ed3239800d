"""The rule that judges `weighted-tv`, fixed before its runs.

The certificates are inequalities that are proved for every network: a run can contradict them, or not. They
are checked at every record of every run that finished. A bound that holds at a network without bends (all
neurons dead) says nothing about the step size; such records are counted apart.

Each arm, for the four inequalities without probability (gauss_newton, sharpness, sharpness_loss, published):
any violation beyond rounding: ``not_reproduced``; none: ``consistent``; no check at a network with bends:
``premise_not_met``. Never ``reproduced``, since an upper bound that is not contradicted is no more than that.

``noisy`` holds with probability 1 − δ over the labels, for all networks at once: a seed counts as a violation
when the inequality fails at any record of any run on its labels. ``consistent`` unless so many seeds fail
that a binomial law with rate δ = 0.05 gives as many with probability below 1 %: then ``not_reproduced``.
``interpolation`` speaks about networks that interpolate: ``premise_not_met`` when no record does.
``two_over_eta``: ∫|f''|g ≤ 1/η − ½ + x_max √(2L), that is 1 + 2 ∫|f''|g ≤ 2/η + 2 x_max √(2L), at the records
with λ_max ≤ 2/η for the step size of that moment; words as for an arm. The records with a larger λ_max, where
the premise fails, are counted, and how many of them lie beyond the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.step_size_grid import Numbers, median, usable
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

CERTAIN = ("gauss_newton", "sharpness", "sharpness_loss", "published")
DELTA = 0.05
IMPLAUSIBLE = 0.01


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict an arm for the certain inequalities, and one for each other inequality."""
    table = result.table.where(outcome="finished")
    return {
        **{arm: judge_certain(table.where(arm=arm), CERTAIN) for arm in result.settings["arms"]},
        "two_over_eta": judge_line(table),
        "noisy": judge_noisy(table),
        "interpolation": judge_certain(table, ("interpolation",)),
    }


def judge_certain(table: Table, names: tuple[str, ...]) -> Verdict:
    """Apply the rule for inequalities without probability."""
    if not _bends(table) or not _count(table, "checks", names):
        why = "no run finished with bends" if not _bends(table) else "no record meets the premise"
        return Verdict("premise_not_met", why)
    numbers = {**_context(table), **{key: x for name in names for key, x in _sides(table, name).items()}}
    checks, violations = _count(table, "checks", names), _count(table, "violations", names)
    slack = min(float(np.nanmin(table[f"{name}_least_slack"])) for name in names)
    word = "not_reproduced" if violations else "consistent"
    said = f"violated in {violations} of {checks} checks" if violations else f"holds in all {checks} checks"
    return Verdict(word, f"{said}; the least slack is {slack:.3g}", numbers)


def judge_line(table: Table) -> Verdict:
    """Apply the rule for the threshold in the place of λ_max."""
    verdict = judge_certain(table, ("line",))
    if verdict.word == "premise_not_met":
        return verdict
    beyond = int(np.sum(table["line_beyond"]))
    outside = int(np.sum(table["records_checked"])) - _count(table, "checks", ("line",))
    at_edge = table["line_left"][usable(table) & (table["edge_reached"] == 1)]
    etas = table["step_size"][usable(table) & (table["edge_reached"] == 1)]
    numbers: Numbers = {
        **verdict.numbers,
        "records with λ_max above 2/η": float(outside),
        "of them beyond the line": float(beyond),
    }
    if np.unique(etas).size > 1:
        slope = np.polyfit(np.log(1.0 / etas), np.log(at_edge), 1)[0]
        numbers["slope of log ∫|f''|g on log 1/η at the edge"] = float(slope)
        numbers["∫|f''|g·η at the edge, median"] = median(at_edge * etas)
    said = f"of {outside} records with λ_max above 2/η, where the premise fails, {beyond} lie beyond the line"
    return Verdict(verdict.word, f"{verdict.sentence}; {said}", numbers)


def judge_noisy(table: Table) -> Verdict:
    """Apply the rule for the inequality that holds with probability 1 − δ."""
    from scipy.stats import binom

    verdict = judge_certain(table, ("noisy",))
    if verdict.word == "premise_not_met":
        return verdict
    seeds = np.unique(table["seed"])
    failed = sum(bool(np.sum(table.where(seed=seed)["noisy_violations"])) for seed in seeds)
    chance = float(binom.sf(failed - 1, seeds.size, DELTA))
    numbers: Numbers = {
        **verdict.numbers,
        "seeds": float(seeds.size),
        "seeds with a violation": float(failed),
        "probability of as many at rate 0.05": chance,
    }
    word = "not_reproduced" if chance < IMPLAUSIBLE else "consistent"
    return Verdict(word, f"{verdict.sentence}; {failed} of {seeds.size} draws of the labels fail", numbers)


def _bends(table: Table) -> bool:
    return bool(usable(table).any())


def _count(table: Table, what: str, names: tuple[str, ...]) -> int:
    return sum(int(np.nansum(table[f"{name}_{what}"])) for name in names)


def _context(table: Table) -> Numbers:
    records = float(np.sum(table["records_checked"]))
    return {
        "runs": float(len(table)),
        "records": records,
        "records left out, a knot lies exactly on an input": records - _count(table, "checks", CERTAIN[:1]),
        "records of networks without bends": float(np.sum(table["records_without_bends"])),
        "neurons with a knot near an input at the end, largest": float(np.max(table["knots_at_data"])),
    }


def _sides(table: Table, name: str) -> Numbers:
    """Count checks and violations; worst slack, and tightness at the end of the runs with bends."""
    with np.errstate(divide="ignore", invalid="ignore"):
        tightness = (table[f"{name}_left"] / table[f"{name}_right"])[usable(table)]
    slack = table[f"{name}_least_slack"]
    return {
        f"{name}: checks": float(_count(table, "checks", (name,))),
        f"{name}: violations": float(_count(table, "violations", (name,))),
        f"{name}: least slack": float(np.nanmin(slack)) if np.isfinite(slack).any() else float("nan"),
        f"{name}: left/right at the end, median": median(tightness),
        f"{name}: left/right at the end, largest": float(np.max(tightness)),
    }
