"""Which runs compare at a moment: at the end of training only those that have arrived.

A run that still moves compares with nothing: after equally many steps, what a small step size has less of may
be training time. At equal time, and stopped at the best held-out moment, no run has to have arrived.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.finding import Finding, in_part, lacking
from stepscape.experiments.frame.sentences import counted, listed
from stepscape.experiments.logistic.edge import only_arrived
from stepscape.tables.records import Table

ARRIVED = {"function": 0.05, "ratio": 0.05}  # the limits of `edge.arrived` in every rule
COLUMNS = ("function_moved", "edge_moved")
RULE = (
    "After equally many steps a run counts if it has arrived (in the last half of the steps f moved by at "
    "most {function:.0%} of its root mean square, and λ_max·η/2 by at most {ratio:g}), and a step size if "
    "most of its runs have; where one is left out, a yes holds in part only."
)


def compared(table: Table, suffix: str, function: float, ratio: float) -> Table:
    """Let only runs that have arrived count at the end of training, whose columns have no suffix."""
    return table if suffix else only_arrived(table, function, ratio)


def left_out(table: Table, kept: Table, names: Mapping[str, str]) -> str:
    """Say at which step sizes most runs still move, by cells of the columns `names`; "" if at none."""
    before, after = (cells(each, names) for each in (table, kept))
    lost = {
        name: sorted(set(STEP_SIZES.working(before[name])) - set(STEP_SIZES.working(after[name])))
        for name in before
    }
    etas, where = sorted({eta for each in lost.values() for eta in each}), sum(map(bool, lost.values()))
    if not etas:
        return ""
    some = f" in {where} of {counted(len(lost), 'cell')}" if len(lost) > 1 else ""
    return f"most runs still move at {listed(etas)}{some} and are left out"


def without(found: Finding, words: str) -> Finding:
    """Say which step sizes were left out of a question; where some were, a yes holds in part only."""
    if words and found.answer == "premise_not_met":
        return lacking(f"too few step sizes are left to compare; {words}", found.numbers)
    return in_part(found, words)
