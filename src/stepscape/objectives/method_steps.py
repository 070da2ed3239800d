"""The loss of a network, descended by a method other than gradient descent."""

from __future__ import annotations

import numpy as np

from stepscape.errors import BeyondRange, bad, shown
from stepscape.methods import GradientDescent, LabelNoise, LineMethod, TracePenalty
from stepscape.network import TwoLayerReLU
from stepscape.objectives.descent import State
from stepscape.objectives.network_loss import network_loss
from stepscape.objectives.own_steps import OwnSteps
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_plane import ReLUPlane
from stepscape.objectives.stepped_line import line_steps
from stepscape.objectives.stepped_plane import plane_steps
from stepscape.problems.problem import Problem


def with_method(problem: Problem, network: TwoLayerReLU, method: LineMethod) -> OwnSteps:
    """Return the loss of a network that descends by `method`.

    It is measured on all examples with their own labels, whatever the method looks at in a step. Batches and
    noise number the examples in the order of their inputs if these are one variable, else in their own.

    Raises
    ------
    InputError
        For a batch larger than the data, a penalty on the trace or noise on labels with the logistic loss,
        and a penalty on the trace with several input variables.
    """
    return stepped(network_loss(problem, network), method)


def stepped(measured: ReLULine | ReLUPlane, method: LineMethod) -> OwnSteps:
    """Return the loss of a network that descends by `method`; see `with_method`."""
    if not isinstance(method, LineMethod):
        known = ", ".join(each.__name__ for each in LineMethod.__args__)
        raise bad("method", f"be one of {known}", shown(method))
    if isinstance(method, LabelNoise | TracePenalty) and measured.problem.loss != "square":
        raise bad("loss", f"be 'square' for {type(method).__name__}", repr(measured.problem.loss))
    if isinstance(measured, ReLULine):
        advance = line_steps(measured, method)
    else:
        advance = plane_steps(measured, method)

    def steps(state: State, clock: GradientDescent, first_step_size: float, count: int) -> float:
        del clock, first_step_size  # they are those of the method
        if not (advance(state, count) and np.isfinite(state.theta).all()):
            return np.inf
        try:
            return measured.loss(state.theta)
        except BeyondRange:
            return np.inf

    return OwnSteps(measured, steps)
