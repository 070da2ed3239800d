"""Vectors, p = 1: a vertex of min Σ|y_i| subject to Vᵀ y = c, by the dual simplex method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.depth.program import Program

Array = NDArray[np.float64]


def vertex(program: Program) -> tuple[Array, Array, int]:
    """Return a feasible Y (d, 1, 1) of at most as many nonzero numbers as constraints, λ, and the steps.

    The linear program min Σ(y⁺ + y⁻), y = y⁺ − y⁻; its equations are solved again on the support that the
    simplex method finds, to the last bit that the support determines.
    """
    from scipy.optimize import linprog  # loaded when a program is solved

    V, c = program.basis, program.target
    equations = np.hstack([V.T, -V.T])
    found = linprog(np.ones(2 * len(V)), A_eq=equations, b_eq=c, method="highs-ds")
    if found.x is None:  # a numerical failure: the start of the other solvers, which proves nothing
        return program.project(np.zeros(program.shape)), np.zeros(c.size), int(found.nit)
    y = found.x[: len(V)] - found.x[len(V) :]
    return on_support(program, y, y != 0.0), np.asarray(found.eqlin.marginals), int(found.nit)


def on_support(program: Program, y: Array, support: Array) -> Array:
    """Solve the constraints on a support; the projection of y if that leaves them unsolved or costs more."""
    plain = program.project(y)
    if not 0 < support.sum() <= program.target.size:
        return plain
    exact = np.zeros(y.size)
    exact[support] = np.linalg.lstsq(program.basis[support].T, program.target, rcond=None)[0]
    missed = np.linalg.norm(program.basis.T @ exact - program.target)
    return exact.reshape(program.shape) if missed <= 1e-12 else plain
