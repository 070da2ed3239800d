"""Descent of logistic regression with one method, and both sides of what is proved of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import word
from stepscape.errors import bad
from stepscape.experiments.frame.follow import by_log
from stepscape.experiments.illustrations.logistic_paths import METHODS, averages
from stepscape.experiments.illustrations.separable_data import data
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.objectives.linear_logistic import LogisticRegression
from stepscape.tables.records import Record
from stepscape.theory.large_steps import (
    CALM,
    accelerated_bound,
    adaptive_bound,
    average_bound,
    phase_bound,
)

Array = NDArray[np.float64]
ROUNDING = 1e-12  # of log L: a rise by less is none
LARGEST = 0.3  # margin, with which the two points stay in the unit ball
CHUNK = 4096  # iterates whose losses are computed at a time
EARLY, LATE = 150, 150  # records of a curve: the first steps one by one, then evenly in their logarithm
UNITS: dict[str, Callable[[LogisticRegression, int], float]] = {
    "plain": lambda objective, steps: 1.0,  # noqa: ARG005
    "threshold": lambda objective, steps: 2.0 / objective.smoothness,  # noqa: ARG005
    "budget": lambda objective, steps: objective.margin.value**2 * steps,
}


class LogisticRun(Spec, frozen=True, tag="logistic-regression/1"):
    """So many steps of a method from 0; η = `factor` times a unit.

    unit : "plain", 1; "threshold", 2 over the largest curvature anywhere; "budget", γ² times the steps.
    """

    data: str
    margin: float
    method: str
    unit: str
    factor: float
    steps: int
    seed: int
    drawn: bool


def begin(run: LogisticRun) -> tuple[LogisticRegression, float]:
    """Return the loss and the step size; wrong settings are refused."""
    if not 0.0 < run.margin <= LARGEST:
        raise bad("data_margin", f"be positive and at most {LARGEST:g}", run.margin)
    if not run.factor > 0.0:
        raise bad("step sizes and multiples", "be finite and positive", run.factor)
    objective = data(run.data, run.margin, run.seed)
    return objective, run.factor * UNITS[word("unit", run.unit, UNITS)](objective, run.steps)


def work(run: LogisticRun, tick: Tick) -> Record:
    """Descend, and measure the whole path."""
    objective, step_size = begin(run)
    path = METHODS[word("method", run.method, METHODS)](objective, step_size, run.steps, tick)
    logs = log_losses(objective, path)
    numbers = {
        **_about(objective, step_size),
        **_rises(logs, step_size, objective),
        **_law(logs, step_size, objective.margin.value),
        **_proved(run.method, objective, step_size, path, logs),
    }
    return Record("finished", numbers, _curve(run, objective, path, logs) if run.drawn else {})


def log_losses(objective: LogisticRegression, path: Array) -> Array:
    """Return log L of every iterate, in blocks whose margins fit in the cache."""
    blocks = np.array_split(path, 1 + len(path) // CHUNK)
    return np.concatenate([objective.log_loss(block) for block in blocks])


def _about(objective: LogisticRegression, step_size: float) -> dict[str, Any]:
    margin = objective.margin
    return {
        "step_size": step_size,
        "max_margin": margin.value,
        "margin_gap": margin.upper - margin.value,
        "radius": float(np.linalg.norm(objective.signed, axis=1).max()),
        "over_threshold": step_size * objective.smoothness / 2.0,
    }


def _rises(logs: Array, step_size: float, objective: LogisticRegression) -> dict[str, Any]:
    """Count the steps in which the loss rises; say from which step on theory says that it never does."""
    rises = np.diff(logs) > ROUNDING * np.maximum(1.0, np.abs(logs[:-1]))
    at = np.flatnonzero(rises)
    calm = np.flatnonzero(logs + np.log(step_size) <= np.log(CALM))
    end = int(calm[0]) if calm.size else -1
    return {
        "rises": int(at.size),
        "share_of_rises": float(rises.mean()),
        "last_rise": int(at[-1]) + 1 if at.size else 0,
        "phase_end": end,
        "rises_when_calm": int(np.sum(at >= end)) if end >= 0 else 0,
        "phase_bound": phase_bound(objective.margin.value, step_size, len(objective.signed)),
    }


def _law(logs: Array, step_size: float, margin: float) -> dict[str, Any]:
    """log10 of γ²ηtL at the end and at a tenth, and whether the law has had time.

    From the end s of the phase on it is dL/dt = −ηγ²L² in the limit, so that 1/L(t) = 1/L(s) + γ²η(t − s):
    the law speaks about t far beyond s and 1/(γ²ηL(s)).
    """
    steps = len(logs) - 1
    off = {
        name: float((np.log(margin**2 * step_size * t) + logs[t]) / np.log(10.0))
        for name, t in (("law", steps), ("law_before", max(1, steps // 10)))
    }
    calm = np.flatnonzero(logs + np.log(step_size) <= np.log(CALM))
    start = int(calm[0]) if calm.size else steps
    memory = np.exp(min(-logs[start] - np.log(margin**2 * step_size), 700.0))
    return {
        "log_loss": float(logs[-1]),
        **off,
        "patience": float(steps / (start + memory)),
        "scaled": float(2.0 * np.log(steps) + logs[-1]),
    }


def _proved(
    method: str, objective: LogisticRegression, step_size: float, path: Array, logs: Array
) -> dict[str, Any]:
    """Compare the two sides of the method's bound at every T: how many, how often it fails, how tight it is.

    Losses are compared by their logarithms. The bound of adaptive steps says something once it is below 0,
    which is where γ²T > 1; that of `adapt` is not proved, see `stepscape.theory.large_steps`.
    """
    gamma, steps = objective.margin.value, np.arange(1.0, len(path))
    with np.errstate(divide="ignore"):
        if method == "descend":
            left = np.log(np.cumsum(np.exp(logs[:-1])) / steps)
            right = np.log(average_bound(gamma, step_size, steps))
        elif method == "accelerate":
            left, right = logs[1:], np.log(accelerated_bound(gamma, step_size, steps))
        else:
            left, right = log_losses(objective, averages(path)), adaptive_bound(gamma, step_size, steps)
            right = np.where(right < 0.0, right, np.inf)
    known = np.isfinite(right)
    if not known.any():
        return {"compared": 0, "violations": 0, "slack": float("nan"), "log_left": float(left[-1])}
    off = left[known] - right[known]
    return {
        "compared": int(known.sum()),
        "violations": int(np.sum(off > ROUNDING * np.maximum(1.0, np.abs(right[known])))),
        "slack": float(-off.max()),
        "log_left": float(left[-1]),
    }


def _curve(run: LogisticRun, objective: LogisticRegression, path: Array, logs: Array) -> dict[str, Array]:
    first = np.arange(1, min(EARLY, run.steps) + 1)
    at = np.unique(np.append(first, by_log(run.steps, LATE)))
    curve = {"steps": at.astype(float), "log_losses": logs[at]}
    if run.method in ("adapt", "exponential"):
        curve["average"] = objective.log_loss(averages(path)[at - 1])
    return curve
