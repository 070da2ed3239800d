"""The gradient that a method looks at: the full one, one from elsewhere, or a random one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import norm
from stepscape.errors import bad, shown
from stepscape.methods import GradientDescent, LabelNoise, SharpnessAware, StochasticGradientDescent
from stepscape.objectives.descent import clipped
from stepscape.objectives.objective import Objective
from stepscape.objectives.sampled import Sampled

Array = NDArray[np.float64]
Seen = Callable[[Array, int], Array]  # θ, number of the step from 0 → gradient (size,)
AHEAD = 256  # steps whose random numbers are drawn together


def seen_gradient(objective: Objective, method: Any) -> Seen:
    """Return the gradient that a method sees at θ in a step, without weight decay.

    Raises
    ------
    InputError
        For a random method on an objective without examples.
    """
    return _SEEN.get(type(method), _full)(objective, method)


def _full(objective: Objective, _: object) -> Seen:
    return lambda theta, _: objective.gradient(theta)


def _clipped(objective: Objective, method: GradientDescent) -> Seen:
    return lambda theta, _: clipped(objective.gradient(theta), method)


def _ascended(objective: Objective, method: SharpnessAware) -> Seen:
    """∇L(θ + ρ ∇L/‖∇L‖)."""

    def seen(theta: Array, _: int) -> Array:
        gradient = objective.gradient(theta)
        length = norm(gradient)
        far = method.radius / length if length > 0.0 else 0.0
        return objective.gradient(theta + far * gradient)

    return seen


def _of_batch(objective: Objective, method: StochasticGradientDescent) -> Seen:
    sampled = _sampled(objective, method)
    rows = _by_step(lambda first: method.batches(first, AHEAD, sampled.examples))
    rows(0)  # refuses a batch larger than the data
    return lambda theta, step: sampled.batch_gradient(theta, rows(step))


def _of_noise(objective: Objective, method: LabelNoise) -> Seen:
    sampled = _sampled(objective, method)
    noises = _by_step(lambda first: method.noises(first, AHEAD, sampled.examples))
    return lambda theta, step: sampled.noisy_gradient(theta, noises(step))


def _sampled(objective: Objective, method: object) -> Sampled:
    if not isinstance(objective, Sampled):
        must = f"have examples to draw from for {type(method).__name__}"
        raise bad("objective", must, shown(objective), "objectives.torch makes one of a batch")
    return objective


def _by_step(draw: Callable[[int], NDArray[Any]]) -> Callable[[int], NDArray[Any]]:
    """Return row `step` of what is drawn in blocks from their first step on."""
    block = lru_cache(maxsize=2)(lambda number: draw(number * AHEAD))
    return lambda step: np.asarray(block(step // AHEAD)[step % AHEAD])


_SEEN: dict[type, Callable[[Objective, Any], Seen]] = {
    GradientDescent: _clipped,
    SharpnessAware: _ascended,
    StochasticGradientDescent: _of_batch,
    LabelNoise: _of_noise,
}
