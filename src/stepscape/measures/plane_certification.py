"""What theorems about inputs in R^d read of a network on a problem."""

from __future__ import annotations

from dataclasses import replace

from stepscape.curvature import Eigenpair
from stepscape.errors import expect
from stepscape.measures.landscape import MeasuredLandscape
from stepscape.measures.uncertainty import UNCERTAIN
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_plane_hessian import Array, PlaneHessian
from stepscape.objectives.relu_plane_rounding import PlaneRounding
from stepscape.objectives.relu_plane_sharpness import plane_top
from stepscape.objectives.relu_plane_sides import MOST_INPUTS
from stepscape.problems.problem import Problem
from stepscape.theory import PlaneFacts


def _sharpened(operator: PlaneHessian, start: Array | None) -> Eigenpair:
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
    operator = PlaneHessian(problem, network)
    landscape = MeasuredLandscape(operator, PlaneRounding(operator), _sharpened, sharpness)
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
