"""From a rough matrix to machine precision, and the two margins of uniqueness by dense algebra."""

from __future__ import annotations

import numpy as np
import pytest

from recovery_cases import ANY, EPS, linear_map, matrices, problem
from stepscape.problems import Measurements
from stepscape.recovery.convex.constraints import Equations
from stepscape.recovery.convex.crossover import Uniqueness, complete_dual, polish, uniqueness
from stepscape.recovery.convex.gauges import NUCLEAR, Spectrum
from stepscape.recovery.convex.tangent import Tangent, jacobian


@pytest.mark.parametrize("kind", ANY)
def test_the_jacobian_is_exact(kind: str) -> None:
    # A((L + dL)(R + dR)ᵀ) = A(L Rᵀ) + J(dL, dR) + A(dL dRᵀ): bilinear, so nothing is approximate.
    rng = np.random.default_rng(1)
    A = linear_map(kind, (4, 5), 9, rng)
    L, R, dL, dR = (rng.standard_normal((d, 2)) for d in (4, 5, 4, 5))
    step = jacobian(A, L, R) @ np.concatenate([dL.ravel(), dR.ravel()])
    want = A.apply((L + dL) @ (R + dR).T) - A.apply(L @ R.T) - A.apply(dL @ dR.T)
    np.testing.assert_allclose(step, want, rtol=0, atol=256 * EPS * np.abs(want).max())


@pytest.mark.parametrize("kind", ANY)
def test_products_and_squares_are_those_of_the_jacobian(kind: str) -> None:
    rng = np.random.default_rng(2)
    A = linear_map(kind, (4, 5), 9, rng)
    at = Tangent(A, rng.standard_normal((4, 2)), rng.standard_normal((5, 2)))
    J = jacobian(A, at.left, at.right)
    J = J if isinstance(J, np.ndarray) else J.toarray()
    step, values = rng.standard_normal(18), rng.standard_normal(9)
    scale = 256 * EPS * np.linalg.norm(J) ** 2
    np.testing.assert_allclose(at.apply(step), J @ step, rtol=0, atol=scale)
    np.testing.assert_allclose(at.adjoint(values), J.T @ values, rtol=0, atol=scale)
    np.testing.assert_allclose(at.gram, J.T @ J, rtol=0, atol=scale)


def tangent(p: Measurements, spectrum: Spectrum) -> Tangent:
    return Tangent(p.linear_map, spectrum.left, spectrum.right)


def rough(p: Measurements, size: float) -> Spectrum:
    noise = size * np.random.default_rng(0).standard_normal(p.shape)
    gauge = NUCLEAR[p.structure]
    found = gauge.decompose(p.truth + (noise if p.structure == "any" else noise + noise.T))
    rank = np.linalg.matrix_rank(p.truth)
    return Spectrum(found.left[:, :rank], found.values[:rank], found.right[:, :rank])


@pytest.mark.parametrize(("structure", "m"), [("any", 50), ("symmetric", 26), ("psd", 26)])
def test_the_polish_ends_at_machine_precision(structure: str, m: int) -> None:
    p = (
        problem("dense", (6, 6), m, 1, structure, rank=2)
        if structure != "any"
        else problem("dense", (8, 7), m, 1)
    )
    equations = Equations(p.linear_map, p.labels)
    found = polish(equations, rough(p, 1e-2), NUCLEAR[structure])
    assert found is not None
    assert found[1] <= 1e-13
    assert p.error(found[0].matrix) <= 1e-12
    if structure != "any":
        np.testing.assert_array_equal(np.abs(found[0].left), np.abs(found[0].right))


def test_a_rank_that_falls_is_not_polished() -> None:
    p = problem("dense", (6, 5), 30, 1)
    exact = NUCLEAR["any"].decompose(np.outer(np.ones(6), np.ones(5)))
    none = Spectrum(exact.left[:, :1], np.array([0.0]), exact.right[:, :1])
    assert polish(Equations(p.linear_map, p.labels), none, NUCLEAR["any"]) is None


