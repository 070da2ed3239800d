"""The path of step sizes and stopping times, cross-validation along it, and the choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, unknown
from stepscape.estimators.descent import Run, Schedule, descend, edge_ratio, overshot
from stepscape.estimators.prediction import Prediction
from stepscape.lab.pool import run_all
from stepscape.problems.problem import Problem
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Row = dict[str, Any]
RULES = ("min", "1se")
# By loss: where descent on standardized data ceases to be stable; largest and smallest step size, and count.
LIMITS = {"square": 2.0, "logistic": 8.0}
PATHS = {"square": (1.5, 0.003, 14), "logistic": (6.0, 0.003, 12)}
TRAP = 0.5  # edge ratio below which a run that fits every label is flat because it is confident


def step_size_path(loss: str = "square") -> Array:
    """Fourteen step sizes from 1.5 down to 0.003, logarithmic; for the logistic loss twelve from 6.

    In standardized units the output bias alone gives λ_max ≥ 1, so every step size of 2 or more diverges.
    With logistic loss an example's curvature s(f)(1 - s(f)) is at most ¼, where labels are undecided, so that
    both are four times as large. The factor of the path is 2, that of the stopping times.
    """
    return np.geomspace(*PATHS[loss])


class Data(Protocol):
    """What cross-validation needs of merged data: `Standardized` or `TwoClasses`."""

    @property
    def x(self) -> Array:
        """Distinct inputs (m,), standardized."""

    @property
    def size(self) -> int:
        """Their number m."""

    @property
    def weights(self) -> Array:
        """Weight of the rows at each."""

    @property
    def strata(self) -> Array | None:
        """What folds should hold alike shares of."""

    @property
    def resolution(self) -> float:
        """Errors below it count as equal."""

    def problem(self, rows: NDArray[np.bool_] | None = None) -> Problem:
        """Training problem on some of them."""

    def errors(self, predictions: Array, rows: NDArray[np.bool_]) -> dict[str, float]:
        """Errors on some of them; "cv_error" decides."""


class Member(NamedTuple):
    """One fold trained at one step size, at one stopping time: its row of the table, and what it predicts."""

    row: Row
    prediction: Prediction


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
    chosen, best : int
        Rows of the chosen step size and of the smallest error.
    times : Table
        The rows of all stopping times: those of `table` when there is one per step size.
    until : int or None
        The chosen stopping time; None for the end of the run.
    predictions : tuple of Prediction
        Those of the folds at the choice.
    folds : (m,)
        Fold of each distinct input.
    """

    table: Table
    members: Table
    chosen: int
    best: int
    times: Table
    until: int | None
    predictions: tuple[Prediction, ...]
    folds: NDArray[np.int64]

    @property
    def step_size(self) -> float:
        """The chosen one."""
        return float(self.table["step_size"][self.chosen])


def fold_of(distinct: int, n_splits: int, seed: int, strata: Array | None = None) -> NDArray[np.int64]:
    """Fold (m,) of each distinct input: shuffled, of even sizes; rows of one input stay together.

    With `strata` (m,) inputs are dealt out in the order of those values, ties shuffled: one of each run of
    `n_splits` neighbors to every fold.
    """
    count = min(n_splits, distinct)
    folds, rng = np.arange(distinct) % count, np.random.default_rng(seed)
    if strata is None:
        return rng.permutation(folds)
    order = rng.permutation(distinct)
    order = order[np.argsort(strata[order], kind="stable")]
    rounds = [rng.permutation(count) for _ in range(0, distinct, count)]
    folds[order] = np.concatenate(rounds)[:distinct]
    return folds


def cross_validate(
    data: Data,
    step_sizes: Sequence[float],
    schedule: Schedule,
    n_splits: int = 5,
    rule: str = "min",
    workers: int = 0,
    progress: Callable[[float], None] = lambda _: None,
    stopping_times: Sequence[int] = (),
) -> Path:
    """Train every fold at every step size and choose.

    All members share the units of the whole data, the initialization and the schedule. The result does not
    depend on the number of workers. With `stopping_times`, increasing numbers of steps of which the last is
    the budget, errors are measured at each of them in every run, and the choice is one of (step size, time).
    """
    order = sorted({float(eta) for eta in step_sizes}, reverse=True)
    folds = fold_of(data.size, n_splits, schedule.seed, data.strata)

    def work(task: tuple[float, int], tick: Callable[[float], None]) -> list[Member]:
        return _members(data, folds, *task, schedule, stopping_times, tick)

    groups = _train_folds(work, order, int(folds.max()) + 1, workers, progress)
    rows = [_row([member.row for member in members]) for members in groups]
    errors, spread = (np.array([row[name] for row in rows]) for name in ("cv_error", "standard_error"))
    errors = np.maximum(errors, data.resolution)
    best, chosen = choose(errors, spread, rule)
    each = len(rows) // len(order)
    shown = [_best_time(errors, first, each, chosen) for first in range(0, len(rows), each)]
    for i, row in enumerate(rows):
        row["chosen"] = i == chosen
    until = stopping_times[chosen % each] if stopping_times else None
    return Path(
        table=Table.from_records([{**rows[i], **_budget(rows, i, stopping_times)} for i in shown]),
        members=Table.from_records([member.row for i in shown for member in groups[i]]),
        chosen=chosen // each,
        best=best // each,
        times=Table.from_records(rows),
        until=None if until == schedule.steps else until,
        predictions=tuple(member.prediction for member in groups[chosen]),
        folds=folds,
    )


