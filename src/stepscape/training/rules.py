"""What each method does with the gradient that it sees, as pure functions of the numbers that it keeps.

The conventions are those of ``torch.optim``: SGD with dampening 0, RMSprop without centering or momentum,
Adam without AMSGrad, AdamW. Running means start at 0; Adam's correction for that is part of the state, by the
number of steps made. P is the preconditioner after the update, by which the gradient of the step was divided.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.methods import (
    Adam,
    AdamW,
    GradientDescent,
    LabelNoise,
    RMSProp,
    SharpnessAware,
    StochasticGradientDescent,
    clock_of,
)
from stepscape.objectives.descent import descent_step

Array = NDArray[np.float64]
Parts = tuple[Array, ...]  # θ, and what the method keeps beside it


@dataclass(frozen=True)
class Rule:
    """How a method steps.

    Attributes
    ----------
    kept : (method, size of θ) → sizes of what is kept beside θ.
    move : (method, parts, gradient (size,), mask of weight decay (size,)) → the parts after the step.
    preconditioner : (method, parts) → P (size,) of the step that led to these parts.
    """

    kept: Callable[[Any, int], tuple[int, ...]]
    move: Callable[[Any, Parts, Array, Array], Parts]
    preconditioner: Callable[[Any, Parts], Array]


def _descend(method: GradientDescent, parts: Parts, gradient: Array, decayed: Array) -> Parts:
    """Step: v ← βv + g, θ ← θ − ηv, or θ − η(g + βv) for Nesterov."""
    theta = parts[0]
    gradient = gradient + method.weight_decay * decayed * theta
    velocity = parts[1] if method.momentum else np.zeros_like(theta)
    velocity, move = descent_step(velocity, gradient, method.step_size, method)
    return (theta - move, velocity) if method.momentum else (theta - move,)


def _divide(method: RMSProp, parts: Parts, gradient: Array, decayed: Array) -> Parts:
    """Step: v ← β2 v + (1 − β2) g², θ ← θ − η g/(√v + ε); one v for all with `scalar`."""
    theta, square = parts
    gradient = gradient + method.weight_decay * decayed * theta
    now = np.array([gradient @ gradient]) if method.scalar else gradient * gradient
    square = method.beta2 * square + (1.0 - method.beta2) * now
    return theta - method.step_size * gradient / (np.sqrt(square) + method.epsilon), square


def _rms(method: RMSProp, parts: Parts) -> Array:
    """√v + ε, on every coordinate."""
    return np.zeros_like(parts[0]) + np.sqrt(parts[1]) + method.epsilon


def _adapt(method: Adam, parts: Parts, gradient: Array, decayed: Array) -> Parts:
    """Adam, whose gradient contains the weight decay."""
    return _moments(method, parts, gradient + method.weight_decay * decayed * parts[0])


def _adapt_decoupled(method: AdamW, parts: Parts, gradient: Array, decayed: Array) -> Parts:
    """θ ← θ − ηλ·mask·θ, then Adam."""
    theta = parts[0] * (1.0 - method.step_size * method.weight_decay * decayed)
    return _moments(method, (theta, *parts[1:]), gradient)


def _moments(method: Adam | AdamW, parts: Parts, gradient: Array) -> Parts:
    """Step: m ← β1 m + (1 − β1) g, v ← β2 v + (1 − β2) g², θ ← θ − η m/P."""
    theta, mean, square, made = parts
    mean = method.beta1 * mean + (1.0 - method.beta1) * gradient
    square = method.beta2 * square + (1.0 - method.beta2) * gradient * gradient
    after = (theta, mean, square, made + 1.0)
    return theta - method.step_size * mean / _corrected(method, after), *after[1:]


def _corrected(method: Adam | AdamW, parts: Parts) -> Array:
    """P = (1 − β1^t) (√(v/(1 − β2^t)) + ε) after t ≥ 1 steps."""
    square, made = parts[2], float(parts[3][0])
    root = np.sqrt(square / (1.0 - method.beta2**made))
    return np.asarray((1.0 - method.beta1**made) * (root + method.epsilon))


def _ones(_: object, parts: Parts) -> Array:
    return np.ones_like(parts[0])


def _velocity(method: GradientDescent, size: int) -> tuple[int, ...]:
    return (size,) if method.momentum else ()


def _move_as_descent(method: Any, parts: Parts, gradient: Array, decayed: Array) -> Parts:
    return _descend(clock_of(method), parts, gradient, decayed)


def _move_and_count(method: Any, parts: Parts, gradient: Array, decayed: Array) -> Parts:
    """Descend; the last part counts the steps, by which random numbers are drawn."""
    return *_move_as_descent(method, parts[:-1], gradient, decayed), parts[-1] + 1.0


_RANDOM = Rule(lambda method, size: (*_velocity(clock_of(method), size), 1), _move_and_count, _ones)

RULES: dict[type, Rule] = {
    GradientDescent: Rule(_velocity, _descend, _ones),
    RMSProp: Rule(lambda method, size: (1 if method.scalar else size,), _divide, _rms),
    Adam: Rule(lambda _, size: (size, size, 1), _adapt, _corrected),
    AdamW: Rule(lambda _, size: (size, size, 1), _adapt_decoupled, _corrected),
    SharpnessAware: Rule(lambda *_: (), _move_as_descent, _ones),
    StochasticGradientDescent: _RANDOM,
    LabelNoise: _RANDOM,
}
