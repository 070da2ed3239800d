"""Parameters that the estimators share, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from stepscape.errors import bad, unknown
from stepscape.estimators.choice import RULES
from stepscape.estimators.descent import Schedule
from stepscape.estimators.selection import LIMITS, step_size_path

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]


class Settings(NamedTuple):
    """How the runs are trained, on how many threads (0: one per core), and the path (None without one)."""

    schedule: Schedule
    workers: int
    path: Array | None


def checked(model: Any, loss: str) -> Settings:
    """Read the parameters of an estimator, or say which of them is not allowed."""
    for name, least in (("width", 1), ("steps", 2), ("n_splits", 2)):
        _whole(name, getattr(model, name), least)
    if model.rule not in RULES:
        raise unknown("rule", str(model.rule), RULES)
    workers = _workers(model.n_jobs)
    seed = model.random_state
    if not isinstance(seed, (int, np.integer)):
        seed = check_random_state(seed).randint(2**31 - 1)
    elif seed < 0:
        raise bad("random_state", "not be negative", seed)
    schedule = Schedule(int(model.width), int(model.steps), int(seed))
    if isinstance(model.step_size, str):
        if model.step_size != "cv":
            raise bad("step_size", f'be a number in (0, {LIMITS[loss]:g}) or "cv"', repr(model.step_size))
        given = step_size_path(loss) if model.step_sizes is None else model.step_sizes
        return Settings(schedule, workers, _step_sizes("step_sizes", given, LIMITS[loss]))
    _step_sizes("step_size", [model.step_size], LIMITS[loss])
    return Settings(schedule, workers, None)


def _step_sizes(name: str, values: Any, limit: float) -> Array:
    try:
        array = np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.size == 0:
        raise bad(name, f"be numbers in (0, {limit:g})", repr(values))
    for eta in array.tolist():
        if not 0.0 < eta < limit:
            must = f"lie in (0, {limit:g}), where descent on standardized data can be stable"
            raise bad(name, must, eta)
    return array


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise bad(name, f"be a whole number of at least {least}", repr(value))


def _workers(n_jobs: int | None) -> int:
    if n_jobs is None:
        return 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or n_jobs == 0:
        raise bad("n_jobs", "be None, -1 or a positive whole number", repr(n_jobs))
    return 0 if n_jobs < 0 else int(n_jobs)  # the pool's 0: one thread a core
