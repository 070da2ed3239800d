"""Descent of any objective, one NumPy step after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair, largest_eigenpair
from stepscape.curvature.operator import Shifted
from stepscape.methods import GradientDescent
from stepscape.objectives.descent import State, clipped
from stepscape.objectives.objective import Objective, secant_curvature

Array = NDArray[np.float64]

CHUNK = 100  # steps between two looks at the loss
LARGEST = 1e100  # |loss| or |θ|: beyond it, squares of what the Hessian does overflow
BLOW_UP = 1e10  # for a start whose loss lies beyond it


@dataclass(frozen=True, eq=False)
class NumpyDescent:
    """A `Descent` for an objective that has none; `decayed` (size,) is 1 where weight decay acts, else 0."""

    objective: Objective
    decayed: Array

    def descend(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        """Make steps v ← βv + g, θ ← θ − ηv (Nesterov: θ − η(g + βv)) with g = ∇L + λ·mask·θ, ∇L clipped."""
        numbers = state.steps_made + np.arange(min(steps, CHUNK))
        with np.errstate(over="ignore", invalid="ignore"):
            for eta in method.step_size_at(numbers, first_step_size):
                g = clipped(self.objective.gradient(state.theta), method)
                g = g + method.weight_decay * self.decayed * state.theta
                state.move(g, eta, method)
                if not np.abs(state.theta).max() <= LARGEST:
                    return np.inf
            return self.objective.loss(state.theta)

    def sharpness(
        self,
        theta: Array,
        decay: float = 0.0,
        start: Array | None = None,
        tolerance: float = 1e-8,
        decay_biases: bool = True,
    ) -> Eigenpair:
        """λ_max of ∇²L(θ) + decay·diag(mask), the mask being `decayed`."""
        del decay_biases  # the mask is given
        operator = self.objective.hessian(theta)
        shifted = Shifted(operator, decay * self.decayed) if decay else operator
        return largest_eigenpair(shifted, start, tolerance)

    def rough_sharpness(self, theta: Array, decay: float = 0.0, decay_biases: bool = True) -> float:
        """Return the value of `sharpness` to 1e-4."""
        return self.sharpness(theta, decay, tolerance=1e-4, decay_biases=decay_biases).value

    def smoothness(self, theta: Array, before: Array) -> float:
        """See `secant_curvature`."""
        return secant_curvature(self.objective, theta, before)

    def largest_loss(self, theta: Array) -> float:
        """See `blow_up`."""
        return blow_up(self.objective, theta)


def blow_up(objective: Objective, theta: Array) -> float:
    """1e100, because nothing is known of the scale of the loss; more for a start beyond that."""
    return max(LARGEST, BLOW_UP * min(abs(objective.loss(theta)), 1e290))
