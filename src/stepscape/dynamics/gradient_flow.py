"""Gradient flow θ' = −∇L(θ), with its error; and the iterates of descent as a curve over the same time.

Three kinds of solvers:

``steps``   explicit Euler steps of one size h, which are gradient descent itself, with h halved until two
            runs agree. Where L has kinks the velocity jumps, and the flow can slide along a kink (a knot
            along an input). Euler steps converge there too, to the sliding solution of Filippov, with an
            error ∝ h.
``events``  for networks on the line: from kink to kink with an adaptive solver of order 8, slides included;
            see `dynamics.kink_events`. A step costs O(n k) in NumPy, and every kink a restart: at equal
            cost far more accurate than ``steps`` for small networks, and slower for wide ones.
others      SciPy's adaptive solvers, for smooth losses: ``RK45``, ``DOP853``, and for stiff ones ``Radau``,
            ``BDF``, ``LSODA``. In a slide they chatter: their steps shrink to the tolerance over the jump.

The error of ``steps`` is the distance from the run with 2h plus half the last step, by which a slide
chatters: two runs can be at the same end of it by chance. That of others is the largest distance of the
solutions with a tolerance and with ten times it.

Source: Filippov (1988), chapter 2, on Euler's method for a discontinuous right side.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import positive, share, vector, whole, word
from stepscape.dynamics.curve import Curve
from stepscape.dynamics.kink_events import follow_events
from stepscape.errors import NotConverged, bad, shown
from stepscape.methods import GradientDescent
from stepscape.objectives.objective import Objective, require_objective
from stepscape.objectives.relu_line import ReLULine
from stepscape.training.path import PathPoint
from stepscape.training.run import run as train

Array = NDArray[np.float64]
SOLVERS = ("RK45", "DOP853", "Radau", "BDF", "LSODA")
METHODS = ("steps", "events", *SOLVERS)
FINE = 1e-9  # tolerance of ``events``: with a larger one knots chatter, and that costs more
MOST_STEPS = 5_000_000


def gradient_flow(
    objective: Objective,
    theta: ArrayLike,
    time: float,
    points: int = 100,
    method: str = "steps",
    tolerance: float = 1e-3,
) -> Curve:
    """Solve θ' = −∇L(θ) from θ up to a time, at evenly spaced points.

    Parameters
    ----------
    objective : any loss; one with compiled steps of its own makes ``steps`` fast.
    theta : the start, of as many numbers as the objective has; not changed.
    time : positive. Gradient descent with step size η and N steps takes the time ηN.
    points : number of points after the start.
    method : one of `METHODS`; see the module.
    tolerance : between 0 and 1; ``steps`` are halved until the error is at most this share of the way from
        the start; others take it as rtol and atol, ``events`` 1e-9 if it is larger.

    Raises
    ------
    InputError
        For ``events``, if the objective is not the loss of a network on the line.
    NotConverged
        If more than 5e6 steps were needed, the loss is not bounded along the flow, or a solver gives up.
    """
    require_objective(objective)
    start, end = start_of(objective, theta), positive("time", time)
    count, aim = whole("points", points, 1), share("tolerance", tolerance)
    word("method", method, METHODS)
    at = np.linspace(0.0, end, count + 1)
    if method == "steps":
        path, error = _steps(objective, start, end, count, aim)
    else:
        solve = _follow if method == "events" else _solve
        fine = min(aim, FINE) if method == "events" else aim
        path = solve(objective, start, at, method, fine)
        rough = solve(objective, start, at, method, min(10.0 * fine, 0.5))
        # Between its steps a solver interpolates, so that two solutions can agree at a point by chance.
        error = np.full(at.size, float(np.linalg.norm(path - rough, axis=1).max()))
    return Curve(at, path, np.array([objective.loss(each) for each in path]), error)


def iterates(objective: Objective, theta: ArrayLike, method: GradientDescent, every: int = 1) -> Curve:
    """Return the midpoints (θ_t + θ_{t−1})/2 of gradient descent at every so many steps, at the times η t.

    At the edge of stability descent swings with period two around them. At step 0 the start.

    Raises
    ------
    InputError
        For momentum, weight decay, warm-up or clipping.
    NotConverged
        If descent diverges.
    """
    require_objective(objective)
    plain(method)
    step = whole("every", every, 1)
    seen: list[PathPoint] = []
    path = train(objective, theta, method, step, measure_sharpness=False, observe=seen.append)
    if path.outcome == "diverged":
        raise NotConverged(path.message)
    at = np.array([point.step for point in seen])
    keep = [i for i, made in enumerate(at) if made % step == 0]
    middle = np.array([seen[i].midpoint for i in keep])
    loss = np.array([objective.loss(each) for each in middle])
    return Curve(method.step_size * at[keep], middle, loss, np.zeros(len(keep)))


def plain(method: object) -> None:
    """Refuse a method other than gradient descent with a constant step size."""
    if not isinstance(method, GradientDescent):
        raise bad("method", "be gradient descent with a constant step size", shown(method))
    if method != GradientDescent(method.step_size, method.steps):
        raise bad("method", "be gradient descent with a constant step size", repr(method))


def start_of(objective: Objective, theta: ArrayLike) -> Array:
    """Read the start: a finite copy (size,)."""
    start = np.array(vector("theta", theta, objective.size))
    if not np.isfinite(start).all():
        raise bad("theta", "be finite", start[~np.isfinite(start)][0])
    return start


def _steps(objective: Objective, start: Array, time: float, points: int, aim: float) -> tuple[Array, Array]:
    """Halve the steps of descent until two runs agree."""
    each, coarse = 1, None
    while each * points <= MOST_STEPS:
        fine = _euler(objective, start, time, points, each)
        if coarse is not None and fine is not None:
            path, chatter = fine
            error = np.linalg.norm(path - coarse[0], axis=1) + chatter
            way = float(np.linalg.norm(path - start, axis=1).max())
            if float(error.max()) <= aim * way or way == 0.0:
                return path, error
        each, coarse = 2 * each, fine
    raise NotConverged(
        f"gradient flow needs more than {MOST_STEPS:g} steps; raise tolerance, lower time, or choose another "
        "method"
    )


def _euler(
    objective: Objective, start: Array, time: float, points: int, each: int
) -> tuple[Array, Array] | None:
    """Return the iterates (points + 1, size) of descent at the points, and half of the step before each.

    None if it diverges with so large steps.
    """
    seen: list[PathPoint] = []
    method = GradientDescent(time / (points * each), points * each)
    path = train(objective, start, method, each, measure_sharpness=False, observe=seen.append)
    if path.outcome == "diverged":
        return None
    half = [0.5 * float(np.linalg.norm(point.theta - point.theta_before)) for point in seen]
    return np.array([point.theta for point in seen]), np.array(half)


def _solve(objective: Objective, start: Array, at: Array, method: str, tolerance: float) -> Array:
    from scipy.integrate import solve_ivp

    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_ivp(
            lambda _, theta: -objective.gradient(theta), (0.0, float(at[-1])), start, method=method,
            t_eval=at, rtol=max(tolerance, 100 * np.finfo(float).eps), atol=tolerance,
        )  # fmt: skip
    if not found.success or not math.isfinite(float(np.abs(found.y).max())):
        raise NotConverged(f"{method} did not reach the time {at[-1]:g}: {found.message}")
    return np.asarray(found.y.T)


def _follow(objective: Objective, start: Array, at: Array, method: str, tolerance: float) -> Array:
    if not isinstance(objective, ReLULine):
        then = "objectives.line makes the loss of a network on the line"
        raise bad("method", "be another one for this objective", repr(method), then)
    return follow_events(objective, start, at, tolerance)