def test_a_start_that_is_not_finite_is_not_polished() -> None:
    p = problem("dense", (6, 5), 30, 1)
    exact = NUCLEAR["any"].decompose(p.truth)
    wild = Spectrum(exact.left[:, :1] * np.nan, exact.values[:1], exact.right[:, :1])
    assert polish(Equations(p.linear_map, p.labels), wild, NUCLEAR["any"]) is None


def test_completed_dual_variables_and_margins() -> None:
    p = problem("dense", (6, 5), 26, 2)
    gauge = NUCLEAR["any"]
    exact = rough(p, 0.0)
    dual = complete_dual(tangent(p, exact), np.zeros(p.size))
    Y = p.adjoint(dual)
    np.testing.assert_allclose(Y @ exact.right, exact.left, rtol=0, atol=1e-12)
    np.testing.assert_allclose(Y.T @ exact.left, exact.right, rtol=0, atol=1e-12)
    assert p.labels @ dual == pytest.approx(np.linalg.norm(p.truth, "nuc"), rel=1e-12)
    margins = uniqueness(tangent(p, exact), Y, gauge, p.degrees_of_freedom(1))
    U, V = exact.left, exact.right
    outside = (np.eye(6) - U @ U.T) @ Y @ (np.eye(5) - V @ V.T)
    assert margins.complementarity == pytest.approx(1.0 - np.linalg.norm(outside, 2), abs=1e-12)
    # B on an orthonormal basis of the tangent space: no directions of the factors that cancel.
    basis = [np.outer(U[:, 0], e) for e in np.eye(5)]
    basis += [np.outer(f, V[:, 0]) for f in np.linalg.svd(U)[0].T[1:]]
    values = np.linalg.svd(np.array([p.apply(X) for X in basis]).T, compute_uv=False)
    # In the factors the direction U Vᵀ counts twice, which changes its norm by up to √2.
    assert values[-1] / values[0] / np.sqrt(2) <= margins.injectivity <= np.sqrt(2) * values[-1] / values[0]


def test_inside_the_cone_only_semidefinite_directions_count() -> None:
    p = problem("rank one", (5, 5), 12, 1, "psd", rank=2)
    exact = rough(p, 0.0)
    margins = uniqueness(tangent(p, exact), np.eye(5), NUCLEAR["psd"], 9)
    U = exact.left
    directions = [np.outer(U[:, 0], U[:, 0]), np.outer(U[:, 1], U[:, 1])]
    directions.append((np.outer(U[:, 0], U[:, 1]) + np.outer(U[:, 1], U[:, 0])) / np.sqrt(2.0))
    seen = np.array([[np.sum(A * X) for X in directions] for A in matrices(p)])
    values = np.linalg.svd(seen, compute_uv=False)
    assert margins.injectivity == pytest.approx(values[-1] / values[0], rel=1e-9)
    assert margins.complementarity == pytest.approx(0.0, abs=1e-12)
    assert not margins.proved


def test_too_few_measurements_prove_nothing() -> None:
    p = problem("dense", (6, 5), 9, 1)
    margins = uniqueness(tangent(p, rough(p, 0.0)), np.zeros(p.shape), NUCLEAR["any"], 10)
    assert margins.injectivity == 0.0
    few = problem("rank one", (5, 5), 2, 1, "psd", rank=2)
    assert uniqueness(tangent(few, rough(few, 0.0)), np.zeros((5, 5)), NUCLEAR["psd"], 9).injectivity == 0.0


def test_too_much_work_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from stepscape.recovery.convex import crossover

    monkeypatch.setattr(crossover, "MOST_COLUMNS", 10)
    p = problem("dense", (6, 5), 26, 2)
    margins = uniqueness(tangent(p, rough(p, 0.0)), np.zeros(p.shape), NUCLEAR["any"], 10)
    assert np.isnan(margins.injectivity)
    assert not margins.proved
    assert margins.complementarity == 1.0


def test_both_margins_are_needed() -> None:
    assert Uniqueness(0.1, 0.1).proved
    assert not Uniqueness(1e-7, 0.1).proved
    assert not Uniqueness(0.1, 1e-7).proved
