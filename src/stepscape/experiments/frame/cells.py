"""Cells: the members of a family of settings in which one question is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.finding import Finding, lacking
from stepscape.tables.records import Table

Array = NDArray[np.float64]


def cells(table: Table, names: Mapping[str, str]) -> dict[str, Table]:
    """Rows of each combination of the columns, in order of their values, under a name.

    names : column → how its value is written, such as ``{"amplitude": "amplitude {:g}"}``; a column with one
        value is left out of the names, unless all are.
    """
    found = sorted(set(zip(*(table[column].tolist() for column in names), strict=True)))
    several = [len({values[i] for values in found}) > 1 for i in range(len(names))]
    shown = several if any(several) else [True] * len(names)
    return {
        ", ".join(
            text.format(value)
            for text, value, show in zip(names.values(), values, shown, strict=True)
            if show
        ): table.where(**dict(zip(names, values, strict=True)))
        for values in found
    }


@dataclass(frozen=True)
class Asked:
    """A question in every cell: values over the seeds of all cells, and why some cells were not asked."""

    values: dict[str, Array]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> Finding | None:
        """The finding if no cell could be asked; None if one could."""
        if self.values:
            return None
        reasons = dict.fromkeys(self.left_out.values())
        return lacking(next(iter(reasons), "the question arises in no cell"))


def ask(
    found: Mapping[str, Table],
    question: Callable[[Table], Array | None],
    lacks: Callable[[Table], str] = lambda _: "",
) -> Asked:
    """Ask in every cell that lacks nothing.

    question : rows of a cell → values over its seeds; None where the question does not arise.
    lacks : rows → what they lack to be asked, "" if nothing.

    The values of every cell are over the seeds of all cells, nan where a cell lacks a seed: if runs failed,
    cells do not have the same seeds.
    """
    reasons = {name: lacks(rows) for name, rows in found.items()}
    asked = {name: rows for name, rows in found.items() if not reasons[name]}
    every = np.unique(np.concatenate([rows["seed"] for rows in asked.values()])) if asked else np.empty(0)
    values: dict[str, Array] = {}
    for name, rows in asked.items():
        some = question(rows)
        if some is not None:
            values[name] = np.full(every.size, np.nan)
            values[name][np.searchsorted(every, np.unique(rows["seed"]))] = some
    return Asked(values, {name: reason for name, reason in reasons.items() if reason})
