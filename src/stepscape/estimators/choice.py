"""The choice among the step sizes and stopping times that were cross-validated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, unknown
from stepscape.estimators.folds import Folds
from stepscape.estimators.prediction import AnyPrediction
from stepscape.problems.user.weighted_rows import Rows
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Row = dict[str, Any]
RULES = ("min", "1se")
# Of a standard error: errors this close are a tie. Training at the edge of stability is chaotic: on eight
# tables a change of the labels by 1e-12 moved errors by roughly so much, and a few by more than one. Larger
# values were tried on the same tables, so nothing independent supports this one.
TIE = 0.1


class Member(NamedTuple):
    """One fold trained at one step size, at one stopping time: its row of the table, and what it predicts."""

    row: Row
    prediction: AnyPrediction


class Path(NamedTuple):
    """Cross-validation along the path.

    Attributes
    ----------
    table : Table
        One row per step size, largest first: step_size, cv_error, standard_error (of the mean over folds),
        steps, time, edge_ratio (of the last third), bent_neurons as medians over folds, stop (how many folds
        ended how), diverged, overshot, trapped (folds), chosen. With stopping times, at the best of
        them (in the row chosen, at the one chosen); budget_error and budget_stop are then those of the whole
        budget.
    members : Table
        One row per step size and fold, at the same stopping time.
    chosen : int
        Row of the chosen step size.
    times : Table
        The rows of all stopping times: those of `table` when there is one per step size.
    until : int or None
        The chosen stopping time; None for the end of the run.
    predictions : tuple of Prediction or PlanePrediction
        Those of the folds at the choice.
    folds : Folds
        What each fold held out.
    """

    table: Table
    members: Table
    chosen: int
    times: Table
    until: int | None
    predictions: tuple[AnyPrediction, ...]
    folds: Folds

    @property
    def step_size(self) -> float:
        """The chosen one."""
        return float(self.table["step_size"][self.chosen])

    def held_out(self, x: Array, rows: Rows) -> Array:
        """Predictions (m,) at distinct inputs x by the folds that held rows of them out; nan if none did.

        Where several folds did, the mean over the rows that they held out.
        """
        total, seen = np.zeros(len(x)), np.zeros(len(x))
        for held, predict in zip(self.folds, self.predictions, strict=True):
            count = rows.per_input(held.astype(np.float64), len(x))
            total += count * predict(x)
            seen += count
        return np.asarray(np.divide(total, seen, out=np.full(len(x), np.nan), where=seen > 0.0))


@dataclass(frozen=True, eq=False)
class Validation:
    """All that cross-validation trained and measured, before the choice.

    Attributes
    ----------
    rows : sequence of dict
        One per step size and stopping time: step sizes fall, times rise.
    groups : sequence of lists of Member
        The folds behind each row.
    folds : Folds
    stopping_times : tuple of int
    steps : int
        The budget.
    resolution : float
        Errors below it count as equal.
    """

    rows: Sequence[Row]
    groups: Sequence[list[Member]]
    folds: Folds
    stopping_times: tuple[int, ...]
    steps: int
    resolution: float

    def paths(self, rule: str) -> Iterator[Path]:
        """Yield the path with its choice; then, while some are left, with that among the other step sizes."""
        passed: set[float] = set()
        while path := self._path(rule, passed):
            yield path
            passed.add(path.step_size)

    def _path(self, rule: str, passed: set[float]) -> Path | None:
        errors, spread = (
            np.array([row[name] for row in self.rows]) for name in ("cv_error", "standard_error")
        )
        out = np.array([row["step_size"] in passed for row in self.rows])
        if passed and np.isnan(errors[~out]).all():
            return None
        errors = np.maximum(np.where(out, np.nan, errors), self.resolution)
        chosen = choose(errors, spread, rule)
        each = max(1, len(self.stopping_times))
        shown = [_best_time(errors, first, each, chosen) for first in range(0, len(errors), each)]
        rows = [{**row, "chosen": i == chosen} for i, row in enumerate(self.rows)]
        until = self.stopping_times[chosen % each] if self.stopping_times else None
        return Path(
            table=Table.from_records([{**rows[i], **_budget(rows, i, self.stopping_times)} for i in shown]),
            members=Table.from_records([member.row for i in shown for member in self.groups[i]]),
            chosen=chosen // each,
            times=Table.from_records(rows),
            until=None if until == self.steps else until,
            predictions=tuple(member.prediction for member in self.groups[chosen]),
            folds=self.folds,
        )


def choose(errors: Array, standard_errors: Array, rule: str) -> int:
    """Row of the choice, for step sizes in decreasing order and, within each, rising stopping times.

    It is the first one, of the largest step size and least time, whose error exceeds the smallest by no more
    than a tenth of the standard error of that ("min"), or by no more than that standard error ("1se").
    Errors closer than a tenth of it are a tie: rounding alone may order them. Step sizes at which a fold
    diverged (nan) are out.

    Source: Breiman et al. (1984), section 3.4.3 (the one-standard-error rule).
    """
    if rule not in RULES:
        raise unknown("rule", rule, RULES)
    if np.all(np.isnan(errors)):
        raise InputError(
            "every step size of the path diverged in some fold; give smaller step_sizes or more steps"
        )
    best = int(np.nanargmin(errors))
    allowed = errors[best] + (TIE if rule == "min" else 1.0) * standard_errors[best]
    return int(np.flatnonzero(errors <= allowed * (1.0 + 1e-9))[0])


def _budget(rows: Sequence[Row], shown: int, stopping_times: Sequence[int]) -> Row:
    """Error and stop of a step size whose runs spend their budget."""
    if not stopping_times:
        return {}
    last = rows[shown + len(stopping_times) - 1 - shown % len(stopping_times)]
    return {"budget_error": last["cv_error"], "budget_stop": last["stop"]}


def _best_time(errors: Array, first: int, count: int, chosen: int) -> int:
    """Row shown for a step size: the chosen one, otherwise that of the smallest error of its times."""
    if first <= chosen < first + count:
        return chosen
    of_it = errors[first : first + count]
    return first + (count - 1 if np.all(np.isnan(of_it)) else int(np.nanargmin(of_it)))
