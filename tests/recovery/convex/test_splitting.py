"""The iteration ends at the minimizer, wherever it is looked at; extrapolation solves linear iterations."""

from __future__ import annotations

import numpy as np

from recovery_cases import problem
from stepscape.recovery.convex.constraints import Equations
from stepscape.recovery.convex.extrapolation import extrapolate
from stepscape.recovery.convex.gauges import NUCLEAR
from stepscape.recovery.convex.splitting import STAGE, iterate


def test_states_converge_to_a_point_that_is_feasible_and_dual() -> None:
    p = problem("dense", (6, 5), 24, 1)
    equations, gauge = Equations(p.linear_map, p.labels), NUCLEAR["any"]
    start = p.adjoint(equations.multipliers(p.labels))
    states = list(iterate(gauge, equations, start, STAGE + 30))
    assert [state.iteration for state in states] == list(range(10, STAGE + 31, 10))
    assert states[-1].gamma < states[0].gamma
    for state in states:
        np.testing.assert_allclose(p.apply(state.feasible), p.labels, atol=1e-10 * np.abs(p.labels).max())
    last = states[-1]
    assert last.distance <= 1e-6
    assert p.error(last.feasible) <= 1e-6
    image = p.adjoint(last.dual)
    assert abs(np.linalg.norm(image, 2) - 1.0) <= 1e-6
    assert abs(p.labels @ last.dual / gauge.value(p.truth) - 1.0) <= 1e-6


def test_extrapolation_of_a_linear_iteration_is_exact() -> None:
    # F(s) = M s + c in three dimensions: four moves span all differences.
    rng = np.random.default_rng(1)
    M, c = 0.3 * rng.standard_normal((3, 3)), rng.standard_normal(3)
    fixed = np.linalg.solve(np.eye(3) - M, c)
    points = [rng.standard_normal(3)]
    for _ in range(3):
        points.append(M @ points[-1] + c)
    moves = [M @ point + c - point for point in points]
    found = extrapolate(points, moves)
    plain = points[-1] + moves[-1]
    assert np.linalg.norm(found - fixed) <= 1e-3 * np.linalg.norm(plain - fixed)


def test_extrapolation_of_a_point_that_rests() -> None:
    point = np.ones((2, 2))
    np.testing.assert_array_equal(extrapolate([point] * 3, [0.0 * point] * 3), point)
