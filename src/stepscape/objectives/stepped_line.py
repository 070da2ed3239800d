"""Compiled steps of a method other than gradient descent on a network of one input variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.kernels import relu1d_methods as kernels
from stepscape.methods import (
    Adaptive,
    LabelNoise,
    LineMethod,
    SharpnessAware,
    StochasticGradientDescent,
    TracePenalty,
)
from stepscape.network import BLOCKS
from stepscape.objectives.descent import Advance, State
from stepscape.objectives.drawn import Drawn, drawn
from stepscape.objectives.relu_line import ReLULine

Array = NDArray[np.float64]
CHUNK = 10_000_000  # pairs of an example and a neuron between two returns from the kernel
MOST_STEPS = 4096  # so that the random numbers of a chunk stay small


def line_steps(line: ReLULine, method: LineMethod) -> Advance:
    """Return what makes the steps; the state's velocity is that of stochastic descent."""
    random = drawn(method, line.problem.size)
    longest, make = longest_chunk(random.examples, line), _STEPS[type(method)]

    def advance(state: State, count: int) -> bool:
        status, made = make(method, given(line, method, state), random, state, min(count, longest))
        state.steps_made += int(made)
        return bool(status != kernels.DIVERGED)

    return advance


def longest_chunk(examples: int, line: ReLULine) -> int:
    """Return the most steps between two returns from the kernel that look at so many examples."""
    return min(MOST_STEPS, max(1, CHUNK // (examples * line.network.width)))


class Given(NamedTuple):
    """What every kernel takes."""

    theta: Array
    before: Array
    inputs: Array
    labels: Array
    averaging: Array
    rates: Array
    logistic: bool
    step_size: float


def given(line: ReLULine, method: LineMethod | Adaptive, state: State) -> Given:
    """Return what every kernel takes."""
    problem, net = line.problem, line.network
    data = problem.line
    return Given(
        state.theta, state.before, data.inputs, data.labels, data.averaging,
        rates=np.array([float(name in net.trainable) for name in BLOCKS]),
        logistic=problem.loss == "logistic", step_size=method.step_size,
    )  # fmt: skip


def _stochastic(method: Any, here: Given, random: Drawn, state: State, steps: int) -> tuple[int, int]:
    batches = random.rows_from(state.steps_made, steps)
    work = np.empty((3, batches.shape[1]))
    return kernels.stochastic(  # type: ignore[no-any-return]
        *here, method.momentum, state.velocity, batches, work, np.empty_like(here.theta)
    )


def _noisy(_method: Any, here: Given, random: Drawn, state: State, steps: int) -> tuple[int, int]:
    noises = random.rows_from(state.steps_made, steps)
    work = np.empty((1, noises.shape[1]))
    return kernels.noisy(*here, noises, work, np.empty_like(here.theta))  # type: ignore[no-any-return]


def _aware(method: Any, here: Given, _random: Drawn, _state: State, steps: int) -> tuple[int, int]:
    shifted, work = np.empty_like(here.theta), np.empty_like(here.theta)
    return kernels.aware(*here, method.radius, steps, shifted, work)  # type: ignore[no-any-return]


def _penalized(method: Any, here: Given, _random: Drawn, _state: State, steps: int) -> tuple[int, int]:
    return kernels.penalized(*here, method.weight, steps, np.empty_like(here.theta))  # type: ignore[no-any-return]


_STEPS: dict[type, Callable[[Any, Given, Drawn, State, int], tuple[int, int]]] = {
    StochasticGradientDescent: _stochastic,
    LabelNoise: _noisy,
    SharpnessAware: _aware,
    TracePenalty: _penalized,
}
