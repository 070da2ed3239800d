"""Logistic regression with weight decay: how many steps descent takes to the minimum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import word
from stepscape.errors import NotConverged, bad
from stepscape.experiments.illustrations.logistic_paths import descend
from stepscape.experiments.illustrations.runs import LARGEST
from stepscape.experiments.illustrations.separable_data import data
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.objectives.linear_logistic import LogisticRegression
from stepscape.tables.records import Record

Array = NDArray[np.float64]
ARMS = ("ridge_large", "ridge_stable")
SHARE = 0.01  # of λ: the gap to the minimum that counts as none
BLOCK = 2000  # steps between two looks
NEWTON, CLOSE = 200, 1e-13  # most steps to the minimum; gap, as a share of its value


class RidgeRun(Spec, frozen=True, tag="logistic-ridge/1"):
    """Descent of L(w) + λ‖w‖²/2 until it is within λ/100 of its minimum, in at most so many steps.

    arm : "ridge_large", η = γ/√λ, or "ridge_stable", one over the largest curvature anywhere.
    """

    data: str
    ridge_margin: float
    decay: float
    arm: str
    ridge_steps: int
    seed: int


def begin(run: RidgeRun) -> tuple[LogisticRegression, float]:
    """Return the loss without decay, and the step size."""
    if not 0.0 < run.ridge_margin <= LARGEST:
        raise bad("ridge_margin", f"be positive and at most {LARGEST:g}", run.ridge_margin)
    if not run.decay > 0.0:
        raise bad("decays", "be finite and positive", run.decay)
    objective = data(run.data, run.ridge_margin, run.seed)
    large = word("arm", run.arm, ARMS) == "ridge_large"
    step = objective.margin.value / np.sqrt(run.decay) if large else 1.0 / (objective.smoothness + run.decay)
    return objective, float(step)


def work(run: RidgeRun, tick: Tick) -> Record:
    """Descend until the gap is small; a run that does not get there has no number of steps."""
    objective, step_size = begin(run)
    lowest = penalized(objective, minimum(objective, run.decay), run.decay)
    path = descend(objective, step_size, min(BLOCK, run.ridge_steps), tick, run.decay)
    wanted = lowest + SHARE * run.decay
    made, rises, values = 0, 0, penalized(objective, path, run.decay)
    while not (values <= wanted).any() and made + len(path) - 1 < run.ridge_steps:
        rises += int(np.sum(np.diff(values) > 0.0))
        made += len(path) - 1
        path = descend(objective, step_size, min(BLOCK, run.ridge_steps - made), tick, run.decay, path[-1])
        values = penalized(objective, path, run.decay)
    there = np.flatnonzero(values <= wanted)
    taken = made + int(there[0]) if there.size else None
    until = int(there[0]) if there.size else len(path) - 1
    numbers = {
        "step_size": step_size,
        "max_margin": objective.margin.value,
        "taken": taken,
        "arrived": there.size > 0,
        "rises": rises + int(np.sum(np.diff(values[: until + 1]) > 0.0)),
    }
    return Record("finished", numbers)


def penalized(objective: LogisticRegression, w: Array, decay: float) -> Array:
    """L(w) + λ‖w‖²/2 of w (…, d)."""
    return np.asarray(np.exp(objective.log_loss(w)) + 0.5 * decay * np.sum(w * w, axis=-1))


def minimum(objective: LogisticRegression, decay: float) -> Array:
    """Find the minimum by Newton's method, with halved steps until the function falls."""
    w = np.zeros(objective.size)
    for _ in range(NEWTON):
        here, slope = float(penalized(objective, w, decay)), objective.gradient(w) + decay * w
        step = np.linalg.solve(objective.hessian(w).values + decay * np.eye(w.size), slope)
        fall = float(slope @ step)  # twice the gap to the minimum, near it
        if fall <= CLOSE * here:
            return w
        length = 1.0
        while length > 1e-12 and penalized(objective, w - length * step, decay) > here - 1e-4 * length * fall:
            length *= 0.5
        w = w - length * step
    raise NotConverged(f"Newton's method did not reach the minimum in {NEWTON} steps; raise the decay")
