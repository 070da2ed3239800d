"""A network trained on other examples at every step, measured on fixed ones.

Step t moves θ along the gradient of the loss L_t of the examples of step t:

    v ← βv + ∇L_t(θ) + λ·mask·θ,    θ ← θ − ηv        (and as `GradientDescent` says otherwise)

so that data which are drawn anew, such as the mixed pairs of mixup, make a stochastic method.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stepscape.arguments import function
from stepscape.errors import bad, expect
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU, require_dimension
from stepscape.objectives.descent import State
from stepscape.objectives.network_loss import network_loss
from stepscape.objectives.own_steps import OwnSteps
from stepscape.problems.problem import Problem

CHUNK = 100  # steps between two looks at the loss


def with_examples(examples: Callable[[int], Problem], measured: Problem, network: TwoLayerReLU) -> OwnSteps:
    """Return the loss of a problem with descent on the examples of each step.

    Parameters
    ----------
    examples : callable
        Number of the step, from 0, → the `Problem` of this step. The same number must give the same examples:
        then equal starts take equal paths.
    measured : Problem
        Examples of which loss, gradient, Hessian, sharpness and census are.
    network : TwoLayerReLU
        Its width and trained blocks.

    Raises
    ------
    InputError
        If `examples(0)` is not a `Problem`, or has another dimension or loss than the measured examples.
    """
    function("examples", examples, "be a function of the number of a step")
    expect("measured", measured, Problem)
    require_dimension(network, measured.dimension)
    first = examples(0)
    expect("examples(0)", first, Problem)
    for what in ("dimension", "loss"):
        here, there = getattr(measured, what), getattr(first, what)
        if here != there:
            raise bad("examples(0)", f"have the {what} of the measured problem, {here!r}", repr(there))
    fixed = network_loss(measured, network)

    def steps(state: State, method: GradientDescent, first_step_size: float, count: int) -> float:
        for _ in range(min(count, CHUNK)):
            now = network_loss(examples(state.steps_made), network)
            if now.descend(state, method, first_step_size, 1) == np.inf:
                return np.inf
        return fixed.loss(state.theta)

    return OwnSteps(fixed, steps)
