"""Steps of an optimizer's map, for every method but gradient descent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair, largest_eigenpair
from stepscape.errors import BeyondRange
from stepscape.methods import StochasticGradientDescent
from stepscape.objectives.descent import Advance, Descent, State
from stepscape.objectives.objective import secant_curvature
from stepscape.training.numpy_descent import CHUNK, LARGEST, blow_up
from stepscape.training.optimizer_map import OptimizerMap

Array = NDArray[np.float64]


class MapEngine:
    """An `Engine` of one optimizer; the velocity of its state is all that is kept beside θ.

    Steps are those of the map, or compiled ones that do the same: `advance`.
    """

    def __init__(self, optimizer: OptimizerMap, start: Array, advance: Advance | None = None) -> None:
        self.optimizer, self.start = optimizer, start
        z = optimizer.start(start)
        self.state = State(start.copy(), start.copy(), z[start.size :])
        self.advance = self._walk if advance is None else advance

    def run_to(self, stop: int, progress: Callable[[int], None] | None) -> float:
        """See `Engine`."""
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                while self.state.steps_made < stop:
                    finite = self.advance(self.state, stop - self.state.steps_made)
                    if not (finite and np.abs(self.state.theta).max() <= LARGEST):
                        return np.inf
                    if progress:
                        progress(self.state.steps_made)
                loss = float(self.optimizer.objective.loss(self.state.theta))
        except BeyondRange:
            return np.inf
        return loss if np.isfinite(loss) else np.inf

    def sharpness(self, theta: Array, start: Array | None) -> Eigenpair:
        """See `Engine`: the matrix is P^{-1/2} (H + decay·diag(mask)) P^{-1/2}, P of the last step."""
        return largest_eigenpair(self.optimizer.stabilized(self._z, theta), start)

    def smoothness(self, theta: Array, before: Array) -> float:
        """See `Engine`."""
        objective = self.optimizer.objective
        if isinstance(objective, Descent):
            return objective.smoothness(theta, before)
        return secant_curvature(objective, theta, before)

    def largest_loss(self) -> float:
        """See `Engine`."""
        objective = self.optimizer.objective
        if isinstance(objective, Descent):
            return objective.largest_loss(self.start)
        return blow_up(objective, self.start)

    def clock(self, at: NDArray[np.int64]) -> tuple[Array, Array]:
        """See `Engine`: the time is η·steps, over 1 − momentum where the method has one."""
        method = self.optimizer.method
        momentum = method.momentum if isinstance(method, StochasticGradientDescent) else 0.0
        eta = method.step_size  # type: ignore[attr-defined]
        return np.full(at.size, eta), eta * at / (1.0 - momentum)

    def diverged(self) -> str:
        """See `Engine`."""
        eta, made = self.optimizer.method.step_size, self.state.steps_made  # type: ignore[attr-defined]
        return f"diverged within {made} steps at step_size {eta:g}; lower it, or shrink the initialization"

    @property
    def _z(self) -> Array:
        return np.concatenate([self.state.theta, self.state.velocity])

    def _walk(self, state: State, count: int) -> bool:
        """Make steps of the map, one after another."""
        for _ in range(min(CHUNK, count)):
            z = self.optimizer.step(self._z)
            state.before[:] = state.theta
            state.theta[:], state.velocity[:] = np.split(z, [state.theta.size])
            state.steps_made += 1
            if not np.abs(state.theta).max() <= LARGEST:
                return False
        return True
