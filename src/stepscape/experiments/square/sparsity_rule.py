"""The rule that judges `sparsity-vs-step-size`, fixed before its runs.

Which arms can be judged: as in `risk-vs-step-size`. A quantity *falls* when its paired difference over
seeds, largest minus smallest working step size, has its 95 % interval below 0. It *falls by ranks* when the
mean over seeds of Spearman's rank correlation with the step size, over the working step sizes of each seed,
has its 95 % interval below 0: then the ends are no exception.

Each arm: linear pieces fall, and fall by ranks: both ``reproduced``; one ``partly``; none ``not_reproduced``
with at least ten seeds, ``undecided`` with fewer. The parts ask each arm that can be judged; yes everywhere:
``reproduced``; somewhere: ``partly``; nowhere: as above; no such arm: ``premise_not_met``.

``equal_time``: the pieces fall also when every run is stopped at the same Σ η.
``smoothness``: total variation of f' and weighted total variation fall.
``raw_knots``: the number of knots inside the data falls.
``few_active_neurons``: at the largest working step size the carriers (fewest bent neurons that hold 90 % of
Σ |w1 w2|) are few: the interval of their mean lies below 10 % of the width; and they are fewer than in the
network at the start, paired, so that they were learned.
``pushed_out``: at the largest working step size more neurons left the data than came in, and fewer are left
bent than at the smallest.
``dead_stay_dead``: for descent without momentum and decay an identity, since the gradient of a neuron that is
active on no input is 0. At every record of every run the gradient of the dead neurons is 0 and none is active
again: ``reproduced``; otherwise ``not_reproduced``; no dead neuron: ``premise_not_met``. The gradients are
what is checked: the engine leaves dead neurons out, so that no return follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.step_size_grid import (
    Found,
    across,
    by_seed,
    largest_minus_smallest,
    median,
    span,
    told,
    unmet,
    word_for,
    working_step_sizes,
)
from stepscape.tables.interval import Interval, mean_interval
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

FEW = 0.1
SMOOTHNESS = {"less variation": "tv", "less weighted variation": "weighted_tv"}
REPORTED = ("features", "participation", "carriers", "knots", "tv", "weighted_tv", "bent_neurons")


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict an arm, and one for each part."""
    table, arms = result.table, list(result.settings["arms"])
    return {
        **{arm: judge_arm(table.where(arm=arm)) for arm in arms},
        "equal_time": across(table, arms, lambda rows: falling(rows, {"fewer pieces": "pieces_equal_time"})),
        "smoothness": across(table, arms, lambda rows: falling(rows, SMOOTHNESS)),
        "raw_knots": across(table, arms, lambda rows: falling(rows, {"fewer knots": "knots"})),
        "few_active_neurons": across(table, arms, few),
        "pushed_out": across(table, arms, pushed_out),
        "dead_stay_dead": judge_dead(table),
    }


def judge_arm(table: Table) -> Verdict:
    """Apply the rule for the pieces to one arm."""
    reason = unmet(table)
    if reason is not None:
        return reason
    working = working_step_sizes(table)
    change, ranks = largest_minus_smallest(table, "pieces"), rank_correlation(table, "pieces")
    numbers = {
        **span(table),
        "pieces, largest minus smallest": str(change),
        "pieces, rank correlation with the step size": str(ranks),
        "pieces, median at the smallest": median(table.where(step_size=working[0])["pieces"]),
        "pieces, median at the largest": median(table.where(step_size=working[-1])["pieces"]),
        "pieces of the truth": median(table["pieces_truth"]),
        **{f"{name}, rank correlation": str(rank_correlation(table, name)) for name in REPORTED},
    }
    parts = {"fewer pieces": change.sign < 0, "by ranks": ranks.sign < 0}
    word = word_for(list(parts.values()), int(numbers["seeds"]))
    return Verdict(word, f"from step size {working[0]:g} to {working[-1]:g}, {told(parts)}", numbers)


def rank_correlation(table: Table, column: str) -> Interval:
    """Mean over seeds of Spearman's correlation of a column with the working step sizes."""
    from scipy.stats import rankdata

    working = working_step_sizes(table)
    found = []
    for values in by_seed(table, column, working):
        here = np.isfinite(values)
        if here.sum() > 1 and np.ptp(values[here]) > 0:
            found.append(np.corrcoef(rankdata(working[here]), rankdata(values[here]))[0, 1])
        else:
            found.append(0.0 if here.sum() > 1 else np.nan)  # constant: no trend
    mean = mean_interval(found)
    return replace(mean, low=max(mean.low, -1.0), high=min(mean.high, 1.0))  # correlations know no more


def falling(table: Table, columns: Mapping[str, str]) -> Found:
    """Whether columns fall, each under a word for what that says."""
    changes = {column: largest_minus_smallest(table, column) for column in columns.values()}
    parts = {word: changes[column].sign < 0 for word, column in columns.items()}
    return parts, {
        f"{column.replace('_', ' ')}, largest minus smallest": str(change)
        for column, change in changes.items()
    }


def few(table: Table) -> Found:
    """Whether few neurons carry the bends at the largest working step size, and fewer than at the start."""
    last = working_step_sizes(table)[-1:]
    carriers, before = (by_seed(table, name, last)[:, 0] for name in ("carriers", "carriers_at_start"))
    width = float(table["width"][0])
    share, gained = mean_interval(carriers / width), mean_interval(carriers - before)
    return {"few": share.high < FEW, "fewer than at the start": gained.sign < 0}, {
        "largest step size": float(last[0]),
        "carriers, share of the width": str(share),
        "carriers, end minus start": str(gained),
        "features, median": median(by_seed(table, "features", last)),
        "neurons active on other inputs than at the start, share": median(
            by_seed(table, "rearranged", last) / width
        ),
    }


def pushed_out(table: Table) -> Found:
    """Whether neurons leave the data, and more of them at larger step sizes."""
    last = working_step_sizes(table)[-1:]
    out, into = (by_seed(table, name, last)[:, 0] for name in ("pushed_out", "pulled_in"))
    left, change = mean_interval(out - into), largest_minus_smallest(table, "bent_neurons")
    return {"more leave than come": left.sign > 0, "fewer bent than at the smallest": change.sign < 0}, {
        "left minus came in, largest step size": str(left),
        "bent neurons, largest minus smallest": str(change),
        "dead neurons, largest minus smallest": str(largest_minus_smallest(table, "dead_neurons")),
    }


def judge_dead(table: Table) -> Verdict:
    """Apply the rule for dead neurons to all finished runs."""
    rows = table.where(outcome="finished")
    checked = float(np.sum(rows["dead_checked"])) if "dead_checked" in rows else 0.0
    if not checked:
        return Verdict("premise_not_met", "no run finished with a dead neuron at one of its records")
    revived, gradient = float(np.sum(rows["revived"])), float(np.max(rows["dead_gradient"]))
    word = "reproduced" if revived == 0.0 and gradient == 0.0 else "not_reproduced"
    sentence = (
        f"{checked:.0f} times a neuron was dead at a record of {len(rows)} runs: the largest gradient was "
        f"{gradient:g}, and {revived:.0f} became active again"
    )
    return Verdict(word, sentence, {"checked": checked, "revived": revived, "largest gradient": gradient})
