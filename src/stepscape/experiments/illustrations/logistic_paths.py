"""Descent of logistic regression from 0, every iterate: constant steps, Nesterov's, and adaptive ones.

All return the iterates w_0 = 0, …, w_T as rows (T + 1, d). Their losses are measured afterwards, at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.objectives.linear_logistic import LogisticRegression

Array = NDArray[np.float64]
Tick = Callable[[float], None]
BLOCK = 500  # steps between two ticks


def descend(
    objective: LogisticRegression,
    step_size: float,
    steps: int,
    tick: Tick,
    decay: float = 0.0,
    start: Array | None = None,
) -> Array:
    """W ← w − η(∇L(w) + λw), λ = `decay`; from `start`, if not from 0."""
    z, path = objective.signed, np.zeros((steps + 1, objective.size))
    if start is not None:
        path[0] = start
    pull, w = step_size / len(z), path[0]
    with np.errstate(over="ignore"):  # e^m is infinite where its example pulls no more
        for t in range(steps):
            _tick(tick, t, steps)
            w = (1.0 - step_size * decay) * w + pull * ((1.0 / (1.0 + np.exp(z @ w))) @ z)
            path[t + 1] = w
    return path


def accelerate(objective: LogisticRegression, step_size: float, steps: int, tick: Tick) -> Array:
    """Nesterov's method: w_{t+1} = v_t − η∇L(v_t), v_{t+1} = w_{t+1} + (s_t − 1)/s_{t+1} (w_{t+1} − w_t).

    With s_0 = 1, s_{t+1} = (1 + √(1 + 4s_t²))/2, and η at most 1/`smoothness`, every u has L(w_t) ≤ L(u) +
    2‖u‖²/(η(t + 1)²).

    Source: Nesterov (1983); Beck and Teboulle (2009), Theorem 4.4, whose proof needs no minimum.
    """
    z, path = objective.signed, np.zeros((steps + 1, objective.size))
    pull, w, v, s = step_size / len(z), path[0], path[0], 1.0
    with np.errstate(over="ignore"):
        for t in range(steps):
            _tick(tick, t, steps)
            new = v + pull * ((1.0 / (1.0 + np.exp(z @ v))) @ z)
            following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * s * s))
            v, w, s = new + ((s - 1.0) / following) * (new - w), new, following
            path[t + 1] = w
    return path


def adapt(objective: LogisticRegression, step_size: float, steps: int, tick: Tick) -> Array:
    """W ← w − η e^L/(e^L − 1) ∇L: ascent on the soft margin −log(e^L − 1)."""

    def step(w: Array) -> Array:
        return objective.soft_margin_gradient(w)

    return _ascend(objective, step, step_size, steps, tick)


def adapt_naively(objective: LogisticRegression, step_size: float, steps: int, tick: Tick) -> Array:
    """W ← w − (η/L) ∇L: ascent on −log L."""

    def step(w: Array) -> Array:
        vector, scale = objective.log_gradient(w)
        return np.asarray(-np.exp(scale - objective.log_loss(w)) * vector)

    return _ascend(objective, step, step_size, steps, tick)


def exponential(objective: LogisticRegression, step_size: float, steps: int, tick: Tick) -> Array:
    """W ← w − (η/E) ∇E of the exponential loss E = (1/n) Σ e^{−z_i·w}: ascent on −log E."""
    z = objective.signed

    def step(w: Array) -> Array:
        m = z @ w
        weights = np.exp(m.min() - m)
        return np.asarray((weights / weights.sum()) @ z)

    return _ascend(objective, step, step_size, steps, tick)


def _ascend(
    objective: LogisticRegression, step: Callable[[Array], Array], step_size: float, steps: int, tick: Tick
) -> Array:
    path = np.zeros((steps + 1, objective.size))
    for t in range(steps):
        _tick(tick, t, steps)
        path[t + 1] = path[t] + step_size * step(path[t])
    return path


def averages(path: Array) -> Array:
    """Return the averaged iterates (1/T) Σ_{t<T} w_t for T = 1, 2, … as rows, one less than the iterates."""
    return np.asarray(np.cumsum(path[:-1], axis=0) / np.arange(1, len(path))[:, None])


METHODS = {
    "descend": descend,
    "accelerate": accelerate,
    "adapt": adapt,
    "adapt_naively": adapt_naively,
    "exponential": exponential,
}


def _tick(tick: Tick, step: int, steps: int) -> None:
    if step % BLOCK == 0:
        tick(step / steps)
