"""A swept column of a table: at which of its levels runs work, and values by seed and level."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.experiments.frame import limits
from stepscape.experiments.frame.sentences import listed
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def fraction(flags: ArrayLike) -> float:
    """Share of true flags; nan of none.

    >>> fraction([True, False]), fraction([])
    (0.5, nan)
    """
    mask = np.asarray(flags, np.float64)
    return float(mask.mean()) if mask.size else float("nan")


def median(values: ArrayLike) -> float:
    """Median of the finite values; nan of none."""
    array = np.asarray(values, np.float64).ravel()
    finite = array[np.isfinite(array)]
    return float(np.median(finite)) if finite.size else float("nan")


@dataclass(frozen=True)
class Levels:
    """What a sweep over one column needs of it.

    Attributes
    ----------
    over : the column that is swept, such as ``step_size``.
    noun : its plural in a sentence.
    symbol : its letter, such as η.
    alive : a run counts when it finished and this column is above 0; "" asks for no such column.
    lives, dies : what descent does in runs that count, and a clause on runs that finished without counting.
    fewest, of_width : a run with less in that column than `fewest`, or than this share of its ``width``, does
        not count either.
    arrives : table → mask of the runs that have arrived; None asks for no arrival. Most of the runs of a
        level that count must have.
    late : clauses on levels where most have not: one that ends in "at", and one that ends in "there".
    least, span : at least `least` working levels are needed, the largest at least `span` times the smallest.
    """

    over: str
    noun: str
    symbol: str
    alive: str = ""
    lives: str = "works"
    dies: str = "it comes to nothing"
    fewest: float = 0.0
    of_width: float = 0.0
    arrives: Callable[[Table], Mask] | None = None
    late: tuple[str, str] = ("it has not arrived at", "most runs have not arrived there")
    least: int = 3
    span: float = 10.0

    def counts(self, table: Table) -> Mask:
        """Mask of the runs that count."""
        finished = np.asarray(table["outcome"] == "finished")
        if not self.alive:
            return finished
        if self.alive not in table:
            return finished & False
        found, least = table[self.alive], np.full(len(table), self.fewest)
        if "width" in table:
            least = np.fmax(least, self.of_width * table["width"])
        return np.asarray(finished & (found > 0) & (found >= least))

    def working(self, table: Table) -> Array:
        """Levels at which at least half of the runs count, and of these at least half have arrived."""
        alive = self._alive(table)
        return alive[~np.isin(alive, self.unfinished(table))]

    def unfinished(self, table: Table) -> Array:
        """Levels at which at least half of the runs count, but fewer than half of these have arrived."""
        alive = self._alive(table)
        if self.arrives is None:
            return alive[:0]
        counts, there = self.counts(table), self.arrives(table)
        share = [there[counts & (table[self.over] == level)].mean() for level in alive]
        return alive[np.array(share, float) < limits.MOST]

    def _alive(self, table: Table) -> Array:
        counts, levels = self.counts(table), np.unique(table[self.over])
        share = [counts[table[self.over] == level].mean() for level in levels]
        return np.asarray(levels[np.array(share) >= limits.MOST], np.float64)

    def values(self, table: Table, column: str, levels: ArrayLike | None = None) -> Array:
        """Values (seeds, levels) of a column, nan where a run does not count; levels: the working ones."""
        at = self.working(table) if levels is None else np.asarray(levels, np.float64)
        seeds, counts = np.unique(table["seed"]), self.counts(table)
        out = np.full((seeds.size, at.size), np.nan)
        rows = np.searchsorted(seeds, table["seed"])
        for j, level in enumerate(at):
            here = counts & (table[self.over] == level)
            out[rows[here], j] = table[column][here]
        return out

    def at_ends(self, table: Table, column: str) -> Array:
        """Values (seeds, 2) at the smallest and at the largest working level."""
        return self.values(table, column, self.working(table)[[0, -1]])

    def span_words(self, table: Table) -> str:
        """Name the ends that `at_ends` gives, such as "from η = 0.01 to 0.8"."""
        low, high = self.working(table)[[0, -1]]
        return f"from {self.symbol} = {low:g} to {high:g}"

    def lacks(self, table: Table) -> str:
        """Say that runs work at too few levels or over too short a range; "" if they do not."""
        works = self.working(table)
        if works.size >= self.least and works[-1] >= self.span * works[0]:
            return ""
        return f"runs work at too few {self.noun}: {self.fates(table)}"

    def fates(self, table: Table) -> str:
        """Say at which levels most runs work, diverge, or end without counting."""
        levels, works, late = np.unique(table[self.over]), self.working(table), self.unfinished(table)
        lost = [
            x for x in levels if np.mean(table["outcome"][table[self.over] == x] == "diverged") > limits.MOST
        ]
        dead = [x for x in levels if x not in works and x not in lost and x not in late]
        kinds: tuple[tuple[str, Sequence[float]], ...] = (
            (f"descent {self.lives} at", list(works)), (self.late[0], list(late)),
            ("it diverges at", lost), (f"{self.dies} at", dead),
        )  # fmt: skip
        told = "; ".join(f"{what} {listed(where)}" for what, where in kinds if len(where))
        return re.sub("^it ", "descent ", told)
