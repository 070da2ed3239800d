"""Interpolants pass through their labels, and have the values and the noise that their formulas say."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.problems.interpolants import (
    INTERPOLANTS,
    connect_the_dots,
    nadaraya_watson,
    nearest,
    polynomial,
)


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, 9), rng.standard_normal(9)


@pytest.mark.parametrize("name", INTERPOLANTS)
def test_they_interpolate(name, sample):
    x, y = sample
    np.testing.assert_array_equal(INTERPOLANTS[name](x, x, y), y)


@pytest.mark.parametrize("name", INTERPOLANTS)
def test_equal_inputs_are_refused(name):
    with pytest.raises(InputError, match="inputs must differ from each other to interpolate, got repeats"):
        INTERPOLANTS[name](np.zeros(1), np.zeros(2), np.ones(2))


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_the_kernel_average_is_its_formula(sample, power):
    x, y = sample
    at = np.linspace(-2, 2, 31)
    weights = np.abs(at[:, None] - x) ** -power
    np.testing.assert_allclose(
        nadaraya_watson(at, x, y, power), weights @ y / weights.sum(axis=1), rtol=1e-12
    )


def test_weights_beyond_the_range_of_floats():
    x, y = np.array([0.0, 1.0]), np.array([1.0, 3.0])
    assert nadaraya_watson(np.array([1e-200]), x, y, 3.0) == pytest.approx(1.0)


def test_lines_and_neighbors(sample):
    x = sample[0]
    at = np.linspace(x.min(), x.max(), 50)
    np.testing.assert_allclose(connect_the_dots(at, x, 2.0 - 3.0 * x), 2.0 - 3.0 * at, rtol=0, atol=1e-12)
    assert nearest(np.array([0.4, 0.6]), np.array([0.0, 1.0]), np.array([5.0, 7.0])).tolist() == [5.0, 7.0]
    assert nearest(np.array([0.5]), np.array([1.0, 0.0]), np.array([7.0, 5.0])) == 7.0


def test_the_polynomial_reproduces_polynomials_and_grows_like_the_lebesgue_constant():
    x, at = np.linspace(-1, 1, 12), np.linspace(-1, 1, 101)
    coefficients = np.random.default_rng(1).standard_normal(12)
    exact = np.polynomial.chebyshev.chebval(at, coefficients)
    np.testing.assert_allclose(
        polynomial(at, x, np.polynomial.chebyshev.chebval(x, coefficients)), exact, rtol=0, atol=1e-10
    )
    # Its largest value for labels ±1 is the Lebesgue constant: for equispaced inputs about 2^n/(e n ln n).
    n = 41
    x, at = np.linspace(-1, 1, n), np.linspace(-1, 1, 4001)
    basis = np.array([polynomial(at, x, row) for row in np.eye(n)])
    constant = np.abs(basis).sum(axis=0).max()
    assert 0.5 < constant / (2.0**n / (np.e * n * np.log(n))) < 1.5


def test_what_noise_adds_between_the_dots():
    """E (1 − u)² + u² = 2/3 of the variance of the noise, and all of it for the nearest label."""
    x, at = np.linspace(0, 1, 11), (np.arange(20_000) + 0.5) / 20_000
    added = sum(connect_the_dots(at, x, row) ** 2 for row in np.eye(11)).mean()
    assert added == pytest.approx(2 / 3, rel=1e-6)
    assert sum(nearest(at, x, row) ** 2 for row in np.eye(11)).mean() == pytest.approx(1.0)
