"""Where a flow that swings begins: two states of a method, one step apart, inside the edge of stability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import positive, whole
from stepscape.curvature.lanczos import settle
from stepscape.curvature.operator import Operator
from stepscape.dynamics.gradient_flow import start_of
from stepscape.dynamics.step_map import StepMap, step_map, unit_of_time
from stepscape.errors import NotConverged, bad
from stepscape.methods import GradientDescent
from stepscape.objectives.objective import Objective

Array = NDArray[np.float64]
LARGEST = 1e100


@dataclass(frozen=True, eq=False)
class Beginning:
    """The states of two successive steps, from which a method is followed by a flow.

    Attributes
    ----------
    steps_of : the map of one step.
    before, after : states z and F(z).
    steps : number of steps to follow.
    unit : time of one step.
    """

    steps_of: StepMap
    before: Array
    after: Array
    steps: int
    unit: float

    @property
    def middle(self) -> Array:
        """Middle of the two states."""
        return 0.5 * (self.before + self.after)

    @property
    def half(self) -> Array:
        """Half of the way from the second state to the first."""
        return 0.5 * (self.before - self.after)


def begin(
    objective: Objective, theta: ArrayLike, method: GradientDescent, time: float | None, skip: int
) -> Beginning:
    """Make `skip` steps from θ, and one more; refuse a start beyond the edge of stability.

    Without a time the steps that the method has left are followed.

    Raises
    ------
    InputError
        If the preconditioned sharpness of the middle exceeds the threshold of the method.
    """
    steps_of = step_map(objective, method)
    state, made = steps_of.start(start_of(objective, theta)), whole("skip", skip)
    unit = unit_of_time(method)
    steps = method.steps - made - 1 if time is None else round(positive("time", time) / unit)
    if steps < 1:
        got = f"{method.steps} steps of which {made + 1} are made before" if time is None else time
        raise bad("time", f"be that of at least one step, {unit:g}", got)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(made):
            state = bounded(steps_of.step(state), "descent")
        found = Beginning(steps_of, state, bounded(steps_of.step(state), "descent"), steps, unit)
    ratio = edge_ratio(objective, method, steps_of, found.middle)
    if ratio > 1.0:
        then = "lower step_size, shrink the initialization, or skip steps until it lies inside"
        raise bad("the start", "lie inside the edge of stability", f"an edge ratio of {ratio:.3g}", then)
    return found


def bounded(state: Array, what: str) -> Array:
    """Refuse a state that left every bound."""
    if not float(np.abs(state).max()) <= LARGEST:
        raise NotConverged(f"{what} left every bound; lower step_size")
    return state


def edge_ratio(objective: Objective, method: GradientDescent, steps_of: StepMap, state: Array) -> float:
    """λ_max of P^(−1/2) ∇²L P^(−1/2) over the threshold of the method, to four digits."""
    root = 1.0 / np.sqrt(steps_of.preconditioner(state))
    operator = _Scaled(objective.hessian(np.array(steps_of.weights(state))), root)
    return settle(operator, tolerance=1e-4).value / method.threshold()


@dataclass(frozen=True, eq=False)
class _Scaled:
    """D·A·D with a diagonal D."""

    operator: Operator
    scale: Array

    @property
    def size(self) -> int:
        return self.operator.size

    def product(self, vector: Array) -> Array:
        return self.scale * self.operator.product(self.scale * vector)
