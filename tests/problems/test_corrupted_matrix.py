"""A corrupted matrix: the projection onto the errors that the budget allows, loss, error, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import stepscape as ss
from stepscape.errors import InputError
from stepscape.problems.corrupted_matrix import project_to_budget

MATRICES = arrays(
    float, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.floats(-1e3, 1e3, width=32)
)


@given(values=MATRICES, budget=st.floats(0.0, 3e3))
def test_the_projection_is_the_nearest_point_of_the_budget(values, budget):
    near = project_to_budget(values, budget)
    scale = np.abs(values).sum() + budget
    assert np.abs(near).sum() <= budget + 1e-14 * scale * values.size
    # p is the nearest point of a convex set exactly if ⟨v − p, s − p⟩ ≤ 0 for each s in it; the corners
    # ±budget of single entries, and 0, are the extreme ones.
    gap = values - near
    most = budget * np.abs(gap).max()
    assert max(most, 0.0) - np.sum(gap * near) <= 1e-13 * scale**2
    if np.abs(values).sum() <= budget:
        np.testing.assert_array_equal(near, values)


def test_the_loss_is_the_squared_distance_to_the_budget():
    p = ss.problems.CorruptedMatrix([[3.0, -1.0], [0.5, 0.0]], 2.0)
    # 3, 1 and 0.5 with the sum 2: lower all by t = 1.0, which leaves 2, 0, 0.
    np.testing.assert_allclose(p.errors(np.zeros((2, 2))), [[2.0, 0.0], [0.0, 0.0]], atol=1e-15)
    np.testing.assert_allclose(p.residuals(np.zeros((2, 2))), [[-1.0, 1.0], [-0.5, 0.0]], atol=1e-15)
    assert p.loss(np.zeros((2, 2))) == pytest.approx(1.0 + 1.0 + 0.25, rel=1e-14)
    assert p.loss(p.observed) == 0.0
    assert p.loss(p.observed + 2.0 * np.eye(1, 4).reshape(2, 2)) == 0.0
    assert ss.problems.CorruptedMatrix(p.observed, 0.0).loss(np.zeros((2, 2))) == pytest.approx(
        10.25, rel=1e-14
    )
    assert (p.size, p.shape) == (4, (2, 2))


def test_what_it_prints_says_what_is_known():
    assert (
        repr(ss.problems.CorruptedMatrix(np.eye(2), 0.5))
        == "CorruptedMatrix(corrupted matrix: 2×2, budget=0.5)"
    )
    p = ss.problems.robust_pca(d1=3, d2=4, noise=0.5, corrupted=0.0)
    assert repr(p) == "CorruptedMatrix(robust PCA: 3×4, budget=0, noise=0.5)"


WRONG = [
    ({"observed": np.ones(3)}, r"observed must have shape \(d1, d2\), got \(3,\)"),
    ({"observed": [[np.nan]]}, r"observed must be finite, got nan at index \(0, 0\)"),
    ({"budget": -1.0}, "budget must be finite and not negative, got -1.0"),
    ({"truth": np.eye(3)}, r"truth must have shape \(2, 2\), as observed has, got \(3, 3\)"),
    ({"noise": -1.0}, "noise must be finite and not negative, got -1.0"),
    ({"name": 3}, "name must be text, got 3"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_problems_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        ss.problems.CorruptedMatrix(**{"observed": np.eye(2), "budget": 1.0, **arguments})


def test_wrong_matrices_are_refused():
    p = ss.problems.CorruptedMatrix(np.eye(2), 1.0)
    for method in (p.errors, p.residuals, p.loss):
        with pytest.raises(InputError, match=r"matrix must have shape \(2, 2\), got \(3, 3\)"):
            method(np.eye(3))
    with pytest.raises(InputError, match="truth must be given to measure an error to it, got None"):
        p.error(np.eye(2))
    with pytest.raises(InputError, match=r"the loss must be finite, got a number beyond"):
        p.loss(np.full((2, 2), 1e200))
