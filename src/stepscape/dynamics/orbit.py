"""The orbit of a method as a curve: the middles of its steps, and how far it swings about them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import whole
from stepscape.dynamics.beginning import Method, bounded, deterministic_map, unit_of_time
from stepscape.dynamics.curve import Curve
from stepscape.dynamics.gradient_flow import start_of
from stepscape.errors import bad
from stepscape.memory import require_memory
from stepscape.objectives.objective import Objective

Array = NDArray[np.float64]


def orbit(objective: Objective, theta: ArrayLike, method: Method, skip: int = 0, every: int = 1) -> Curve:
    """Follow the steps of any deterministic method: midpoints (θ_t + θ_{t+1})/2 for t = skip, skip + 1, ….

    The curve begins at time 0 with t = `skip`, as the flows do that begin there; its amplitude is
    ‖θ_{t+1} − θ_t‖/2, its mean loss that of the two iterates.

    Parameters
    ----------
    method : with a constant step size; at least `skip` + 2 steps.
    skip : steps that are made first.
    every : steps between two points.

    Raises
    ------
    InputError
        For fewer steps, and for a method that draws random numbers.
    NotConverged
        If the method diverges.
    """
    step_of, made, each = deterministic_map(objective, method), whole("skip", skip), whole("every", every, 1)
    if method.steps < made + 2:
        raise bad("steps", f"be at least {made + 2}", method.steps)
    state = step_of.start(start_of(objective, theta))
    count = (method.steps - made - 1) // each + 1
    require_memory("steps", method.steps, 3 * 8.0 * count * objective.size, "record less often")
    middles, halves, losses = *np.empty((2, count, objective.size)), np.empty((2, count))
    for step in range(made + (count - 1) * each + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            after = bounded(step_of.step(state), "descent")
        at, rest = divmod(step - made, each)
        if step >= made and not rest:
            one, other = step_of.weights(state), step_of.weights(after)
            middles[at], halves[at] = 0.5 * (one + other), 0.5 * (one - other)
            losses[0, at] = objective.loss(middles[at])
            losses[1, at] = 0.5 * (objective.loss(one) + objective.loss(other))
        state = after
    time = np.asarray(unit_of_time(method) * each * np.arange(count))
    amplitude = np.linalg.norm(halves, axis=1)
    return Curve(time, middles, losses[0], np.zeros(count), amplitude, losses[1], halves)
