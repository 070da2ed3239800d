"""The minimizer of a norm under a constraint, with a lower bound that proves how near it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape.recovery.convex.constraints import Constraint, Equations
from stepscape.recovery.convex.crossover import Uniqueness, complete_dual, polish, uniqueness
from stepscape.recovery.convex.gauges import Gauge, Spectrum
from stepscape.recovery.convex.splitting import State, iterate
from stepscape.recovery.convex.tangent import Tangent

Array = NDArray[np.float64]
Stop = Callable[[Array, float], bool]
Progress = Callable[[int, float], None]

FEASIBLE = 1e-8  # relative residual up to which equations hold
EXACT = 1e-11  # relative residual that a polished matrix must have
UNMET = 1e-6  # relative residual below which rounding would speak in such a proof
PROOF = 1e-9  # relative gap of a polished matrix that ends the work early
NEAR = 0.03  # ‖Z − W‖/‖W‖ from which on a polish is tried
CLOSER = 0.3  # factor by which this distance falls before the next try
NO_SOLUTION = 1e4  # times the norm of the least-squares solution: a lower bound that says there is none


@dataclass(frozen=True, eq=False)
class Program:
    """min N(Z) + h(Z).

    Attributes
    ----------
    gauge, constraint : N and h.
    dimension : the dimension of the set of matrices of a rank; nothing is polished without it.
    """

    gauge: Gauge
    constraint: Constraint
    dimension: Callable[[int], int] | None


@dataclass(frozen=True, eq=False)
class Minimum:
    """The best that was found.

    Attributes
    ----------
    matrix, spectrum : Z, and its spectrum; of a Z that was not polished that of a nearby matrix of low rank.
    value, bound : N(Z) + h(Z), and a lower bound on it.
    dual : λ that gives the bound, scaled so that N°(Y(λ)) ≤ 1.
    residual : how far Z violates the constraint, as a share of its size.
    status : "optimal", "infeasible", "undecided", or "stopped" by the caller.
    iterations : of the splitting.
    uniqueness : margins of the proof that no other matrix is as good, if it was tried.
    """

    matrix: Array
    spectrum: Spectrum
    value: float
    bound: float
    dual: Array
    residual: float
    status: str
    iterations: int
    uniqueness: Uniqueness | None = None

    @property
    def gap(self) -> float:
        """(value − bound)/value, 0 at 0; not negative but for rounding and a residual."""
        return (self.value - self.bound) / self.value if self.value > 0.0 else 0.0


def minimize(
    program: Program,
    start: Minimum,
    tolerance: float,
    iterations: int,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> Minimum:
    """Split from `start` until the relative gap and the residual are at most `tolerance`.

    As soon as the rank of the low-rank iterate has settled, the crossover tries to end the work at machine
    precision: it solves the equations for factors of that rank and completes the dual variables to a proof.
    """
    best = start
    tried, rank = math.inf, -1
    for state in iterate(program.gauge, program.constraint, start.matrix, iterations):
        best = _look(program, state, best)
        if progress:
            progress(state.iteration, best.gap)
        if program.gauge.cone and best.bound > NO_SOLUTION * start.value:
            return replace(best, status="infeasible")
        distance = state.distance
        done = best.gap <= tolerance and best.residual <= tolerance
        leading = state.shrunk.above(distance)  # smaller values may be on their way to 0
        if done or (leading.rank == rank and distance < min(NEAR, CLOSER * tried)):
            tried = distance
            smaller = [leading, state.shrunk.above(distance**0.5)][: 1 + done]
            for spectrum in smaller:
                exact = _cross_over(program, spectrum, state.dual, best)
                if exact is not None and exact.gap <= (tolerance if done else min(tolerance, PROOF)):
                    return exact
        if done:
            return replace(best, status="optimal")
        if stop and stop(state.feasible, best.value):
            return replace(best, status="stopped")
        rank = leading.rank
    return best


def _look(program: Program, state: State, best: Minimum) -> Minimum:
    """Value the iterates, and keep the best lower bound."""
    gauge, constraint = program.gauge, program.constraint
    matrix = state.shrunk.matrix if gauge.cone else state.feasible
    found = replace(
        best,
        matrix=matrix,
        spectrum=state.shrunk,
        value=gauge.value(matrix) + constraint.cost(matrix),
        residual=constraint.residual(matrix),
        iterations=state.iteration,
    )
    return _bounded(program, found, state.dual, _ray(constraint, matrix) if gauge.cone else None)


def _ray(constraint: Constraint, matrix: Array) -> Array | None:
    """λ with B*(λ) the part of W − Z in the range of B*.

    If no Z ⪰ 0 solves the equations, W − Z tends to a negative semidefinite matrix with ⟨b, λ⟩ > 0, which
    proves it: Farkas' lemma.
    """
    if isinstance(constraint, Equations) and constraint.residual(matrix) > UNMET:
        return constraint.multipliers(constraint.labels - constraint.linear_map.apply(matrix))
    return None


def _bounded(program: Program, found: Minimum, *duals: Array | None) -> Minimum:
    for dual in duals:
        if dual is not None:
            image = program.constraint.image(dual)
            bound, scale = program.constraint.bound(dual, program.gauge.dual(image))
            if bound > found.bound:
                by = scale if math.isfinite(scale) else 1.0
                found = replace(found, bound=bound, dual=by * dual)
    return found


def _cross_over(program: Program, spectrum: Spectrum, dual: Array, best: Minimum) -> Minimum | None:
    """Polish a spectrum and complete the dual variables; None if that is not possible."""
    constraint, gauge, r = program.constraint, program.gauge, spectrum.rank
    if not isinstance(constraint, Equations) or program.dimension is None or r == 0:
        return None
    dimension = program.dimension(r)
    if dimension > constraint.labels.size:
        return None
    polished = polish(constraint, spectrum, gauge)
    if polished is None or polished[1] > EXACT:
        return None
    exact, residual = polished
    at = Tangent(constraint.linear_map, exact.left, exact.right)
    dual = complete_dual(at, dual)
    found = replace(
        best,
        matrix=exact.matrix,
        spectrum=exact,
        value=float(exact.values.sum()),
        residual=residual,
        status="optimal",
        uniqueness=uniqueness(at, constraint.image(dual), gauge, dimension),
    )
    return _bounded(program, found, dual)
