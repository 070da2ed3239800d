"""Central flow: gradient flow kept inside the edge of stability by the swing of descent.

    w' = −η(∇L(w) + ½ ∇_w⟨Σ, H(w)⟩),    Σ = U X Uᵀ,

in units of one step, with U the eigenvectors whose eigenvalues are near 2/η, and X ⪰ 0 the covariance of the
swing: as large as it must be for none of these eigenvalues to pass 2/η, and 0 where one lies below. With one
of them X = max(0, −2⟨∇λ, ∇L⟩/‖∇λ‖²) at the edge, and w follows the gradient projected onto {λ = 2/η}.

In discrete time, with A = diag(2/η − λ_i)/(dt·η) + ⟨T_ij, ∇L⟩, T_ij = ∇(u_iᵀ H u_j), and ½⟨T_ij, T_kl⟩ for B,
X solves the program of `complementarity`: 2/η − λ stays positive semidefinite after the substep, so that
the errors of Euler's method do not add up.

A substep costs one Lanczos iteration for each eigenvector looked at (10 to 40 products with H), r(r + 1)
products for the derivatives T, taken as central differences of products, and the program: 10 to 100 times
a step of descent. The loss must be smooth: the kinks of ReLU are not in T.

Source: Cohen et al. (2025); with several eigenvectors the limit of a stiff system, Berthier (2026).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import flag, whole
from stepscape.curvature.lanczos import settle
from stepscape.curvature.operator import Operator
from stepscape.dynamics.beginning import Beginning, begin, bounded
from stepscape.dynamics.complementarity import complementary, to_vector
from stepscape.dynamics.curve import Curve
from stepscape.dynamics.gradient_flow import plain
from stepscape.errors import bad
from stepscape.methods import GradientDescent
from stepscape.objectives.objective import Objective

Array = NDArray[np.float64]
MOST_PARAMETERS = 1000
NEAR = 1.95 / 2.0  # of 2/η: eigenvectors from here on are kept inside
MOST_EIGENVECTORS = 4
TOLERANCE = 1e-7  # of Lanczos
DIFFERENCE = 1e-5  # of the length of w: step of the central differences


@dataclass(frozen=True, eq=False)
class _Push:
    """Eigenvectors near the edge (size, r), their eigenvalues, and the covariance X that keeps them there."""

    vectors: Array
    values: Array
    covariance: Array
    direction: Array
    residual: float


def central_flow(
    objective: Objective,
    theta: ArrayLike,
    method: GradientDescent,
    time: float | None = None,
    substeps: int = 2,
    every: int = 1,
    skip: int = 0,
    measure_error: bool = False,
) -> Curve:
    """Follow gradient flow kept inside 2/η from the middle of the first step.

    Parameters
    ----------
    objective : a smooth loss of at most 1000 parameters.
    method : plain gradient descent.
    time, every, skip, measure_error : as in `mirror_flow`.
    substeps : Euler steps for each step of descent.

    Returns
    -------
    Curve
        `amplitude` is √tr X; `mean_loss` is L + tr X/η, the mean of the loss over the swing. The notes hold
        `edge_ratio` (λ_max·η/2 at the point), `rank` (eigenvectors near the edge) and `residual` (what is
        left of the conditions of the program); nan at the start.

    Raises
    ------
    InputError
        For more parameters, another method, and a start beyond the edge of stability.
    NotConverged
        If no swing keeps the eigenvalues inside, as where the loss has kinks.
    """
    plain(method)
    count, each, again = (
        whole("substeps", substeps, 1), whole("every", every, 1), flag("measure_error", measure_error),
    )  # fmt: skip
    origin = begin(objective, theta, method, time, skip, each)
    if objective.size > MOST_PARAMETERS:
        raise bad("objective", f"have at most {MOST_PARAMETERS} parameters", objective.size)
    with np.errstate(over="ignore", invalid="ignore"):
        path, notes = _follow(objective, origin, method.step_size, count, each)
        error = np.full(len(path), np.nan)
        if again:
            finer = _follow(objective, origin, method.step_size, 2 * count, each)[0]
            error = np.linalg.norm(finer - path, axis=1)
    loss, trace = np.array([objective.loss(w) for w in path]), notes.pop("trace")
    return Curve(
        time=np.asarray(method.step_size * each * np.arange(len(path))),
        theta=path,
        loss=loss,
        error=error,
        amplitude=np.sqrt(trace),
        mean_loss=loss + trace / method.step_size,
        notes=notes,
    )


def _follow(
    objective: Objective, origin: Beginning, eta: float, substeps: int, every: int
) -> tuple[Array, dict[str, Array]]:
    w, near, path, rows = (
        origin.middle,
        np.empty((objective.size, 0)),
        [origin.middle],
        [(0.0, *[np.nan] * 3)],
    )
    for step in range(1, origin.steps // every * every + 1):
        for _ in range(substeps):
            push = _push(objective, w, eta, 1.0 / substeps, near)
            near = push.vectors
            w = bounded(w - eta / substeps * push.direction, "the central flow")
        if step % every == 0:
            path.append(w)
            rank = int(np.sum(push.values >= 2.0 * NEAR / eta))
            top = float(push.values[0]) * eta / 2.0
            rows.append((float(np.trace(push.covariance)), top, rank, push.residual))
    names = ("trace", "edge_ratio", "rank", "residual")
    return np.array(path), dict(zip(names, np.array(rows).T.copy(), strict=True))


def _push(objective: Objective, w: Array, eta: float, share: float, near: Array) -> _Push:
    """Return ∇L + ½ ∇⟨Σ, H⟩ at w, with the X of a substep of that share of a step."""
    gradient, hessian = objective.gradient(w), objective.hessian(w)
    values, vectors = top_eigenpairs(hessian, 2.0 * NEAR / eta, near)
    inside = values >= 2.0 * NEAR / eta
    rank = int(inside.sum())
    if not rank:
        return _Push(vectors, values, np.zeros((0, 0)), gradient, 0.0)
    third = derivatives_of_curvature(objective, w, vectors[:, :rank])
    a = np.diag((2.0 / eta - values[:rank]) / (share * eta)) + _matrix(third @ gradient, rank)
    weights = to_vector(np.ones((rank, rank)))
    rows = weights[:, None] * third
    solved = complementary(a, 0.5 * rows @ rows.T)
    direction = gradient + 0.5 * (to_vector(solved.x) @ rows)
    return _Push(vectors, values, solved.x, direction, solved.residual)


def _matrix(above: Array, rank: int) -> Array:
    out = np.zeros((rank, rank))
    rows, columns = np.triu_indices(rank)
    out[rows, columns] = out[columns, rows] = above
    return out


def derivatives_of_curvature(objective: Objective, w: Array, vectors: Array) -> Array:
    """∇_w(u_iᵀ H(w) u_j) for i ≤ j, row by row (r(r + 1)/2, size), by central differences of products.

    The third derivative is symmetric, so that it is the derivative of H u_j along u_i.
    """
    step = DIFFERENCE * max(1.0, float(np.linalg.norm(w)))
    rows = []
    for i, u in enumerate(vectors.T):
        ahead, behind = objective.hessian(w + step * u), objective.hessian(w - step * u)
        rows += [(ahead.product(v) - behind.product(v)) / (2.0 * step) for v in vectors.T[i:]]
    return np.array(rows)


def top_eigenpairs(operator: Operator, limit: float, starts: Array) -> tuple[Array, Array]:
    """Return the eigenvalues from the largest on until one lies below a limit, and their vectors (size, r).

    The largest is always among them; at most `MOST_EIGENVECTORS`. Each is found by Lanczos on what the ones
    before leave, from the columns of `starts` where there are any.
    """
    values, vectors = list[float](), np.empty((operator.size, 0))
    for at in range(min(MOST_EIGENVECTORS, operator.size)):
        start = starts[:, at] if at < starts.shape[1] else None
        pair = settle(_Rest(operator, vectors), start, TOLERANCE)
        if values and pair.value < limit:
            break
        values.append(pair.value)
        vectors = np.column_stack([vectors, _apart(pair.vector, vectors)])
        if pair.value < limit:
            break
    return np.array(values), vectors


def _apart(vector: Array, vectors: Array) -> Array:
    """Make a vector orthogonal to others, and of length 1."""
    left = vector - vectors @ (vectors.T @ vector)
    return np.asarray(left / np.linalg.norm(left))


@dataclass(frozen=True, eq=False)
class _Rest:
    """(1 − UUᵀ) A (1 − UUᵀ)."""

    operator: Operator
    vectors: Array

    @property
    def size(self) -> int:
        return self.operator.size

    def product(self, vector: Array) -> Array:
        if not self.vectors.shape[1]:
            return self.operator.product(vector)
        inside = vector - self.vectors @ (self.vectors.T @ vector)
        image = self.operator.product(inside)
        return np.asarray(image - self.vectors @ (self.vectors.T @ image))
