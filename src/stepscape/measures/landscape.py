"""What theorems read of a network on a problem, in any dimension, measured when it is first read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature import Eigenpair

Array = NDArray[np.float64]


class Curvature(Protocol):
    """A loss Hessian at one network, with the numbers that come with it."""

    @property
    def predictions(self) -> Array:
        """Values of f at the inputs (n,)."""
        ...

    @property
    def loss(self) -> float:
        """L at the network."""
        ...

    @property
    def residual_norm(self) -> float:
        """‖R‖ on the trained coordinates."""
        ...

    def changed(self, **settings: Any) -> Self:
        """Return the operator with other settings, such as gauss_newton."""
        ...


class Errors(Protocol):
    """How far the loss and ‖R‖ are off at most."""

    @property
    def loss_error(self) -> float:
        """Of the loss."""
        ...

    @property
    def residual_norm_error(self) -> float:
        """Of ‖R‖."""
        ...


Operator = TypeVar("Operator", bound=Curvature)


@dataclass(frozen=True, eq=False)
class MeasuredLandscape(Generic[Operator]):
    """The `stepscape.theory.Landscape` of one network.

    Attributes
    ----------
    operator : the loss Hessian.
    errors : how far its numbers are off.
    top : λ_max of such a Hessian from a start or None, with both sides.
    known : λ_max, where it is known already.
    """

    operator: Operator
    errors: Errors
    top: Callable[[Operator, Array | None], Eigenpair]
    known: Eigenpair | None = None

    @property
    def predictions(self) -> Array:
        """Values of f at the inputs (n,), in the order of the operator."""
        return self.operator.predictions

    @property
    def loss(self) -> float:
        """L at the network."""
        return self.operator.loss

    @property
    def loss_error(self) -> float:
        """How far `loss` is off at most."""
        return self.errors.loss_error

    @property
    def residual_norm(self) -> float:
        """‖R‖ on the trained coordinates."""
        return self.operator.residual_norm

    @property
    def residual_norm_error(self) -> float:
        """How far `residual_norm` is off at most."""
        return self.errors.residual_norm_error

    @cached_property
    def sharpness(self) -> Eigenpair:
        """λ_max(H), or what was known of it."""
        return self.top(self.operator, None) if self.known is None else self.known

    @cached_property
    def gauss_newton(self) -> Eigenpair:
        """λ_max(G), close to whose eigenvector that of H lies."""
        return self.top(self.operator.changed(gauss_newton=True), self.sharpness.vector)
