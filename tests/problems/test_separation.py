"""Whether a plane separates two classes: the witness, and Farkas' certificate against it."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.problems.user import separation
from stepscape.problems.user.separation import separating


@pytest.mark.parametrize("seed", range(12))
def test_a_plane_is_found_exactly_where_there_is_one(seed: int) -> None:
    """With labels of a plane there is one; a point in the hull of the other class leaves none."""
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal((30, 3)), rng.standard_normal(3)
    up = x @ w + 0.3 > 0.0
    assert up.any()
    assert not up.all()
    found = separating(x, up, ~up)
    assert found is not None
    assert np.array_equal(x @ found[0] + found[1] > 0.0, up)
    share = rng.dirichlet(np.ones(up.sum()))
    inside = np.vstack([x, share @ x[up]])
    assert separating(inside, np.append(up, False), np.append(~up, True)) is None


def test_touching_classes_and_inputs_with_both_labels_are_not_separated() -> None:
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0], [3.0, 1.0]])
    up = np.array([True, True, False, True])
    assert separating(x, up, ~up) is None  # 0.5 lies between two of the other class
    assert separating(x, up, np.ones(4, bool)) is None
    assert separating(x[[0, 1, 3]], up[[0, 1, 3]], ~up[[0, 1, 3]]) is not None


def test_large_tables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "MOST", 5)
    x = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert separating(x, x[:, 0] > 0.5, x[:, 0] < 0.5) is None


def fitted(x, y):
    return ss.StepSizeClassifier(0.5, stopping="budget", steps=5, width=4).fit(x, y)


@pytest.mark.parametrize(("rows", "features"), [(24, 3), (6, 9)])
def test_the_classifier_says_so_in_the_units_of_the_table(rows: int, features: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((rows, features)) * 10.0 ** np.arange(-2, features - 2) + 5.0
    x[:, -1] = 7.0  # a constant column
    up = (
        x[:, 0] / x[:, 0].std() + x[:, 1] / x[:, 1].std()
        > np.median(x[:, 0]) / x[:, 0].std() + 5.0 / x[:, 1].std()
    )
    assert up.any()
    assert not up.all()
    model = fitted(x, up)
    plane = model.separable_
    assert plane.weights.shape == (features,)
    assert plane.weights[-1] == 0.0
    assert repr(plane).startswith(f"Plane({features} features, offset=")
    assert np.array_equal(x @ plane.weights + plane.offset > 0.0, up)
    assert any(
        sentence.startswith("a linear function of the features separates") for sentence in model.warnings_
    )
    again = fitted(x, ~up)
    assert np.array_equal(x @ again.separable_.weights + again.separable_.offset > 0.0, ~up)


def test_without_a_plane_nothing_is_said() -> None:
    x = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]] * 3)
    model = fitted(x, x[:, 0] != x[:, 1])
    assert model.separable_ is None
    assert not any("separates" in sentence for sentence in model.warnings_)
