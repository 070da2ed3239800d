"""Mirror flow: the middle of the swing of any method, and half the swing, as a flow of two gradients.

A method is a map z ↦ F(z) of its state. For a middle c and half a swing x, with E and O the even and odd
parts of F about c,

    c' = E − c,    x' = −O − x,    E = ½(F(c + x) + F(c − x)),    O = ½(F(c + x) − F(c − x)),

in units of one step. At a fixed point {c + x, c − x} is an orbit of F of period two. On a quadratic and for
gradient descent |x| grows at the rate ηλ − 2: below the edge of stability it dies, beyond it grows until the
odd part of the gradient balances it; meanwhile c follows the gradient averaged over both ends. Neither
Hessians nor third derivatives are needed, so that losses with kinks are as good as smooth ones.

Euler steps of a whole unit are the method itself: the middle and half the difference of two copies of it
started at c + x and c − x (the twin identity). Two or more substeps make it a flow.

Source: the secant form of the edge flow of Marion (2026), which has c' = −½η(∇L(c + x) + ∇L(c − x)) and
x' = (ηH(c) − 2)x; derived here for any map. Its center is gradient flow of the symmetrized loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import flag, positive, whole
from stepscape.dynamics.beginning import Beginning, Method, begin, bounded
from stepscape.dynamics.curve import Curve
from stepscape.objectives.objective import Objective
from stepscape.training.optimizer_map import OptimizerMap

Array = NDArray[np.float64]
FLOOR = 1e-9


def mirror_flow(
    objective: Objective,
    theta: ArrayLike,
    method: Method,
    time: float | None = None,
    substeps: int = 2,
    every: int = 1,
    skip: int = 0,
    floor: float = FLOOR,
    measure_error: bool = False,
) -> Curve:
    """Follow the middle and the swing of a method from θ.

    Begins with c = ½(z_0 + z_1) and x = ½(z_0 − z_1), the middle and half the difference of the first two
    states after `skip` steps; time 0 of the curve is there, as it is for `orbit`.

    Parameters
    ----------
    method : any that draws no random numbers, with a constant step size.
    time : Σ η over 1 − β, rounded to whole steps; by default that of the steps that the method has left.
    substeps : Euler steps for each step of the method, of two gradients each; 1 is the method itself.
    every : steps between two points of the curve.
    skip : steps of the method that are made before the flow begins.
    floor : least length of x, so that a swing that died can grow again.
    measure_error : solve again with twice the substeps, which costs twice as much again, and give the
        distance of the two solutions; otherwise the error is nan, not measured.

    Returns
    -------
    Curve
        `theta` is c, `swing` x, both of the weights alone; `mean_loss` is ½ L(c + x) + ½ L(c − x).

    Raises
    ------
    InputError
        If the start lies beyond the edge of stability.
    NotConverged
        If the method diverges, or the flow does.
    """
    count, each = whole("substeps", substeps, 1), whole("every", every, 1)
    least, again = positive("floor", floor), flag("measure_error", measure_error)
    origin = begin(objective, theta, method, time, skip, each)
    with np.errstate(over="ignore", invalid="ignore"):
        middles, swings = _follow(origin, count, each, least)
        error = np.full(len(middles), np.nan)
        if again:
            error = np.linalg.norm(_follow(origin, 2 * count, each, least)[0] - middles, axis=1)
    ends = [
        0.5 * (objective.loss(c + x) + objective.loss(c - x)) for c, x in zip(middles, swings, strict=True)
    ]
    return Curve(
        time=np.asarray(origin.unit * each * np.arange(len(middles))),
        theta=middles,
        loss=np.array([objective.loss(c) for c in middles]),
        error=error,
        amplitude=np.linalg.norm(swings, axis=1),
        mean_loss=np.array(ends),
        swing=swings,
    )


def _follow(origin: Beginning, substeps: int, every: int, floor: float) -> tuple[Array, Array]:
    """Weights of c and of x at every point (m, size)."""
    c, x = origin.middle, _lifted(origin.half, floor)
    weights = origin.step_of.weights
    middles, swings = [weights(c).copy()], [weights(x).copy()]
    for step in range(1, origin.steps // every * every + 1):
        for _ in range(substeps):
            c, x = mirror_step(origin.step_of, c, x, 1.0 / substeps)
            x = _lifted(x, floor)
        bounded(c + x, "the mirror flow")
        if step % every == 0:
            middles.append(weights(c).copy())
            swings.append(weights(x).copy())
    return np.array(middles), np.array(swings)


def mirror_step(step_of: OptimizerMap, c: Array, x: Array, share: float) -> tuple[Array, Array]:
    """Make one Euler step of c' = E − c, x' = −O − x; `share` of a step of the method."""
    one, other = step_of.step(c + x), step_of.step(c - x)
    return (1.0 - share) * c + 0.5 * share * (one + other), (1.0 - share) * x - 0.5 * share * (one - other)


def _lifted(x: Array, floor: float) -> Array:
    """Lengthen x to the floor; a swing of 0 begins along (1, …, 1)."""
    size = float(np.sqrt(x @ x))
    if size >= floor:
        return x
    return x * (floor / size) if size > 0.0 else np.full(x.size, floor / np.sqrt(x.size))
