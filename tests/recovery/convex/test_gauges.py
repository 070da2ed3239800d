"""Norms: Hölder's inequality with their duals, and shrinkage by the conditions of optimality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery_cases import EPS
from stepscape.recovery.convex.gauges import FROBENIUS, LARGE, NUCLEAR, decompose

ALL = [(gauges, structure) for gauges in (NUCLEAR, FROBENIUS) for structure in ("any", "symmetric", "psd")]


def draw(structure: str, seed: int, d: int = 5) -> np.ndarray:
    X = np.random.default_rng(seed).standard_normal((d, d + (structure == "any")))
    return X if structure == "any" else X + X.T


@given(st.integers(0, 10**6), st.sampled_from(ALL))
def test_a_norm_and_its_dual(seed: int, case: tuple[dict, str]) -> None:  # type: ignore[type-arg]
    gauges, structure = case
    gauge = gauges[structure]
    X, Y = draw(structure, seed), draw(structure, seed + 1)
    if gauge.cone:
        X = X @ X
    rounding = 64 * EPS * np.linalg.norm(X) * np.linalg.norm(Y)
    assert np.sum(X * Y) <= gauge.value(X) * gauge.dual(Y) + rounding
    # Attained: by X itself for ‖·‖_F, by the signs of X for the nuclear norm.
    spectrum = gauge.decompose(X)
    at = spectrum.left @ spectrum.right.T if gauge.low_rank else X
    assert np.sum(X * at) == pytest.approx(gauge.value(X) * gauge.dual(at), rel=1e-12)


@given(st.integers(0, 10**6), st.sampled_from(ALL), st.floats(0.01, 10.0))
def test_shrinkage_minimizes(seed: int, case: tuple[dict, str], threshold: float) -> None:  # type: ignore[type-arg]
    # Z minimizes γN + ½‖Z − V‖² exactly if N°(V − Z) ≤ γ and ⟨V − Z, Z⟩ = γN(Z).
    gauges, structure = case
    gauge, V = gauges[structure], draw(structure, seed)
    Z = gauge.shrink(V, threshold, None).matrix
    scale = np.linalg.norm(V) + threshold
    assert gauge.dual(V - Z) <= threshold + 64 * EPS * scale
    assert np.sum((V - Z) * Z) == pytest.approx(threshold * gauge.value(Z), abs=256 * EPS * scale**2)


@pytest.mark.parametrize("gap", [0.5, 0.05])
def test_large_matrices_are_shrunk_from_a_start(gap: float) -> None:
    rng = np.random.default_rng(0)
    d = LARGE + 10
    low = rng.standard_normal((d, 3)) @ rng.standard_normal((3, d))
    noise = rng.standard_normal((d, d))
    first, second = low + 0.1 * noise, low + 0.1 * noise + gap * rng.standard_normal((d, d)) * 0.01
    gauge, threshold = NUCLEAR["any"], 30.0
    before = gauge.shrink(first, threshold, None)
    full = gauge.shrink(second, threshold, None)
    found = gauge.shrink(second, threshold, before)
    assert found.rank == full.rank == 3
    np.testing.assert_allclose(found.matrix, full.matrix, rtol=0, atol=1e-4 * threshold)


def test_a_threshold_below_all_followed_values_asks_for_all_of_them() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((LARGE + 1, LARGE + 1))
    gauge = NUCLEAR["any"]
    before = gauge.shrink(X, 23.0, None)
    assert 0 < before.rank < 12
    np.testing.assert_array_equal(gauge.shrink(X, 5.0, before).matrix, gauge.shrink(X, 5.0, None).matrix)


def test_a_small_threshold_loses_no_digits() -> None:
    # The square of a singular value of 1e-6 has no more than four digits beside the square of 1.
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((6, 2)))[0] for _ in range(2))
    found = NUCLEAR["any"].shrink(U @ np.diag([1.0, 1e-6]) @ V.T, 5e-7, None)
    np.testing.assert_allclose(found.matrix, U @ np.diag([1.0 - 5e-7, 5e-7]) @ V.T, rtol=0, atol=64 * EPS)


def test_spectra() -> None:
    X = np.diag([3.0, 1e-3, 0.0])
    assert decompose(X).rank == 2
    assert decompose(X).above(0.01).rank == 1
    assert decompose(np.zeros((2, 2))).above(0.5).rank == 0
    np.testing.assert_allclose(decompose(X).matrix, X, rtol=0, atol=1e-15)
