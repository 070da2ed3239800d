"""Whether gradient descent is chaotic: what a tiny change of the start becomes.

The map θ ↦ θ − η∇L(θ) has the derivative I − ηH(θ). Its Lyapunov exponent is the mean of log ‖(I − ηH) u‖
along an orbit, u the unit vector that the product before left: positive if nearby starts part
exponentially. At a minimum it is log max|1 − ηλ|, negative inside the edge of stability; on a stable orbit of
period two it is negative, too. Kinks that a step crosses are not in H; a change of finite size, followed by
itself, sees them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import positive, whole
from stepscape.dynamics.gradient_flow import iterates, plain, start_of
from stepscape.errors import NotConverged
from stepscape.methods import GradientDescent
from stepscape.network import generator
from stepscape.objectives.objective import Objective, require_objective
from stepscape.training.path import PathPoint
from stepscape.training.run import run as train

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Separation:
    """Two runs of descent from starts that differ a little.

    Attributes
    ----------
    steps : (m,) recorded steps.
    distance : (m,) ‖θ' − θ‖ of the iterates; the first entry is the change of the start.
    moved : (m,) how far the run has moved from its start.
    """

    steps: NDArray[np.int64]
    distance: Array
    moved: Array

    @property
    def rate(self) -> float:
        """Slope of log distance per step, by least squares over the second half of the records; nan at 0."""
        late = slice(self.steps.size // 2, None)
        at, size = self.steps[late].astype(float), self.distance[late]
        known = size > 0.0
        if known.sum() < 2:
            return float("nan")
        return float(np.polyfit(at[known], np.log(size[known]), 1)[0])


def separation(
    objective: Objective,
    theta: ArrayLike,
    method: GradientDescent,
    size: float = 1e-12,
    seed: int = 0,
    every: int = 100,
) -> Separation:
    """Follow descent from θ and from θ plus a random vector of the length that is given.

    Raises
    ------
    InputError
        For a method other than plain gradient descent.
    NotConverged
        If either run diverges.
    """
    require_objective(objective)
    plain(method)
    start = start_of(objective, theta)
    change = _unit(start.size, seed) * positive("size", size)
    step = whole("every", every, 1)
    one, other = (_follow(objective, each, method, step) for each in (start, start + change))
    apart = np.array([np.linalg.norm(a.theta - b.theta) for a, b in zip(one, other, strict=True)])
    moved = np.array([np.linalg.norm(a.theta - start) for a in one])
    return Separation(np.array([a.step for a in one]), apart, moved)


def chaos_floor(
    objective: Objective,
    theta: ArrayLike,
    method: GradientDescent,
    size: float = 1e-6,
    seed: int = 0,
    every: int = 10,
) -> float:
    """Return how well descent can be predicted: the largest gap of midpoints after a change of the start.

    The change has the length that is given; the gap is over the largest move of the midpoints of both runs. A
    flow that is closer to descent than that is as close as it can be.
    """
    require_objective(objective)
    start = start_of(objective, theta)
    change = _unit(start.size, seed) * positive("size", size)
    one, other = (iterates(objective, each, method, every) for each in (start, start + change))
    way = max(float(np.linalg.norm(each.theta - each.theta[0], axis=1).max()) for each in (one, other))
    gap = float(np.linalg.norm(one.theta - other.theta, axis=1).max())
    return gap / way if way > 0.0 else 0.0


def lyapunov(
    objective: Objective, theta: ArrayLike, method: GradientDescent, seed: int = 0, skip: int = 0
) -> float:
    """Return the largest Lyapunov exponent of descent from θ, per step: mean log ‖(I − ηH) u‖.

    Parameters
    ----------
    method : plain gradient descent; its steps are the length of the orbit.
    seed : of the first direction u.
    skip : steps at the beginning that are made but do not count; fewer than all.

    Raises
    ------
    NotConverged
        If the orbit leaves every bound.
    """
    require_objective(objective)
    plain(method)
    at, u = start_of(objective, theta), _unit(objective.size, seed)
    first, total = whole("skip", skip, 0, method.steps - 1), 0.0
    for step in range(method.steps):
        moved = u - method.step_size * objective.hessian(at).product(u)
        size = float(np.linalg.norm(moved))
        at = at - method.step_size * objective.gradient(at)
        if not (np.isfinite(size) and np.isfinite(at).all()):
            raise NotConverged(f"descent diverged at step {step}; lower step_size")
        u = moved / size if size > 0.0 else _unit(objective.size, seed)
        if step >= first:
            total += float(np.log(size)) if size > 0.0 else -np.inf
    return total / (method.steps - first)


def _unit(size: int, seed: int) -> Array:
    direction = generator(seed).standard_normal(size)
    return np.asarray(direction / np.linalg.norm(direction))


def _follow(objective: Objective, start: Array, method: GradientDescent, every: int) -> list[PathPoint]:
    seen: list[PathPoint] = []
    path = train(objective, start, method, every, measure_sharpness=False, observe=seen.append)
    if path.outcome == "diverged":
        raise NotConverged(path.message)
    return seen
