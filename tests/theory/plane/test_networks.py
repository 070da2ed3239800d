"""The networks of the constructions, as networks: what they predict, and how sharp they are."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss


@pytest.mark.parametrize("d", [2, 10])
def test_the_sphere_interpolator_is_as_sharp_as_it_says(d):
    problem = ss.problems.sphere(n=40, dimension=d, seed=1)
    weighted = ss.Problem(problem.inputs, problem.labels, weights=np.linspace(1.0, 2.0, 40))
    for each in (problem, weighted):
        for scale in ("best", "unit"):
            made = ss.theory.sphere_interpolator(each.inputs, each.labels, scale, each.weights)
            np.testing.assert_allclose(made.network.predict(each.inputs), each.labels, rtol=0, atol=1e-10)
            pair = ss.sharpness(each, made.network)
            assert pair.value == pytest.approx(made.sharpness, rel=1e-7)
            assert pair.lower <= made.bound <= made.label_bound * (1 + 1e-9)
            c = ss.certify(each, made.network)
            assert c["gauss_newton"].verdict == "holds"
            assert ss.measures.activity(each, made.network).counts.max() == 1


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_empty_caps_are_invisible_on_the_data(loss):
    problem = ss.problems.ball(n=100, dimension=3, seed=2)
    made = ss.theory.empty_caps(problem.inputs, seed=4)
    labels = np.zeros(100) if loss == "square" else np.where(problem.labels > 0.0, 1.0, -1.0)
    seen = ss.Problem(problem.inputs, labels, loss)
    assert not made.network.predict(problem.inputs).any()
    expected = made.sharpness if loss == "square" else made.logistic_sharpness
    assert ss.sharpness(seen, made.network).value == pytest.approx(expected, rel=1e-13)
    fresh = ss.problems.ball(n=40_000, dimension=3, seed=3).inputs
    assert np.mean(made.network.predict(fresh) ** 2) == pytest.approx(made.mean_square, rel=0.2)
    assert {c.verdict for c in ss.certify(seen, made.network).values()} == {"holds"}


def test_flat_classifiers_stay_below_their_bounds():
    problem = ss.problems.bernoulli_labels(ss.problems.sphere(n=50, dimension=4, seed=5), seed=5)
    for logits in (0.1, 2.0, 9.0):
        made = ss.theory.sphere_classifier(problem.inputs, logits * problem.labels, problem.labels)
        np.testing.assert_allclose(made.network.predict(problem.inputs), logits * problem.labels, rtol=1e-9)
        assert ss.sharpness(problem, made.network).lower <= made.bound <= made.uniform_bound
    for margin in (5.0, 30.0):
        flat = ss.theory.projected_interpolator(problem.inputs, problem.labels, margin)
        np.testing.assert_allclose(flat.network.predict(problem.inputs), margin * problem.labels, rtol=1e-6)
        assert ss.sharpness(problem, flat.network).lower <= flat.bound


def test_what_is_built_says_what_it_is_in_one_line():
    x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    y = np.array([1.0, -1.0, 1.0])
    built = (
        ss.theory.sphere_interpolator(x, y),
        ss.theory.sphere_classifier(x, y, y),
        ss.theory.projected_interpolator(x, y, 2.0),
        ss.theory.empty_caps(x, seed=0),
        ss.theory.depth_bound(x, x),
    )
    for one in built:
        assert len(repr(one)) < 130
        assert "\n" not in repr(one)
        assert repr(one).startswith(f"{type(one).__name__}(")
        assert "array" not in repr(one)
    assert repr(built[0]).startswith("SphereInterpolator(3 neurons in R^2, sharpness 1.")
