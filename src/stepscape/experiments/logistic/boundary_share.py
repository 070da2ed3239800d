"""How much of the excess risk lies at the inputs outside the interior, and whether large steps add to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import Numbers, median, working_step_sizes
from stepscape.experiments.logistic.grid import Answers, Judged, around, intervals_in, spoken, written
from stepscape.tables.records import Table


def with_shares(table: Table) -> Table:
    """Add ``outside_share``, the share of the excess risk at the inputs outside the interior, and theirs.

    Ex = v Ex_interior + (1 − v) Ex_boundary gives v, the weight of the interior; nan where both are equal.
    """
    if "excess_risk" not in table:
        return table
    every, inner, outer = (table[f"excess_risk{region}"] for region in ("", "_interior", "_boundary"))
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.abs(inner - outer) > 1e-9 * np.maximum(inner, outer)
        inside = np.where(known, (every - outer) / np.where(known, inner - outer, 1.0), np.nan)
        share = (1.0 - inside) * outer / every
    return Table({**table.columns, "outside_share": share, "outside_inputs": 1.0 - inside})


def shares(rows: Table) -> Answers:
    """Shares (seeds,) outside the interior at the smallest and at the largest working step size."""
    etas, table = working_step_sizes(rows), with_shares(rows)
    return {
        f"share outside the interior at the {which} step size": around(
            table, "outside_share", float(etas[end])
        )
        for which, end in (("smallest", 0), ("largest", -1))
    }


def sits(rows: Table) -> Answers:
    """Whether most of it lies outside at the largest step size, and more than at the smallest."""
    small, large = shares(rows).values()
    return {
        "more than half of the excess risk lies outside the interior at the largest step size": large - 0.5,
        "a larger share than at the smallest": large - small,
    }


def shares_outside(judged: Judged) -> Numbers:
    """Write the shares, the runs in which they are above one half, and the share of the inputs there."""
    numbers = written(intervals_in(judged, shares))
    found = {cell: shares(rows) for cell, rows in judged.items()}
    for name in next(iter(found.values())):
        above = {spoken(cell): answers[name] > 0.5 for cell, answers in found.items()}
        numbers |= {
            f"{cell}: seeds in which it is above one half, {name}": _of(at) for cell, at in above.items()
        }
        numbers[f"runs in which it is above one half, {name}"] = _of(np.concatenate(list(above.values())))
    inputs = [with_shares(rows)["outside_inputs"] for rows in judged.values()]
    return {**numbers, "share of the inputs outside the interior, median": median(np.concatenate(inputs))}


def _of(mask: NDArray[np.bool_]) -> str:
    return f"{int(mask.sum())} of {mask.size}"
