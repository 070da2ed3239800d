"""The protocol of a loss of one flat vector, which opens training and curvature to every kind of model."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import vector
from stepscape.curvature.operator import Operator
from stepscape.errors import bad, shown

Array = NDArray[np.float64]


class Objective(Protocol):
    """A loss L of one flat vector θ (size,) of float64; methods neither keep nor change θ."""

    @property
    def size(self) -> int:
        """Length of θ."""
        ...

    def loss(self, theta: Array) -> float:
        """L(θ); the class states its normalization."""
        ...

    def gradient(self, theta: Array) -> Array:
        """∇L(θ) (size,), zero on coordinates that are not trained."""
        ...

    def hessian(self, theta: Array) -> Operator:
        """∇²L(θ), as products with vectors (size,)."""
        ...

    def census(self, theta: Array) -> dict[str, int]:
        """Return counts to record beside the loss, under the same names at every θ; {} for most."""
        ...


def require_objective(value: object) -> None:
    """Refuse what has not the methods of an objective."""
    lacks = [name for name in ("size", "loss", "gradient", "hessian", "census") if not hasattr(value, name)]
    if lacks or isinstance(value, type):
        must = "have size, loss, gradient, hessian and census, as Objective describes"
        raise bad("objective", must, shown(value))


def secant_curvature(objective: Objective, theta: Array, before: Array) -> float:
    """⟨∇L(θ) − ∇L(θ'), θ − θ'⟩/‖θ − θ'‖² along the step from θ' to θ; nan when nothing moved.

    The mean of ⟨u, ∇²L u⟩ along the step, u its direction. For a swing of period two of gradient descent it
    equals 2/η, whatever the loss: θ − θ' = −η∇L(θ') = η∇L(θ).

    Source: Mishkin et al. (2024), directional smoothness.
    """
    require_objective(objective)
    theta, before = (vector(name, at, objective.size) for name, at in (("theta", theta), ("before", before)))
    return secant(objective.gradient(theta) - objective.gradient(before), theta - before)


def secant(change: Array, step: Array) -> float:
    """⟨change, step⟩/‖step‖², whatever the size of the step; nan for a step of 0."""
    largest = float(np.abs(step).max())
    if largest == 0.0:
        return float("nan")
    unit = int(np.frexp(largest)[1])  # so that no square overflows or vanishes
    scaled = np.ldexp(step, -unit)
    return float(np.ldexp(float(change @ scaled) / float(scaled @ scaled), -unit))
