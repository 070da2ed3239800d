"""The loss of a network of one input variable, descended by a method other than gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair
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
from stepscape.network import BLOCKS, TwoLayerReLU
from stepscape.objectives.descent import State
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
CHUNK = 10_000_000  # pairs of an input and a neuron between two returns from the kernel
MOST_STEPS = 4096  # so that the random numbers of a chunk stay small


@dataclass(frozen=True, eq=False)
class SteppedLine:
    """An objective that descends by `method`; a `Descent`.

    Loss, gradient, Hessian, sharpness and census are those of all examples with their own labels, as of
    `ReLULine`, whatever the method looks at in a step. Batches and noise number
    the examples in the order of their inputs.

    Raises
    ------
    InputError
        For several input variables, a batch larger than the data, and a penalty on the trace or noise on
        labels with the logistic loss.
    """

    problem: Problem
    network: TwoLayerReLU
    method: LineMethod

    def __post_init__(self) -> None:
        if not isinstance(self.method, LineMethod):
            raise bad(
                "method", f"be one of {', '.join(each.__name__ for each in _STEPS)}", shown(self.method)
            )
        _ = self._line  # refuses several variables
        if isinstance(self.method, LabelNoise | TracePenalty) and self.problem.loss != "square":
            raise bad("loss", f"be 'square' for {type(self.method).__name__}", repr(self.problem.loss))
        if isinstance(self.method, StochasticGradientDescent):
            self.method.batches(0, 1, self.problem.size)

    @cached_property
    def _line(self) -> ReLULine:
        return ReLULine(self.problem, self.network)

    @property
    def size(self) -> int:
        """Length 3k + 1 of θ."""
        return self._line.size

    def loss(self, theta: Array) -> float:
        """Loss of all examples, normalized as `Problem` says."""
        return self._line.loss(theta)

    def gradient(self, theta: Array) -> Array:
        """Return its gradient, zero on frozen blocks."""
        return self._line.gradient(theta)

    def hessian(self, theta: Array) -> Hessian:
        """Return its Hessian."""
        return self._line.hessian(theta)

    def census(self, theta: Array) -> dict[str, int]:
        """Count neurons as seen from all examples."""
        return self._line.census(theta)

    def descend(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        """Make steps of the method in the compiled kernel; see `Descent`."""
        del method, first_step_size  # the clock of the loop, which is that of the method
        each = self.problem.size * self.network.width
        most = min(steps, MOST_STEPS, max(1, CHUNK // each))
        status, made = _STEPS[type(self.method)](self, state, most)
        state.steps_made += int(made)
        if status == kernels.DIVERGED or not np.isfinite(state.theta).all():
            return np.inf
        try:
            return self.loss(state.theta)
        except InputError:  # beyond the range of float64
            return np.inf

    def _given(self, state: State) -> tuple[Any, ...]:
        line = self.problem.line
        rates = np.array([float(name in self.network.trainable) for name in BLOCKS])
        logistic = self.problem.loss == "logistic"
        return (
            state.theta, state.before, line.inputs, line.labels, line.averaging, rates, logistic,
            self.method.step_size,
        )  # fmt: skip

    def sharpness(
        self,
        theta: Array,
        decay: float = 0.0,
        start: Array | None = None,
        tolerance: float = 1e-8,
        decay_biases: bool = True,
    ) -> Eigenpair:
        """λ_max of the Hessian of all examples; see `Descent`."""
        return self._line.sharpness(theta, decay, start, tolerance, decay_biases)

    def rough_sharpness(self, theta: Array, decay: float = 0.0, decay_biases: bool = True) -> float:
        """See `Descent`."""
        return self._line.rough_sharpness(theta, decay, decay_biases)

    def smoothness(self, theta: Array, before: Array) -> float:
        """See `Descent`; along a step that was made by the method."""
        return self._line.smoothness(theta, before)

    def largest_loss(self, theta: Array) -> float:
        """See `Descent`."""
        return self._line.largest_loss(theta)


def _stochastic(line: SteppedLine, state: State, steps: int) -> tuple[int, int]:
    batches = line.method.batches(state.steps_made, steps, line.problem.size)  # type: ignore[union-attr]
    work = np.empty((3, batches.shape[1]))
    return kernels.stochastic(*line._given(state), batches, work, np.empty(line.size))  # type: ignore[no-any-return]


def _noisy(line: SteppedLine, state: State, steps: int) -> tuple[int, int]:
    noises = line.method.noises(state.steps_made, steps, line.problem.size)  # type: ignore[union-attr]
    work = np.empty((1, noises.shape[1]))
    return kernels.noisy(*line._given(state), noises, work, np.empty(line.size))  # type: ignore[no-any-return]


def _aware(line: SteppedLine, state: State, steps: int) -> tuple[int, int]:
    radius, shifted = line.method.radius, np.empty(line.size)  # type: ignore[union-attr]
    return kernels.aware(*line._given(state), radius, steps, shifted, np.empty(line.size))  # type: ignore[no-any-return]


def _penalized(line: SteppedLine, state: State, steps: int) -> tuple[int, int]:
    weight = line.method.weight  # type: ignore[union-attr]
    return kernels.penalized(*line._given(state), weight, steps, np.empty(line.size))  # type: ignore[no-any-return]


_STEPS: dict[type, Callable[[SteppedLine, State, int], tuple[int, int]]] = {
    StochasticGradientDescent: _stochastic,
    LabelNoise: _noisy,
    SharpnessAware: _aware,
    TracePenalty: _penalized,
}
