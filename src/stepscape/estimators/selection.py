"""The path of step sizes and stopping times, and cross-validation along it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stepscape.estimators.choice import Member, Row, Validation
from stepscape.estimators.descent import Run, Schedule, descend, edge_ratio, overshot
from stepscape.estimators.folds import Folds, deal
from stepscape.estimators.prediction import predicted
from stepscape.lab.pool import run_all
from stepscape.problems.user.units import Standardized, TwoClasses

Array = NDArray[np.float64]
# By loss: where descent on standardized data ceases to be stable; largest and smallest step size, and count.
LIMITS = {"square": 2.0, "logistic": 8.0}
PATHS = {"square": (1.5, 0.003, 14), "logistic": (6.0, 0.003, 12)}
SEVERAL = {"square": (0.9, 0.03, 4), "logistic": (3.6, 0.12, 4)}  # of several features
TRAP = 0.5  # edge ratio below which a run that fits every label is flat because it is confident


def step_size_path(loss: str = "square", several: bool = False) -> Array:
    """Fourteen step sizes from 1.5 down to 0.003, logarithmic; for the logistic loss twelve from 6.

    In standardized units the output bias alone gives λ_max ≥ 1, so every step size of 2 or more diverges.
    With logistic loss an example's curvature s(f)(1 - s(f)) is at most ¼, where labels are undecided, so that
    both are four times as large. The factor of the path is 2, that of the stopping times.

    Of several features, where a run costs more and the stopping time is chosen too, four from 0.9 to 0.03,
    and from 3.6 to 0.12 with the logistic loss: the largest has the start of all smaller ones, and below the
    edge of stability equal times Σ η give equal fits.
    """
    return np.geomspace(*(SEVERAL if several else PATHS)[loss])


AnyData = TypeVar("AnyData", Standardized, TwoClasses)


def cross_validate(
    data: AnyData,
    step_sizes: Sequence[float],
    schedule: Schedule,
    n_splits: int = 5,
    workers: int = 0,
    progress: Callable[[float], None] = lambda _: None,
    stopping_times: Sequence[int] = (),
) -> Validation:
    """Train every fold at every step size.

    All members share the units of the whole data, the initialization and the schedule. The result does not
    depend on the number of workers. With `stopping_times`, increasing numbers of steps of which the last is
    the budget, errors are measured at each of them in every run, and the choice is one of (step size, time).
    """
    order = sorted({float(eta) for eta in step_sizes}, reverse=True)
    folds = deal(data, n_splits, schedule.seed)

    def work(task: tuple[float, int], tick: Callable[[float], None]) -> list[Member]:
        return _members(data, folds, *task, schedule, stopping_times, tick)

    groups = _train_folds(work, order, folds.count, workers, progress)
    rows = [_row([member.row for member in members]) for members in groups]
    return Validation(rows, groups, folds, tuple(stopping_times), schedule.steps, data.resolution)


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


def _members(
    data: AnyData,
    folds: Folds,
    eta: float,
    fold: int,
    schedule: Schedule,
    stopping_times: Sequence[int],
    tick: Callable[[float], None],
) -> list[Member]:
    """Train one fold at one step size; return one member per stopping time, or one for the end."""
    held = folds.held(fold)
    part, rest = data.part(held), data.part(data.rows.count - held)
    problem = rest.problem()
    run = descend(problem, eta, schedule, tick, record_at=stopping_times)
    share = float(part.weights.sum() / data.weights.sum())
    members = []
    for steps in stopping_times or [schedule.steps]:
        last = len(run.states) - 1
        at = min(int(np.searchsorted(run.trajectory.at_steps, steps)), last)
        lost = run.stop == "diverged" and steps > run.trajectory.at_steps[-1]
        predict = predicted(rest, problem, run.states[at])
        errors = data.errors(part, predict(part.x))
        stop = run.stop if lost or (at == last and run.stop != "diverged") else "validated"
        row = {
            "step_size": eta,
            "fold": fold,
            **{name: np.nan if lost else error for name, error in errors.items()},
            "training_error": np.nan if lost else data.errors(rest, predict(rest.x))["cv_error"],
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
