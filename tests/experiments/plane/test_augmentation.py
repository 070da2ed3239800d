"""What a step sees in place of the data: mixed pairs, noise, the deepest of some pairs."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.plane.augmentation import (
    BLOCK,
    DIRECTIONS,
    KEPT,
    common_depth,
    deep_pairs,
    mixed_pairs,
    noisy_inputs,
)
from stepscape.theory.plane.depth import depth_bound


@pytest.fixture(scope="module")
def problem():
    return ss.problems.ball(n=30, dimension=3, seed=5)


def on_a_segment(problem, step_problem):
    """For each example of a step: a partner and a share that make it out of that row, and the error."""
    x, y = problem.inputs, problem.labels
    worst, shares = 0.0, []
    for i, (at, label) in enumerate(zip(step_problem.inputs, step_problem.labels, strict=True)):
        errors = []
        for j in range(len(x)):
            along = x[i] - x[j]
            share = 1.0 if j == i else float((at - x[j]) @ along / (along @ along))
            off = np.abs(share * x[i] + (1 - share) * x[j] - at).max()
            errors.append((max(off, abs(share * y[i] + (1 - share) * y[j] - label)), share))
        error, share = min(errors)
        worst, shares = max(worst, error), [*shares, share]
    return worst, np.array(shares)


def test_a_step_of_mixup_mixes_every_example_with_another_and_their_labels_alike(problem):
    draw = mixed_pairs(problem, 1.0, seed=3)
    for step in (0, 1, BLOCK - 1, BLOCK, 5 * BLOCK + 7):
        worst, shares = on_a_segment(problem, draw(step))
        assert worst < 1e-12
        assert ((shares >= 0.0) & (shares <= 1.0)).all()
        assert draw(step).size == problem.size


def test_every_step_has_pairs_of_its_own_and_always_the_same(problem):
    one, other = mixed_pairs(problem, 1.0, seed=3), mixed_pairs(problem, 1.0, seed=3)
    steps = [0, 1, BLOCK, 0, 1]
    seen = [one(step).inputs for step in steps]
    for step, inputs in zip(steps, seen, strict=True):
        np.testing.assert_array_equal(inputs, other(step).inputs)
    assert len({inputs.tobytes() for inputs in seen}) == 3
    assert not np.array_equal(mixed_pairs(problem, 1.0, seed=4)(0).inputs, seen[0])


def test_the_noise_has_the_root_mean_square_length_asked_for_and_leaves_the_labels(problem):
    draw = noisy_inputs(problem, 0.4, seed=1)
    moved = np.concatenate([draw(step).inputs - problem.inputs for step in range(300)])
    lengths = (moved**2).sum(axis=1)
    assert np.sqrt(lengths.mean()) == pytest.approx(0.4, rel=0.02)  # 9000 draws: 0.9 % a standard error
    np.testing.assert_array_equal(draw(7).labels, problem.labels)
    np.testing.assert_array_equal(draw(7).inputs, draw(7).inputs)
    assert not np.array_equal(draw(7).inputs, draw(8).inputs)


def test_common_depth_bounds_the_depth_and_is_nearly_it_in_the_plane():
    x = ss.problems.ball(n=40, dimension=2, seed=2).inputs
    at = np.concatenate([x, ss.problems.ball(n=30, dimension=2, seed=3).inputs, [[2.0, 0.0]]])
    exact, bound = depth_bound(at, x).value, common_depth(at, x, seed=0)
    assert (bound >= exact - 1e-12).all()
    assert np.mean(bound - exact) < 0.01
    assert bound[-1] == 0.0
    literal = [min(np.mean(x @ u >= p @ u - 1e-12) for u in directions(2)) for p in at[:5]]
    np.testing.assert_allclose(bound[:5], literal)


def directions(dimension):
    rows = np.random.default_rng(0).standard_normal((DIRECTIONS, dimension))
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    return np.concatenate([rows, -rows])


def test_the_deepest_pairs_are_mixed_pairs_and_deeper_the_more_candidates(problem):
    depths = []
    for candidates in (1, 4, 16):
        draw = deep_pairs(problem, candidates, seed=3)
        steps = [draw(step) for step in range(3)]
        assert max(on_a_segment(problem, each)[0] for each in steps[:2]) < 1e-12
        at = np.concatenate([each.inputs for each in steps])
        depths.append(depth_bound(at, problem.inputs, directions=30).value.mean())
    assert depths[0] < depths[1] < depths[2]
    assert depths[2] > 1.3 * depths[0]


def test_each_step_takes_one_of_the_kept_examples_of_each_input(problem):
    draw = deep_pairs(problem, 2, seed=3)
    for i in (0, 17):
        seen = {draw(step).inputs[i].tobytes() for step in range(200)}
        assert len(seen) == KEPT


def test_impossible_strengths_are_refused(problem):
    with pytest.raises(InputError, match="strength must not be negative"):
        noisy_inputs(problem, -0.1, 0)
    for wrong in (0.0, 2.5):
        with pytest.raises(InputError, match="strength must be a whole number of candidates"):
            deep_pairs(problem, wrong, 0)
    with pytest.raises(InputError, match="alpha must be"):
        mixed_pairs(problem, 0.0, 0)(0)
