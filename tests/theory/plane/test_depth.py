from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepscape.errors import InputError
from stepscape.problems import geometry
from stepscape.theory import plane
from stepscape.theory.plane import depth

seeds = st.integers(0, 2**32 - 1)


def brute_depth(point, x, v):
    """In the plane: all directions orthogonal to a difference, turned both ways by less than any angle."""
    away = [(p - point, c) for p, c in zip(x, v / v.sum(), strict=True)]
    best = 1.0
    for a, _ in away:
        if not a.any():
            continue
        for turn in (-1e-7, 1e-7):
            for sign in (-1.0, 1.0):
                u = sign * np.array([-a[1], a[0]]) + turn * a
                best = min(best, sum(c for b, c in away if u @ b >= 0.0))
    return best


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_in_the_plane_it_is_the_depth(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 25))
    x = rng.standard_normal((n, 2))
    if rng.random() < 0.3:
        x = np.round(x)  # on lines through one another, and on the point
    v = rng.random(n) + 0.1 if rng.random() < 0.5 else np.ones(n)
    middle = x[-1] if n == 2 else x.mean(axis=0)  # the middle of two points is off their line by rounding
    at = np.array([x[0], middle, rng.standard_normal(2)])
    found = plane.depth_bound(at, x, v)
    assert found.exact
    expected = [brute_depth(p, x, v) for p in at]
    np.testing.assert_allclose(found.value, expected, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=30)
@given(seeds)
def test_every_direction_is_a_witness(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 6))
    x, v = rng.standard_normal((30, d)), rng.random(30)
    found = plane.depth_bound(x[:4], x, v, directions=20, seed=seed % 100)
    for point, value, u in zip(x[:4], found.value, found.direction, strict=True):
        inside = (x - point) @ u >= -1e-12
        assert value == pytest.approx(v[inside].sum() / v.sum(), rel=1e-12)
    more = plane.depth_bound(x[:4], x, v, directions=60, seed=seed % 100)
    assert (more.value <= found.value + 1e-15).all()


def test_on_the_line_it_is_the_smaller_tail():
    x = np.array([0.0, 1.0, 2.0, 2.0, 5.0])
    found = plane.depth_bound([[2.0], [1.5], [6.0]], x[:, None])
    assert found.exact
    assert found.value == pytest.approx([0.6, 0.4, 0.0])


@pytest.mark.parametrize("d", [3, 5, 10])
def test_inputs_of_a_sphere_have_no_depth_and_the_center_of_a_cross_has(d):
    x = geometry.sphere(200, d, seed=d)
    assert plane.depth_bound(x[:5], x, directions=1).value == pytest.approx(1 / 200)
    assert (plane.depth_bound(1.01 * x[:5], x, directions=1).value == 0.0).all()
    # Every closed half-space through 0 holds one of ±e_i for each i.
    cross = np.vstack([np.eye(d), -np.eye(d)])
    assert plane.depth_bound(np.zeros((1, d)), cross).value == pytest.approx(0.5)


def test_the_search_finds_the_depth_where_hyperplanes_are_few():
    # Points of R³ in general position: all sets of two inputs, turned both ways, give the depth.
    from itertools import combinations

    x = np.random.default_rng(0).standard_normal((14, 3))
    for point in (x[0], 0.3 * x[1]):
        best = 1.0
        away = x - point
        off = away[np.abs(away).sum(axis=1) > 0]
        for a, b in combinations(off, 2):
            normal = np.cross(a, b)
            for sign in (-1.0, 1.0):
                inside = sign * (away @ normal) > 1e-9 * np.linalg.norm(normal)
                best = min(best, (inside.sum() + (len(away) - len(off))) / 14)
        found = plane.depth_bound(point[None], x, directions=400)
        assert not found.exact
        assert found.value[0] == pytest.approx(best)


def test_hyperplanes_through_inputs_are_turned_away_from_them_on_both_sides():
    # Three inputs close to a plane through 0: one side of each of their three hyperplanes avoids them, and
    # hardly any other direction; the heavy input draws the mean away. Which side it is depends on the sign of
    # a singular vector, which is as good as random under rotations.
    angle = 2.0 * np.pi * np.arange(3) / 3.0
    cone = np.column_stack([np.cos(angle), np.sin(angle), np.full(3, 1e-3)])
    for seed in range(24):
        turned = cone @ np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0]
        found = plane.depth_bound(np.zeros((1, 3)), turned, [5.0, 1.0, 1.0], directions=1, seed=seed)
        assert found.value[0] == 0.0
        assert (turned @ found.direction[0] < 0.0).all()


def test_the_direction_away_from_the_mean_is_tried():
    # Fewer inputs than a hyperplane needs, which lean a little to one side of 0 along an axis that no
    # coordinate is close to; each coordinate has both signs.
    angle = 2.0 * np.pi * np.arange(3) / 3.0
    for seed in range(12):
        frame = np.linalg.qr(np.random.default_rng(seed).standard_normal((5, 3)))[0].T
        leaning = np.column_stack([np.full(3, 0.05), np.cos(angle), np.sin(angle)]) @ frame
        found = plane.depth_bound(np.zeros((1, 5)), leaning, directions=1, seed=seed)
        assert found.value[0] == 0.0


def test_inputs_on_the_hyperplane_up_to_rounding_are_inside():
    rng = np.random.default_rng(0)
    for _ in range(20):
        frame = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        away = depth._away(rng.standard_normal((12, 2)) @ frame[:2], np.zeros(3))
        assert depth._emptiest(away, np.full(12, 1 / 12), frame[2:])[0] == pytest.approx(1.0)


def test_the_population_depth_of_a_ball():
    x = geometry.ball(4000, 3, seed=0)
    at = np.array([[0.0, 0.0, 0.5], [0.0, 0.8, 0.0]])
    found = plane.depth_bound(at, x, directions=300).value
    expected = plane.half_space_mass([0.5, 0.8], 3)
    # An upper bound on the empirical depth, which is below the population one by sampling.
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02)


def test_refusals():
    x = np.ones((3, 2))
    for call, sentence in (
        (lambda: plane.depth_bound([[1.0]], x), "at must have 2 columns, like the inputs, got 1"),
        (lambda: plane.depth_bound([1.0, 2.0], x), r"at must have shape \(n, d\)"),
        (lambda: plane.depth_bound(x, x, directions=0), "directions must be a whole number of at least 1"),
        (lambda: plane.depth_bound(x, x, [0.0, 0.0, 0.0]), "weights must have a positive sum"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
