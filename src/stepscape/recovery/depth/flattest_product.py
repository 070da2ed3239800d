"""The flattest product of k layers with zero loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import positive, whole
from stepscape.errors import expect
from stepscape.problems.product_measurements import ProductMeasurements
from stepscape.recovery.depth.block_splitting import split
from stepscape.recovery.depth.program import Program, flat_program, read_depth
from stepscape.recovery.depth.recovered_product import RecoveredProduct, Status
from stepscape.recovery.depth.vector_dual import newton
from stepscape.recovery.depth.vector_vertex import vertex

Array = NDArray[np.float64]


def flattest_product(
    problem: ProductMeasurements,
    depth: float | None = None,
    tolerance: float = 1e-9,
    iterations: int = 20_000,
) -> RecoveredProduct:
    """Return the X with A(X) = b whose flattest layers W_k⋯W_1 have the least Hessian trace.

    For vectors it solves min Σ_i D_ii |x_i|^{2−2/k}, D_ii = (1/m)‖A_{:,i}‖²: a weighted ℓ1 norm for k = 2,
    which recovers sparse truths, and nearer and nearer to the weighted ℓ2 norm as k grows. For blocks it is

        min Σ_b t_b^{2/k−1} ‖M_b^½ X_b N_b^½‖_*^{2−2/k},

    with M_b = (1/m) Σ A_i A_iᵀ, N_b = (1/m) Σ A_iᵀ A_i, t_b = tr M_b. One block is a nuclear norm at every
    depth. `flat_product_trace` says for which designs that is the exact trace.

    Parameters
    ----------
    problem : ProductMeasurements
    depth : int or math.inf, optional
        Another number of layers than the problem's.
    tolerance : float
        Relative duality gap at which a solution is "optimal".
    iterations : int
        Most iterations of the solver.

    Returns
    -------
    RecoveredProduct
        Its objective is the least trace divided by 2k. The solver is the simplex method for vectors and
        k = 2, Newton's method on the dual for vectors and k ≥ 3, and Douglas-Rachford splitting for blocks.

    Source: Ding et al. (2024) for vectors; Gatmiry et al. (2023) for one block.
    """
    expect("problem", problem, ProductMeasurements)
    k, small, limit = (
        read_depth(problem, depth), positive("tolerance", tolerance), whole("iterations", iterations, 1)
    )  # fmt: skip
    program = flat_program(problem, k)
    return recovered(problem, program, k, small, *solve(program, small, limit))


def solve(program: Program, tolerance: float, limit: int) -> tuple[Array, Array, int]:
    """Return a feasible Y, a dual point λ, and the number of iterations, by the solver for the program."""
    if program.scale == 0.0:
        return np.zeros(program.shape), np.zeros(program.target.size), 0
    if program.shape[-1] > 1:
        return split(program, tolerance, limit)
    if program.power == 1.0:
        return vertex(program)
    point, dual, made = newton(program, min(tolerance, 1e-14), limit)
    return program.refine(point), dual, made


def recovered(
    problem: ProductMeasurements,
    program: Program,
    depth: float,
    tolerance: float,
    point: Array,
    dual: Array,
    made: int,
) -> RecoveredProduct:
    """Return the product of a solution of the program, with its gap."""
    product, gap = program.product(point).reshape(problem.shape), program.gap(point, dual)
    return RecoveredProduct(
        solution=product,
        depth=depth,
        objective=program.scale**program.power * program.value(point),
        gap=gap,
        status=status(program, gap <= tolerance),
        iterations=made,
        residual=residual(problem, product),
        unseen=program.unseen,
    )


def status(program: Program, proved: bool) -> Status:
    """Return the word for a solution that is proved to be the best, or is not."""
    if not program.feasible:
        return "infeasible"
    if not proved:
        return "undecided"
    return "not identifiable" if program.unseen else "optimal"


def residual(problem: ProductMeasurements, product: Array) -> float:
    """‖A(X) − b‖/‖b‖, without the division if b is 0."""
    away = float(np.linalg.norm(problem.apply(product) - problem.labels))
    return away / (float(np.linalg.norm(problem.labels)) or 1.0)
