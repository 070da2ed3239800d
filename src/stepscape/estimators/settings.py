"""Parameters that the estimators share, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from stepscape.arguments import function, number, reals, whole, word
from stepscape.errors import InputError, bad, shown
from stepscape.estimators.choice import RULES
from stepscape.estimators.descent import Schedule
from stepscape.estimators.selection import LIMITS, step_size_path
from stepscape.memory import require_memory

Array = NDArray[np.float64]
MOST = 2**53  # neurons, steps, folds
RECORDED = 26  # pairs of iterates that a run keeps
STEPS = {
    ("square", False): 40_000,
    ("logistic", False): 10_000,
    ("square", True): 2000,
    ("logistic", True): 2000,
}
Progress = Callable[[float, str], None]


class Settings(NamedTuple):
    """How the runs are trained, on how many threads (0: one per core), and the path (None without one)."""

    schedule: Schedule
    workers: int
    path: Array | None


def pair_bytes(features: int) -> int:
    """Bytes that one neuron takes in two iterates."""
    return 16 * (features + 2)


def run_bytes(width: int, features: int, inputs: int) -> float:
    """Bytes that a run takes: two iterates for each record, measuring them, and of several features S."""
    neurons = width * (RECORDED * pair_bytes(features) + 1000.0)
    return neurons if features == 1 else neurons + 24.0 * inputs * (width + 64)


def checked(model: Any, loss: str, features: int, inputs: int) -> Settings:
    """Read the parameters of an estimator of so many features, or say which of them is not allowed."""
    several = features > 1
    steps = STEPS[loss, several] if model.steps is None else model.steps
    for name, value, least in (
        ("width", model.width, 1),
        ("steps", steps, 2),
        ("n_splits", model.n_splits, 2),
    ):
        whole(name, value, least, MOST)
    require_memory("width", model.width, run_bytes(int(model.width), features, inputs))
    word("rule", model.rule, RULES)
    if model.progress is not None:
        function("progress", model.progress)
    if model.step_sizes is not None:
        _step_sizes("step_sizes", model.step_sizes, LIMITS[loss])
    workers = _workers(model.n_jobs)
    schedule = Schedule(int(model.width), int(steps), read_seed(model.random_state))
    if isinstance(model.step_size, str):
        if model.step_size != "cv":
            raise bad("step_size", f'be a number in (0, {LIMITS[loss]:g}) or "cv"', shown(model.step_size))
        given = step_size_path(loss, several) if model.step_sizes is None else model.step_sizes
        return Settings(schedule, workers, _step_sizes("step_sizes", given, LIMITS[loss]))
    eta = number("step_size", model.step_size, f"be numbers in (0, {LIMITS[loss]:g})")
    _step_sizes("step_size", [eta], LIMITS[loss])
    return Settings(schedule, workers, None)


def read_seed(random_state: Any) -> int:
    """Return a random state as a seed: a whole number itself, otherwise the next that it draws."""
    if not isinstance(random_state, (int, np.integer)):
        return int(check_random_state(random_state).randint(2**31 - 1))
    if random_state < 0:
        raise bad("random_state", "not be negative", random_state)
    return whole("random_state", int(random_state))


def _step_sizes(name: str, values: Any, limit: float) -> Array:
    try:
        array = reals(name, values).ravel()
    except InputError:
        array = np.empty(0)
    if array.size == 0:
        raise bad(name, f"be numbers in (0, {limit:g})", shown(values))
    for eta in array.tolist():
        if not 0.0 < eta < limit:
            must = f"lie in (0, {limit:g}), where descent on standardized data can be stable"
            raise bad(name, must, eta)
    return array


def _workers(n_jobs: int | None) -> int:
    if n_jobs is None:
        return 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, (int, np.integer)) or n_jobs == 0 or n_jobs > MOST:
        raise bad("n_jobs", "be None, -1 or a positive whole number", shown(n_jobs))
    return 0 if n_jobs < 0 else int(n_jobs)  # the pool's 0: one thread a core
