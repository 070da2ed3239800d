"""A network's loss that is measured as always, and whose steps are made otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import function
from stepscape.curvature.lanczos import Eigenpair
from stepscape.errors import bad, shown
from stepscape.methods import GradientDescent
from stepscape.objectives.descent import State
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.objectives.relu_plane import ReLUPlane
from stepscape.objectives.relu_plane_hessian import PlaneHessian

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OwnSteps:
    """An objective with steps of its own; a `Descent`.

    Loss, gradient, Hessian, sharpness and census are those of `measured`, whatever a step looks at: a curve
    of the losses that the steps see would show their noise.

    Parameters
    ----------
    measured : the loss of fixed examples.
    steps : callable
        Makes up to some steps, as `Descent.descend` does: (state, method, first step size, how many) → loss.

    Raises
    ------
    InputError
        If `measured` is not the loss of a network, or `steps` is not a function.
    """

    measured: ReLULine | ReLUPlane
    steps: Callable[[State, GradientDescent, float, int], float]

    def __post_init__(self) -> None:
        if not isinstance(self.measured, ReLULine | ReLUPlane):
            raise bad(
                "measured", "be the loss of a network", shown(self.measured), "objectives.line makes one"
            )
        function("steps", self.steps)

    @property
    def size(self) -> int:
        """Length of θ."""
        return self.measured.size

    def loss(self, theta: Array) -> float:
        """Loss of the measured examples, normalized as `Problem` says."""
        return self.measured.loss(theta)

    def gradient(self, theta: Array) -> Array:
        """Return its gradient, zero on frozen blocks."""
        return self.measured.gradient(theta)

    def hessian(self, theta: Array) -> Hessian | PlaneHessian:
        """Return its Hessian."""
        return self.measured.hessian(theta)

    def census(self, theta: Array) -> dict[str, int]:
        """Count neurons as seen from the measured examples."""
        return self.measured.census(theta)

    def descend(self, state: State, method: GradientDescent, first_step_size: float, steps: int) -> float:
        """See `Descent`."""
        return self.steps(state, method, first_step_size, steps)

    def sharpness(
        self,
        theta: Array,
        decay: float = 0.0,
        start: Array | None = None,
        tolerance: float = 1e-8,
        decay_biases: bool = True,
    ) -> Eigenpair:
        """λ_max of the Hessian of the measured examples; see `Descent`."""
        return self.measured.sharpness(theta, decay, start, tolerance, decay_biases)

    def rough_sharpness(self, theta: Array, decay: float = 0.0, decay_biases: bool = True) -> float:
        """See `Descent`."""
        return self.measured.rough_sharpness(theta, decay, decay_biases)

    def smoothness(self, theta: Array, before: Array) -> float:
        """See `Descent`; along a step, whatever it looked at."""
        return self.measured.smoothness(theta, before)

    def largest_loss(self, theta: Array) -> float:
        """See `Descent`."""
        return self.measured.largest_loss(theta)
