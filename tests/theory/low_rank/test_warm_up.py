"""The loss ‖L Rᵀ − M‖²: flat, norm-minimal and balanced are one; its sharpness; the slip of the slide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flat_cases import EPS, factors, torch_hessian
from stepscape.errors import InputError
from stepscape.factorization import Factorization
from stepscape.theory.low_rank import (
    flat_factors,
    flattest_identity_sharpness,
    flattest_trace,
    hessian_trace,
    identity_curvature,
    identity_curvature_as_printed,
    identity_measurements,
    identity_sharpness,
    imbalance,
    matrix_weights,
    norm_excess,
    scaled_trace,
)

seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("shape", [(4, 3), (5, 5)])
def test_the_loss_is_the_squared_distance_and_its_scaled_weights_are_the_identity(shape):
    M = factors(shape, 2, 1).matrix
    p, X = identity_measurements(M), factors(shape, 3, 2).matrix
    assert p.loss(X) == pytest.approx(np.sum((X - M) ** 2), rel=64 * EPS)
    weights = matrix_weights(p, scaled=True)
    for weight in (weights.left, weights.right):
        assert np.abs(weight.square - 1.0).max() <= 8 * EPS


@given(seeds)
def test_flat_norm_minimal_and_balanced_are_one(seed):
    at = factors((4, 3), 3, seed)
    p = identity_measurements(at.matrix)
    above = scaled_trace(p, at) / flattest_trace(p, at.matrix, scaled=True) - 1.0
    assert above == pytest.approx(norm_excess(at), abs=256 * EPS * (1 + above))
    flat = flat_factors(p, at.matrix, scaled=True)
    assert norm_excess(flat) == pytest.approx(0.0, abs=64 * EPS)
    assert imbalance(flat) <= 256 * EPS


@given(seeds)
def test_the_curvature_along_a_direction_and_the_sharpness_are_those_of_the_hessian(seed):
    at, along = factors((4, 3), 2, seed), factors((4, 3), 2, seed + 1)
    p = identity_measurements(at.matrix)
    H = torch_hessian(p, at)
    assert identity_curvature(at, along) == pytest.approx(along.parameters @ H @ along.parameters, rel=1e-12)
    assert identity_sharpness(at) == pytest.approx(np.linalg.eigvalsh(H)[-1], rel=1e-12)
    assert identity_sharpness(at) >= flattest_identity_sharpness(at.matrix) * (1 - 8 * EPS)
    assert hessian_trace(p, at) == pytest.approx(np.trace(H), rel=1e-12)


def test_flat_factors_have_the_least_sharpness_too():
    M = factors((4, 4), 2, 1).matrix
    flat = flat_factors(identity_measurements(M), M)
    assert identity_sharpness(flat) == pytest.approx(flattest_identity_sharpness(M), rel=64 * EPS)


def test_the_sharpness_does_not_prefer_a_low_rank_and_the_trace_does():
    low, full = np.diag([1.0, 0.0]), np.diag([0.9, 0.9])
    p = identity_measurements(low)
    assert flattest_identity_sharpness(full) < flattest_identity_sharpness(low)
    assert flattest_trace(p, full) > flattest_trace(p, low)


@given(st.floats(0.1, 10.0))
def test_the_scalar_product(x):
    at = Factorization([[x]], [[1.0 / x]])
    p = identity_measurements([[1.0]])
    expected = 2.0 * (x**2 + x**-2)
    assert hessian_trace(p, at) == pytest.approx(expected, rel=8 * EPS)
    assert identity_sharpness(at) == pytest.approx(expected, rel=8 * EPS)
    assert expected >= flattest_trace(p, [[1.0]]) == 4.0


class TestPrinted:
    def test_with_r_for_its_transpose_the_formula_has_no_value(self):
        at = factors((4, 3), 2, 1)
        with pytest.raises(
            InputError, match=r"U R must exist and have the shape of X, got a product of \(4, 2\) and"
        ):
            identity_curvature_as_printed(at, at)

    def test_or_a_wrong_one(self):
        at, along = factors((3, 3), 3, 1), factors((3, 3), 3, 2)
        H = torch_hessian(identity_measurements(at.matrix), at)
        right = along.parameters @ H @ along.parameters
        assert identity_curvature(at, along) == pytest.approx(right, rel=1e-12)
        assert abs(identity_curvature_as_printed(at, along) / right - 1.0) > 0.1


def test_wrong_arguments_are_refused():
    at = factors((4, 3), 2, 1)
    with pytest.raises(
        InputError, match=r"direction must have the shapes \(4, 2\) and \(3, 2\), got \(4, 1\)"
    ):
        identity_curvature(at, factors((4, 3), 1, 1))
    with pytest.raises(InputError, match="factors must have the structure 'any', got 'psd'"):
        identity_sharpness(factors((4, 4), 2, 1, "psd"))
    with pytest.raises(InputError, match="the sharpness must be finite"):
        identity_sharpness(at.with_parameters(1e200 * at.parameters))
    with pytest.raises(InputError, match="factors must be a Factorization, got a float"):
        identity_sharpness(1.0)
