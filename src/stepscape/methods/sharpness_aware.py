"""Sharpness-aware minimization."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stepscape.arguments import nonnegative, positive
from stepscape.methods.clock import set_clock


@dataclass(frozen=True)
class SharpnessAware:
    """θ ← θ − η ∇L(θ + ρ ∇L/‖∇L‖): sharpness-aware minimization (SAM) with radius ρ, on all examples.

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    radius : float
        ρ ≥ 0; 0 is gradient descent.
    """

    step_size: float
    steps: int
    radius: float = 0.05

    def __post_init__(self) -> None:
        set_clock(self)
        object.__setattr__(self, "radius", nonnegative("radius", self.radius))

    def threshold(self, step_size: float | None = None, gradient_norm: float | None = None) -> float:
        """Largest curvature λ of a quadratic on which a step does not lengthen, for a given ‖∇L‖.

        Along the gradient the step is −η(λ + ρλ²/‖∇L‖)x, so that λ + ρλ²/‖∇L‖ ≤ 2/η must hold:
        λ ≤ ‖∇L‖/(2ρ)·(√(1 + 8ρ/(η‖∇L‖)) − 1). Without `gradient_norm` its limit for large
        gradients, 2/η.

        Source: Long and Bartlett (2024), the SAM-edge.
        """
        eta = self.step_size if step_size is None else positive("step_size", step_size)
        ratio = 0.0 if gradient_norm is None else self.radius / positive("gradient_norm", gradient_norm)
        # λ = 4/η/(1 + √(1 + 8ρ/(η‖∇L‖))): the same without cancellation.
        return 4.0 / eta / (1.0 + math.sqrt(1.0 + 8.0 * ratio / eta))