def _train_folds(
    work: Callable[[tuple[float, int], Callable[[float], None]], list[Member]],
    order: Sequence[float],
    splits: int,
    workers: int,
    progress: Callable[[float], None],
) -> list[list[Member]]:
    """One list of members, one of each fold, per step size and stopping time: times rise, step sizes fall."""
    tasks = [(eta, fold) for eta in order for fold in range(splits)]
    runs = run_all(work, tasks, workers, progress)
    return [
        list(members)
        for first in range(0, len(tasks), splits)
        for members in zip(*runs[first : first + splits], strict=True)
    ]


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


def choose(errors: Array, standard_errors: Array, rule: str) -> tuple[int, int]:
    """Rows of the smallest error and of the choice, for step sizes in decreasing order.

    "min": the smallest error. "1se": the first, largest, step size whose error is at most the smallest error
    plus its standard error. Step sizes at which a fold diverged (nan) are out.

    Source: Breiman et al. (1984), section 3.4.3 (the one-standard-error rule).
    """
    if rule not in RULES:
        raise unknown("rule", rule, RULES)
    if np.all(np.isnan(errors)):
        raise InputError(
            "every step size of the path diverged in some fold; give smaller step_sizes or more steps"
        )
    best = int(np.nanargmin(errors))
    if rule == "min":
        return best, best
    return best, int(np.flatnonzero(errors <= errors[best] + standard_errors[best])[0])


def _members(
    data: Data,
    folds: NDArray[np.int64],
    eta: float,
    fold: int,
    schedule: Schedule,
    stopping_times: Sequence[int],
    tick: Callable[[float], None],
) -> list[Member]:
    """Train one fold at one step size; return one member per stopping time, or one for the end."""
    out = folds == fold
    problem = data.problem(~out)
    run = descend(problem, eta, schedule, tick, record_at=stopping_times)
    share = float(data.weights[out].sum() / data.weights.sum())
    members = []
    for steps in stopping_times or [schedule.steps]:
        last = len(run.states) - 1
        at = min(int(np.searchsorted(run.trajectory.at_steps, steps)), last)
        lost = run.stop == "diverged" and steps > run.trajectory.at_steps[-1]
        predict = Prediction.of(problem, run.states[at])
        errors = data.errors(predict(data.x[out]), out)
        stop = run.stop if lost or (at == last and run.stop != "diverged") else "validated"
        row = {
            "step_size": eta,
            "fold": fold,
            **{name: np.nan if lost else error for name, error in errors.items()},
            "share": share,
            "outcome": "diverged" if lost else "finished",
            "stop": stop,
            **_record(run, at),
            "overshot": overshot(problem, run.trajectory.loss[: at + 1]),
            "trapped": stop == "interpolating" and edge_ratio(run.trajectory.edge_ratio[: at + 1]) < TRAP,
        }
        members.append(Member(row, predict))
    return members


def _record(run: Run, at: int) -> Row:
    last = run.trajectory
    return {
        "steps": int(last.at_steps[at]),
        "time": float(last.time[at]),
        "edge_ratio": edge_ratio(last.edge_ratio[: at + 1]),
        "loss": float(last.loss[at]),
        "bent_neurons": int(last.bent_neurons[at]),
    }


def _row(members: Sequence[Row]) -> Row:
    shares = np.array([m["share"] for m in members])
    shares /= shares.sum()
    errors = np.array([m["cv_error"] for m in members])
    mean = float(shares @ errors)
    # Weighted variance of the fold errors, as if folds were independent (they share training data).
    variance = float(shares @ (errors - mean) ** 2) / max(1, errors.size - 1)
    stops = [m["stop"] for m in members]
    brier = {"brier": float(shares @ [m["brier"] for m in members])} if "brier" in members[0] else {}
    return {
        "step_size": members[0]["step_size"],
        "cv_error": mean,
        "standard_error": float(np.sqrt(variance)),
        **brier,
        "steps": int(np.median([m["steps"] for m in members])),
        "time": float(np.median([m["time"] for m in members])),
        "edge_ratio": float(np.median([m["edge_ratio"] for m in members])),
        "bent_neurons": int(np.median([m["bent_neurons"] for m in members])),
        "stop": ", ".join(f"{word} {stops.count(word)}" for word in dict.fromkeys(stops)),
        "diverged": stops.count("diverged"),
        **{word: sum(m[word] for m in members) for word in ("overshot", "trapped")},
    }
