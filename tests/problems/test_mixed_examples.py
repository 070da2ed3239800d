from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError


def corners(n=6, loss="square", weights=None):
    """Inputs e_1 … e_n: a mixed input shows its two examples and their shares."""
    y = np.random.default_rng(n).standard_normal(n) if loss == "square" else np.where(np.arange(n) % 3, 1, -1)
    return ss.Problem(np.eye(n), y, loss, weights=weights)


@pytest.mark.parametrize("weighted", [False, True])
def test_square_loss_labels_are_mixed_and_weights_multiplied(weighted):
    v = np.array([1.0, 2.0, 0.5, 4.0, 1.0, 3.0]) if weighted else None
    problem = corners(weights=v)
    mixed = ss.problems.mixup(problem, alpha=0.7, copies=5, seed=1)
    assert (mixed.size, mixed.truth, mixed.noise, mixed.name) == (30, None, None, "data, mixed")
    np.testing.assert_allclose(mixed.inputs.sum(axis=1), 1.0)
    np.testing.assert_allclose(mixed.labels, mixed.inputs @ problem.labels, rtol=0, atol=1e-14)
    assert {int((row > 0.0).sum()) for row in mixed.inputs} <= {1, 2}
    if not weighted:
        assert mixed.weights is None
        return
    expected = []
    for row in mixed.inputs:
        two = np.flatnonzero(row)
        expected.append(v[two[0]] * v[two[-1]])
    np.testing.assert_allclose(mixed.averaging, np.array(expected) / np.sum(expected), rtol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_logistic_loss_is_the_cross_entropy_with_soft_labels(weighted):
    v = np.array([1.0, 2.0, 0.5, 4.0, 1.0, 3.0]) if weighted else np.ones(6)
    problem = corners(loss="logistic", weights=v if weighted else None)
    mixed = ss.problems.mixup(problem, alpha=0.7, copies=8, seed=1)
    assert set(mixed.labels) == {-1.0, 1.0}
    slope = np.linspace(-3.0, 3.0, 6)
    points = np.unique(mixed.inputs.round(12), axis=0)  # each pair once; its two classes share an input
    total = loss = 0.0
    for row in points:
        two = np.flatnonzero(row)
        times = 1 if two.size > 1 else round(np.isclose(mixed.inputs, row).all(axis=1).sum())
        weight, share = times * v[two[0]] * v[two[-1]], row @ (problem.labels > 0.0)
        f = row @ slope
        loss += weight * (share * np.log1p(np.exp(-f)) + (1.0 - share) * np.log1p(np.exp(f)))
        total += weight
    assert mixed.training_loss(mixed.inputs @ slope) == pytest.approx(loss / total, rel=1e-9)


def test_without_mixing_the_loss_is_that_of_the_weighted_sample():
    problem = corners(4, weights=np.array([1.0, 5.0, 2.0, 0.5]))
    mixed = ss.problems.mixup(problem, alpha=1e-9, copies=20_000, seed=3)
    at = mixed.inputs.argmax(axis=1)
    np.testing.assert_allclose(mixed.inputs, np.eye(4)[at], rtol=0, atol=1e-12)
    for i in range(4):
        assert mixed.averaging[at == i].sum() == pytest.approx(problem.averaging[i], abs=0.01)


def test_examples_without_weight_do_not_take_part():
    problem = corners(5, weights=np.array([0.0, 1.0, 0.0, 1e-300, 2.0]))
    mixed = ss.problems.mixup(problem, copies=3, seed=0)
    assert mixed.size == 9
    assert not mixed.inputs[:, [0, 2]].any()
    alone = ss.problems.mixup(corners(3, weights=np.array([0.0, 1.0, 0.0])), copies=2)
    np.testing.assert_array_equal(alone.inputs, [[0.0, 1.0, 0.0]] * 2)


def test_pairs_depend_on_the_seed_and_not_on_what_drew_the_problem():
    problem = ss.problems.ball(n=50, dimension=2, seed=0)
    first, same, other = (ss.problems.mixup(problem, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.inputs, same.inputs)
    assert (first.inputs != other.inputs).any()
    assert ss.problems.mixup(ss.problems.tent(n=9), copies=1).inputs.shape == (9,)
    # The default truth is linear: there mixed labels have it as their mean, and the mixed noise is smaller.
    clean = ss.problems.mixup(ss.problems.ball(n=50, dimension=2, noise=0.0))
    np.testing.assert_allclose(clean.labels, clean.inputs[:, 0], rtol=0, atol=1e-14)


def test_refusals():
    problem = corners()
    for call, sentence in (
        (lambda: ss.problems.mixup(np.eye(3)), "problem must be a Problem, got"),
        (lambda: ss.problems.mixup(problem, alpha=0.0), "alpha must be finite and positive, got 0.0"),
        (lambda: ss.problems.mixup(problem, copies=0), "copies must be a whole number of at least 1, got 0"),
        (lambda: ss.problems.mixup(problem, seed=-1), "seed must be a whole number of at least 0, got -1"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
