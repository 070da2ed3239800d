"""A network trained on other examples at every step, measured on fixed ones.

Step t moves θ along the gradient of the loss L_t of the examples of step t:

    v ← βv + ∇L_t(θ) + λ·mask·θ,    θ ← θ − ηv        (and as `GradientDescent` says otherwise)

so that data which are drawn anew, such as the mixed pairs of mixup, make a stochastic method. Its loss,
Hessian and counts are those of examples that stay the same: a curve of the losses L_t, each of other
examples, would show their noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import function
from stepscape.curvature.lanczos import Eigenpair
from stepscape.errors import bad, expect
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU, require_dimension
from stepscape.objectives.descent import State
from stepscape.objectives.network_loss import network_loss
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_plane import ReLUPlane
from stepscape.objectives.relu_plane_hessian import PlaneHessian
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
CHUNK = 100  # steps between two looks at the loss


@dataclass(frozen=True, eq=False)
class FreshExamples:
    """An objective with descent on the examples of each step; a `Descent`.

    Parameters
    ----------
    examples : callable
        Number of the step, from 0, → the `Problem` of this step. The same number must give the same examples:
        then equal starts take equal paths.
    measured : Problem
        Examples of which loss, gradient, Hessian, sharpness and census are.
    network : TwoLayerReLU
        Its width and trained blocks.
    """

    examples: Callable[[int], Problem]
    measured: Problem
    network: TwoLayerReLU

    def __post_init__(self) -> None:
        function("examples", self.examples, "be a function of the number of a step")
        expect("measured", self.measured, Problem)
        require_dimension(self.network, self.measured.dimension)
        first = self.examples(0)
        expect("examples(0)", first, Problem)
        for what in ("dimension", "loss"):
            here, there = getattr(self.measured, what), getattr(first, what)
            if here != there:
                raise bad("examples(0)", f"have the {what} of the measured problem, {here!r}", repr(there))

    @cached_property
    def _fixed(self) -> ReLULine | ReLUPlane:
        return network_loss(self.measured, self.network)

    @property
    def size(self) -> int:
        """Length of θ."""
        return self.network.size

    def loss(self, theta: Array) -> float:
        """Loss of the measured examples, normalized as `Problem` says."""
        return self._fixed.loss(theta)

    def gradient(self, theta: Array) -> Array:
        """Return its gradient, zero on frozen blocks."""
        return self._fixed.gradient(theta)

    def hessian(self, theta: Array) -> Hessian | PlaneHessian:
        """Return its Hessian."""
        return self._fixed.hessian(theta)

    def census(self, theta: Array) -> dict[str, int]:
        """Count neurons as seen from the measured examples."""
        return self._fixed.census(theta)

    def descend(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        """Make up to `CHUNK` steps, each on its own examples; see `Descent`."""
        for _ in range(min(steps, CHUNK)):
            now = network_loss(self.examples(state.steps_made), self.network)
            if now.descend(state, method, first_step_size, 1) == np.inf:
                return np.inf
        return self.loss(state.theta)

    def sharpness(
        self,
        theta: Array,
        decay: float = 0.0,
        start: Array | None = None,
        tolerance: float = 1e-8,
        decay_biases: bool = True,
    ) -> Eigenpair:
        """λ_max of the Hessian of the measured examples; see `Descent`."""
        return self._fixed.sharpness(theta, decay, start, tolerance, decay_biases)

    def rough_sharpness(self, theta: Array, decay: float = 0.0, decay_biases: bool = True) -> float:
        """See `Descent`."""
        return self._fixed.rough_sharpness(theta, decay, decay_biases)

    def smoothness(self, theta: Array, before: Array) -> float:
        """See `Descent`; along a step that was made on other examples."""
        return self._fixed.smoothness(theta, before)

    def largest_loss(self, theta: Array) -> float:
        """See `Descent`."""
        return self._fixed.largest_loss(theta)
