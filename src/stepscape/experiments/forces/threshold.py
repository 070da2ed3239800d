"""Whether runs end alive where their method can just stay."""

from __future__ import annotations

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Finding, Says, decide, lacking
from stepscape.experiments.frame.limits import EDGE
from stepscape.tables.records import Table


def at_threshold(table: Table, where: str) -> Finding:
    """Whether the runs end alive with an edge ratio near 1; `where` says at what, after "end"."""
    alive = STEP_SIZES.counts(table)
    if not alive.any():
        return lacking("no run of this method finishes alive")
    there = alive & (table["edge_ratio"] >= EDGE[0]) & (table["edge_ratio"] <= EDGE[1])
    found = decide.share(there, Says("runs", "end", where, plural=True), groups=table["seed"])
    return found.with_numbers({"runs": len(table), "runs that finish alive": int(alive.sum())})
