"""Compiled steps of RMSProp, Adam and AdamW on the loss of a network of one input variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.kernels import relu1d_methods as kernels
from stepscape.methods import Adam, AdamW, Adaptive, RMSProp
from stepscape.objectives.descent import Advance, State
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.stepped_line import Given, given, longest_chunk

Array = NDArray[np.float64]


def adaptive_steps(line: ReLULine, method: Adaptive, decayed: Array) -> Advance:
    """Return what makes the steps.

    What the method keeps beside θ is the state's velocity: v of RMSProp, and m, v and the number of steps of
    Adam. Weight decay acts on the coordinates of the mask `decayed` (3k + 1,).
    """
    longest, make = longest_chunk(line.problem.size, line), _STEPS[type(method)]

    def advance(state: State, count: int) -> bool:
        here = given(line, method, state)
        status, made = make(method, here, state.velocity, decayed, min(count, longest))
        state.steps_made += int(made)
        return bool(status != kernels.DIVERGED)

    return advance


def _rmsprop(method: RMSProp, here: Given, kept: Array, decayed: Array, steps: int) -> tuple[int, int]:
    return kernels.rmsprop(  # type: ignore[no-any-return]
        *here, method.beta2, method.epsilon, method.weight_decay * decayed, kept, steps,
        np.empty_like(here.theta),
    )  # fmt: skip


def _adam(method: Adam, here: Given, kept: Array, decayed: Array, steps: int) -> tuple[int, int]:
    added = method.weight_decay * decayed
    return _means(method, here, kept, (added, np.ones_like(added)), steps)


def _adamw(method: AdamW, here: Given, kept: Array, decayed: Array, steps: int) -> tuple[int, int]:
    shares = 1.0 - method.step_size * method.weight_decay * decayed
    return _means(method, here, kept, (np.zeros_like(shares), shares), steps)


def _means(
    method: Adam | AdamW, here: Given, kept: Array, decay: tuple[Array, Array], steps: int
) -> tuple[int, int]:
    mean, square = kept[:-1].reshape(2, -1)
    return kernels.adam(  # type: ignore[no-any-return]
        *here, method.beta1, method.beta2, method.epsilon, *decay, mean, square, kept[-1:], steps,
        np.empty_like(here.theta),
    )  # fmt: skip


_STEPS: dict[type, Callable[[Any, Given, Array, Array, int], tuple[int, int]]] = {
    RMSProp: _rmsprop,
    Adam: _adam,
    AdamW: _adamw,
}
