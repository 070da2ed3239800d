"""The largest margin against a convex solver, and what its two bounds prove."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from stepscape.errors import InputError, NotConverged
from stepscape.theory import max_margin
from stepscape.theory.largest_margin import margin_of


def cloud(seed: int, n: int, d: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return separable data whose margin is not known."""
    rng = np.random.default_rng(seed)
    inputs = scale * rng.standard_normal((n, d))
    return inputs, np.sign(inputs @ rng.standard_normal(d))


@pytest.mark.parametrize(("n", "d", "scale"), [(1, 3, 1.0), (30, 2, 1e-6), (60, 5, 1.0), (20, 40, 1e6)])
def test_it_is_the_solution_of_the_convex_program(n: int, d: int, scale: float) -> None:
    x, y = cloud(n + d, n, d, scale)
    w = cp.Variable(d)
    cp.Problem(cp.Minimize(cp.sum_squares(w)), [cp.multiply(y, (x / scale) @ w) >= 1.0]).solve("CLARABEL")
    found = max_margin(x, y)
    assert found.value == pytest.approx(scale / np.linalg.norm(w.value), rel=1e-6)
    # The proof: a unit vector has this margin, and a convex combination this length.
    assert np.linalg.norm(found.direction) == pytest.approx(1.0, rel=1e-12)
    assert (y * (x @ found.direction)).min() == pytest.approx(found.value, rel=1e-9)
    assert (found.weights >= 0.0).all()
    assert found.weights.sum() == pytest.approx(1.0, rel=1e-12)
    assert np.linalg.norm((found.weights * y) @ x) == pytest.approx(found.upper, rel=1e-9)
    assert 0.0 <= found.upper - found.value + 1e-12 * scale <= 1e-8 * scale * 10.0
    assert repr(found).startswith("MaxMargin(")


def test_two_points_that_pull_apart_have_the_margin_of_their_first_coordinate() -> None:
    found = max_margin([[0.05, 0.9], [0.05, -0.5]], [1, 1])
    assert found.value == pytest.approx(0.05, rel=1e-12)
    np.testing.assert_allclose(found.direction, [1.0, 0.0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.weights, [5.0 / 14.0, 9.0 / 14.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("inputs", "labels", "sentence"),
    [
        ([[1.0], [2.0]], [1, -1], "labels must be separated by a plane through 0, got a convex combination"),
        ([[0.0], [0.0]], [1, 1], "got inputs that are all 0"),
        ([1.0, 2.0], [1, 1], r"inputs must have shape \(n, d\), got \(2,\)"),
        ([[1.0], [2.0]], [1], r"inputs and labels must have the same length, got \(2, 1\) and \(1,\)"),
        ([[1.0], [np.nan]], [1, 1], "inputs must be finite, got nan in it"),
        ([[1.0], [2.0]], [1, 3], "labels must be ±1 or 0/1"),
        ([[1e-12, 1.0], [1e-12, -1.0], [-1e-12, 0.5]], [1, 1, 1], "labels must be separated"),
    ],
)
def test_what_has_no_margin_is_refused(inputs: list, labels: list, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        max_margin(inputs, labels)


def test_bounds_that_stay_apart_are_no_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    # A solver that returns the mean of the inputs instead of their nearest combination.
    monkeypatch.setattr("scipy.optimize.nnls", lambda system, _: (np.ones(system.shape[1]), 0.0))
    with pytest.raises(NotConverged, match=r"the largest margin lies between .* and .*; rescale the inputs"):
        margin_of(np.array([[1.0, 0.0], [3.0, 1.0]]))
