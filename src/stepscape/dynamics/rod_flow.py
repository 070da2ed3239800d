"""Rod flow: the middle of two successive iterates and the rod between them, as a flow.

With w the middle and w ± δ two successive iterates of gradient descent, g± = ∇L(w ± δ), one step changes them
exactly by

    w⁺ − w = −½η(g₊ + g₋),    δ⁺δ⁺ᵀ − δδᵀ = M,    M = ¼η²(g₊g₊ᵀ + g₋g₋ᵀ) − 2δδᵀ.

The flow of one rod makes these the velocities, with a term that corrects the first for the finite step,
w' = −½η(g₊ + g₋) − ⅛η²(H₊ + H₋)(g₊ + g₋), and keeps of δδᵀ the largest principal part,
δ' = (Mv − ½(vᵀMv)v)/‖δ‖ with v = δ/‖δ‖. Before the onset of the swing δ is the slow step −½η∇L, and the
growing swing is the second principal part: one rod misses the onset, and the sharpness overshoots. In a swing
that is there already it stays.

Several rods d_i keep more of Σ = Σ d_i d_iᵀ. With o_i and e_i the odd and even parts of ∇L about w along d_i,
and ḡ = ∇L(w) + Σ e_i,

    w' = −ηḡ,    Σ' = ½η²(ḡḡᵀ + Σ o_i o_iᵀ) − 2Σ,

cut after each substep to the rods of the largest principal parts; 2m + 1 gradients for m rods.

Source: Regis and Chewi (2026) for one rod; the vector form and several rods are derived here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import flag, whole
from stepscape.dynamics.beginning import Beginning, begin, bounded
from stepscape.dynamics.curve import Curve
from stepscape.dynamics.gradient_flow import plain
from stepscape.methods import GradientDescent
from stepscape.objectives.objective import Objective

Array = NDArray[np.float64]
Advance = Callable[[Objective, Array, Array, float, float], tuple[Array, Array]]


def rod_flow(
    objective: Objective,
    theta: ArrayLike,
    method: GradientDescent,
    time: float | None = None,
    substeps: int = 4,
    rods: int = 1,
    every: int = 1,
    skip: int = 0,
    measure_error: bool = False,
) -> Curve:
    """Follow the middle of the iterates and the rod between them from the middle of the first step.

    Parameters
    ----------
    method : plain gradient descent.
    time, every, skip, measure_error : as in `mirror_flow`.
    substeps : Euler steps for each step of descent, at least 2.
    rods : 1, with products with the Hessian; or more, with gradients alone.

    Returns
    -------
    Curve
        `swing` is the first rod, `amplitude` the root of the sum of squares of all; `mean_loss` is the mean
        over both ends of every rod of L(w) + Σ ½(L(w + d_i) + L(w − d_i)) − L(w).

    Raises
    ------
    InputError
        For another method, and a start beyond the edge of stability.
    NotConverged
        If descent diverges, or the flow does.
    """
    plain(method)
    count, each = whole("substeps", substeps, 2), whole("every", every, 1)
    kept, again = whole("rods", rods, 1), flag("measure_error", measure_error)
    origin = begin(objective, theta, method, time, skip, each)
    advance: Advance = advance_one if kept == 1 else advance_several
    with np.errstate(over="ignore", invalid="ignore"):
        path, swings = _follow(objective, origin, advance, method.step_size, count, each, kept)
        error = np.full(len(path), np.nan)
        if again:
            finer = _follow(objective, origin, advance, method.step_size, 2 * count, each, kept)[0]
            error = np.linalg.norm(finer - path, axis=1)
    loss = np.array([objective.loss(w) for w in path])
    return Curve(
        time=np.asarray(method.step_size * each * np.arange(len(path))),
        theta=path,
        loss=loss,
        error=error,
        amplitude=np.sqrt(np.sum(swings**2, axis=(1, 2))),
        mean_loss=loss + np.array([_excess(objective, w, f) for w, f in zip(path, swings, strict=True)]),
        swing=swings[:, :, 0],
    )


def _follow(
    objective: Objective,
    origin: Beginning,
    advance: Advance,
    eta: float,
    substeps: int,
    every: int,
    kept: int,
) -> tuple[Array, Array]:
    """Middles (m, size) and rods (m, size, rods) at every point."""
    w, rods = origin.middle, np.zeros((objective.size, kept))
    rods[:, 0] = -origin.half
    path, swings = [w], [rods]
    for step in range(1, origin.steps // every * every + 1):
        for _ in range(substeps):
            w, rods = advance(objective, w, rods, eta, 1.0 / substeps)
            bounded(w, "the rod flow")
        if step % every == 0:
            path.append(w)
            swings.append(rods)
    return np.array(path), np.array(swings)


def advance_one(objective: Objective, w: Array, rods: Array, eta: float, share: float) -> tuple[Array, Array]:
    """Make one Euler step of the flow of one rod (size, 1)."""
    rod = rods[:, 0]
    ahead, behind = w + rod, w - rod
    plus, minus = objective.gradient(ahead), objective.gradient(behind)
    both = plus + minus
    bend = objective.hessian(ahead).product(both) + objective.hessian(behind).product(both)
    length = float(np.linalg.norm(rod))
    if length > 0.0:
        v = rod / length
        pushed = rod_rate(plus, minus, rod, eta, v)
        rod = rod + share * (pushed - 0.5 * float(v @ pushed) * v) / length
    return w - share * (0.5 * eta * both + 0.125 * eta**2 * bend), rod[:, None]


def rod_rate(plus: Array, minus: Array, rod: Array, eta: float, v: Array) -> Array:
    """M v: the change of δδᵀ in one step, times a vector."""
    grown = plus * float(plus @ v) + minus * float(minus @ v)
    return np.asarray(0.25 * eta**2 * grown - 2.0 * rod * float(rod @ v))


def advance_several(
    objective: Objective, w: Array, rods: Array, eta: float, share: float
) -> tuple[Array, Array]:
    """Make one Euler step of the flow of several rods (size, m), and keep m of the new ones."""
    here, odd = objective.gradient(w), []
    mean = here.copy()
    for rod in rods.T:
        if not rod.any():
            continue
        plus, minus = objective.gradient(w + rod), objective.gradient(w - rod)
        odd.append(0.5 * (plus - minus))
        mean += 0.5 * (plus + minus) - here
    grown = np.sqrt(0.5 * share) * eta * np.column_stack([mean, *odd])
    columns = np.column_stack([np.sqrt(1.0 - 2.0 * share) * rods, grown])
    return w - share * eta * mean, _principal(columns, rods.shape[1])


def _principal(columns: Array, kept: int) -> Array:
    """Return as many columns F of the largest principal parts of CCᵀ; zeros where it has fewer."""
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    out = np.zeros((len(columns), kept))
    found = min(kept, sizes.size)
    out[:, :found] = left[:, :found] * sizes[:found]
    return out


def _excess(objective: Objective, w: Array, rods: Array) -> float:
    """How much the mean loss over the ends of the rods exceeds that in the middle."""
    here = objective.loss(w)
    ends = [0.5 * (objective.loss(w + d) + objective.loss(w - d)) - here for d in rods.T if d.any()]
    return float(np.sum(ends))
