"""A descent in progress, as the loop over records drives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature.lanczos import Eigenpair
from stepscape.methods import GradientDescent
from stepscape.objectives.descent import Descent, State

Array = NDArray[np.float64]
BLOCK = 2**20  # steps of a warm-up whose step sizes are summed at a time


class Engine(Protocol):
    """What makes the steps of a run and measures along them."""

    @property
    def state(self) -> State:
        """The state, changed in place."""
        ...

    def run_to(self, stop: int, progress: Callable[[int], None] | None) -> float:
        """Step until `stop`; return the loss there, which is infinite if the run diverged."""
        ...

    def sharpness(self, theta: Array, start: Array | None) -> Eigenpair:
        """λ_max at θ of the matrix that the threshold is about, searched from a vector."""
        ...

    def smoothness(self, theta: Array, before: Array) -> float:
        """Return the secant curvature of the loss along a step."""
        ...

    def largest_loss(self) -> float:
        """Return a finite |loss| from which the run never comes back."""
        ...

    def clock(self, at: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return the step size after each of the steps, and the training time up to it."""
        ...

    def diverged(self) -> str:
        """Say in one sentence how the run diverged, and what to do."""
        ...


class DescentEngine:
    """Gradient descent by the objective's own steps, or by those of `NumpyDescent`."""

    def __init__(self, descent: Descent, method: GradientDescent, start: Array) -> None:
        self.descent, self.method, self.start = descent, method, start
        self.state = State.at(start)
        self.first_step_size = method.step_size
        if method.warmup_steps:
            self.first_step_size = min(method.step_size, 1.0 / self.initial_sharpness())

    def initial_sharpness(self) -> float:
        """λ_max of the start, but at least the smallest normal number."""
        decay, biases = self.method.weight_decay, self.method.decay_biases
        return max(self.descent.rough_sharpness(self.start, decay, biases), 1e-300)

    def run_to(self, stop: int, progress: Callable[[int], None] | None) -> float:
        """See `Engine`."""
        loss = np.inf
        while self.state.steps_made < stop:
            left = stop - self.state.steps_made
            loss = self.descent.descend(self.state, self.method, self.first_step_size, left)
            if progress:
                progress(self.state.steps_made)
            if loss == np.inf:
                break
        return loss

    def sharpness(self, theta: Array, start: Array | None) -> Eigenpair:
        """See `Engine`: the matrix is H + weight_decay·diag(mask)."""
        method = self.method
        return self.descent.sharpness(theta, method.weight_decay, start, decay_biases=method.decay_biases)

    def smoothness(self, theta: Array, before: Array) -> float:
        """See `Engine`."""
        return self.descent.smoothness(theta, before)

    def largest_loss(self) -> float:
        """See `Engine`."""
        return self.descent.largest_loss(self.start)

    def clock(self, at: NDArray[np.int64]) -> tuple[Array, Array]:
        """See `Engine`: the time is Σ η over 1 − momentum."""
        method = self.method
        inside = np.minimum(at, method.warmup_steps)
        time = self._warm_time(inside) + method.step_size * (at - inside)
        return method.step_size_at(at, self.first_step_size), time / (1.0 - method.momentum)

    def _warm_time(self, at: NDArray[np.int64]) -> Array:
        """Return Σ η up to some steps of the warm-up, in blocks that fit in memory."""
        method, first = self.method, self.first_step_size
        out, total = np.zeros(at.size), 0.0
        for start in range(0, method.warmup_steps, BLOCK):
            block = np.arange(start, min(start + BLOCK, method.warmup_steps))
            sums = np.cumsum(np.append(total, method.step_size_at(block, first)))
            inside = (at >= start) & (at <= start + block.size)
            out[inside], total = sums[at[inside] - start], float(sums[-1])
        return out

    def diverged(self) -> str:
        """See `Engine`."""
        method, start = self.method, self.initial_sharpness()
        limit = method.threshold() * method.step_size / start  # the step size that puts the start at the edge
        allowed = f"step sizes up to {limit:.3g}"
        reason = f"the initial sharpness {start:.4g} allows {allowed}"
        if method.step_size <= limit:
            reason = f"the initial sharpness {start:.4g} would allow {allowed}, but it grew on the way"
        warm_up = "raise warmup_steps" if method.warmup_steps else "set warmup_steps"
        advice = f"lower step_size, shrink the initialization, or {warm_up}"
        made = self.state.steps_made
        return f"diverged within {made} steps at step_size {method.step_size:g}; {reason}: {advice}"
