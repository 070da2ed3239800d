"""One step of a method as a map F of one flat vector, its state: what flows and orbits of any method need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, expect
from stepscape.methods import GradientDescent
from stepscape.objectives.objective import Objective, require_objective

Array = NDArray[np.float64]


class StepMap(Protocol):
    """A deterministic method on an objective: z ↦ F(z), the state z one flat vector that begins with θ."""

    def start(self, theta: Array) -> Array:
        """Return the state before the first step."""
        ...

    def step(self, state: Array) -> Array:
        """F(z)."""
        ...

    def weights(self, state: Array) -> Array:
        """Return θ of a state."""
        ...

    def preconditioner(self, state: Array) -> Array:
        """Diagonal P (size,) by which the next step divides the gradient; 1 for gradient descent."""
        ...


@dataclass(frozen=True, eq=False)
class DescentMap:
    """Gradient descent, heavy ball or Nesterov with a constant step size: the state is θ, or (θ, v)."""

    objective: Objective
    method: GradientDescent

    def start(self, theta: Array) -> Array:
        """θ, or (θ, 0)."""
        return np.concatenate([theta, np.zeros_like(theta)]) if self.method.momentum else theta.copy()

    def step(self, state: Array) -> Array:
        """v ← βv + g, θ ← θ − ηv; Nesterov θ ← θ − η(g + βv); g = ∇L + λθ."""
        size, method = self.objective.size, self.method
        theta = state[:size]
        pull = self.objective.gradient(theta)
        if method.weight_decay:
            pull = pull + method.weight_decay * theta
        if not method.momentum:
            return np.asarray(theta - method.step_size * pull)
        velocity = method.momentum * state[size:] + pull
        forward = pull + method.momentum * velocity if method.nesterov else velocity
        return np.concatenate([theta - method.step_size * forward, velocity])

    def weights(self, state: Array) -> Array:
        """Return θ."""
        return state[: self.objective.size]

    def preconditioner(self, state: Array) -> Array:  # noqa: ARG002
        """Return ones."""
        return np.ones(self.objective.size)


def step_map(objective: Objective, method: GradientDescent) -> StepMap:
    """Return the map of a method.

    Raises
    ------
    InputError
        For warm-up or clipping, with which a step depends on its number or has a kink.
    """
    require_objective(objective)
    expect("method", method, GradientDescent)
    if method.warmup_steps or method.clip is not None:
        raise bad("method", "have a constant step size and no clipping", repr(method))
    return DescentMap(objective, method)


def unit_of_time(method: GradientDescent) -> float:
    """Time η/(1 − β) of a step, by which the curves of different methods are compared."""
    return method.step_size / (1.0 - method.momentum)
