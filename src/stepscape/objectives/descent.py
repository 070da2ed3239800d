"""The methods of an objective that descends with a loop of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair, norm
from stepscape.methods import GradientDescent

Array = NDArray[np.float64]

BLOW_UP = 1e10  # a loss so many times the scale of labels and network never comes back


def clipped(gradient: Array, method: GradientDescent) -> Array:
    """Return the gradient, scaled down where it is longer than ``method.clip``."""
    if method.clip is None:
        return gradient
    return np.asarray(gradient * min(1.0, method.clip / (norm(gradient) + 1e-6)))


def descent_step(
    velocity: Array, gradient: Array, step_size: float, method: GradientDescent
) -> tuple[Array, Array]:
    """Return v ← βv + g and what θ loses: ηv, or η(g + βv) for Nesterov; weight decay is part of g."""
    velocity = method.momentum * velocity + gradient
    return velocity, step_size * (gradient + method.momentum * velocity if method.nesterov else velocity)


@dataclass
class State:
    """The state of a descent, changed in place: θ, the iterate before it, velocity (each (size,)), steps.

    `largest_loss` is the largest seen so far; with `careful` an objective does not trust its fast steps.
    """

    theta: Array
    before: Array
    velocity: Array
    steps_made: int = 0
    largest_loss: float = 0.0
    careful: bool = False

    @classmethod
    def at(cls, theta: Array) -> State:
        """Return the state of a descent that has not begun."""
        return cls(theta.copy(), theta.copy(), np.zeros_like(theta))

    def copy(self) -> State:
        """Return a state to come back to."""
        return replace(self, **{name: getattr(self, name).copy() for name in ("theta", "before", "velocity")})

    def restore(self, kept: State) -> None:
        """Come back to a state kept before."""
        self.theta[:], self.before[:], self.velocity[:] = kept.theta, kept.before, kept.velocity
        self.steps_made = kept.steps_made

    def move(self, gradient: Array, step_size: float, method: GradientDescent) -> None:
        """Make the step v ← βv + g, θ ← θ − ηv (Nesterov: θ − η(g + βv)) with the gradient g."""
        self.before[:] = self.theta
        self.velocity[:], move = descent_step(self.velocity, gradient, step_size, method)
        self.theta -= move
        self.steps_made += 1


# Makes up to so many steps of a state in place, at least one; whether its numbers stay finite.
Advance = Callable[[State, int], bool]


@runtime_checkable
class Descent(Protocol):
    """The methods that a loop over steps calls.

    An objective that also has these methods, such as `ReLULine`, trains by its own compiled loop and knows by
    itself which coordinates weight decay acts on. Every other one is trained by
    `stepscape.training.numpy_descent.NumpyDescent`, in the same conventions.
    """

    def descend(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        """Make up to `steps` steps, at least one and for about a tenth of a second; return the loss there.

        `first_step_size` is where the warm-up begins. The loss is infinite, and the state unusable, when
        numbers stopped being finite.
        """
        ...

    def sharpness(
        self,
        theta: Array,
        decay: float = 0.0,
        start: Array | None = None,
        tolerance: float = 1e-8,
        decay_biases: bool = True,
    ) -> Eigenpair:
        """λ_max of ∇²L(θ) + decay·diag(mask) on the trained coordinates; vectors (size,).

        The mask is that of weight decay, whose `decay_biases` is given.
        """
        ...

    def rough_sharpness(self, theta: Array, decay: float = 0.0, decay_biases: bool = True) -> float:
        """Return about λ_max, for the first step size of a warm-up.

        Every bit of a run depends on it, so that its last digits change only on purpose, however `sharpness`
        is found.
        """
        ...

    def smoothness(self, theta: Array, before: Array) -> float:
        """⟨∇L(θ) − ∇L(θ'), θ − θ'⟩/‖θ − θ'‖² along the step from θ' to θ; nan when nothing moved."""
        ...

    def largest_loss(self, theta: Array) -> float:
        """Return a finite |loss| from which a descent that started at θ never comes back."""
        ...
