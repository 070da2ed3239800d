from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.problems.baselines import baselines

EPS = float(np.finfo(float).eps)


def test_against_the_normal_equations():
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((50, 4)) + 3.0, rng.random(50) + 0.1
    f0 = np.abs(x[:, 0])
    y = f0 + rng.standard_normal(50)
    found = baselines(x, y, f0, v)
    p, design = v / v.sum(), np.column_stack([x, np.ones(50)])
    fit = design @ np.linalg.solve(design.T @ (p[:, None] * design), design.T @ (p * y))
    assert found.least_squares == pytest.approx(p @ (fit - f0) ** 2, rel=1e-10)
    assert found.noise == pytest.approx(p @ (y - f0) ** 2, rel=64 * EPS)
    assert found.null == pytest.approx(p @ (f0 - p @ y) ** 2, rel=64 * EPS)
    assert found.zero == pytest.approx(p @ f0**2, rel=64 * EPS)
    assert found.rank == 4


def test_least_squares_has_the_risk_of_its_rank():
    # An affine truth, inputs on a plane in R^6: σ² (2 + 1)/n on average.
    rng = np.random.default_rng(1)
    x = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 6))
    f0 = x @ np.arange(6.0) + 1.0
    risks = np.array([baselines(x, f0 + 0.5 * rng.standard_normal(40), f0).least_squares for _ in range(400)])
    assert baselines(x, f0, f0).rank == 2
    assert abs(risks.mean() - 0.25 * 3 / 40) <= 5 * risks.std() / 20
    exact = baselines(x, f0, f0)
    assert exact.least_squares <= 1e-24 * exact.zero
    assert exact.noise == 0.0


def test_one_variable_and_scales():
    x, y, f0 = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]), np.zeros(3)
    one, other = baselines(x, y, f0), baselines(1e200 * x[:, None], y, f0, [2.0, 2.0, 2.0])
    assert one.least_squares == pytest.approx(other.least_squares, rel=64 * EPS)
    assert one.null == 4.0
    assert baselines([1.0, 1.0], [0.0, 2.0], [1.0, 1.0]).rank == 0


def test_refusals():
    x, y = np.ones((3, 2)), np.ones(3)
    for call, sentence in (
        (lambda: baselines(np.ones((2, 2, 2)), y, y), r"inputs must have shape \(n,\) or \(n, d\)"),
        (lambda: baselines(x, y[:2], y), r"labels must have shape \(3,\), got \(2,\)"),
        (lambda: baselines(x, y, [1.0, np.inf, 1.0]), "truth must be finite, got inf in it"),
        (lambda: baselines(x, y, y, [0.0, 0.0, 0.0]), "weights must be at least 0 and not all 0"),
        (lambda: baselines(x, 1e200 * y, y), "labels and truth must have squares that are finite"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
