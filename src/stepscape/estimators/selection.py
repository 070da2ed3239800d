"""The path of step sizes, cross-validation along it, and the choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, unknown
from stepscape.estimators.descent import Schedule, descend
from stepscape.lab.pool import run_all
from stepscape.measures.records import Table
from stepscape.problems.units import Standardized

Array = NDArray[np.float64]
RULES = ("min", "1se")
LARGEST, SMALLEST, COUNT = 1.5, 0.003, 14


def step_size_path() -> Array:
    """Fourteen step sizes from 1.5 down to 0.003, logarithmic.

    In standardized units the output bias alone gives λ_max ≥ 1, so every step size of 2 or more diverges.
    """
    return np.geomspace(LARGEST, SMALLEST, COUNT)


@dataclass(frozen=True)
class Member:
    """One fold trained at one step size; its error relative to the variance of the labels (nan: diverged)."""

    step_size: float
    fold: int
    cv_error: float
    share: float
    outcome: str
    stop: str
    steps: int
    time: float
    edge_ratio: float
    loss: float
    bent_neurons: int


@dataclass(frozen=True, eq=False)
class Path:
    """Cross-validation along the path.

    Attributes
    ----------
    table : Table
        A row per step size, largest first: step_size, cv_error, standard_error (of the mean over folds),
        steps, time, edge_ratio (of the last third), bent_neurons as medians over folds, stop (how many folds
        ended how), diverged (folds), chosen.
    members : Table
        A row per step size and fold.
    chosen, best : int
        Rows of the chosen step size and of the smallest error.
    """

    table: Table
    members: Table
    chosen: int
    best: int

    @property
    def step_size(self) -> float:
        """The chosen one."""
        return float(self.table["step_size"][self.chosen])


def fold_of(distinct: int, n_splits: int, seed: int) -> NDArray[np.int64]:
    """Fold (m,) of each distinct input: shuffled, of even sizes; rows of one input stay together."""
    folds = np.arange(distinct) % min(n_splits, distinct)
    return np.random.default_rng(seed).permutation(folds)


def cross_validate(
    data: Standardized,
    step_sizes: Sequence[float],
    schedule: Schedule,
    n_splits: int = 5,
    rule: str = "min",
    workers: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Path:
    """Train every fold at every step size and choose.

    All members share the units of the whole data, the initialization and the schedule. The result does not
    depend on the number of workers.
    """
    order = sorted({float(eta) for eta in step_sizes}, reverse=True)
    folds = fold_of(data.size, n_splits, schedule.seed)
    tasks = [(eta, fold) for eta in order for fold in range(int(folds.max()) + 1)]

    def work(task: tuple[float, int], tick: Callable[[float], None]) -> Member:
        return _member(data, folds, *task, schedule, tick)

    members = run_all(work, tasks, workers, progress)
    rows = [_row(eta, [m for m in members if m.step_size == eta]) for eta in order]
    errors = np.array([row["cv_error"] for row in rows])
    spread = np.array([row["standard_error"] for row in rows])
    best, chosen = choose(errors, spread, rule)
    table = Table.from_records([{**row, "chosen": i == chosen} for i, row in enumerate(rows)])
    return Path(table, Table.from_records([asdict(m) for m in members]), chosen, best)


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


def _member(
    data: Standardized,
    folds: NDArray[np.int64],
    eta: float,
    fold: int,
    schedule: Schedule,
    tick: Callable[[float], None],
) -> Member:
    out = folds == fold
    run = descend(data.problem(~out), eta, schedule, tick)
    last = run.trajectory
    error = np.nan if run.stop == "diverged" else data.error(last.predict(data.x[out]), out)
    return Member(
        step_size=eta,
        fold=fold,
        cv_error=error,
        share=float(data.weights[out].sum() / data.weights.sum()),
        outcome=last.outcome,
        stop=run.stop,
        steps=int(last.at_steps[-1]),
        time=float(last.time[-1]),
        edge_ratio=run.edge_ratio,
        loss=float(last.loss[-1]),
        bent_neurons=int(last.bent_neurons[-1]),
    )


def _row(eta: float, members: Sequence[Member]) -> dict[str, object]:
    errors = np.array([m.cv_error for m in members])
    shares = np.array([m.share for m in members])
    shares /= shares.sum()
    mean = float(shares @ errors)
    # Weighted variance of the fold errors, as if folds were independent (they share training data).
    variance = float(shares @ (errors - mean) ** 2) / max(1, errors.size - 1)
    stops = [m.stop for m in members]
    return {
        "step_size": eta,
        "cv_error": mean,
        "standard_error": float(np.sqrt(variance)),
        "steps": int(np.median([m.steps for m in members])),
        "time": float(np.median([m.time for m in members])),
        "edge_ratio": float(np.median([m.edge_ratio for m in members])),
        "bent_neurons": int(np.median([m.bent_neurons for m in members])),
        "stop": ", ".join(f"{word} {stops.count(word)}" for word in dict.fromkeys(stops)),
        "diverged": stops.count("diverged"),
    }
