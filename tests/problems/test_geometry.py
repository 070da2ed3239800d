from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.problems import geometry

EPS = float(np.finfo(float).eps)
MANY = 40_000


def close_to(mean, values):
    """Within five standard errors."""
    assert abs(values.mean() - mean) <= 5 * values.std() / np.sqrt(values.size) + 1e-12


@pytest.mark.parametrize("dimension", [1, 2, 5, 30])
def test_norms_on_the_sphere_and_moments_in_the_ball(dimension):
    on = geometry.sphere(MANY // 10, dimension, seed=1, radius=2.5)
    np.testing.assert_allclose(np.linalg.norm(on, axis=1), 2.5, rtol=8 * EPS)
    x = geometry.ball(MANY, dimension, seed=2, radius=2.5)
    norms = np.linalg.norm(x, axis=1) / 2.5
    assert norms.max() <= 1.0 + 4 * EPS
    # ‖X/r‖^d is uniform: that is the law of the radius.
    for power in (1, 2, 3):
        close_to(1 / (power + 1), norms ** (dimension * power))
    close_to(dimension / (dimension + 2), norms**2)


@pytest.mark.parametrize(
    "draw", [geometry.sphere, geometry.ball, lambda n, d, seed: geometry.radial(n, d, 0.5, seed)]
)
def test_directions_are_uniform(draw):
    d = 3
    x = draw(MANY, d, seed=3)
    u = x / np.linalg.norm(x, axis=1)[:, None]
    for i in range(d):
        close_to(0.0, u[:, i])
        close_to(1 / d, u[:, i] ** 2)
        close_to(3 / (d * (d + 2)), u[:, i] ** 4)  # a fourth moment of the sphere, not of a cube
        close_to(0.0, u[:, i] * u[:, i - 1])
    np.testing.assert_array_equal(x, draw(MANY, d, seed=3))
    assert (x != draw(MANY, d, seed=4)).all()


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 3.0])
def test_the_distance_of_the_radial_law_to_the_sphere(alpha):
    x = geometry.radial(MANY, 4, alpha, seed=5)
    norm = np.linalg.norm(x, axis=1)
    gap = 1.0 - norm
    assert gap.min() >= -4 * EPS
    for epsilon in (0.1, 0.3, 0.8):
        close_to(epsilon**alpha, (gap <= epsilon).astype(float))
    close_to(2.0 / ((alpha + 1.0) * (alpha + 2.0)), norm**2)


def test_the_radial_law_tends_to_the_sphere():
    x = geometry.radial(1000, 3, 1e-4, seed=0)
    assert np.mean(np.linalg.norm(x, axis=1) > 1 - 1e-6) > 0.99


@pytest.mark.parametrize(("dimension", "count", "inner"), [(10, 4, 1), (10, 3, 2), (6, 2, 6)])
def test_points_lie_on_their_subspaces(dimension, count, inner):
    x, which, bases = geometry.subspaces(400, dimension, count, inner, seed=7)
    assert bases.shape == (count, inner, dimension)
    for j, basis in enumerate(bases):
        np.testing.assert_allclose(basis @ basis.T, np.eye(inner), rtol=0, atol=16 * EPS)
        mine = x[which == j]
        assert np.linalg.matrix_rank(mine) == inner
        np.testing.assert_allclose(mine @ basis.T @ basis, mine, rtol=0, atol=32 * EPS)
    assert np.linalg.matrix_rank(x) == min(dimension, count * inner)
    assert np.linalg.norm(x, axis=1).max() <= 1.0 + 16 * EPS
    more = geometry.subspaces(900, dimension, count, inner, seed=7)
    np.testing.assert_array_equal(more.bases, bases)


def test_radii_and_choices_on_subspaces():
    x, which, _ = geometry.subspaces(MANY, 6, 5, 3, seed=8)
    close_to(3 / 5, np.linalg.norm(x, axis=1) ** 2)
    for j in range(5):
        close_to(0.2, (which == j).astype(float))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixed_examples_are_between_their_two(alpha):
    x, y = geometry.sphere(2000, 3, seed=1), np.arange(2000.0)
    m = geometry.mixup(x, y, alpha, copies=10, seed=2)
    expected = m.share[:, None] * x[m.first] + (1 - m.share[:, None]) * x[m.second]
    np.testing.assert_allclose(m.inputs, expected, rtol=0, atol=4 * EPS)
    np.testing.assert_allclose(m.labels, m.share * m.first + (1 - m.share) * m.second, rtol=8 * EPS)
    for part in (m.first, m.second):
        np.testing.assert_array_equal(np.bincount(part), 10)
    close_to(0.5, m.share)
    close_to(1 / (4 * (2 * alpha + 1)), (m.share - 0.5) ** 2)  # the variance of Beta(α, α)
    close_to((alpha + 1) / (2 * alpha + 1), np.sum(m.inputs**2, axis=1))


def test_mixing_without_a_law_between_is_a_sample_of_the_examples():
    x, y = geometry.ball(500, 2, seed=1), np.arange(500.0)
    m = geometry.mixup(x, y, alpha=1e-6, copies=3, seed=0)
    at = np.where(m.share > 0.5, m.first, m.second)
    assert np.mean(np.minimum(m.share, 1 - m.share) < 1e-12) > 0.999
    close_to(0.5, (m.share > 0.5).astype(float))
    np.testing.assert_allclose(m.labels, at, rtol=0, atol=0.5)
    one = geometry.mixup(x[:, 0], y, seed=5)
    assert one.inputs.shape == (500,)


def test_inputs_are_not_modified():
    x, y = geometry.ball(20, 2), np.ones(20)
    before = x.copy()
    geometry.mixup(x, y)
    np.testing.assert_array_equal(x, before)


def test_refusals():
    for call, sentence in (
        (lambda: geometry.ball(0, 2), "n must be a whole number of at least 1, got 0"),
        (lambda: geometry.sphere(3, 0), "dimension must be a whole number of at least 1, got 0"),
        (lambda: geometry.ball(3, 2, radius=-1.0), "radius must be finite and positive, got -1.0"),
        (lambda: geometry.radial(3, 2, 0.0), "alpha must be finite and positive, got 0.0"),
        (lambda: geometry.subspaces(3, 2, inner=3), "inner must be at most 2, got 3"),
        (lambda: geometry.subspaces(3, 2, count=0), "count must be a whole number of at least 1"),
        (lambda: geometry.ball(10**15, 10), "n must fit in memory"),
        (
            lambda: geometry.mixup(np.ones((2, 2, 2)), [1.0, 1.0]),
            r"inputs must have shape \(n,\) or \(n, d\)",
        ),
        (lambda: geometry.mixup(np.ones((2, 2)), [1.0]), r"labels must have one entry per input \(2\)"),
        (lambda: geometry.mixup(np.ones(2), [1.0, 1.0], copies=0), "copies must be a whole number"),
        (lambda: geometry.mixup(np.ones(2), [1.0, 1.0], copies=10**16), "copies must fit in memory"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
