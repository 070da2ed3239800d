"""The loss of a network of one input variable, descended by a method other than gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError, bad, shown
from stepscape.kernels import relu1d_methods as kernels
from stepscape.methods import (
    GradientDescent,
    LabelNoise,
    LineMethod,
    SharpnessAware,
    StochasticGradientDescent,
    TracePenalty,
)
from stepscape.methods.draws import BLOCK
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.objectives.descent import State
from stepscape.objectives.own_steps import OwnSteps
from stepscape.objectives.relu_line import ReLULine
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
CHUNK = 10_000_000  # pairs of an example and a neuron between two returns from the kernel
MOST_STEPS = 4096  # so that the random numbers of a chunk stay small


def with_method(problem: Problem, network: TwoLayerReLU, method: LineMethod) -> OwnSteps:
    """Return the loss of a network on the line that descends by `method`.

    It is measured on all examples with their own labels, whatever the method looks at in a step. Batches and
    noise number the examples in the order of their inputs.

    Raises
    ------
    InputError
        For several input variables, a batch larger than the data, and a penalty on the trace or noise on
        labels with the logistic loss.
    """
    if not isinstance(method, LineMethod):
        raise bad("method", f"be one of {', '.join(each.__name__ for each in _STEPS)}", shown(method))
    line = ReLULine(problem, network)
    if isinstance(method, LabelNoise | TracePenalty) and problem.loss != "square":
        raise bad("loss", f"be 'square' for {type(method).__name__}", repr(problem.loss))
    drawn, examples = _drawn(method, problem.size), problem.size
    if isinstance(method, StochasticGradientDescent):
        drawn.rows_from(0, 1)  # refuses a batch larger than the data
        examples = method.batch_size
    longest = min(MOST_STEPS, max(1, CHUNK // (examples * network.width)))

    def steps(state: State, clock: GradientDescent, first_step_size: float, count: int) -> float:
        del clock, first_step_size  # they are those of the method
        most, given = min(count, longest), _given(line, method, state)
        status, made = _STEPS[type(method)](method, given, drawn, state, most)
        state.steps_made += int(made)
        if status == kernels.DIVERGED or not np.isfinite(state.theta).all():
            return np.inf
        try:
            return line.loss(state.theta)
        except InputError:  # beyond the range of float64
            return np.inf

    return OwnSteps(line, steps)


@dataclass
class _Drawn:
    """Random numbers of steps, a row for each; the last block is kept, from which the next steps may draw.

    `draw` makes rows from a number on, and does not make fewer than `block` of them faster.
    """

    draw: Callable[[int, int], NDArray[Any]]
    block: int
    kept: tuple[int, NDArray[Any]] = (0, np.empty((0, 0)))  # the step of its first row, and the rows

    def rows_from(self, first: int, count: int) -> NDArray[Any]:
        """Rows (count, …) of the steps from `first` on."""
        begin, rows = self.kept
        if first < begin or first + count > begin + len(rows):
            begin = first - first % self.block
            rows = self.draw(begin, max(self.block, first + count - begin))
            self.kept = begin, rows
        return rows[first - begin : first - begin + count]


def _drawn(method: LineMethod, examples: int) -> _Drawn:
    if isinstance(method, LabelNoise):
        return _Drawn(lambda first, count: method.noises(first, count, examples), BLOCK)
    if isinstance(method, StochasticGradientDescent):
        block = BLOCK if method.replacement else max(1, examples // method.batch_size)
        return _Drawn(lambda first, count: method.batches(first, count, examples), block)
    return _Drawn(lambda _, count: np.empty((count, 0)), 1)


class _Given(NamedTuple):
    """What every kernel takes."""

    theta: Array
    before: Array
    inputs: Array
    labels: Array
    averaging: Array
    rates: Array
    logistic: bool
    step_size: float


def _given(line: ReLULine, method: LineMethod, state: State) -> _Given:
    problem, net = line.problem, line.network
    data = problem.line
    return _Given(
        state.theta, state.before, data.inputs, data.labels, data.averaging,
        rates=np.array([float(name in net.trainable) for name in BLOCKS]),
        logistic=problem.loss == "logistic", step_size=method.step_size,
    )  # fmt: skip


def _stochastic(method: Any, given: _Given, drawn: _Drawn, state: State, steps: int) -> tuple[int, int]:
    batches = drawn.rows_from(state.steps_made, steps)
    work = np.empty((3, batches.shape[1]))
    return kernels.stochastic(  # type: ignore[no-any-return]
        *given, method.momentum, state.velocity, batches, work, np.empty_like(given.theta)
    )


def _noisy(_method: Any, given: _Given, drawn: _Drawn, state: State, steps: int) -> tuple[int, int]:
    noises = drawn.rows_from(state.steps_made, steps)
    work = np.empty((1, noises.shape[1]))
    return kernels.noisy(*given, noises, work, np.empty_like(given.theta))  # type: ignore[no-any-return]


def _aware(method: Any, given: _Given, _drawn: _Drawn, _state: State, steps: int) -> tuple[int, int]:
    shifted, work = np.empty_like(given.theta), np.empty_like(given.theta)
    return kernels.aware(*given, method.radius, steps, shifted, work)  # type: ignore[no-any-return]


def _penalized(method: Any, given: _Given, _drawn: _Drawn, _state: State, steps: int) -> tuple[int, int]:
    return kernels.penalized(*given, method.weight, steps, np.empty_like(given.theta))  # type: ignore[no-any-return]


_STEPS: dict[type, Callable[[Any, _Given, _Drawn, State, int], tuple[int, int]]] = {
    StochasticGradientDescent: _stochastic,
    LabelNoise: _noisy,
    SharpnessAware: _aware,
    TracePenalty: _penalized,
}
