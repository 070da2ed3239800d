"""Where a flow that swings begins: two states of a method, one step apart, inside the edge of stability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import positive, whole
from stepscape.curvature.lanczos import settle
from stepscape.dynamics.gradient_flow import start_of
from stepscape.errors import NotConverged, bad
from stepscape.memory import require_memory
from stepscape.methods import Adam, AdamW, GradientDescent, RMSProp, SharpnessAware
from stepscape.objectives.objective import Objective, require_objective
from stepscape.training.optimizer_map import OptimizerMap

Array = NDArray[np.float64]
Method = GradientDescent | RMSProp | Adam | AdamW | SharpnessAware
LARGEST = 1e100


@dataclass(frozen=True, eq=False)
class Beginning:
    """The states of two successive steps, from which a method is followed by a flow.

    Attributes
    ----------
    step_of : the map of one step.
    before, after : states z and F(z).
    steps : number of steps to follow.
    unit : time of one step.
    """

    step_of: OptimizerMap
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
    objective: Objective, theta: ArrayLike, method: Method, time: float | None, skip: int, every: int
) -> Beginning:
    """Make `skip` steps from θ, and one more; refuse a start beyond the edge of stability.

    Without a time the steps that the method has left are followed; every so many of them is kept.

    Raises
    ------
    InputError
        If the preconditioned sharpness of the middle exceeds the threshold of the method.
    """
    step_of = deterministic_map(objective, method)
    state, made = step_of.start(start_of(objective, theta)), whole("skip", skip)
    unit = unit_of_time(method)
    steps = method.steps - made - 1 if time is None else round(positive("time", time) / unit)
    if steps < 1:
        got = f"{method.steps} steps of which {made + 1} are made before" if time is None else time
        raise bad("time", f"be that of at least one step, {unit:g}", got)
    bytes_needed = 3 * 8.0 * (steps // every) * objective.size
    require_memory("time", f"{steps * unit:g}", bytes_needed, "follow a shorter time")
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(made):
            state = bounded(step_of.step(state), "descent")
        found = Beginning(step_of, state, bounded(step_of.step(state), "descent"), steps, unit)
    ratio = edge_ratio(step_of, method, found.middle)
    if ratio > 1.0:
        then = "lower step_size, shrink the initialization, or skip steps until it lies inside"
        raise bad("the start", "lie inside the edge of stability", f"an edge ratio of {ratio:.3g}", then)
    return found


def bounded(state: Array, what: str) -> Array:
    """Refuse a state that left every bound."""
    if not float(np.abs(state).max()) <= LARGEST:
        raise NotConverged(f"{what} left every bound; lower step_size")
    return state


def edge_ratio(step_of: OptimizerMap, method: Method, state: Array) -> float:
    """Return λ_max of P^(−1/2) ∇²L P^(−1/2) over the threshold of the method, to four digits."""
    return settle(step_of.stabilized(state), tolerance=1e-4).value / method.threshold()


def deterministic_map(objective: Objective, method: Method) -> OptimizerMap:
    """Return the map of a method, which must draw no random numbers."""
    require_objective(objective)
    found = OptimizerMap(objective, method)
    if not found.deterministic:
        raise bad("method", "draw no random numbers", repr(method))
    return found


def unit_of_time(method: Method) -> float:
    """Time of a step, by which methods are compared: η, over 1 − β with momentum."""
    momentum = method.momentum if isinstance(method, GradientDescent) else 0.0
    return method.step_size / (1.0 - momentum)
