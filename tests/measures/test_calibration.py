"""Calibration curves: totals, order, units of weights, Wilson's interval, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.errors import InputError
from stepscape.measures.calibration import calibration_curve, wilson

EPS = np.finfo(float).eps


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 1), st.integers(1, 3)), min_size=1, max_size=60
    ),
    bins=st.integers(1, 12),
)
def test_calibration_keeps_totals_and_order(rows, bins):
    p, y, w = (np.array(column, float) for column in zip(*rows, strict=True))
    p /= 20.0
    curve = calibration_curve(p, y, w, bins)
    assert len(curve) <= min(bins, np.unique(p).size)
    assert np.all(np.diff(curve["predicted"]) > 0)
    assert curve["rows"].sum() == pytest.approx(w.sum() ** 2 / (w @ w))
    assert curve["rows"] @ curve["observed"] / curve["rows"].sum() == pytest.approx(np.average(y, weights=w))
    assert curve["rows"] @ curve["predicted"] / curve["rows"].sum() == pytest.approx(np.average(p, weights=w))
    assert np.all((curve["low"] <= curve["observed"] + EPS) & (curve["observed"] <= curve["high"] + EPS))
    assert np.all((curve["low"] >= 0) & (curve["high"] <= 1))


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_calibration_does_not_depend_on_the_unit_of_weights(unit):
    p, y, w = np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0, 2.0])
    one, other = calibration_curve(p, y, w), calibration_curve(p, y, unit * w)
    for name in one.columns:
        np.testing.assert_allclose(other[name], one[name], rtol=64 * EPS)


def test_wilson_interval_inverts_the_score_test():
    # Its ends are the probabilities q at which (share - q)² = z² q (1 - q)/n.
    shares, n = np.array([0.0, 0.1, 0.5, 1.0]), np.array([3.0, 40.0, 7.5, 11.0])
    for q in wilson(shares, n):
        np.testing.assert_allclose(
            (shares - q) ** 2, 1.959963984540054**2 * q * (1 - q) / n, rtol=1e-9, atol=1e-15
        )


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        (
            ([0.5], [1.0, 0.0]),
            "probabilities, outcomes and weights must have the same length, at least 1, got 1, 2, 1",
        ),
        (([], []), "must have the same length, at least 1, got 0, 0, 0"),
        (([1.5], [1.0]), r"probabilities and outcomes must lie in \[0, 1\], outcomes at its ends"),
        (([0.5], [0.5]), r"probabilities and outcomes must lie in \[0, 1\], outcomes at its ends"),
        (([0.5], [1.0], [0.0]), "weights must be positive, got a minimum of 0"),
    ],
)
def test_bad_calibration_data_are_refused(given_, sentence):
    with pytest.raises(InputError, match=sentence):
        calibration_curve(*given_)
