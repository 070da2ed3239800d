"""Largest eigenvalues of any symmetric operator: true residuals, budgets, close neighbors, bad input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from cases import network, noisy
from stepscape import curvature
from stepscape.curvature import lanczos, largest_eigenpair
from stepscape.curvature.lanczos import lanczos_steps
from stepscape.errors import NotConverged
from stepscape.objectives import Hessian

SPECTRA = {
    "negative definite": -np.arange(1.0, 41),
    "large negative": np.concatenate([[-1e3], np.linspace(-10, 1, 60)]),
    "multiple": np.concatenate([np.linspace(0, 1, 30), [2, 2, 2]]),
    "close": np.concatenate([np.linspace(0, 1, 150), [1.98, 2.0]]),
    "all equal": np.full(20, 3.0),
    "zero": np.zeros(5),
    "one number": np.array([-2.5]),
    "tiny": 1e-140 * np.arange(9.0),
    "huge": 1e150 * np.arange(-9.0, 9),
    "restarted": np.concatenate([np.linspace(0, 1, 400), [1.003]]),
}


@dataclass(frozen=True)
class Matrix:
    """A symmetric matrix with the two methods that any operator has."""

    matrix: np.ndarray

    @property
    def size(self):
        return len(self.matrix)

    def product(self, vector):
        return self.matrix @ vector


def with_spectrum(values, seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))
    matrix = q * np.asarray(values, float) @ q.T
    return Matrix((matrix + matrix.T) / 2), q


@pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA)
def test_any_symmetric_operator(values):
    operator, q = with_spectrum(values)
    scale = np.abs(values).max()
    for start in (None, q[:, np.argmin(values)], q[:, np.argsort(values)[-min(2, len(values))]]):
        pair = largest_eigenpair(operator, start)
        assert abs(pair.value - values.max()) <= 1e-8 * scale
        residual = np.linalg.norm(operator.matrix @ pair.vector - pair.value * pair.vector)
        assert abs(residual - pair.residual) <= 1e-13 * scale
        assert pair.residual <= 2e-8 * scale
        assert pair.products > 64 or values[-1] != 1.003  # the basis was full, and the residual not yet small


def test_close_neighbors_get_a_longer_basis(monkeypatch):
    values = np.concatenate([np.linspace(0, 1, 300), 1 + 5e-7 * np.arange(1, 4)])
    pair = largest_eigenpair(with_spectrum(values)[0])
    assert abs(pair.value - values.max()) <= 1e-8
    assert pair.products < 1000
    monkeypatch.setattr(
        lanczos, "MOST_NUMBERS", 0
    )  # as for an operator so large that its basis must stay short
    assert largest_eigenpair(with_spectrum(values)[0]).products > 1.5 * pair.products


def test_an_invariant_space_ends_the_lanczos_steps():
    operator, q = with_spectrum([1.0, 2.0, 3.0, 4.0])
    basis, diagonal, beside = np.zeros((9, 4)), np.zeros(8), np.zeros(8)
    basis[0] = (q[:, 0] + q[:, 3]) / np.sqrt(2)
    assert lanczos_steps(operator, basis, diagonal, beside, 0, 8) == 2
    assert beside[1] == 0.0
    np.testing.assert_allclose(
        np.linalg.eigvalsh([[diagonal[0], beside[0]], [beside[0], diagonal[1]]]), [1, 4]
    )
    dead = ss.TwoLayerReLU([1.0], [-9.0], [1.0], 0.0)
    reached = Hessian(ss.Problem([0.0], [1.0]), dead).lanczos(np.eye(5, 4), diagonal, beside, 0, 4)
    assert reached == 1


def test_the_budget_is_kept_and_its_end_is_an_error():
    operator, _ = with_spectrum(np.concatenate([np.linspace(0, 1, 300), [1 + 1e-7]]))
    message = r"did not settle within 70 products \(last value 1\.?\d*, .*\); raise the tolerance, or max_p"
    with pytest.raises(NotConverged, match=message):
        largest_eigenpair(operator, tolerance=1e-15, max_products=70)


@pytest.mark.parametrize("size", [np.nan, np.inf, 1e200, 1e-200])
def test_operators_beyond_the_range_of_squares_are_named_at_once(size):
    operator, _ = with_spectrum(np.arange(9.0))
    with np.errstate(invalid="ignore", over="ignore"):
        operator = Matrix(size * operator.matrix)
        message = r"squares of the operator's products overflow or vanish; rescale the problem"
        with pytest.raises(NotConverged, match=message):
            largest_eigenpair(operator)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, 1.0, np.nan])
def test_tolerance_must_make_sense(tolerance):
    with pytest.raises(ss.InputError, match=r"tolerance must lie between 0 and 1, got"):
        ss.sharpness(noisy(), network(), tolerance=tolerance)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 12))
def test_a_dense_matrix_and_a_shift_are_operators(seed, size):
    rng = np.random.default_rng(seed)
    square = rng.standard_normal((size, size))
    matrix, shift = square + square.T, rng.standard_normal(size)
    u = rng.standard_normal(size)
    dense_one = curvature.Matrix(matrix)
    np.testing.assert_allclose(dense_one.product(u), matrix @ u, rtol=0, atol=1e-13 * size)
    shifted = curvature.Shifted(dense_one, shift)
    assert shifted.size == dense_one.size == size
    np.testing.assert_allclose(shifted.product(u), (matrix + np.diag(shift)) @ u, rtol=0, atol=1e-13 * size)
    values = np.linalg.eigvalsh(matrix + np.diag(shift))
    scale = max(abs(values[0]), abs(values[-1]))
    assert largest_eigenpair(shifted).value == pytest.approx(values[-1], abs=1e-8 * scale)
