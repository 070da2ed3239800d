"""Standardized data: repeats merged without loss, units of any magnitude, bins beyond a number of inputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss

from budget import examples
from stepscape.problems.user.scale import Affine
from stepscape.problems.user.units import Standardized, TwoClasses

EPS = np.finfo(float).eps


def test_repeated_inputs_merge_without_loss():
    # Σ w (f - y)² = Σ W (f - ȳ)² + Σ w (y - ȳ)², for any f and any set of inputs.
    rng = np.random.default_rng(3)
    x, y, w = rng.integers(0, 9, 60) / 4.0, rng.standard_normal(60), rng.uniform(0.1, 2.0, 60)
    data = Standardized.of(x, y, w)
    f = rng.standard_normal(data.size)
    rows = np.arange(data.size) % 2 == 0
    where = np.searchsorted(np.unique(x), x)
    inside = rows[where]
    squares = (f[where] - (y - np.average(y, weights=w)) / np.sqrt(np.cov(y, aweights=w, ddof=0))) ** 2
    expected = np.average(squares[inside], weights=w[inside])
    part = data.part(np.where(rows[data.rows.at], data.rows.count, 0))
    np.testing.assert_array_equal(part.x, data.x[rows])
    assert part.error(f[rows]) == pytest.approx(expected, rel=1e-12)
    merged = np.sum(data.weights * (f - data.y) ** 2) + np.sum(
        data.rows.weights * (data.rows.labels - data.y[data.rows.at]) ** 2
    )
    assert data.error(f) * data.weights.sum() == pytest.approx(merged, rel=1e-12)
    assert data.labels.mean == pytest.approx(np.average(y, weights=w), abs=16 * EPS)
    assert data.inputs.deviation == pytest.approx(np.sqrt(np.cov(x, aweights=w, ddof=0)), rel=16 * EPS)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e308])
def test_units_survive_any_magnitude(size):
    values = size * np.array([0.5, 0.75, 1.0])
    unit = Affine.of(values, np.ones(3))
    np.testing.assert_allclose(unit.standardize(values), [-(1.5**0.5), 0.0, 1.5**0.5], atol=8 * EPS)
    np.testing.assert_allclose(unit.restore(unit.standardize(values)), values, rtol=8 * EPS)


def test_a_spread_above_rounding_is_no_constant():
    for step, constant in ((EPS, True), (1e4 * EPS, False)):
        assert (Affine.of(np.array([1.0 - step, 1.0]), np.ones(2)).scale == 0.0) is constant


def test_beyond_ten_thousand_inputs_training_bins(monkeypatch):
    monkeypatch.setattr("stepscape.problems.user.units.MOST_INPUTS", 50)
    x = np.linspace(-1.0, 1.0, 1000)
    data = Standardized.of(x, x**2, np.ones(1000))
    problem = data.problem()
    assert data.binned
    assert problem.size == 50
    np.testing.assert_allclose(problem.averaging, 1 / 50, rtol=1e-12)
    assert problem.averaging @ problem.labels == pytest.approx(0.0, abs=2**-20)  # the mean label is kept


@given(seed=st.integers(0, 10**6))
@examples(1 / 2)
def test_rows_of_equal_input_and_class_merge_without_loss(seed):
    # Σ w log(1 + e^{-yf}) over rows = the same over at most two examples an input; so for log-loss and Brier.
    rng = np.random.default_rng(seed)
    x, y, w = rng.integers(0, 7, 40) / 4.0, rng.integers(0, 2, 40), rng.uniform(0.1, 2.0, 40)
    y[:2], x[0], x[1] = [0, 1], 0.0, 1.0
    data = TwoClasses.of(x, 2.0 * y - 1.0, w)
    problem = data.problem()
    assert problem.size <= 2 * data.size
    assert problem.size == len(set(zip(x, y, strict=True)))
    distinct, where = np.unique(x, return_inverse=True)
    f = 3.0 * rng.standard_normal(distinct.size)
    at = np.searchsorted(data.x, problem.inputs - 1e-6)  # which are rounded
    expected = log_loss(y, expit(f[where]), sample_weight=w)
    assert problem.training_loss(f[at]) == pytest.approx(expected, rel=1e-11)  # weights have 40 bits
    rows = np.arange(distinct.size) % 2 == 0
    inside = rows[where]
    part = data.part(np.where(rows[data.rows.at], data.rows.count, 0))
    found = data.errors(part, f[rows])
    p = expit(f[where][inside])
    assert found["cv_error"] == pytest.approx(log_loss(y[inside], p, sample_weight=w[inside], labels=[0, 1]))
    assert found["brier"] == pytest.approx(
        brier_score_loss(y[inside], p, sample_weight=w[inside], labels=[0, 1])
    )
    share = np.average(y, weights=w)
    constant = log_loss(y[inside], np.full(inside.sum(), share), sample_weight=w[inside], labels=[0, 1])
    assert found["base_error"] == pytest.approx(constant)
    assert data.base_log_loss == pytest.approx(-share * np.log(share) - (1 - share) * np.log(1 - share))


def test_beyond_ten_thousand_inputs_two_classes_are_binned(monkeypatch):
    monkeypatch.setattr("stepscape.problems.user.units.MOST_INPUTS", 50)
    x = np.linspace(-1.0, 1.0, 1000)
    labels = np.where(np.sin(40 * x) + x > 0, 1.0, -1.0)
    data = TwoClasses.of(x, labels, np.ones(1000))
    problem = data.problem()
    assert data.binned
    assert 50 < problem.size <= 100
    assert np.unique(problem.inputs).size == 50
    mean = problem.averaging @ problem.labels
    assert mean == pytest.approx(labels.mean(), abs=1e-12)  # shares of the classes are kept
