"""The product of k layers with zero loss and the least squared norm of its layers: weight decay."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive, whole
from stepscape.errors import bad, expect
from stepscape.network import generator
from stepscape.problems.product_measurements import ProductMeasurements
from stepscape.recovery.depth.flattest_product import recovered, residual, solve
from stepscape.recovery.depth.program import Program, plain_program, read_depth
from stepscape.recovery.depth.recovered_product import RecoveredProduct, Status
from stepscape.recovery.depth.vector_vertex import on_support

Array = NDArray[np.float64]
SOFTER = 0.7  # factor of ε per iteration
SHARP = 0.1  # of the largest number: where ε starts from random weights, which a larger one would forget
SPREAD = 2.0  # standard deviation of the logarithms of random roots of weights
SOFTEST = 1e-10  # of the largest number: where ε ends
SUPPORT = 1e-7  # of the largest number: what is smaller does not belong to the support
BETTER = 1e-9  # relative difference of two objectives that counts


def minimum_decay_product(
    problem: ProductMeasurements,
    depth: float | None = None,
    starts: int = 20,
    seed: int = 0,
    tolerance: float = 1e-9,
    iterations: int = 20_000,
) -> RecoveredProduct:
    """Return an X with A(X) = b whose layers W_k⋯W_1 have a small Σ_j ‖W_j‖_F² = k Σ_i σ_i(X)^{2/k}.

    For k = 2 that is the nuclear norm (vectors: ℓ1), and the solution is proved to be the least. For k > 2,
    offered for vectors only, Σ|x_i|^{2/k} is not convex: sparser with depth, but with many local minima.
    The best of several starts of iteratively reweighted least squares is returned; if the truth is known
    and has a smaller objective, the status is "local minimum", a failure of the search, not of the norm.

    Parameters
    ----------
    problem : ProductMeasurements
    depth : int, optional
        Another number of layers than the problem's.
    starts : int
        Starts for k > 2: the least squares solution, the ℓ1 solution, and random weights from then on.
    seed : int
        Of the random weights.
    tolerance, iterations
        As in `flattest_product`, for k = 2.

    Returns
    -------
    RecoveredProduct
        Its objective is Σ_i σ_i^{2/k}, without the factor k. The gap is nan for k > 2.

    Raises
    ------
    InputError
        For blocks and k > 2.

    Source: Ding et al. (2024), section on depth; Chartrand and Yin (2008) for the weights and ε.
    """
    expect("problem", problem, ProductMeasurements)
    k, small, limit = (
        read_depth(problem, depth), positive("tolerance", tolerance), whole("iterations", iterations, 1)
    )  # fmt: skip
    count = whole("starts", starts, 1)
    if k == math.inf:
        raise bad("depth", "be finite", k)
    if k > 2 and problem.block_size > 1:
        raise bad("depth", "be 2 for blocks larger than 1", k, "take vectors for more layers")
    program = plain_program(problem)
    if k == 2 or program.scale == 0.0:
        return recovered(problem, program, k, small, *solve(program, small, limit))
    return _best(problem, program, k, count, generator(seed))


def _best(
    problem: ProductMeasurements, program: Program, k: float, starts: int, rng: np.random.Generator
) -> RecoveredProduct:
    ends = [_reweighted(program, 2.0 / k, roots, soft) for roots, soft in _starts(program, starts, rng)]
    values = [float(np.sum(np.abs(end.point) ** (2.0 / k))) for end in ends]
    best = int(np.argmin(values))
    product = program.product(ends[best].point).reshape(problem.shape)
    objective = float(np.sum(np.abs(product) ** (2.0 / k)))
    return RecoveredProduct(
        solution=product,
        depth=k,
        objective=objective,
        gap=math.nan,
        status=_status(problem, program, objective, k),
        iterations=sum(end.iterations for end in ends),
        residual=residual(problem, product),
        unseen=program.unseen,
    )


def _status(problem: ProductMeasurements, program: Program, objective: float, k: float) -> Status:
    if not program.feasible:
        return "infeasible"
    if problem.truth is None or residual(problem, problem.truth) > BETTER:
        return "not proved"
    truth = float(np.sum(np.abs(problem.truth) ** (2.0 / k)))
    return "local minimum" if objective > (1.0 + BETTER) * truth else "not proved"


@dataclass(frozen=True, eq=False)
class _End:
    point: Array
    iterations: int


def _starts(program: Program, count: int, rng: np.random.Generator) -> list[tuple[Array, float]]:
    """Roots of the first weights (d,), and the first ε: equal weights, the ℓ1 solution's, random ones."""
    size = len(program.basis)
    sparse = np.abs(solve(program, 1e-9, 1)[0].ravel())
    first = [(np.ones(size), 1.0), (np.sqrt(sparse + 1e-3 * sparse.max()), SHARP)]
    random = [(np.exp(SPREAD * rng.standard_normal(size)), SHARP) for _ in range(count - 2)]
    return first[:count] + random


def _reweighted(program: Program, power: float, roots: Array, soft: float) -> _End:
    """Minimize Σ x_i² (z_i² + ε²)^{power/2 − 1}, z the x before, again and again as ε falls."""
    V, c = program.basis, program.target
    x = _least_squares(V, c, roots)
    largest, made = float(np.abs(x).max()), 0
    while soft > SOFTEST:
        x = _least_squares(V, c, (x * x + (soft * largest) ** 2) ** (0.5 - 0.25 * power))
        soft, made = SOFTER * soft, made + 1
    support = np.abs(x) > SUPPORT * np.abs(x).max()
    return _End(on_support(program, x, support), made)


def _least_squares(V: Array, c: Array, roots: Array) -> Array:
    """Return the x with Vᵀ x = c and least Σ x_i²/roots_i²."""
    return np.asarray(roots * np.linalg.lstsq(V.T * roots, c, rcond=None)[0])
