"""Which runs of `depth-effect` count, and what they lack to be judged."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.frame import Result, limits
from stepscape.experiments.frame.result import tag
from stepscape.experiments.recovery.depth_runs import BlockRun, VectorRun
from stepscape.tables.records import Table

LOCAL = "local minimum"  # status of a search that missed the truth, which costs less


def finished(result: Result, kind: type[VectorRun] | type[BlockRun]) -> Table:
    """Rows of the finished runs of one kind; undecided products are left out."""
    table = result.of(kind).table
    if "status" not in table:
        return table.rows(np.zeros(len(table), bool))
    return table.rows((table["outcome"] == "finished") & (table["status"] == "optimal"))


def lacks_vectors(table: Table) -> str:
    """Say that vectors were not recovered at some depth; "" if they were."""
    return _lacks(table, "limit_distance", "no flattest vector was computed") or _open(table, VectorRun)


def lacks_decay(table: Table) -> str:
    """Say that weight decay was never minimized; "" if it was."""
    return _lacks(table, "decay_error", "weight decay was minimized in no run")


def lacks_blocks(table: Table) -> str:
    """Say that products of blocks were not computed at some depth; "" if they were."""
    reason = "no flattest product of blocks was computed"
    return _lacks(table, "two_layer_error", reason) or _open(table, BlockRun)


def _open(table: Table, kind: type[VectorRun] | type[BlockRun]) -> str:
    """Name a depth at which most products stayed undecided: without it the ends would be others."""
    rows = table.where(kind=tag(kind), outcome="finished")
    for depth in np.unique(rows["depth"]):
        if np.mean(rows.where(depth=depth)["status"] == "optimal") <= limits.MOST:
            return f"most products with {depth:g} layers stayed undecided"
    return ""


def _lacks(table: Table, column: str, reason: str) -> str:
    known = column in table and np.isfinite(table[column].astype(float)).any()
    return "" if known else reason


def nonzeros(r: float) -> str:
    """Name a sparsity."""
    return "1 nonzero" if r == 1 else f"{r:g} nonzeros"


def searched(result: Result) -> Table:
    """Rows of the finished runs that minimized weight decay."""
    table = finished(result, VectorRun)
    if "decay_error" not in table:
        return table.rows(np.zeros(len(table), bool))
    return table.rows(np.isfinite(table["decay_error"].astype(float)))


def recoverable(result: Result, exact: float) -> Table:
    """Rows of blocks, with enough measurements, whose truth two layers recover."""
    table = finished(result, BlockRun)
    if "two_layer_error" not in table:
        return table
    kept = table["measurements"] == result.settings["block_measurements"]
    return table.rows(kept & (table["two_layer_error"] <= exact))


def block_cells(result: Result, exact: float) -> dict[str, Table]:
    """Rows of `recoverable` by truth and block size, those with two depths or more."""
    rows = recoverable(result, exact)
    pairs = dict.fromkeys(zip(rows["truth"].tolist(), rows["size"].tolist(), strict=True))
    found = {f"{truth}, s = {size:g}": rows.where(truth=truth, size=size) for truth, size in pairs}
    return {name: each for name, each in found.items() if np.unique(each["depth"]).size > 1}


def at_an_end(rows: Table) -> bool:
    """Whether blocks are single numbers or the full matrix."""
    return rows["size"][0] in (1, rows["side"][0])
