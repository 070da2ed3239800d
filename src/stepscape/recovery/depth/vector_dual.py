"""Vectors, p > 1: Newton's method on the smooth dual of min Σ|y_i|^p subject to Vᵀ y = c."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.depth.program import Program

Array = NDArray[np.float64]
SHRINKS = 40  # halvings of a step before it is given up
ENOUGH = 1e-4  # of the decrease that the slope promises


def newton(program: Program, tolerance: float, limit: int) -> tuple[Array, Array, int]:
    """Return a feasible Y (d, 1, 1), a dual point λ, and the number of steps.

    The dual is min_λ Σ_i φ*(u_i) − ⟨c, λ⟩ with u = V λ, φ*(u) = (p − 1)(|u|/p)^{p/(p−1)}. Its gradient is
    Vᵀ y − c with y_i = sgn(u_i)(|u_i|/p)^{1/(p−1)}, the one y with Σ|y_i|^p − ⟨u, y⟩ least. A last projection
    makes y feasible. For p = 2 the start, y = V c, is the solution.
    """
    V, c, p = program.basis, program.target, program.power
    y = V @ c
    dual = V.T @ (p * np.copysign(np.abs(y) ** (p - 1.0), y))
    made, value = 0, _value(V @ dual, p) - c @ dual
    while program.gap(program.project(_primal(V @ dual, p)), dual) > tolerance and made < limit:
        step, slope = _step(V, c, p, dual)
        length = 1.0
        for _ in range(SHRINKS):
            moved = dual + length * step
            new = _value(V @ moved, p) - c @ moved
            if new <= value + ENOUGH * length * slope:
                break
            length *= 0.5
        else:
            break  # rounding: no step along this direction lowers the dual any more
        dual, value, made = moved, new, made + 1
    return program.project(_primal(V @ dual, p)), dual, made


def _step(V: Array, c: Array, p: float, dual: Array) -> tuple[Array, float]:
    u = V @ dual
    y = _primal(u, p)
    bend = (np.abs(u) / p) ** (1.0 / (p - 1.0) - 1.0) / (p * (p - 1.0))
    hessian = (V * bend[:, None]).T @ V
    hessian[np.diag_indices_from(hessian)] += 1e-14 * np.trace(hessian)
    gradient = V.T @ y - c
    step = -np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
    return step, float(gradient @ step)


def _primal(u: Array, p: float) -> Array:
    return np.asarray(np.copysign((np.abs(u) / p) ** (1.0 / (p - 1.0)), u))


def _value(u: Array, p: float) -> float:
    return float((p - 1.0) * np.sum((np.abs(u) / p) ** (p / (p - 1.0))))
