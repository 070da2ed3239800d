"""Rules of `flat-but-wrong` on descent that starts on an interpolator, next to it, or elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.arrival import has_arrived
from stepscape.experiments.frame import Finding, Result, Says, decide, lacking, together
from stepscape.experiments.frame.finding import Number
from stepscape.experiments.frame.levels import fraction
from stepscape.tables.records import Table

Mask = NDArray[np.bool_]
START = {"worse": 0.02, "edge": 1.1}


def stays(table: Table, worse: float, edge: float) -> Mask:
    """Mask of the descents that end flat, through every label, and no less wrong than the interpolator."""
    fell = table["test_error_start"] - table["test_error"] > worse
    there = (table["training_error"] == 0.0) & (table["edge_ratio"] <= edge) & ~fell
    return np.asarray(there & (table["outcome"] == "finished"))


def radius(table: Table, nearly_all: float, worse: float, edge: float) -> float:
    """Find the largest move from which, and from every smaller one, nearly all descents stay; nan if none."""
    kept = stays(table, worse, edge)
    moves = np.unique(table["move"])
    fine = [fraction(kept[table["move"] == move]) >= nearly_all for move in moves]
    first = fine.index(False) if False in fine else len(fine)
    return float(moves[first - 1]) if first else float("nan")


def basin(result: Result, move: float, nearly_all: float, worse: float, edge: float) -> Finding:
    """Whether descent stays from random moves of a given length, at every step size; and how far it does."""
    table = result.table
    near = table.rows(np.isclose(table["move"], move))
    if not len(near):
        return lacking(f"no descent starts from a move of {move:g}")
    flags, etas = stays(near, worse, edge), np.unique(near["step_size"])
    says = Says("descents", "stay", f"flat and wrong after a move by {move:.0%} of ‖θ‖")
    found = {}
    for eta in etas:
        here = near["step_size"] == eta
        found[f"η = {eta:g}"] = decide.share(flags[here], says, nearly_all, near["seed"][here], etas.size)
    numbers: dict[str, Number] = {
        f"n = {n:g}, η = {eta:g}: largest move from which nearly all stay": radius(
            table.where(n=n, step_size=eta), nearly_all, worse, edge
        )
        for n in np.unique(table["n"])
        for eta in etas
    }
    for eta in etas:
        for length in np.unique(table["move"]):
            here = table.where(step_size=eta, move=length)
            kept = stays(here, worse, edge)
            numbers[f"η = {eta:g}, move {length:g}: descents that stay"] = f"{kept.sum()} of {kept.size}"
    return together(found).with_numbers(numbers)


def leaves(result: Result, worse: float, edge: float, far: float, nearly_all: float) -> Finding:
    """Whether descent leaves if it starts where λ·η/2 is above 1, at every step size."""
    table = result.table
    sharp = table.rows(table["edge_ratio_start"] > 1.0)
    gone = ~stays(sharp, worse, edge) | (sharp["moved"] > far)
    says = Says("descents from the sharp side", "leave", "it")
    found, etas = {}, np.unique(sharp["step_size"])
    for eta in etas:
        here = sharp["step_size"] == eta
        found[f"η = {eta:g}"] = decide.share(gone[here], says, nearly_all, sharp["seed"][here], etas.size)
    held = sharp["edge_ratio_start"][~gone]
    lost = sharp["outcome"] == "diverged"
    return together(found).with_numbers({
        "starts at peaks that are flat already and do not count": len(table) - len(sharp),
        "descents that diverge": int(lost.sum()),
        "descents that miss no label in the end": int(np.sum(~lost & (sharp["training_error"] == 0.0))),
        "λ·η/2 at the start of those that do not leave, smallest": min(held, default=None),
        "λ·η/2 at the start of those that do not leave, largest": max(held, default=None),
    })  # fmt: skip


def settled(table: Table, moved: float, fell: float) -> Mask:
    """Mask of the descents that finished and have arrived: λ_max and the loss stand still."""
    still = has_arrived(table["edge_moved"], table["loss_fell"], moved, fell)
    return np.asarray(still & (table["outcome"] == "finished"))


def misses_some_label(result: Result, nearly_all: float, moved: float, fell: float) -> Finding:
    """Whether descent from a random start ends without passing through every label."""
    table = result.table.where(outcome="finished")
    there = table["training_error"] == 0.0
    done = there | settled(table, moved, fell)
    says = Says("descents from a random start", "miss", "some label")
    return decide.share(~there[done], says, nearly_all, table["seed"][done]).with_numbers({
        "descents that miss no label": int(there.sum()),
        "descents that still move, and do not count": int(np.sum(~done)),
        "data sets on which some miss no label": len(
            set(zip(table["n"][there], table["seed"][there], strict=True))
        ),
    })  # fmt: skip
