"""Vectors, p = 1: a vertex of min Σ|y_i| subject to Vᵀ y = c, by the dual simplex method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.depth.program import Program

Array = NDArray[np.float64]
STRICT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}  # the least of HiGHS
FITS = 1e-9  # of ‖c‖: what the equations of the support may leave


def vertex(program: Program) -> tuple[Array, Array, int]:
    """Return a feasible Y (d, 1, 1) of at most as many nonzero numbers as constraints, λ, and the steps.

    The linear program min Σ(y⁺ + y⁻), y = y⁺ − y⁻; its equations are solved again on the support that the
    simplex method finds, and λ is moved to the nearest one with V λ = sgn y there, if that proves more.
    """
    from scipy.optimize import linprog  # loaded when a program is solved

    V, c = program.basis, program.target
    equations = np.hstack([V.T, -V.T])
    found = linprog(np.ones(2 * len(V)), A_eq=equations, b_eq=c, method="highs-ds", options=STRICT)
    if found.x is None:  # a numerical failure: the start of the other solvers, which proves nothing
        return program.project(np.zeros(program.shape)), np.zeros(c.size), int(found.nit)
    y = found.x[: len(V)] - found.x[len(V) :]
    support, rough = y != 0.0, np.asarray(found.eqlin.marginals)
    W = V[support]
    exact = rough + np.linalg.lstsq(W, np.sign(y[support]) - W @ rough, rcond=None)[0]
    dual = max(rough, exact, key=program.bound)
    return on_support(program, y, support), dual, int(found.nit)


def on_support(program: Program, y: Array, support: Array) -> Array:
    """Solve the constraints on a support; the projection of y if that leaves them unsolved or costs more."""
    plain = program.project(y)
    if not 0 < support.sum() <= program.target.size:
        return plain
    exact = np.zeros(y.size)
    exact[support] = np.linalg.lstsq(program.rows[:, support], program.labels, rcond=None)[0]
    missed = np.linalg.norm(program.basis.T @ exact - program.target)
    return exact.reshape(program.shape) if missed <= FITS else plain
