"""Units, the last bits and the order of rows decide nothing: the same step size, pieces and predictions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from fit_cases import noisy, wiggle
from stepscape.problems.user.example import load_example
from stepscape.problems.user.scale import GRID, inputs_to_grid, shares, to_grid
from stepscape.problems.user.units import Standardized

QUICK = {"width": 40, "steps": 1000, "step_sizes": [1.0, 0.3, 0.05], "n_splits": 4}


def two_decimals(n=40):
    x, y = wiggle(n, seed=5)
    return np.round(50.0 + 10.0 * x, 2), np.round(y, 3)


def repeated(n=60):
    x, y = wiggle(n, seed=6)
    return np.round(x, 1), np.round(100.0 * y)


def factor(n=45):
    rng = np.random.default_rng(7)
    x = rng.integers(1, 4, n).astype(float)
    return x, np.round(x**2 + rng.standard_normal(n), 2)


def motorcycle():
    table = load_example()
    return table.x, table.y


TABLES = {"decimals": two_decimals, "repeated": repeated, "factor": factor, "motorcycle": motorcycle}


def relative(values, size, seed):
    return values * (1.0 + size * np.random.default_rng(seed).uniform(-1.0, 1.0, values.size))


def by_value(x):
    """Inputs changed by 1e-12, equal ones equally."""
    distinct, at = np.unique(x, return_inverse=True)
    return relative(distinct, 1e-12, 2)[at]


CHANGES = {
    "labels in thousandths": lambda x, y: (x, 1000.0 * y),
    "inputs in inches": lambda x, y: (x / 2.54, y),
    "inputs in Fahrenheit": lambda x, y: (1.8 * x + 32.0, y),
    "labels in Kelvin": lambda x, y: (x, y + 273.15),
    "labels by 1e-12": lambda x, y: (x, relative(y, 1e-12, 1)),
    "inputs by 1e-12": lambda x, y: (by_value(x), y),
    "both by a third and a seventh": lambda x, y: (x / 3.0, y / 7.0),
    "another order": lambda x, y: (x[::-1], y[::-1]),
}


@pytest.fixture(scope="module")
def fits():
    return {name: ss.StepSizeRegressor(**QUICK).fit(*make()) for name, make in TABLES.items()}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", TABLES)
def test_another_unit_is_the_same_fit(fits, table, change):
    x, y = TABLES[table]()
    u, v = CHANGES[change](x, y)
    model, usual = ss.StepSizeRegressor(**QUICK).fit(u, v), fits[table]
    assert (model.step_size_, model.pieces_) == (usual.step_size_, usual.pieces_)
    np.testing.assert_array_equal(model.trajectory_.loss, usual.trajectory_.loss)
    ours, theirs = (
        m.units_[1].standardize(m.predict(at)) for m, at in ((model, np.sort(u)), (usual, np.sort(x)))
    )
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("change", ["inputs in Fahrenheit", "inputs by 1e-12", "another order"])
def test_another_unit_is_the_same_fit_of_two_classes(change):
    x, y = noisy(50)
    x = np.round(x, 2)
    given_ = {"width": 30, "steps": 800, "step_sizes": [2.0, 0.5, 0.1], "n_splits": 3}
    u, v = CHANGES[change](x, y)
    model, usual = (ss.StepSizeClassifier(**given_).fit(*table) for table in ((u, v), (x, y)))
    assert (model.step_size_, model.steps_, model.pieces_) == (usual.step_size_, usual.steps_, usual.pieces_)
    np.testing.assert_allclose(
        model.decision_function(np.sort(u)), usual.decision_function(np.sort(x)), rtol=0, atol=1e-9
    )


def test_the_unit_of_weights_does_not_count():
    x, y = wiggle(30)
    weights = np.random.default_rng(3).uniform(0.5, 2.0, 30)
    given_ = {"width": 30, "steps": 1000, "step_sizes": [0.5, 0.1], "n_splits": 3}
    one, other = (
        ss.StepSizeRegressor(**given_).fit(x, y, sample_weight=w) for w in (weights, weights / 0.453592)
    )
    np.testing.assert_array_equal(one.trajectory_.loss, other.trajectory_.loss)


@given(st.lists(st.floats(-5.0, 5.0), min_size=2, max_size=40, unique=True))
@examples(1 / 2)
def test_the_grid_moves_values_little_and_keeps_inputs_apart(values):
    x = np.sort(values)
    assert np.abs(to_grid(x) - x).max() <= 2.0 ** (GRID - 1)
    rounded, gap = inputs_to_grid(x), np.diff(x).min()
    assert np.abs(rounded - x).max() <= min(2.0 ** (GRID - 1), gap * 2.0**-10)
    assert np.all(np.diff(rounded) > 0)
    again = np.ldexp(rounded, -GRID)
    assert gap < 2.0 ** (GRID + 10) or np.all(again == np.rint(again))


def test_shares_have_forty_bits_and_no_unit():
    weights = np.random.default_rng(0).uniform(0.1, 3.0, 50)
    found = shares(weights)
    np.testing.assert_allclose(found, weights / weights.sum(), rtol=2.0**-40)
    np.testing.assert_array_equal(found, shares(weights * 0.3))


def test_training_sees_the_grid():
    x, y = np.linspace(-2.0, 3.0, 30), wiggle(30)[1]
    problem = Standardized.of(x, y, np.ones(30)).problem()
    for values in (problem.inputs, problem.labels):
        scaled = np.ldexp(values, -GRID)
        np.testing.assert_array_equal(scaled, np.rint(scaled))
