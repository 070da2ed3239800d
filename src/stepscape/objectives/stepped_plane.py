"""Steps of a method other than gradient descent on a network with inputs in R^d."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import norm
from stepscape.errors import bad
from stepscape.kernels import relu_plane
from stepscape.kernels import relu_plane_methods as kernels
from stepscape.methods import LabelNoise, LineMethod, SharpnessAware, StochasticGradientDescent, TracePenalty
from stepscape.network import BLOCKS
from stepscape.objectives.descent import Advance, State
from stepscape.objectives.drawn import Drawn, drawn
from stepscape.objectives.numbered import numbered_examples
from stepscape.objectives.relu_plane import CHUNK, ReLUPlane

Array = NDArray[np.float64]
Data = tuple[Array, Array, Array, bool, Array]  # X̃, labels, weights, whether logistic, rates of the blocks
MOST_STEPS = 4096  # so that the random numbers of a chunk stay small


def plane_steps(plane: ReLUPlane, method: LineMethod) -> Advance:
    """Return what makes the steps; the state's velocity is that of stochastic descent.

    Raises
    ------
    InputError
        For a penalty on the trace, and for a batch larger than the data.
    """
    if isinstance(method, TracePenalty):
        must = "be another method than TracePenalty with several input variables"
        raise bad("method", must, repr(method))
    random, data, make = drawn(method, plane.problem.size), _data(plane), _STEPS[type(method)]
    operations = 4 * random.examples * (plane.network.dimension + 1) * plane.network.width
    longest = min(MOST_STEPS, max(1, CHUNK // operations))

    def advance(state: State, count: int) -> bool:
        with np.errstate(over="ignore", invalid="ignore"):
            status, made = make(method, state, data, random, min(count, longest))
        state.steps_made += int(made)
        return bool(status != relu_plane.DIVERGED)

    return advance


def _data(plane: ReLUPlane) -> Data:
    rates = np.array([float(name in plane.network.trainable) for name in BLOCKS])
    return *numbered_examples(plane.problem), plane.problem.loss == "logistic", rates


def _stochastic(
    method: StochasticGradientDescent, state: State, data: Data, random: Drawn, steps: int
) -> tuple[int, int]:
    batches = random.rows_from(state.steps_made, steps)
    return kernels.stochastic(
        state.theta, state.before, state.velocity, *data, method.step_size, method.momentum, batches
    )


def _noisy(method: LabelNoise, state: State, data: Data, random: Drawn, steps: int) -> tuple[int, int]:
    noises = random.rows_from(state.steps_made, steps)
    return kernels.noisy(state.theta, state.before, state.velocity, *data, method.step_size, noises)


def _aware(method: SharpnessAware, state: State, data: Data, _: Drawn, steps: int) -> tuple[int, int]:
    """Make steps along ∇L(θ + ρ ∇L/‖∇L‖), two gradients each."""
    for made in range(steps):
        here = kernels.gradient(state.theta, *data)
        length = norm(here)
        far = method.radius / length if length > 0.0 else 0.0
        there = kernels.gradient(state.theta + far * here, *data)
        if not np.isfinite(there).all():
            return relu_plane.DIVERGED, made
        state.before[:] = state.theta
        state.theta -= method.step_size * there
    return relu_plane.FINISHED, steps


_STEPS: dict[type, Callable[[Any, State, Data, Drawn, int], tuple[int, int]]] = {
    StochasticGradientDescent: _stochastic,
    LabelNoise: _noisy,
    SharpnessAware: _aware,
}
