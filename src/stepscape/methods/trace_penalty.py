"""Descent on the loss plus a multiple of the trace of its Hessian."""

from __future__ import annotations

from dataclasses import dataclass

from stepscape.arguments import nonnegative
from stepscape.methods.clock import set_clock, two_over


@dataclass(frozen=True)
class TracePenalty:
    """Full-batch descent on L + weight·tr ∇²L, the trace of the Hessian on the trained coordinates.

    For the square loss of a network of one input variable. The trace jumps where a knot crosses an input; its
    gradient is taken with the active sets as they are, almost everywhere.

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    weight : float
        At least 0; 0 is gradient descent.
    """

    step_size: float
    steps: int
    weight: float = 0.01

    def __post_init__(self) -> None:
        set_clock(self)
        object.__setattr__(self, "weight", nonnegative("weight", self.weight))

    def threshold(self, step_size: float | None = None) -> float:
        """Return 2/η; the curvature meant is that of the penalized loss, ∇²L + weight·∇² tr ∇²L."""
        return two_over(self.step_size if step_size is None else step_size)
