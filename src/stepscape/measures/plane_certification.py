"""What theorems about inputs in R^d read of a network on a problem, measured when it is first read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from stepscape.curvature import Eigenpair
from stepscape.errors import expect
from stepscape.measures.uncertainty import UNCERTAIN
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_plane_hessian import Array, PlaneHessian
from stepscape.objectives.relu_plane_rounding import PlaneRounding
from stepscape.objectives.relu_plane_sharpness import plane_top
from stepscape.objectives.relu_plane_sides import MOST_INPUTS
from stepscape.problems.problem import Problem
from stepscape.theory import PlaneFacts


@dataclass(frozen=True, eq=False)
class MeasuredPlane:
    """The `stepscape.theory.Landscape` of one network with inputs in R^d."""

    operator: PlaneHessian
    known: Eigenpair | None = None

    @cached_property
    def rounding(self) -> PlaneRounding:
        """How far the numbers are off at most."""
        return PlaneRounding(self.operator)

    @property
    def predictions(self) -> Array:
        """Values of f at the inputs (n,), in the order given."""
        return self.operator.predictions

    @property
    def loss(self) -> float:
        """L at the network."""
        return self.operator.loss

    @property
    def loss_error(self) -> float:
        """How far `loss` is off at most."""
        return self.rounding.loss_error

    @property
    def residual_norm(self) -> float:
        """‖R‖ on the trained coordinates."""
        return self.operator.residual_norm

    @property
    def residual_norm_error(self) -> float:
        """How far `residual_norm` is off at most."""
        return self.rounding.residual_norm_error

    @cached_property
    def sharpness(self) -> Eigenpair:
        """λ_max(H), or what was known of it."""
        return _sharpened(self.operator) if self.known is None else self.known

    @cached_property
    def gauss_newton(self) -> Eigenpair:
        """λ_max(G), close to whose eigenvector that of H lies."""
        return _sharpened(self.operator.changed(gauss_newton=True), self.sharpness.vector)


def _sharpened(operator: PlaneHessian, start: Array | None = None) -> Eigenpair:
    """λ_max with the better of two lower sides: equality in a theorem leaves no room for a rough one.

    Beyond the number of inputs up to which there is an upper side, the better one would cost too much.
    """
    pair = plane_top(operator, start)
    if operator.problem.size > MOST_INPUTS:
        return pair
    return replace(pair, lower=max(pair.lower, PlaneRounding(operator).below(pair.vector)))


def plane_facts(
    problem: Problem,
    network: TwoLayerReLU,
    gamma: float = UNCERTAIN,
    sharpness: Eigenpair | None = None,
) -> PlaneFacts:
    """Collect what theorems about inputs in R^d read, for any d; `facts` does for the line.

    Parameters
    ----------
    problem, network, gamma
        As in `certify`.
    sharpness : Eigenpair, optional
        λ_max of the loss Hessian, where it is known already; its vector on all coordinates, ((d + 2)k + 1,).
    """
    if sharpness is not None:
        expect("sharpness", sharpness, Eigenpair)
    landscape = MeasuredPlane(PlaneHessian(problem, network), sharpness)
    return PlaneFacts(
        problem.points,
        problem.labels,
        network.w1.reshape(network.width, -1),
        network.b1,
        network.w2,
        network.b2,
        landscape,
        weights=None if problem.weights is None else problem.averaging,
        trainable=network.trainable,
        loss=problem.loss,
        gamma=gamma,
    )
