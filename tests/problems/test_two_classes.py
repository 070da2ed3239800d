from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError


@pytest.mark.parametrize("flip_rate", [0.0, 0.2])
def test_labels_have_the_law_that_their_truth_says(flip_rate):
    base = ss.problems.ball(n=40_000, dimension=3, seed=1)
    problem = ss.problems.bernoulli_labels(base, amplitude=3.0, flip_rate=flip_rate, seed=1)
    assert (problem.loss, problem.noise, problem.name) == ("logistic", None, "ball")
    np.testing.assert_array_equal(problem.inputs, base.inputs)
    p = flip_rate + (1.0 - 2.0 * flip_rate) / (1.0 + np.exp(-3.0 * base.inputs[:, 0]))
    np.testing.assert_allclose(problem.truth(problem.inputs), np.log(p / (1.0 - p)), rtol=0, atol=1e-12)
    one = problem.labels == 1.0
    for test in (np.ones(p.size), base.inputs[:, 0], base.inputs[:, 1], base.labels):
        error = np.sum(test * (one - p))
        assert abs(error) <= 5.0 * np.sqrt(np.sum(test**2 * p * (1.0 - p)))


def test_weights_stay_and_one_variable_works():
    v = np.arange(1.0, 6.0)
    base = ss.Problem(np.arange(5.0), np.zeros(5), truth=np.sin, noise=0.3, weights=v)
    problem = ss.problems.bernoulli_labels(base, amplitude=0.0)
    np.testing.assert_array_equal(problem.weights, v)
    assert not problem.truth(problem.inputs).any()
    assert set(ss.problems.bernoulli_labels(base, 1e3).labels) == {-1.0, 1.0}


def test_refusals():
    base = ss.problems.ball(n=5)
    for call, sentence in (
        (lambda: ss.problems.bernoulli_labels(3), "problem must be a Problem, got"),
        (
            lambda: ss.problems.bernoulli_labels(ss.Problem([[1.0, 2.0]], [1.0])),
            "problem must have a truth, around which labels are drawn, got none; give Problem a truth",
        ),
        (lambda: ss.problems.bernoulli_labels(base, -1.0), "amplitude must be finite and not negative"),
        (lambda: ss.problems.bernoulli_labels(base, flip_rate=0.5), r"flip_rate must lie in \[0, 0.5\)"),
        (lambda: ss.problems.bernoulli_labels(base, seed=-1), "seed must be a whole number"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
